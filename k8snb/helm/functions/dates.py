"""Dates, read from the cluster's clock. Upstream: sprig's `date.go`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from k8snb.helm.functions.numbers import to_int
from k8snb.helm.gotime import STRING, formatted, parsed, seconds_of, zone
from k8snb.machinery.durations import go_duration
from k8snb.machinery.gotemplate import FunctionError
from k8snb.machinery.gotemplate.values import Int64


class Moment:
    """A `time.Time` as templates see it: with `.Format`, `.Unix`, `.UTC`, `.Year` and the like."""

    def __init__(self, at: datetime) -> None:
        self.at = at
        self.template_fields: Mapping[str, Any] = {
            "Format": lambda layout: formatted(at, layout),
            "Unix": lambda: Int64(at.timestamp()),
            "UnixNano": lambda: Int64(at.timestamp() * 1e9),
            "UTC": lambda: Moment(at.astimezone(UTC)),
            "Local": lambda: self,
            "Year": lambda: at.year,
            "Month": lambda: formatted(at, "January"),
            "Day": lambda: at.day,
            "Hour": lambda: at.hour,
            "Minute": lambda: at.minute,
            "Second": lambda: at.second,
            "YearDay": lambda: at.timetuple().tm_yday,
            "Weekday": lambda: formatted(at, "Monday"),
            "String": lambda: str(self),
        }

    def __str__(self) -> str:
        return formatted(self.at, STRING)


def _modified(change: str, date: Any) -> Any:
    if not isinstance(date, Moment):
        raise FunctionError("wrong type for value; expected time.Time")
    return Moment(date.at + timedelta(seconds=seconds_of(change)))


def _date_modify(change: str, date: Any) -> Any:
    try:
        return _modified(change, date)
    except ValueError:
        return date


def _must_date_modify(change: str, date: Any) -> Any:
    try:
        return _modified(change, date)
    except ValueError as error:
        raise FunctionError(str(error)) from None


def _must_to_date(layout: str, text: str) -> Any:
    try:
        return Moment(parsed(text, layout))
    except ValueError as error:
        raise FunctionError(str(error)) from None


def _to_date(layout: str, text: str) -> Any:
    try:
        return _must_to_date(layout, text)
    except FunctionError:
        return Moment(datetime(1, 1, 1, tzinfo=UTC))


def _unix_epoch(date: Any) -> str:
    return str(int(date.at.timestamp()))


def _duration(value: Any) -> str:
    return go_duration(float(to_int(value)))


_SPANS = ((86400 * 365, "y"), (86400 * 30, "mo"), (86400, "d"), (3600, "h"), (60, "m"), (1, "s"))


def functions(now: Callable[[], float]) -> Mapping[str, Callable[..., Any]]:
    """The functions, told by this clock (seconds since 1970)."""

    def moment(value: Any) -> datetime:
        if isinstance(value, Moment):
            return value.at
        whole = isinstance(value, int) and not isinstance(value, bool)
        return datetime.fromtimestamp(value if whole else now(), UTC)

    def date_in_zone(layout: str, date: Any, name: str) -> str:
        return formatted(moment(date).astimezone(zone(name)), layout)

    def date(layout: str, value: Any) -> str:
        return date_in_zone(layout, value, "UTC")

    def html_date(value: Any) -> str:
        return date("2006-01-02", value)

    def html_date_in_zone(value: Any, name: str) -> str:
        return date_in_zone("2006-01-02", value, name)

    def ago(value: Any) -> str:
        return go_duration(float(round(now() - moment(value).timestamp())))

    def duration_round(value: Any) -> str:
        try:
            given = seconds_of(value) if isinstance(value, str) else to_int(value) / 1e9
        except ValueError:
            given = 0.0
        length = now() - value.at.timestamp() if isinstance(value, Moment) else given
        return next((f"{int(abs(length) // size)}{name}" for size, name in _SPANS if abs(length) > size), "0s")

    return {
        "ago": ago,
        "date": date,
        "dateInZone": date_in_zone,
        "dateModify": _date_modify,
        "date_in_zone": date_in_zone,
        "date_modify": _date_modify,
        "duration": _duration,
        "durationRound": duration_round,
        "htmlDate": html_date,
        "htmlDateInZone": html_date_in_zone,
        "mustDateModify": _must_date_modify,
        "mustToDate": _must_to_date,
        "must_date_modify": _must_date_modify,
        "now": lambda: Moment(datetime.fromtimestamp(now(), UTC)),
        "toDate": _to_date,
        "unixEpoch": _unix_epoch,
    }

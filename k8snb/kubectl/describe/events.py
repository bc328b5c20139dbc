"""The events of an object, as the last part of its page."""

from __future__ import annotations

from collections.abc import Sequence

from k8snb.apiserver.printing.durations import since
from k8snb.errors import StatusError
from k8snb.kubectl.describe.writer import Page
from k8snb.kubectl.session import Session
from k8snb.typing import Object


def event_time(event: Object) -> str:
    """When it was last seen."""
    series = event.get("series") or {}
    return str(series.get("lastObservedTime") or event.get("lastTimestamp") or event.get("eventTime") or "")


def interval(event: Object, now: float) -> str:
    """`5s`, or `5s (x3 over 2m)` for one that came more than once."""
    first = since(event.get("eventTime") or event.get("firstTimestamp"), now)
    series = event.get("series")
    if series:
        return f"{since(series.get('lastObservedTime'), now)} (x{series.get('count', 0)} over {first})"
    if event.get("count", 0) > 1:
        return f"{since(event.get('lastTimestamp'), now)} (x{event['count']} over {first})"
    return first


def search_events(session: Session, obj: Object, *, uid: str | None = None, kind: str | None = None) -> list[Object]:
    """The events about an object; `uid` and `kind` replace its own (empty leaves them out)."""
    meta = obj["metadata"]
    namespace = meta.get("namespace", "")
    kind = obj["kind"] if kind is None else kind
    uid = meta.get("uid", "") if uid is None else uid
    terms = {
        "involvedObject.kind": kind,
        "involvedObject.uid": uid,
        "involvedObject.name": meta["name"],
        "involvedObject.namespace": namespace,
    }
    selector = ",".join(f"{key}={value}" for key, value in sorted(terms.items()) if value or key.endswith("namespace"))
    events = session.scheme.find("events")
    assert events is not None
    try:
        return session.items(events, namespace, {"fieldSelector": selector, "limit": "500"})
    except StatusError:
        return []


def describe_events(page: Page, events: Sequence[Object], now: float) -> None:
    """The table of events; a line if there are none."""
    if not events:
        page.line("Events:\t<none>")
        return
    page.line("Events:")
    page.line("Type\tReason\tAge\tFrom\tMessage", 1)
    page.line("----\t------\t----\t----\t-------", 1)
    for event in sorted(events, key=_order):
        source = (event.get("source") or {}).get("component") or event.get("reportingComponent", "")
        cells = (event.get("type", ""), event.get("reason", ""), interval(event, now), source)
        page.line("\t".join((*cells, event.get("message", "").strip())), 1)


def _order(event: Object) -> str:
    return str(event.get("lastTimestamp") or "")

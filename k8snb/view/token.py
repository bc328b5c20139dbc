"""What a token of a service account says, claim by claim, and every check that the API server makes of it.

Anybody can read a token: header and claims are plain text, and only the third part, the signature, needs a key. Whether
it is believed is another question; the checks are those of the API server itself (`apiserver/access/examining.py`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from k8snb.apiserver.access.examining import LEGACY, Check, Examination
from k8snb.clock import rfc3339
from k8snb.i18n import _
from k8snb.view.frames import Act, Frame
from k8snb.view.grid import Cell, Grid
from k8snb.view.stepper import Stepper

CLIENT, SERVER, STORE = "client", "kube-apiserver", "etcd"
_LOOKED_UP = {"service account": "ServiceAccount", "secret": "Secret", "pod": "Pod", "node": "Node"}
_TIMES = ("exp", "iat", "nbf", "warnafter")


class TokenView:
    """A token: its `header` and `claims`, who would be let in (`user`), and why not (`refused`)."""

    def __init__(self, examination: Examination, now: float, revision: int) -> None:
        self._now = now
        self._revision = revision
        self.header = examination.header
        self.claims = examination.claims
        try:
            self.checks = tuple(examination.checks())
        except (KeyError, TypeError, ValueError):
            self.checks = (Check("claims", "", "", "invalid bearer token"),)
        self.refused = next((check.refused for check in self.checks if check.refused), "")
        """Why the token is not believed; empty if it is."""
        self.user = "" if examination.user is None else examination.user.name
        """Who comes in with it; empty if nobody does."""
        self._groups = () if examination.user is None else examination.user.groups

    def _grid(self) -> Grid:
        rows = [self._row(place, name, value) for place, name, value in self._said()]
        verdict = _("the API server would refuse it: {why}").format(why=self.refused)
        if self.user:
            verdict = _("who sends it is {user}").format(user=self.user)
        heads = (_("Claim"), _("Value"))
        return Grid(_("What the token says"), heads, rows, [verdict])

    def _said(self) -> Iterator[tuple[str, str, Any]]:
        """Every field of header and claims with the part it stands in; claims within claims one by one."""
        yield from (("header", name, value) for name, value in self.header.items())
        for name, value in self.claims.items():
            if isinstance(value, Mapping):
                yield from ((name, inner, each) for inner, each in value.items())
            else:
                yield "claims", name, value

    def _row(self, place: str, name: str, value: Any) -> tuple[Cell, Cell]:
        plain = name.removeprefix(LEGACY)
        meaning = _meanings().get(plain, lambda: "")()
        shown, more = _shown(value)
        if name in _TIMES:
            more = f"{rfc3339(value)}, {_distance(value - self._now)}"
        where = "" if place in ("header", "claims") else f"{place}/"
        return Cell(f"{where}{name}", meaning, "slate" if place == "header" else "blue"), Cell(shown, more)

    def __repr__(self) -> str:
        return str(self._grid())

    def _repr_html_(self) -> str:
        return self._grid()._repr_html_()

    # -- checks ------------------------------------------------------------------------------------

    def stepper(self, title: str = "") -> Stepper:
        """The checks one by one, up to the verdict."""
        frames = [self._arrives(), *map(self._frame, self.checks), self._verdict()]
        return Stepper(title or _("A token is looked at"), frames, ("sequence", "diff"))

    def _arrives(self) -> Frame:
        act = Act(_("send"), "Authorization: Bearer …", 0, 0, to=SERVER)
        return Frame(
            CLIENT,
            "",
            _("a request arrives with a token, and nothing else says who sent it"),
            0.0,
            self._revision,
            acts=[act],
        )

    def _frame(self, check: Check) -> Frame:
        seen = [(_("the token says"), check.says or _("nothing")), (_held_against(check.name), check.seen or _("none"))]
        kind = _LOOKED_UP.get(check.name)
        acts = [Act(_("read"), f"{kind} {check.says.partition(' ')[0]}", 0, 0, to=STORE, by=SERVER)] if kind else []
        words = _passed().get(check.name, check.name)
        caption = "" if check.refused else words
        return Frame(SERVER, "", caption, 0.0, self._revision, observed=seen, acts=acts, error=check.refused)

    def _verdict(self) -> Frame:
        if self.user:
            seen = [(_("user"), self.user), (_("groups"), ", ".join(self._groups))]
            words = _("every check is passed: now it is known who asks, and whether they may is the next question")
            return Frame(SERVER, "", words, 0.0, self._revision, observed=seen)
        answer = Act(_("answer"), "401 Unauthorized", 0, 0, to=CLIENT)
        words = _("the client is told that it is not let in, and not why")
        return Frame(SERVER, "", words, 0.0, self._revision, acts=[answer])


def _shown(value: Any) -> tuple[str, str]:
    """A claim, and what else there is in it."""
    if isinstance(value, list):
        return ", ".join(map(str, value)), ""
    if isinstance(value, Mapping):
        return str(value.get("name", "")), f"UID {value['uid']}" if "uid" in value else ""
    return str(value), ""


def _distance(seconds: float) -> str:
    """How far a moment is away, in its largest unit."""
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        if abs(seconds) >= 2 * size or size == 1:
            count = f"{abs(seconds) / size:.0f} {unit}"
            return _("in {time}").format(time=count) if seconds > 0 else _("{time} ago").format(time=count)
    return ""


def _held_against(name: str) -> str:
    """What a check holds the token's words against."""
    if name in ("expiry", "not before"):
        return _("the clock says")
    if name in _LOOKED_UP:
        return _("the UID there now")
    return _("label") if name == "not cleaned up" else _("the API server expects")


def _passed() -> Mapping[str, str]:
    return {
        "issuer": _("issuer: the token says that it is this cluster's"),
        "signature": _("signature: it was signed with the cluster's key, and nothing was changed since"),
        "audience": _("audience: it is meant for whoever looks at it"),
        "expiry": _("expiry: its time has not run out"),
        "not before": _("not before: its time has come"),
        "service account": _("service account: it is there, and it is the same one"),
        "secret": _("secret: it is there and holds this very token"),
        "pod": _("pod: it is there, and it is the same one"),
        "node": _("node: it is there, and it is the same one"),
        "not cleaned up": _("not marked as invalid for want of use"),
    }


def _meanings() -> Mapping[str, Callable[[], str]]:
    """What each field means."""
    return {
        "alg": lambda: _("how it is signed"),
        "kid": lambda: _("with which of the cluster's keys"),
        "aud": lambda: _("audience: for whom it is meant"),
        "exp": lambda: _("expires"),
        "iat": lambda: _("issued at"),
        "nbf": lambda: _("not before"),
        "iss": lambda: _("issuer: whose word this is"),
        "jti": lambda: _("the number of this token, for the audit log"),
        "sub": lambda: _("subject: who bears it"),
        "namespace": lambda: _("where the account lives"),
        "serviceaccount": lambda: _("the account; another one of that name is not meant"),
        "pod": lambda: _("bound to a pod: ends with it"),
        "node": lambda: _("where that pod runs"),
        "secret": lambda: _("bound to a Secret: ends with it"),
        "warnafter": lambda: _("from here on, uses are counted as late"),
        "secret.name": lambda: _("kept in a Secret: ends with it"),
        "service-account.name": lambda: _("the account"),
        "service-account.uid": lambda: _("the account; another one of that name is not meant"),
    }

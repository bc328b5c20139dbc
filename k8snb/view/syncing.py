"""What a kubelet saw of one pod, what it made of that, and what it did: the life of a pod worker as a table.

A row is a moment in which something was done for the pod. It is put together from the spans that the kubelet left in
the trace and from the calls that crossed the Container Runtime Interface. Upstream the parts are the channels that
`syncLoopIteration` selects from, `computePodActions`, and `SyncPod`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from k8snb.i18n import _
from k8snb.kubelet.runtime import Call
from k8snb.trace import Span
from k8snb.typing import Object, ObjectKey
from k8snb.view.frames import when

_RUNTIME = ("exited", "sandbox ready", "pulled", "pull failed", "created", "launched", "signal", "start failed")
_TIMERS = ("retry", "resync", "refresh", "restart", "again", "back off")


@dataclass(slots=True)
class Moment:
    """What a kubelet did for a pod at one time."""

    time: float
    """Seconds since it first saw the pod."""
    saw: dict[str, None] = field(default_factory=dict)
    """What happened, with where that was heard of."""
    decided: dict[str, None] = field(default_factory=dict)
    """What that meant: states of the pod and of containers, and why."""
    calls: list[str] = field(default_factory=list)
    """What the runtime was asked for."""
    writes: list[str] = field(default_factory=list)
    """What was written to the API."""

    @property
    def idle(self) -> bool:
        """Whether nothing came of it but that somebody asked."""
        return not (self.decided or self.writes or set(self.calls) - {"ExecSync"})

    def lines(self) -> list[str]:
        """As text."""
        parts: Mapping[str, Iterable[str]] = {
            _("saw"): self.saw,
            _("decided"): self.decided,
            _("runtime"): [", ".join(self.calls)] if self.calls else [],
            _("API"): [", ".join(self.writes)] if self.writes else [],
        }
        told = [(name, text) for name, texts in parts.items() for text in texts]
        names = [name if not number or told[number - 1][0] != name else "" for number, (name, _text) in enumerate(told)]
        heads = [when(self.time), *[""] * len(told)]
        return [f"{head:>11}  {name:<8} {text}" for head, name, (_name, text) in zip(heads, names, told, strict=False)]


class Syncs(tuple[Moment, ...]):
    """The moments of one pod, shown as a table."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "\n".join(line for moment in self for line in moment.lines())


def syncs(pod: Object, spans: Iterable[Span], calls: Sequence[Call], *, idle: bool = False) -> Syncs:
    """All moments in which something was done for a pod; with `idle` those without a consequence as well."""
    meta, component = pod["metadata"], f"kubelet/{pod['spec'].get('nodeName', '')}"
    key = ObjectKey(meta["namespace"], meta["name"])
    own = [each for each in spans if each.component == component and each.key == key]
    began = max((each.time for each in own if each.observed.get("event") == "seen"), default=0.0)
    made: dict[float, Moment] = {}
    for span in own:
        if span.time >= began:
            moment = made.setdefault(span.time, Moment(round(span.time - began, 3)))
            _take(moment, span)
    for call in calls:
        if call.time in made and f"kubelet/{call.node}" == component and call.request.get("pod") == key.name:
            made[call.time].calls.append(call.method)
    return Syncs(each for _time, each in sorted(made.items()) if idle or not each.idle)


def _take(moment: Moment, span: Span) -> None:
    event = str(span.observed.get("event", ""))
    moment.saw[f"{event} ({_source(event)})"] = None
    for name, (before, after) in span.compared.items():
        moment.decided[f"{name}: {before} → {after}"] = None
    if span.wanted:
        moment.decided[span.wanted] = None
    for sent in span.requests:
        info = sent.request.info
        if info is not None and info.resource is not None and info.verb in ("update", "patch", "create", "delete"):
            what = f"{info.resource.kind}{f' {info.subresource}' if info.subresource else ''}"
            moment.writes.append(f"{info.verb} {what}")


def _source(event: str) -> str:
    """Where a kubelet hears of something."""
    if event in ("seen", "stopping"):
        return _("from the API server")
    if event == "probe":
        return _("from a probe")
    if event in _TIMERS:
        return _("a time has come")
    return _("from the runtime, by the PLEG") if event in _RUNTIME else _("from the worker itself")

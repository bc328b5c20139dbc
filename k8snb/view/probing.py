"""A pod's probes over time: each answer of each probe as a bar, below what the container and the pod were meanwhile.

The answers are those that kubelets have kept (`kubelet.pool.Pool.probed`), the states come from the store's history.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from functools import partial

from k8snb.i18n import _
from k8snb.kubelet.pool import Probed
from k8snb.machinery.objects import is_true
from k8snb.trace import Sent
from k8snb.typing import Object
from k8snb.view.gantt import Bar, Gantt, Past, Stretch

_KINDS = ("startup", "liveness", "readiness")


def timeline(
    pod: Object,
    probed: Iterable[Probed],
    requests: Iterable[Sent],
    at: Callable[[int], Past],
    now: float,
    *,
    seconds: float = 0.0,
    title: str = "",
) -> Gantt:
    """The probes of a pod and what they did, from when its kubelet saw it, or for the last so many seconds."""
    name, namespace, uid = (pod["metadata"][field] for field in ("name", "namespace", "uid"))
    versions = list(_versions(name, namespace, uid, requests, at))
    began = versions[0][0] if versions else now
    own = [each for each in probed if each.uid == uid]
    bars = []
    for container in dict.fromkeys(each["name"] for each in pod["spec"]["containers"]):
        told = partial(_container, container)
        bars.append(_bar("Container", container, _states(versions, began, now, told)))
        for kind in _KINDS:
            answers = [each for each in own if each.container == container and each.kind == kind]
            if answers:
                bars.append(_bar("Probe", _titles()[kind], list(_answers(answers, began, now))))
    bars.append(_bar("Pod", name, _states(versions, began, now, _pod)))
    left_out = max(now - began - seconds, 0.0) if seconds else 0.0
    shown = [replace(bar, stretches=list(_from(bar.stretches, left_out))) for bar in bars]
    return Gantt(title or _("The probes of {name}").format(name=name), shown, now - began - left_out)


def _from(stretches: Iterable[Stretch], begin: float) -> Iterator[Stretch]:
    """The stretches from a moment on, on a scale that begins there."""
    for each in stretches:
        if each.end > begin:
            yield each._replace(start=max(each.start - begin, 0.0), end=each.end - begin)


def _titles() -> dict[str, str]:
    return {"startup": _("startup"), "liveness": _("liveness"), "readiness": _("readiness")}


def _bar(kind: str, name: str, stretches: Sequence[Stretch]) -> Bar:
    return Bar(kind, name, (), list(stretches))


def _versions(
    name: str, namespace: str, uid: str, requests: Iterable[Sent], at: Callable[[int], Past]
) -> Iterator[tuple[float, Object]]:
    """The pod after every write, and when that was."""
    for sent in requests:
        info = sent.request.info
        if info is None or info.resource is None or info.resource.plural != "pods" or sent.code >= 300:
            continue
        if info.verb in ("get", "list", "watch") or info.namespace != namespace:
            continue
        found = at(sent.revision).get("pods", name, namespace)
        if found is not None and found["metadata"]["uid"] == uid:
            yield sent.time, found


def _states(
    versions: Sequence[tuple[float, Object]], began: float, now: float, told: Callable[[Object], tuple[str, str]]
) -> list[Stretch]:
    """Stretches of one state each, as a pod's versions tell it."""
    made: list[Stretch] = []
    for number, (time, pod) in enumerate(versions):
        end = versions[number + 1][0] if number + 1 < len(versions) else now
        state, word = told(pod)
        if made and made[-1].state == state and made[-1].word == word:
            made[-1] = made[-1]._replace(end=end - began)
        elif end > time:
            made.append(Stretch(time - began, end - began, state, word, True))
    return made


def _container(name: str, pod: Object) -> tuple[str, str]:
    found = next((s for s in (pod.get("status") or {}).get("containerStatuses") or () if s["name"] == name), None)
    if found is None:
        return "pending", _("waiting")
    state = found["state"]
    if "running" in state:
        return ("starting", _("running, not started")) if not found.get("started") else ("ready", _("running"))
    if "terminated" in state:
        return "failing", str(state["terminated"].get("reason") or _("ended"))
    return "pending", str(state.get("waiting", {}).get("reason") or _("waiting"))


def _pod(pod: Object) -> tuple[str, str]:
    return ("ready", _("Ready")) if is_true(pod, "Ready") else ("failing", _("not Ready"))


def _answers(answers: Sequence[Probed], began: float, now: float) -> Iterator[Stretch]:
    """One stretch for each run of equal answers; a gap where nobody asked for longer than usual."""
    start = answers[0].time
    for number, each in enumerate(answers):
        after = answers[number + 1] if number + 1 < len(answers) else None
        changes = after is None or after.success != each.success or after.attempt != each.attempt
        if not changes:
            continue
        end = min(each.time + each.period, now) if after is None or after.attempt != each.attempt else after.time
        state, word = ("ready", _("succeeds")) if each.success else ("failing", _("fails"))
        yield Stretch(start - began, max(end, start) - began, state, word, True)
        start = after.time if after is not None else now

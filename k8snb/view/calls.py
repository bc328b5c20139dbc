"""What one pod made the kubelet ask of the container runtime, call by call.

The calls are those that crossed the seam (`kubelet.runtime.CallLog`), with the names that they have in the Container
Runtime Interface. Each is a frame: who asks, what the method is for, what was said and answered, and which sandbox,
image and containers there are on the node afterwards.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from k8snb.i18n import _
from k8snb.kubelet.references import parse
from k8snb.kubelet.runtime import RUNTIME_NAME, Call
from k8snb.typing import Object
from k8snb.view.changes import Change
from k8snb.view.frames import DIRECT, Act, Frame, opened
from k8snb.view.scene import Item
from k8snb.view.stepper import Stepper

_IMAGES = "ImageService"
_SHORT = 8
"""So many digits of an identifier are shown."""

_IDENTIFIER = re.compile(r"[0-9a-f]{64}|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def purposes() -> dict[str, str]:
    """What each method of the CRI is for, in a sentence."""
    return {
        "RunPodSandbox": _("make what the pod's containers will share: its namespaces, its cgroup, its address"),
        "StopPodSandbox": _("end what still runs in the sandbox and take it off the network"),
        "RemovePodSandbox": _("forget the sandbox and everything in it"),
        "ImageStatus": _("is the image on this machine?"),
        "PullImage": _("fetch the image from its registry"),
        "CreateContainer": _("prepare a container in the sandbox: its files, its limits; nothing runs yet"),
        "StartContainer": _("run the process"),
        "StopContainer": _("ask the process to end, and kill it if it has not after so many seconds"),
        "RemoveContainer": _("forget an exited container and its log"),
        "ExecSync": _("run a command beside the process and wait for it"),
        "PortForward": _("open a way into the sandbox's network"),
    }


def calls(log: Sequence[Call], pod: Object, revision: int, title: str = "") -> Stepper:
    """The story of the calls that were made for the pod, in order; empty if there were none."""
    own = list(_own(log, pod))
    known = _("What the kubelet asked of the runtime for Pod {name}").format(name=pod["metadata"]["name"])
    return Stepper(title or known, list(_frames(own, _over(pod), revision)), (*opened("sequence", DIRECT), "timeline"))


def _own(log: Sequence[Call], pod: Object) -> Iterator[Call]:
    """The pod's calls, and those about its images on the same machine from its first call on."""
    name, place = pod["metadata"]["name"], pod["spec"].get("nodeName")
    every = [*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]]
    images = {str(parse(each["image"])) for each in every}
    begun = False
    for call in log:
        if call.node != place:
            continue
        mine = call.request.get("pod") == name
        begun = begun or mine
        if mine or (begun and call.service == _IMAGES and call.request.get("image") in images):
            yield call


def _over(pod: Object) -> dict[str, list[str]]:
    """What has ended when a container is created: its last run, and the init containers before it but for sidecars."""
    inits = pod["spec"].get("initContainers") or []
    over: dict[str, list[str]] = {}
    done: list[str] = []
    for each in (*inits, *pod["spec"]["containers"]):
        over[each["name"]] = [*done, each["name"]]
        if each in inits and each.get("restartPolicy") != "Always":
            done.append(each["name"])
    return over


def _frames(own: Sequence[Call], over: Mapping[str, Sequence[str]], revision: int) -> Iterator[Frame]:
    shown: dict[str, Item] = {}
    for call in own:
        if call.method == "CreateContainer":
            shown = _ended(shown, over.get(call.request["container"], ()))
        asked = _frame(call, f"kubelet {call.node}", call.time - own[0].time, revision, shown)
        act = Act(_("call"), f"{call.service} {call.method}{_for(call)}", 0, 0, to=f"{RUNTIME_NAME} {call.node}")
        answers = bool(call.response)
        shown = shown if answers else _after(shown, call)
        words = purposes().get(call.method, "")
        yield replace(asked, caption=words, observed=_asked(call), acts=[act], scene=_scene(call, shown))
        if answers:
            shown = _after(shown, call)
            yield _answered(call, call.time + call.seconds - own[0].time, revision, shown)


def _answered(call: Call, time: float, revision: int, shown: Mapping[str, Item]) -> Frame:
    """The runtime's answer, when its work is done."""
    frame = _frame(call, f"{RUNTIME_NAME} {call.node}", time, revision, shown)
    act = Act(_("answer"), f"{call.method}{_for(call)}", 0, 0, changes=_answer(call), to=f"kubelet {call.node}")
    return replace(frame, acts=[act], error=str(call.response.get("error", "")))


def _frame(call: Call, actor: str, time: float, revision: int, shown: Mapping[str, Item]) -> Frame:
    touched = [name for name in _touched(call) if name in shown]
    return Frame(actor, call.method, "", time, revision, scene=_scene(call, shown), touched=touched)


def _scene(call: Call, shown: Mapping[str, Item]) -> Mapping[str, Item]:
    return {f"Node/{call.node}": {}, **shown}


def _for(call: Call) -> str:
    """Which of the pod's containers or images it is about, in brackets; nothing if it is about the whole pod."""
    name = call.request.get("container") or _tail(call.request.get("image", ""))
    return f" ({name})" if name else ""


def _asked(call: Call) -> list[tuple[str, str]]:
    return [(name.replace("_", " "), _value(value)) for name, value in call.request.items()]


def _answer(call: Call) -> list[Change]:
    return [Change(name, "", _value(value) or _("none")) for name, value in call.response.items() if name != "error"]


def _value(value: Any) -> str:
    """A value of a request or a response, identifiers and digests shortened."""
    text = " ".join(map(str, value)) if isinstance(value, list) else str(value)
    head, at, digest = text.partition("@sha256:")
    if at:
        return f"{head}@sha256:{digest[:_SHORT]}…"
    return text[:_SHORT] + "…" if _IDENTIFIER.fullmatch(text) else text


# -- the picture -----------------------------------------------------------------------------------------------


def _touched(call: Call) -> list[str]:
    if call.service == _IMAGES:
        return [f"Image/{_tail(call.request['image'])}"]
    return (
        [f"Container/{call.request['container']}"]
        if "container" in call.request
        else [f"Sandbox/{call.request['pod']}"]
    )


def _ended(before: Mapping[str, Item], containers: Sequence[str]) -> dict[str, Item]:
    """What is on the machine once these containers have ended, of which no call tells."""
    names = {f"Container/{name}" for name in containers} & before.keys()
    return {**before, **{name: {**before[name], "state": "done", "word": "exited"} for name in names}}


def _after(before: Mapping[str, Item], call: Call) -> dict[str, Item]:
    """What is on the machine after the call."""
    [name] = _touched(call)
    place = f"Node/{call.node}"
    shown = dict(before)
    if call.method == "RunPodSandbox":
        shown[name] = {"place": place, "state": "ready", "word": str(call.response.get("ip", ""))}
    elif call.method in ("ImageStatus", "PullImage"):
        if call.response.get("image_ref"):
            shown[name] = {"facts": [[_("on"), call.node]]}
    elif call.method in _STATES:
        state, word = _STATES[call.method]
        shown[name] = {"place": place, "state": state, "word": word}
    elif call.method in ("RemoveContainer", "RemovePodSandbox"):
        return {
            each: item for each, item in shown.items() if each != name and (name.startswith("C") or "place" not in item)
        }
    return shown


_STATES = {
    "CreateContainer": ("starting", "created"),
    "StartContainer": ("ready", "running"),
    "StopContainer": ("ending", "stopping"),
    "StopPodSandbox": ("ending", "not ready"),
}


def _tail(image: Any) -> str:
    return str(image).rpartition("/")[2]

"""What a storage driver was asked, as a table and as a story: from the claim to the mount, and back.

The calls are those that crossed the driver's socket, with the names and fields of the Container Storage Interface, and
the bytes that they were. In the story each call is a frame of whoever asks, and its answer one of the driver's part
that was asked: the controller's, of which there is one, or that of a node.
"""

from __future__ import annotations

import html
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

from k8snb.csi.calls import CODES, Call
from k8snb.i18n import _
from k8snb.view.changes import Change
from k8snb.view.frames import DIRECT, Act, Frame, opened
from k8snb.view.scene import Item
from k8snb.view.stepper import Stepper
from k8snb.view.theme import hue

_WRAP, _HEAD = "overflow-wrap:anywhere", "font-size:12px;opacity:.8"
_LONGEST = 72

_LINE = 'style="display:flex;flex-wrap:wrap;gap:0 12px;padding:3px 0 7px"'
_WIDTHS = ("0 0 3.5em", "0 1 11em", "0 1 12em", "1 1 16em", "1 1 9em")
"""How wide the cells of a row are: those that have no room go on below, on a phone."""


def purposes() -> dict[str, str]:
    """What each call is for, in a sentence."""
    return {
        "CreateVolume": _("make a disk, once for this name"),
        "DeleteVolume": _("delete the disk with all that is on it"),
        "ControllerPublishVolume": _("attach the disk to the machine"),
        "ControllerUnpublishVolume": _("detach the disk from the machine"),
        "ControllerExpandVolume": _("make the disk larger"),
        "ControllerModifyVolume": _("change how fast the disk is"),
        "CreateSnapshot": _("keep the disk as it is now"),
        "DeleteSnapshot": _("forget what was kept"),
        "NodeStageVolume": _("mount the disk on the machine, once for all pods there"),
        "NodeUnstageVolume": _("unmount the disk from the machine"),
        "NodePublishVolume": _("mount it into the pod's directory"),
        "NodeUnpublishVolume": _("take it out of the pod's directory"),
        "NodeExpandVolume": _("let the file system fill the disk"),
        "NodeGetVolumeStats": _("how full is it?"),
        "NodeGetCapabilities": _("what can the driver do on a machine?"),
        "NodeGetInfo": _("what is this machine called, where is it, how many disks can it have?"),
        "GetPluginInfo": _("what is the driver called?"),
        "GetPluginCapabilities": _("which services does the driver have?"),
        "ControllerGetCapabilities": _("what can its controller do?"),
        "Probe": _("is the driver ready?"),
    }


def fields(message: Mapping[str, Any], lead: str = "") -> Iterator[tuple[str, str]]:
    """A message as names and values, one for each field that has one: `capacity_range.required_bytes`."""
    for key, value in message.items():
        parts = enumerate(value) if isinstance(value, list) else [("", value)]
        for number, each in parts:
            name = f"{lead}{key}" + (f"[{number}]" if number != "" else "")
            if isinstance(each, dict) and each:
                yield from fields(each, f"{name}.")
            else:
                yield name, "{}" if each == {} else str(each)


class CSICalls:
    """Calls to a driver, oldest first: who asked which part of it for what, and what came back."""

    def __init__(self, calls: Sequence[Call]) -> None:
        self.calls = tuple(calls)

    def __len__(self) -> int:
        return len(self.calls)

    def __str__(self) -> str:
        begin = self.calls[0].at if self.calls else 0.0
        return "\n".join(line for call in self.calls for line in _lines(call, call.at - begin))

    def __repr__(self) -> str:
        return str(self)

    def _repr_html_(self) -> str:
        begin = self.calls[0].at if self.calls else 0.0
        return f'<div class="k8snb-view">{"".join(_entry(call, call.at - begin) for call in self.calls)}</div>'


def _lines(call: Call, after: float) -> Iterator[str]:
    yield f"+{after:.1f} s  {call.caller} → {_part(call)}: {call.service}.{call.method} · {_size(call)}"
    yield from (f"     {name}: {_short(value)}" for name, value in fields(call.request))
    if call.error:
        yield f"   ✕ {call.code} ({CODES[call.code]}): {call.error}"
    yield from (f"   ← {name}: {_short(value)}" for name, value in fields(call.response))


def _size(call: Call) -> str:
    return _("{count} bytes").format(count=len(call.sent))


def _part(call: Call) -> str:
    """Which part of the driver is asked."""
    return f"driver-node {call.node}" if call.node else "driver-controller"


def _short(value: str) -> str:
    return value if len(value) <= _LONGEST else f"{value[:28]}…{value[-40:]}"


def _entry(call: Call, after: float) -> str:
    asked = "".join(_pair(name, value) for name, value in fields(call.request))
    answer = "".join(_pair(name, value) for name, value in fields(call.response)) or f"<div>{_('OK')}</div>"
    if call.error:
        answer = f'<div style="color:{hue("red")}">✕ {call.code}: {html.escape(call.error)}</div>'
    who = f"{html.escape(call.caller)} → {html.escape(_part(call))}"
    head = f"<strong>{call.method}</strong> · {who} · +{after:.1f} s · {_size(call)}"
    sides = ((_("request"), "2 1 20em", asked), (_("response"), "1 1 14em", answer))
    columns = "".join(
        f'<div style="flex:{flex};min-width:0;{_WRAP}"><div style="{_HEAD}">{name}</div>{found}</div>'
        for name, flex, found in sides
    )
    body = (
        f'<div style="display:flex;flex-wrap:wrap;gap:.2em 1.6em;font-size:13.5px;padding:.2em 0 .9em">{columns}</div>'
    )
    return f"<div>{head}</div>{body}"


def _pair(name: str, value: str) -> str:
    return f"<div>{html.escape(name)}: <code>{html.escape(_short(value))}</code></div>"


# -- the story -----------------------------------------------------------------------------------------------


def mounting(calls: Sequence[Call], claim: str, revision: int, title: str = "") -> Stepper:
    """The calls about one claim's volume, step by step."""
    known = _("The disk of claim {name}, call by call").format(name=claim)
    frames = list(_frames(calls, f"PersistentVolumeClaim/{claim}", revision))
    return Stepper(title or known, frames, opened("sequence", DIRECT))


def _frames(calls: Sequence[Call], claim: str, revision: int) -> Iterator[Frame]:
    scene: dict[str, Item] = {claim: {"state": "pending", "word": _("no disk yet")}}
    for call in calls:
        time = call.at - calls[0].at
        act = Act(_("call"), call.method, 0, 0, to=_part(call))
        asked = [(name, _short(value)) for name, value in fields(call.request)]
        words = purposes().get(call.method, "")
        frame = Frame(call.caller, call.method, words, time, revision, observed=asked, acts=[act], scene=scene)
        yield replace(frame, touched=[name for name in scene if name.startswith("Disk/")])
        scene = _after(scene, claim, call)
        changes = [Change(name, "", _short(value)) for name, value in fields(call.response)]
        done = Act(call.code, call.method, 0, 0, changes=changes, to=call.caller)
        answer = Frame(_part(call), call.method, "", time, revision, acts=[done], scene=scene, error=call.error)
        yield replace(answer, touched=[name for name in scene if name.startswith("Disk/")])


def _after(before: Mapping[str, Item], claim: str, call: Call) -> dict[str, Item]:
    """Where the disk is after a call."""
    request, scene = call.request, dict(before)
    if call.error or call.method not in _STATES:
        return scene
    handle = request.get("volume_id") or call.response.get("volume", {}).get("volume_id", "")
    state, word = _STATES[call.method]
    name, node = f"Disk/{handle}", call.node or request.get("node_id", "")
    if call.method == "DeleteVolume":
        scene.pop(name, None)
        return {**scene, claim: {"state": "ending", "word": _("no disk any more")}}
    scene |= {claim: {"state": "ready", "word": _("has a disk")}}
    if node:
        scene |= {f"Node/{node}": {}}
    place = {"place": f"Node/{node}"} if node and call.method != "ControllerUnpublishVolume" else {}
    return {**scene, name: {**place, "parent": claim, "state": state, "word": word}}


_STATES = {
    "CreateVolume": ("pending", "made"),
    "ControllerPublishVolume": ("starting", "attached"),
    "NodeStageVolume": ("starting", "staged"),
    "NodePublishVolume": ("ready", "mounted"),
    "NodeUnpublishVolume": ("ending", "staged"),
    "NodeUnstageVolume": ("ending", "attached"),
    "ControllerUnpublishVolume": ("pending", "detached"),
    "DeleteVolume": ("ending", "deleted"),
}

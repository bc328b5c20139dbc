"""Storage from claim to disk: pods, claims, volumes, classes, drivers, attachments, from whichever end one starts."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.typing import Object
from k8snb.view.graphs.said import disk
from k8snb.view.graphs.sketch import Sketch

CLAIMS, VOLUMES = "persistentvolumeclaims", "persistentvolumes"
CLASSES, DRIVERS = "storageclasses.storage.k8s.io", "csidrivers.storage.k8s.io"
ATTACHMENTS = "volumeattachments.storage.k8s.io"


def storage(sketch: Sketch, start: Object) -> str:
    """The whole way from pods to disks that passes through an object."""
    claims, volumes = _touched(sketch, start)
    sketch.put(start)
    for claim in claims:
        _claim(sketch, claim)
    for volume in volumes:
        _volume(sketch, volume)
    if start["kind"] == "StorageClass":
        _class(sketch, start["metadata"]["name"])
    if start["kind"] == "CSIDriver":
        for each in _made_by(sketch, start):
            _class(sketch, each["metadata"]["name"])
    return _("{kind} {name}: storage from the claim to the disk").format(
        kind=start["kind"], name=start["metadata"]["name"]
    )


def _touched(sketch: Sketch, start: Object) -> tuple[list[Object], list[Object]]:
    """The claims and volumes that have to do with an object."""
    kind, name, spec = start["kind"], start["metadata"]["name"], start.get("spec") or {}
    if kind == "PersistentVolumeClaim":
        return [start], [each for each in sketch.here(VOLUMES) if each["metadata"]["name"] == spec.get("volumeName")]
    if kind == "PersistentVolume":
        return _claims_of(sketch, {name}), [start]
    if kind == "VolumeAttachment":
        bound = (spec.get("source") or {}).get("persistentVolumeName", "")
        return _claims_of(sketch, {bound}), [each for each in sketch.here(VOLUMES) if each["metadata"]["name"] == bound]
    names = {name} if kind == "StorageClass" else {each["metadata"]["name"] for each in _made_by(sketch, start)}
    claims = [each for each in sketch.everywhere(CLAIMS) if each["spec"].get("storageClassName") in names]
    volumes = [each for each in sketch.here(VOLUMES) if each["spec"].get("storageClassName") in names]
    return claims, volumes


def _made_by(sketch: Sketch, driver: Object) -> list[Object]:
    return [each for each in sketch.here(CLASSES) if each.get("provisioner") == driver["metadata"]["name"]]


def _claims_of(sketch: Sketch, names: set[str]) -> list[Object]:
    return [each for each in sketch.everywhere(CLAIMS) if each["spec"].get("volumeName") in names]


def _claim(sketch: Sketch, claim: Object) -> None:
    """A claim, the pods that use it, and what it is bound to or waits for."""
    meta, spec = claim["metadata"], claim["spec"]
    front = sketch.put(claim)
    for pod in sketch.within("pods", meta.get("namespace", "")):
        word = _mounted(pod, meta["name"])
        if word:
            sketch.link(sketch.put(pod), front, word)
    if spec.get("volumeName"):
        volume = sketch.find(VOLUMES, spec["volumeName"])
        end = sketch.lack("PersistentVolume", spec["volumeName"]) if volume is None else sketch.put(volume)
        sketch.link(front, end, _("bound to"))
        if volume is not None:
            _volume(sketch, volume)
    elif spec.get("storageClassName"):
        sketch.link(front, _class(sketch, spec["storageClassName"]), _("asks for"), faint=True)


def _mounted(pod: Object, claim: str) -> str:
    """Where a pod mounts a claim; empty if it does not use it."""
    spec = pod["spec"]
    for volume in spec.get("volumes") or ():
        own = f"{pod['metadata']['name']}-{volume['name']}" if "ephemeral" in volume else ""
        if claim in ((volume.get("persistentVolumeClaim") or {}).get("claimName"), own):
            mounts = [m for c in spec["containers"] for m in c.get("volumeMounts") or () if m["name"] == volume["name"]]
            paths = list(dict.fromkeys(m["mountPath"] for m in mounts))
            return _("mounts at {paths}").format(paths=", ".join(paths)) if paths else _("claims")
    return ""


def _volume(sketch: Sketch, volume: Object) -> None:
    """A volume, its disk, its class, and where it is attached."""
    name, spec = volume["metadata"]["name"], volume["spec"]
    front = sketch.put(volume)
    source, place = disk(volume)
    if source:
        sketch.link(front, sketch.note("Volume", place, source, id=f"Disk/{source}/{place}"), _("stands for"))
    if spec.get("storageClassName"):
        sketch.link(front, _class(sketch, spec["storageClassName"]), _("of class"))
    elif (spec.get("csi") or {}).get("driver"):
        sketch.link(front, sketch.refer(DRIVERS, "CSIDriver", spec["csi"]["driver"]), _("handled by"))
    for each in sketch.here(ATTACHMENTS):
        if ((each.get("spec") or {}).get("source") or {}).get("persistentVolumeName") == name:
            place = each["spec"]["nodeName"]
            end = sketch.put(each, group=sketch.frame(f"Node/{place}", "Node", place))
            sketch.link(end, front, _("attaches"))


def _class(sketch: Sketch, name: str) -> str:
    """A class and its driver; returns the id of the class. A name without a class is only a word that has to match."""
    found = sketch.find(CLASSES, name)
    if found is None:
        return sketch.note("StorageClass", name, _("only a name"))
    front = sketch.put(found)
    driver = found.get("provisioner", "")
    known = sketch.find(DRIVERS, driver)
    if known is not None:
        sketch.link(front, sketch.put(known), _("provisioned by"))
    elif not driver.startswith("kubernetes.io/no-provisioner"):
        sketch.link(front, sketch.note("Provisioner", driver), _("provisioned by"))
    return front

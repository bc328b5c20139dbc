"""The attach/detach controller: a VolumeAttachment for every volume that a pod of a node needs, and none besides.

It only asks: attaching and detaching are done by whoever the volume's driver is. A volume is detached when no pod of
the node needs it and the kubelet has taken it out of `volumesInUse`; from a node that is gone for good at once, from
one that is silent after six minutes. One that can be on one node only is not asked for on a second. Pods are followed
from the first volume on that is attached at all. Upstream: `pkg/controller/volume/attachdetach`.
"""

from __future__ import annotations

from k8snb.client.controller import Context, Controller
from k8snb.controllers.podstate import has_ended
from k8snb.i18n import _
from k8snb.machinery.objects import condition, is_deleting, revision_of
from k8snb.machinery.volumes import ATTACHMENTS, CSI_DRIVERS, attachment_name, claim_names, is_exclusive, unique_name
from k8snb.typing import Object, ObjectKey

FORCE_SECONDS = 360.0
"""After how long a volume is detached from a node that does not answer (`maxWaitForUnmountDuration`)."""

_OUT_OF_SERVICE = "node.kubernetes.io/out-of-service"


_BY_NODE = "node, with claims"
"""Pods that mount claims, by their node: an index of its own, for informers are shared."""


class AttachDetachController(Controller):
    """Keys are nodes."""

    name = "attachdetach-controller"

    def __init__(self, context: Context) -> None:
        super().__init__(context)
        self._volumes = self.informers.of("persistentvolumes")
        self._claims = self.informers.of("persistentvolumeclaims")
        self._attachments = self.informers.of(ATTACHMENTS)
        self._follows = False
        self._told: dict[tuple[str, str], str] = {}
        self._unneeded: dict[str, float] = {}

    def start(self) -> None:
        self._volumes.on_change(self._volume_changed)
        self._attachments.on_change(self._attachment_changed)

    def _volume_changed(self, old: Object | None, new: Object | None) -> None:
        if not self._follows and new is not None and "csi" in new["spec"]:
            self._follows = True
            self._pods = self.informers.of("pods")
            self._nodes = self.informers.of("nodes")
            self._pods.add_index(_BY_NODE, lambda pod: [pod["spec"].get("nodeName", "")] if claim_names(pod) else [])
            self._pods.on_change(self._pod_changed)
            self._nodes.on_change(self._node_changed)

    def _pod_changed(self, old: Object | None, new: Object | None) -> None:
        pod = new or old
        assert pod is not None
        node = pod["spec"].get("nodeName")
        if node and claim_names(pod):
            self.queue.add(ObjectKey("", node), revision_of(pod))

    def _node_changed(self, old: Object | None, new: Object | None) -> None:
        node = new or old
        assert node is not None
        name = node["metadata"]["name"]
        if any(each["spec"]["nodeName"] == name for each in self._attachments.list()):
            self.queue.add(ObjectKey("", name), revision_of(node))

    def _attachment_changed(self, old: Object | None, new: Object | None) -> None:
        """Whoever waits for a volume to be free looks again, too."""
        changed = new or old
        assert changed is not None
        self.queue.add(ObjectKey("", changed["spec"]["nodeName"]), revision_of(changed))
        if new is None:
            for node in dict.fromkeys(node for node, _volume in self._told):
                self.queue.add(ObjectKey("", node), revision_of(changed))

    # -- reconciling -------------------------------------------------------------------------------

    def reconcile(self, key: ObjectKey) -> float | None:
        if not self._follows:
            return None
        wanted = self._wanted(key.name)
        there = {
            each["spec"]["source"].get("persistentVolumeName", ""): each
            for each in self._attachments.list()
            if each["spec"]["nodeName"] == key.name
        }
        self.compares(_("volumes on {node}").format(node=key.name), sorted(there), sorted(wanted))
        for name, (volume, pods) in wanted.items():
            attachment = there.get(name)
            if attachment is None:
                self._attach(key.name, volume, pods)
            elif not is_deleting(attachment):
                self._tell(key.name, name, attachment, pods)
        self._report(key.name, [each for each in there.values() if (each.get("status") or {}).get("attached")])
        return self._detach(key.name, [each for name, each in there.items() if name not in wanted])

    def _wanted(self, node: str) -> dict[str, tuple[Object, list[Object]]]:
        """The volumes that pods of a node need, with those pods."""
        found: dict[str, tuple[Object, list[Object]]] = {}
        for pod in self._pods.by_index(_BY_NODE, node):
            for name in () if has_ended(pod) else claim_names(pod):
                claim = self._claims.get(pod["metadata"]["namespace"], name)
                volume = self._volumes.get("", (claim or {"spec": {}})["spec"].get("volumeName", ""))
                if volume is not None and self._is_attachable(volume):
                    found.setdefault(volume["metadata"]["name"], (volume, []))[1].append(pod)
        return found

    def _is_attachable(self, volume: Object) -> bool:
        csi = volume["spec"].get("csi")
        driver = self.client.find(CSI_DRIVERS, csi["driver"]) if csi else None
        return csi is not None and (driver is None or bool(driver["spec"].get("attachRequired", True)))

    def _attach(self, node: str, volume: Object, pods: list[Object]) -> None:
        name = volume["metadata"]["name"]
        others = [
            each
            for each in self._attachments.list()
            if each["spec"]["source"].get("persistentVolumeName") == name and each["spec"]["nodeName"] != node
        ]
        if others and is_exclusive(volume):
            self.wants(_("the volume is on another node: wait until it is free"))
            self._refuse(node, name, others[0]["spec"]["nodeName"], pods)
            return
        self.wants(_("a pod needs the volume: ask for it to be attached"))
        spec = {
            "attacher": volume["spec"]["csi"]["driver"],
            "nodeName": node,
            "source": {"persistentVolumeName": name},
        }
        made = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment", "spec": spec}
        self.client.create(ATTACHMENTS, {**made, "metadata": {"name": attachment_name(volume, node)}})

    def _refuse(self, node: str, name: str, elsewhere: str, pods: list[Object]) -> None:
        if self._told.get((node, name)) == "elsewhere":
            return
        self._told[node, name] = "elsewhere"
        users = [
            pod["metadata"]["name"]
            for pod in self._pods.by_index(_BY_NODE, elsewhere)
            if name in {str(self._volume_of(pod, claim)) for claim in claim_names(pod)}
        ]
        lead = f'Multi-Attach error for volume "{name}" Volume is already'
        for pod in pods:
            if users:
                told = f"{lead} used by pod(s) {', '.join(users)}"
            else:
                told = f"{lead} exclusively attached to one node and can't be attached to another"
            self.events.warning(pod, "FailedAttachVolume", told)

    def _volume_of(self, pod: Object, claim: str) -> str:
        found = self._claims.get(pod["metadata"]["namespace"], claim)
        return str(found["spec"].get("volumeName", "")) if found is not None else ""

    def _tell(self, node: str, name: str, attachment: Object, pods: list[Object]) -> None:
        """Say to the pods what became of an attachment, once."""
        status = attachment.get("status") or {}
        error = (status.get("attachError") or {}).get("message", "")
        said = "attached" if status.get("attached") else error
        if not said or self._told.get((node, name)) == said:
            return
        self._told[node, name] = said
        for pod in pods:
            if status.get("attached"):
                told = f'AttachVolume.Attach succeeded for volume "{name}" '
                self.events.normal(pod, "SuccessfulAttachVolume", told)
            else:
                told = f'AttachVolume.Attach failed for volume "{name}" : {error}'
                self.events.warning(pod, "FailedAttachVolume", told)

    def _report(self, name: str, attached: list[Object]) -> None:
        """Write into the node's status what is attached to it."""
        node = self._nodes.get("", name)
        if node is None:
            return
        found = []
        for each in attached:
            volume = self._volumes.get("", each["spec"]["source"].get("persistentVolumeName", ""))
            found += [{"name": unique_name(volume), "devicePath": ""}] if volume is not None else []
        status = node.get("status") or {}
        if found != (status.get("volumesAttached") or []):
            self.client.patch("nodes", name, {"status": {"volumesAttached": found or None}}, subresource="status")

    # -- detaching ---------------------------------------------------------------------------------

    def _detach(self, name: str, attachments: list[Object]) -> float | None:
        waits: list[float] = []
        for attachment in attachments:
            meta = attachment["metadata"]
            if is_deleting(attachment):
                continue
            left = self._left(name, attachment)
            if left > 0:
                waits.append(left)
                continue
            self._unneeded.pop(meta["uid"], None)
            self._told.pop((name, attachment["spec"]["source"].get("persistentVolumeName", "")), None)
            self.wants(_("no pod of the node needs the volume: ask for it to be detached"))
            self.client.delete(ATTACHMENTS, meta["name"])
        if waits:
            self.queue.add_after(ObjectKey("", name), min(waits), background=True)
        return None

    def _left(self, name: str, attachment: Object) -> float:
        """How long to wait until a volume may be detached; it is looked at again when the node says more."""
        node = self._nodes.get("", name)
        if node is None:
            return 0.0
        volume = self._volumes.get("", attachment["spec"]["source"].get("persistentVolumeName", ""))
        used = volume is not None and unique_name(volume) in ((node.get("status") or {}).get("volumesInUse") or ())
        if not used or any(taint["key"] == _OUT_OF_SERVICE for taint in node["spec"].get("taints") or ()):
            return 0.0
        now = self.clock.now()
        since = self._unneeded.setdefault(attachment["metadata"]["uid"], now)
        silent = (condition(node, "Ready") or {}).get("status") != "True"
        return max(since + FORCE_SECONDS - now, 0.0) if silent else FORCE_SECONDS

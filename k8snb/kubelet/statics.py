"""Static pods: what a kubelet runs because a manifest lies on its machine, and nobody else was asked.

A kubelet gives such a pod its name (with the node's behind it) and its UID, a hash of the manifest, and runs it
whatever the API says. For others to see, it keeps a *mirror* in the API: a pod of that name that belongs to the node.
Who deletes the mirror has deleted a picture; the kubelet makes another one. The pod ends when the manifest goes.

Upstream: `pkg/kubelet/config/common.go` (`applyDefaults`), `pkg/kubelet/pod/mirror_client.go`, and `SyncPod`, which
renews mirrors.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from k8snb.errors import StatusError, Unreachable
from k8snb.kubelet import rebooting
from k8snb.kubelet.podstatus import status_of
from k8snb.kubelet.podworker import MIRROR, PodWorker
from k8snb.machinery.qos import qos_class
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.kubelet import Kubelet

MANIFESTS = "/etc/kubernetes/manifests"
"""The directory that a kubelet watches (`staticPodPath`)."""

HASH = "kubernetes.io/config.hash"
_SEEN, _SOURCE = "kubernetes.io/config.seen", "kubernetes.io/config.source"
_ALWAYS: Object = {"effect": "NoExecute", "operator": "Exists"}
"""Static pods stay whatever is wrong with their node."""

_NONE: Mapping[str, Any] = {}


class StaticPods:
    """The manifests on a machine, by file name, and the pods that run because of them."""

    def __init__(self, kubelet: Kubelet) -> None:
        self._kubelet = kubelet
        self.manifests: dict[str, Object] = {}
        """What lies there, by file."""
        self._running: dict[str, StaticPodWorker] = {}

    def put(self, file: str, manifest: Object) -> None:
        """A manifest was written. One that changed replaces the pod once the old one has ended."""
        self.manifests[file] = manifest
        if self._kubelet.running:
            self._follow(file)

    def remove(self, file: str) -> None:
        """A manifest was taken away: its pod ends."""
        self.manifests.pop(file, None)
        if self._kubelet.running:
            self._follow(file)

    def follow(self, present: Iterable[Object]) -> None:
        """Bring what runs in line with what lies there: the kubelet has (re)started. `present` is what the API says."""
        mirrors = {digest: pod for pod in present if (digest := _digest(pod)) is not None}
        for worker in self._running.values():
            worker.mirror = mirrors.get(worker.uid)
        for file in sorted({*self.manifests, *self._running}):
            self._follow(file)

    def _follow(self, file: str) -> None:
        manifest, worker = self.manifests.get(file), self._running.get(file)
        wanted = None if manifest is None else self._pod(file, manifest)
        if worker is not None and (wanted is None or wanted["metadata"]["uid"] != worker.uid):
            worker.withdraw()
        elif worker is not None:
            worker.reflect()
        elif wanted is not None:
            worker = self._running[file] = StaticPodWorker(self._kubelet, wanted, file)
            self._kubelet.workers[worker.uid] = worker
            worker.reflect()
            if worker.mirror is not None and rebooting.ran_before(self._kubelet, worker.mirror):
                worker.pod = {**worker.pod, "status": worker.mirror["status"]}
                rebooting.take_up(worker)
            else:
                self._kubelet.pool.post(worker, "seen")

    def ended(self, file: str) -> None:
        """Nothing is left of a pod: the next one may begin."""
        self._running.pop(file, None)
        self._follow(file)

    def changed(self, old: Object | None, new: Object | None) -> bool:
        """Take in what happened to a mirror; False if it is none."""
        pod = new if new is not None else old
        digest = None if pod is None else _digest(pod)
        if digest is None:
            return False
        worker = self._kubelet.workers.get(digest)
        if isinstance(worker, StaticPodWorker):
            worker.reflected(new)
        elif new is not None:
            _delete(self._kubelet, new)
        return True

    def _pod(self, file: str, manifest: Object) -> Object:
        """The pod as the kubelet knows it: without the API."""
        node = self._kubelet.name
        text = json.dumps(manifest, sort_keys=True)
        uid = hashlib.md5(f"host:{node}file:{MANIFESTS}/{file}{text}".encode()).hexdigest()
        meta, spec = manifest.get("metadata") or _NONE, manifest["spec"]
        marks = {HASH: uid, _SEEN: self._kubelet.clock.timestamp(), _SOURCE: "file"}
        named = {"name": f"{meta['name']}-{node}", "namespace": meta.get("namespace") or "default", "uid": uid}
        annotations = {**(meta.get("annotations") or _NONE), **marks}
        kept = {name: meta[name] for name in ("labels",) if meta.get(name)}
        tolerations = [*(each for each in spec.get("tolerations") or () if each != _ALWAYS), _ALWAYS]
        return {
            "apiVersion": "v1",
            "kind": "Pod",
            "metadata": {**named, "resourceVersion": "0", "generation": 1, **kept, "annotations": annotations},
            "spec": {**spec, "nodeName": node, "tolerations": tolerations},
            "status": {"phase": "Pending", "qosClass": qos_class(spec)},
        }


class StaticPodWorker(PodWorker):
    """The worker of a static pod. What it tells the API, it tells of the mirror."""

    __slots__ = ("_file", "mirror")

    def __init__(self, kubelet: Kubelet, pod: Object, file: str) -> None:
        super().__init__(kubelet, pod)
        self._file = file
        self.mirror: Object | None = None
        """The pod in the API, if there is one."""

    @property
    def is_static(self) -> bool:
        """It is."""
        return True

    def deliver(self, event: str) -> None:
        """Let something happen to the pod, or to its mirror."""
        if event == "reflect":
            self.reflect()
        else:
            super().deliver(event)

    # -- the mirror --------------------------------------------------------------------------------

    def reflect(self) -> None:
        """See to it that the API shows the pod; one that is being deleted there is replaced."""
        if self.state == "Gone":
            return
        mirror, client = self.mirror, self.kubelet.client
        if mirror is not None and "deletionTimestamp" not in mirror["metadata"]:
            return
        if mirror is not None:
            _delete(self.kubelet, mirror)
        self.mirror = None
        try:
            self.mirror = client.create("pods", self._image())
        except Unreachable:  # the API is shown the pod when it is back
            self.kubelet.owing[self.uid] = self
            return
        except StatusError as error:
            if error.reason != "AlreadyExists":
                return  # the pod runs all the same
            found = client.find("pods", self.key.name, self.key.namespace)
            if found is not None and _digest(found) == self.uid:
                self.mirror = found
        if self.mirror is not None:
            self._show()

    def reflected(self, mirror: Object | None) -> None:
        """Somebody wrote or deleted the mirror."""
        known = self.mirror
        if mirror is not None and known is not None and mirror["metadata"]["uid"] != known["metadata"]["uid"]:
            return
        self.mirror = mirror
        if mirror is None or "deletionTimestamp" in mirror["metadata"]:
            self.kubelet.pool.post(self, "reflect")
        else:
            self._show()

    def _image(self) -> Object:
        """The pod as it is created in the API."""
        meta, spec = self.pod["metadata"], self.pod["spec"]
        kept = {name: meta[name] for name in ("name", "namespace", "labels") if name in meta}
        node = self.kubelet.client.find("nodes", self.kubelet.name)
        owner = {"apiVersion": "v1", "kind": "Node", "name": self.kubelet.name, "controller": True}
        owners = [{**owner, "uid": node["metadata"]["uid"]}] if node is not None else []
        annotations = {**meta["annotations"], MIRROR: self.uid}
        shown = {**kept, "annotations": annotations, "ownerReferences": owners}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": shown, "spec": spec}

    def _show(self) -> None:
        """Let the mirror have the pod's status; what the API filled in is the pod's, too."""
        mirror, status = self.mirror, self.status
        if mirror is None or status is None or mirror.get("status") == status:
            return
        try:
            self.mirror = self.kubelet.client.update_status("pods", {**mirror, "status": status})
        except Unreachable:
            self.kubelet.owing[self.uid] = self
        except StatusError as error:
            if error.reason not in ("NotFound", "Conflict"):  # the news is on its way
                raise

    # -- what a worker does otherwise --------------------------------------------------------------

    def write(self, status: Object | None = None) -> None:
        """Note how the pod is, and show it."""
        self.status = status or status_of(self)
        self.pod = {**self.pod, "status": self.status}
        if self.mirror is None:
            self.reflect()
        else:
            self._show()

    def withdraw(self) -> None:
        """The manifest has gone: stop the pod."""
        if self.grace is None:
            gone = {"deletionTimestamp": self.kubelet.clock.timestamp()}
            self.pod = {**self.pod, "metadata": {**self.pod["metadata"], **gone}}
            self.stop(float(self.plan.grace))

    def let_go(self) -> None:
        """Nothing of the pod is left on the node: its mirror goes, too."""
        mirror, self.mirror = self.mirror, None
        self.kubelet.workers.pop(self.uid, None)
        if mirror is not None:
            _delete(self.kubelet, mirror)
        if self.kubelet.statics is not None:
            self.kubelet.statics.ended(self._file)


def _digest(pod: Object) -> str | None:
    """The UID of the pod that this one mirrors; None if it mirrors none."""
    found: str | None = (pod["metadata"].get("annotations") or _NONE).get(MIRROR)
    return found


def _delete(kubelet: Kubelet, mirror: Object) -> None:
    """Delete a mirror at once, and no other pod of its name."""
    meta = mirror["metadata"]
    try:
        kubelet.client.delete("pods", meta["name"], meta["namespace"], grace=0, uid=meta["uid"])
    except StatusError as error:
        if error.reason not in ("NotFound", "Conflict"):
            raise

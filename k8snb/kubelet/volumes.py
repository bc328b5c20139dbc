"""The volumes of a pod: what is in them, where it comes from, and when it follows changes.

Empty directories are shared by the pod's containers; config maps, secrets and projections of them are copied
in when the pod starts and follow their object once a minute; the service account's token is fetched when
somebody first reads it. Upstream: `pkg/volume` and `pkg/kubelet/volumemanager`.
"""

from __future__ import annotations

import posixpath
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from k8snb.errors import StatusError
from k8snb.kubelet.environment import data_of, field_value, resource_value
from k8snb.kubelet.images.filesystem import Files, Mount, Volume
from k8snb.kubelet.plan import ContainerPlan
from k8snb.kubelet.process import expand
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.podworker import PodWorker

REFRESH_SECONDS = 60.0
"""How often volumes follow the objects they come from (upstream: the kubelet's sync period)."""

TOKEN_SHARE, DAY_SECONDS = 0.8, 86400.0
"""A token is renewed after this share of its time, or after a day (`pkg/kubelet/token/token_manager.go`)."""

_NONE: Mapping[str, Any] = {}


class Unavailable(Exception):
    """What a volume needs is not there; the message is the volume plugin's."""


class PodVolumes:
    """The volumes of one pod, made when first needed."""

    def __init__(self, worker: PodWorker) -> None:
        self._worker = worker
        self._volumes: dict[str, Volume] = {}
        self._tokens: dict[int, tuple[str, float]] = {}
        self._specs = {volume["name"]: volume for volume in worker.pod["spec"].get("volumes") or ()}

    def now(self) -> float:
        """The time."""
        return self._worker.kubelet.clock.now()

    @property
    def follows(self) -> bool:
        """Whether a volume has content that may change."""
        return bool(self._worker.plan.volumes)

    def mount(self) -> str:
        """Fill every volume that comes from the API; returns what is wrong with the first that can not be filled."""
        for spec in self._worker.plan.volumes:
            try:
                self._volumes[spec["name"]] = Volume(self._content(spec))
            except Unavailable as error:
                return f'MountVolume.SetUp failed for volume "{spec["name"]}" : {error}'
        return ""

    def refresh(self) -> None:
        """Fill the volumes anew; one whose object has gone keeps what it has."""
        for spec in self._worker.plan.volumes:
            try:
                self._volumes[spec["name"]].replace(self._content(spec))
            except Unavailable:
                continue

    def mounts(self, plan: ContainerPlan) -> Sequence[Mount]:
        """The volumes in one container's tree of files."""
        found: list[Mount] = []
        for mount in plan.spec.get("volumeMounts") or ():
            volume = self._volume(mount["name"])
            sub_path = mount.get("subPath", "")
            if mount.get("subPathExpr"):
                sub_path = expand(mount["subPathExpr"], self._worker.environment(plan.name))
            path = posixpath.normpath(mount["mountPath"])
            if sub_path:
                found.append(_sub_mount(path, volume, sub_path, bool(mount.get("readOnly"))))
            else:
                found.append(Mount(path, volume, "", bool(mount.get("readOnly")) or self._read_only(mount["name"])))
        return found

    def _read_only(self, name: str) -> bool:
        spec = self._specs.get(name, _NONE)
        return any(kind in spec for kind in ("configMap", "secret", "projected", "downwardAPI"))

    def _volume(self, name: str) -> Volume:
        found = self._volumes.get(name)
        if found is None:
            found = self._volumes[name] = self._made(self._specs.get(name, _NONE))
        return found

    def _made(self, spec: Object) -> Volume:
        if "hostPath" in spec:
            return self._worker.kubelet.host_directory(spec["hostPath"]["path"])
        if "persistentVolumeClaim" in spec:
            return self._claimed(spec["persistentVolumeClaim"]["claimName"])
        if "ephemeral" in spec:
            return self._claimed(f"{self._worker.key.name}-{spec['name']}")
        if any(kind in spec for kind in ("configMap", "secret", "projected", "downwardAPI")):
            return _Lazy(self, spec).volume
        return Volume()

    def _claimed(self, name: str) -> Volume:
        """What a claim holds: a directory of the node, or what the volume behind it keeps wherever it is mounted."""
        kubelet, namespace = self._worker.kubelet, self._worker.key.namespace
        claim = kubelet.client.find("persistentvolumeclaims", name, namespace)
        volume_name = ((claim or _NONE).get("spec") or _NONE).get("volumeName", "")
        volume = kubelet.client.find("persistentvolumes", volume_name) if volume_name else None
        spec = (volume or _NONE).get("spec") or _NONE
        for kind in ("hostPath", "local"):
            if kind in spec:
                return kubelet.host_directory(spec[kind]["path"])
        return kubelet.pool.claim(volume_name or f"{namespace}/{name}")

    # -- content -----------------------------------------------------------------------------------

    def _content(self, spec: Object, *, partly: bool = False) -> Files:
        """What is in a volume; with `partly`, sources that can not be had are left out."""
        sources = spec["projected"].get("sources") or () if "projected" in spec else (spec,)
        files: dict[str, str] = {}
        for source in sources:
            try:
                files |= self._source(source)
            except Unavailable:
                if not partly:
                    raise
        return files

    def _source(self, source: Object) -> Files:
        if "configMap" in source:
            given = source["configMap"]
            return self._keys(given, "configmap", given.get("name", ""))
        if "secret" in source:
            given = source["secret"]
            return self._keys(given, "secret", given.get("secretName") or given.get("name", ""))
        if "downwardAPI" in source:
            return {item["path"]: self._downward(item) for item in source["downwardAPI"].get("items") or ()}
        if "serviceAccountToken" in source:
            return {source["serviceAccountToken"]["path"]: self._token(source["serviceAccountToken"])}
        return {}

    def _keys(self, given: Object, kind: str, name: str) -> Files:
        data = data_of(self._worker, kind, name)
        if data is None:
            if given.get("optional"):
                return {}
            raise Unavailable(f'{kind} "{name}" not found')
        items = given.get("items")
        if not items:
            return data
        files: dict[str, str] = {}
        for item in items:
            if item["key"] in data:
                files[item["path"]] = data[item["key"]]
            elif not given.get("optional"):
                raise Unavailable(
                    f"references non-existent {'config' if kind == 'configmap' else 'secret'} key: {item['key']}"
                )
        return files

    def _downward(self, item: Object) -> str:
        if "fieldRef" in item:
            return field_value(self._worker, item["fieldRef"]["fieldPath"])
        return resource_value(self._worker, self._worker.plan.mains[0], item["resourceFieldRef"])

    def _token(self, given: Object) -> str:
        """The token for a source: the one that the pod has, or a new one when its time is almost over."""
        token, until = self._tokens.get(id(given), ("", 0.0))
        if not token or self.now() >= until:
            token, until = self._tokens[id(given)] = self._new_token(given)
        return token

    def _new_token(self, given: Object) -> tuple[str, float]:
        """A token and when to get the next one: when a fifth of its time is left, or after a day."""
        worker = self._worker
        meta = worker.pod["metadata"]
        account = worker.pod["spec"].get("serviceAccountName") or "default"
        bound = {"kind": "Pod", "apiVersion": "v1", "name": meta["name"], "uid": meta["uid"]}
        seconds = given.get("expirationSeconds", 3600)
        spec = {"expirationSeconds": seconds, "boundObjectRef": bound}
        if given.get("audience"):
            spec["audiences"] = [given["audience"]]
        request = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "metadata": {}, "spec": spec}
        try:
            answer = worker.kubelet.client.post(
                "serviceaccounts", account, request, meta["namespace"], subresource="token"
            )
        except StatusError as error:
            raise Unavailable(error.message) from None
        lasts = min(float(seconds) * TOKEN_SHARE, DAY_SECONDS)
        return str((answer.get("status") or _NONE).get("token", "")), self.now() + lasts


class _Lazy:
    """Content that is fetched when somebody looks, and kept as long as the kubelet would keep it."""

    def __init__(self, volumes: PodVolumes, spec: Object) -> None:
        self._volumes = volumes
        self._spec = spec
        self._files: Files | None = None
        self._until = 0.0
        self.volume = Volume(source=self._read)

    def _read(self) -> Files:
        now = self._volumes.now()
        if self._files is None or now >= self._until:
            self._files = self._volumes._content(self._spec, partly=True)
            self._until = now + REFRESH_SECONDS
        return self._files


def _sub_mount(path: str, volume: Volume, sub_path: str, read_only: bool) -> Mount:
    """A part of a volume. A file is copied at this moment: it does not follow its object."""
    text = volume.read(sub_path)
    if text is None:
        volume.directories.setdefault(sub_path, None)
        return Mount(path, volume, sub_path, read_only)
    copy = Volume({"": text})
    return Mount(path, copy, "", read_only)

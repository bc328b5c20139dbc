"""What is in the volumes that come from the API: config maps, secrets, the downward API, tokens, projections of them.

Each source gives files by path with their permissions; a projection lays several over each other. An object that is
immutable is read once: whatever is made under its name later, a pod keeps what it had.
Upstream: `pkg/volume/configmap`, `secret`, `downwardapi`, `projected`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from k8snb.errors import StatusError
from k8snb.kubelet.environment import field_value, fields_of, resource_value
from k8snb.kubelet.images.atomic import DEFAULT_MODE, File, Payload
from k8snb.typing import Object

if TYPE_CHECKING:
    from k8snb.kubelet.podworker import PodWorker

TOKEN_SHARE, DAY_SECONDS = 0.8, 86400.0
"""A token is renewed after this share of its time, or after a day (`pkg/kubelet/token/token_manager.go`)."""

KINDS = ("configMap", "secret", "projected", "downwardAPI")
"""The volumes that are filled here."""

_NO_KEY = {"configmap": "configmap references non-existent config", "secret": "references non-existent secret"}
_NONE: Mapping[str, Any] = {}


class Unavailable(Exception):
    """What a volume needs is not there; the message is the volume plugin's."""


class Contents:
    """What one pod's volumes are filled with."""

    def __init__(self, worker: PodWorker) -> None:
        self._worker = worker
        self._tokens: dict[int, tuple[str, float]] = {}
        self._immutable: dict[tuple[str, str], Mapping[str, str]] = {}

    def of(self, spec: Object, *, partly: bool = False) -> Payload:
        """What belongs in a volume now; with `partly`, sources that cannot be had are left out."""
        projected = spec.get("projected")
        mode = (projected or next((spec[kind] for kind in KINDS if kind in spec), _NONE)).get("defaultMode")
        sources = (projected.get("sources") or ()) if projected is not None else (spec,)
        found: dict[str, File] = {}
        missing: list[str] = []
        for source in sources:
            try:
                found |= self._source(source, DEFAULT_MODE if mode is None else mode)
            except Unavailable as error:
                missing.append(str(error))
        if missing and not partly:
            raise Unavailable(missing[0] if len(missing) == 1 else f"[{', '.join(missing)}]")
        return found

    def _source(self, source: Object, mode: int) -> Payload:
        if "configMap" in source:
            given = source["configMap"]
            return self._keys(given, "configmap", given.get("name", ""), mode)
        if "secret" in source:
            given = source["secret"]
            return self._keys(given, "secret", given.get("secretName") or given.get("name", ""), mode)
        if "downwardAPI" in source:
            items = source["downwardAPI"].get("items") or ()
            return {item["path"]: File(self._downward(item), item.get("mode", mode)) for item in items}
        if "serviceAccountToken" in source:
            return {source["serviceAccountToken"]["path"]: File(self._token(source["serviceAccountToken"]), mode)}
        return {}

    def _keys(self, given: Object, kind: str, name: str, mode: int) -> Payload:
        data = self._data(kind, name)
        if data is None:
            if given.get("optional"):
                return {}
            raise Unavailable(f'{kind} "{name}" not found')
        items = given.get("items")
        if not items:
            return {key: File(text, mode) for key, text in data.items()}
        files: dict[str, File] = {}
        for item in items:
            if item["key"] in data:
                files[item["path"]] = File(data[item["key"]], item.get("mode", mode))
            elif not given.get("optional"):
                raise Unavailable(f"{_NO_KEY[kind]} key: {item['key']}")
        return files

    def _data(self, kind: str, name: str) -> Mapping[str, str] | None:
        kept = self._immutable.get((kind, name))
        if kept is not None:
            return kept
        worker = self._worker
        obj = worker.kubelet.client.find(f"{kind}s", name, worker.key.namespace)
        if obj is None:
            return None
        data = fields_of(obj, binary=True)
        if obj.get("immutable"):
            self._immutable[kind, name] = data
        return data

    def _downward(self, item: Object) -> str:
        if "fieldRef" in item:
            return field_value(self._worker, item["fieldRef"]["fieldPath"])
        return resource_value(self._worker, self._worker.plan.mains[0], item["resourceFieldRef"])

    def _token(self, given: Object) -> str:
        """The token for a source: the one that the pod has, or a new one when its time is almost over."""
        token, until = self._tokens.get(id(given), ("", 0.0))
        if not token or self._now() >= until:
            token, until = self._tokens[id(given)] = self._new_token(given)
        return token

    def _now(self) -> float:
        return self._worker.kubelet.clock.now()

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
        return str((answer.get("status") or _NONE).get("token", "")), self._now() + lasts

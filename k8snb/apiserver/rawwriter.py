"""Writing keys behind the API server's back, as `etcdctl put` and `del` do.

Nobody admits or validates what is written here, no finalizer holds a deletion off, and no grace is given. The API
server learns of it as of any change in its database: by its watch cache. So whoever follows the API hears of it, and
the next reconcile of a controller works with whatever is there now.

What lies below `/registry` where a kind has its objects has to be an object of that kind, in JSON or protobuf, under
its own name: what an API server cannot read is refused here. Other keys take any bytes, and no API server looks at
them.
"""

from __future__ import annotations

from typing import Any

import orjson

from k8snb.apiserver.encryption import decoded, registry_prefix
from k8snb.apiserver.kinds import Kind, Kinds
from k8snb.apiserver.ownership import Known
from k8snb.apiserver.rawstore import KEYS, RawStore
from k8snb.i18n import _
from k8snb.store.mvcc import Store
from k8snb.typing import Object, Resource


class Unreadable(ValueError):
    """Why no API server could read what is to be written."""


class RawWriter:
    """Writes keys of one store."""

    def __init__(self, store: Store, kinds: Kinds, raw: RawStore) -> None:
        self._store = store
        self._kinds = kinds
        self._raw = raw

    def put(self, key: str, value: bytes, lease: int = 0) -> None:
        """Store a value under a key, with a lease of etcd's if there is to be one. Raises Unreadable."""
        place = self._place(key)
        if place is None:
            obj: Object = {"metadata": {"name": key}, "value": value.decode("latin-1")}
            self._write(KEYS, "", key, obj, None, lease)
            return
        resource, namespace, name = place
        kind, obj = self._read(resource, value)
        meta = {"uid": "", "creationTimestamp": None, **obj["metadata"]}
        if (meta.get("namespace", ""), meta.get("name")) != (namespace, name):
            told = _("the object is {namespace}/{name}, and the key is that of another one")
            raise Unreadable(told.format(namespace=meta.get("namespace", ""), name=meta.get("name")))
        owners = meta.pop("managedFields", None) or []
        meta.pop("resourceVersion", None)
        stored = kind.save({**obj, "metadata": meta})
        self._write(resource.storage, namespace, name, stored, Known.of(orjson.dumps(owners)), lease)
        kind.strategy.take_back(stored)

    def delete(self, key: str) -> None:
        """Remove a key that is there."""
        resource, namespace, name = self._place(key) or (None, "", key)
        bucket = self._store.bucket(resource.storage if resource is not None else KEYS)
        self._store.delete(bucket, namespace, name)

    def _write(self, word: str, namespace: str, name: str, obj: Object, by: Any, lease: int) -> None:
        bucket = self._store.bucket(word)
        if bucket.event(namespace, name) is None:
            self._store.create(bucket, namespace, name, obj, by=by, lease=lease)
        else:
            self._store.update(bucket, namespace, name, obj, by=by, lease=lease)

    def _place(self, key: str) -> tuple[Resource, str, str] | None:
        """The kind whose objects are where a key is, and the namespace and name that it says; None for other keys."""
        for resource in self._kinds.scheme:
            prefix = registry_prefix(resource)
            parts = key.removeprefix(prefix).split("/")
            if key.startswith(prefix) and all(parts) and len(parts) == 1 + resource.namespaced:
                return resource, parts[0] if resource.namespaced else "", parts[-1]
        return None

    def _read(self, resource: Resource, value: bytes) -> tuple[Kind, Object]:
        """The object that a value is, as the API server makes one of what is stored."""
        try:
            obj = decoded(value, resource, 0)
            kind = self._kind(resource, obj)
            return kind, kind.strategy.default(obj)
        except Unreadable:
            raise
        except Exception as error:  # whatever is wrong with it
            raise Unreadable(str(error) or type(error).__name__) from None

    def _kind(self, resource: Resource, obj: Object) -> Kind:
        for each in self._kinds.scheme:
            if (each.storage, each.kind, each.api_version) == (resource.storage, obj["kind"], obj["apiVersion"]):
                return self._kinds.of(each)
        told = 'no kind "{kind}" is registered for version "{version}" in scheme'
        raise Unreadable(told.format(kind=obj["kind"], version=obj["apiVersion"]))

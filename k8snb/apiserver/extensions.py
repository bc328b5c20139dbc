"""Admission that clients configure, on the side of the server: webhooks and policies with everything they need.

The plugins follow their own configuration. When it changes, the chain asks anew whom they concern, and what was
remembered of pod templates is forgotten; where there is no configuration they are in nobody's way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from k8snb.apiserver.access.authorizer import Authorizer
from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.admission.configured import Configured
from k8snb.apiserver.admission.policies import MutatingAdmissionPolicy, ValidatingAdmissionPolicy
from k8snb.apiserver.admission.surroundings import CallError, Surroundings
from k8snb.apiserver.admission.webhooks import MutatingAdmissionWebhook, ValidatingAdmissionWebhook
from k8snb.apiserver.kinds import Kinds
from k8snb.errors import bad_request, internal
from k8snb.machinery import schema
from k8snb.machinery.cel.library.authorizer import Check, Decision
from k8snb.machinery.managed.merging import merged
from k8snb.machinery.names import Lottery
from k8snb.store.mvcc import Store
from k8snb.typing import Object, Resource
from k8snb.wire import User, WatchEvent

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
CONVERSION_SECONDS = 30.0
_OWN_META = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "generation")

CONFIGURED: tuple[type[Configured[Any]], ...] = (
    MutatingAdmissionPolicy,
    MutatingAdmissionWebhook,
    ValidatingAdmissionPolicy,
    ValidatingAdmissionWebhook,
)
"""The plugins whose configuration clients write, in the order in which they are asked."""


class Extensions:
    """The four plugins of one server."""

    def __init__(self, store: Store, kinds: Kinds, lottery: Lottery, authorizer: Authorizer | None) -> None:
        self._store = store
        self._kinds = kinds
        self._authorizer = authorizer
        self.surroundings = Surroundings(
            list=self._list,
            equivalents=self._equivalents,
            convert=self._convert,
            decode=self._decode,
            merge=lambda row, old, new: merged(old, new, kinds.of(row).shape),
            find=kinds.scheme.kind,
            decide=self._decide,
            uid=lottery.uid,
        )
        around = self.surroundings
        self.plugins = tuple(plugin(around) for plugin in CONFIGURED)

        kinds.converter = self._convert_custom

    def follow(self, changed: Callable[[], None]) -> None:
        """Tell the plugins, and then `changed`, whenever configuration is written."""
        for plugin in self.plugins:
            for word in plugin.sources:
                self._store.watch(self._store.bucket(word), _teller(plugin, changed))

    def _list(self, word: str) -> Sequence[Object]:
        return self._store.scan(self._store.bucket(word))

    def _equivalents(self, resource: Resource) -> Sequence[Resource]:
        others = [row for row in self._kinds.scheme if row.storage == resource.storage and row is not resource]
        return [resource, *others]

    def _convert(self, row: Resource, obj: Object) -> Object:
        kind = self._kinds.of(row)
        return kind.load(obj)

    def _convert_custom(self, row: Resource, obj: Object) -> Object:
        """A custom resource in another version, by webhook if its definition says so."""
        crd = self._store.get(self._store.bucket(DEFINITIONS), "", row.storage)
        conversion = (crd["spec"].get("conversion") or {}) if crd is not None else {}
        if conversion.get("strategy") != "Webhook":
            return {**obj, "apiVersion": row.api_version}
        uid = self.surroundings.uid()
        request = {"uid": uid, "desiredAPIVersion": row.api_version, "objects": [obj]}
        review = {"kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1", "request": request}
        lead = f"conversion webhook for {obj['apiVersion']}, Kind={row.kind} failed"
        try:
            answer = self.surroundings.call(conversion["webhook"]["clientConfig"], review, CONVERSION_SECONDS)
        except CallError as error:
            raise internal(f"{lead}: {str(error).removeprefix('failed to call webhook: ')}") from None
        response = answer.get("response") or {}
        result = response.get("result") or {}
        if result.get("status") != "Success":
            raise internal(f"{lead}: {result.get('message', '')}")
        converted = response.get("convertedObjects") or []
        if len(converted) != 1:
            raise internal(f"{lead}: webhook returned {len(converted)} objects, expected 1")
        made: Object = {**converted[0], "metadata": {**converted[0].get("metadata", {}), **_kept(obj)}}
        return made

    def _decode(self, row: Resource, value: Any) -> Object:
        if not isinstance(value, dict):
            raise bad_request("the patched object is no object")
        decode = self._kinds.of(row).strategy.decode
        if decode is not None:
            return decode(value, "Ignore", [])[0]
        return schema.decode(value, row.api_version, row.kind, "Ignore")[0]

    def _decide(self, user: User, check: Check, verb: str) -> Decision:
        if self._authorizer is None:
            return Decision(True)
        if check.user:
            namespace = check.user.split(":")[2]
            groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}", "system:authenticated")
            user = User(check.user, groups)
        access = Access(
            verb,
            check.group,
            check.resource,
            check.subresource,
            check.namespace,
            check.name,
            check.path,
            "*" if check.resource else "",
            check.fields,
        )
        found = self._authorizer.decide(user, access)
        return Decision(found.allowed, found.reason)


def _kept(obj: Object) -> Object:
    """The metadata that a conversion cannot change."""
    return {key: obj["metadata"][key] for key in _OWN_META if key in obj["metadata"]}


def _teller(plugin: Configured[Any], changed: Callable[[], None]) -> Callable[[WatchEvent], None]:
    def tell(event: WatchEvent) -> None:
        plugin.forget()
        changed()

    return tell

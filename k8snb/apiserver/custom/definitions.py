"""Definitions in force: the rows that stored CustomResourceDefinitions add to the table of kinds.

The server watches them in its own store. A definition counts when its condition `Established` is true; then each
served version is a row, with the names that were accepted, and stays the same row (by identity) until the definition
changes. Upstream: `apiextensions-apiserver/pkg/apiserver/customresource_handler.go` and
`customresource_discovery_controller.go`.
"""

from __future__ import annotations

import re
from typing import Any

from k8snb.machinery.objects import is_true
from k8snb.machinery.scheme import Scheme
from k8snb.store.mvcc import Store
from k8snb.typing import Object, Resource
from k8snb.wire import WatchEvent

BUCKET = "customresourcedefinitions.apiextensions.k8s.io"
_VERBS = ("delete", "deletecollection", "get", "list", "patch", "create", "update", "watch")
_VERBS_WHEN_GOING = ("delete", "deletecollection", "get", "list", "watch")
_VERSION = re.compile(r"v([1-9][0-9]*)(?:(alpha|beta)([1-9][0-9]*))?")
_STABILITY = {"alpha": 0, "beta": 1, None: 2}


class Definitions:
    """Keeps the table of kinds in step with the definitions that are stored."""

    def __init__(self, store: Store, scheme: Scheme) -> None:
        self._scheme = scheme
        self._rows: dict[str, tuple[str, list[Resource]]] = {}
        for obj in store.scan(store.bucket(BUCKET)):
            self._take(obj)
        store.watch(store.bucket(BUCKET), self._changed)

    def _changed(self, event: WatchEvent) -> None:
        name = event.object["metadata"]["name"]
        if event.type == "DELETED":
            if self._rows.pop(name, None) is not None:
                self._publish()
        elif self._take(event.object):
            self._publish()

    def _take(self, crd: Object) -> bool:
        """Note a definition; whether that changes what is served."""
        name = crd["metadata"]["name"]
        if not is_true(crd, "Established"):
            return self._rows.pop(name, None) is not None
        going = is_true(crd, "Terminating")
        names = (crd.get("status") or {}).get("acceptedNames") or {}
        mark = repr((crd["spec"], names, going))
        known = self._rows.get(name)
        if known is not None and known[0] == mark:
            return False
        self._rows[name] = (mark, rows(crd, going=going))
        return True

    def _publish(self) -> None:
        served = [row for _, each in self._rows.values() for row in each]
        served.sort(key=lambda row: (row.group, _precedence(row.version), row.plural))
        self._scheme.extend(served)


def rows(crd: Object, *, going: bool = False) -> list[Resource]:
    """The resources that a definition describes, one for each served version."""
    spec = crd["spec"]
    names = (crd.get("status") or {}).get("acceptedNames") or spec["names"]
    return [
        Resource(
            group=spec["group"],
            version=version["name"],
            kind=names["kind"],
            plural=names["plural"],
            singular=names.get("singular") or names["kind"].lower(),
            namespaced=spec["scope"] == "Namespaced",
            short_names=tuple(names.get("shortNames") or ()),
            categories=tuple(names.get("categories") or ()),
            subresources=tuple(sorted(each for each in version.get("subresources") or {})),
            verbs=_VERBS_WHEN_GOING if going else _VERBS,
            storage=f"{names['plural']}.{spec['group']}",
            list_kind=names.get("listKind") or "",
            definition=version,
        )
        for version in spec["versions"]
        if version.get("served")
    ]


def _precedence(version: str) -> tuple[Any, ...]:
    """Sorts versions as clients prefer them: stable, beta, alpha, each from the newest; then those that are none."""
    match = _VERSION.fullmatch(version)
    if match is None:
        return (1, version)
    return (0, -_STABILITY[match[2]], -int(match[1]), -int(match[3] or 0))

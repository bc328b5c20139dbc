"""A live cluster as views read it: lists, and nothing but lists.

It goes through the official client's `ApiClient`, and so with that one's credentials, but past its models: a view
wants the objects as they are. Only GET is ever sent. Lists come in pages, and what a custom resource is called is
looked up in the cluster's definitions.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

from k8snb.errors import StatusError
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object

_PAGE = 500
_DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"


class LiveReader:
    """What can list the objects of a live cluster."""

    def __init__(self, api: Any) -> None:
        self._api = api
        self._scheme = Scheme()
        self._customs: dict[str, tuple[str, str, str, bool]] | None = None

    def list(self, resource: str, namespace: str = "") -> list[Object]:
        """The objects of a resource in order of namespace and name; StatusError if the cluster refuses."""
        path, api_version, kind = self._place(resource, namespace)
        found = [{"apiVersion": api_version, "kind": kind, **obj} for obj in self._pages(path)]
        return sorted(found, key=lambda obj: (obj["metadata"].get("namespace", ""), obj["metadata"]["name"]))

    def _place(self, resource: str, namespace: str) -> tuple[str, str, str]:
        """The path of a list, and what its items are."""
        row = self._scheme.find(resource)
        if row is not None:
            return row.path(namespace if row.namespaced else ""), row.api_version, row.kind
        if self._customs is None:
            self._customs = dict(map(_custom, self.list(_DEFINITIONS)))
        if resource not in self._customs:
            message = f'the server doesn\'t have a resource type "{resource}"'
            raise StatusError(404, "NotFound", message)
        api_version, plural, kind, namespaced = self._customs[resource]
        where = f"/namespaces/{namespace}" if namespace and namespaced else ""
        return f"/apis/{api_version}{where}/{plural}", api_version, kind

    def _pages(self, path: str) -> Iterator[Object]:
        query = {"limit": str(_PAGE)}
        while True:
            page = self._get(f"{path}?{urlencode(query)}")
            yield from page.get("items") or ()
            more = (page.get("metadata") or {}).get("continue")
            if not more:
                return
            query["continue"] = more

    def _get(self, path: str) -> Any:
        method, url, headers, *_rest = self._api.param_serialize(
            "GET", path, header_params={"Accept": "application/json"}, auth_settings=["BearerToken"]
        )
        answer = self._api.call_api(method, url, headers)
        body = json.loads(answer.read() or b"{}")
        if answer.status >= 400:
            raise StatusError(answer.status, body.get("reason", ""), body.get("message", ""))
        return body


def _custom(definition: Object) -> tuple[str, tuple[str, str, str, bool]]:
    """The name of a custom resource, and its version, plural, kind, and whether it is in namespaces."""
    spec = definition["spec"]
    version = next((each["name"] for each in spec["versions"] if each.get("served")), "v1")
    names = spec["names"]
    name = f"{names['plural']}.{spec['group']}"
    return name, (f"{spec['group']}/{version}", names["plural"], names["kind"], spec["scope"] == "Namespaced")

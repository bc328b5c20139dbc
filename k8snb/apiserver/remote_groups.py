"""What other servers serve, in the lists of what there is: groups, their resources, and OpenAPI documents.

A group version is listed as soon as an APIService names it, in the order of the priorities that APIServices give.
Its resources are those of which its server told when it was last checked; while it does not answer they are `Stale`.
Upstream: `kube-aggregator/pkg/apiserver/handler_apis.go`, `handler_discovery.go`, `pkg/controllers/openapi(v3)`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import orjson

from k8snb.machinery.api_services import BUCKET, CUSTOM_GROUP
from k8snb.machinery.objects import is_true
from k8snb.typing import Object

Fetch = Callable[[Object, str], bytes | None]
"""What the server behind an APIService has at a path; None where it does not answer with 200."""


class RemoteGroups:
    """The group versions that APIServices leave to others. `list` reads a resource, `fetch` asks one of the servers."""

    def __init__(self, list: Callable[[str, str], Sequence[Object]], fetch: Fetch) -> None:
        self._list = list
        self._fetch = fetch
        self._told: dict[str, Sequence[Object]] = {}

    def learn(self, service_name: str, body: str) -> None:
        """Take in the `APIResourceList` that a check found."""
        told = _parsed(body.encode())
        self._told[service_name] = told.get("resources") or () if told.get("kind") == "APIResourceList" else ()

    def __iter__(self) -> Iterator[Object]:
        """The APIServices that name a Service, the preferred version of a group first."""
        remote = [each for each in self._list(BUCKET, "") if each["spec"].get("service") is not None]
        return iter(sorted(remote, key=lambda each: (-each["spec"]["versionPriority"], each["spec"]["version"])))

    # -- groups ------------------------------------------------------------------------------------

    def merged(self, versions: Mapping[str, Sequence[str]]) -> Mapping[str, Sequence[str]]:
        """The versions of each group with those of others, in discovery order."""
        remote = [(each["spec"].get("group") or "", each["spec"]["version"]) for each in self]
        if not remote:
            return versions
        found = {name: list(own) for name, own in versions.items()}
        for group, version in remote:
            own = found.setdefault(group, [])
            if version not in own:
                own.append(version)
        added = [name for name in found if name not in versions]
        return {name: found[name] for name in self._ordered(list(versions), added)}

    def _ordered(self, names: list[str], added: Sequence[str]) -> list[str]:
        """The names of groups, each new one before the first that has a lower priority."""
        priorities: dict[str, int] = {}
        for each in self._list(BUCKET, ""):
            name = each["spec"].get("group") or ""
            priorities[name] = max(priorities.get(name, 0), each["spec"]["groupPriorityMinimum"])
        for new in sorted(added):
            rank = (-priorities.get(new, CUSTOM_GROUP), new)
            later = (at for at, name in enumerate(names) if (-priorities.get(name, CUSTOM_GROUP), name) > rank)
            names.insert(next(later, len(names)), new)
        return names

    def described(self, group: str, version: str) -> Object | None:
        """An `APIVersionDiscovery` of somebody else's group version; None where it is nobody else's."""
        name = f"{version}.{group}"
        service = next((each for each in self if each["metadata"]["name"] == name), None)
        if service is None:
            return None
        freshness = "Current" if is_true(service, "Available") else "Stale"
        resources = _discovered(self._told.get(name, ()))
        return {"version": version, **({"resources": resources} if resources else {}), "freshness": freshness}

    # -- OpenAPI -----------------------------------------------------------------------------------

    def _roots(self) -> Iterator[tuple[Object, str, str]]:
        """The APIServices whose servers answer, with the group and the path of each."""
        for each in self:
            if is_true(each, "Available"):
                group = each["spec"].get("group") or ""
                yield each, group, f"apis/{group}/{each['spec']['version']}"

    def paths(self) -> dict[str, Object]:
        """What others add to the index of version 3."""
        found: dict[str, Object] = {}
        for service, _, root in self._roots():
            entry = (_parsed(self._fetch(service, "/openapi/v3")).get("paths") or {}).get(root)
            if entry is not None:
                query = str(entry.get("serverRelativeURL", "")).partition("?")[2]
                found[root] = {"serverRelativeURL": f"/openapi/v3/{root}{f'?{query}' if query else ''}"}
        return found

    def document(self, root: str) -> bytes | None:
        """The document of version 3 of somebody else's group version."""
        service = next((each for each, _, own in self._roots() if own == root), None)
        return None if service is None else self._fetch(service, f"/openapi/v3/{root}")

    def added(self, document: dict[str, Any]) -> dict[str, Any]:
        """A document of version 2 with what others have: the paths of their groups, and definitions that are new."""
        for service, group, _ in self._roots():
            told = _parsed(self._fetch(service, "/openapi/v2"))
            paths = {path: each for path, each in (told.get("paths") or {}).items() if _within(path, group)}
            if paths:
                definitions = {**(told.get("definitions") or {}), **document["definitions"]}
                document = {**document, "paths": {**document["paths"], **paths}, "definitions": definitions}
        return document


def _within(path: str, group: str) -> bool:
    return f"{path}/".startswith(f"/apis/{group}/")


def _parsed(body: bytes | None) -> Mapping[str, Any]:
    """A JSON object; empty where there is none."""
    try:
        found = orjson.loads(body or b"{}")
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}


def _discovered(resources: Sequence[Object]) -> list[Object]:
    """An `APIResourceList` as aggregated discovery has it: subresources below their resource."""
    found: dict[str, dict[str, Any]] = {}
    for each in resources:
        name, _, below = str(each.get("name", "")).partition("/")
        kind = {"group": each.get("group", ""), "version": each.get("version", ""), "kind": each.get("kind", "")}
        described = {"responseKind": kind, "verbs": list(each.get("verbs") or ())}
        if below:
            parent = found.setdefault(name, {"resource": name})
            parent.setdefault("subresources", []).append({"subresource": below, **described})
            continue
        scope = {"scope": "Namespaced" if each.get("namespaced") else "Cluster"}
        entry = {"resource": name, "responseKind": kind, **scope, "singularResource": each.get("singularName", "")}
        entry["verbs"] = described["verbs"]
        entry |= {key: each[key] for key in ("shortNames", "categories") if each.get(key)}
        found[name] = {**entry, **{key: own for key, own in found.get(name, {}).items() if key == "subresources"}}
    return list(found.values())


NOBODY = RemoteGroups(lambda resource, namespace: (), lambda service, path: None)
"""Where this server serves everything itself."""

"""Discovery: the API tells what it serves.

Everything is derived from the table of kinds, and from what other servers tell of their groups (`remote_groups`).
Plain discovery answers step by step: versions, groups, the resources of a version. Aggregated discovery says all of it
at once (`APIGroupDiscoveryList`), which is why a kubectl of today needs two requests where an older one needs dozens.

Upstream: `apiserver/pkg/endpoints/discovery`, golden files in `kubernetes/api/discovery`.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.negotiation import DISCOVERY_VIEWS, negotiate
from k8snb.apiserver.remote_groups import NOBODY, RemoteGroups
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object, Resource
from k8snb.wire import Request, Response

ADDRESS = "10.96.0.1:443"
"""Where the API server says it can be reached: the Service `kubernetes`."""


class Subresource(NamedTuple):
    """What is served below an object. Empty group, version and kind mean: the same as the object's."""

    verbs: tuple[str, ...]
    kind: str = ""
    group: str = ""
    version: str = ""


_READ_WRITE = ("get", "patch", "update")
_STREAM = ("create", "get")
_PROXY = ("create", "delete", "get", "patch", "update")

SUBRESOURCES = {
    "approval": Subresource(_READ_WRITE),
    "attach": Subresource(_STREAM, "PodAttachOptions"),
    "binding": Subresource(("create",), "Binding"),
    "ephemeralcontainers": Subresource(_READ_WRITE),
    "eviction": Subresource(("create",), "Eviction", "policy", "v1"),
    "exec": Subresource(_STREAM, "PodExecOptions"),
    "finalize": Subresource(("update",)),
    "log": Subresource(("get",)),
    "portforward": Subresource(_STREAM, "PodPortForwardOptions"),
    "proxy": Subresource(_PROXY, "{kind}ProxyOptions"),
    "resize": Subresource(_READ_WRITE),
    "scale": Subresource(_READ_WRITE, "Scale", "autoscaling", "v1"),
    "status": Subresource(_READ_WRITE),
    "token": Subresource(("create",), "TokenRequest", "authentication.k8s.io", "v1"),
}


def subresource(resource: Resource, name: str) -> Subresource:
    """A subresource of a resource, with its kind filled in."""
    found = SUBRESOURCES.get(name, Subresource(_READ_WRITE))
    kind = found.kind.format(kind=resource.kind) if found.kind else resource.kind
    return found._replace(kind=kind)


def api_versions() -> Object:
    """`/api`."""
    return {
        "kind": "APIVersions",
        "versions": ["v1"],
        "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ADDRESS}],
    }


def _group(name: str, versions: Sequence[str]) -> Object:
    listed = [{"groupVersion": f"{name}/{version}", "version": version} for version in versions]
    return {"name": name, "versions": listed, "preferredVersion": listed[0]}


def groups(versions: Mapping[str, Sequence[str]]) -> Object:
    """`/apis`: every named group."""
    named = [_group(name, own) for name, own in versions.items() if name]
    return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}


def group(versions: Mapping[str, Sequence[str]], name: str) -> Object | None:
    """`/apis/<group>`."""
    own = versions.get(name) if name else None
    return {"kind": "APIGroup", "apiVersion": "v1", **_group(name, own)} if own else None


def resources(scheme: Scheme, group: str, version: str) -> Object | None:
    """`/api/v1` and `/apis/<group>/<version>`: the resources and their subresources, by name."""
    rows = [row for row in scheme if (row.group, row.version) == (group, version)]
    if not rows:
        return None
    listed = sorted((entry for row in rows for entry in _entries(row)), key=lambda entry: str(entry["name"]))
    meta = {"kind": "APIResourceList", "apiVersion": "v1"} if group else {"kind": "APIResourceList"}
    return {**meta, "groupVersion": rows[0].api_version, "resources": listed}


def _entries(row: Resource) -> Iterator[Object]:
    """A resource and its subresources as `APIResource`."""
    entry: dict[str, Any] = {
        "name": row.plural,
        "singularName": row.singular,
        "namespaced": row.namespaced,
        "kind": row.kind,
        "verbs": list(row.verbs),
    }
    if row.short_names:
        entry["shortNames"] = list(row.short_names)
    if row.categories:
        entry["categories"] = list(row.categories)
    if "watch" in row.verbs:
        entry["storageVersionHash"] = storage_version_hash(row)
    yield entry
    for name in row.subresources:
        below = subresource(row, name)
        other = {"group": below.group, "version": below.version} if below.group else {}
        yield {
            "name": f"{row.plural}/{name}",
            "singularName": "",
            "namespaced": row.namespaced,
            **other,
            "kind": below.kind,
            "verbs": list(below.verbs),
        }


def storage_version_hash(row: Resource) -> str:
    """Tells clients whether two resources are stored as the same thing, without saying as what."""
    group = row.storage.partition(".")[2]
    digest = hashlib.sha256(f"{group}/{row.version}/{row.kind}".encode()).digest()
    return base64.b64encode(digest[:8]).decode()


def aggregated(scheme: Scheme, remote: RemoteGroups, *, core: bool, version: str = "v2") -> Object:
    """`/api` or `/apis` as one `APIGroupDiscoveryList`."""
    items: list[Object] = [
        {
            "metadata": {"name": name} if name else {},
            "versions": [remote.described(name, served) or _version(scheme, name, served) for served in versions],
        }
        for name, versions in remote.merged(scheme.versions()).items()
        if core == (not name)
    ]
    return {
        "kind": "APIGroupDiscoveryList",
        "apiVersion": f"apidiscovery.k8s.io/{version}",
        "metadata": {},
        "items": items,
    }


def _version(scheme: Scheme, group: str, version: str) -> Object:
    rows = sorted((r for r in scheme if (r.group, r.version) == (group, version)), key=lambda row: row.plural)
    return {"version": version, "resources": [_described(row) for row in rows], "freshness": "Current"}


def _described(row: Resource) -> Object:
    """A resource as `APIResourceDiscovery`."""
    described: dict[str, Any] = {
        "resource": row.plural,
        "responseKind": {"group": "", "version": "", "kind": row.kind},
        "scope": "Namespaced" if row.namespaced else "Cluster",
        "singularResource": row.singular,
        "verbs": list(row.verbs),
    }
    if row.short_names:
        described["shortNames"] = list(row.short_names)
    if row.categories:
        described["categories"] = list(row.categories)
    if row.subresources:
        described["subresources"] = [_described_below(row, name) for name in sorted(row.subresources)]
    return described


def _described_below(row: Resource, name: str) -> Object:
    below = subresource(row, name)
    kind = {"group": below.group, "version": below.version, "kind": below.kind}
    return {"subresource": name, "responseKind": kind, "verbs": list(below.verbs)}


def serve(request: Request, scheme: Scheme, remote: RemoteGroups = NOBODY) -> Response | None:
    """Answer a request for a discovery document; None if the path is not one of this server's.

    HEAD is for the list of groups and for a group; the other documents are routes that know GET only, as upstream's.
    """
    found = _document(request, scheme, remote)
    if found is None:
        return None
    obj, content_type = found
    return Response(200, obj, content_type=content_type, headers={"vary": "Accept"})


def _document(request: Request, scheme: Scheme, remote: RemoteGroups) -> tuple[Object, str] | None:
    aggregator = request.path.startswith("/apis") and request.path.strip("/").count("/") < 2
    if request.method != "GET" and not (request.method == "HEAD" and aggregator):
        return None
    match request.path.strip("/").split("/"):
        case ["api" | "apis" as root]:
            accepted = negotiate(request.headers.get("accept", ""), DISCOVERY_VIEWS)
            if accepted.view is not None:
                found = aggregated(scheme, remote, core=root == "api", version=accepted.view.version)
                return found, accepted.content_type
            return (api_versions() if root == "api" else groups(remote.merged(scheme.versions()))), accepted.media_type
        case ["api", version]:
            obj = resources(scheme, "", version)
        case ["apis", name]:
            obj = group(remote.merged(scheme.versions()), name)
        case ["apis", name, version]:
            obj = resources(scheme, name, version)
        case _:
            return None
    return None if obj is None else (obj, negotiate(request.headers.get("accept", "")).media_type)

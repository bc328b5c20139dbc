"""`/metrics`: what the API server has counted, in the text format that Prometheus reads.

Requests are counted that come from outside; what parts of this process ask of each other is no HTTP. Upstream:
`apiserver/pkg/endpoints/metrics`, `apiserver/pkg/storage/etcd3/metrics`.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from k8snb.apiserver.exposition import head, sample
from k8snb.apiserver.flow import Flows
from k8snb.apiserver.flow_metrics import flow_lines
from k8snb.apiserver.rawstore import KEYS
from k8snb.apiserver.status import version
from k8snb.clock import Clock
from k8snb.store.mvcc import Store
from k8snb.wire import Request, RequestInfo, Response

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"

_VERBS = {"create": "POST", "update": "PUT", "connect": "CONNECT"}
_REQUESTS = (
    "[STABLE] Counter of apiserver requests broken out for each verb, dry run value, group, version, resource, scope, "
    "component, and HTTP response code."
)
_DEPRECATED = (
    "[STABLE] Gauge of deprecated APIs that have been requested, broken out by API group, version, resource, "
    "subresource, and removed_release."
)
_OBJECTS = (
    "[STABLE] Number of stored objects at the time of last check split by kind. In case of a fetching error, the "
    "value will be -1."
)
_BUILD = (
    "[BETA] A metric with a constant '1' value labeled by major, minor, git version, git commit, git tree state, "
    "build date, Go version, and compiler from which Kubernetes was built, and platform on which it is running."
)
_BUILD_LABELS = {
    "build_date": "buildDate",
    "compiler": "compiler",
    "git_commit": "gitCommit",
    "git_tree_state": "gitTreeState",
    "git_version": "gitVersion",
    "go_version": "goVersion",
    "major": "major",
    "minor": "minor",
    "platform": "platform",
}


class Counted(NamedTuple):
    """What tells one kind of request from another, in the order of the labels."""

    code: str
    component: str
    dry_run: str
    group: str
    resource: str
    scope: str
    subresource: str
    verb: str
    version: str


class Metrics:
    """The counters of one API server."""

    def __init__(self, store: Store, clock: Clock, flows: Flows) -> None:
        self._store = store
        self._flows = flows
        self.began = clock.now()
        """When the process began."""
        self._requests: dict[Counted, int] = {}
        self._deprecated: set[tuple[str, str, str, str]] = set()

    def count(self, request: Request, code: int) -> None:
        """Count a request that has been answered."""
        key = _key(request, code)
        self._requests[key] = self._requests.get(key, 0) + 1

    def deprecated(self, info: RequestInfo) -> None:
        """Note that somebody has asked for what is on its way out."""
        if info.resource is not None:
            resource = info.resource
            self._deprecated.add((resource.group, resource.plural, info.subresource, resource.version))

    def serve(self, request: Request) -> Response | None:
        """Answer a request for `/metrics`; None if it is for something else."""
        if request.path.strip("/") != "metrics" or request.method not in ("GET", "HEAD"):
            return None
        text = "".join(f"{line}\n" for line in self._lines())
        return Response(200, body=text.encode(), content_type=CONTENT_TYPE)

    def _lines(self) -> Iterator[str]:
        yield from flow_lines(self._flows)
        yield from head("apiserver_request_total", "counter", _REQUESTS)
        for key, number in sorted(self._requests.items()):
            yield sample("apiserver_request_total", key._asdict(), number)
        yield from head("apiserver_requested_deprecated_apis", "gauge", _DEPRECATED)
        for group, resource, subresource, served in sorted(self._deprecated):
            labels = {"group": group, "removed_release": "", "resource": resource, "subresource": subresource}
            yield sample("apiserver_requested_deprecated_apis", {**labels, "version": served}, 1)
        yield from head("apiserver_storage_objects", "gauge", _OBJECTS)
        for name, bucket in sorted(self._store.buckets().items()):
            if name == KEYS:
                continue
            number = sum(len(names) for names in bucket.namespaces.values())
            yield sample("apiserver_storage_objects", {"resource": name}, number)
        yield from build_info()
        started = "Start time of the process since unix epoch in seconds."
        yield from head("process_start_time_seconds", "gauge", started)
        yield sample("process_start_time_seconds", {}, self.began)


def _key(request: Request, code: int) -> Counted:
    info = request.info or RequestInfo(request.method.lower(), None)
    resource, dry = info.resource, request.query.get("dryRun", "")
    if resource is None:
        return Counted(str(code), "apiserver", dry, "", "", "", request.path, request.method, "")
    verb = _VERBS.get(info.verb, info.verb.upper())
    if verb == "PATCH" and "apply-patch" in request.headers.get("content-type", ""):
        verb = "APPLY"
    scope = "resource" if info.name or verb == "POST" else "namespace" if info.namespace else "cluster"
    names = (resource.group, resource.plural, scope, info.subresource, verb, resource.version)
    return Counted(str(code), "apiserver", dry, *names)


def build_info() -> Iterator[str]:
    """The lines that say what has been built."""
    yield from head("kubernetes_build_info", "gauge", _BUILD)
    build = version()
    yield sample("kubernetes_build_info", {label: build[name] for label, name in _BUILD_LABELS.items()}, 1)

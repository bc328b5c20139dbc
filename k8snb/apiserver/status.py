"""What the server says of itself: its version, its health, the paths it answers.

Upstream: `apiserver/pkg/server/healthz` and `server/routes`.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object
from k8snb.wire import Request, Response

VERSION = "v1.36.0"
"""The Kubernetes version whose behaviour this is."""

_MAJOR, _MINOR = VERSION.removeprefix("v").split(".")[:2]


def version() -> Object:
    """`/version`. The version is that of the behaviour; there is no Go build behind it."""
    return {
        "major": _MAJOR,
        "minor": _MINOR,
        "emulationMajor": _MAJOR,
        "emulationMinor": _MINOR,
        "minCompatibilityMajor": _MAJOR,
        "minCompatibilityMinor": str(int(_MINOR) - 1),
        "gitVersion": VERSION,
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "2026-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "",
        "platform": "linux/amd64",
    }


_HOOKS = """
start-apiserver-admission-initializer generic-apiserver-start-informers priority-and-fairness-config-consumer
priority-and-fairness-filter storage-object-count-tracker-hook start-apiextensions-informers
start-apiextensions-controllers crd-informer-synced start-system-namespaces-controller
peer-endpoint-reconciler-controller start-cluster-authentication-info-controller
start-kube-apiserver-identity-lease-controller start-kube-apiserver-identity-lease-garbage-collector
storage-readiness start-legacy-token-tracking-controller start-service-ip-repair-controllers rbac/bootstrap-roles
scheduling/bootstrap-system-priority-classes priority-and-fairness-config-producer bootstrap-controller
start-kubernetes-service-cidr-controller aggregator-reload-proxy-client-cert start-kube-aggregator-informers
apiservice-status-local-available-controller apiservice-status-remote-available-controller
apiservice-registration-controller apiservice-discovery-controller kube-apiserver-autoregistration
"""
_STARTED = (
    *(f"poststarthook/{hook}" for hook in _HOOKS.split()),
    "autoregister-completion",
    "poststarthook/apiservice-openapi-controller",
    "poststarthook/apiservice-openapiv3-controller",
)
_BASIC = ("ping", "log", "etcd")
CHECKS = {
    "healthz": (*_BASIC, *_STARTED),
    "livez": (*_BASIC, *_STARTED),
    "readyz": (*_BASIC, "etcd-readiness", "informer-sync", *_STARTED, "shutdown"),
}
"""The checks behind each health endpoint; each is also a path of its own (`/livez/ping`)."""


def health(
    endpoint: str,
    checks: Sequence[str],
    *,
    verbose: bool = False,
    excluded: Collection[str] = (),
    failed: Collection[str] = (),
) -> Response:
    """`/healthz`, `/livez`, `/readyz`. `failed` names those of the checks that do not pass; 500 if there is one."""
    bad = [check for check in checks if check in failed and check not in excluded]
    lines = [_line(check, check in excluded, check in bad) for check in checks]
    unknown = sorted({check for check in excluded if check and check not in checks})
    if unknown:
        listed = ", ".join(f'"{check}"' for check in unknown)
        lines.append(f"warn: some health checks cannot be excluded: no matches for {listed}")
    if bad:
        return _text(500, "\n".join([*lines, f"{endpoint} check failed", ""]))
    return _text(200, "\n".join([*lines, f"{endpoint} check passed", ""]) if verbose else "ok")


def _line(check: str, excluded: bool, failed: bool) -> str:
    if excluded:
        return f"[+]{check} excluded: ok"
    return f"[-]{check} failed: reason withheld" if failed else f"[+]{check} ok"


def _text(code: int, text: str) -> Response:
    headers = {"x-content-type-options": "nosniff", "cache-control": "no-cache, private"}
    return Response(code, body=text.encode(), content_type="text/plain; charset=utf-8", headers=headers)


_OTHER_PATHS = ("/flagz", "/metrics", "/openapi/v2", "/openapi/v3", "/openapi/v3/", "/statusz", "/version")


def root_paths(scheme: Scheme) -> Object:
    """`/`: every path there is, for people who look around."""
    paths = {"/api", "/apis", *_OTHER_PATHS}
    for group, versions in scheme.versions().items():
        root = f"/apis/{group}" if group else "/api"
        paths.add(root)
        paths.update(f"{root}/{served}" for served in versions)
    for endpoint, checks in CHECKS.items():
        paths.add(f"/{endpoint}")
        paths.update(f"/{endpoint}/{check}" for check in checks)
    return {"paths": sorted(paths)}


def serve(request: Request, scheme: Scheme, failed: Collection[str] = ()) -> Response | None:
    """Answer a request about the server itself; None if the path is none of these."""
    if request.method not in ("GET", "HEAD"):
        return None
    path = request.path.strip("/")
    if path == "":
        return Response(200, root_paths(scheme))
    if path == "version":
        if request.method == "HEAD":
            return None
        return Response(200, version())
    endpoint, _, check = path.partition("/")
    if endpoint not in CHECKS:
        return None
    if not check:
        excluded = request.query.get("exclude", "")
        checks, verbose = CHECKS[endpoint], "verbose" in request.query
        return health(endpoint, checks, verbose=verbose, excluded=(excluded,), failed=failed)
    if check not in CHECKS[endpoint]:
        return None
    return _text(500, "internal server error: reason withheld\n") if check in failed else _text(200, "ok")

"""Objects in one line, and the cells that they are printed as."""

from __future__ import annotations

from typing import Any

from k8snb.apiserver.printing import cells, columns
from k8snb.clock import EPOCH, rfc3339
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Resource

SCHEME = Scheme()
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400


def resource(api_version: str, kind: str) -> Resource:
    found = SCHEME.kind(api_version, kind)
    if found is not None:
        return found
    group, _, version = api_version.rpartition("/")
    return Resource(group, version, kind, kind.lower() + "s", kind.lower(), True)


def thing(name: str = "x", **fields: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "default", "creationTimestamp": rfc3339(EPOCH), **fields.pop("meta", {})}
    return {"metadata": meta, **fields}


def shown(api_version: str, kind: str, obj: dict[str, Any], *, after: float = 60) -> list[Any]:
    return cells(resource(api_version, kind), obj, EPOCH + after)


def named(api_version: str, kind: str, obj: dict[str, Any], *, after: float = 60) -> dict[str, Any]:
    titles = [column["name"] for column in columns(resource(api_version, kind))]
    return dict(zip(titles, shown(api_version, kind, obj, after=after), strict=True))


def pod(*containers: dict[str, Any], spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    count = max(len(containers), 1)
    wanted = {"containers": [{"name": f"c{i}", "image": "nginx"} for i in range(count)], **(spec or {})}
    meta = status.pop("meta", {})
    if containers:
        status["containerStatuses"] = list(containers)
    return thing("web", spec=wanted, status={"phase": "Running", **status}, meta=meta)


def container(state: dict[str, Any], *, restarts: int = 0, name: str = "c", **more: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "restartCount": restarts, "ready": "running" in state, **more}


RUNNING: dict[str, Any] = {"running": {"startedAt": rfc3339(EPOCH)}}


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason}}


def ended(code: int, reason: str = "", **more: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, **({"reason": reason} if reason else {}), **more}}


def line(obj: dict[str, Any], *, after: float = 60) -> list[Any]:
    """READY, STATUS and RESTARTS."""
    return shown("v1", "Pod", obj, after=after)[1:4]

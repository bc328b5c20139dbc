"""Versions of the specification: which there are, which a plugin speaks, and how a result looks in each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.cni.errors import INCOMPATIBLE_VERSION, CNIError

CURRENT = "1.1.0"
SUPPORTED = ("0.3.1", "0.4.0", "1.0.0", "1.1.0")
_SINCE = {"CHECK": "0.4.0", "GC": "1.1.0", "STATUS": "1.1.0"}
_OF_INTERFACES = ("mtu", "socketPath", "pciID")
_OF_ROUTES = ("mtu", "advmss", "priority", "table", "scope")

Document = Mapping[str, Any]


def require(version: str, supported: Sequence[str] = SUPPORTED) -> None:
    """Raises CNIError for a version that is not spoken."""
    if version not in supported:
        names = " ".join(f'"{each}"' for each in supported)
        details = f'config is "{version}", plugin supports [{names}]'
        raise CNIError(INCOMPATIBLE_VERSION, "incompatible CNI versions", details)


def has(version: str, command: str) -> bool:
    """Whether a version has the command."""
    return _numbers(version) >= _numbers(_SINCE.get(command, "0.1.0"))


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))


def shown(result: Document, version: str) -> dict[str, Any]:
    """A result as a version has it: before 1.0.0 addresses say of which family they are, before 1.1.0 less is said."""
    found = {"cniVersion": version, **{key: value for key, value in result.items() if key != "cniVersion" and value}}
    if not has(version, "GC"):
        found |= {"interfaces": [_without(each, _OF_INTERFACES) for each in found.get("interfaces", ())]}
        found |= {"routes": [_without(each, _OF_ROUTES) for each in found.get("routes", ())]}
    if _numbers(version) < (1, 0, 0):
        found["ips"] = [{"version": "6" if ":" in each["address"] else "4", **each} for each in found.get("ips", ())]
    order = ("cniVersion", "interfaces", "ips", "routes")
    return {**{key: found[key] for key in order if found.get(key)}, "dns": dict(result.get("dns") or {})}


def read(result: Document) -> dict[str, Any]:
    """A result of any version as one of the current."""
    ips = [{key: value for key, value in each.items() if key != "version"} for each in result.get("ips") or ()]
    return {**result, "cniVersion": CURRENT, **({"ips": ips} if ips else {})}


def _without(entry: Document, names: Sequence[str]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in names}

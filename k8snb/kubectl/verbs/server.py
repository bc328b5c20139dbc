"""kubectl version, api-resources, api-versions and cluster-info: what the server is and serves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from k8snb.apiserver.status import VERSION as VERSION_SERVED
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.kubectl.verbs.dump import DUMP
from k8snb.machinery.jsontext import json_text
from k8snb.typing import Object

_KUSTOMIZE = "v5.6.0"
_MAJOR, _MINOR = VERSION_SERVED.removeprefix("v").split(".")[:2]
_CLIENT = {"major": _MAJOR, "minor": _MINOR, "gitVersion": VERSION_SERVED}
"""This kubectl comes with the cluster, so it has the cluster's version."""
_DISCOVERY = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json"


def version(call: Call) -> None:
    """Carry out `kubectl version`."""
    if call.args:
        raise CommandError(f"extra arguments: [{' '.join(call.args)}]")
    found: dict[str, Any] = {"clientVersion": _CLIENT, "kustomizeVersion": _KUSTOMIZE}
    if not call.flags.on("client"):
        found["serverVersion"] = call.session.object("GET", "/version")
    format = call.flags.text("output")
    if format == "yaml":
        call.out(yaml_text(found) + "\n")
    elif format == "json":
        call.out(json_text(found, indent=2, ordered=False) + "\n")
    elif format:
        raise CommandError("--output must be 'yaml' or 'json'")
    else:
        call.out(f"Client Version: {VERSION_SERVED}\nKustomize Version: {_KUSTOMIZE}\n")
        if "serverVersion" in found:
            call.out(f"Server Version: {found['serverVersion']['gitVersion']}\n")


class _Served(NamedTuple):
    group: str
    version: str
    name: str
    kind: str
    short_names: list[str]
    namespaced: bool
    verbs: list[str]
    categories: list[str]


def _served(call: Call) -> Iterator[_Served]:
    """Every resource in the preferred version of its group, as discovery tells."""
    for path in ("/api", "/apis"):
        for group in call.session.object("GET", path, accept=_DISCOVERY)["items"]:
            name = (group.get("metadata") or {}).get("name", "")
            seen: set[str] = set()
            for each in group["versions"]:
                yield from _resources(name, each, seen)


def _resources(group: str, version: Mapping[str, Any], seen: set[str]) -> Iterator[_Served]:
    for each in version.get("resources") or ():
        if each["resource"] in seen or not each.get("verbs"):
            continue
        seen.add(each["resource"])
        yield _Served(
            group,
            version["version"],
            each["resource"],
            each["responseKind"]["kind"],
            each.get("shortNames") or [],
            each["scope"] == "Namespaced",
            each["verbs"],
            each.get("categories") or [],
        )


def api_resources(call: Call) -> None:
    """Carry out `kubectl api-resources`."""
    flags, format = call.flags, call.flags.text("output")
    if call.args:
        raise call.usage(f"unexpected arguments: [{' '.join(call.args)}]")
    if format not in ("", "wide", "name"):
        raise CommandError(f"--output {format} is not available")
    if flags.text("sort-by") not in ("", "name", "kind"):
        raise CommandError("--sort-by accepts only name or kind")
    chosen = [each for each in _served(call) if _wanted(call, each)]
    field = flags.text("sort-by") if flags.text("sort-by") in ("name", "kind") else "group"
    chosen.sort(key=lambda served: (getattr(served, field), served.name))
    if format == "name":
        call.out("".join(f"{s.name}.{s.group}\n" if s.group else f"{s.name}\n" for s in chosen))
        return
    writer = TabWriter()
    wide = format == "wide"
    if not flags.on("no-headers"):
        extra = ("VERBS", "CATEGORIES") if wide else ()
        writer.row(("NAME", "SHORTNAMES", "APIVERSION", "NAMESPACED", "KIND", *extra))
    for served in chosen:
        writer.row(_row(served, wide=wide))
    call.out(writer.flush())


def _row(served: _Served, *, wide: bool) -> list[str]:
    api_version = f"{served.group}/{served.version}" if served.group else served.version
    row = [served.name, ",".join(served.short_names), api_version, str(served.namespaced).lower(), served.kind]
    return [*row, ",".join(served.verbs), ",".join(served.categories)] if wide else row


def _wanted(call: Call, served: _Served) -> bool:
    flags = call.flags
    if flags.has("api-group") and served.group != flags.text("api-group"):
        return False
    if flags.has("namespaced") and served.namespaced != flags.on("namespaced"):
        return False
    if set(flags.texts("verbs")) - set(served.verbs):
        return False
    return not set(flags.texts("categories")) - set(served.categories)


def api_versions(call: Call) -> None:
    """Carry out `kubectl api-versions`."""
    if call.args:
        raise call.usage(f"unexpected arguments: [{' '.join(call.args)}]")
    found = set()
    for path in ("/api", "/apis"):
        for group in call.session.object("GET", path, accept=_DISCOVERY)["items"]:
            name = (group.get("metadata") or {}).get("name", "")
            found |= {f"{name}/{v['version']}" if name else v["version"] for v in group["versions"]}
    call.out("".join(f"{each}\n" for each in sorted(found)))


def cluster_info(call: Call) -> None:
    """Carry out `kubectl cluster-info`."""
    address = _address(call.session.object("GET", "/api"))
    call.out(f"Kubernetes control plane is running at {address}\n\n")
    call.out("To further debug and diagnose cluster problems, use 'kubectl cluster-info dump'.\n")


def _address(versions: Object) -> str:
    listed = versions.get("serverAddressByClientCIDRs") or [{}]
    return f"https://{listed[0].get('serverAddress', '10.96.0.1:443')}"


VERSION = Verb(
    "version",
    "Print the client and server version information",
    version,
    (Flag("client", kind="switch"), Flag("output", "o")),
)
API_RESOURCES = Verb(
    "api-resources",
    "Print the supported API resources on the server",
    api_resources,
    (
        Flag("api-group"),
        Flag("cached", kind="switch"),
        Flag("categories", kind="list"),
        Flag("namespaced", kind="switch", default=True),
        Flag("no-headers", kind="switch"),
        Flag("output", "o"),
        Flag("sort-by"),
        Flag("verbs", kind="list"),
    ),
)
API_VERSIONS = Verb(
    "api-versions", 'Print the supported API versions on the server, in the form of "group/version"', api_versions
)
CLUSTER_INFO = Verb("cluster-info", "Display cluster information", cluster_info, verbs=(DUMP,))

"""kubectl cluster-info dump: everything there is to look at, in one go. Upstream: `kubectl/pkg/cmd/clusterinfo`."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from k8snb.errors import StatusError
from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.flags import MANAGED_FIELDS, MISSING_KEYS, TEMPLATE, Flag
from k8snb.kubectl.printing.printers import as_struct, printer_for
from k8snb.typing import Object, Resource

_KINDS = (
    ("events", "events"),
    ("replicationcontrollers", "replication-controllers"),
    ("services", "services"),
    ("daemonsets", "daemonsets"),
    ("deployments", "deployments"),
    ("replicasets", "replicasets"),
    ("pods", "pods"),
)
"""What is dumped of a namespace, and the file that it goes to."""
_LINES = "==== {mark} logs for container {container} of pod {namespace}/{pod} ====\n"

Put = Callable[[str, str], None]
"""Takes a text and the file that it belongs to."""


def run(call: Call) -> None:
    """Carry out `kubectl cluster-info dump`."""
    printer = printer_for(call.flags, call.scheme, ordered=False)
    assert printer is not None
    put, where = _output(call), call.flags.text("output-directory")
    put("nodes", printer(_listed(call, resource_named(call.scheme, "nodes"), "")))
    for namespace in _namespaces(call):
        for word, file in _KINDS:
            listed = _listed(call, resource_named(call.scheme, word), namespace)
            put(f"{namespace}/{file}", printer(listed))
        for pod in listed["items"]:
            put(f"{namespace}/{pod['metadata']['name']}/logs.txt", _logs(call, pod))
    if where not in ("", "-"):
        call.out(f"Cluster info dumped to {where}\n")


def _namespaces(call: Call) -> list[str]:
    if call.everywhere:
        return [each["metadata"]["name"] for each in call.session.items(resource_named(call.scheme, "namespaces"), "")]
    return call.flags.texts("namespaces") or ["kube-system", call.namespace]


def _listed(call: Call, resource: Resource, namespace: str) -> Object:
    """A list as Go's structs lay it out, each item with its kind."""
    found = call.session.collect(resource, namespace)
    items = [as_struct({"kind": resource.kind, "apiVersion": resource.api_version, **each}) for each in found["items"]]
    return as_struct({**found, "items": items})


def _logs(call: Call, pod: Object) -> str:
    """What the containers of a pod have written, one after the other."""
    namespace, name = pod["metadata"]["namespace"], pod["metadata"]["name"]
    path = resource_named(call.scheme, "pods").path(namespace, name, "log")
    texts: list[str] = []
    for container in (*(pod["spec"].get("initContainers") or ()), *pod["spec"]["containers"]):
        try:
            text = call.session.send("GET", path, {"container": container["name"]}).body.decode()
        except StatusError as error:
            text = f"Request log error: {error.message}\n"
        start, end = (
            _LINES.format(mark=mark, container=container["name"], namespace=namespace, pod=name)
            for mark in ("START", "END")
        )
        texts += [start, text, end]
    return "".join(texts)


def _output(call: Call) -> Put:
    where = call.flags.text("output-directory")
    if where in ("", "-"):
        return lambda _file, text: call.out(text)
    suffix = f".{call.flags.text('output')}"

    def put(file: str, text: str) -> None:
        path = Path(where) / (file if file.endswith(".txt") else file + suffix)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    return put


DUMP = Verb(
    "dump",
    "Dump relevant information for debugging and diagnosis",
    run,
    (
        Flag("output", "o", default="json"),
        TEMPLATE,
        MANAGED_FIELDS,
        MISSING_KEYS,
        Flag("all-namespaces", "A", kind="switch"),
        Flag("namespaces", kind="list"),
        Flag("output-directory"),
        Flag("pod-running-timeout", kind="seconds", default=20.0),
    ),
)

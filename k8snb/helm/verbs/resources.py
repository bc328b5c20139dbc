"""What the objects of a release look like now, for `helm status --show-resources`.

Upstream: `pkg/kube/client.go` (`Get`), `cmd/helm/status.go`.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.errors import StatusError
from k8snb.helm.cluster.objects import built
from k8snb.helm.release.record import Release
from k8snb.kubectl.printing.tables import TableOptions, TablePrinter
from k8snb.kubectl.session import AS_TABLE, Session
from k8snb.kubectl.tabwriter import TabWriter
from k8snb.kubectl.targets import Target
from k8snb.typing import Object

RELATED = "v1/Pod(related)"
_OWNERS = ("ReplicaSet", "Deployment", "StatefulSet", "DaemonSet", "Job")


def resources_text(session: Session, release: Release) -> str:
    """The tables of a release's objects and of the pods that they select, by version and kind."""
    tables: dict[str, list[Object]] = {}
    for title, table in _tables(session, release):
        tables.setdefault(title, []).append(table)
    text = "RESOURCES:\n"
    columns: object = None
    for title, found in tables.items():
        text += f"==> {title}\n"
        for table in found:
            writer = TabWriter()
            TablePrinter(writer, TableOptions(headers=table["columnDefinitions"] != columns)).print(table)
            columns = table["columnDefinitions"]
            text += writer.flush()
        text += "\n"
    return f"{text}\n"


def _tables(session: Session, release: Release) -> Iterator[tuple[str, Object]]:
    selected: list[dict[str, str]] = []
    resource = session.scheme.find("pods")
    for target in built(session, release.manifest, release.namespace):
        try:
            table = session.get(target, accept=AS_TABLE)
        except StatusError:
            continue
        yield f"{target.resource.version}/{target.resource.kind}", table
        labels = _selector(target)
        if resource and labels and labels not in selected:
            selected.append(labels)
            query = {"labelSelector": ",".join(f"{key}={value}" for key, value in sorted(labels.items()))}
            pods = session.collect(resource, target.namespace, query, accept=AS_TABLE)
            yield from ((RELATED, pods),) if pods.get("rows") else ()


def _selector(target: Target) -> dict[str, str]:
    selector = ((target.object or {}).get("spec") or {}).get("selector") or {}
    if target.resource.kind == "ReplicationController":
        return dict(selector)
    return dict(selector.get("matchLabels") or {}) if target.resource.kind in _OWNERS else {}

"""A release as helm keeps it, and the text that it is kept as. Upstream: `pkg/release/release.go`, `driver/util.go`.

The record is JSON, gzipped, in base64: the real helm reads what is written here, and the other way round. Field names,
their order and what is left out when empty are those of helm's structs.
"""

from __future__ import annotations

import base64
import gzip
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from k8snb.helm.chart.chart import Chart, File
from k8snb.helm.gotime import RFC3339_NANO, formatted
from k8snb.helm.gzipping import gzipped
from k8snb.helm.manifests import Hook
from k8snb.helm.yamltext import floats, plain_data
from k8snb.machinery.jsontext import json_text

DEPLOYED, FAILED, SUPERSEDED, UNKNOWN = "deployed", "failed", "superseded", "unknown"
UNINSTALLED, UNINSTALLING = "uninstalled", "uninstalling"
PENDING_INSTALL, PENDING_UPGRADE, PENDING_ROLLBACK = "pending-install", "pending-upgrade", "pending-rollback"
PENDING = (PENDING_INSTALL, PENDING_UPGRADE, PENDING_ROLLBACK)


def stamp(seconds: float) -> str:
    """A moment as records have it; nothing for 0."""
    return formatted(datetime.fromtimestamp(seconds, UTC), RFC3339_NANO) if seconds else ""


def moment(text: str) -> datetime | None:
    """The moment of a record; None for none."""
    return datetime.fromisoformat(text.replace("Z", "+00:00")).astimezone(UTC) if text else None


@dataclass(frozen=True, slots=True)
class Release:
    """One revision of a release. It is never changed: `with_status` and the like make the next one."""

    name: str
    namespace: str
    version: int
    chart: Chart
    config: Mapping[str, Any]
    manifest: str = ""
    hooks: Sequence[Hook] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    status: str = UNKNOWN
    description: str = ""
    notes: str = ""
    first_deployed: str = ""
    last_deployed: str = ""
    deleted: str = ""

    def with_status(self, status: str, description: str = "") -> Release:
        """The same with another status, and what is said about it."""
        return replace(self, status=status, description=description or self.description)

    @property
    def info(self) -> dict[str, Any]:
        """`info`, as the record has it."""
        found = {"first_deployed": self.first_deployed, "last_deployed": self.last_deployed, "deleted": self.deleted}
        more = {"description": self.description, "status": self.status, "notes": self.notes}
        return {**found, **{key: value for key, value in more.items() if value}}

    def data(self, *, chart: bool = True) -> dict[str, Any]:
        """The record as data; without the chart for those who look at it."""
        found = {
            "name": self.name,
            "info": self.info,
            "chart": chart_data(self.chart) if chart else None,
            "config": _sorted(self.config),
            "manifest": self.manifest,
            "hooks": [hook_data(hook) for hook in self.hooks],
            "version": self.version,
            "namespace": self.namespace,
        }
        return {key: value for key, value in found.items() if value}


def _sorted(value: Any) -> Any:
    """Data with the keys of maps in order, as Go writes them."""
    if isinstance(value, Mapping):
        return {key: _sorted(value[key]) for key in sorted(value)}
    return [_sorted(each) for each in value] if isinstance(value, list) else plain_data(value)


def hook_data(hook: Hook) -> dict[str, Any]:
    """A hook as the record has it."""
    found = {
        "name": hook.name, "kind": hook.kind, "path": hook.path, "manifest": hook.manifest, "events": hook.events,
        "last_run": hook.last_run, "weight": hook.weight, "delete_policies": hook.delete_policies,
        "output_log_policies": hook.log_policies,
    }  # fmt: skip
    return {key: value for key, value in found.items() if value}


def _files(files: Sequence[File]) -> list[dict[str, str]]:
    return [{"name": file.name, "data": base64.b64encode(file.data).decode()} for file in files]


def chart_data(chart: Chart) -> dict[str, Any]:
    """A chart as the record has it."""
    return {
        "metadata": _sorted(chart.metadata) if chart.metadata else None,
        "lock": chart.lock,
        "templates": _files(chart.templates),
        "values": _sorted(chart.values),
        "schema": base64.b64encode(chart.schema).decode() if chart.schema is not None else None,
        "files": _files(chart.files),
    }


def encoded(release: Release) -> str:
    """The record as text."""
    text = json_text(release.data(), ordered=False)
    return base64.b64encode(gzipped(text.encode())).decode()


def decoded(text: str) -> dict[str, Any]:
    """The data in a record's text. Raises ValueError."""
    packed = base64.b64decode(text)
    data: dict[str, Any] = json.loads(gzip.decompress(packed) if packed[:3] == b"\x1f\x8b\x08" else packed)
    return data


def read(text: str, labels: Mapping[str, str]) -> Release:
    """The release that a record's text is. Raises ValueError."""
    data = decoded(text)
    info = data.get("info") or {}
    return Release(
        name=data.get("name", ""),
        namespace=data.get("namespace", ""),
        version=int(data.get("version", 0)),
        chart=_chart(data.get("chart") or {}),
        config=floats(data.get("config") or {}),
        manifest=data.get("manifest", ""),
        hooks=tuple(map(_hook, data.get("hooks") or ())),
        labels=labels,
        status=info.get("status", UNKNOWN),
        description=info.get("description", ""),
        notes=info.get("notes", ""),
        first_deployed=info.get("first_deployed", ""),
        last_deployed=info.get("last_deployed", ""),
        deleted=info.get("deleted", ""),
    )


def _read_files(files: Any) -> list[File]:
    return [File(file["name"], base64.b64decode(file.get("data") or "")) for file in files or ()]


def _chart(data: Mapping[str, Any]) -> Chart:
    schema = data.get("schema")
    return Chart(
        metadata=dict(data.get("metadata") or {}),
        templates=_read_files(data.get("templates")),
        values=floats(data.get("values") or {}),
        schema=base64.b64decode(schema) if schema else None,
        files=_read_files(data.get("files")),
        lock=data.get("lock"),
    )


def _hook(data: Mapping[str, Any]) -> Hook:
    run = data.get("last_run") or {}
    return Hook(
        name=data.get("name", ""),
        kind=data.get("kind", ""),
        path=data.get("path", ""),
        manifest=data.get("manifest", ""),
        events=list(data.get("events") or ()),
        weight=int(data.get("weight", 0)),
        delete_policies=list(data.get("delete_policies") or ()),
        log_policies=list(data.get("output_log_policies") or ()),
        last_run={key: run.get(key, "") for key in ("started_at", "completed_at", "phase")},
    )

"""Charts and releases in few words."""

from __future__ import annotations

import json

from k8snb import Cluster
from k8snb.typing import Object
from tests.helm.conftest import Typed

DEPLOYMENT = """apiVersion: apps/v1
kind: Deployment
metadata:
  name: {{ .Release.Name }}
spec:
  replicas: {{ .Values.replicas | default 1 }}
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: "nginx:{{ .Values.tag | default 1.27 }}"}
"""


def job(name: str, event: str, command: str = "exit 0", more: str = "") -> str:
    """A hook that runs a command."""
    notes = "".join(f"    {line}\n" for line in (f"helm.sh/hook: {event}", *filter(None, more.split(";"))))
    return (
        f"apiVersion: batch/v1\nkind: Job\nmetadata:\n  name: {name}\n  annotations:\n{notes}"
        "spec:\n  backoffLimit: 0\n  template:\n    spec:\n      restartPolicy: Never\n      containers:\n"
        f"      - {{name: x, image: busybox, command: [sh, -c, {command}]}}\n"
    )


def history(helm: Typed, name: str = "w") -> list[tuple[int, str, str]]:
    """The revisions of a release: number, status, description."""
    rows = json.loads(helm(f"history {name} -o json").stdout)
    return [(row["revision"], row["status"], row["description"]) for row in rows]


def records(cluster: Cluster) -> list[Object]:
    return [each for each in cluster.client.list("secrets", "default") if each["type"] == "helm.sh/release.v1"]

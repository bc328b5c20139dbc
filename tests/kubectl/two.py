"""Both kubectls on one cluster: what they are typed, and how what they print is compared."""

from __future__ import annotations

from pathlib import Path

from k8snb import Cluster
from k8snb.kubectl import Kubectl
from tests.kubectl.real import RealKubectl, normal

POD = f"""
apiVersion: v1
kind: Pod
metadata:
  name: big
  labels: {{a: b}}
  annotations: {{long: {"y" * 150}, note: x}}
spec:
  initContainers:
  - {{name: setup, image: "busybox:1.36", command: [sh, -c, "echo ready to go"]}}
  containers:
  - name: c
    image: nginx:1.27
    ports: [{{containerPort: 80, name: http}}, {{containerPort: 443}}]
    env:
    - {{name: A, value: "1"}}
    - {{name: POD, valueFrom: {{fieldRef: {{fieldPath: metadata.name}}}}}}
    - {{name: LIMIT, valueFrom: {{resourceFieldRef: {{resource: limits.cpu}}}}}}
    - {{name: FROM, valueFrom: {{configMapKeyRef: {{name: a, key: x}}}}}}
    - {{name: SECRET, valueFrom: {{secretKeyRef: {{name: s, key: x, optional: true}}}}}}
    envFrom: [{{configMapRef: {{name: a}}, prefix: P_}}, {{secretRef: {{name: s}}}}]
    resources: {{requests: {{cpu: 100m, memory: 64Mi}}, limits: {{memory: 128Mi}}}}
    livenessProbe: {{httpGet: {{path: /, port: 80}}, initialDelaySeconds: 5}}
    readinessProbe: {{exec: {{command: [ls, /]}}}}
    startupProbe: {{tcpSocket: {{port: 80}}}}
    volumeMounts:
    - {{name: e, mountPath: /e}}
    - {{name: cm, mountPath: /c, readOnly: true}}
  - {{name: side, image: "busybox:1.36", command: [sleep, "3600"]}}
  volumes:
  - {{name: e, emptyDir: {{}}}}
  - {{name: cm, configMap: {{name: a}}}}
  - {{name: sec, secret: {{secretName: s}}}}
  - {{name: h, hostPath: {{path: /tmp}}}}
  - {{name: d, downwardAPI: {{items: [{{path: l, fieldRef: {{fieldPath: metadata.labels}}}}]}}}}
  nodeSelector: {{kubernetes.io/os: linux}}
  tolerations:
  - {{operator: Exists, effect: NoSchedule}}
  - {{key: k, value: v, effect: NoExecute, tolerationSeconds: 5}}
  topologySpreadConstraints:
  - maxSkew: 1
    topologyKey: zone
    whenUnsatisfiable: ScheduleAnyway
    labelSelector: {{matchLabels: {{a: b}}}}
"""

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - name: web
        image: nginx:1.27
        ports: [{containerPort: 80}]
        env: [{name: A, value: "1"}, {name: B, value: "2"}]
---
apiVersion: v1
kind: ConfigMap
metadata: {name: cfg}
data: {a: "1", b: "<x> & y"}
"""


class Two:
    """Both kubectls, on one cluster."""

    def __init__(self, cluster: Cluster, folder: Path) -> None:
        self.ours = Kubectl(cluster.client, cluster.clock, cluster.wait)
        self.real = RealKubectl(cluster, folder)

    def compare(self, command: str, stdin: str = "") -> None:
        """Run a command that reads. Lines whose order Go leaves to chance are compared in any order.

        A cluster goes on while it is read: the real one reads between two readings of ours, and is right if it agrees
        with either.
        """
        before = self.ours.run(command, stdin)
        real = self.real.run(command, stdin)
        try:
            self._same(command, real, before)
        except AssertionError:
            self._same(command, real, self.ours.run(command, stdin))

    def both(self, command: str, stdin: str = "") -> None:
        """Run a command that writes, once in each one's namespace; `NS` stands for that."""
        theirs = self.real.run(command.replace("NS", "theirs"), stdin.replace("NS", "theirs"))
        self._same(command, theirs, self.ours.run(command.replace("NS", "ours"), stdin.replace("NS", "ours")))

    def _same(self, command: str, real: tuple[str, str, int], ours: object) -> None:
        shuffled = any(word in command for word in ("--list", "describe cm", "events", "--all-containers", "--from"))
        mine = (ours.stdout, ours.stderr, ours.code)  # type: ignore[attr-defined]
        shown = [(_lines(out, shuffled), _lines(err, shuffled), code) for out, err, code in (real, mine)]
        assert shown[1] == shown[0], command


def _lines(text: str, shuffled: bool) -> list[str]:
    lines = normal(text).split("\n")
    return sorted(lines) if shuffled else lines

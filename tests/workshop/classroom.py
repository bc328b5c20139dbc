"""A class as the workshop's files make it: limits and hub installed by helm, and a server for each participant.

`jupyterhub/` is a chart of our own that stands in for Zero to JupyterHub; its Chart.yaml says where its facts are from.
`server` is the pod that KubeSpawner makes of the same values. Whatever runs is agnhost, which answers on every port
where the real part would.
"""

from __future__ import annotations

from typing import Any

import yaml

from k8snb import Cluster
from k8snb.helm import run
from k8snb.kubectl import Output
from k8snb.packet import HTTPRequest, NetworkError
from k8snb.typing import Object
from tests.book.conftest import ROOT

VALUES = yaml.safe_load((ROOT / "workshop" / "values.yaml").read_text())
SERVERS = VALUES["hub"]["activeServerLimit"]
NAMESPACE = "workshop"
LIMITS = f"workshop {ROOT / 'workshop' / 'limits'} -n {NAMESPACE} -f {ROOT / 'workshop' / 'values.yaml'}"
HUB = f"workshop {ROOT / 'tests' / 'workshop' / 'jupyterhub'} -n {NAMESPACE} -f {ROOT / 'workshop' / 'values.yaml'}"
AGNHOST = "registry.k8s.io/e2e-test-images/agnhost:2.53"
NOTEBOOK, HUB_PORT, PROXY_PORT = 8888, 8081, 8000
_UNITS = {"K": 2**10, "M": 2**20, "G": 2**30}


class Classroom:
    """A cluster of four nodes with everything that a workshop installs, and nobody there yet."""

    def __init__(self) -> None:
        self.cluster = Cluster(nodes=4, seed=1)
        self.client = self.cluster.client
        self.cluster.kubectl("apply -f -", stdin=(ROOT / "workshop" / "namespace.yaml").read_text())
        self.said = [self.helm(f"install {LIMITS.replace('workshop', 'limits', 1)}"), self.helm(f"install {HUB}")]
        self.cluster.settle()

    def helm(self, command: str) -> Output:
        return run(self.cluster, command)

    def join(self, *names: str) -> None:
        """Let participants come: a claim for the home and a server each, as the hub makes them."""
        for name in names:
            self.client.create("persistentvolumeclaims", home(name), NAMESPACE)
            self.client.create("pods", server(name), NAMESPACE)

    def pods(self, component: str) -> list[Object]:
        """The pods of one of the chart's parts."""
        return self.client.list("pods", NAMESPACE, labels=f"component={component}")

    def address(self, component: str, index: int = 0) -> str:
        return str(self.pods(component)[index]["status"]["podIP"])

    def reaches(self, source: str, host: str, port: int) -> bool:
        """Whether packets from an address get through and somebody answers; if not, a policy has dropped them."""
        try:
            self.cluster.network.request(HTTPRequest("GET", host, port, "/", source=source))
        except NetworkError:
            return self.cluster.network.connect(source, host, port).hops[-1].kind != "policy"
        return True


def server(name: str) -> dict[str, Any]:
    """A participant's server, as KubeSpawner makes it of the values: amounts of memory count in 1024s and are bytes."""
    single = VALUES["singleuser"]
    resources = {
        "requests": {"cpu": str(single["cpu"]["guarantee"]), "memory": amount(single["memory"]["guarantee"])},
        "limits": {"cpu": str(single["cpu"]["limit"]), "memory": amount(single["memory"]["limit"])},
    }
    container = {
        "name": "notebook",
        "image": AGNHOST,
        "args": ["netexec", f"--http-port={NOTEBOOK}"],
        "ports": [{"name": "notebook-port", "containerPort": NOTEBOOK}],
        "resources": resources,
        "securityContext": {
            "runAsUser": single["uid"],
            "allowPrivilegeEscalation": single["allowPrivilegeEscalation"],
        },
    }
    labels = {"app": "jupyterhub", "release": "workshop", "component": "singleuser-server"}
    access = {"hub.jupyter.org/network-access-hub": "true", "hub.jupyter.org/username": name}
    spec = {"containers": [container], **single["extraPodConfig"]}
    meta = {"name": f"jupyter-{name}", "labels": {**labels, **access}}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": meta, "spec": spec}


def home(name: str) -> dict[str, Any]:
    """The claim for a participant's home."""
    capacity = VALUES["singleuser"]["storage"]["capacity"]
    spec = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": capacity}}}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": f"claim-{name}"}, "spec": spec}


def amount(memory: str) -> str:
    """Bytes of `512M`, as JupyterHub counts them."""
    return str(int(float(memory[:-1]) * _UNITS[memory[-1]]))

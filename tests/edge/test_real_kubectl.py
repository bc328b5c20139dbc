"""The real kubectl against a served cluster: one story, from the first Deployment to the last pod.

It is told by an old kubectl and by a new one, because they speak differently: the old one runs commands over
SPDY and wants OpenAPI v2, the new one uses WebSockets, sends protobuf and asks for all of discovery at once.
"""

from __future__ import annotations

import http.client
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snb.testing import served

pytestmark = pytest.mark.kubectl

VERSIONS = ("1.27", "1.33")
SPEED = 20.0
SECONDS = 30


def binary(version: str) -> str:
    """The path of a kubectl of a version; empty where there is none."""
    plain = shutil.which("kubectl")
    beside = f"{Path(plain).resolve()}.{version}" if plain else ""
    for path in (shutil.which(f"kubectl.{version}"), beside, plain):
        if path and Path(path).exists():
            told = subprocess.run([path, "version", "--client"], capture_output=True, text=True, check=False).stdout
            if f"v{version}." in told:
                return path
    return ""


class Kubectl:
    """Types commands; `told` is what was printed, both streams together, and whether it went well."""

    def __init__(self, path: str, kubeconfig: Path, home: Path) -> None:
        self._path = path
        self._environment = {**os.environ, "KUBECONFIG": str(kubeconfig), "HOME": str(home), "KUBECACHEDIR": str(home)}

    def start(self, command: str) -> subprocess.Popen[str]:
        """Start a command that goes on for a while."""
        words, pipe = [self._path, *shlex.split(command)], subprocess.PIPE
        return subprocess.Popen(
            words, env=self._environment, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True
        )

    def __call__(self, command: str, stdin: str = "", *, code: int = 0) -> str:
        """Run a command to its end; what it printed."""
        with self.start(command) as process:
            out, _ = process.communicate(stdin, timeout=SECONDS)
        assert process.returncode == code, out
        return out


@pytest.fixture(scope="module", params=VERSIONS)
def kubectl(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubectl]:
    """A kubectl of one version, and a cluster of its own."""
    path = binary(request.param)
    if not path:
        pytest.skip(f"there is no kubectl {request.param}")
    with served(nodes=3, speed=SPEED) as kubeconfig:
        yield Kubectl(path, kubeconfig, tmp_path_factory.mktemp("home"))


MANIFEST = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web}}
spec:
  replicas: 3
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers:
      - {name: web, image: nginx:1.27, ports: [{containerPort: 80}]}
"""


def test_a_deployment_from_beginning_to_end(kubectl: Kubectl) -> None:
    with kubectl.start("get pods --watch --no-headers") as watcher:
        assert kubectl("apply -f -", MANIFEST) == "deployment.apps/web created\n"
        rolled = kubectl("rollout status deployment/web")
        assert rolled.splitlines()[-1] == 'deployment "web" successfully rolled out'
        assert "deployment.apps/web unchanged" in kubectl("apply -f -", MANIFEST)
        assert kubectl("get deployment web --no-headers").split()[:4] == ["web", "3/3", "3", "3"]

        assert kubectl("set image deployment/web web=nginx:1.28") == "deployment.apps/web image updated\n"
        kubectl("rollout status deployment/web")
        kubectl("set image deployment/web web=nginx:broken-tag")
        stuck = kubectl("rollout status deployment/web --timeout=1s", code=1)
        assert stuck.splitlines()[-1] == "error: timed out waiting for the condition"
        assert re.search(r"ErrImagePull|ImagePullBackOff", kubectl("get pods"))
        assert kubectl("rollout undo deployment/web") == "deployment.apps/web rolled back\n"
        kubectl("rollout status deployment/web")
        images = "jsonpath={.spec.template.spec.containers[0].image}"
        assert kubectl(f"get deployment web -o {images}") == "nginx:1.28"
        history = kubectl("rollout history deployment/web").split("\n")
        assert [line.split()[0] for line in history[2:] if line] == ["1", "3", "4"]

        assert kubectl("scale deployment web --replicas=1") == "deployment.apps/web scaled\n"
        kubectl("wait --for=jsonpath={.status.replicas}=1 deployment/web")
        watcher.terminate()
        seen = watcher.communicate(timeout=SECONDS)[0]
    assert re.search(r"web-\w+-\w+ +0/1 +ContainerCreating", seen)
    assert re.search(r"web-\w+-\w+ +1/1 +Running", seen)
    assert re.search(r"web-\w+-\w+ +1/1 +Terminating", seen)


def test_everything_can_be_described(kubectl: Kubectl) -> None:
    kubectl("expose deployment web --port=80 --type=NodePort")
    kubectl("wait --for=condition=Ready pod -l app=web")
    kinds = [line.split()[0] for line in kubectl("api-resources --verbs=list --no-headers").splitlines()]
    assert {"pods", "nodes", "deployments", "services", "endpointslices", "leases", "priorityclasses"} <= {*kinds}
    # kubectl 1.27 asks for networking.k8s.io/v1alpha1 to describe addresses, which is gone
    kubectl(f"describe {','.join(kind for kind in kinds if kind != 'ipaddresses')} --all-namespaces")
    described = kubectl("describe deployment web")
    assert "Replicas:               1 desired | 1 updated | 1 total | 1 available | 0 unavailable" in described
    assert "ScalingReplicaSet" in described
    assert "Successfully assigned default/web-" in kubectl("describe pod -l app=web")
    assert "KubeletReady" in kubectl("describe node node-1")
    assert re.search(r"Endpoints: +10\.", kubectl("describe service web"))


def test_a_pod_tells_and_does(kubectl: Kubectl) -> None:
    # Long enough to be seen running, on a slow machine too.
    counting = "for i in 1 2 3; do echo line $i; sleep 20; done"
    kubectl(f"run count --image=busybox --restart=Never -- sh -c '{counting}'")
    kubectl("wait --for=jsonpath={.status.phase}=Running pod/count")
    assert kubectl("logs -f count") == "line 1\nline 2\nline 3\n"
    assert kubectl("logs count --tail=1") == "line 3\n"

    pod = kubectl("get pod -l app=web -o name").strip()
    assert kubectl(f"exec {pod} -- cat /etc/hostname") == pod.removeprefix("pod/") + "\n"
    assert kubectl(f"exec -i {pod} -- cat", "typed\n") == "typed\n"
    failed = kubectl(f"exec {pod} -- sh -c 'echo no >&2; exit 3'", code=3)
    assert failed == "no\ncommand terminated with exit code 3\n"
    assert "executable file not found in $PATH" in kubectl(f"exec {pod} -- nothing", code=1)
    other = f"Error from server (BadRequest): container other is not valid for pod {pod.removeprefix('pod/')}\n"
    assert kubectl(f"exec {pod} -c other -- ls", code=1) == other


def test_a_shell_is_typed_into(kubectl: Kubectl) -> None:
    pod = kubectl("get pod -l app=web -o name").strip()
    typed = "A=5\ncd /etc\npwd\nfor i in 1 2\ndo echo $A$i\ndone\nexit 4\n"
    told = kubectl(f"exec -i {pod} -- sh", typed, code=4)
    assert told == "/etc\n51\n52\ncommand terminated with exit code 4\n"
    told = kubectl("run typist --rm -i --image=busybox --restart=Never -- sh", "hostname\nexit\n")
    assert "\ntypist\n" in told
    assert told.endswith('pod "typist" deleted\n')
    kubectl("run broken --image=nginx:broken-tag")
    assert "unable to upgrade connection: container not found" in kubectl("exec broken -- ls", code=1)


def test_a_pod_is_looked_at_from_an_ephemeral_container(kubectl: Kubectl) -> None:
    pod = kubectl("get pod -l app=web -o name").strip()
    told = kubectl(f"debug -i {pod} --image=busybox --target=web -c look", "ps\nexit 3\n")
    assert "    7 root      0:00 sh\n   13 root      0:00 ps\n" in told
    assert "ps" in kubectl(f"logs {pod} -c look")
    template = "{range .status.ephemeralContainerStatuses[*]}{.name} {.ready} {.state.terminated.exitCode}{end}"
    assert kubectl(f"get {pod} -o jsonpath='{template}'") == "look false 3"
    kubectl("run guarded --image=nginx")
    kubectl("wait pod/guarded --for=condition=Ready --timeout=20s")
    kubectl("debug guarded --image=busybox -c stay -- sleep 10000")
    kubectl("wait pod/guarded --for=jsonpath='{.status.ephemeralContainerStatuses[0].user.linux.uid}'=0 --timeout=20s")
    assert "1 root      0:00 sleep 10000" in kubectl("exec guarded -c stay -- ps")
    kubectl("delete pod guarded --now")


def test_a_port_is_forwarded(kubectl: Kubectl) -> None:
    pod = kubectl("get pod -l app=web -o name").strip()
    with kubectl.start(f"port-forward {pod} :80") as forwarding:
        assert forwarding.stdout is not None
        found = re.match(r"Forwarding from 127\.0\.0\.1:(\d+) -> 80", forwarding.stdout.readline())
        assert found is not None
        connection = http.client.HTTPConnection("127.0.0.1", int(found[1]), timeout=SECONDS)
        for path, code in (("/", 200), ("/nothing", 404)):
            connection.request("GET", path)
            answer = connection.getresponse()
            assert (answer.status, b"nginx" in answer.read()) == (code, True)
        forwarding.terminate()
    proxied = f"/api/v1/namespaces/default/pods/{pod.removeprefix('pod/')}/proxy/"
    assert "Welcome to nginx!" in kubectl(f"get --raw {proxied}")


def test_objects_are_labelled_annotated_patched_and_explained(kubectl: Kubectl) -> None:
    assert kubectl("create configmap settings --from-literal=a=b") == "configmap/settings created\n"
    assert kubectl("label configmap settings tier=front") == "configmap/settings labeled\n"
    kubectl("annotate configmap settings note=hello")
    kubectl('patch configmap settings -p \'{"data":{"c":"d"}}\'')
    kubectl('patch configmap settings --type=merge -p \'{"data":{"a":null}}\'')
    kubectl('patch configmap settings --type=json -p \'[{"op":"add","path":"/data/e","value":"f"}]\'')
    assert kubectl("get configmap -l tier=front -o jsonpath={.items[*].data}") == '{"c":"d","e":"f"}'
    invalid = kubectl('patch configmap settings -p \'{"data":{"g":5}}\'', code=1)
    shown = "map[data:map[g:5]]"
    assert invalid == f'The request is invalid: patch: Invalid value: "{shown}": cannot convert int64 to string\n'
    assert "FIELD: containers" in kubectl("explain pod.spec.containers").replace("RESOURCE", "FIELD")
    assert kubectl("create priorityclass high --value=10") == "priorityclass.scheduling.k8s.io/high created\n"


def test_a_node_is_emptied_and_comes_back(kubectl: Kubectl) -> None:
    node = kubectl("get pod -l app=web -o jsonpath={.items[0].spec.nodeName}")
    assert f"node/{node} drained" in kubectl(f"drain {node} --force --delete-emptydir-data")
    assert "SchedulingDisabled" in kubectl(f"get node {node}")
    kubectl("rollout status deployment/web")
    moved = kubectl("get pod -l app=web --field-selector=status.phase=Running -o jsonpath={.items[*].spec.nodeName}")
    assert moved != node
    assert kubectl(f"uncordon {node}") == f"node/{node} uncordoned\n"
    assert kubectl(f"taint node {node} a=b:NoSchedule") == f"node/{node} tainted\n"
    assert kubectl(f"taint node {node} a-") == f"node/{node} untainted\n"


def test_in_the_end_nothing_is_left(kubectl: Kubectl) -> None:
    assert kubectl("delete deployment web") == 'deployment.apps "web" deleted\n'
    kubectl("wait --for=delete pod -l app=web")
    kubectl("delete service,configmap,pod --all --wait=false")
    kubectl("create namespace short-lived")
    kubectl("create configmap inside -n short-lived")
    assert 'namespace "short-lived" deleted' in kubectl("delete namespace short-lived")
    assert kubectl("get configmap inside -n short-lived", code=1).startswith("Error from server (NotFound): ")

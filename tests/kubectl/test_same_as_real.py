"""The same command, typed into the real kubectl and into the built-in one, prints the same."""

from __future__ import annotations

import json
import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snb import Cluster
from k8snb.kubectl import Kubectl
from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.machinery.jsonpath import JSONPath, JSONPathError
from tests.kubectl.real import RealKubectl, binary, normal

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.skipif(not binary(), reason="there is no kubectl 1.33"),
]

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
        """Run a command that reads. Lines whose order Go leaves to chance are compared in any order."""
        self._same(command, self.real.run(command, stdin), self.ours.run(command, stdin))

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


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    cluster = Cluster(nodes=3, seed=1, journal=False)
    pair = Two(cluster, tmp_path_factory.mktemp("kube"))
    for command, stdin in (
        ("create deployment web --image=nginx:1.27 --replicas=2 --port=80", ""),
        ("expose deployment web --name=svc --port=80", ""),
        ("create configmap a --from-literal=x=y", ""),
        ("label configmap a zz=1 example.com/b=2", ""),
        ("create secret generic s --from-literal=x=y", ""),
        ("create namespace other", ""),
        ("create quota few --hard=pods=3,cpu=2 -n other", ""),
        ("apply -f -", POD),
        ("wait --for=condition=Ready pod/big --timeout=120s", ""),
        ("rollout status deployment/web", ""),
    ):
        outcome = pair.ours.run(command, stdin)
        assert outcome.code == 0, outcome.text
    yield pair
    pair.real.close()


READS = """
get pods
get pods -o wide
get po,svc
get all
get all -A
get pods -A --no-headers
get deploy,rs web nope
get pods nope nope2
get nope
get pods -l app=web --show-labels
get cm -L zz,example.com/b
get nodes -o wide
get ns,nodes
get pods -n nowhere
get pod nope --ignore-not-found
get pods -l app=nope,b
get pods -o name
get deploy web -o yaml
get deploy web -o json
get deploy -o yaml
get cm a nope -o yaml
get cm -n nowhere -o yaml
get pods -o jsonpath='{range .items[*]}{.metadata.name} {.status.podIP}{"\\n"}{end}'
get pods -o custom-columns=A:.metadata.name,B:.nope,C:.metadata.labels
get pods -o custom-columns=A
get pods -o jsonpath={.x
get pods -o foo
get nodes --sort-by=.metadata.name
get pods -A svc
get pods/x y
get cm --field-selector metadata.name=a
get cm --field-selector data.x=a
get cm -l a=b=c
get pods --show-labels -o yaml
get endpointslices,ep
get rs -o wide
get sa,secrets
get pc
get deployments.v1.apps web
get pods.foo
get pods --foo
get pods -z
get -o
get
foo
get --raw /api/v1/namespaces/default/configmaps/a
describe deployment web
describe rs
describe pod big
describe svc svc
describe cm a
describe secret s
describe ns other
describe quota few -n other
describe node node-1
describe sa default
describe ep svc
describe endpointslice
describe pc system-node-critical
describe lease node-1 -n kube-node-lease
describe pod nope
describe pods -l app=nope
describe nope
describe
rollout history deploy/web
rollout history deploy/web --revision=1
rollout history deploy/web --revision=9
rollout history pod/big
rollout status deploy/web
rollout status pod/big
rollout undo deploy/web
logs big -c setup
logs big -c nope
logs big --all-containers --prefix --limit-bytes=200
logs deploy/web --tail=2
logs -l app=nope
logs nope
logs
events --for pod/nope
events --types=Warning
wait --for=condition=Ready pod/big
wait --for=condition=Nope pod/big --timeout=1s
wait --for=jsonpath={.status.phase}=Running pod/big
wait --for=condition=Ready pod -l app=nope
wait --for=foo pod/big
explain pod.spec.tolerations
explain deploy --recursive
explain pod.nope
explain nope
api-resources
api-resources -o wide --api-group=apps
api-versions
cordon nope
taint node node-1 x
exec big ls
exec big
get deploy web --subresource=scale
get deploy web --subresource=status -o name
get deploy web --subresource=foo
get deploy --subresource=scale
get pods --sort-by=.nope
get pods --sort-by='{.spec.nodeName}' -o name
get po,deploy --show-kind
get deploy --server-print=false
get pods -o JSON
get pods -o=
get pod big -o jsonpath={.kind} --template={{.kind}}
get cm a -o go-template='{{range $k, $v := .data}}{{$k}}={{$v}}, {{end}}'
get cm a -o go-template='{{.data.x.y}}'
get cm a -o go-template={{.data.q}} --allow-missing-template-keys=false
get cm a -o go-template={{.x
get cm a -o go-template-file=/nope
get secret s --template='{{.data.x | base64decode}}'
get cm a -o jsonpath-as-json={.data}
get cm a -o custom-columns-file=/nope
get pods big -w --output-watch-events -o json --request-timeout=1s
get --raw /nope
get pods --context=foo
get pods --user=foo
get pods --cluster=foo
get pods --kubeconfig=/nope
get pods --request-timeout=foo
get pods --as-group=x
get DEPLOY
label cm a x=9 --local
rollout history svc/svc
rollout undo svc/svc
rollout restart deploy -l app=nope
rollout history deploy/web -o yaml
logs big --since-time=foo
exec cm/a -- ls
exec big -- nosuchcommand
exec big -it -- true
wait --for=create pod/nope --timeout=1s
explain pods -o foo
explain deploy.spec.selector --output=plaintext-openapiv2
explain deploy.spec.strategy --output=plaintext-openapiv2 --recursive
explain cm.data --output=plaintext-openapiv2
explain pods --output=foo
explain pods.foo.bar
explain deployments.apps.spec.paused
api-resources --sort-by=foo
api-resources --verbs=list,watch -o name
api-versions foo
drain node-1 --dry-run=client
drain node-1 --pod-selector='a in'
taint node node-1 a=b:NoSchedule a=b:NoSchedule
taint node node-1 'a b=c:NoSchedule'
gett pods
create foo
create secret foo x
describe pod big -n nowhere
delete cm --all -l a=b
delete cm -o yaml --all
replace --grace-period=1 -f -
config view foo
config get-contexts nope
config use-context nope
config set-context
config unset foo
config set foo.bar baz
attach
attach cm/a
attach big -c nope
cp
cp a b
cp big:/a other:/b
cp nope:/x /tmp/y
cp /nope big:/tmp/
cp a/b/c:/x /tmp/y
port-forward
port-forward pod/nope 80
port-forward svc/svc 9999
port-forward pod/big foo
debug big
debug big --image=busybox --profile=foo
debug nope --image=busybox
debug big --image=busybox --target=nope -c look
debug deploy/web --image=busybox
debug big --image=busybox --copy-to=x --target=y
debug big --image=busybox --replace
debug big --image=BAD_:x:y
diff
diff a
diff -f /nope
edit
edit cm/nope
kustomize /nope
kustomize a b
kustomize tests/kubectl/kustomize/base
kustomize tests/kubectl/kustomize/overlay
""".strip().splitlines()


@pytest.mark.parametrize("command", READS)
def test_a_command_that_reads_prints_the_same(two: Two, command: str) -> None:
    two.compare(command)


STORIES = {
    "templates": """
create ns NS
create deployment web --image=nginx:1.27 -n NS
create cm a --from-literal=k=v --from-literal=key-two=w -n NS
create cm h --from-literal=k=v --append-hash -n NS
create secret generic s --from-literal=pw=v --append-hash -n NS -o name
create secret tls t --cert=/nope --key=/nope -n NS
set env deploy/web --from=configmap/a --prefix=P_ -n NS
set env deploy/web A=1 --from=cm/a --keys=k -n NS
set env deploy/web --list -n NS
set env deploy/web --list --resolve -n NS
set env deploy/web A=2 A- -n NS
set env deploy/web A=3 --overwrite=false -n NS
set env deploy/web 'bad key=1' -n NS
set env deploy/web B=2 -c nope -n NS
set env deploy/web --from=sa/default -n NS
set resources deploy/web --limits=cpu=1 --dry-run=client -o yaml -n NS
set resources deploy/web --limits=cpu -n NS
set resources deploy/web --limits=cpu=x -n NS
set resources deploy/web -c nope --limits=cpu=1 -n NS
set image deploy/web nginx -n NS
set image deploy/web nginx=nginx:1.20 --local -n NS
set sa deploy web robot -n NS
set sa deploy web robot -n NS
create service clusterip sv --tcp=80 -n NS
create service clusterip c --tcp=99999 -n NS
create service clusterip c --tcp=80:99999 -n NS
set selector svc sv a=b -n NS
set selector svc sv 'a in (b)' -n NS
set selector svc sv c=d --resource-version=1 -n NS
set selector deploy web a=b -n NS
expose deploy web --port=80 -l a=b --selector=c=d --dry-run=client -o yaml -n NS
label cm a x=5 --list -n NS
patch deploy web --type=merge -p '{"spec":{"replicas":1}}' -n NS --dry-run=server
patch deploy web --patch-file=/nope -n NS
get deploy web -n NS -o jsonpath={.spec.template.spec}
delete --raw /api/v1/namespaces/NS/configmaps/a
delete ns NS
""",
    "a deployment": """
create ns NS
create deployment web --image=nginx:1.14.2 --replicas=3 -n NS
create deployment web --image=nginx:1.14.2 -n NS
create deployment Bad_ --image=nginx -n NS
expose deployment web --port=80 --target-port=8080 -n NS
expose deployment web -n NS
expose deployment nope --port=80 -n NS
scale deploy web --replicas=4 -n NS
scale deploy/web --replicas=2 --current-replicas=3 -n NS
scale deploy/nope --replicas=2 -n NS
set image deploy/web nginx=nginx:1.16.1 -n NS
set image deploy/web nope=nginx:1.16.1 -n NS
set image deploy/web nginx=nginx:1.16.1 -n NS
set env deploy/web A=1 B=2 -n NS
set resources deploy/web --limits=cpu=200m --requests=cpu=100m -n NS
rollout undo deploy/web --to-revision=1 -n NS
rollout undo deploy/web --to-revision=77 -n NS
rollout pause deploy/web -n NS
rollout pause deploy/web -n NS
rollout undo deploy/web -n NS
rollout restart deploy/web -n NS
rollout resume deploy/web -n NS
rollout resume deploy/web -n NS
rollout restart deploy/web -n NS
delete deploy web --dry-run=server -n NS
delete deploy web -n NS
delete deploy,rs nope -n NS
delete ns NS
get ns NS
""",
    "configuration": """
create ns NS
create cm a --from-literal=k=v -n NS
create cm b --from-literal=k=v -n NS -o yaml
create cm d --from-literal=k=v -n NS --dry-run=server
create cm d --from-literal=k=v -n NS --save-config --dry-run=client -o yaml
create cm a --from-literal=k=v -n NS
create cm a --from-literal=k=v -n nowhere
create secret generic s --from-literal=k=v -n NS
create secret docker-registry r --docker-username=u --docker-password=p -n NS
create sa robot -n NS
create quota q --hard=pods=10,cpu=4 -n NS
label cm a x=1 y=2 -n NS
label cm a x=2 -n NS
label cm a x=2 --overwrite -n NS
label cm a x- -n NS
label cm a x- -n NS
label cm a b z=1 -n NS
label cm --all all=1 -n NS
label cm a 'bad key=1' -n NS
label cm a k=bad/val -n NS
label cm a --list -n NS
label cm a q=2 --overwrite --dry-run=client -n NS
annotate cm a n='hello world' -n NS
annotate cm a n=2 -n NS
patch cm a -p '{"data":{"k":"w"}}' -n NS
patch cm a -p '{"data":{"k":"w"}}' -n NS
patch cm a --type=json -p '[{"op":"test","path":"/data/k","value":"w4"}]' -n NS
patch cm a --type=foo -p '{}' -n NS
patch cm a -p '{' -n NS
patch cm nope -p '{}' -n NS
delete cm a b -n NS
delete cm a -n NS
delete cm --all -n NS
delete svc -n NS
delete ns NS
""",
    "services and pods": """
create ns NS
create service clusterip c1 --tcp=80:80 -n NS
create service clusterip c1 --tcp=80:80 -n NS
create service nodeport n1 --tcp=80:80 -n NS
create service clusterip h1 --clusterip=None -n NS
create service externalname e1 --external-name=x.y -n NS
create service loadbalancer l1 --tcp=80:80 -n NS
create service clusterip bad --tcp=0:80 -n NS
run one --image=nginx:1.27 -n NS
run one --image=nginx:1.27 -n NS
run two --image=nginx --port=80 --expose -n NS
run three --image=nginx --dry-run=client -o yaml -n NS
run four --image=nginx --overrides='{"spec":{"priorityClassName":"missing"}}' -n NS
run five --image=nginx --restart=Never --dry-run=server -o name -n NS
run six --image=nginx --restart=Foo -n NS
run Bad_ --image=nginx -n NS
run --image=nginx -n NS
delete svc/l1 svc/n1 -n NS
delete pod one --now -n NS
delete pod two --force --grace-period=0 -n NS
delete ns NS
""",
}


@pytest.mark.parametrize("story", STORIES)
def test_a_story_of_writes_prints_the_same(two: Two, story: str) -> None:
    for command in STORIES[story].strip().splitlines():
        two.both(command)


def test_applying_prints_the_same(two: Two) -> None:
    two.both("create ns NS")
    config = WEB.partition("---")[2]
    for command, manifest in (
        ("apply -f - -n NS", WEB),
        ("apply -f - -n NS", WEB),
        ("get cm cfg -n NS -o yaml", ""),
        ("apply -f - -n NS", WEB.replace(', {name: B, value: "2"}', "").replace("replicas: 2", "replicas: 3")),
        ("apply -f - -n NS", WEB.replace('a: "1", ', "")),
        ("apply -f - -n NS --dry-run=client", WEB),
        ("apply -f - -n NS --dry-run=server", WEB),
        ("apply -f - -n NS -o yaml", config),
        ("apply -f - -n NS -o name", WEB),
        ("create -f - -n NS", WEB),
        ("create -f - -n NS --dry-run=client -o yaml", WEB.replace("web", "web3").replace("cfg", "cfg3")),
        ("create cm other --from-literal=a=b -n NS", ""),
        ("apply -f - -n NS", config.replace("cfg", "other")),
        ("replace -f - -n NS", WEB),
        ("replace -f - -n NS", config.replace("cfg", "nope")),
        ("delete -f - -n NS", WEB),
        ("delete -f - -n NS", WEB),
        ("delete ns NS", ""),
    ):
        two.both(command, manifest)


def test_applying_on_the_servers_side_prints_the_same(two: Two) -> None:
    two.both("create ns NS")
    web = WEB.partition("---")[0]
    fewer = web.replace("replicas: 2", "replicas: 1")
    managers = "get deploy web -n NS -o jsonpath={.metadata.managedFields[*].manager}"
    for command, manifest in (
        ("apply -f - -n NS --force-conflicts", web),
        ("apply -f - -n NS --server-side --dry-run=client", web),
        ("apply -f - -n NS --server-side --force", web),
        ("apply -f - -n NS --dry-run=server --force", web),
        ("apply -f - -n NS", web),
        ("apply view-last-applied deploy/web -n NS", ""),
        ("apply -f - -n NS --server-side --dry-run=server", web),
        ("apply -f - -n NS --server-side", web),
        (f"{managers} --show-managed-fields", ""),
        (managers, ""),
        ("apply -f - -n NS --server-side", fewer),
        ("apply -f - -n NS --server-side --field-manager=bob", web),
        ("apply -f - -n NS --server-side --field-manager=bob --force-conflicts -o name", web),
        (f"{managers} --show-managed-fields", ""),
        ("apply -f - -n NS --server-side --validate=false", web.replace("replicas: 2", "replicas: two")),
        ("apply -f - -n NS --server-side", web.replace("replicas: 2", "replicas: 2, other: 1")),
        ("apply view-last-applied deploy web -n NS -o json", ""),
        ("apply view-last-applied deploy web -n NS -o foo", ""),
        ("apply view-last-applied deploy nope -n NS", ""),
        ("apply view-last-applied -n NS", ""),
        ("apply set-last-applied -f - -n NS", fewer),
        ("apply set-last-applied -f - -n NS", fewer),
        ("apply set-last-applied -f - -n NS --dry-run=client", web),
        ("apply set-last-applied -f - -n NS", web.replace("name: web", "name: nope")),
        ("create cm plain --from-literal=a=b -n NS", ""),
        ("apply view-last-applied cm plain -n NS", ""),
        ("delete ns NS", ""),
    ):
        two.both(command, manifest)


BAD_MANIFESTS = [
    "kind: Pod",
    "a: b",
    "- a",
    "5",
    "",
    "a: b: c",
    '{"a": 1',
    "x: [1, 2",
    "apiVersion: v1\nkind: Pod\nmetadata:\n\tname: x",
    "apiVersion: v2\nkind: Pod\nmetadata: {name: x}",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: 5}",
    "apiVersion: v1\nkind: Pod\nmetadata: {}\nspec: {}",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {containers: [{name: a, image: b, foo: 1}], bar: 1}",
    "apiVersion: v1\nkind: Pod\nmetadata: {name: X_}\nspec: {containers: [{name: a, image: b},{name: a, image: b}]}",
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: elsewhere}",
    "apiVersion: v1\nkind: Secret\nmetadata: {name: x}\ndata: {a: '!!'}",
]


@pytest.mark.parametrize("manifest", BAD_MANIFESTS)
def test_a_bad_manifest_is_refused_in_the_same_words(two: Two, manifest: str) -> None:
    two.compare("apply -n default -f -", manifest)
    two.compare("create -n default -f -", manifest)


SECRET = """---
apiVersion: v1
kind: Secret
metadata: {name: s}
stringData: {k: v, m: w}
"""


def test_differences_are_shown_the_same(two: Two) -> None:
    two.both("create ns NS")
    two.both("apply -f - -n NS", WEB + SECRET)
    changed = WEB.replace("replicas: 2", "replicas: 3").replace('a: "1", ', "c: d, ") + SECRET.replace("m: w", "m: x")
    for command, manifest in (
        ("diff -f - -n NS", WEB + SECRET),
        ("diff -f - -n NS", changed),
        ("diff -f - -n NS", WEB.replace("name: cfg", "name: new")),
        ("diff -f - -n NS", WEB.replace("data:", "datax:")),
        ("diff -f - -n NS", WEB.replace("replicas: 2", "replicas: -2")),
    ):
        two.both(command, manifest)
    two.both("delete ns NS")


@pytest.mark.parametrize(
    ("editor", "edit"),
    [
        ("sed -i s/k:.v/k:\\ w/", "s/k: v/k: w/"),
        ("true", ""),
        ("sed -i s/name:.cfg/name:\\ x/", "s/name: cfg/name: x/"),
    ],
)
def test_an_edit_says_the_same(two: Two, editor: str, edit: str) -> None:
    two.ours.run("create cm cfg --from-literal=k=v -n other")
    theirs = two.real.run("edit cm cfg -n other", editor=editor)
    config = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: cfg}\ndata: {k: v}\n"
    two.ours.run("replace --force -f - -n other", config)
    ours = two.ours.run("edit cm cfg -n other", edit)
    said = normal(theirs[1])
    kept = "A copy of your changes has been stored"  # there is no file here to keep it in
    assert ours.stderr == "\n".join(line for line in said.split("\n") if not line.startswith(kept))
    assert ours.code == theirs[2]
    assert edit == "" or ours.stdout == theirs[0]


# -- what needs no server ------------------------------------------------------------------------------

_PIECES = [
    *("word", "a", "b:", "#", "-", " ", "  ", "\n", "'", '"', "\\", "1", "0x1", "é", "yes", "\t", "{", "}", "[", ","),
    *("&", "*", "!", "|", ">", "%", "@", "`", "~", ":", "?", "longerword", "😀", "\x1b", ".", "_", "e5", "inf"),
    *("2020-01-02", "T10:00:00Z", "null", "0o7", "1_000"),
]


def _local(obj: object, output: str, folder: Path) -> subprocess.CompletedProcess[str]:
    file = folder / "object.json"
    file.write_text(json.dumps(obj))
    command = [binary(), "label", "--local", "-f", str(file), "-o", output, "zz=1", "--dry-run=client", "--overwrite"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("seed", range(4))
def test_yaml_is_the_same_byte_for_byte(seed: int, tmp_path: Path) -> None:
    lots = random.Random(seed)
    data = {f"k{i}": "".join(lots.choices(_PIECES, k=lots.choice([1, 2, 5, 20, 60]))) for i in range(150)}
    nested = [["a", "b"], [], {}, {"a": [1, {"b": "c d " * 40}], "x": {"y": {}}}, "text " * 30, 1.5, True, None, [[1]]]
    keys = {"v10": 1, "v9": 1, "A": 1, "_": 2, "1": 1, "10": 1, "2": 1, "x" * 130: 1, "": 3, "y": 1, "a b": 2, "k:": 4}
    meta = {"name": "x", "labels": {"zz": "1"}}
    obj = {"apiVersion": "example.com/v1", "kind": "Foo", "metadata": meta, "data": data, "lists": nested, "m": keys}
    assert yaml_text(obj) == _local(obj, "yaml", tmp_path).stdout


TEMPLATES = [
    "{.metadata.name}",
    '{.metadata}{"\\n"}',
    '{range .spec.containers[*]}{.name}:{.image}{"\\n"}{end}',
    "{.metadata.labels.a\\.b/c}",
    "{.metadata.labels['a\\.b/c']}",
    "{.spec.containers[-1:].name}",
    '{.spec.containers[?(@.name=="b")].n}',
    "{.spec.containers[?(@.n>2)].name}",
    "{.spec.containers[?(@.ports)].name}",
    "x {.nope} y",
    "{..p}",
    "{.spec.containers[0,1].name}",
    "{range .spec.containers[*]}[{range .ports[*]}{.p},{end}]{end}.",
]
BAD_TEMPLATES = [
    "{.spec.containers[5].name}",
    "{.spec.containers[x]}",
    "{end}",
    "{foo}",
    "{.spec.containers[?(@.name==3)].n}",
    "{.spec.containers[2:1]}",
    "{.kind[0]}",
    '{"unclosed}',
    "{#}",
]
CONTAINERS = [
    {"name": "a", "image": "i<1>", "ports": [{"p": 1}, {"p": 2}]},
    {"name": "b", "n": 3, "ok": True, "f": 1.5},
]
LABELS = {"a.b/c": "d", "zz": "1"}
META = {"name": "x", "labels": LABELS}
PLAIN = {"apiVersion": "v1", "kind": "Pod", "metadata": META, "spec": {"containers": CONTAINERS}}


@pytest.mark.parametrize("template", TEMPLATES)
def test_a_jsonpath_finds_the_same(template: str, tmp_path: Path) -> None:
    assert JSONPath(template).render(PLAIN) == _local(PLAIN, f"jsonpath={template}", tmp_path).stdout


@pytest.mark.parametrize("template", BAD_TEMPLATES)
def test_a_bad_jsonpath_is_refused_in_the_same_words(template: str, tmp_path: Path) -> None:
    with pytest.raises(JSONPathError) as refused:
        JSONPath(template).render(PLAIN)
    assert str(refused.value) in _local(PLAIN, f"jsonpath={template}", tmp_path).stderr

"""The same command, typed into the real kubectl and into the built-in one, prints the same."""

from __future__ import annotations

import pytest

from tests.kubectl.real import binary, normal
from tests.kubectl.two import WEB, Two

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.skipif(not binary(), reason="there is no kubectl 1.33"),
]

STORIES = {
    "templates": """
create ns NS
create deployment web --image=nginx:1.27 -n NS
create cm a --from-literal=k=v --from-literal=key-two=w -n NS
create cm one --from-literal=key-two=w -n NS
create cm h --from-literal=k=v --append-hash -n NS
create secret generic s --from-literal=pw=v --append-hash -n NS -o name
create secret tls t --cert=/nope --key=/nope -n NS
set env deploy/web --from=configmap/one --prefix=P_ -n NS
set env deploy/web A=1 --from=cm/a --keys=k -n NS
set env deploy/web --list -n NS
set env deploy/web --list --resolve -n NS
set env deploy/web A=2 A- -n NS
set env deploy/web A=3 --overwrite=false -n NS
set env deploy/web 'bad key=1' -n NS
set env deploy/web B=2 -c nope -n NS
set env deploy/web --from=sa/default -n NS
set resources deploy/web --limits=cpu=1 --dry-run=client -o jsonpath={.spec.template.spec.containers[0].resources} -n NS
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
        ("diff -f - --prune --prune-allowlist=core/v1/ConfigMap -n NS", WEB.partition("---")[0]),
        ("label -f - t=u --local -o yaml -n NS", WEB),
        ("apply -f - --prune --all -l a=b -n NS", WEB),
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

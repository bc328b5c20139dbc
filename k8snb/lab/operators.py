"""The page on operators: disks for an example, an operator's own words, a second version, and the exercises."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any, Protocol

import orjson

from k8snb.client.client import Client
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.production import DRIVER, STORAGE_CLASS
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery.objects import is_true, labels_of
from k8snb.machinery.structural import Structural
from k8snb.machinery.structural.rules import broken, compiled
from k8snb.typing import Object
from k8snb.wire import Response

DEFINITIONS = "customresourcedefinitions.apiextensions.k8s.io"
NAME = "etcdclusters.etcd.example.com"
ACCOUNT = "system:serviceaccount:default:etcd-operator"
_CLUSTERS = f"/apis/etcd.example.com/v1/namespaces/{NAMESPACE}/etcdclusters"
_DEFAULT = "storageclass.kubernetes.io/is-default-class"


class Furnished(Protocol):
    """A cluster in which something can be installed."""

    @property
    def client(self) -> Client: ...

    def add_driver(self, name: str) -> Any: ...


def add_disks(cluster: Furnished) -> None:
    """Install a storage driver and a class that claims get which name none."""
    cluster.add_driver(DRIVER)
    meta = {**STORAGE_CLASS["metadata"], "annotations": {_DEFAULT: "true"}}
    cluster.client.create("storageclasses", {**STORAGE_CLASS, "metadata": meta})


def source(path: str, *names: str) -> str:
    """Functions and classes of a Python file, as they stand there."""
    text = Path(path).read_text(encoding="utf-8")
    lines = text.splitlines()
    found = {
        node.name: "\n".join(
            lines[min([node.lineno, *(each.lineno for each in node.decorator_list)]) - 1 : node.end_lineno]
        )
        for node in ast.parse(text).body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
    }
    return "\n\n\n".join(found[name] for name in names)


def two_versions(client: Client) -> list[Object]:
    """The versions of the definition as they are, with a `v2` that looks the same and is the one to be stored."""
    (first,) = client.get(DEFINITIONS, NAME)["spec"]["versions"]
    return [{**first, "storage": False}, {**first, "name": "v2"}]


def tidy_up(client: Client) -> None:
    """Take a rule out of the operator's role that it needs, and give it something to do."""
    role = client.get("clusterroles", "etcd-operator")
    rules = [rule for rule in role["rules"] if "batch" not in rule["apiGroups"]]
    client.update("clusterroles", {**role, "rules": rules})
    spare = {"metadata": {"name": "spare"}, "spec": {"version": "3.6.6", "size": 1}}
    client.create("etcdclusters", spare, NAMESPACE)


# -- asking ------------------------------------------------------------------------------------------------


def _ask(cluster: Reader, method: str, path: str, body: Any, **query: str) -> Response:
    kinds = {"PATCH": "application/merge-patch+json"}
    headers = {"content-type": kinds.get(method, "application/json")}
    return cluster.client.request(method, path, query, headers, orjson.dumps(body))


def _try(cluster: Reader, method: str, path: str, body: Any) -> Response:
    """What the API server would say; nothing is changed."""
    return _ask(cluster, method, path, body, dryRun="All")


def _said(response: Response) -> str:
    return str((response.object or {}).get("message", "")) or _("accepted")


def _may(cluster: Reader, verb: str, resource: str, group: str = "") -> bool:
    """Whether the operator's account may do something in the namespace."""
    wanted = {"verb": verb, "group": group, "resource": resource, "namespace": NAMESPACE}
    groups = ["system:authenticated", "system:serviceaccounts", f"system:serviceaccounts:{NAMESPACE}"]
    spec = {"user": ACCOUNT, "groups": groups, "resourceAttributes": wanted}
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SubjectAccessReview", "metadata": {}, "spec": spec}
    answer = cluster.client.create("subjectaccessreviews.authorization.k8s.io", review)
    return bool(answer["status"].get("allowed"))


def _is_ready(cluster: Object) -> bool:
    return is_true(cluster, "Ready")


# -- exercises ---------------------------------------------------------------------------------------------


@exercise("ecosystem/operator", "Not by more than two", minutes=10)
def check_shrinking(cluster: Reader) -> Claims:
    """A transition rule on the size."""
    yield exists(find(cluster, "etcdclusters", "five"), _("the EtcdCluster five is still there"))

    def resized(size: int) -> Response:
        return _try(cluster, "PATCH", f"{_CLUSTERS}/five", {"spec": {"size": size}})

    slow, fast, grown = resized(3), resized(1), resized(7)
    hint = _("from 5 to 1: {said}").format(said=_said(fast))
    yield Claim(fast.code == 422, _("five members do not become one at once"), hint)
    yield Claim(slow.code == 200, _("they may become three"), _("from 5 to 3: {said}").format(said=_said(slow)))
    yield Claim(grown.code == 200, _("and seven"), _("from 5 to 7: {said}").format(said=_said(grown)))
    one = {"apiVersion": "etcd.example.com/v1", "kind": "EtcdCluster", "metadata": {"name": "probe"}}
    made = _try(cluster, "POST", _CLUSTERS, {**one, "spec": {"version": "3.6.6", "size": 1}})
    yield Claim(made.code == 201, _("a new one may begin with one member"), _said(made))
    far = _shrinks(cluster, 7, 3), _shrinks(cluster, 7, 5), _shrinks(cluster, 3, 1)
    words = _("of 7 to 3, 7 to 5 and 3 to 1 it lets pass: {these}").format(these=says(_("answers"), [*far]))
    yield Claim(far == (False, True, True), _("and so for every size"), words)
    even = resized(4)
    yield Claim(even.code == 422, _("and an even number is refused as before"), _("from 5 to 4: accepted"))


def _shrinks(cluster: Reader, before: int, after: int) -> bool:
    """Whether the rules of `v1` would let a size become another, tried on objects that nobody has made."""
    versions = {each["name"]: each for each in find(cluster, DEFINITIONS, NAME, "")["spec"]["versions"]}
    schema = Structural(versions["v1"]["schema"]["openAPIV3Schema"])
    old, new = ({"spec": {"version": "3.6.6", "size": size, "storage": "1Gi"}} for size in (before, after))
    return not broken(compiled(schema), new, old)


@exercise("ecosystem/operator", "A column", minutes=5)
def check_column(cluster: Reader) -> Claims:
    """A printer column for the backups."""
    definition = find(cluster, DEFINITIONS, NAME, "")
    yield exists(definition, _("EtcdClusters are still defined"), "")
    version = next(each for each in definition["spec"]["versions"] if each["name"] == "v1")
    columns = {each["name"]: each for each in version.get("additionalPrinterColumns") or ()}
    found = columns.get("Backups")
    yield Claim(found is not None, _("v1 has a column Backups"), says(_("its columns"), [*columns]))
    assert found is not None
    yield Claim(
        found["jsonPath"] == ".status.backups", _("it shows .status.backups"), says("jsonPath", found["jsonPath"])
    )
    yield Claim(found["type"] == "integer", _("as a number"), says(_("the type"), found["type"]))
    kept = [name for name in ("Version", "Members", "Ready", "Age") if name not in columns]
    yield Claim(not kept, _("and the other columns are still there"), says(_("missing"), kept))


@exercise("ecosystem/operator", "From the last backup", minutes=10)
def check_restored(cluster: Reader) -> Claims:
    """Another cluster, with the data of the one that is gone."""
    copy = find(cluster, "etcdclusters", "copy")
    yield exists(copy, _("there is an EtcdCluster copy"))
    asked = copy["spec"].get("restore") or {}
    yield Claim(bool(asked), _("it is to be restored from something"), _("spec.restore is not set"))
    claim = find(cluster, "persistentvolumeclaims", str(asked.get("claim")))
    yield exists(claim, _("the claim {name} is there").format(name=asked.get("claim")))
    yield Claim(copy["spec"].get("size") == 1, _("it has one member"), says("spec.size", copy["spec"].get("size")))
    failing = _("it fails: is there a file {file} in that claim?").format(file=asked.get("file"))
    yield Claim(not _failing(cluster, "copy-"), _("the Job that reads the backup does not fail"), failing)
    yield Claim(
        _is_ready(copy), _("it is Ready"), says(_("its members"), (copy.get("status") or {}).get("readyMembers"))
    )
    path = f"/api/v1/namespaces/{NAMESPACE}/services/copy-client:2379/proxy/v3/kv/range"
    answer = _ask(cluster, "POST", path, {"key": "Z3JlZXRpbmc="})  # greeting
    kvs = orjson.loads(answer.body).get("kvs") if answer.code == 200 and answer.body else []
    yield Claim(bool(kvs), _("and it knows the key greeting"), _("its members do not have that key"))


def _failing(cluster: Reader, prefix: str) -> bool:
    """Whether the container of a Job's pod has ended badly, and the Job is not done."""
    for pod in cluster.client.list("pods", NAMESPACE):
        mine = pod["metadata"]["name"].startswith(prefix) and "batch.kubernetes.io/job-name" in labels_of(pod)
        for status in pod["status"].get("containerStatuses") or () if mine else ():
            ended = status["state"].get("terminated") or (status.get("lastState") or {}).get("terminated") or {}
            if ended.get("exitCode"):
                return True
    return False


_NEEDED = ("get", "list", "create")
_TOO_MUCH = (
    ("get", "secrets", ""),
    ("delete", "jobs", "batch"),
    ("create", "deployments", "apps"),
    ("delete", "nodes", ""),
)


@exercise("ecosystem/operator", "Just enough", minutes=10)
def check_rights(cluster: Reader) -> Claims:
    """An operator that may do again what it has to, and no more."""
    lacking = [verb for verb in _NEEDED if not _may(cluster, verb, "jobs", "batch")]
    yield Claim(
        not lacking,
        _("the operator may read and create Jobs"),
        _("it may not {verbs} them").format(verbs=", ".join(lacking)),
    )
    more = [f"{verb} {resource}" for verb, resource, group in _TOO_MUCH if _may(cluster, verb, resource, group)]
    yield Claim(not more, _("it may not do what it does not need"), _("it may {deeds}").format(deeds=", ".join(more)))
    spare = find(cluster, "etcdclusters", "spare")
    yield exists(spare, _("there is an EtcdCluster spare"))
    conditions = (spare.get("status") or {}).get("conditions") or [{}]
    yield Claim(
        _is_ready(spare), _("and it is Ready"), conditions[0].get("message") or _("nobody has looked after it yet")
    )

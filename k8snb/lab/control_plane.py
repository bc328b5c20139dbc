"""The page on the control plane: who may do what, and its exercises."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from k8snb.client.client import Client
from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.marks import Marks
from k8snb.lab.reading import NAMESPACE, Claims, exists, find, pods_labelled, says
from k8snb.lab.verdict import Claim
from k8snb.machinery.objects import annotations_of, is_true
from k8snb.typing import Object

LEASES = "leases.coordination.k8s.io"
SYSTEM = "kube-system"
MIRROR = "kubernetes.io/config.mirror"
TAINT = "maintenance"
EMPTIED = "control-plane-2"
"""The machine that is to get more memory."""
CONTROLLERS = ("system:serviceaccounts", f"system:serviceaccounts:{SYSTEM}", "system:authenticated")

USERS = {
    "scheduler": ("system:kube-scheduler", ("system:authenticated",)),
    "manager": ("system:kube-controller-manager", ("system:authenticated",)),
    "deployments": (f"system:serviceaccount:{SYSTEM}:deployment-controller", CONTROLLERS),
    "replicasets": (f"system:serviceaccount:{SYSTEM}:replicaset-controller", CONTROLLERS),
    "kubelet": ("system:node:node-1", ("system:nodes", "system:authenticated")),
    "proxy": ("system:kube-proxy", ("system:authenticated",)),
}
"""The users that the components are, two of the manager's controllers among them, and their groups."""

DEEDS = {
    "list all pods": {"verb": "list", "resource": "pods"},
    "create pods": {"verb": "create", "resource": "pods", "namespace": NAMESPACE},
    "delete pods": {"verb": "delete", "resource": "pods", "namespace": NAMESPACE},
    "bind pods": {"verb": "create", "resource": "pods", "subresource": "binding", "namespace": NAMESPACE},
    "create replicasets": {"verb": "create", "group": "apps", "resource": "replicasets", "namespace": NAMESPACE},
    "scale deployments": {"verb": "update", "group": "apps", "resource": "deployments", "namespace": NAMESPACE},
    "status of node-1": {"verb": "patch", "resource": "nodes", "subresource": "status", "name": "node-1"},
    "status of node-2": {"verb": "patch", "resource": "nodes", "subresource": "status", "name": "node-2"},
    "watch endpointslices": {"verb": "watch", "group": "discovery.k8s.io", "resource": "endpointslices"},
    "lease kube-scheduler": {
        "verb": "update",
        "group": "coordination.k8s.io",
        "resource": "leases",
        "namespace": SYSTEM,
        "name": "kube-scheduler",
    },
    "read all secrets": {"verb": "list", "resource": "secrets"},
}
"""What somebody may or may not do, as a SubjectAccessReview asks for it."""


class Running(Protocol):
    """A cluster, as far as this page asks it."""

    @property
    def client(self) -> Client: ...
    @property
    def past(self) -> Any: ...

    def kubectl(self, command: str, stdin: str = "") -> str: ...
    def settle(self, timeout: float = ...) -> float: ...
    def causes(self, name: str) -> Any: ...
    def processes(self) -> Any: ...


def rights(cluster: Running) -> Marks:
    """Which component may do what: the API server is asked for each, by the policy that is in force."""
    return Marks(
        {short: {deed: _may(cluster, *user, asked) for deed, asked in DEEDS.items()} for short, user in USERS.items()}
    )


def _may(cluster: Running, user: str, groups: Sequence[str], deed: Mapping[str, str]) -> bool:
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SubjectAccessReview",
        "metadata": {},
        "spec": {"user": user, "groups": list(groups), "resourceAttributes": deed},
    }
    answer = cluster.client.create("subjectaccessreviews.authorization.k8s.io", review)
    return bool(answer["status"]["allowed"])


# -- exercises ---------------------------------------------------------------------------------------------


@exercise("architecture/control-plane", "Maintenance", minutes=15)
def check_maintenance(cluster: Running) -> Claims:
    """The other machine leads, and nobody is missing."""
    rows = [row for row in cluster.processes() if row.on.startswith("control-plane")]
    yield Claim(bool(rows), _("the control plane has several machines"), _("this cluster has one of each"))
    for name in ("kube-scheduler", "kube-controller-manager"):
        lease = find(cluster, LEASES, name, SYSTEM)
        yield exists(lease, _("there is a Lease {name}").format(name=name), SYSTEM)
        holder = str(lease["spec"].get("holderIdentity") or _("nobody")).partition("_")[0]
        right, seen = holder == "control-plane-1", says(_("the holder"), holder)
        yield Claim(right, _("control-plane-1 holds {name}").format(name=name), seen)
        leading = [row.on for row in rows if row.component == name and row.leads]
        yield Claim(leading == [holder], _("… and leads"), says(_("who leads"), leading))
    stopped = [arguments[:2] for name, arguments in cluster.past.entries if name == "_stop_process"]
    ways = [(each, on) for each, on in stopped if on in ("", EMPTIED)]
    spared = [row.component for row in rows if row.on == EMPTIED and row.component not in dict(ways)]
    yield Claim(not spared, _("every process of control-plane-2 was stopped"), says(_("not stopped"), spared))
    down = [f"{row.component} ({row.on})" for row in rows if not row.running]
    yield Claim(not down, _("every process is back"), _("down: {names}").format(names=", ".join(down)))


def stir(cluster: Running) -> None:
    """Let somebody do something at night; once only."""
    node = cluster.client.get("nodes", "node-1")
    if not any(taint["key"] == TAINT for taint in node["spec"].get("taints") or ()):
        cluster.kubectl(f"taint node node-1 {TAINT}=now:NoExecute --as=night-shift --as-group=system:masters")
        cluster.settle()


@exercise("architecture/control-plane", "Whodunit", minutes=10)
def check_culprit(cluster: Running) -> Claims:
    """Who made a pod move, and by which revision."""
    culprit = find(cluster, "configmaps", "culprit")
    yield exists(culprit, _("there is a ConfigMap culprit"))
    pods = cluster.client.list("pods", NAMESPACE, labels="app=web")
    yield Claim(bool(pods), _("the pods of web are there"), _("there are none"))
    newest = max(pods, key=lambda pod: int(pod["metadata"]["resourceVersion"]))
    root = cluster.causes(f"pod/{newest['metadata']['name']}").roots[0]
    data: Object = culprit.get("data") or {}
    yield Claim(data.get("who") == root.actor, _("it names who began it, under who"), says("who", data.get("who")))
    revision = data.get("revision")
    right = revision == str(root.sent.revision)
    yield Claim(right, _("… and the revision that they made, under revision"), says("revision", revision))


@exercise("architecture/control-plane", "Lifeboat", minutes=10)
def check_lifeboat(cluster: Running) -> Claims:
    """A pod that was there before anybody could ask for it."""
    down = [row.component for row in cluster.processes() if row.component == "kube-apiserver" and not row.running]
    yield Claim(not down, _("every API server is running"), _("not all of them are"))
    pod = find(cluster, "pods", "lifeboat-node-2")
    yield exists(pod, _("the API shows a Pod lifeboat-node-2"))
    yield Claim(MIRROR in annotations_of(pod), _("it is the mirror of a static pod"), _("it is an ordinary pod"))
    yield Claim(is_true(pod, "Ready"), _("it is Ready"), says(_("the phase"), pod["status"].get("phase")))
    started, made = pod["status"].get("startTime", ""), pod["metadata"]["creationTimestamp"]
    yield Claim(started < made, _("it ran before the API knew of it"), says(_("start and creation"), [started, made]))


SHARE = ("list all pods", "bind pods", "lease kube-scheduler")
"""What the scheduler cannot be without, of what the page asks for."""
BEYOND = ("create pods", "create replicasets", "scale deployments", "status of node-1", "read all secrets")
"""What is no business of the scheduler."""


def tidy(cluster: Running) -> None:
    """Let somebody take something away that looked superfluous, and ask for two pods; once only."""
    if cluster.client.find("deployments.apps", "late", NAMESPACE) is None:
        cluster.kubectl("delete clusterrolebinding system:kube-scheduler")
        cluster.kubectl("create deployment late --image=nginx --replicas=2")


@exercise("architecture/control-plane", "Tidied up", minutes=10)
def check_rights(cluster: Running) -> Claims:
    """A component that is there and may not do its share."""
    yield exists(find(cluster, "deployments.apps", "late"), _("the Deployment late is there"))

    def may(deeds: Sequence[str], user: str, groups: Sequence[str]) -> list[str]:
        return [deed for deed in deeds if _may(cluster, user, groups, DEEDS[deed])]

    allowed = may(SHARE, *USERS["scheduler"])
    refused = says(_("one of them may not"), [deed for deed in SHARE if deed not in allowed])
    yield Claim(len(allowed) == len(SHARE), _("every component may do its share"), refused)
    beyond = may(BEYOND, *USERS["scheduler"])
    yield Claim(not beyond, _("… and the scheduler nothing else"), says(_("it may, too"), beyond))
    anybody = may(SHARE, "anybody", ("system:authenticated",))
    yield Claim(not anybody, _("nobody else has got its rights"), says(_("anybody may"), anybody))
    leading = [row.on for row in cluster.processes() if row.component == "kube-scheduler" and row.leads]
    yield Claim(bool(leading), _("a scheduler leads"), _("none does yet: let a minute pass"))
    pods = pods_labelled(cluster, {"app": "late"})
    ready = [pod for pod in pods if is_true(pod, "Ready")]
    yield Claim(len(ready) == 2, _("two pods of late are Ready"), says(_("their number"), len(ready)))

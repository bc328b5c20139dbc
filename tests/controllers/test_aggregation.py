"""ClusterRoles gather the rules of others, and every controller has the role that it acts by."""

from __future__ import annotations

from k8snb.apiserver.access.policy import policy
from k8snb.cluster.cluster import Cluster
from k8snb.controllers.table import CONTROLLERS, user_of
from k8snb.typing import Object

ROLES = "clusterroles.rbac.authorization.k8s.io"


def rule(resource: str) -> Object:
    return {"verbs": ["get"], "apiGroups": ["example.com"], "resources": [resource]}


def role(name: str, *rules: Object, **labels: str) -> Object:
    meta = {"name": name, "labels": labels}
    return {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": meta, "rules": list(rules)}


def test_a_role_gathers_what_its_selectors_match_and_gives_it_up_again() -> None:
    cluster = Cluster(nodes=0)
    client = cluster.client
    gathers = {"clusterRoleSelectors": [{"matchLabels": {"team": "a"}}]}
    client.create(ROLES, {**role("all"), "aggregationRule": gathers})
    client.create(ROLES, role("b", rule("bees"), rule("ants"), team="a"))
    client.create(ROLES, role("a", rule("ants"), team="a"))
    cluster.settle()
    gathered = client.get(ROLES, "all")["rules"]
    client.delete(ROLES, "b")
    cluster.settle()
    assert (gathered, client.get(ROLES, "all")["rules"]) == ([rule("ants"), rule("bees")], [rule("ants")])


def test_what_is_added_to_view_reaches_edit_and_admin() -> None:
    cluster = Cluster(nodes=0)
    cluster.client.create(ROLES, role("more", rule("bees"), **{"rbac.authorization.k8s.io/aggregate-to-view": "true"}))
    cluster.settle()
    assert all(rule("bees") in cluster.client.get(ROLES, name)["rules"] for name in ("view", "edit", "admin"))


def test_a_new_cluster_has_nothing_to_gather() -> None:
    cluster = Cluster(nodes=0)
    assert [span for span in cluster.trace.spans if span.component == "clusterrole-aggregation-controller"] == []


def test_every_controller_has_a_role_to_act_by() -> None:
    bound = {"kube-controller-manager"} | {
        subject["name"]
        for initial in policy("")
        if initial.object["kind"] == "ClusterRoleBinding"
        for subject in initial.object.get("subjects") or ()
    }
    accounts = [user_of(kind).rpartition(":")[2] for kind in CONTROLLERS]
    assert [account for account in accounts if account not in bound] == []


def test_no_part_of_a_cluster_is_refused_anything() -> None:
    cluster = Cluster(nodes=2)
    for command in (
        "create deployment web --image=nginx --replicas=3",
        "expose deployment web --port=80",
        "create configmap settings --from-literal=a=b",
        "run busy --image=busybox --restart=Never --env=A=b -- sh -c 'ls /var/run/secrets/kubernetes.io'",
        "scale deployment web --replicas=1",
        "delete deployment web",
    ):
        cluster.kubectl(command)
        cluster.settle()
    cluster.stop_kubelet("node-2")
    cluster.advance(400)
    refused = [sent for sent in cluster.trace.requests if sent.code in (401, 403)]
    assert [(sent.user, sent.request.method, sent.request.path) for sent in refused] == []

"""One request through the API server: what each filter and stage decided, and where a refused one ended."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from k8snb.apiserver.filters import FILTERS
from k8snb.errors import Unreachable
from k8snb.typing import Object
from tests.apiserver.admission.test_policies import binding, config_map, policy
from tests.apiserver.admission.test_webhooks import add, no, webhook

PODS = "/api/v1/namespaces/default/pods"
MAPS = "/api/v1/namespaces/default/configmaps"
POD = "{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: web, image: nginx}]}}"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster(nodes=1, seed=1)


def test_a_write_passes_every_filter_and_every_stage_in_order(cluster: Cluster) -> None:
    seen = cluster.inspect(f"POST {PODS}?dryRun=All", POD)
    names = [step.name for step in seen.steps]
    assert names[: len(FILTERS)] == [name for name, _filter in FILTERS]
    plugins = ("mutating admission", "validating admission")
    rest = [step.name for step in seen.steps[len(FILTERS) :] if step.place not in plugins]
    assert rest == ["decoding", "defaulting", "preparation", "validation", "storage", "answer"]
    assert (seen.code, seen.ended, seen["storage"].said) == (201, "", "a dry run: nothing is stored")
    assert cluster.client.list("pods") == []


def test_a_step_says_of_what_it_made_its_decision(cluster: Cluster) -> None:
    seen = cluster.inspect("GET /healthz", user="jane")
    because = 'ClusterRoleBinding "system:discovery" of ClusterRole "system:discovery"'
    assert seen["authentication"].seen == [
        ("user", "jane"),
        ("groups", "system:authenticated"),
        ("known by", "a client certificate"),
    ]
    assert seen["authorization"].seen[1] == ("because", f'{because} to Group "system:authenticated"')
    assert seen["priority and fairness"].seen[:2] == [("flow schema", "probes"), ("priority level", "exempt")]


def test_every_step_is_measured_and_the_text_is_the_same_in_every_run(cluster: Cluster) -> None:
    first, second = (cluster.inspect(f"GET {PODS}") for _ in range(2))
    assert all(step.seconds > 0 for step in first.steps)
    assert repr(first) == repr(second)
    assert str(first.stepper()) == str(second.stepper())
    assert " µs" in first.html()
    assert any(
        name == "took" for frame in first.stepper().document()["frames"] for name, _ in frame.get("observed", ())
    )


@pytest.mark.parametrize(
    ("line", "body", "more", "ended"),
    [
        (f"GET {PODS}", None, {"user": "jane"}, "authorization"),
        (f"GET {PODS}", None, {"user": "", "headers": {"Authorization": "Bearer wrong"}}, "authentication"),
        (f"GET {PODS}", None, {"user": "jane", "headers": {"Impersonate-User": "ann"}}, "impersonation"),
        (f"PUT {PODS}", POD, {}, "request info"),
        (f"POST {PODS}", POD.replace("Pod", "Podd"), {}, "decoding"),
        (f"POST {PODS}", POD.replace("web}", "Web}"), {}, "validation"),
        (f"GET {PODS}/none", None, {}, "storage"),
        ("PATCH /api/v1/namespaces/default", {"metadata": {"resourceVersion": "1"}}, {}, "precondition"),
        ("POST /api/v1/namespaces/none/pods", POD, {}, "NamespaceLifecycle"),
        ("GET /nowhere", None, {}, "handler"),
    ],
)
def test_a_refused_request_shows_where_it_ended(
    cluster: Cluster, line: str, body: Any, more: dict[str, Any], ended: str
) -> None:
    seen = cluster.inspect(line, body, **more)
    assert (seen.ended, [step.name for step in seen.steps][-2:]) == (ended, [ended, "answer"])
    assert seen.code >= 400


def test_where_no_server_runs_nobody_answers() -> None:
    cluster = Cluster(nodes=0, seed=1)
    cluster.stop("kube-apiserver")
    with pytest.raises(Unreachable):
        cluster.inspect(f"GET {PODS}")


def _installed(cluster: Cluster, kind: str, **answer: Any) -> None:
    url = f"https://{kind.lower()}.example.com/"
    hook = webhook(f"{kind.lower()}.example.com", clientConfig={"url": url})
    configuration = {"kind": f"{kind}WebhookConfiguration", "metadata": {"name": "w"}, "webhooks": [hook]}

    def answers(review: Object) -> Object:
        response = {"uid": review["request"]["uid"], "allowed": True, **answer["of"](review["request"])}
        return {**review, "response": response}

    cluster.webhooks[url] = answers
    cluster.client.create(
        f"{kind.lower()}webhookconfigurations.admissionregistration.k8s.io",
        {"apiVersion": "admissionregistration.k8s.io/v1", **configuration},
    )


def test_webhooks_and_policies_and_quotas_say_what_they_did() -> None:
    cluster = Cluster(nodes=0, seed=1)
    _installed(cluster, "Mutating", of=add("/data/a", "1"))
    for obj in (policy({"expression": "size(object.data) < 3"}), binding()):
        word = "policies" if obj["kind"].endswith("Policy") else "policybindings"
        cluster.client.create(f"validatingadmission{word}.admissionregistration.k8s.io", obj)
    cluster.kubectl("create quota few --hard=configmaps=5")
    cluster.settle()
    seen = cluster.inspect(f"POST {MAPS}", config_map(b="2"))
    text = repr(seen).splitlines()
    assert [line.strip() for line in text if "example.com" in line or "p (" in line or "few" in line] == [
        "mutating.example.com: data.a: ∅ → 1",
        "p (size(object.data) < 3): has no objection",
        "few: configmaps 2/5",
    ]
    assert seen["watch"].seen[-1] == ("system:kube-controller-manager", "1")
    refused = cluster.inspect(f"POST {MAPS}", config_map("d", b="2", c="3"))
    assert (refused.ended, refused.code) == ("ValidatingAdmissionPolicy", 422)
    _installed(cluster, "Validating", of=no)
    refused = cluster.inspect(f"POST {MAPS}", config_map("d", b="2"))
    assert refused["ValidatingAdmissionWebhook"].refused.endswith("denied the request: not today")


def test_who_looks_changes_nothing_and_is_repeated_by_a_fork(cluster: Cluster) -> None:
    watched, plain = Cluster(nodes=1, seed=3), Cluster(nodes=1, seed=3)
    watched.inspect(f"POST {PODS}", POD)
    plain.kubectl("create -f -", POD)
    for each in (watched, plain):
        each.settle()

    def essence(each: Cluster) -> Any:
        return [(obj["metadata"], obj["spec"], obj["status"]) for obj in each.client.list("pods")]

    assert essence(watched) == essence(plain) == essence(watched.fork())

"""The audit log: the events of requests, stage by stage, and what authorization and admission say in them."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from k8snb import Cluster
from k8snb.apiserver.audit.log import AuditLog, auditor
from k8snb.machinery.names import Lottery
from k8snb.typing import Object
from k8snb.wire import Request
from tests.apiserver.admission.test_policies import SMALL, Court, binding, config_map, policy
from tests.apiserver.admission.test_webhooks import Post, add, no, webhook

EVERYTHING = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "RequestResponse"}]}
BY_ADMIN = """
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
omitManagedFields: true
rules:
- level: Metadata
  users: [kubernetes-admin]
- level: Metadata
  resources: [{resources: [podtemplates]}]
"""


def watched(court: Court, level: str = "Request") -> AuditLog:
    """The log of a small world from now on."""
    log, rules = AuditLog(), [{"level": level, "omitStages": ["RequestReceived"]}]
    court.server.audit(auditor(court.server, {**EVERYTHING, "rules": rules}, log, Lottery(1)))
    return log


def said(log: AuditLog) -> Any:
    return log[-1].get("annotations", {})


def test_an_event_says_who_asked_what_and_what_came_of_it() -> None:
    court = Court()
    log = AuditLog()
    court.server.audit(auditor(court.server, EVERYTHING, log, Lottery(1)))
    answer = court.put(config_map(a="1"), dryRun="All")
    received, complete = log
    common = {
        "kind": "Event",
        "apiVersion": "audit.k8s.io/v1",
        "level": "RequestResponse",
        "auditID": answer.headers["Audit-Id"],
        "stage": "RequestReceived",
        "requestURI": "/api/v1/namespaces/default/configmaps?dryRun=All",
        "verb": "create",
        "user": {"username": received["user"]["username"], "groups": received["user"]["groups"]},
        "sourceIPs": ["127.0.0.1"],
        "objectRef": {"resource": "configmaps", "namespace": "default", "apiVersion": "v1"},
        "requestReceivedTimestamp": "2026-01-01T00:00:00.000000Z",
        "stageTimestamp": "2026-01-01T00:00:00.000000Z",
    }
    assert received == common
    assert complete == {
        **common,
        "stage": "ResponseComplete",
        "objectRef": {**common["objectRef"], "name": "c"},
        "responseStatus": {"metadata": {}, "code": 201},
        "requestObject": config_map(a="1"),
        "responseObject": answer.object,
    }
    assert list(complete)[-4:-1] == ["requestObject", "responseObject", "requestReceivedTimestamp"]


def test_a_refusal_is_told_as_a_status_and_the_clients_own_mark_is_kept() -> None:
    court = Court()
    log = watched(court, "Metadata")
    request = Request("GET", "/api/v1/namespaces/default/configmaps/none", headers={"audit-id": "mine"})
    assert court.server.handle(request).headers["Audit-Id"] == "mine"
    assert log[-1]["auditID"] == "mine"
    assert log[-1]["responseStatus"] == {
        "metadata": {},
        "status": "Failure",
        "message": 'configmaps "none" not found',
        "reason": "NotFound",
        "details": {"name": "none", "kind": "configmaps"},
        "code": 404,
    }


def test_a_watch_has_an_event_when_it_begins_and_one_when_it_ends() -> None:
    court = Court()
    log = watched(court)
    stream = court.server.handle(Request("GET", "/api/v1/configmaps", {"watch": "true"})).stream
    assert [event["stage"] for event in log] == ["ResponseStarted"]
    stream.close()
    assert [event["stage"] for event in log] == ["ResponseStarted", "ResponseComplete"]


def test_a_bug_in_the_server_is_in_the_log() -> None:
    court = Court()
    log = watched(court)
    court.server.extensions.surroundings.uid = lambda: 1 / 0  # type: ignore[assignment,return-value]
    court.rule({**_configuration(), "webhooks": [webhook()]})
    assert court.put(config_map()).code == 500
    assert (log[-1]["stage"], log[-1]["responseStatus"]["message"]) == ("Panic", "APIServer panic'd: division by zero")


def _configuration() -> Object:
    kind = "ValidatingWebhookConfiguration"
    return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": kind, "metadata": {"name": "w"}}


def test_mutating_webhooks_are_in_the_log_with_what_they_changed() -> None:
    first = webhook("a.example.com", reinvocationPolicy="IfNeeded")
    post = Post("Mutating", first, webhook("b.example.com"), a=add("/data/a", "1"), b=add("/data/b", "2"))
    log = watched(post)
    post.put(config_map(x="0"))
    lead = {"configuration": "w", "webhook": "a.example.com"}
    patch = [{"op": "add", "path": "/data/a", "value": "1"}]
    told = {key: orjson.loads(value) for key, value in said(log).items()}
    assert list(told) == [
        *(f"mutation.webhook.admission.k8s.io/{at}" for at in ("round_0_index_0", "round_0_index_1")),
        "mutation.webhook.admission.k8s.io/round_1_index_0",
        *(f"patch.webhook.admission.k8s.io/{at}" for at in ("round_0_index_0", "round_0_index_1")),
        "patch.webhook.admission.k8s.io/round_1_index_0",
    ]
    assert told["mutation.webhook.admission.k8s.io/round_0_index_0"] == {**lead, "mutated": True}
    assert told["mutation.webhook.admission.k8s.io/round_1_index_0"] == {**lead, "mutated": False}
    assert told["patch.webhook.admission.k8s.io/round_0_index_0"] == {**lead, "patch": patch, "patchType": "JSONPatch"}


def test_what_a_webhook_says_for_the_log_is_there_also_when_it_refuses() -> None:
    post = Post("Validating", webhook(), a=lambda request: {**no(request), "auditAnnotations": {"why": "late"}})
    log = watched(post, "Metadata")
    post.put(config_map())
    assert said(log) == {"a.example.com/why": "late"}


@pytest.mark.parametrize(("kind", "word"), [("Validating", "validating"), ("Mutating", "mutation")])
def test_a_webhook_that_was_passed_over_is_named(kind: str, word: str) -> None:
    post = Post(kind, webhook(failurePolicy="Ignore"))
    log = watched(post, "Metadata")
    post.put(config_map())
    assert said(log)[f"failed-open.{word}.webhook.admission.k8s.io/round_0_index_0"] == "a.example.com"


def test_a_policy_notes_failures_and_annotations() -> None:
    court = Court()
    notes = [{"key": "size", "valueExpression": "string(size(object.data))"}, {"key": "no", "valueExpression": "null"}]
    court.rule(policy(SMALL, auditAnnotations=notes), binding(validationActions=["Audit"]))
    log = watched(court, "Metadata")
    assert court.put(config_map(a="1", b="2")).code == 201
    failure = {
        "message": "failed expression: size(object.data) < 2",
        "policy": "p",
        "binding": "b",
        "expressionIndex": 0,
        "validationActions": ["Audit"],
    }
    told = said(log)
    assert orjson.loads(told.pop("validation.policy.admission.k8s.io/validation_failure")) == [failure]
    assert told == {"p/size": "2"}


def test_an_annotation_that_cannot_be_worked_out_refuses_the_request() -> None:
    court = Court()
    court.rule(policy(auditAnnotations=[{"key": "k", "valueExpression": "object.data.none"}]), binding())
    refused = court.put(config_map(a="1"))
    assert refused.object is not None
    assert refused.object["message"].endswith("expression 'object.data.none' resulted in error: no such key: none")


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return Cluster(nodes=1, seed=1, audit=BY_ADMIN)


def test_the_log_tells_permissions_impersonation_and_pod_security(cluster: Cluster) -> None:
    cluster.kubectl("label namespace default pod-security.kubernetes.io/audit=restricted")
    cluster.kubectl("run web --image=nginx")
    cluster.kubectl("get pods --as=jane")
    made, seen = cluster.audit_log.of(verb="create"), cluster.audit_log.of("jane")
    told = dict(said(made))
    assert told.pop("pod-security.kubernetes.io/audit-violations").startswith(
        'would violate PodSecurity "restricted:latest": '
    )
    assert told == {
        "authorization.k8s.io/decision": "allow",
        "authorization.k8s.io/reason": "",
        "pod-security.kubernetes.io/enforce-policy": "privileged:latest",
    }
    assert said(seen)["authorization.k8s.io/decision"] == "forbid"
    assert seen[-1]["authenticationMetadata"] == {"impersonationConstraint": "impersonate:user-info"}
    assert (seen[-1]["user"]["username"], seen[-1]["impersonatedUser"]["username"]) == ("kubernetes-admin", "jane")


def test_wrong_credentials_are_in_the_log_of_nobody(cluster: Cluster) -> None:
    cluster.handle(Request("GET", "/api/v1/podtemplates", headers={"authorization": "Bearer wrong"}))
    event = cluster.audit_log[-1]
    assert (event["stage"], event["user"], event["responseStatus"]) == (
        "ResponseStarted",
        {},
        {"metadata": {}, "message": "Authentication failed, attempted: bearer", "code": 401},
    )


def test_a_fork_has_the_same_log(cluster: Cluster) -> None:
    assert list(cluster.fork().audit_log) == list(cluster.audit_log)


def test_whether_there_is_a_log_makes_no_difference_to_the_cluster() -> None:
    def lived(audit: Object | None) -> list[Object]:
        cluster = Cluster(nodes=1, seed=1, audit=audit, trace=0)
        cluster.kubectl("create deployment web --image=nginx --replicas=2")
        cluster.settle()
        if audit is not None:
            agents = {event["user"].get("username"): event.get("userAgent") for event in cluster.audit_log}
            build = "v1.36.0 (linux/amd64) kubernetes/k8snb"
            assert agents["system:kube-scheduler"] == f"kube-scheduler/{build}/scheduler"
            assert agents["system:node:node-1"] == f"kubelet/{build}"
        return [*cluster.client.list("pods"), *cluster.client.list("events")]

    assert lived(EVERYTHING) == lived(None)


def test_who_asks_for_what_is_on_its_way_out_is_in_the_log_and_the_metrics() -> None:
    court = Court()
    log = watched(court, "Metadata")
    path = "/api/v1/namespaces/default/endpoints"
    assert court.server.handle(Request("GET", path, headers={"user-agent": "curl"})).warnings == (
        "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice",
    )
    assert said(log)["k8s.io/deprecated"] == "true"
    labels = 'group="",removed_release="",resource="endpoints",subresource="",version="v1"'
    told = court.server.handle(Request("GET", "/metrics")).body.decode()
    assert f"apiserver_requested_deprecated_apis{{{labels}}} 1" in told.splitlines()


def test_requests_that_wait_for_seats_have_the_same_events() -> None:
    cluster = Cluster(nodes=0, seed=1)
    log = cluster.audit(
        {**EVERYTHING, "rules": [{"level": "Metadata", "resources": [{"resources": ["podtemplates"]}]}]}
    )
    cluster.rush("jane", "GET /api/v1/podtemplates", 60, lasts=2)
    wrong = Request("GET", "/api/v1/podtemplates", headers={"authorization": "Bearer wrong"})
    cluster.server.reception.receive(wrong, lambda visit: None, lambda response: None)
    cluster.advance(5)
    assert [event["user"] for event in log if event["stage"] == "ResponseStarted"] == [{}]
    last = log.of("jane")[-1]
    assert (len(log.of("jane")), last["responseStatus"]["code"]) == (120, 403)
    assert last["stageTimestamp"] > last["requestReceivedTimestamp"]

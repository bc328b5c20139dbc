"""Which requests webhooks and policies see, and how: subresources, connections, deletions, dry runs, second looks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from k8snb.typing import Object
from k8snb.wire import REPEATED, Response
from tests.apiserver.admission.test_policies import GROUP, Court, binding, config_map, message, policy
from tests.apiserver.admission.test_webhooks import Post, add, no, webhook

CORE = {"group": "", "version": "v1"}
POD = "/api/v1/namespaces/default/pods/web"
DEPLOYMENT = "/apis/apps/v1/namespaces/default/deployments/web"


def rule(*resources: str, operations: Any = ("*",), group: str = "") -> Object:
    return {"apiGroups": [group], "apiVersions": ["*"], "operations": list(operations), "resources": list(resources)}


def pod(name: str = "web", **more: Any) -> Object:
    spec = {"containers": [{"name": "c", "image": "nginx"}], **more}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": "default"}, "spec": spec}


def deployment() -> Object:
    labels = {"app": "web"}
    template = {"metadata": {"labels": labels}, "spec": pod()["spec"]}
    spec = {"replicas": 1, "selector": {"matchLabels": labels}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def build(court: Court, obj: Object | None = None) -> Response:
    """Create a pod, and the account that it needs."""
    court.send("POST", "/api/v1/namespaces/default/serviceaccounts", {"metadata": {"name": "default"}})
    return court.send("POST", "/api/v1/namespaces/default/pods", obj or pod())


def told(response: Response) -> tuple[int, str]:
    return response.code, message(response)


def seen(request: Object, *names: str) -> Object:
    return {name: request.get(name) for name in names}


CONNECTIONS: list[tuple[str, Mapping[str, str], Object]] = [
    (
        "exec",
        {"container": "c", "stdout": "true", "command": f"ls{REPEATED}/"},
        {"kind": "PodExecOptions", "stdout": True, "container": "c", "command": ["ls", "/"]},
    ),
    ("attach", {"stdin": "true"}, {"kind": "PodAttachOptions", "stdin": True}),
    ("portforward", {"ports": "80"}, {"kind": "PodPortForwardOptions", "ports": [80]}),
    ("proxy/a/b", {}, {"kind": "PodProxyOptions", "path": "a/b"}),
]


@pytest.mark.parametrize(("below", "query", "options"), CONNECTIONS)
def test_a_webhook_may_refuse_a_connection(below: str, query: Mapping[str, str], options: Object) -> None:
    word = below.partition("/")[0]
    post = Post("Validating", webhook(rules=[rule(f"pods/{word}", operations=["CONNECT"])]), a=no)
    build(post)
    refused = post.send("GET", f"{POD}/{below}", query=query)
    assert told(refused) == (400, 'admission webhook "a.example.com" denied the request: not today')
    assert seen(post.asked[0], "operation", "kind", "subResource", "name", "object", "oldObject", "options") == {
        "operation": "CONNECT",
        "kind": {**CORE, "kind": options["kind"]},
        "subResource": word,
        "name": "web",
        "object": {"apiVersion": "v1", **options},
        "oldObject": None,
        "options": None,
    }


PROXIES: list[tuple[str, str, str, str, str]] = [
    ("services", "/api/v1/namespaces/default/services/https:web:443", "web", "default", "ServiceProxyOptions"),
    ("nodes", "/api/v1/nodes/n:10250", "n", "", "NodeProxyOptions"),
]


@pytest.mark.parametrize(("plural", "place", "name", "namespace", "kind"), PROXIES)
def test_a_webhook_may_refuse_the_proxy_of_a_service_or_a_node(
    plural: str, place: str, name: str, namespace: str, kind: str
) -> None:
    post = Post("Validating", webhook(rules=[rule(f"{plural}/proxy", operations=["CONNECT"])]), a=no)
    refused = post.send("PUT", f"{place}/proxy/a/b")
    assert told(refused) == (400, 'admission webhook "a.example.com" denied the request: not today')
    assert seen(post.asked[0], "operation", "kind", "resource", "subResource", "name", "namespace", "object") == {
        "operation": "CONNECT",
        "kind": {**CORE, "kind": kind},
        "resource": {**CORE, "resource": plural},
        "subResource": "proxy",
        "name": name,
        "namespace": namespace or None,
        "object": {"apiVersion": "v1", "kind": kind, "path": "a/b"},
    }


def test_a_policy_may_look_into_a_command() -> None:
    court = Court()
    rules = rule("pods/exec", operations=["CONNECT"])
    court.rule(policy({"expression": "object.command[0] != 'rm'", "message": "keep it"}, rules=rules), binding())
    build(court)
    refused = court.send("POST", f"{POD}/exec", query={"command": f"rm{REPEATED}-r"})
    lead = "pods \"web\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
    assert told(refused) == (422, f"{lead}keep it")
    allowed = court.send("POST", f"{POD}/exec", query={"command": "ls"})
    assert message(allowed) == "pod web does not have a host assigned"


def test_selectors_of_objects_choose_no_connection() -> None:
    chosen = {"matchExpressions": [{"key": "a", "operator": "DoesNotExist"}]}
    post = Post("Validating", webhook(rules=[rule("pods/exec")], objectSelector=chosen), a=no)
    build(post)
    post.send("POST", f"{POD}/exec", query={"command": "ls"})
    assert post.asked == []


BELOW: list[tuple[str, str, Object, Object]] = [
    (
        "pods/eviction",
        "POST",
        {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": {"name": "web", "namespace": "default"}},
        {"group": "policy", "version": "v1", "kind": "Eviction"},
    ),
    (
        "pods/binding",
        "POST",
        {"apiVersion": "v1", "kind": "Binding", "metadata": {"name": "web"}, "target": {"kind": "Node", "name": "n"}},
        {**CORE, "kind": "Binding"},
    ),
    (
        "pods/ephemeralcontainers",
        "PATCH",
        {"spec": {"ephemeralContainers": [{"name": "debug", "image": "busybox"}]}},
        {**CORE, "kind": "Pod"},
    ),
    ("pods/status", "PATCH", {"status": {"phase": "Running"}}, {**CORE, "kind": "Pod"}),
]


@pytest.mark.parametrize(("word", "method", "body", "kind"), BELOW)
def test_a_webhook_may_refuse_what_is_sent_to_a_subresource(word: str, method: str, body: Object, kind: Object) -> None:
    post = Post("Validating", webhook(rules=[rule(word)]), a=no)
    build(post)
    kept = {"content_type": "application/strategic-merge-patch+json"} if method == "PATCH" else {}
    refused = post.send(method, f"{POD}/{word.partition('/')[2]}", body, **kept)
    assert told(refused) == (400, 'admission webhook "a.example.com" denied the request: not today')
    operation = "UPDATE" if method == "PATCH" else "CREATE"
    assert seen(post.asked[0], "kind", "operation") == {"kind": kind, "operation": operation}


def test_an_eviction_is_asked_about_once_and_not_as_a_deletion() -> None:
    post = Post("Validating", webhook(rules=[rule("pods", "pods/*", operations=["*"])]), a=lambda request: {})
    build(post)
    eviction = BELOW[0][2]
    assert post.send("POST", f"{POD}/eviction", eviction).code == 201
    assert [(each["operation"], each.get("subResource")) for each in post.asked[1:]] == [("CREATE", "eviction")]


def test_a_scale_is_a_scale_to_webhooks_and_may_be_changed_by_them() -> None:
    post = Post("Mutating", webhook(rules=[rule("deployments", "deployments/scale", group="apps")]))
    post.answers["a"] = lambda request: (
        add("/spec/replicas", 3)(request) if request.get("subResource") else {}  # type: ignore[arg-type]
    )
    post.send("POST", DEPLOYMENT.removesuffix("/web"), deployment())
    wanted = {"apiVersion": "autoscaling/v1", "kind": "Scale", "metadata": {"name": "web", "namespace": "default"}}
    scaled = post.send("PUT", f"{DEPLOYMENT}/scale", {**wanted, "spec": {"replicas": 9}}).object
    assert scaled is not None
    assert scaled["spec"] == {"replicas": 3}
    asked = post.asked[1:]
    assert [seen(each, "operation", "kind", "resource", "subResource") for each in asked] == [
        {
            "operation": "UPDATE",
            "kind": {"group": "autoscaling", "version": "v1", "kind": "Scale"},
            "resource": {"group": "apps", "version": "v1", "resource": "deployments"},
            "subResource": "scale",
        }
    ]
    assert [asked[0][name]["spec"] for name in ("oldObject", "object")] == [{"replicas": 1}, {"replicas": 9}]


def test_mutating_webhooks_are_asked_about_deletions_but_may_change_nothing() -> None:
    post = Post("Mutating", webhook(rules=[rule("configmaps", operations=["DELETE"])]), a=lambda request: {})
    post.put(config_map())
    path = "/api/v1/namespaces/default/configmaps/c"
    post.answers["a"] = add("/data/x", "1")
    assert told(post.send("DELETE", path)) == (
        500,
        'Internal error occurred: admission webhook "a.example.com" attempted to modify the object, which is not '
        "supported for this operation",
    )
    post.answers["a"] = lambda request: {"warnings": ["gone"]}
    gone = post.send("DELETE", path, {"gracePeriodSeconds": 0, "propagationPolicy": "Background"})
    assert (gone.code, gone.warnings) == (200, ("gone",))
    asked = post.asked[-1]
    assert seen(asked, "operation", "object", "options") == {
        "operation": "DELETE",
        "object": None,
        "options": {
            "kind": "DeleteOptions",
            "apiVersion": "meta.k8s.io/v1",
            "gracePeriodSeconds": 0,
            "propagationPolicy": "Background",
        },
    }
    assert asked["oldObject"]["metadata"]["name"] == "c"


def test_the_deletion_of_a_collection_is_asked_about_object_by_object() -> None:
    post = Post("Validating", webhook(rules=[rule("configmaps", operations=["DELETE"])]), a=lambda request: {})
    for name in ("a", "b"):
        post.put(config_map(name))
    post.send("DELETE", "/api/v1/namespaces/default/configmaps")
    assert [each["name"] for each in post.asked] == ["a", "b"]


def test_a_webhook_with_side_effects_is_no_part_of_a_dry_run() -> None:
    post = Post("Validating", webhook(sideEffects="NoneOnDryRun"), a=lambda request: {})
    assert post.put(config_map(), dryRun="All").code == 201
    court = Post("Validating", webhook(), a=lambda request: {})
    configured = court.server.extensions.plugins[-1]
    configured.entries[0].raw["sideEffects"] = "Some"  # as objects of v1beta1 may say
    assert told(court.put(config_map(), dryRun="All")) == (
        400,
        'admission webhook "a.example.com" does not support dry run',
    )


def test_options_say_who_writes_and_how() -> None:
    post = Post("Validating", webhook(), a=lambda request: {})
    post.put(config_map(), fieldManager="me", fieldValidation="Strict", dryRun="All")
    assert post.asked[0]["options"] == {
        "kind": "CreateOptions",
        "apiVersion": "meta.k8s.io/v1",
        "fieldManager": "me",
        "fieldValidation": "Strict",
        "dryRun": ["All"],
    }


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ({"patch": "W10="}, "webhook returned response.patch but not response.patchType"),
        ({"patchType": "JSONPatch"}, "webhook returned response.patchType but not response.patch"),
        ({"uid": "x"}, 'expected response.uid="UID", got "x"'),
    ],
)
def test_an_answer_that_makes_no_sense_counts_as_none(answer: Object, expected: str) -> None:
    post = Post("Mutating", webhook(), a=lambda request: answer)
    refused = message(post.put(config_map())).replace(post.asked[0]["uid"], "UID")
    assert refused == (
        'Internal error occurred: failed calling webhook "a.example.com": received invalid webhook response: '
        f"{expected}"
    )


def test_a_condition_that_fails_refuses_the_request() -> None:
    conditions = [{"name": "wrong", "expression": "object.data.no == 'x'"}]
    post = Post("Validating", webhook(matchConditions=conditions), a=no)
    assert told(post.put(config_map(a="1"))) == (
        403,
        "configmaps \"c\" is forbidden: expression 'object.data.no == 'x'' resulted in error: no such key: no",
    )
    ignoring = Post("Validating", webhook(matchConditions=conditions, failurePolicy="Ignore"), a=no)
    assert (ignoring.put(config_map()).code, ignoring.asked) == (201, [])


def test_equivalent_rules_show_the_object_in_the_version_they_name_and_exact_ones_pass_it_by() -> None:
    events = rule("events", group="events.k8s.io")
    event = {"metadata": {"name": "e", "namespace": "default"}, "involvedObject": {"namespace": "default"}}
    asked = {}
    for how in ("Equivalent", "Exact"):
        post = Post("Validating", webhook(rules=[events], matchPolicy=how), a=lambda request: {})
        post.send("POST", "/api/v1/namespaces/default/events", {"apiVersion": "v1", "kind": "Event", **event})
        asked[how] = [(each["kind"], each["requestKind"], each["object"]["apiVersion"]) for each in post.asked]
    new, old = ({"group": group, "version": "v1", "kind": "Event"} for group in ("events.k8s.io", ""))
    assert asked == {"Equivalent": [(new, old, "events.k8s.io/v1")], "Exact": []}


def test_what_a_webhook_adds_is_looked_at_by_the_other_plugins_again() -> None:
    limits = {"limits": [{"type": "Container", "defaultRequest": {"cpu": "100m"}}]}
    post = Post("Mutating", webhook(rules=[rule("pods", operations=["CREATE"])]))
    post.send("POST", "/api/v1/namespaces/default/limitranges", {"metadata": {"name": "l"}, "spec": limits})
    post.answers["a"] = add("/spec/containers/-", {"name": "side", "image": "envoy"})  # type: ignore[arg-type]
    made = build(post).object
    assert made is not None
    assert [(each["name"], each["resources"]) for each in made["spec"]["containers"]] == [
        ("c", {"requests": {"cpu": "100m"}}),
        ("side", {"requests": {"cpu": "100m"}}),
    ]
    assert len(post.asked) == 1


def test_a_policy_looks_again_at_what_a_webhook_changed() -> None:
    counting = "Object{data: {'seen': string(size(object.data))}}"
    mutation = {"patchType": "ApplyConfiguration", "applyConfiguration": {"expression": counting}}
    post = Post("Mutating", webhook(), a=add("/data/b", "2"))
    post.rule(policy(mutation, kind="Mutating", reinvocationPolicy="IfNeeded"), binding("Mutating"))
    made = post.put(config_map(a="1")).object
    assert made is not None
    assert made["data"] == {"a": "1", "b": "2", "seen": "3"}


def test_rules_may_be_for_namespaced_objects_only() -> None:
    everything = {**rule("*"), "scope": "Namespaced"}
    post = Post("Validating", webhook(rules=[everything]), a=lambda request: {})
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "n"}}
    assert post.send("POST", "/api/v1/namespaces", space).code == 201
    assert post.asked == []
    post.put(config_map())
    assert len(post.asked) == 1


def test_nobody_is_asked_about_configurations() -> None:
    anything = {"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}
    post = Post("Validating", webhook(rules=[anything]), a=no)
    assert post.send("DELETE", f"{GROUP}/validatingwebhookconfigurations/w").code == 200
    assert post.asked == []

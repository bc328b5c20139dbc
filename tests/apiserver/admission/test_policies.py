"""Admission policies: rules in CEL that clients write, bound to requests and parameters."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.controllers.policystatus import warnings_of
from k8snb.typing import Object
from k8snb.wire import Response
from tests.apiserver.definitions import Workshop, gadget, version

GROUP = "/apis/admissionregistration.k8s.io/v1"
CONFIG_MAPS = {
    "apiGroups": [""],
    "apiVersions": ["v1"],
    "operations": ["CREATE", "UPDATE"],
    "resources": ["configmaps"],
}


def policy(*validations: Object, rules: Any = CONFIG_MAPS, kind: str = "Validating", **spec: Any) -> Object:
    listed = {"validations": list(validations)} if kind == "Validating" else {"mutations": list(validations)}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}AdmissionPolicy",
        "metadata": {"name": "p"},
        "spec": {"matchConstraints": {"resourceRules": [rules]}, **listed, **spec},
    }


def binding(kind: str = "Validating", **spec: Any) -> Object:
    actions = {"validationActions": ["Deny"]} if kind == "Validating" else {}
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": f"{kind}AdmissionPolicyBinding",
        "metadata": {"name": "b"},
        "spec": {"policyName": "p", **actions, **spec},
    }


def config_map(name: str = "c", labels: Any = None, **data: str) -> Object:
    meta = {"name": name, "namespace": "default", **({"labels": labels} if labels else {})}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data}


class Court(Workshop):
    """The world with a policy and its binding."""

    def rule(self, *objects: Object) -> None:
        for obj in objects:
            kind = obj["kind"].lower()
            plural = f"{kind[:-1]}ies" if kind.endswith("policy") else f"{kind}s"
            response = self.send("POST", f"{GROUP}/{plural}", obj)
            assert response.code == 201, response.object

    def put(self, obj: Object, **query: str) -> Response:
        return self.send("POST", "/api/v1/namespaces/default/configmaps", obj, query)


def message(response: Response) -> str:
    assert response.object is not None
    return str(response.object.get("message", ""))


LEAD = "configmaps \"c\" is forbidden: ValidatingAdmissionPolicy 'p' with binding 'b' denied request: "
SMALL = {"expression": "size(object.data) < 2"}


def test_a_denied_request_says_which_policy_and_which_expression() -> None:
    court = Court()
    court.rule(policy(SMALL), binding())
    assert court.put(config_map("ok", a="1")).code == 201
    refused = court.put(config_map(a="1", b="2"))
    assert (refused.code, refused.object["reason"], message(refused)) == (  # type: ignore[index]
        422,
        "Invalid",
        f"{LEAD}failed expression: size(object.data) < 2",
    )


def test_messages_reasons_and_variables_are_the_policys_own() -> None:
    rule = {
        "expression": "variables.keys <= variables.most",
        "messageExpression": "string(variables.keys) + ' keys by ' + request.userInfo.username",
        "reason": "Forbidden",
    }
    variables = [{"name": "keys", "expression": "size(object.data)"}, {"name": "most", "expression": "1"}]
    court = Court()
    court.rule(policy(rule, variables=variables), binding())
    refused = court.put(config_map(a="1", b="2"))
    assert (refused.code, message(refused)) == (403, f"{LEAD}2 keys by kubernetes-admin")


def test_parameters_come_from_other_objects() -> None:
    rule = {"expression": "size(object.data) <= int(params.data.most)"}
    court = Court()
    court.put(config_map("limits", most="1"))
    reference = {"name": "limits", "parameterNotFoundAction": "Deny"}
    court.rule(policy(rule, paramKind={"apiVersion": "v1", "kind": "ConfigMap"}), binding(paramRef=reference))
    assert message(court.put(config_map(a="1", b="2"))) == f"{LEAD}failed expression: {rule['expression']}"
    court.client.delete("configmaps", "limits", "default")
    why = "failed to configure binding: no params found for policy binding with `Deny` parameterNotFoundAction"
    assert message(court.put(config_map(a="1"))) == LEAD + why


def test_what_cannot_be_evaluated_is_refused_or_let_pass() -> None:
    rule = {"expression": "object.data.missing == 'x'"}
    strict, lenient = Court(), Court()
    strict.rule(policy(rule), binding())
    lenient.rule(policy(rule, failurePolicy="Ignore"), binding())
    why = "expression 'object.data.missing == 'x'' resulted in error: no such key: missing"
    assert message(strict.put(config_map(a="1"))) == LEAD + why
    assert lenient.put(config_map(a="1")).code == 201


def test_expressions_that_cost_too_much_refuse_a_request() -> None:
    court, many = Court(), f"[{','.join(map(str, range(400)))}]"
    dear = {"name": "dear", "expression": f"{many}.map(x, {many}.size() + x)"}
    square = "variables.dear.all(x, variables.dear.all(y, x + y > 0))"
    court.rule(policy({"expression": square}, variables=[dear]), binding())
    assert message(court.put(config_map())) == (
        f"{LEAD}expression '{square}' resulted in error: operation cancelled: actual cost limit exceeded"
    )
    checks = " || ".join(["authorizer.path('/x').check('get').errored()"] * 2)
    asked = [{"name": str(index), "expression": f"!({checks})"} for index in range(4)]
    court = Court()
    court.rule(policy({"expression": "false"}, matchConditions=asked), binding())
    assert message(court.put(config_map())) == f"{LEAD}{OUT_OF_BUDGET}"


OUT_OF_BUDGET = "validation failed due to running out of cost budget, no further validation rules will be run"


def test_a_binding_may_warn_instead() -> None:
    court = Court()
    court.rule(policy({**SMALL, "message": "too big"}), binding(validationActions=["Warn", "Audit"]))
    told = court.put(config_map(a="1", b="2"))
    assert (told.code, told.warnings) == (
        201,
        ("Validation failed for ValidatingAdmissionPolicy 'p' with binding 'b': too big",),
    )


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        ({"matchResources": {"namespaceSelector": {"matchLabels": {"env": "prod"}}}}, 201),
        ({"matchResources": {"objectSelector": {"matchLabels": {"env": "prod"}}}}, 422),
        ({"matchResources": {"resourceRules": [{**CONFIG_MAPS, "operations": ["DELETE"]}]}}, 201),
    ],
)
def test_a_binding_narrows_a_policy_down(where: Any, expected: int) -> None:
    court = Court()
    court.rule(policy(SMALL), binding(**where))
    assert court.put(config_map(a="1", b="2", labels={"env": "prod"})).code == expected


def test_rules_may_be_for_some_names_only_and_what_is_excluded_too() -> None:
    court = Court()
    rules = {**CONFIG_MAPS, "operations": ["*"], "resourceNames": ["a", "b"]}
    spec = {"matchConstraints": {"resourceRules": [rules], "excludeResourceRules": [{**rules, "resourceNames": ["b"]}]}}
    court.rule(policy({"expression": "false"}, **spec), binding())
    path = "/api/v1/namespaces/default/configmaps"
    codes = [court.put(config_map(name)).code for name in ("a", "b", "c")]
    codes += [court.send("DELETE", f"{path}/{name}").code for name in ("b", "c")]
    generated = {**config_map(), "metadata": {"generateName": "a"}}
    assert [*codes, court.put(generated).code] == [422, 201, 201, 200, 200, 201]


def test_a_binding_may_name_names_and_without_rules_it_is_for_all() -> None:
    court = Court()
    named = binding(matchResources={"resourceRules": [{**CONFIG_MAPS, "resourceNames": ["a"]}]})
    court.rule(policy({"expression": "false"}), named)
    assert [court.put(config_map(name)).code for name in ("a", "b")] == [422, 201]
    court.rule({**binding(matchResources={"resourceRules": []}), "metadata": {"name": "all"}})
    assert court.put(config_map("c")).code == 422


def test_names_of_rules_are_names_and_come_once() -> None:
    court = Court()
    wrong = policy(SMALL, rules={**CONFIG_MAPS, "resourceNames": ["a", "a", "x/y", ".."]})
    where = "spec.matchConstraints.resourceRules[0].resourceNames"
    assert court.causes(court.send("POST", f"{GROUP}/validatingadmissionpolicies", wrong)) == [
        f'{where}[1]: Duplicate value: "a"',
        f"{where}[2]: Invalid value: \"x/y\": may not contain '/'",
        f"{where}[3]: Invalid value: \"..\": may not be '..'",
    ]


@pytest.mark.parametrize(("match", "expected"), [("Equivalent", (422, 422)), ("Exact", (201, 422))])
def test_a_rule_that_names_another_version_is_met_unless_it_is_to_be_exact(
    match: str, expected: tuple[int, int]
) -> None:
    """What is written in one version is shown in the one that the rule names; `requestKind` says which it was."""
    court = Court()
    rules = {
        "apiGroups": ["autoscaling"],
        "apiVersions": ["v1"],
        "operations": ["CREATE"],
        "resources": ["horizontalpodautoscalers"],
    }
    shown = {"expression": "request.kind.version != 'v1' || object.spec.targetCPUUtilizationPercentage != 50"}
    spec = {"matchConstraints": {"resourceRules": [rules], "matchPolicy": match}}
    court.rule(policy(shown, **spec), binding())
    target = {"scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "d"}, "maxReplicas": 3}
    metrics = [
        {"type": "Resource", "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}}}
    ]
    bodies = {"v2": {**target, "metrics": metrics}, "v1": {**target, "targetCPUUtilizationPercentage": 50}}
    codes = []
    for version_, body in bodies.items():
        made = {
            "apiVersion": f"autoscaling/{version_}",
            "kind": "HorizontalPodAutoscaler",
            "metadata": {"name": "h"},
            "spec": body,
        }
        path = f"/apis/autoscaling/{version_}/namespaces/default/horizontalpodautoscalers"
        codes.append(court.send("POST", path, made, {"dryRun": "All"}).code)
    assert tuple(codes) == expected


def test_match_conditions_and_the_authorizer_decide_whom_a_policy_meets() -> None:
    conditions = [
        {"name": "not-exempt", "expression": "!authorizer.group('').resource('secrets').check('get').allowed()"}
    ]
    court = Court()
    court.rule(policy(SMALL, matchConditions=conditions), binding())
    assert court.put(config_map(a="1", b="2")).code == 201


def test_deletions_and_custom_resources_meet_policies_too() -> None:
    rules = {
        "apiGroups": ["example.com"],
        "apiVersions": ["v1"],
        "operations": ["CREATE", "DELETE"],
        "resources": ["*"],
    }
    court = Court(version({"size": {"type": "integer"}}))
    rule = {"expression": "request.operation == 'DELETE' ? oldObject.spec.size < 5 : object.spec.size < 9"}
    court.rule(policy(rule, rules=rules), binding())
    assert court.create(gadget(size=9)).code == 422
    assert court.create(gadget(size=7)).code == 201
    assert court.send("DELETE", court.path()).code == 422


def test_expressions_are_checked_when_a_policy_is_written() -> None:
    court = Court()
    wrong = policy({"expression": "request.nope == 1"}, {"expression": "'a'"}, {"expression": "true", "reason": "Why"})
    assert court.causes(court.send("POST", f"{GROUP}/validatingadmissionpolicies", wrong)) == [
        'spec.validations[0].expression: Invalid value: "request.nope == 1": compilation failed: ERROR: <input>:1:8: '
        "undefined field 'nope'\n | request.nope == 1\n | .......^",
        "spec.validations[1].expression: Invalid value: \"'a'\": must evaluate to bool",
        'spec.validations[2].reason: Unsupported value: "Why": supported values: "Forbidden", "Invalid", '
        '"RequestEntityTooLarge", "Unauthorized"',
    ]


def test_mutations_are_applied_or_patched() -> None:
    applied = {"expression": "Object{metadata: Object.metadata{labels: {'by': request.userInfo.username}}}"}
    patch = {
        "expression": "[JSONPatch{op: 'add', path: '/metadata/labels/' + jsonpatch.escapeKey('a/b'), "
        "value: object.data.a + 'x'}]"
    }
    court = Court()
    court.rule(
        policy(
            {"patchType": "ApplyConfiguration", "applyConfiguration": applied},
            {"patchType": "JSONPatch", "jsonPatch": patch},
            kind="Mutating",
        ),
        binding("Mutating"),
    )
    made = court.put(config_map(a="1")).object
    assert made is not None
    assert made["metadata"]["labels"] == {"by": "kubernetes-admin", "a/b": "1x"}


def test_pods_of_one_template_meet_a_policy_that_came_later() -> None:
    pods = {**CONFIG_MAPS, "resources": ["pods"]}
    pod = {"metadata": {"generateName": "w-"}, "spec": {"containers": [{"name": "c", "image": "nginx"}]}}
    court = Court()
    court.client.create("serviceaccounts", {"metadata": {"name": "default", "namespace": "default"}})
    names = [court.client.create("pods", pod, "default") for _ in range(2)]
    court.rule(policy({"expression": "false", "message": "no more pods"}, rules=pods), binding())
    with pytest.raises(Exception, match="no more pods"):
        court.client.create("pods", pod, "default")
    assert len(names) == 2


def test_statuses_meet_policies_too() -> None:
    rules = {"apiGroups": ["example.com"], "apiVersions": ["*"], "operations": ["UPDATE"], "resources": ["*/status"]}
    status = {"type": "object", "properties": {"size": {"type": "integer"}}}
    court = Court(version({"size": {"type": "integer"}}, beside={"status": status}, subresources={"status": {}}))
    court.rule(policy({"expression": "object.status.size < 9"}, rules=rules), binding())
    court.create(gadget(size=1))
    merge = "application/merge-patch+json"
    assert court.send("PATCH", f"{court.path()}/status", {"status": {"size": 9}}, content_type=merge).code == 422
    assert court.send("PATCH", f"{court.path()}/status", {"status": {"size": 8}}, content_type=merge).code == 200


def test_a_policy_says_which_expressions_do_not_fit_the_kinds_it_names() -> None:
    spec = policy({"expression": "object.dat == 1"}, {"expression": "has(object.data)"})["spec"]
    assert list(warnings_of(spec, Court().server.scheme)) == [
        {
            "fieldRef": "spec.validations[0].expression",
            "warning": "v1, Kind=ConfigMap: ERROR: <input>:1:7: undefined field 'dat'\n | object.dat == 1\n | ......^",
        }
    ]

"""Custom resources: pruned, defaulted, validated, converted and shown as their definition says."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.definitions import Workshop, gadget, version

UNCHECKED = (
    "<nil>: Invalid value: null: some validation rules were not checked because the object was invalid; correct the "
    "existing errors to complete validation"
)
MERGE = {"content_type": "application/merge-patch+json"}


def test_unknown_fields_are_pruned_or_refused() -> None:
    world = Workshop(
        version({"size": {"type": "integer"}, "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True}})
    )
    sent = gadget(size=1, color="red", free={"any": {"thing": 1}})
    strict = world.create(sent, fieldValidation="Strict")
    assert strict.object is not None
    assert strict.object["message"] == (
        'Gadget in version "v1" cannot be handled as a Gadget: strict decoding error: unknown field "spec.color"'
    )
    warned = world.create(sent)
    assert warned.object is not None
    assert warned.object["spec"] == {"size": 1, "free": {"any": {"thing": 1}}}
    assert warned.warnings == ('unknown field "spec.color"',)


def test_defaults_reach_into_lists_and_take_the_place_of_nulls() -> None:
    port = {
        "type": "object",
        "properties": {"port": {"type": "integer"}, "protocol": {"type": "string", "default": "TCP"}},
    }
    world = Workshop(
        version({
            "ports": {"type": "array", "items": port},
            "mode": {"type": "string", "default": "fast"},
            "maybe": {"type": "string", "nullable": True, "default": "x"},
            "deep": {"type": "object", "default": {}, "properties": {"a": {"type": "integer", "default": 7}}},
        })
    )  # fmt: skip
    made = world.create(gadget(ports=[{"port": 1}], mode=None, maybe=None)).object
    assert made is not None
    assert made["spec"] == {
        "ports": [{"port": 1, "protocol": "TCP"}], "mode": "fast", "maybe": None, "deep": {"a": 7}
    }  # fmt: skip


@pytest.mark.parametrize(
    ("schema", "value", "expected"),
    [
        (
            {"type": "integer", "maximum": 7},
            9,
            "spec.x: Invalid value: 9: spec.x in body should be less than or equal to 7",
        ),
        ({"type": "string", "enum": ["a", "b"]}, "c", 'spec.x: Unsupported value: "c": supported values: "a", "b"'),
        (
            {"type": "string", "minLength": 2},
            "c",
            'spec.x: Invalid value: "c": spec.x in body should be at least 2 chars long',
        ),
        (
            {"type": "string", "format": "date"},
            "now",
            'spec.x: Invalid value: "now": spec.x in body must be of type date: "now"',
        ),
        ({"type": "string", "maxLength": 2}, "abc", "spec.x: Too long: may not be more than 2 bytes"),
        (
            {"type": "array", "items": {"type": "integer"}, "minItems": 1},
            [],
            "spec.x: Invalid value: 0: spec.x in body should have at least 1 items",
        ),
        (
            {"type": "array", "items": {"type": "integer"}, "maxItems": 1},
            [1, 2],
            "spec.x: Too many: 2: must have at most 1 item",
        ),
        (
            {"type": "array", "items": {"type": "integer"}},
            ["a"],
            'spec.x[0]: Invalid value: "string": spec.x[0] in body must be of type integer: "string"',
        ),
        (
            {"type": "boolean"},
            "yes",
            'spec.x: Invalid value: "string": spec.x in body must be of type boolean: "string"',
        ),
        (
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "set"},
            ["a", "a"],
            'spec.x[1]: Duplicate value: "a"',
        ),
        (
            {"type": "object", "additionalProperties": {"type": "string"}},
            {"k": 1},
            'spec.x.k: Invalid value: "integer": spec.x.k in body must be of type string: "integer"',
        ),
        (
            {"type": "number", "multipleOf": 0.5},
            1.2,
            "spec.x: Invalid value: 1.2: spec.x in body should be a multiple of 0.5",
        ),
        (
            {"type": "object", "required": ["a"], "properties": {"a": {"type": "string"}}},
            {},
            "spec.x.a: Required value",
        ),
        (
            {"x-kubernetes-int-or-string": True},
            [],
            'spec.x: Invalid value: "array": spec.x in body must be of type integer,string: "array"',
        ),
    ],
)
def test_values_are_held_against_the_schema(schema: Any, value: Any, expected: str) -> None:
    world = Workshop(version({"x": schema}))
    assert world.causes(world.create(gadget(x=value))) == [expected]


RULES = [
    {"rule": "self.size % 2 == 1", "message": "size must be odd"},
    {"rule": "self.size >= oldSelf.size", "messageExpression": "'was %d'.format([oldSelf.size])", "fieldPath": ".size"},
]


def test_rules_hold_for_objects_and_for_changes() -> None:
    world = Workshop(
        version(
            {"size": {"type": "integer", "x-kubernetes-validations": [{"rule": "self < 9"}]}},
            spec={"x-kubernetes-validations": RULES},
        )
    )
    assert world.causes(world.create(gadget(size=10))) == [
        "spec: Invalid value: size must be odd",
        "spec.size: Invalid value: 10: failed rule: self < 9",
    ]
    world.create(gadget(size=5))
    smaller = world.send("PATCH", world.path(), {"spec": {"size": 3}}, **MERGE)
    assert world.causes(smaller) == ["spec.size: Invalid value: was 5"]


def test_an_object_is_refused_whose_rules_cost_too_much_when_they_run() -> None:
    some, rules = {"type": "array", "items": {"type": "integer"}, "maxItems": 1001}, [{"rule": QUADRATIC}] * 11
    world = Workshop(version({"some": some}, spec={"x-kubernetes-validations": rules}))
    assert world.causes(world.create(gadget(some=[0] * 1001))) == [
        "spec: Invalid value: 'operation cancelled: actual cost limit exceeded': no further validation rules will be "
        f"run due to call cost exceeds limit for rule: {QUADRATIC}"
    ]
    assert world.causes(world.create(gadget(some=[0] * 990))) == [
        "spec: Invalid value: validation failed due to running out of cost budget, no further validation rules will be "
        "run"
    ]


QUADRATIC = "sets.contains(self.some, self.some)"


def test_rules_wait_until_the_object_has_the_right_shape() -> None:
    world = Workshop(version({"size": {"type": "integer"}}, spec={"x-kubernetes-validations": RULES}))
    assert world.causes(world.create(gadget(size="3"))) == [
        'spec.size: Invalid value: "string": spec.size in body must be of type integer: "string"',
        UNCHECKED,
    ]


def test_what_has_not_changed_is_let_pass() -> None:
    loose = version({"word": {"type": "string"}, "size": {"type": "integer"}})
    world = Workshop(loose)
    world.create(gadget(word="UPPER", size=9))
    tight = {
        "type": "string",
        "maxLength": 3,
        "x-kubernetes-validations": [{"rule": "self == self.lowerAscii()", "message": "lower"}],
    }
    crd = world.client.get("crd", "gadgets.example.com")
    tighter = version({"word": tight, "size": {"type": "integer"}})
    world.client.update("crd", {**crd, "spec": {**crd["spec"], "versions": [tighter]}})
    changed = world.send("PATCH", world.path(), {"spec": {"size": 1}}, **MERGE)
    assert (changed.code, changed.warnings) == (200, ('spec.word: Invalid value: "UPPER": lower',))
    renamed = world.send("PATCH", world.path(), {"spec": {"word": "OTHER"}}, **MERGE)
    assert world.causes(renamed) == ["spec.word: Too long: may not be more than 3 bytes", UNCHECKED]


def test_status_and_scale_are_doors_of_their_own() -> None:
    parts = {
        "status": {},
        "scale": {
            "specReplicasPath": ".spec.size",
            "statusReplicasPath": ".status.size",
            "labelSelectorPath": ".status.selector",
        },
    }
    status = {"type": "object", "properties": {"size": {"type": "integer"}, "selector": {"type": "string"}}}
    world = Workshop(version({"size": {"type": "integer"}}, beside={"status": status}, subresources=parts))
    made = world.create({**gadget(size=1), "status": {"size": 5}}).object
    assert made is not None
    assert "status" not in made
    world.send(
        "PATCH", f"{world.path()}/status", {"status": {"size": 1, "selector": "a=b"}, "spec": {"size": 8}}, **MERGE
    )
    world.send("PATCH", f"{world.path()}/scale", {"spec": {"replicas": 3}}, **MERGE)
    scale = world.send("GET", f"{world.path()}/scale").object
    now = world.send("GET", world.path()).object
    assert scale is not None
    assert now is not None
    assert (scale["spec"], scale["status"]) == ({"replicas": 3}, {"replicas": 1, "selector": "a=b"})
    assert (now["spec"], now["metadata"]["generation"]) == ({"size": 3}, 2)


def test_columns_and_selectable_fields_come_from_the_definition() -> None:
    columns = [
        {"name": "Color", "type": "string", "jsonPath": ".spec.color"},
        {"name": "Ready", "type": "string", "jsonPath": '.status.conditions[?(@.type=="Ready")].status'},
        {"name": "Since", "type": "date", "jsonPath": ".metadata.creationTimestamp", "priority": 1},
    ]
    color = {"color": {"type": "string"}}
    world = Workshop(version(color, additionalPrinterColumns=columns, selectableFields=[{"jsonPath": ".spec.color"}]))
    for name, value in (("one", "red"), ("two", "blue")):
        world.create(gadget(name, color=value))
    table = world.send(
        "GET",
        "/apis/example.com/v1/gadgets",
        query={"fieldSelector": "spec.color=blue"},
        accept="application/json;as=Table;v=v1;g=meta.k8s.io",
    ).object
    assert table is not None
    assert [each["name"] for each in table["columnDefinitions"]] == ["Name", "Color", "Ready", "Since"]
    assert [row["cells"] for row in table["rows"]] == [["two", "blue", None, "0s"]]
    refused = world.send("GET", "/apis/example.com/v1/gadgets", query={"fieldSelector": "spec.size=1"})
    assert refused.code == 400


def test_every_version_shows_the_same_object() -> None:
    old = version({"size": {"type": "integer"}}, "v1", storage=False, deprecated=True)
    world = Workshop(old, version({"size": {"type": "integer"}, "color": {"type": "string", "default": "red"}}, "v2"))
    world.create(gadget(size=1))
    new = world.send("GET", world.path(api="example.com/v2")).object
    assert new is not None
    assert (new["apiVersion"], new["spec"]) == ("example.com/v2", {"size": 1, "color": "red"})
    world.replace({**new, "spec": {"size": 2, "color": "blue"}})
    seen = world.send("GET", world.path())
    assert seen.object is not None
    assert (seen.object["apiVersion"], seen.object["spec"]) == ("example.com/v1", {"size": 2})
    assert seen.warnings == ("example.com/v1 Gadget is deprecated",)


def test_custom_resources_take_no_strategic_patches() -> None:
    world = Workshop(version({"size": {"type": "integer"}}))
    world.create(gadget(size=1))
    answer = world.send("PATCH", world.path(), {}, content_type="application/strategic-merge-patch+json")
    assert answer.object is not None
    assert (answer.code, answer.object["message"]) == (
        415,
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml",
    )


def test_custom_resources_go_with_their_owner_and_their_namespace() -> None:
    world = Workshop(version({"size": {"type": "integer"}}))
    owner = world.create(gadget("owner", size=1)).object
    assert owner is not None
    reference = {"apiVersion": "example.com/v1", "kind": "Gadget", "name": "owner", "uid": owner["metadata"]["uid"]}
    child = gadget("child", size=1)
    world.create({**child, "metadata": {**child["metadata"], "ownerReferences": [reference]}})
    world.send("DELETE", world.path("owner"))
    world.settle()
    assert world.client.list("gadgets") == []
    world.client.create(
        "namespaces",
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}, "spec": {"finalizers": ["kubernetes"]}},
    )
    world.create({**child, "metadata": {"name": "child", "namespace": "shop"}})
    world.client.delete("namespaces", "shop")
    world.settle()
    assert world.client.list("gadgets") == []


def test_a_webhook_converts_between_versions() -> None:
    def call(client: Any, review: Any, seconds: float) -> Any:
        wanted, (obj,) = review["request"]["desiredAPIVersion"], review["request"]["objects"]
        spec = {"host": "a:1"} if wanted.endswith("v1") else dict(zip(("name", "port"), ("a", 1), strict=True))
        made = {**obj, "apiVersion": wanted, "spec": spec}
        return {
            "response": {"uid": review["request"]["uid"], "result": {"status": "Success"}, "convertedObjects": [made]}
        }

    webhook = {"clientConfig": {"url": "https://c.example.com/"}, "conversionReviewVersions": ["v1"]}
    world = Workshop(
        version({"host": {"type": "string"}}, "v1"),
        version({"name": {"type": "string"}, "port": {"type": "integer"}}, "v2", storage=False),
        conversion={"strategy": "Webhook", "webhook": webhook},
    )
    world.server.extensions.surroundings.call = call
    world.create(gadget(host="a:1"))
    seen = world.send("GET", world.path(api="example.com/v2")).object
    assert seen is not None
    assert seen["spec"] == {"name": "a", "port": 1}

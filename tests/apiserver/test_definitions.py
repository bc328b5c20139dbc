"""CustomResourceDefinitions: what they must look like, and what serving them adds to the API."""

from __future__ import annotations

from typing import Any

import orjson
import pytest

from tests.apiserver.definitions import NAME, Workshop, definition, gadget, version

SIZE = {"size": {"type": "integer"}}
PATH = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
SPEC = "spec.validation.openAPIV3Schema.properties[spec]"


def refused(*versions: Any, **spec: Any) -> list[str]:
    world = Workshop()
    return world.causes(world.send("POST", PATH, definition(*versions, **spec)))


def test_a_definition_gets_its_names_and_is_established() -> None:
    world = Workshop(version(SIZE))
    crd = world.client.get("crd", NAME)
    assert [(c["type"], c["status"], c["reason"]) for c in crd["status"]["conditions"]] == [
        ("NamesAccepted", "True", "NoConflicts"),
        ("Established", "True", "InitialNamesAccepted"),
    ]
    assert crd["spec"]["names"] == crd["status"]["acceptedNames"]
    assert crd["spec"]["names"]["listKind"] == "GadgetList"
    assert crd["status"]["storedVersions"] == ["v1"]


def test_a_name_that_somebody_else_has_is_not_accepted() -> None:
    world = Workshop(version(SIZE))
    other = definition(version(SIZE), names={"plural": "widgets", "kind": "Gadget"})
    world.send("POST", PATH, {**other, "metadata": {"name": "widgets.example.com"}})
    world.settle()
    crd = world.client.get("crd", "widgets.example.com")
    assert [(c["type"], c["status"], c["reason"], c["message"]) for c in crd["status"]["conditions"]] == [
        ("NamesAccepted", "False", "ListKindConflict", '"GadgetList" is already in use'),
        ("Established", "False", "NotAccepted", "not all names are accepted"),
    ]


@pytest.mark.parametrize(
    ("node", "expected"),
    [
        ({"type": "intger"}, [f'{SPEC}.properties[x].type: Unsupported value: "intger": supported values: "array", '
                              '"boolean", "integer", "number", "object", "string"']),
        ({}, [f"{SPEC}.properties[x].type: Required value: must not be empty for specified object fields"]),
        ({"type": "array"}, [f"{SPEC}.properties[x].items: Required value: must be specified"]),
        ({"type": "integer", "default": "a"}, [f'{SPEC}.properties[x].default: Invalid value: "string":  in body must '
                                               'be of type integer: "string"']),
        ({"type": "string", "pattern": "("}, [f'{SPEC}.properties[x].pattern: Invalid value: "(": must be a valid '
                                              "regular expression, but isn't: error parsing regexp: missing closing ): "
                                              "`(`"]),
        (
            {"type": "array", "items": {"type": "string"}, "x-kubernetes-list-type": "map"},
            [
                f"{SPEC}.properties[x].x-kubernetes-list-map-keys: Required value: must not be empty if "
                "x-kubernetes-list-type is map",
                f'{SPEC}.properties[x].items.type: Invalid value: "string": must be object if parent array\'s '
                "x-kubernetes-list-type is map",
            ],
        ),
        (
            {"type": "integer", "anyOf": [{"type": "integer"}]},
            [f"{SPEC}.properties[x].anyOf[0].type: Forbidden: must be empty to be structural"],
        ),
    ],
)  # fmt: skip
def test_a_schema_has_to_be_structural(node: Any, expected: list[str]) -> None:
    assert refused(version({"x": node})) == expected


def test_rules_are_type_checked() -> None:
    rules = [{"rule": "self.x > 1"}, {"rule": "self.size"}, {"rule": "self.size == 'a'", "message": "no"}]
    none = '"Message":"","MessageExpression":"","Reason":null,"FieldPath":"","OptionalOldSelf":null}'
    where = f"{SPEC}.x-kubernetes-validations"
    found = refused(version(SIZE, spec={"x-kubernetes-validations": rules}))
    assert found[:2] == [
        f'{where}[0].rule: Invalid value: {{"Rule":"self.x > 1",{none}: compilation failed: ERROR: <input>:1:5: '
        "undefined field 'x'\n | self.x > 1\n | ....^",
        f'{where}[1].rule: Invalid value: {{"Rule":"self.size",{none}: cel expression must evaluate to a bool',
    ]
    assert found[2].endswith(
        "found no matching overload for '_==_' applied to '(int, string)'\n | self.size == 'a'\n | ..........^"
    )


def test_old_and_new_items_of_a_plain_list_cannot_be_told_apart() -> None:
    items = {"type": "integer", "x-kubernetes-validations": [{"rule": "self == oldSelf"}]}
    assert refused(version({"list": {"type": "array", "items": items}})) == [
        f'{SPEC}.properties[list].items.x-kubernetes-validations[0].rule: Invalid value: "self == oldSelf": oldSelf '
        f"cannot be used on the uncorrelatable portion of the schema within {SPEC}.properties[list]"
    ]


def test_rules_may_not_cost_too_much_alone_or_together() -> None:
    texts = {"items": {"type": "array", "items": {"type": "string"}}, "least": {"type": "integer"}}
    rules = [
        {"rule": "self.items.all(x, self.items.exists_one(y, x == y))"},
        {"rule": "self.least > 0", "messageExpression": "'not ' + string(self.least)"},
    ]
    where, above = f"{SPEC}.x-kubernetes-validations", f"exceeds budget by factor of more than 100x {HINT}"
    shared = "contributed to estimated rule cost total exceeding cost limit for entire OpenAPIv3 schema"
    assert refused(version(texts, spec={"x-kubernetes-validations": rules})) == [
        f"{where}[0].rule: Forbidden: estimated rule cost {above}",
        f"{where}[1].messageExpression: Forbidden: estimated messageExpression cost {above}",
        f"{where}[1].messageExpression: Forbidden: {shared}",
        f"{where}[0].rule: Forbidden: {shared}",
        "spec.validation.openAPIV3Schema: Forbidden: x-kubernetes-validations estimated rule cost total for entire "
        f"OpenAPIv3 schema {above}",
    ]


@pytest.mark.parametrize(("longest", "factor"), [(30, "1.363149x"), (40, "1.8x")])
def test_a_rule_costs_as_often_as_there_can_be_items(longest: int, factor: str) -> None:
    contains = {"x-kubernetes-validations": [{"rule": "self.contains('keyword')"}]}
    items = {"type": "string", "maxLength": longest, **contains}
    assert refused(version({"list": {"type": "array", "items": items}})) == [
        f"{SPEC}.properties[list].items.x-kubernetes-validations[0].rule: Forbidden: estimated rule cost exceeds "
        f"budget by factor of {factor} {HINT}"
    ]
    Workshop(version({"list": {"type": "array", "maxItems": 100, "items": items}}))


HINT = (
    "(try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are "
    "declared)"
)


def test_everything_that_is_wrong_is_told_at_once() -> None:
    wrong = version(
        SIZE, name="V1", storage=False, additionalPrinterColumns=[{"name": "S", "type": "int", "jsonPath": "x"}]
    )
    found = refused(wrong, scope="Global", names={"plural": "Gadgets", "kind": "gad get"})
    assert [each.partition(": ")[0] for each in found] == [
        "metadata.name", "spec.scope", "spec.versions[0].name", "spec.versions", "spec.version", "spec.names.plural",
        "spec.names.singular", "spec.names.kind", "spec.names.listKind", "spec.additionalPrinterColumns[0].type",
        "spec.additionalPrinterColumns[0].JSONPath",
    ]  # fmt: skip


def test_a_version_that_was_stored_must_stay() -> None:
    world = Workshop(version(SIZE, "v1", storage=False), version(SIZE, "v2"))
    crd = world.client.get("crd", NAME)
    gone = {**crd, "spec": {**crd["spec"], "versions": [version(SIZE, "v1")]}}
    assert [each.partition(": ")[0] for each in world.causes(world.send("PUT", f"{PATH}/{NAME}", gone))] == [
        "status.storedVersions[0]"
    ]


def test_a_custom_resource_is_discovered_and_described() -> None:
    world = Workshop(version(SIZE, "v1", storage=False), version(SIZE, "v2beta1"), version(SIZE, "v2", storage=False))
    group = world.send("GET", "/apis/example.com").object
    assert group is not None
    assert [each["version"] for each in group["versions"]] == ["v2", "v1", "v2beta1"]
    document = orjson.loads(world.send("GET", "/openapi/v3/apis/example.com/v2").body)
    schema = document["components"]["schemas"]["com.example.v2.Gadget"]
    assert schema["properties"]["spec"]["properties"] == SIZE
    patch = document["paths"]["/apis/example.com/v2/namespaces/{namespace}/gadgets/{name}"]["patch"]
    assert "application/strategic-merge-patch+json" not in patch["requestBody"]["content"]
    assert schema["x-kubernetes-group-version-kind"] == [{"group": "example.com", "kind": "Gadget", "version": "v2"}]


def test_objects_go_with_their_definition() -> None:
    world = Workshop(version(SIZE))
    assert world.create(gadget(size=1)).code == 201
    world.send("DELETE", f"{PATH}/{NAME}")
    world.settle()
    assert world.send("GET", f"{PATH}/{NAME}").code == 404
    assert world.send("GET", "/apis/example.com/v1/gadgets").code == 404
    world.define(version(SIZE))
    listed = world.send("GET", "/apis/example.com/v1/gadgets").object
    assert listed is not None
    assert (listed["kind"], listed["items"]) == ("GadgetList", [])


def test_an_object_with_a_finalizer_keeps_its_definition() -> None:
    world = Workshop(version(SIZE))
    held = gadget(size=1)
    world.create({**held, "metadata": {**held["metadata"], "finalizers": ["example.com/hold"]}})
    world.send("DELETE", f"{PATH}/{NAME}")
    world.settle()
    crd = world.client.get("crd", NAME)
    assert [(c["type"], c["reason"]) for c in crd["status"]["conditions"]][2:] == [
        ("Terminating", "InstanceDeletionCheck")
    ]
    assert world.create(gadget("two", size=1)).code == 405

"""Who owns what: whole sets of fields after updates and applies."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.machinery.managed.applying import Applied, Conflicts, applied
from k8snb.machinery.managed.checking import problems
from k8snb.machinery.managed.managers import NOBODY, Owners, Writer, created, decoded, encoded, updated
from k8snb.machinery.managed.shapes import DEDUCED_MAP, Shape, shape_of, shape_of_schema

DEPLOYMENT = shape_of("apps/v1", "Deployment")
MAP = shape_of("v1", "ConfigMap")


def deployment(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}, "spec": spec}


def config(**data: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": data}


def by(name: str, subresource: str = "", time: str | None = None) -> Writer:
    return Writer(name, "v1", subresource, time)


def fields(owners: Owners) -> dict[str, Any]:
    return {f"{who.name} {who.operation}": entry.fields for who, entry in owners.items()}


def apply(live: Any, wanted: Any, owners: Owners, name: str, shape: Shape = MAP, *, force: bool = False) -> Applied:
    return applied(live, wanted, shape, owners, by(name), force=force)


def containers(*items: dict[str, Any]) -> dict[str, Any]:
    return deployment(template={"spec": {"containers": list(items)}})


def test_whoever_creates_owns_what_go_would_not_have_written_anyway() -> None:
    port = {"containerPort": 80, "protocol": "TCP"}
    given = deployment(
        replicas=1,
        selector={"matchLabels": {"app": "web"}},
        strategy={"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 1}},
        template={"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "a", "ports": [port]}]}},
    )
    leaf: dict[str, Any] = {}
    assert fields(created(given, DEPLOYMENT, by("me"))) == {
        "me Update": {
            "f:spec": {
                "f:replicas": leaf,
                "f:selector": leaf,
                "f:strategy": {"f:type": leaf, "f:rollingUpdate": {".": leaf, "f:maxSurge": leaf}},
                "f:template": {
                    "f:metadata": {"f:labels": {".": leaf, "f:app": leaf}},
                    "f:spec": {
                        "f:containers": {
                            'k:{"name":"a"}': {
                                ".": leaf,
                                "f:name": leaf,
                                "f:ports": {
                                    ".": leaf,
                                    'k:{"containerPort":80,"protocol":"TCP"}': {
                                        ".": leaf,
                                        "f:containerPort": leaf,
                                        "f:protocol": leaf,
                                    },
                                },
                            }
                        }
                    },
                },
            }
        }
    }


def test_what_is_known_of_an_object_with_other_values_does_not_show() -> None:
    given = [
        containers({"name": "a", "image": "nginx"}),
        containers({"name": "a", "image": "redis"}),
        containers({"name": "b", "image": "redis"}),
        containers({"name": "b", "image": ""}),
        *[containers({"name": "b", "env": [{"name": "x", "value": value}]}) for value in "12"],
        containers({"name": "b", "env": [{"name": "y", "value": "2"}]}),
        *[containers({"name": "b", "resources": {"limits": {name: "1"}}}) for name in ("cpu", "memory")],
    ]
    in_detail = [{**each, "apiVersion": "example.com/v1"} for each in given]
    known, alone = ([created(each, DEPLOYMENT, by("me")) for each in these] for these in (given, in_detail))
    assert known == alone


def test_an_update_takes_what_it_changes_and_drops_who_has_nothing_left() -> None:
    one = created(config(a="1"), MAP, by("one"))
    two = updated(one, config(a="1"), config(a="2"), MAP, by("two"))
    assert fields(two) == {"one Update": {"f:data": {}}, "two Update": {"f:data": {"f:a": {}}}}
    assert fields(updated(two, config(a="2"), config(), MAP, by("three"))) == {"one Update": {"f:data": {}}}


def test_an_update_that_changes_nothing_does_not_move_the_time() -> None:
    one = created(config(a="1"), MAP, by("one", time="early"))
    assert encoded(updated(one, config(a="1"), config(a="1"), MAP, by("one", time="late"))) == encoded(one)


def test_nobody_comes_to_own_what_nobody_is_tracked_for() -> None:
    assert updated(NOBODY, config(a="1"), config(a="2"), MAP, by("me")) == NOBODY


def test_more_than_ten_updaters_become_ancient_changes() -> None:
    owners = created(config(k0="x"), MAP, by("m00", time="00"))
    for number in range(1, 12):
        before = config(**{f"k{i}": "x" for i in range(number)})
        after = config(**{f"k{i}": "x" for i in range(number + 1)})
        owners = updated(owners, before, after, MAP, by(f"m{number:02}", time=f"{number:02}"))
    found = encoded(owners)
    assert [each["manager"] for each in found] == ["ancient-changes", *(f"m{n:02}" for n in range(3, 12))]
    assert (found[0]["time"], sorted(found[0]["fieldsV1"]["f:data"])) == ("02", [".", "f:k0", "f:k1", "f:k2"])


def test_applying_another_value_is_a_conflict_with_whoever_set_it() -> None:
    live, owners = config(a="1", b="1"), created(config(a="1", b="1"), MAP, by("alice"))
    with pytest.raises(Conflicts) as one:
        apply(live, config(a="2"), owners, "bob")
    assert str(one.value) == 'Apply failed with 1 conflict: conflict with "alice" using v1: .data.a'
    with pytest.raises(Conflicts) as two:
        apply(live, config(a="2", b="2"), owners, "bob")
    message = 'Apply failed with 2 conflicts: conflicts with "alice" using v1:\n- .data.a\n- .data.b'
    assert str(two.value) == message
    who = 'conflict with "alice" using v1'
    assert one.value.causes == [{"reason": "FieldManagerConflict", "message": who, "field": ".data.a"}]


def test_conflicts_name_appliers_without_a_version_and_subresources_with_theirs() -> None:
    both = {
        **created(config(a="1"), MAP, by("alice", "status")),
        **apply({"metadata": {}}, config(a="1"), {}, "x").owners,
    }
    with pytest.raises(Conflicts) as error:
        apply(config(a="1"), config(a="2"), both, "bob")
    assert str(error.value) == (
        'Apply failed with 2 conflicts: conflicts with "alice" with subresource "status" using v1:\n- .data.a\n'
        'conflicts with "x":\n- .data.a'
    )


def test_the_same_value_is_shared_and_goes_when_the_last_gives_it_up() -> None:
    first = apply({"metadata": {}}, config(a="1", b="1"), NOBODY, "alice")
    both = apply(first.object, config(a="1"), first.owners, "bob")
    assert fields(both.owners) == {
        "alice Apply": {"f:data": {"f:a": {}, "f:b": {}}},
        "bob Apply": {"f:data": {"f:a": {}}},
    }
    one = apply(both.object, config(b="1"), both.owners, "alice")
    assert (one.object["data"], fields(one.owners)) == (
        {"a": "1", "b": "1"},
        {"bob Apply": {"f:data": {"f:a": {}}}, "alice Apply": {"f:data": {"f:b": {}}}},
    )
    none = apply(one.object, {**config(), "data": None}, one.owners, "bob")
    assert none.object["data"] == {"b": "1"}


def test_force_takes_a_field_from_its_owner() -> None:
    found = apply(config(a="1"), config(a="2"), created(config(a="1"), MAP, by("alice")), "bob", force=True)
    assert (found.object["data"], fields(found.owners)) == (
        {"a": "2"},
        {"alice Update": {"f:data": {}}, "bob Apply": {"f:data": {"f:a": {}}}},
    )


def test_items_of_a_list_are_told_apart_by_their_keys_and_keep_what_others_said() -> None:
    live = containers({"name": "a", "image": "1"}, {"name": "b", "image": "1"})
    owners = created(live, DEPLOYMENT, by("alice"))
    wanted = containers({"name": "c", "image": "2"}, {"name": "a", "tty": True})
    found = apply(live, wanted, owners, "bob", DEPLOYMENT)
    assert found.object["spec"]["template"]["spec"]["containers"] == [
        {"name": "c", "image": "2"},
        {"name": "a", "image": "1", "tty": True},
        {"name": "b", "image": "1"},
    ]
    without = apply(found.object, containers({"name": "a"}), found.owners, "bob", DEPLOYMENT)
    assert without.object["spec"]["template"]["spec"]["containers"] == [
        {"name": "a", "image": "1"},
        {"name": "b", "image": "1"},
    ]


def test_a_set_is_owned_value_by_value() -> None:
    live = {**config(), "metadata": {"name": "c", "finalizers": ["x"]}}
    owners = created(live, MAP, by("alice"))
    wanted = {**config(), "metadata": {"name": "c", "finalizers": ["y"]}}
    found = apply(live, wanted, owners, "bob")
    assert found.object["metadata"]["finalizers"] == ["x", "y"]
    assert fields(found.owners)["bob Apply"]["f:metadata"] == {"f:finalizers": {'v:"y"': {}}}


def test_an_atomic_list_is_replaced_whole() -> None:
    live = containers({"name": "a", "command": ["sh", "-c"]})
    owners = apply({"metadata": {}}, live, NOBODY, "alice", DEPLOYMENT).owners
    with pytest.raises(Conflicts, match=r'containers\[name="a"\].command$'):
        apply(live, containers({"name": "a", "command": ["sh"]}), owners, "bob", DEPLOYMENT)


def test_an_object_that_nobody_owns_is_owned_as_before_the_first_apply() -> None:
    live = {**config(a="1"), "metadata": {"name": "c", "uid": "1"}}
    found = apply(live, config(b="1"), NOBODY, "bob")
    assert fields(found.owners) == {
        "before-first-apply Update": {"f:data": {".": {}, "f:a": {}}},
        "bob Apply": {"f:data": {"f:b": {}}},
    }


def test_kubectl_takes_over_what_it_applied_on_the_clients_side() -> None:
    last = '{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"c"},"data":{"a":"1"}}'
    named = {"name": "c", "annotations": {"kubectl.kubernetes.io/last-applied-configuration": last}}
    live = {**config(a="1", b="1"), "metadata": named}
    owners = created(live, MAP, by("kubectl-client-side-apply"))
    assert apply(live, config(a="2"), owners, "kubectl").object["data"] == {"a": "2", "b": "1"}
    with pytest.raises(Conflicts, match=r"1 conflict: .*: \.data\.b$"):
        apply(live, config(a="2", b="2"), owners, "kubectl")
    with pytest.raises(Conflicts):
        apply(live, config(a="2"), owners, "somebody")


def test_a_structural_schema_says_how_a_custom_resource_is_merged() -> None:
    item = {"type": "object", "properties": {"name": {"type": "string"}, "port": {"type": "integer", "default": 80}}}
    keys = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name", "port"]}
    spec = {"type": "object", "properties": {"items": {"type": "array", "items": item, **keys}}}
    shape = shape_of_schema({"type": "object", "properties": {"spec": spec}})
    wanted = {"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "x"}, "spec": {"items": [{"name": "a"}]}}
    owners = apply({"metadata": {}}, wanted, NOBODY, "me", shape).owners
    item_fields = {'k:{"name":"a","port":80}': {".": {}, "f:name": {}}}
    assert fields(owners) == {"me Apply": {"f:spec": {"f:items": item_fields}}}
    assert problems({"spec": {"other": 1}}, shape) == ".spec.other: field not declared in schema"


def test_without_a_schema_maps_are_owned_by_field_and_lists_whole() -> None:
    wanted = {"metadata": {"name": "x"}, "spec": {"a": {"b": 1}, "l": [1]}}
    owners = apply({"metadata": {}}, wanted, NOBODY, "me", DEDUCED_MAP).owners
    assert fields(owners) == {"me Apply": {"f:spec": {".": {}, "f:a": {".": {}, "f:b": {}}, "f:l": {}}}}


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"replicas": "1"}, ".spec.replicas: expected numeric (int or float), got string"),
        ({"paused": 1}, ".spec.paused: expected boolean, got &{1}"),
        ({"strategy": {"type": 1}}, ".spec.strategy.type: expected string, got &value.valueUnstructured{Value:1}"),
        ({"template": []}, ".spec.template: expected map, got &{[]}"),
        (
            {"template": {"spec": {"containers": [{"name": "a"}, {"name": "a"}]}}},
            '.spec.template.spec.containers: duplicate entries for key [name="a"]',
        ),
        (
            {"template": {"spec": {"containers": [{}]}}},
            ".spec.template.spec.containers: element 0: associative list with keys has an element that omits key field "
            '"name" (and doesn\'t have default value)',
        ),
        ({"a": 1, "b": 1}, "errors:\n  .spec.a: field not declared in schema\n  .spec.b: field not declared in schema"),
    ],
)
def test_what_does_not_fit_the_schema_is_said(spec: dict[str, Any], why: str) -> None:
    assert problems(deployment(**spec), DEPLOYMENT) == why


def test_managed_fields_that_cannot_be_read_are_not() -> None:
    entry = {
        "manager": "m",
        "operation": "Update",
        "apiVersion": "v1",
        "fieldsType": "FieldsV1",
        "fieldsV1": {"f:a": {}},
    }
    good = decoded([entry])
    assert good is not None
    assert encoded(good) == [entry]
    for key, value in (("operation", "Write"), ("apiVersion", ""), ("fieldsType", "V2"), ("fieldsV1", {"x": {}})):
        assert decoded([{**entry, key: value}]) is None

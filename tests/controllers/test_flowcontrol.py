"""The objects of flow control come back, and stay as they should be for as long as they say so."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.cluster.cluster import Cluster
from k8snb.controllers.flowcontrol import updated
from k8snb.errors import StatusError
from k8snb.machinery.objects import condition
from k8snb.typing import Object

SCHEMAS, LEVELS = "flowschemas", "prioritylevelconfigurations"
AUTO_UPDATE = "apf.kubernetes.io/autoupdate-spec"


def level(name: str, shares: int = 1, said: str | None = None, generation: int = 1) -> Object:
    annotations = {} if said is None else {"annotations": {AUTO_UPDATE: said}}
    return {"metadata": {"name": name, "generation": generation, **annotations}, "spec": {"shares": shares}}


@pytest.mark.parametrize(
    ("current", "found"),
    [
        (level("system", 2, "true"), (1, "true")),
        (level("system", 2, "false"), None),
        (level("system", 1, "true", 2), None),
        (level("system", 2), (1, "true")),
        (level("system", 2, None, 2), (2, "false")),
        (level("system", 2, "perhaps", 2), (2, "false")),
        (level("catch-all", 2, "false", 2), (1, "true")),
        (level("catch-all", 1, "false"), (1, "true")),
    ],
)
def test_a_spec_is_put_right_where_the_object_is_mandatory_or_says_so(current: Object, found: Any) -> None:
    new = updated(current, level(current["metadata"]["name"]))
    assert found == (new and (new["spec"]["shares"], new["metadata"]["annotations"][AUTO_UPDATE]))


def names(world: Cluster, resource: str) -> list[str]:
    return sorted(each["metadata"]["name"] for each in world.client.list(resource))


@pytest.mark.parametrize(("resource", "name"), [(SCHEMAS, "catch-all"), (SCHEMAS, "probes"), (LEVELS, "exempt")])
def test_what_was_deleted_is_back_within_a_minute(resource: str, name: str) -> None:
    world = Cluster(nodes=0)
    before = names(world, resource)
    world.client.delete(resource, name)
    world.settle()
    assert name not in names(world, resource)
    world.advance(61)
    assert names(world, resource) == before


def test_a_suggested_level_keeps_a_change_once_it_is_not_to_be_updated() -> None:
    world, shares = Cluster(nodes=0), []
    for said in ("true", "false"):
        found = world.client.get(LEVELS, "workload-low")
        meta = {**found["metadata"], "annotations": {AUTO_UPDATE: said}}
        limited = {**found["spec"]["limited"], "nominalConcurrencyShares": 7}
        world.client.update(LEVELS, {**found, "metadata": meta, "spec": {**found["spec"], "limited": limited}})
        world.advance(61)
        shares.append(world.client.get(LEVELS, "workload-low")["spec"]["limited"]["nominalConcurrencyShares"])
    assert shares == [100, 7]


def test_an_object_that_claims_to_be_suggested_and_is_not_goes() -> None:
    world = Cluster(nodes=0)
    spec = world.client.get(LEVELS, "workload-low")["spec"]
    for name, said in (("mine", "false"), ("old", "true")):
        world.client.create(LEVELS, {"metadata": {"name": name, "annotations": {AUTO_UPDATE: said}}, "spec": spec})
    world.advance(61)
    assert {"mine", "old"} & {*names(world, LEVELS)} == {"mine"}


def test_a_schema_says_whether_its_priority_level_is_there() -> None:
    world, told = Cluster(nodes=0), []
    rule = {"verbs": ["*"], "nonResourceURLs": ["*"]}
    rules = [{"subjects": [{"kind": "User", "user": {"name": "a"}}], "nonResourceRules": [rule]}]
    spec = {"priorityLevelConfiguration": {"name": "mine"}, "rules": rules}
    world.client.create(SCHEMAS, {"metadata": {"name": "mine"}, "spec": spec})
    for step in (lambda: None, lambda: make_level(world), lambda: world.client.delete(LEVELS, "mine")):
        step()
        world.settle()
        found = condition(world.client.get(SCHEMAS, "mine"), "Dangling")
        assert found is not None
        told.append((found["status"], found["reason"], found["message"]))
    lead = 'This FlowSchema references the PriorityLevelConfiguration object named "mine"'
    missing = ("True", "NotFound", f"{lead} but there is no such object")
    assert told == [missing, ("False", "Found", f"{lead} and it exists"), missing]


def make_level(world: Cluster) -> None:
    spec = {"type": "Limited", "limited": {"limitResponse": {"type": "Reject"}}}
    world.client.create(LEVELS, {"metadata": {"name": "mine"}, "spec": spec})


def test_the_spec_of_a_mandatory_schema_cannot_be_changed() -> None:
    world = Cluster(nodes=0)
    found = world.client.get(SCHEMAS, "catch-all")
    with pytest.raises(StatusError, match="spec of 'catch-all' must equal the fixed value"):
        world.client.update(SCHEMAS, {**found, "spec": {**found["spec"], "matchingPrecedence": 9000}})

from __future__ import annotations

from k8snb.controllers.deployment import revisions
from k8snb.controllers.deployment.template import fnv32a, same_template, template_hash, with_hash
from k8snb.typing import Object
from tests.controllers.world import deployment, template


def rs(name: str, image: str = "nginx:1", size: int = 0, **annotations: str) -> Object:
    meta = {"name": name, "creationTimestamp": name, "generation": 1}
    noted = {f"deployment.kubernetes.io/{k.replace('_', '-')}": v for k, v in annotations.items()}
    spec = {"replicas": size, "template": with_hash(template(image=image), name)}
    status = {"replicas": size, "observedGeneration": 1}
    return {"metadata": {**meta, "annotations": noted}, "spec": spec, "status": status}


def test_fnv_1a_gives_the_published_values() -> None:
    assert fnv32a(b"") == 0x811C9DC5
    assert fnv32a(b"a") == 0xE40C292C
    assert fnv32a(b"foobar") == 0xBF9CF968


def test_the_hash_depends_on_the_template_and_not_on_the_order_of_its_fields() -> None:
    one = {"metadata": {"labels": {"a": "1", "b": "2"}}, "spec": {"x": 1, "y": 2}}
    same = {"spec": {"y": 2, "x": 1}, "metadata": {"labels": {"b": "2", "a": "1"}, "creationTimestamp": None}}
    assert template_hash(one) == template_hash(same)
    assert template_hash(one) != template_hash({**one, "spec": {"x": 2, "y": 2}})
    assert template_hash(one) != template_hash(one, 1)


def test_templates_are_the_same_whatever_hash_they_carry() -> None:
    assert same_template(with_hash(template(), "abc"), template())
    assert not same_template(template(image="nginx:2"), template())


def test_the_new_replicaset_is_the_oldest_with_the_present_template() -> None:
    sets = [rs("3"), rs("2"), rs("1", "nginx:0")]
    found = revisions.find_new(deployment(), sets)
    assert found is not None
    assert found["metadata"]["name"] == "2"
    assert revisions.find_new(deployment(image="nginx:9"), sets) is None


def test_a_new_revision_remembers_the_one_that_the_replicaset_had() -> None:
    old = rs("1", revision="2", revision_history="1")
    noted = revisions.new_annotations(deployment(), old, 4, exists=True)
    assert noted["deployment.kubernetes.io/revision"] == "4"
    assert noted["deployment.kubernetes.io/revision-history"] == "1,2"


def test_a_lower_number_changes_nothing() -> None:
    old = rs("1", revision="5")
    assert revisions.new_annotations(deployment(), old, 3, exists=True) == old["metadata"]["annotations"]


def test_the_deployments_annotations_are_copied_but_for_those_that_are_its_own() -> None:
    wanted = deployment()
    own = {"kubernetes.io/change-cause": "because", revisions.LAST_APPLIED: "{}", revisions.REVISION: "7"}
    wanted = {**wanted, "metadata": {**wanted["metadata"], "annotations": own}}
    noted = revisions.new_annotations(wanted, {"metadata": {}}, 1, exists=False)
    assert noted == {
        "kubernetes.io/change-cause": "because",
        "deployment.kubernetes.io/revision": "1",
        "deployment.kubernetes.io/desired-replicas": "3",
        "deployment.kubernetes.io/max-replicas": "3",
    }


def test_the_history_is_cut_at_the_front_when_it_gets_too_long() -> None:
    history = ",".join(str(number) for number in range(100, 600))
    noted = revisions.new_annotations(deployment(), rs("1", revision="600", revision_history=history), 601, exists=True)
    remembered = noted["deployment.kubernetes.io/revision-history"].split(",")
    assert remembered[-1] == "600"
    assert remembered[0] != "100"
    assert len(",".join(remembered)) <= revisions.MAX_HISTORY_CHARACTERS


def test_the_lowest_revisions_are_forgotten_unless_they_still_have_pods() -> None:
    olds = [rs("a", revision="3"), rs("b", revision="1", size=1), rs("c", revision="2")]
    limited = deployment(revisionHistoryLimit=1)
    assert [each["metadata"]["name"] for each in revisions.to_forget(limited, olds)] == ["c"]
    assert revisions.to_forget(deployment(revisionHistoryLimit=3), olds) == []
    assert revisions.to_forget(deployment(), olds) == []

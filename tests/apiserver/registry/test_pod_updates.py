"""What may change in a pod."""

from __future__ import annotations

import pytest

from tests.apiserver.registry.workload_builders import PODS, container, stored, texts, with_container, with_spec

FORBIDDEN = (
    "spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
REQUIRED = "requiredDuringSchedulingIgnoredDuringExecution"
RESIZE = PODS.parts["resize"]
EPHEMERAL = PODS.parts["ephemeralcontainers"]


def changed(old, **changes):
    return texts(PODS.validate_update(with_spec(old, **changes), old))


def test_the_image_may_change():
    old = stored(initContainers=[container("i")])
    (init,) = old["spec"]["initContainers"]
    new = with_spec(with_container(old, image="nginx:2"), initContainers=[{**init, "image": "x"}])
    assert texts(PODS.validate_update(new, old)) == []


def test_hardly_anything_else_may_and_the_difference_is_shown():
    old = stored()
    (found,) = changed(old, hostNetwork=True)
    head, _, difference = found.partition("\n")
    assert head == FORBIDDEN
    assert difference == (
        "@@ -44,7 +44,7 @@\n"
        '  "AutomountServiceAccountToken": null,\n'
        '  "NodeName": "",\n'
        '  "SecurityContext": {\n'
        '-  "HostNetwork": false,\n'
        '+  "HostNetwork": true,\n'
        '   "HostPID": false,\n'
        '   "HostIPC": false,\n'
        '   "ShareProcessNamespace": null,\n'
    )


def test_containers_do_not_come_or_go():
    old = stored()
    assert changed(old, containers=[*old["spec"]["containers"], container("b")]) == [
        "spec.containers: Forbidden: pod updates may not add or remove containers"
    ]


@pytest.mark.parametrize(
    ("before", "after", "found"),
    [
        (None, 10, []),
        (10, 5, []),
        (5, 10, ["spec.activeDeadlineSeconds: Invalid value: 10: must be less than or equal to previous value"]),
        (
            5,
            None,
            ["spec.activeDeadlineSeconds: Invalid value: null: must not update from a positive integer to nil value"],
        ),
        (5, -1, ["spec.activeDeadlineSeconds: Invalid value: -1: must be between 0 and 2147483647, inclusive"]),
    ],
)
def test_a_deadline_only_comes_nearer(before, after, found):
    given = {} if before is None else {"activeDeadlineSeconds": before}
    assert changed(stored(**given), activeDeadlineSeconds=after) == found


def test_tolerations_are_only_added():
    toleration = {"key": "a", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 5}
    old = stored(tolerations=[toleration])
    assert changed(old, tolerations=[{**toleration, "tolerationSeconds": 9}, {"operator": "Exists"}]) == []
    assert changed(old, tolerations=[]) == [
        "spec.tolerations: Forbidden: existing toleration can not be modified except its tolerationSeconds"
    ]


def test_gates_are_only_removed():
    old = stored(schedulingGates=[{"name": "a"}, {"name": "b"}])
    assert changed(old, schedulingGates=[{"name": "b"}]) == []
    assert changed(old, schedulingGates=None) == []
    assert changed(old, schedulingGates=[{"name": "a"}, {"name": "c"}]) == [
        "spec.schedulingGates[1].name: Forbidden: only deletion is allowed, but found new scheduling gate 'c'"
    ]


def test_a_negative_grace_period_may_be_put_right():
    assert changed(stored(terminationGracePeriodSeconds=-5), terminationGracePeriodSeconds=1) == []
    assert len(changed(stored(), terminationGracePeriodSeconds=1)) == 1


def test_a_gated_pod_may_be_narrowed_down():
    old = stored(schedulingGates=[{"name": "a"}], nodeSelector={"disk": "ssd"})
    zone = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    affinity = {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [zone]}}}
    assert changed(old, nodeSelector={"disk": "ssd", "zone": "a"}, affinity=affinity) == []
    assert changed(old, nodeSelector={"disk": "hdd"}) == [
        'spec.nodeSelector: Invalid value: {"disk":"hdd"}: only additions to spec.nodeSelector are allowed (no '
        "mutations "
        "or deletions)"
    ]


def test_a_gated_pods_terms_are_only_extended():
    zone = {"key": "zone", "operator": "Exists"}
    disk = {"key": "disk", "operator": "Exists"}

    def affinity(*expressions):
        return {"nodeAffinity": {REQUIRED: {"nodeSelectorTerms": [{"matchExpressions": list(expressions)}]}}}

    old = stored(schedulingGates=[{"name": "a"}], affinity=affinity(zone))
    assert changed(old, affinity=affinity(zone, disk)) == []
    assert changed(old, affinity=affinity(disk)) == [
        f"spec.affinity.nodeAffinity.{REQUIRED}.nodeSelectorTerms[0]: Invalid value: "
        '{"matchExpressions":[{"key":"disk","operator":"Exists"}]}: only additions are allowed (no mutations or '
        "deletions)"
    ]


def test_a_pod_without_gates_may_not_be_narrowed_down():
    (found,) = changed(stored(), nodeSelector={"zone": "a"})
    assert found.startswith(FORBIDDEN)


def test_ephemeral_containers_are_added_by_their_subresource():
    old = stored()
    new = with_spec(old, hostNetwork=True, ephemeralContainers=[container("debug")])
    written = EPHEMERAL.prepare_update(EPHEMERAL.default(new), old)
    assert [c["name"] for c in written["spec"]["ephemeralContainers"]] == ["debug"]
    assert "hostNetwork" not in written["spec"]
    assert texts([*EPHEMERAL.validate(written), *EPHEMERAL.validate_update(written, old)]) == []


def test_ephemeral_containers_stay_as_they_are():
    old = EPHEMERAL.default(with_spec(stored(), ephemeralContainers=[container("debug")]))
    gone = EPHEMERAL.prepare_update(with_spec(old, ephemeralContainers=None), old)
    assert texts(EPHEMERAL.validate_update(gone, old)) == [
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be removed\n'
    ]
    other = EPHEMERAL.default(with_spec(old, ephemeralContainers=[container("debug", "busybox")]))
    (found,) = texts(EPHEMERAL.validate_update(EPHEMERAL.prepare_update(other, old), old))
    assert found.startswith(
        'spec.ephemeralContainers: Forbidden: existing ephemeral containers "debug" may not be changed\n@@'
    )


def resized(old, **resources):
    new = RESIZE.default(with_container(old, resources=resources))
    written = RESIZE.prepare_update(new, old)
    return written, texts(RESIZE.validate_update(written, old))


def test_resize_changes_cpu_and_memory_and_nothing_else():
    old = stored(containers=[container(resources={"requests": {"cpu": "1"}})])
    new = with_container(old, image="other", resources={"requests": {"cpu": "2"}})
    written = RESIZE.prepare_update(new, old)
    assert written["spec"]["containers"][0]["image"] == "nginx:1.27"
    assert written["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "2"}}
    assert texts(RESIZE.validate_update(written, old)) == []


def test_resize_keeps_the_quality_of_service():
    old = stored(containers=[container(resources={"requests": {"cpu": "1"}})])
    _, found = resized(old, limits={"cpu": "1", "memory": "1Gi"})
    assert found == ['spec: Invalid value: "Burstable": Pod QOS Class may not change as a result of resizing']


def test_resize_removes_nothing_and_leaves_other_resources():
    requests = {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"}
    old = stored(containers=[container(resources={"requests": requests})])
    _, found = resized(old, requests={"cpu": "1", "ephemeral-storage": "2Gi"})
    assert found == [
        "spec.containers[0].resources.requests: Forbidden: resource requests cannot be removed",
        "spec: Forbidden: only cpu and memory resources are mutable",
    ]


def test_an_image_cannot_be_emptied():
    old = stored()
    new = with_container(old, image="")
    assert texts(PODS.validate(new)) == ["spec.containers[0].image: Required value"]


def test_a_kubelet_that_does_not_say_what_containers_have_cannot_resize_them():
    old = stored(containers=[container(resources={"requests": {"cpu": "1"}})])
    running = {"name": "c", "state": {"running": {}}}
    _, found = resized({**old, "status": {"containerStatuses": [running]}}, requests={"cpu": "2"})
    assert found == ["spec: Forbidden: Pod running on node without support for resize"]
    _, found = resized({**old, "status": {"containerStatuses": [{**running, "resources": {}}]}}, requests={"cpu": "2"})
    assert found == []

"""The status of a pod as kubelets and controllers write it."""

from __future__ import annotations

from typing import Any

import pytest

from tests.apiserver.registry.workload_builders import PODS, stored, texts


def written(old: Any, **status: Any) -> Any:
    return PODS.prepare_status({**old, "status": {**old["status"], **status}}, old)


def found(old: Any, **status: Any) -> list[str]:
    return texts(PODS.validate_status(written(old, **status), old))


def test_only_the_status_is_written():
    old = stored()
    new = {**old, "spec": {**old["spec"], "nodeName": "x"}, "status": {"phase": "Running"}}
    assert PODS.prepare_status(new, old)["spec"] is old["spec"]


def test_what_the_writer_leaves_out_is_carried_over():
    old = written(
        stored(), observedGeneration=2, conditions=[{"type": "Ready", "status": "False", "observedGeneration": 1}]
    )
    new = {**old, "status": {"phase": "Running", "conditions": [{"type": "Ready", "status": "True"}]}}
    assert PODS.prepare_status(new, old)["status"] == {
        "phase": "Running",
        "qosClass": "BestEffort",
        "observedGeneration": 2,
        "conditions": [{"type": "Ready", "status": "True", "observedGeneration": 1}],
    }


def test_a_pods_address_stands_in_both_fields():
    assert written(stored(), podIP="10.0.0.1")["status"]["podIPs"] == [{"ip": "10.0.0.1"}]
    assert written(stored(), podIPs=[{"ip": "10.0.0.1"}])["status"]["podIP"] == "10.0.0.1"


def test_an_ordinary_status_is_valid():
    conditions = [{"type": "Ready", "status": "True"}, {"type": "example.com/gate", "status": "True"}]
    addresses = {"podIP": "10.0.0.1", "hostIP": "10.1.0.1", "hostIPs": [{"ip": "10.1.0.1"}]}
    assert found(stored(), phase="Running", conditions=conditions, **addresses) == []


@pytest.mark.parametrize(
    ("status", "text"),
    [
        (
            {"conditions": [{"type": "Ready"}, {"type": ""}]},
            'status.conditions[1].Type: Invalid value: "": name part must be non-empty',
        ),
        ({"qosClass": "Guaranteed"}, 'status.qosClass: Invalid value: "Guaranteed": field is immutable'),
        (
            {"podIPs": [{"ip": "x"}]},
            'status.podIPs[0]: Invalid value: "x": must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)',
        ),
        (
            {"podIPs": [{"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}]},
            'status.podIPs: Invalid value: [{"ip":"10.0.0.1"},{"ip":"10.0.0.2"}]: may specify no more than one IP for '
            "each IP family",
        ),
        (
            {"hostIP": "10.0.0.1", "hostIPs": [{"ip": "10.0.0.2"}]},
            'status.hostIPs[0].ip: Invalid value: "10.0.0.2": must be equal to `hostIP`',
        ),
    ],
)
def test_a_bad_status_is_named(status, text):
    assert found(stored(), **status)[0] == text


ENDED = [{"name": "a", "state": {"terminated": {"exitCode": 0}}}]
RUNNING = [{"name": "a", "state": {"running": {}}}]


@pytest.mark.parametrize(("policy", "again"), [("Always", True), ("OnFailure", False), ("Never", False)])
def test_what_has_ended_for_good_does_not_start_again(policy, again):
    old = written(stored(restartPolicy=policy), containerStatuses=ENDED)
    expected = "status.containerStatuses[0].state: Forbidden: may not be transitioned to non-terminated state"
    assert found(old, containerStatuses=RUNNING) == ([] if again else [expected])


def test_what_has_failed_may_start_again_on_failure():
    failed = [{"name": "a", "state": {"terminated": {"exitCode": 1}}}]
    old = written(stored(restartPolicy="OnFailure"), containerStatuses=failed)
    assert found(old, containerStatuses=RUNNING) == []


def test_labels_and_annotations_may_be_written_with_the_status():
    old = stored()
    new = {**old, "metadata": {**old["metadata"], "labels": {"a": "b"}, "ownerReferences": [{"uid": "x"}]}}
    assert PODS.prepare_status(new, old)["metadata"] == {**old["metadata"], "labels": {"a": "b"}}


ASKING = {"name": "c", "image": "i", "resources": {"requests": {"example.com/gpu": "1"}}}
MAPPING = {"containerName": "c", "resourceName": "example.com/gpu", "requestName": "r"}


@pytest.mark.parametrize(
    ("claim", "expected"),
    [
        ({"resourceClaimName": "made", "requestMappings": [MAPPING]}, []),
        (
            {"resourceClaimName": "", "requestMappings": []},
            [
                "requestMappings: Required value: at least one request mapping is required",
                "resourceClaimName: Required value",
            ],
        ),
        (
            {"resourceClaimName": "made", "requestMappings": [{**MAPPING, "containerName": "d"}]},
            [
                'requestMappings[0].containerName: Invalid value: "d": must match the name of an entry in '
                "spec.initContainers.name or spec.containers.name"
            ],
        ),
        (
            {"resourceClaimName": "made", "requestMappings": [{**MAPPING, "resourceName": "example.com/tpu"}]},
            [
                'requestMappings[0].resourceName: Invalid value: "example.com/tpu": must match the extended resource '
                "name of an entry in spec.initContainers.resources.requests or spec.containers.resources.requests"
            ],
        ),
        (
            {"resourceClaimName": "made", "requestMappings": [MAPPING, MAPPING]},
            [
                'requestMappings[1].containerName: Duplicate value: "c"',
                'requestMappings[1].resourceName: Duplicate value: "example.com/gpu"',
                'requestMappings[1].requestName: Duplicate value: "r"',
            ],
        ),
    ],
)
def test_the_claim_for_extended_resources_says_which_container_gets_what_it_asks_for(claim: Any, expected: list[str]):
    old = stored(containers=[ASKING])
    lead = "status.extendedResourceClaimStatus."
    assert found(old, extendedResourceClaimStatus=claim) == [lead + each for each in expected]


def test_claims_made_from_templates_are_those_of_the_spec():
    old = stored(resourceClaims=[{"name": "gpu", "resourceClaimTemplateName": "t"}])
    claims = [{"name": "gpu", "resourceClaimName": "a"}, {"name": "gpu"}, {"name": "tpu"}]
    assert found(old, resourceClaimStatuses=claims) == [
        'status.resourceClaimStatuses[1].name: Duplicate value: "gpu"',
        'status.resourceClaimStatuses[2].name: Invalid value: "tpu": must match the name of an entry in '
        "`spec.resourceClaims`",
    ]

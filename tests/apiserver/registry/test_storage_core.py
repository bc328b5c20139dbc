"""Volumes and claims are what upstream lets them be."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)
from __future__ import annotations

from typing import Any

import pytest

from .writing import create, made, refusals, strategy, update, update_refusals

VOLUMES = strategy("persistentvolumes")
CLAIMS = strategy("persistentvolumeclaims")
ONCE = ["ReadWriteOnce"]


def volume(**spec: Any) -> dict[str, Any]:
    given = {"capacity": {"storage": "1Gi"}, "accessModes": ONCE, "hostPath": {"path": "/data"}, **spec}
    return made("PersistentVolume", "pv", "", spec={k: v for k, v in given.items() if v is not None})


def claim(size: str = "1Gi", **spec: Any) -> dict[str, Any]:
    return made(
        "PersistentVolumeClaim", spec={"accessModes": ONCE, "resources": {"requests": {"storage": size}}, **spec}
    )


def test_a_volume_is_kept_after_its_claim_and_holds_files_unless_it_says_otherwise() -> None:
    stored = create(VOLUMES, volume())
    assert stored["spec"]["persistentVolumeReclaimPolicy"] == "Retain"
    assert stored["spec"]["volumeMode"] == "Filesystem"
    assert (stored["spec"]["hostPath"], stored["status"]) == ({"path": "/data", "type": ""}, {"phase": "Pending"})


@pytest.mark.parametrize(
    ("spec", "expected"),
    [
        ({"accessModes": []}, ["spec.accessModes: Required value"]),
        (
            {"accessModes": ["Sometimes"]},
            [
                'spec.accessModes: Unsupported value: "Sometimes": supported values: "ReadOnlyMany", "ReadWriteMany", "ReadWriteOnce", "ReadWriteOncePod"'
            ],
        ),
        (
            {"accessModes": ["ReadWriteOncePod", "ReadOnlyMany"]},
            ["spec.accessModes: Forbidden: may not use ReadWriteOncePod with other access modes"],
        ),
        (
            {"capacity": {}},
            ["spec.capacity: Required value", 'spec.capacity: Unsupported value: {}: supported values: "storage"'],
        ),
        ({"capacity": {"storage": "0"}}, ['spec.capacity[storage]: Invalid value: "0": must be greater than zero']),
        (
            {"persistentVolumeReclaimPolicy": "Burn"},
            [
                'spec.persistentVolumeReclaimPolicy: Unsupported value: "Burn": supported values: "Delete", "Recycle", "Retain"'
            ],
        ),
        ({"hostPath": None}, ["spec: Required value: must specify a volume type"]),
        ({"nfs": {"server": "s", "path": "/x"}}, ["spec.nfs: Forbidden: may not specify more than 1 volume type"]),
        ({"hostPath": {"path": "/a/../b"}}, ["spec.hostPath.path: Invalid value: \"/a/../b\": must not contain '..'"]),
        (
            {"hostPath": {"path": "/"}, "persistentVolumeReclaimPolicy": "Recycle"},
            ["spec.persistentVolumeReclaimPolicy: Forbidden: may not be 'recycle' for a hostPath mount of '/'"],
        ),
        (
            {"hostPath": None, "local": {"path": "/x"}},
            ["spec.nodeAffinity: Required value: Local volume requires node affinity"],
        ),
        (
            {"hostPath": None, "csi": {"driver": "", "volumeHandle": ""}},
            ["spec.csi.driver: Required value", "spec.csi.volumeHandle: Required value"],
        ),
        (
            {"volumeMode": "Tape"},
            ['spec.volumeMode: Unsupported value: "Tape": supported values: "Block", "Filesystem"'],
        ),
        ({"nodeAffinity": {}}, ["spec.nodeAffinity.required: Required value: must specify required node constraints"]),
        (
            {"volumeAttributesClassName": ""},
            [
                "spec.volumeAttributesClassName: Required value: an empty string is disallowed",
                "spec.csi: Required value: has to be specified when using volumeAttributesClassName",
            ],
        ),
    ],
)
def test_a_volume_offers_something_that_can_be_mounted(spec: dict[str, Any], expected: list[str]) -> None:
    assert refusals(VOLUMES, volume(**spec)) == expected


def test_where_the_data_of_a_volume_is_does_not_change() -> None:
    stored = create(VOLUMES, volume())
    told = update_refusals(VOLUMES, stored, spec={**stored["spec"], "hostPath": {"path": "/other", "type": ""}})
    assert told == [
        "spec.persistentvolumesource: Forbidden: spec.persistentvolumesource is immutable after creation\n"
        '@@ -1,6 +1,6 @@\n {\n   "HostPath": {\n-    "Path": "/data",\n+    "Path": "/other",\n'
        '     "Type": ""\n   }\n }\n'
    ]
    assert update(VOLUMES, stored, spec={**stored["spec"], "claimRef": {"name": "c"}})["spec"]["claimRef"] == {
        "name": "c"
    }


def test_the_affinity_of_a_volume_is_set_once() -> None:
    term = {"matchExpressions": [{"key": "zone", "operator": "In", "values": ["a"]}]}
    affinity = {"required": {"nodeSelectorTerms": [term]}}
    stored = create(VOLUMES, volume())
    stored = update(VOLUMES, stored, spec={**stored["spec"], "nodeAffinity": affinity})
    other = {"required": {"nodeSelectorTerms": [{**term, "matchFields": []}]}}
    errors = update_refusals(VOLUMES, stored, spec={**stored["spec"], "nodeAffinity": other})
    assert [error.split(": ")[0] for error in errors] == ["nodeAffinity"]


def test_a_new_claim_is_pending_and_wants_files() -> None:
    stored = create(CLAIMS, {**claim(), "status": {"phase": "Bound"}})
    assert (stored["spec"]["volumeMode"], stored["status"]) == ("Filesystem", {"phase": "Pending"})


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (claim(accessModes=[]), ["spec.accessModes: Required value: at least 1 access mode is required"]),
        (claim(resources={}), ["spec.resources[storage]: Required value"]),
        (claim("0"), ['spec.resources[storage]: Invalid value: "0": must be greater than zero']),
        (
            claim(selector={"matchExpressions": [{"key": "a", "operator": "Is"}]}),
            ['spec.selector.matchExpressions[0].operator: Invalid value: "Is": not a valid selector operator'],
        ),
        (
            claim(dataSource={"kind": "Pod", "name": "p"}),
            [
                "spec.dataSource: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
                "spec.dataSourceRef: Invalid value: \"Pod\": must be 'PersistentVolumeClaim' when referencing the default apiGroup",
            ],
        ),
    ],
)
def test_a_claim_says_how_much_and_how(given: dict[str, Any], expected: list[str]) -> None:
    assert refusals(CLAIMS, given) == expected


def test_a_data_source_is_said_in_both_fields() -> None:
    source = {"kind": "PersistentVolumeClaim", "name": "other"}
    assert create(CLAIMS, claim(dataSource=source))["spec"]["dataSourceRef"] == source
    assert create(CLAIMS, claim(dataSourceRef=source))["spec"]["dataSource"] == source


FIXED = "spec: Forbidden: spec is immutable after creation except resources.requests and volumeAttributesClassName for bound claims\n"


def test_a_claim_is_fixed_but_for_the_volume_it_is_bound_to() -> None:
    stored = create(CLAIMS, claim(storageClassName="a"))
    bound = update(CLAIMS, stored, spec={**stored["spec"], "volumeName": "pv"})
    assert update_refusals(CLAIMS, bound, spec={**bound["spec"], "storageClassName": "b"}) == [
        f"{FIXED}@@ -10,7 +10,7 @@\n"
        '     }\n   },\n   "VolumeName": "pv",\n-  "StorageClassName": "a",\n+  "StorageClassName": "b",\n'
        '   "VolumeMode": "Filesystem",\n   "DataSource": null,\n   "DataSourceRef": null,\n'
    ]


def test_a_claim_without_a_class_may_be_given_one() -> None:
    stored = create(CLAIMS, claim())
    assert update(CLAIMS, stored, spec={**stored["spec"], "storageClassName": "b"})["spec"]["storageClassName"] == "b"


def test_a_bound_claim_may_grow_and_shrink_no_further_than_it_is() -> None:
    bound = {**create(CLAIMS, claim("2Gi")), "status": {"phase": "Bound", "capacity": {"storage": "1Gi"}}}

    def sized(size: str) -> dict[str, Any]:
        return {**bound["spec"], "resources": {"requests": {"storage": size}}}

    assert update(CLAIMS, bound, spec=sized("3Gi"))["spec"] == sized("3Gi")
    assert update(CLAIMS, bound, spec=sized("1500Mi"))["spec"] == sized("1500Mi")
    told = "spec.resources.requests.storage: Forbidden: field can not be less than status.capacity"
    assert update_refusals(CLAIMS, bound, spec=sized("1Gi")) == [told]


def test_an_unbound_claim_does_not_change_its_size() -> None:
    stored = create(CLAIMS, claim())
    errors = update_refusals(CLAIMS, stored, spec={**stored["spec"], "resources": {"requests": {"storage": "2Gi"}}})
    assert [error.split("\n")[0] + "\n" for error in errors] == [FIXED]


def test_old_ways_are_advised_against() -> None:
    required = {"nodeSelectorTerms": [{"matchExpressions": [{"key": "beta.kubernetes.io/os", "operator": "Exists"}]}]}
    spec = {"nodeAffinity": {"required": required}, "persistentVolumeReclaimPolicy": "Recycle"}
    assert VOLUMES.warnings(volume(**spec)) == [
        'spec.nodeAffinity.required.nodeSelectorTerms[0].matchExpressions[0].key: beta.kubernetes.io/os is deprecated since v1.14; use "kubernetes.io/os" instead',
        "spec.persistentVolumeReclaimPolicy: The Recycle reclaim policy is deprecated. Instead, the recommended approach is to use dynamic provisioning.",
    ]
    old = claim("1500m")
    old["metadata"] = {**old["metadata"], "annotations": {"volume.beta.kubernetes.io/storage-class": "x"}}
    assert CLAIMS.warnings(old) == [
        'metadata.annotations[volume.beta.kubernetes.io/storage-class]: deprecated since v1.8; use "storageClassName" attribute instead',
        'spec.resources.requests[storage]: fractional byte value "1500m" is invalid, must be an integer',
    ]


def test_a_claims_difference_is_shown_with_the_names_of_its_resources() -> None:
    told = update_refusals(CLAIMS, create(CLAIMS, claim("1Gi")), spec=create(CLAIMS, claim("2Gi"))["spec"])
    assert ['"storage": "1Gi"' in told[0], '"storage": "2Gi"' in told[0]] == [True, True]

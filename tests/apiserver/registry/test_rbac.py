"""Roles and bindings are well-formed, and a binding keeps its role."""

from __future__ import annotations

from typing import Any

import pytest

from .writing import create, made, refusals, strategy, update_refusals

GROUP = "rbac.authorization.k8s.io"
ROLES, CLUSTER_ROLES = strategy(f"roles.{GROUP}"), strategy(f"clusterroles.{GROUP}")
BINDINGS, CLUSTER_BINDINGS = strategy(f"rolebindings.{GROUP}"), strategy(f"clusterrolebindings.{GROUP}")
ROLE = {"kind": "Role", "name": "reader"}


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        ({"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}, []),
        ({"apiGroups": [""], "resources": ["pods"]}, ["verbs: Required value: verbs must contain at least one value"]),
        (
            {"verbs": ["get"]},
            [
                "apiGroups: Required value: resource rules must supply at least one api group",
                "resources: Required value: resource rules must supply at least one resource",
            ],
        ),
        (
            {"verbs": ["get"], "nonResourceURLs": ["/x"], "resources": ["pods"]},
            [
                'nonResourceURLs: Invalid value: ["/x"]: namespaced rules cannot apply to non-resource URLs',
                'nonResourceURLs: Invalid value: ["/x"]: '
                "rules cannot apply to both regular resources and non-resource URLs",
            ],
        ),
    ],
)
def test_a_rule_is_for_resources_or_for_paths(rule: Any, expected: list[str]) -> None:
    assert refusals(ROLES, made("Role", rules=[rule])) == [f"rules[0].{each}" for each in expected]


def test_a_cluster_role_that_gathers_says_what() -> None:
    found = refusals(CLUSTER_ROLES, made("ClusterRole", aggregationRule={}))
    told = "Required value: at least one clusterRoleSelector required if aggregationRule is non-nil"
    assert found == [f"aggregationRule.clusterRoleSelectors: {told}"]


def test_groups_of_role_and_subjects_are_filled_in() -> None:
    subjects = [{"kind": kind, "name": "a"} for kind in ("User", "Group", "ServiceAccount")]
    stored = create(BINDINGS, made("RoleBinding", roleRef=ROLE, subjects=subjects))
    assert stored["roleRef"] == {**ROLE, "apiGroup": GROUP}
    assert [subject.get("apiGroup") for subject in stored["subjects"]] == [GROUP, GROUP, None]


@pytest.mark.parametrize(
    ("subject", "expected"),
    [
        (
            {"kind": "Robot", "name": "a"},
            'kind: Unsupported value: "Robot": supported values: "ServiceAccount", "User", "Group"',
        ),
        ({"kind": "ServiceAccount", "name": "a"}, "namespace: Required value"),
        (
            {"kind": "ServiceAccount", "name": "a", "namespace": "b", "apiGroup": "x"},
            'apiGroup: Unsupported value: "x": supported values: ""',
        ),
        (
            {"kind": "User", "name": "a", "apiGroup": "x"},
            f'apiGroup: Unsupported value: "x": supported values: "{GROUP}"',
        ),
    ],
)
def test_subjects_of_cluster_role_bindings(subject: Any, expected: str) -> None:
    reference = {"kind": "ClusterRole", "name": "view"}
    sent = made("ClusterRoleBinding", roleRef=reference, subjects=[subject])
    assert refusals(CLUSTER_BINDINGS, sent) == [f"subjects[0].{expected}"]


def test_a_cluster_role_binding_refers_to_cluster_roles_only() -> None:
    found = refusals(CLUSTER_BINDINGS, made("ClusterRoleBinding", roleRef={"kind": "Role", "name": ""}))
    assert found == [
        'roleRef.kind: Unsupported value: "Role": supported values: "ClusterRole"',
        "roleRef.name: Required value",
    ]


def test_the_role_of_a_binding_cannot_be_changed() -> None:
    old = made("RoleBinding", roleRef=ROLE)
    shown = f'{{"APIGroup":"{GROUP}","Kind":"Role","Name":"other"}}'
    assert update_refusals(BINDINGS, old, roleRef={**ROLE, "name": "other"}) == [
        f"roleRef: Invalid value: {shown}: cannot change roleRef"
    ]

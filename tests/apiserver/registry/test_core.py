"""ConfigMaps, ServiceAccounts and Namespaces are what upstream makes of them."""

from __future__ import annotations

import base64

import pytest

from k8snb.apiserver.registry.core import MAX_DATA_BYTES

from .writing import create, made, refusals, strategy, update, update_refusals

CONFIG = strategy("configmaps")
NAMESPACES = strategy("namespaces")
FROZEN = "field is immutable when `immutable` is set"


def test_the_keys_of_a_config_map_must_be_able_to_name_files() -> None:
    told = (
        "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name', or "
        "'KEY_NAME', or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')"
    )
    assert refusals(CONFIG, made("ConfigMap", data={"a/b": "c"})) == [f'data[a/b]: Invalid value: "a/b": {told}']


def test_a_key_cannot_be_text_and_bytes_at_once() -> None:
    both = made("ConfigMap", data={"k": "v"}, binaryData={"k": "dg=="})
    assert refusals(CONFIG, both) == ['data[k]: Invalid value: "k": duplicate of key present in binaryData']


@pytest.mark.parametrize(("more", "expected"), [(0, []), (1, ["[]: Too long: may not be more than 1048576 bytes"])])
def test_a_config_map_holds_one_mebibyte(more: int, expected: list[str]) -> None:
    raw = b"x" * (MAX_DATA_BYTES // 2)
    fields = {"data": {"a": "y" * (MAX_DATA_BYTES // 2 + more)}, "binaryData": {"b": base64.b64encode(raw).decode()}}
    assert refusals(CONFIG, made("ConfigMap", **fields)) == expected


def test_an_immutable_config_map_keeps_its_data_and_stays_immutable() -> None:
    frozen = create(CONFIG, made("ConfigMap", data={"a": "b"}, immutable=True))
    assert update_refusals(CONFIG, frozen, data={"a": "c"}) == [f"data: Forbidden: {FROZEN}"]
    thawed = update_refusals(CONFIG, frozen, immutable=False, binaryData={"z": "eg=="})
    assert thawed == [f"immutable: Forbidden: {FROZEN}", f"binaryData: Forbidden: {FROZEN}"]


def test_a_config_map_may_become_immutable_and_change_its_labels_afterwards() -> None:
    frozen = update(CONFIG, create(CONFIG, made("ConfigMap", data={"a": "b"})), immutable=True)
    assert update(CONFIG, frozen, metadata={"name": "x", "labels": {"a": "b"}})["metadata"]["labels"] == {"a": "b"}


def test_of_the_secrets_of_an_account_only_the_names_are_kept() -> None:
    account = made("ServiceAccount", secrets=[{"name": "s", "namespace": "elsewhere", "uid": "1"}])
    assert create(strategy("serviceaccounts"), account)["secrets"] == [{"name": "s"}]


def test_a_new_namespace_is_active_labelled_with_its_name_and_held_by_a_finalizer() -> None:
    sent = made("Namespace", "p04", "", status={"phase": "Terminating"}, spec={"finalizers": ["example.com/mine"]})
    stored = create(NAMESPACES, sent)
    assert stored["status"] == {"phase": "Active"}
    assert stored["spec"] == {"finalizers": ["example.com/mine", "kubernetes"]}
    assert stored["metadata"]["labels"] == {"kubernetes.io/metadata.name": "p04"}


def test_an_update_cannot_take_the_name_label_or_the_finalizers_of_a_namespace_away() -> None:
    stored = create(NAMESPACES, made("Namespace", "p04", ""))
    after = update(NAMESPACES, stored, metadata={"name": "p04", "labels": {}}, spec={})
    assert (after["metadata"], after["spec"], after["status"]) == (stored["metadata"], stored["spec"], stored["status"])


def test_the_finalizers_of_a_namespace_are_qualified_or_known() -> None:
    told = "name is neither a standard finalizer name nor is it fully qualified"
    stored = create(NAMESPACES, made("Namespace", "x", ""))
    finalize = NAMESPACES.parts["finalize"]
    told = f'spec.finalizers[1]: Invalid value: "mine": {told}'
    assert update_refusals(finalize, stored, spec={"finalizers": ["kubernetes", "mine"]}) == [told]


def test_finalizing_a_namespace_changes_its_finalizers_and_nothing_else() -> None:
    stored = create(NAMESPACES, made("Namespace", "x", ""))
    after = update(NAMESPACES.parts["finalize"], stored, spec={"finalizers": []}, status={"phase": "Terminating"})
    assert (after["spec"], after["status"]) == ({}, {"phase": "Active"})


@pytest.mark.parametrize(
    ("deleting", "phase", "expected"),
    [
        (False, "Active", []),
        (True, "Terminating", []),
        (
            False,
            "Terminating",
            ["status.Phase: Invalid value: \"Terminating\": may only be 'Active' if `deletionTimestamp` is empty"],
        ),
        (
            True,
            "Active",
            ["status.Phase: Invalid value: \"Active\": may only be 'Terminating' if `deletionTimestamp` is not empty"],
        ),
    ],
)
def test_the_phase_of_a_namespace_says_whether_it_is_being_deleted(
    deleting: bool, phase: str, expected: list[str]
) -> None:
    metadata = {"name": "x", "deletionTimestamp": "2026-01-01T00:00:00Z"} if deleting else {"name": "x"}
    new = {"metadata": metadata, "status": {"phase": phase}}
    assert [str(error) for error in NAMESPACES.validate_status(new, new)] == expected


def test_namespaces_are_selected_by_phase_and_name() -> None:
    stored = create(NAMESPACES, made("Namespace", "p04", ""))
    selected = {path: value(stored) for path, value in NAMESPACES.fields.items()}
    assert selected == {"name": "p04", "status.phase": "Active"}

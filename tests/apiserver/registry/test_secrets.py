"""Secrets are stored in base64 and have what their type promises."""

from __future__ import annotations

import base64
from typing import Any

import pytest

from k8snb.errors import StatusError

from .writing import create, made, refusals, strategy, update, update_refusals

SECRETS = strategy("secrets")


def b64(text: str) -> str:
    return base64.b64encode(text.encode()).decode()


def test_string_data_is_written_into_data_and_not_stored() -> None:
    sent = made("Secret", data={"username": b64("root"), "kept": b64("k")}, stringData={"username": "admin"})
    stored = create(SECRETS, sent)
    assert stored["data"] == {"username": "YWRtaW4=", "kept": b64("k")}
    assert (stored["type"], "stringData" in stored) == ("Opaque", False)


def test_data_that_is_not_base64_is_refused_in_the_decoders_words() -> None:
    with pytest.raises(StatusError) as refused:
        refusals(SECRETS, made("Secret", data={"k": "***"}))
    told = 'Secret in version "v1" cannot be handled as a Secret: illegal base64 data at input byte 0'
    assert (refused.value.code, refused.value.message) == (400, told)


REDACTED = '"<secret contents redacted>"'


@pytest.mark.parametrize(
    ("type", "data", "expected"),
    [
        ("Opaque", {}, []),
        ("example.com/own", {}, []),
        ("kubernetes.io/tls", {"tls.crt": "Zm9v"}, ["data[tls.key]: Required value"]),
        ("kubernetes.io/tls", {}, ["data[tls.crt]: Required value", "data[tls.key]: Required value"]),
        ("kubernetes.io/basic-auth", {}, ["data[username]: Required value", "data[password]: Required value"]),
        ("kubernetes.io/basic-auth", {"password": ""}, []),
        ("kubernetes.io/ssh-auth", {"ssh-privatekey": ""}, ["data[ssh-privatekey]: Required value"]),
        ("kubernetes.io/dockercfg", {}, ["data[.dockercfg]: Required value"]),
        ("kubernetes.io/dockerconfigjson", {".dockerconfigjson": b64('{"auths":{}}')}, []),
        (
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": b64("no")},
            [
                f"data[.dockerconfigjson]: Invalid value: {REDACTED}: "
                "invalid character 'o' in literal null (expecting 'u')"
            ],
        ),
        (
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": b64("[1]")},
            [
                f"data[.dockerconfigjson]: Invalid value: {REDACTED}: "
                "json: cannot unmarshal array into Go value of type map[string]interface {}"
            ],
        ),
        (
            "kubernetes.io/dockerconfigjson",
            {".dockerconfigjson": b64('{"auths":')},
            [f"data[.dockerconfigjson]: Invalid value: {REDACTED}: unexpected end of JSON input"],
        ),
        (
            "kubernetes.io/service-account-token",
            {},
            ["metadata.annotations[kubernetes.io/service-account.name]: Required value"],
        ),
    ],
)
def test_a_secret_has_what_its_type_promises(type: str, data: dict[str, Any], expected: list[str]) -> None:
    assert refusals(SECRETS, made("Secret", type=type, data=data)) == expected


def test_a_secret_holds_one_mebibyte() -> None:
    data = {"a": base64.b64encode(b"x" * (1024 * 1024 + 1)).decode()}
    assert refusals(SECRETS, made("Secret", data=data)) == ["data: Too long: may not be more than 1048576 bytes"]


def test_the_type_of_a_secret_does_not_change() -> None:
    stored = create(SECRETS, made("Secret", type="example.com/a"))
    told = ['type: Invalid value: "example.com/b": field is immutable']
    assert update_refusals(SECRETS, stored, type="example.com/b") == told
    assert update(SECRETS, create(SECRETS, made("Secret")), stringData={"a": "b"})["data"] == {"a": "Yg=="}


def test_an_immutable_secret_keeps_its_data() -> None:
    frozen = create(SECRETS, made("Secret", stringData={"a": "b"}, immutable=True))
    told = ["data: Forbidden: field is immutable when `immutable` is set"]
    assert update_refusals(SECRETS, frozen, stringData={"a": "c"}) == told


def test_secrets_are_selected_by_type() -> None:
    assert SECRETS.fields["type"](create(SECRETS, made("Secret"))) == "Opaque"

"""Bodies that cannot be read, and answers that cannot be written."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb import Cluster
from tests.edge.asking import APPLY, CONFIG_MAPS, JSON, JSON_PATCH, MERGE, NAMESPACE, PROTOBUF, STRATEGIC, YAML, ask
from tests.edge.bad_input.refusing import (
    CONFIG_MAP,
    KEY_RULE,
    LONG,
    MEDIA_TYPES,
    NAME_RULE,
    NO_KIND,
    SCHEME,
    STRUCT,
    UNNAMED,
    UNRECOGNIZED,
    refused,
)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "unexpected end of JSON input (<empty>)"),
        (b" ", "unexpected end of JSON input (20)"),
        (b"{", "unexpected end of JSON input ({)"),
        (b'{"kind":"ConfigMap"', 'unexpected end of JSON input ({"kind":"ConfigMap")'),
        (
            b'{"apiVersion":"v1","kind":"ConfigMap","metadata":{"na',
            'unexpected end of JSON input ({"apiVersion":"v1","kind":"Con ...)',
        ),
        (b"[]", f"json: cannot unmarshal array into {STRUCT} (5b5d)"),
        (b"1", f"json: cannot unmarshal number into {STRUCT} (31)"),
        (b'"x"', f"json: cannot unmarshal string into {STRUCT} (227822)"),
        (b"true", f"json: cannot unmarshal bool into {STRUCT} (74727565)"),
        (b"\x00\xff", r"invalid character '\x00' looking for beginning of value (00ff)"),
        (b"{'metadata':{}}", r"invalid character '\'' looking for beginning of object key string ({'metadata':{}})"),
        (
            b'{"metadata":{"name":"x"}} trailing',
            'invalid character \'t\' after top-level value ({"metadata":{"name":"x"}} trai ...)',
        ),
        (b'{"data":{"a":NaN}}', 'invalid character \'N\' looking for beginning of value ({"data":{"a":NaN}})'),
        (b"\xef\xbb\xbf{}", "invalid character 'ï' looking for beginning of value (efbbbf7b7d)"),
        (b'{"kind":1}', 'json: cannot unmarshal number into Go struct field .kind of type string ({"kind":1})'),
        (
            b'{"apiVersion":[]}',
            'json: cannot unmarshal array into Go struct field .apiVersion of type string ({"apiVersion":[]})',
        ),
        (b'{"a":' * 20_000, 'exceeded max depth ({"a":{"a":{"a":{"a":{"a":{"a": ...)'),
        (b"[" * 100_000, f"exceeded max depth ({'5b' * 30} ...)"),
    ],
)
def test_what_is_no_json_object_is_refused_with_the_parsers_words(cluster: Cluster, body: bytes, message: str) -> None:
    refused(ask(cluster, "POST", CONFIG_MAPS, body), 400, "BadRequest", NO_KIND + message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            b'{"metadata":[]}',
            "json: cannot unmarshal array into Go struct field ConfigMap.metadata of type v1.ObjectMeta",
        ),
        (
            b'{"metadata":{"name":1}}',
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.name of type string",
        ),
        (
            b'{"metadata":{"labels":{"a":1}}}',
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            b'{"metadata":{"deletionGracePeriodSeconds":"5"}}',
            "json: cannot unmarshal string into Go struct field "
            "ObjectMeta.metadata.deletionGracePeriodSeconds of type int64",
        ),
        (b'{"data":{"a":1}}', "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
        (b'{"data":[]}', "json: cannot unmarshal array into Go struct field ConfigMap.data of type map[string]string"),
        (b'{"data":{"a":1e999}}', "json: cannot unmarshal number into Go struct field ConfigMap.data of type string"),
        (b'{"immutable":"yes"}', "json: cannot unmarshal string into Go struct field ConfigMap.immutable of type bool"),
        (b'{"binaryData":{"a":"!!"}}', "illegal base64 data at input byte 0"),
        (
            b'{"metadata":{"creationTimestamp":"yesterday"}}',
            'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"',
        ),
        (
            b'{"nope":1,"metadata":{"nope":2}}',
            'strict decoding error: unknown field "nope", unknown field "metadata.nope"',
        ),
        (b'{"data":{},"data":{}}', 'strict decoding error: duplicate field "data"'),
    ],
)
def test_fields_of_the_wrong_type_are_refused_with_the_decoders_words(
    cluster: Cluster, body: bytes, message: str
) -> None:
    answer = ask(cluster, "POST", f"{CONFIG_MAPS}?fieldValidation=Strict", body)
    refused(answer, 400, "BadRequest", CONFIG_MAP + message)


@pytest.mark.parametrize(
    ("kind", "version", "message"),
    [
        ("Pod", "v1", 'Pod in version "v1" cannot be handled as a ConfigMap: '
         "converting (v1.Pod) to (core.ConfigMap): unknown conversion"),
        ("Nope", "v1", 'Nope in version "v1" cannot be handled as a ConfigMap: '
         f'no kind "Nope" is registered for version "v1" {SCHEME}'),
        ("ConfigMap", "v2", 'ConfigMap in version "v2" cannot be handled as a ConfigMap: '
         f'no kind "ConfigMap" is registered for version "v2" {SCHEME}'),
        ("ConfigMap", "apps/v1", 'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
         f'no kind "ConfigMap" is registered for version "apps/v1" {SCHEME}'),
        ("ConfigMap", "a/b/c", UNRECOGNIZED + "unexpected GroupVersion string: a/b/c "
         '({"kind":"ConfigMap","apiVersio ...)'),
    ],
)  # fmt: skip
def test_another_kind_is_not_taken_for_a_config_map(cluster: Cluster, kind: str, version: str, message: str) -> None:
    refused(ask(cluster, "POST", CONFIG_MAPS, {"kind": kind, "apiVersion": version}), 400, "BadRequest", message)


def test_an_event_of_the_other_api_group_is_not_taken(cluster: Cluster) -> None:
    answer = ask(cluster, "POST", f"{NAMESPACE}/events", {"kind": "Event", "apiVersion": "events.k8s.io/v1"})
    message = "the API version in the data (events.k8s.io/v1) does not match the expected API version (v1)"
    refused(answer, 400, "BadRequest", message)


@pytest.mark.parametrize(
    ("metadata", "code", "reason", "message"),
    [
        ({}, 422, "Invalid", UNNAMED),
        ({"name": ""}, 422, "Invalid", UNNAMED),
        ({"name": "A_B"}, 422, "Invalid",
         f'ConfigMap "A_B" is invalid: metadata.name: Invalid value: "A_B": {NAME_RULE}'),
        ({"name": LONG}, 422, "Invalid", f'ConfigMap "{LONG}" is invalid: '
         f'metadata.name: Invalid value: "{LONG}": must be no more than 253 characters'),
        ({"name": "x", "namespace": "other"}, 400, "BadRequest",
         "the namespace of the provided object does not match the namespace sent on the request"),
        ({"name": "x", "resourceVersion": "5"}, 400, "BadRequest",
         "resourceVersion should not be set on objects to be created"),
        ({"name": "x", "labels": {"a b": "c"}}, 422, "Invalid",
         f'ConfigMap "x" is invalid: metadata.labels: Invalid value: "a b": {KEY_RULE}'),
        ({"name": "x", "annotations": {"a b": "c"}}, 422, "Invalid",
         f'ConfigMap "x" is invalid: metadata.annotations: Invalid value: "a b": {KEY_RULE}'),
        ({"name": "x", "ownerReferences": [{"kind": "A", "name": "b", "uid": "c"}]}, 422, "Invalid",
         'ConfigMap "x" is invalid: metadata.ownerReferences.apiVersion: Invalid value: "": version must not be empty'),
        ({"name": "present"}, 409, "AlreadyExists", 'configmaps "present" already exists'),
    ],
)  # fmt: skip
def test_metadata_that_cannot_be_is_refused(
    cluster: Cluster, metadata: dict[str, Any], code: int, reason: str, message: str
) -> None:
    refused(ask(cluster, "POST", CONFIG_MAPS, {"metadata": metadata}), code, reason, message)


def test_null_is_an_object_with_nothing_in_it(cluster: Cluster) -> None:
    refused(ask(cluster, "POST", CONFIG_MAPS, b"null"), 422, "Invalid", UNNAMED)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a: b: c", "yaml: mapping values are not allowed in this context (613a20623a2063)"),
        ("{", "yaml: line 1: did not find expected node content ({)"),
        ("\tx: y", "yaml: found character that cannot start any token (09783a2079)"),
        ("- a", f"couldn't get version/kind; json parse error: json: cannot unmarshal array into {STRUCT} (2d2061)"),
    ],
)
def test_yaml_that_cannot_be_read_is_refused_with_the_parsers_words(cluster: Cluster, body: str, message: str) -> None:
    refused(ask(cluster, "POST", CONFIG_MAPS, body, YAML), 400, "BadRequest", UNRECOGNIZED + message)


def test_yaml_cannot_make_python_objects(cluster: Cluster) -> None:
    answer = ask(cluster, "POST", CONFIG_MAPS, "metadata: {name: !!python/object/apply:os.getcwd []}", YAML)
    assert (answer.code, answer.reason) == (400, "BadRequest")


def test_a_yaml_bomb_does_not_go_off(cluster: Cluster) -> None:
    levels = [f"{chr(97 + i)}: &{chr(97 + i)} [{','.join([f'*{chr(96 + i)}'] * 9)}]" for i in range(1, 12)]
    answer = ask(cluster, "POST", f"{CONFIG_MAPS}?fieldValidation=Strict", "\n".join(["a: &a [x]", *levels]), YAML)
    assert (answer.code, answer.reason) == (400, "BadRequest")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "empty data (<empty>)"),
        (b"nope", "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0] (6e6f7065)"),
        (b"k8s\x00\xff\xff\xff", "unexpected EOF (6b387300ffffff)"),
        (b"k8s\x00\n\xff\xff\xff\xff\x0f", "unexpected EOF (6b3873000affffffff0f)"),
    ],
)
def test_broken_protobuf_is_refused(cluster: Cluster, body: bytes, message: str) -> None:
    refused(ask(cluster, "POST", CONFIG_MAPS, body, PROTOBUF), 400, "BadRequest", UNRECOGNIZED + message)


@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/xml", "multipart/form-data", "application/cbor", "?"]
)
def test_other_media_types_are_not_read(cluster: Cluster, content_type: str) -> None:
    body = {"metadata": {"name": "x"}}
    refused(ask(cluster, "POST", CONFIG_MAPS, body, content_type), 415, "UnsupportedMediaType", MEDIA_TYPES)


@pytest.mark.parametrize("content_type", [JSON, YAML, "", "application/merge+json"])
def test_a_patch_says_of_which_kind_it_is(cluster: Cluster, content_type: str) -> None:
    offered = ", ".join([JSON_PATCH, MERGE, STRATEGIC, APPLY])
    message = f"the body of the request was in an unknown format - accepted media types include: {offered}"
    answer = ask(cluster, "PATCH", f"{CONFIG_MAPS}/present", "{}", content_type)
    refused(answer, 415, "UnsupportedMediaType", message)


@pytest.mark.parametrize(
    "accept",
    [
        "text/html",
        f"{PROTOBUF};as=Table;v=v1;g=meta.k8s.io",
        "image/*",
        "application/json;as=Nope;v=v1;g=meta.k8s.io",
        ";;",
    ],
)
def test_what_cannot_be_answered_in_is_not_acceptable(cluster: Cluster, accept: str) -> None:
    answer = ask(cluster, "GET", f"{CONFIG_MAPS}/present", accept=accept)
    message = f"only the following media types are accepted: {JSON}, {YAML}, {PROTOBUF}"
    refused(answer, 406, "NotAcceptable", message)


def test_a_watch_is_not_written_in_yaml(cluster: Cluster) -> None:
    answer = ask(cluster, "GET", f"{CONFIG_MAPS}?watch=1", accept=YAML)
    message = "only the following media types are accepted: application/json;stream=watch, "
    message += "application/vnd.kubernetes.protobuf;stream=watch"
    refused(answer, 406, "NotAcceptable", message)

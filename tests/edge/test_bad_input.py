"""Whatever a client sends, the server answers in the API's own words, and what is refused changes nothing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from k8snb import Cluster
from tests.edge.asking import (
    APPLY,
    CONFIG_MAPS,
    DEPLOYMENTS,
    JSON,
    JSON_PATCH,
    MERGE,
    NAMESPACE,
    PODS,
    PROTOBUF,
    STRATEGIC,
    YAML,
    Answer,
    ask,
)

NAME_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and "
    "end with an alphanumeric character (e.g. 'example.com', regex used for validation is "
    r"'[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')"
)
KEY_RULE = (
    "name part must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric "
    "character (e.g. 'MyName', or 'my.name', or '123-abc', regex used for validation is "
    "'([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]')"
)
UNRECOGNIZED = "the object provided is unrecognized (must be of type ConfigMap): "
NO_KIND = UNRECOGNIZED + "couldn't get version/kind; json parse error: "
STRUCT = (
    "Go value of type struct { "
    r'APIVersion string "json:\"apiVersion,omitempty\""; Kind string "json:\"kind,omitempty\"" }'
)
CONFIG_MAP = 'ConfigMap in version "v1" cannot be handled as a ConfigMap: '
SCHEME = 'in scheme "pkg/api/legacyscheme/scheme.go:30"'
LONG = "x" * 254
UNNAMED = 'ConfigMap "" is invalid: metadata.name: Required value: name or generateName is required'
MEDIA_TYPES = (
    "the body of the request was in an unknown format - accepted media types include: "
    "application/json, application/yaml, application/vnd.kubernetes.protobuf"
)
NOT_ALLOWED = "the server does not allow this method on the requested resource"
NO_RESOURCE = "the server could not find the requested resource"
NO_PAGE = "404 page not found\n"
BROKEN_PATCH = "the server rejected our request due to an error in our request"


@pytest.fixture(scope="module")
def populated() -> Cluster:
    """A cluster with one object of each kind that is asked about."""
    cluster = Cluster(nodes=1, seed=1)
    container = {"name": "web", "image": "nginx"}
    labels = {"app": "web"}
    cluster.client.create("configmaps", {"metadata": {"name": "present"}, "data": {"a": "b"}}, "default")
    for name, containers in (("one", [container]), ("two", [container, {**container, "name": "side"}])):
        cluster.client.create("pods", {"metadata": {"name": name}, "spec": {"containers": containers}}, "default")
    waiting = {"nodeSelector": {"no": "node"}, "containers": [container]}
    cluster.client.create("pods", {"metadata": {"name": "waiting"}, "spec": waiting}, "default")
    template = {"metadata": {"labels": labels}, "spec": {"containers": [container]}}
    spec = {"selector": {"matchLabels": labels}, "template": template}
    cluster.client.create("deployments", {"metadata": {"name": "web"}, "spec": spec}, "default")
    cluster.settle()
    return cluster


@pytest.fixture
def cluster(populated: Cluster) -> Iterator[Cluster]:
    """The same; afterwards nothing has changed and nothing has gone wrong inside."""
    before = populated.revision
    yield populated
    assert populated.revision == before
    assert populated.server.panics == []


def refused(answer: Answer, code: int, reason: str, message: str) -> None:
    """Compare an answer with the refusal that is due."""
    assert (answer.code, answer.reason, answer.message) == (code, reason, message)


# -- bodies --------------------------------------------------------------------------------------------


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


# -- paths ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "path",
    ["/nope", "/api/v2", "/api/v2/pods", "/apis/nope", "/apis/apps/v2", "/apis/apps/v2/deployments", "/openapi/v3/nope",
     "/healthz/nope", "/../etc/passwd", "/%2e%2e/%2e%2e", "/" + "a/" * 3000],
)  # fmt: skip
def test_what_is_nowhere_has_no_page(cluster: Cluster, path: str) -> None:
    refused(ask(cluster, "GET", path), 404, "", NO_PAGE)


@pytest.mark.parametrize(
    "path",
    ["/api/v1/nope", "/apis/apps/v1/nope", f"{NAMESPACE}/nope", f"{NAMESPACE}/nodes", "/api/v1/pods/one",
     f"{PODS}/one/nope", f"{CONFIG_MAPS}/present/scale", f"{PODS}/one/scale", f"{CONFIG_MAPS}/present/status",
     "/api/v1/watch/nope", "/api/v1/nodes/node-1/pods"],
)  # fmt: skip
def test_what_is_not_served_is_not_found(cluster: Cluster, path: str) -> None:
    refused(ask(cluster, "GET", path), 404, "NotFound", NO_RESOURCE)


@pytest.mark.parametrize(
    ("name", "shown"),
    [("x", "x"), ("..%2f..%2fsecrets", "../../secrets"), ("%00", "\0"), ("%ff", "\ufffd"), ("x" * 5000, "x" * 5000)],
)
def test_a_hostile_name_names_nothing(cluster: Cluster, name: str, shown: str) -> None:
    refused(ask(cluster, "GET", f"{PODS}/{name}"), 404, "NotFound", f'pods "{shown}" not found')


@pytest.mark.parametrize(
    ("method", "path"),
    [("PUT", PODS), ("PATCH", PODS), ("TRACE", PODS), ("OPTIONS", PODS), ("CONNECT", PODS), ("BREW", PODS),
     ("POST", f"{PODS}/one"), ("POST", "/api/v1/nodes/node-1"), ("POST", "/api/v1/pods"), ("DELETE", "/api/v1/pods"),
     ("DELETE", "/api/v1/namespaces"), ("PUT", "/api"), ("DELETE", "/apis"), ("POST", "/version"),
     ("POST", f"{PODS}/one/log"), ("DELETE", f"{DEPLOYMENTS}/web/scale"), ("POST", "/api/v1/componentstatuses"),
     ("GET", f"{NAMESPACE}/bindings"), ("GET", f"{NAMESPACE}/finalize")],
)  # fmt: skip
def test_what_cannot_be_done_at_a_path_is_not_allowed(cluster: Cluster, method: str, path: str) -> None:
    body = {"metadata": {"name": "x"}}
    refused(ask(cluster, method, path, body), 405, "MethodNotAllowed", NOT_ALLOWED)


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/api/v1/nodes", "Node"),
        (f"{NAMESPACE}/limitranges", "LimitRange"),
        (f"{NAMESPACE}/resourcequotas", "ResourceQuota"),
    ],
)
def test_an_object_without_a_spec_has_an_empty_one_and_harms_nobody(path: str, kind: str) -> None:
    cluster = Cluster(nodes=1, seed=1)
    body = {"kind": kind, "apiVersion": "v1", "metadata": {"name": "bare"}}
    codes = [ask(cluster, "POST", path, body).code, ask(cluster, "PUT", f"{path}/bare", body).code]
    assert codes == [201, 200]
    namespace = "default" if path.startswith(NAMESPACE) else ""
    assert cluster.client.get(path.rpartition("/")[2], "bare", namespace)["spec"] == {}
    pod = {"metadata": {"name": "p"}, "spec": {"containers": [{"name": "main", "image": "nginx"}]}}
    assert ask(cluster, "POST", PODS, pod).code == 201
    cluster.settle()
    assert cluster.server.panics == []


NO_TOKEN = "invalid continue token: continue key is not valid"


# -- queries -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("limit=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("limit=99999999999999999999", 'strconv.ParseInt: parsing "99999999999999999999": value out of range'),
        ("limit=1_0", 'strconv.ParseInt: parsing "1_0": invalid syntax'),
        ("limit=%D9%A1", 'strconv.ParseInt: parsing "\u0661": invalid syntax'),
        ("watch=1&timeoutSeconds=x", 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("continue=!!!", f"{NO_TOKEN}: illegal base64 data at input byte 0"),
        ("continue=abc", f"{NO_TOKEN}: invalid character 'i' looking for beginning of value"),
        ("continue=e30", f"{NO_TOKEN}: server does not recognize this encoded version "),
        ("continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEifQ",
         f"{NO_TOKEN}: incorrect encoded start resourceVersion (version meta.k8s.io/v1)"),
        ("continue=eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MX0",
         f"{NO_TOKEN}: encoded start key empty (version meta.k8s.io/v1)"),
        ("resourceVersion=x", 'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'),
        ("resourceVersion=-1", 'resourceVersion: Invalid value: "-1": strconv.ParseUint: parsing "-1": invalid syntax'),
        ("watch=1&resourceVersion=x",
         'resourceVersion: Invalid value: "x": strconv.ParseUint: parsing "x": invalid syntax'),
        ("labelSelector=a%3Db%3Dc", "found '=', expected: ',' or 'end of string'"),
        ("labelSelector=a+in", "unable to parse requirement: found '' expected: '('"),
        ("labelSelector=a+in+(b", "unable to parse requirement: found '', expected: ',' or ')'"),
        ("labelSelector=!", "unable to parse requirement: found '', expected: identifier"),
        ("labelSelector=a+b", "unable to parse requirement: found 'b', expected: in, notin, =, ==, !=, gt, lt"),
        ("labelSelector=a>b", "unable to parse requirement: values[0]: Invalid value: \"b\": "
         "for 'Gt', 'Lt' operators, the value must be an integer"),
        ("fieldSelector=x", "invalid selector: 'x'; can't understand 'x'"),
        ("fieldSelector=spec.nope%3D1", "field label not supported: spec.nope"),
    ],
)  # fmt: skip
def test_parameters_that_cannot_be_read_are_bad_requests(cluster: Cluster, query: str, message: str) -> None:
    refused(ask(cluster, "GET", f"{PODS}?{query}"), 400, "BadRequest", message)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("resourceVersionMatch=Exact",
         "resourceVersionMatch: Forbidden: resourceVersionMatch is forbidden unless resourceVersion is provided"),
        ("resourceVersion=1&resourceVersionMatch=Nope",
         'resourceVersionMatch: Unsupported value: "Nope": supported values: "Exact", "NotOlderThan", ""'),
        ("resourceVersion=0&resourceVersionMatch=Exact",
         'resourceVersionMatch: Forbidden: resourceVersionMatch "exact" is forbidden for resourceVersion "0"'),
        ("sendInitialEvents=true", "sendInitialEvents: Forbidden: sendInitialEvents is forbidden for list"),
        ("watch=1&sendInitialEvents=true",
         "resourceVersionMatch: Forbidden: sendInitialEvents requires setting resourceVersionMatch to NotOlderThan"),
        ("watch=1&resourceVersionMatch=NotOlderThan", "resourceVersionMatch: Forbidden: "
         "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided"),
    ],
)  # fmt: skip
def test_parameters_that_contradict_each_other_are_invalid(cluster: Cluster, query: str, message: str) -> None:
    answer = ask(cluster, "GET", f"{PODS}?{query}")
    refused(answer, 422, "Invalid", f'ListOptions.meta.k8s.io "" is invalid: {message}')


@pytest.mark.parametrize("watch", ["", "&watch=1"])
def test_a_revision_that_has_not_happened_is_too_large(cluster: Cluster, watch: str) -> None:
    answer = ask(cluster, "GET", f"{PODS}?resourceVersion=999999{watch}")
    message = f"Timeout: Too large resource version: 999999, current: {cluster.revision}"
    refused(answer, 504, "Timeout", message)


@pytest.mark.parametrize(
    ("method", "kind", "target"),
    [("POST", "CreateOptions", CONFIG_MAPS), ("PUT", "UpdateOptions", f"{CONFIG_MAPS}/present"),
     ("PATCH", "PatchOptions", f"{CONFIG_MAPS}/present"), ("DELETE", "DeleteOptions", f"{CONFIG_MAPS}/present")],
)  # fmt: skip
def test_a_dry_run_is_of_everything_or_of_nothing(cluster: Cluster, method: str, kind: str, target: str) -> None:
    answer = ask(cluster, method, f"{target}?dryRun=x", "{}", MERGE if method == "PATCH" else JSON)
    message = f'{kind}.meta.k8s.io "" is invalid: dryRun: Unsupported value: ["x"]: supported values: "All"'
    refused(answer, 422, "Invalid", message)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        ("fieldValidation=x",
         'fieldValidation: Unsupported value: "x": supported values: "", "Ignore", "Strict", "Warn"'),
        (f"fieldManager={'x' * 129}", "fieldManager: Too long: may not be more than 128 bytes"),
        ("fieldManager=a%09b", r'fieldManager: Invalid value: "a\tb": invalid character U+0009 (at position 1)'),
    ],
)  # fmt: skip
def test_options_of_writing_are_checked(cluster: Cluster, query: str, message: str) -> None:
    answer = ask(cluster, "POST", f"{CONFIG_MAPS}?{query}", {"metadata": {"name": "x"}})
    refused(answer, 422, "Invalid", f'CreateOptions.meta.k8s.io "" is invalid: {message}')


@pytest.mark.parametrize("watch", ["", "&watch=1"])
def test_the_time_limit_of_a_list_or_watch_is_a_number(cluster: Cluster, watch: str) -> None:
    answer = ask(cluster, "GET", f"{CONFIG_MAPS}?timeoutSeconds=x{watch}")
    refused(answer, 400, "BadRequest", 'strconv.ParseInt: parsing "x": invalid syntax')


# -- updates -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("metadata", "code", "reason", "message"),
    [
        ({}, 400, "BadRequest",
         "the name of the object (present based on URL) was undeterminable: name must be provided"),
        ({"name": "other"}, 400, "BadRequest",
         "the name of the object (other) does not match the name on the URL (present)"),
        ({"name": "present", "namespace": "x"}, 400, "BadRequest",
         "the namespace of the provided object does not match the namespace sent on the request"),
        ({"name": "present", "resourceVersion": "1"}, 409, "Conflict",
         'Operation cannot be fulfilled on configmaps "present": the object has been modified; '
         "please apply your changes to the latest version and try again"),
        ({"name": "present", "labels": {"a b": "c"}}, 422, "Invalid",
         f'ConfigMap "present" is invalid: metadata.labels: Invalid value: "a b": {KEY_RULE}'),
        ({"name": "present", "creationTimestamp": "2020-01-01T00:00:00Z"}, 422, "Invalid",
         'ConfigMap "present" is invalid: metadata.creationTimestamp: Invalid value: "2020-01-01T00:00:00Z": '
         "field is immutable"),
    ],
)  # fmt: skip
def test_an_update_that_cannot_be_is_refused(
    cluster: Cluster, metadata: dict[str, Any], code: int, reason: str, message: str
) -> None:
    refused(ask(cluster, "PUT", f"{CONFIG_MAPS}/present", {"metadata": metadata}), code, reason, message)


def test_an_update_meant_for_a_namesake_is_a_conflict(cluster: Cluster) -> None:
    answer = ask(cluster, "PUT", f"{CONFIG_MAPS}/present", {"metadata": {"name": "present", "uid": "x"}})
    present = cluster.client.get("configmaps", "present", "default")["metadata"]["uid"]
    message = (
        'Operation cannot be fulfilled on configmaps "present": StorageError: invalid object, Code: 4, '
        "Key: /registry/configmaps/default/present, ResourceVersion: 0, AdditionalErrorMsg: Precondition failed: "
        f"UID in precondition: x, UID in object meta: {present}"
    )
    refused(answer, 409, "Conflict", message)


def test_what_is_not_there_cannot_be_updated(cluster: Cluster) -> None:
    answer = ask(cluster, "PUT", f"{CONFIG_MAPS}/absent", {"metadata": {"name": "absent"}})
    refused(answer, 404, "NotFound", 'configmaps "absent" not found')


# -- patches -------------------------------------------------------------------------------------------

GO_MAP = "Go value of type map[string]interface {}"
OPERATION = "handlers.jsonPatchOp"


@pytest.mark.parametrize(
    ("media", "body", "message"),
    [
        (MERGE, "", "error decoding patch: unexpected end of JSON input"),
        (MERGE, "{", "error decoding patch: unexpected end of JSON input"),
        (MERGE, "[]", f"error decoding patch: json: cannot unmarshal array into {GO_MAP}"),
        (MERGE, "null", "Invalid JSON Patch"),
        (STRATEGIC, "", "unexpected end of JSON input"),
        (STRATEGIC, "[]", f"json: cannot unmarshal array into {GO_MAP}"),
        (STRATEGIC, '{"spec":{"$retainKeys":"x"}}', "invalid patch format of retainKeys"),
        (JSON_PATCH, "", "error decoding patch: unexpected end of JSON input"),
        (JSON_PATCH, "{}", f"error decoding patch: json: cannot unmarshal object into Go value of type []{OPERATION}"),
        (JSON_PATCH, "[1]", f"error decoding patch: json: cannot unmarshal number into Go value of type {OPERATION}"),
        (JSON_PATCH, '[{"op":"add","path":5}]',
         "error decoding patch: json: cannot unmarshal number into Go struct field jsonPatchOp.path of type string"),
        (MERGE, '{"metadata":null}',
         "the name of the object (web based on URL) was undeterminable: name must be provided"),
        (MERGE, '{"metadata":{"name":"x"}}', "the name of the object (x) does not match the name on the URL (web)"),
    ],
)  # fmt: skip
def test_what_is_no_patch_is_a_bad_request(cluster: Cluster, media: str, body: str, message: str) -> None:
    refused(ask(cluster, "PATCH", f"{DEPLOYMENTS}/web", body, media), 400, "BadRequest", message)


@pytest.mark.parametrize(
    "operation",
    ["{}", '{"op":"nope","path":"/a"}', '{"op":"add","path":"/spec/x/y","value":1}', '{"op":"remove","path":"/nope"}',
     '{"op":"add","path":"","value":{}}', '{"op":"move","path":"/a"}', '{"op":"test","path":"/kind","value":"Pod"}',
     '{"op":"add","path":"/spec/template/spec/containers/9","value":{}}'],
)  # fmt: skip
def test_an_operation_that_cannot_be_done_fails_the_patch(cluster: Cluster, operation: str) -> None:
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web", f"[{operation}]", JSON_PATCH)
    refused(answer, 422, "Invalid", BROKEN_PATCH)


def test_a_patch_has_at_most_ten_thousand_operations(cluster: Cluster) -> None:
    operations = [{"op": "test", "path": "/kind", "value": "Deployment"}] * 10_001
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web", operations, JSON_PATCH)
    message = "The allowed maximum operations in a JSON patch is 10000, got 10001"
    refused(answer, 413, "RequestEntityTooLarge", message)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"spec":{"replicas":"x"}}', '"map[spec:map[replicas:x]]": unrecognized type: int32'),
        ('{"metadata":{"labels":{"a":1}}}', '"map[metadata:map[labels:map[a:1]]]": cannot convert int64 to string'),
        ('{"spec":{"template":{"spec":{"containers":"x"}}}}',
         '"map[spec:map[template:map[spec:map[containers:x]]]]": cannot restore slice from string'),
        ('{"spec":{"nope":1}}', '"map[spec:map[nope:1]]": strict decoding error: unknown field "spec.nope"'),
    ],
)  # fmt: skip
def test_a_strategic_patch_that_fits_no_type_is_invalid(cluster: Cluster, body: str, message: str) -> None:
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web?fieldValidation=Strict", body, STRATEGIC)
    refused(answer, 422, "Invalid", f' "" is invalid: patch: Invalid value: {message}')


@pytest.mark.parametrize(
    ("media", "body", "end"),
    [
        (MERGE, '{"spec":{"replicas":"x"}}',
         "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.replicas of type int32"),
        (MERGE, '{"spec":{"nope":1}}', 'strict decoding error: unknown field "spec.nope"'),
        (MERGE, '{"kind":"Nope"}', f'no kind "Nope" is registered for version "apps/v1" {SCHEME}'),
        (JSON_PATCH, '[{"op":"replace","path":"/spec/paused","value":"x"}]', BROKEN_PATCH),
        (JSON_PATCH, '[{"op":"add","path":"/spec/paused","value":"x"}]',
         "json: cannot unmarshal string into Go struct field DeploymentSpec.spec.paused of type bool"),
    ],
)  # fmt: skip
def test_a_patch_whose_outcome_fits_no_type_is_invalid(cluster: Cluster, media: str, body: str, end: str) -> None:
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web?fieldValidation=Strict", body, media)
    assert (answer.code, answer.reason) == (422, "Invalid")
    assert answer.message.endswith(end)


def test_a_patch_cannot_make_a_deployment_that_could_not_be_created(cluster: Cluster) -> None:
    answer = ask(cluster, "PATCH", f"{DEPLOYMENTS}/web", '{"spec":{"replicas":-1}}', MERGE)
    message = 'Deployment.apps "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'
    refused(answer, 422, "Invalid", message)


# -- deletions -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"propagationPolicy":"Nope"}', 'propagationPolicy: Unsupported value: "Nope": '
         'supported values: "Foreground", "Background", "Orphan", "nil"'),
        ('{"orphanDependents":true,"propagationPolicy":"Orphan"}', 'propagationPolicy: Invalid value: "Orphan": '
         "orphanDependents and deletionPropagation cannot be both set"),
        ('{"dryRun":["x"]}', 'dryRun: Unsupported value: ["x"]: supported values: "All"'),
    ],
)  # fmt: skip
def test_options_of_a_deletion_are_checked(cluster: Cluster, body: str, message: str) -> None:
    answer = ask(cluster, "DELETE", f"{CONFIG_MAPS}/present", body)
    refused(answer, 422, "Invalid", f'DeleteOptions.meta.k8s.io "" is invalid: {message}')


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("{", "the object provided is unrecognized (must be of type DeleteOptions): "
         "couldn't get version/kind; json parse error: unexpected end of JSON input ({)"),
        ('{"gracePeriodSeconds":"x"}', 'DeleteOptions in version "v1" cannot be handled as a DeleteOptions: '
         "json: cannot unmarshal string into Go struct field DeleteOptions.gracePeriodSeconds of type int64"),
        ('{"kind":"Pod","apiVersion":"v1"}', 'Pod in version "v1" cannot be handled as a DeleteOptions: '
         "converting (v1.Pod) to (core.DeleteOptions): unknown conversion"),
        ('{"kind":"DeleteOptions","apiVersion":"v9"}',
         'DeleteOptions in version "v9" cannot be handled as a DeleteOptions: '
         f'no kind "DeleteOptions" is registered for version "v9" {SCHEME}'),
    ],
)  # fmt: skip
def test_options_of_a_deletion_that_cannot_be_read_delete_nothing(cluster: Cluster, body: str, message: str) -> None:
    refused(ask(cluster, "DELETE", f"{PODS}/one", body), 400, "BadRequest", message)
    refused(ask(cluster, "DELETE", f"{PODS}?labelSelector=a%3Dnone", body), 400, "BadRequest", message)


@pytest.mark.parametrize(
    ("field", "word", "what"),
    [("uid", "UID", "deleted and then recreated"), ("resourceVersion", "ResourceVersion", "modified")],
)
def test_a_deletion_with_a_precondition_that_fails_is_a_conflict(
    cluster: Cluster, field: str, word: str, what: str
) -> None:
    current = cluster.client.get("pods", "one", "default")["metadata"][field]
    answer = ask(cluster, "DELETE", f"{PODS}/one", {"preconditions": {field: "x"}})
    message = (
        f'Operation cannot be fulfilled on Pod "one": the {word} in the precondition (x) does not match the {word} in '
        f"record ({current}). The object might have been {what}"
    )
    refused(answer, 409, "Conflict", message)


@pytest.mark.parametrize("name", ["default", "kube-system", "kube-public"])
def test_some_namespaces_cannot_be_deleted(cluster: Cluster, name: str) -> None:
    answer = ask(cluster, "DELETE", f"/api/v1/namespaces/{name}")
    refused(answer, 403, "Forbidden", f'namespaces "{name}" is forbidden: this namespace may not be deleted')


def test_a_collection_is_not_deleted_by_a_selector_that_cannot_be_read(cluster: Cluster) -> None:
    answer = ask(cluster, "DELETE", f"{PODS}?labelSelector=a+in")
    refused(answer, 400, "BadRequest", "unable to parse requirement: found '' expected: '('")


# -- subresources --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("target", "body", "code", "message"),
    [
        (f"{DEPLOYMENTS}/web/scale", {"metadata": {"name": "web"}, "spec": {"replicas": -1}}, 422,
         'Scale.autoscaling "web" is invalid: spec.replicas: Invalid value: -1: must be greater than or equal to 0'),
        (f"{DEPLOYMENTS}/web/scale", {"metadata": {"name": "x"}}, 400,
         "the name of the object (x) does not match the name on the URL (web)"),
        (f"{DEPLOYMENTS}/web/scale", {"spec": 5}, 400, 'Scale in version "v1" cannot be handled as a Scale: '
         "json: cannot unmarshal number into Go struct field Scale.spec of type v1.ScaleSpec"),
        (f"{DEPLOYMENTS}/none/scale", {"metadata": {"name": "none"}}, 404, 'deployments.apps "none" not found'),
        (f"{NAMESPACE}/status", {"metadata": {"name": "x"}}, 400,
         "the name of the object (x) does not match the name on the URL (default)"),
    ],
)  # fmt: skip
def test_a_subresource_that_cannot_be_replaced_stays(
    cluster: Cluster, target: str, body: dict[str, Any], code: int, message: str
) -> None:
    answer = ask(cluster, "PUT", target, body)
    assert (answer.code, answer.message) == (code, message)


@pytest.mark.parametrize(
    ("target", "body", "code", "message"),
    [
        (f"{PODS}/waiting/binding", {}, 422, 'Pod "waiting" is invalid: target.name: Required value'),
        (f"{PODS}/waiting/binding", {"target": {"kind": "Pod", "name": "x"}}, 422, 'Pod "waiting" is invalid: '
         'target.kind: Unsupported value: "Pod": supported values: "Node", "<empty>"'),
        (f"{PODS}/waiting/binding", {"metadata": {"name": "x"}}, 400,
         "name in URL does not match name in Binding object"),
        (f"{PODS}/one/binding", {"target": {"name": "node-1"}}, 409, 'Operation cannot be fulfilled on pods "one": '
         'pod one is already assigned to node "node-1"'),
        (f"{PODS}/none/binding", {"target": {"name": "node-1"}}, 404, 'pods "none" not found'),
        (f"{NAMESPACE}/bindings", {"metadata": {"name": "none"}, "target": {"name": "node-1"}}, 404,
         'pods "none" not found'),
        (f"{PODS}/one/eviction", {}, 400, "name in URL does not match name in Eviction object"),
        (f"{PODS}/none/eviction", {"metadata": {"name": "none"}}, 404, 'pods "none" not found'),
        (f"{PODS}/one/exec", {}, 400, "you must specify at least 1 command for the container"),
        (f"{PODS}/one/exec?command=ls", {}, 400, "Upgrade request required"),
        (f"{PODS}/one/exec?command=ls&container=nope", {}, 400, "container nope is not valid for pod one"),
        (f"{PODS}/two/exec?command=ls", {}, 400,
         "a container name must be specified for pod two, choose one of: [web side]"),
        (f"{PODS}/waiting/exec?command=ls", {}, 400, "pod waiting does not have a host assigned"),
        (f"{PODS}/none/exec?command=ls", {}, 404, 'pods "none" not found'),
        (f"{PODS}/one/attach", {}, 400, "Upgrade request required"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_to_a_pod_is_not_done(
    cluster: Cluster, target: str, body: dict[str, Any], code: int, message: str
) -> None:
    answer = ask(cluster, "POST", target, body)
    assert (answer.code, answer.message) == (code, message)


@pytest.mark.parametrize(
    ("query", "code", "message"),
    [
        ("tailLines=x", 400, 'strconv.ParseInt: parsing "x": invalid syntax'),
        ("tailLines=-1", 422,
         'PodLogOptions "one" is invalid: tailLines: Invalid value: -1: must be greater than or equal to 0'),
        ("limitBytes=0", 422, 'PodLogOptions "one" is invalid: limitBytes: Invalid value: 0: must be greater than 0'),
        ("sinceSeconds=0", 422,
         'PodLogOptions "one" is invalid: sinceSeconds: Invalid value: 0: must be greater than 0'),
        ("sinceTime=yesterday", 400,
         'parsing time "yesterday" as "2006-01-02T15:04:05Z07:00": cannot parse "yesterday" as "2006"'),
        ("container=nope", 400, "container nope is not valid for pod one"),
        ("previous=true", 400, 'previous terminated container "web" in pod "one" not found'),
    ],
)  # fmt: skip
def test_a_log_that_cannot_be_shown_is_refused(cluster: Cluster, query: str, code: int, message: str) -> None:
    answer = ask(cluster, "GET", f"{PODS}/one/log?{query}")
    assert (answer.code, answer.message) == (code, message)

"""Typed decoding: what becomes of a body, and what is said about one that does not fit."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb.errors import StatusError
from k8snb.machinery import schema

POD = """
apiVersion: v1
kind: Pod
metadata:
  name: web
  creationTimestamp: null
  labels: {app: web}
  annotations: {}
spec:
  hostNetwork: false
  terminationGracePeriodSeconds: 0
  containers:
  - name: web
    image: nginx
    command: []
    env: [{name: EMPTY, value: ""}]
    resources: {requests: {cpu: 1000m, memory: 1024Mi}, limits: {cpu: 2}}
  volumes:
  - name: scratch
    emptyDir: {}
  tolerations:
  - {key: gone, operator: Exists, effect: NoExecute, tolerationSeconds: 0}
"""


def decoded(text: str, kind: str = "Pod", api_version: str = "v1", mode: str = "Strict") -> Any:
    value, problems = schema.parse_yaml(text)
    return schema.decode(value, api_version, kind, mode, duplicates=problems)


def complaint(text: str, kind: str = "Pod", api_version: str = "v1") -> str:
    with pytest.raises(StatusError) as caught:
        decoded(text, kind, api_version)
    assert caught.value.code == 400
    version = api_version.rpartition("/")[2]
    return caught.value.message.removeprefix(f'{kind} in version "{version}" cannot be handled as a {kind}: ')


def test_a_body_becomes_what_go_would_write_again() -> None:
    pod, warnings = decoded(POD)
    assert warnings == []
    assert pod == {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"app": "web"}},
        "spec": {
            "terminationGracePeriodSeconds": 0,
            "containers": [
                {
                    "name": "web",
                    "image": "nginx",
                    "env": [{"name": "EMPTY"}],
                    "resources": {"requests": {"cpu": "1", "memory": "1Gi"}, "limits": {"cpu": "2"}},
                }
            ],
            "volumes": [{"name": "scratch", "emptyDir": {}}],
            "tolerations": [{"key": "gone", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 0}],
        },
    }


def test_a_container_always_has_resources_and_a_claim_may_have_an_empty_class() -> None:
    assert decoded("spec: {containers: [{name: a}]}")[0]["spec"]["containers"] == [{"name": "a", "resources": {}}]
    claim = decoded('spec: {storageClassName: "", volumeName: ""}', "PersistentVolumeClaim")[0]
    assert claim["spec"] == {"storageClassName": "", "resources": {}}


@pytest.mark.parametrize(
    ("kind", "text", "message"),
    [
        (
            "Pod",
            "spec: {containers: nginx}",
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type []v1.Container",
        ),
        (
            "Pod",
            "spec: {containers: [nginx]}",
            "json: cannot unmarshal string into Go struct field PodSpec.spec.containers of type v1.Container",
        ),
        (
            "Pod",
            "spec: {containers: [{ports: [{containerPort: http}]}]}",
            "json: cannot unmarshal string into Go struct field ContainerPort.spec.containers.ports.containerPort "
            "of type int32",
        ),
        (
            "Pod",
            "metadata: {labels: {a: 1}}",
            "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string",
        ),
        (
            "Pod",
            "spec: {terminationGracePeriodSeconds: 1.5}",
            "json: cannot unmarshal number 1.5 into Go struct field PodSpec.spec.terminationGracePeriodSeconds "
            "of type int64",
        ),
        (
            "Pod",
            "spec: {priority: 3000000000}",
            "json: cannot unmarshal number 3000000000 into Go struct field PodSpec.spec.priority of type int32",
        ),
        (
            "Pod",
            "spec: {hostNetwork: maybe, restartPolicy: 5}",
            "json: cannot unmarshal string into Go struct field PodSpec.spec.hostNetwork of type bool",
        ),
        (
            "Pod",
            "spec: {restartPolicy: 5}",
            "json: cannot unmarshal number into Go struct field PodSpec.spec.restartPolicy of type v1.RestartPolicy",
        ),
        ("Pod", "metadata: 5", "json: cannot unmarshal number into Go struct field Pod.metadata of type v1.ObjectMeta"),
        (
            "Pod",
            "spec: {hostNetwork: maybe, containers: [{resources: {limits: {cpu: lots}}}]}",
            "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'",
        ),
        (
            "Pod",
            "spec: {containers: [{resources: {limits: [1]}}]}",
            "json: cannot unmarshal array into Go struct field ResourceRequirements.spec.containers.resources.limits "
            "of type v1.ResourceList",
        ),
        (
            "Pod",
            "metadata: {deletionTimestamp: soon}",
            'parsing time "soon" as "2006-01-02T15:04:05Z07:00": cannot parse "soon" as "2006"',
        ),
        (
            "Pod",
            "metadata: {deletionTimestamp: 2026-02-30T00:00:00Z}",
            'parsing time "2026-02-30T00:00:00Z": day out of range',
        ),
        ("Secret", 'data: {a: "a?=="}', "illegal base64 data at input byte 1"),
        ("Secret", "data: {a: YWJjYQ}", "illegal base64 data at input byte 4"),
        (
            "Service",
            "spec: {ports: [{port: 80, targetPort: true}]}",
            "json: cannot unmarshal bool into Go struct field ServicePort.spec.ports.targetPort of type int32",
        ),
    ],
)
def test_a_body_of_the_wrong_shape_is_refused_in_gos_words(kind: str, text: str, message: str) -> None:
    assert complaint(text, kind) == message


DEPLOYMENT = "spec: {replica: 3, template: {spec: {containers: [{name: c, port: 80}]}}}"
UNKNOWN = ['unknown field "spec.replica"', 'unknown field "spec.template.spec.containers[0].port"']


def test_unknown_fields_are_refused_told_of_or_ignored() -> None:
    assert complaint(DEPLOYMENT, "Deployment", "apps/v1") == f"strict decoding error: {', '.join(UNKNOWN)}"
    plain = {"spec": {"template": {"spec": {"containers": [{"name": "c", "resources": {}}]}}}}
    assert decoded(DEPLOYMENT, "Deployment", "apps/v1", "Warn") == (plain, UNKNOWN)
    assert decoded(DEPLOYMENT, "Deployment", "apps/v1", "Ignore") == (plain, [])


def test_field_names_are_told_apart_by_case() -> None:
    assert complaint("Spec: {}") == 'strict decoding error: unknown field "Spec"'


def test_times_are_stored_in_utc() -> None:
    assert decoded("metadata: {creationTimestamp: 2026-01-01T00:00:00.5+01:00}")[0] == {
        "metadata": {"creationTimestamp": "2025-12-31T23:00:00Z"},
        "spec": {},
    }
    lease = decoded("spec: {renewTime: 2026-01-01T00:00:00.123456Z}", "Lease", "coordination.k8s.io/v1")[0]
    assert lease == {"spec": {"renewTime": "2026-01-01T00:00:00.123456Z"}}


def test_a_null_in_a_list_or_map_is_an_empty_value() -> None:
    pod = decoded("metadata: {labels: {a: null}}\nspec: {containers: [null], nodeName: null}")[0]
    assert pod == {"metadata": {"labels": {"a": ""}}, "spec": {"containers": [{}]}}


def test_a_kind_without_a_schema_passes() -> None:
    assert decoded("spec: {anything: [1, null]}", "Cactus", "example.com/v1")[0] == {"spec": {"anything": [1, None]}}


def test_recursive_types_are_no_trouble() -> None:
    text = "spec: {versions: [{name: v1, served: true, schema: {openAPIV3Schema: {properties: {a: {type: string}}}}}]}"
    crd = decoded(text, "CustomResourceDefinition", "apiextensions.k8s.io/v1")[0]
    assert crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"]["properties"] == {"a": {"type": "string"}}


def test_the_schema_tells_how_lists_are_merged() -> None:
    pod_spec = schema.type_named("io.k8s.api.core.v1.PodSpec")
    containers, volumes = pod_spec.fields["containers"], pod_spec.fields["volumes"]
    assert (containers.list_type, containers.map_keys) == ("map", ("name",))
    assert (containers.merge_key, volumes.patch_strategies) == ("name", ("merge", "retainKeys"))
    ports = containers.type.items.fields["ports"]
    assert ports.map_keys == ("containerPort", "protocol")
    assert containers.type.go_name == "[]v1.Container"
    assert pod_spec.fields["nodeSelector"].atomic
    assert schema.type_of("v1", "Cactus") is None


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "unexpected end of JSON input"),
        ('{"a":', "unexpected end of JSON input"),
        ("apiVersion: v1", "invalid character 'a' looking for beginning of value"),
        ("{a:1}", "invalid character 'a' looking for beginning of object key string"),
        ('{"a" 1}', "invalid character '1' after object key"),
        ('{"a":1 "b"}', "invalid character '\"' after object key:value pair"),
        ("[1 2]", "invalid character '2' after array element"),
        ("[1,]", "invalid character ']' looking for beginning of value"),
        ("nulx", "invalid character 'x' in literal null (expecting 'l')"),
        ("1.x", "invalid character 'x' after decimal point in numeric literal"),
        ("-a", "invalid character 'a' in numeric literal"),
        ('"\\x"', "invalid character 'x' in string escape code"),
        ('"a\nb"', "invalid character '\\n' in string literal"),
        ("{}{", "invalid character '{' after top-level value"),
        ("NaN", "invalid character 'N' looking for beginning of value"),
        ("[" * 20000, "exceeded max depth"),
    ],
)
def test_a_text_that_is_not_json_is_refused_in_gos_words(text: str, message: str) -> None:
    with pytest.raises(ValueError) as caught:
        schema.parse_json(text)
    assert str(caught.value) == message


def test_fields_given_twice_are_found_while_reading() -> None:
    value, problems = schema.parse_json('{"spec": {"a": 1, "a": 2, "b": [{"c": 1, "c": 2}]}}')
    assert value == {"spec": {"a": 2, "b": [{"c": 2}]}}
    assert sorted(problems) == ['duplicate field "spec.a"', 'duplicate field "spec.b[0].c"']
    value, problems = schema.parse_yaml("a: 1\nb: 2\na: 3\n")
    assert value == {"a": 3, "b": 2}
    assert problems == ['yaml: unmarshal errors:\n  line 3: key "a" already set in map']


def test_half_a_surrogate_pair_does_not_get_through() -> None:
    assert schema.parse_json('["\\ud800", "\\ud83d\\ude00"]')[0] == ["\ufffd", "\U0001f600"]


def test_yaml_scalars_are_those_of_the_go_library() -> None:
    text = "{a: yes, b: 0777, c: 1e3, d: 2026-01-01, e: 1:30, f: ~, g: 1_000, h: .5, i: 08, 1: x, true: z, j: 'no'}"
    assert schema.parse_yaml(text)[0] == {
        "a": True,
        "b": 511,
        "c": 1000,
        "d": "2026-01-01",
        "e": "1:30",
        "f": None,
        "g": 1000,
        "h": 0.5,
        "i": 8,
        "1": "x",
        "true": "z",
        "j": "no",
    }


def test_yaml_anchors_and_merges_work() -> None:
    assert schema.parse_yaml("a: &a {x: 1, z: 2}\nb: {<<: *a, x: 3}")[0]["b"] == {"x": 3, "z": 2}


@pytest.mark.parametrize(
    "text", ["a: b: c", "a: [1", "\tx: 1", "a: *none", "a: &a [*a]", "x: .inf", "? [a]\n: b", "\x00"]
)
def test_a_text_that_is_not_yaml_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^yaml: "):
        schema.parse_yaml(text)


def test_a_text_that_repeats_itself_without_end_is_refused() -> None:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(ValueError, match=r"^yaml: document contains excessive aliasing$"):
        schema.parse_yaml("\n".join(lines))


JSON = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text(max_size=4)
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(
            st.sampled_from(
                ["metadata", "spec", "containers", "name", "ports", "data", "limits", "env", "template", "x"]
            ),
            inner,
            max_size=4,
        ),
    ),
    max_leaves=12,
)
KINDS = st.sampled_from(
    [("v1", "Pod"), ("apps/v1", "Deployment"), ("v1", "Secret"), ("v1", "Service"), ("v1", "Event")]
)


@given(JSON, KINDS, st.sampled_from(["Strict", "Warn", "Ignore"]))
def test_any_value_is_decoded_or_refused(value: Any, kind: tuple[str, str], mode: str) -> None:
    with contextlib.suppress(StatusError):
        schema.decode(value, *kind, mode)


@given(JSON, KINDS)
def test_decoding_again_changes_nothing(value: Any, kind: tuple[str, str]) -> None:
    with contextlib.suppress(StatusError):
        once = schema.decode(value, *kind, "Ignore")[0]
        assert schema.decode(once, *kind, "Strict") == (once, [])


@given(st.text(alphabet='{}[]",:\\unte01-.e \n', max_size=20))
def test_any_text_is_json_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        schema.parse_json(text)


@given(st.text(alphabet="ab:-? \n{}[],&*!|>'\"#%@`\t~<1", max_size=20))
def test_any_text_is_yaml_or_a_value_error(text: str) -> None:
    with contextlib.suppress(ValueError):
        schema.parse_yaml(text)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.lists(st.tuples(st.text("ab:", max_size=2), inner), max_size=3),
    max_leaves=12,
)
"""Values in which an object is a list of pairs, so that it may hold a key twice."""


def as_text(value: Any, spaces: str) -> str:
    if not isinstance(value, list):
        return json.dumps(value, ensure_ascii=False)
    if value and all(isinstance(item, tuple) for item in value):
        return "{" + ",".join(f"{json.dumps(k)}{spaces}:{as_text(v, spaces)}" for k, v in value) + "}"
    return "[" + ",".join(as_text(item, spaces) for item in value) + "]"


@given(value=JSON_VALUES, spaces=st.sampled_from(["", "", " ", "\n"]))
def test_the_quick_reader_and_the_careful_one_read_the_same(value: Any, spaces: str) -> None:
    text = as_text(value, spaces)
    assert schema.parse_json(text.encode()) == schema.parse_json(text)


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ({"kind": "Lease", "apiVersion": "coordination.k8s.io/v1"}, {"spec": {}}),
        ({"kind": "NetworkPolicy", "apiVersion": "networking.k8s.io/v1"}, {"spec": {"podSelector": {}}}),
        ({"kind": "CSINode", "apiVersion": "storage.k8s.io/v1"}, {"spec": {"drivers": None}}),
        ({"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1", "rules": []}, {"rules": []}),
        ({"kind": "Role", "apiVersion": "rbac.authorization.k8s.io/v1"}, {"rules": None}),
        ({"kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1"}, {"value": 0}),
    ],
)
def test_what_go_writes_is_there_although_nobody_wrote_it(given: dict[str, Any], written: dict[str, Any]) -> None:
    assert schema.decode(given, given["apiVersion"], given["kind"])[0] == {**given, **written}

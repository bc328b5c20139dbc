"""OpenAPI documents: schemas, paths, both versions and the protobuf form."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import orjson
import pytest

from k8snb.apiserver import openapi
from k8snb.apiserver.openapi import gnostic
from k8snb.apiserver.openapi.enums import ENUMS, explained
from k8snb.errors import StatusError
from k8snb.machinery.schema.types import definitions
from k8snb.machinery.scheme import ROWS, Scheme
from k8snb.typing import Resource
from k8snb.wire import Request, Response

SCHEME = Scheme(ROWS)


def get(path: str, accept: str = "", scheme: Scheme = SCHEME) -> Response:
    answer = openapi.serve(Request("GET", path, {}, {"accept": accept}), scheme)
    assert answer is not None
    return answer


def document(path: str, scheme: Scheme = SCHEME) -> Any:
    return orjson.loads(get(path, scheme=scheme).body)


@pytest.fixture(scope="module")
def apps() -> Any:
    return document("/openapi/v3/apis/apps/v1")


@pytest.fixture(scope="module")
def core() -> Any:
    return document("/openapi/v3/api/v1")


@pytest.fixture(scope="module")
def old() -> Any:
    return document("/openapi/v2")


def schema(doc: Any, name: str) -> Any:
    return doc["components"]["schemas"][f"io.k8s.{name}"]


def nodes(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for item in value.values():
            yield from nodes(item)
    elif isinstance(value, list):
        for item in value:
            yield from nodes(item)


def test_the_index_names_a_document_for_each_group_version() -> None:
    answer = get("/openapi/v3").object
    assert answer is not None
    url = answer["paths"]["apis/apps/v1"]["serverRelativeURL"]
    assert url.startswith("/openapi/v3/apis/apps/v1?hash=")
    assert "api/v1" in answer["paths"]


def test_the_hash_changes_with_what_is_served() -> None:
    more = Scheme([*ROWS, Resource("apps", "v1", "Extra", "extras", "extra", True)])
    before, after = get("/openapi/v3").object, get("/openapi/v3", scheme=more).object
    assert before is not None
    assert after is not None
    assert before["paths"]["apis/apps/v1"] != after["paths"]["apis/apps/v1"]
    assert before["paths"]["api/v1"] == after["paths"]["api/v1"]


@pytest.mark.parametrize("path", ["/openapi/v3/apis/nowhere/v1", "/openapi/v4", "/openapi"])
def test_other_paths_have_no_document(path: str) -> None:
    assert openapi.serve(Request("GET", path), SCHEME) is None


def test_types_are_plain_again(apps: Any, core: Any) -> None:
    for node in [*nodes(apps["components"]), *nodes(core["components"])]:
        assert not isinstance(node.get("type"), list)
        assert node.get("additionalProperties") is not False


@pytest.mark.parametrize("group", ["api/v1", "apis/apps/v1", "apis/events.k8s.io/v1", "apis/discovery.k8s.io/v1"])
def test_every_reference_leads_somewhere(group: str) -> None:
    doc = document(f"/openapi/v3/{group}")
    prefix = "#/components/schemas/"
    names = {str(node["$ref"]) for node in nodes(doc) if "$ref" in node and isinstance(node["$ref"], str)}
    assert names
    assert names <= {prefix + name for name in doc["components"]["schemas"]}


def test_a_reference_keeps_its_description_beside_it(apps: Any) -> None:
    strategy = schema(apps, "api.apps.v1.DeploymentStrategy")["properties"]["rollingUpdate"]
    assert strategy == {
        "allOf": [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.RollingUpdateDeployment"}],
        "description": "Rolling update config params. Present only if DeploymentStrategyType = RollingUpdate.",
    }


def test_defaults_are_those_that_go_gives(apps: Any) -> None:
    deployment = schema(apps, "api.apps.v1.Deployment")["properties"]
    assert deployment["metadata"]["default"] == {}
    assert schema(apps, "api.apps.v1.DeploymentCondition")["properties"]["type"]["default"] == ""
    items = schema(apps, "api.apps.v1.DeploymentList")["properties"]["items"]["items"]
    assert items == {"allOf": [{"$ref": "#/components/schemas/io.k8s.api.apps.v1.Deployment"}], "default": {}}


def test_special_types_say_what_they_read(core: Any) -> None:
    assert schema(core, "apimachinery.pkg.util.intstr.IntOrString")["format"] == "int-or-string"
    assert schema(core, "apimachinery.pkg.api.resource.Quantity")["oneOf"] == [{"type": "string"}, {"type": "number"}]


def test_a_kind_knows_its_group_and_version(apps: Any) -> None:
    kind = {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert schema(apps, "api.apps.v1.Deployment")["x-kubernetes-group-version-kind"] == [kind]
    assert "enum" not in schema(apps, "api.apps.v1.Deployment")["properties"]["kind"]


def test_fixed_values_are_listed_and_explained(core: Any) -> None:
    type = schema(core, "api.core.v1.ServiceSpec")["properties"]["type"]
    assert type["enum"] == ["ClusterIP", "ExternalName", "LoadBalancer", "NodePort"]
    assert type["description"].splitlines()[-1] == (
        " - `\"NodePort\"` means a service will be exposed on one port of every node, in addition to 'ClusterIP' type."
    )
    modes = schema(core, "api.core.v1.PersistentVolumeClaimSpec")["properties"]["accessModes"]
    assert "ReadWriteOncePod" in modes["items"]["enum"]
    assert "Possible" not in modes["description"]


def test_values_without_a_text_stand_alone() -> None:
    assert explained("What.", {"B": "", "A": "is first."}) == (
        'What.\n\nPossible enum values:\n - `"A"` is first.\n - `"B"`'
    )


@pytest.mark.parametrize("key", sorted(ENUMS))
def test_every_field_with_fixed_values_exists(key: str) -> None:
    definition, field = key.rsplit(".", 1)
    found = definitions()[f"io.k8s.api.{definition}"]["properties"][field]
    shape = found.get("items", found)
    assert "string" in shape["type"]


def test_a_path_says_what_can_be_done_and_with_which_kind(apps: Any) -> None:
    path = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}"]
    assert set(path) == {"delete", "get", "patch", "put", "parameters"}
    assert [p["name"] for p in path["parameters"]] == ["name", "namespace", "pretty"]
    patch = path["patch"]
    assert patch["operationId"] == "patchAppsV1NamespacedDeployment"
    assert patch["x-kubernetes-action"] == "patch"
    assert patch["x-kubernetes-group-version-kind"] == {"group": "apps", "version": "v1", "kind": "Deployment"}
    assert {"dryRun", "fieldManager", "fieldValidation", "force"} == {p["name"] for p in patch["parameters"]}
    assert "application/apply-patch+yaml" in patch["requestBody"]["content"]


@pytest.mark.parametrize(
    ("method", "path", "name"),
    [
        ("get", "/api/v1/pods", "listCoreV1PodForAllNamespaces"),
        ("get", "/api/v1/namespaces/{namespace}/pods", "listCoreV1NamespacedPod"),
        ("delete", "/api/v1/namespaces/{namespace}/pods", "deleteCoreV1CollectionNamespacedPod"),
        ("post", "/api/v1/namespaces/{namespace}/pods/{name}/eviction", "createCoreV1NamespacedPodEviction"),
        ("get", "/api/v1/namespaces/{namespace}/pods/{name}/log", "readCoreV1NamespacedPodLog"),
        ("get", "/api/v1/namespaces/{namespace}/pods/{name}/exec", "connectCoreV1GetNamespacedPodExec"),
        ("put", "/api/v1/namespaces/{name}/finalize", "replaceCoreV1NamespaceFinalize"),
        ("get", "/api/v1/nodes/{name}", "readCoreV1Node"),
        (
            "post",
            "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token",
            "createCoreV1NamespacedServiceAccountToken",
        ),
    ],
)
def test_operations_are_named_as_upstream_names_them(core: Any, method: str, path: str, name: str) -> None:
    assert core["paths"][path][method]["operationId"] == name


def test_operation_ids_are_unique(core: Any, apps: Any) -> None:
    ids = [
        operation["operationId"]
        for doc in (core, apps)
        for path in doc["paths"].values()
        for method, operation in path.items()
        if method != "parameters"
    ]
    assert len(ids) == len(set(ids))


def test_a_subresource_may_have_a_kind_of_its_own(apps: Any) -> None:
    scale = apps["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments/{name}/scale"]["get"]
    assert scale["x-kubernetes-group-version-kind"] == {"group": "autoscaling", "version": "v1", "kind": "Scale"}
    answer = scale["responses"]["200"]["content"]["application/json"]["schema"]
    assert answer == {"$ref": "#/components/schemas/io.k8s.api.autoscaling.v1.Scale"}


def test_a_kind_without_a_published_definition_is_served_all_the_same() -> None:
    scheme = Scheme([Resource("example.com", "v1", "EtcdCluster", "etcdclusters", "etcdcluster", True)])
    doc = document("/openapi/v3/apis/example.com/v1", scheme)
    operation = doc["paths"]["/apis/example.com/v1/namespaces/{namespace}/etcdclusters"]["get"]
    assert operation["operationId"] == "listExampleComV1NamespacedEtcdCluster"


def test_version_2_has_everything_in_one_document(old: Any) -> None:
    assert old["swagger"] == "2.0"
    service = old["definitions"]["io.k8s.api.core.v1.ServiceSpec"]["properties"]
    assert service["sessionAffinityConfig"]["$ref"] == "#/definitions/io.k8s.api.core.v1.SessionAffinityConfig"
    assert old["definitions"]["io.k8s.apimachinery.pkg.util.intstr.IntOrString"]["type"] == "string"
    assert not [node for node in nodes(old["definitions"]) if {"allOf", "oneOf", "default"} & {*node} - {*_fields(old)}]
    post = old["paths"]["/apis/apps/v1/namespaces/{namespace}/deployments"]["post"]
    assert post["parameters"][0] == {
        "name": "body",
        "in": "body",
        "schema": {"$ref": "#/definitions/io.k8s.api.apps.v1.Deployment"},
        "required": True,
    }


def _fields(doc: Any) -> set[str]:
    """Names of API fields, which may be any word."""
    return {field for node in doc["definitions"].values() for field in node.get("properties", {})}


@pytest.mark.parametrize("accept", openapi.PROTOBUF_TYPES)
def test_version_2_is_sent_as_protobuf_to_those_who_ask(accept: str) -> None:
    answer = get("/openapi/v2", accept)
    assert answer.content_type == "application/com.github.proto-openapi.spec.v2.v1.0+protobuf"
    assert answer.body.startswith(b"\x0a\x032.0")


def test_version_2_is_not_sent_in_a_form_that_we_do_not_have() -> None:
    with pytest.raises(StatusError) as refused:
        get("/openapi/v2", "text/html")
    assert refused.value.code == 406


def fields_of(message: bytes) -> list[tuple[int, Any]]:
    """The fields of a protobuf message: (number, integer or bytes)."""
    found: list[tuple[int, Any]] = []
    while message:
        key, message = varint(message)
        value, message = varint(message)
        if key & 7 == 0:
            found.append((key >> 3, value))
        else:
            found.append((key >> 3, message[:value]))
            message = message[value:]
    return found


def varint(message: bytes) -> tuple[int, bytes]:
    length = next(index for index, byte in enumerate(message) if byte < 0x80) + 1
    return sum((byte & 0x7F) << 7 * index for index, byte in enumerate(message[:length])), message[length:]


def inside(message: bytes, *numbers: int) -> bytes:
    """The content at a path of field numbers, each the first of its message."""
    for number in numbers:
        message = dict(reversed(fields_of(message)))[number]
    return message


def test_a_parameter_stands_in_the_branch_of_its_place() -> None:
    watch = {"name": "watch", "in": "query", "type": "boolean", "uniqueItems": True}
    encoded = gnostic.encode({"paths": {"/x": {"get": {"parameters": [watch]}}}})
    assert inside(encoded, 8, 2, 1) == b"/x"
    parameter = inside(encoded, 8, 2, 2, 2, 8, 1, 2, 3)
    assert fields_of(parameter) == [(4, b"watch"), (2, b"query"), (6, b"boolean"), (20, 1)]


def test_an_extension_travels_as_yaml() -> None:
    doc = {"definitions": {"A": {"type": "object", "x-kubernetes-list-map-keys": ["port"]}}}
    schema = inside(gnostic.encode(doc), 9, 1, 2)
    assert inside(schema, 22, 1) == b"object"
    assert inside(schema, 31, 1) == b"x-kubernetes-list-map-keys"
    assert inside(schema, 31, 2, 2) == b'["port"]\n'

"""Media types in and out."""

from __future__ import annotations

import pytest

from k8snb.apiserver.negotiation import (
    DISCOVERY_VIEWS,
    RESOURCE_VIEWS,
    Accepted,
    View,
    body_media_type,
    negotiate,
    patch_kind,
    wants_pretty,
)
from k8snb.errors import StatusError

KUBECTL_GET = (
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json;as=Table;v=v1beta1;g=meta.k8s.io,application/json"
)
KUBECTL_DISCOVERY = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,application/json"
)
TABLE = View("meta.k8s.io", "v1", "Table")


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("", Accepted("application/json")),
        ("*/*", Accepted("application/json")),
        ("application/*", Accepted("application/json")),
        ("application/yaml", Accepted("application/yaml")),
        ("application/vnd.kubernetes.protobuf,application/json", Accepted("application/json")),
        ("application/json;q=0.5, application/yaml", Accepted("application/yaml")),
        ("*/*, application/yaml", Accepted("application/yaml")),
        ("application/json;pretty=1", Accepted("application/json", pretty=True)),
        ("application/json;stream=watch", Accepted("application/json", stream=True)),
        ("application/json;q=nonsense", Accepted("application/json")),
        (KUBECTL_GET, Accepted("application/json", TABLE)),
        ("application/json;as=Nothing;v=v1;g=meta.k8s.io,application/yaml", Accepted("application/yaml")),
    ],
)
def test_the_best_acceptable_answer_is_chosen(header: str, expected: Accepted) -> None:
    assert negotiate(header, RESOURCE_VIEWS) == expected


def test_an_endpoint_without_views_answers_with_the_object() -> None:
    assert negotiate(KUBECTL_GET) == Accepted("application/json")


def test_discovery_says_in_its_content_type_which_view_was_chosen() -> None:
    assert negotiate(KUBECTL_DISCOVERY, DISCOVERY_VIEWS).content_type == (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList"
    )
    assert negotiate(KUBECTL_GET, RESOURCE_VIEWS).content_type == "application/json"


@pytest.mark.parametrize(
    "header",
    ["text/html", "application/vnd.kubernetes.protobuf", "application/json;as=Table;v=v2;g=meta.k8s.io", "x"],
)
def test_a_client_that_accepts_nothing_we_have_is_refused(header: str) -> None:
    with pytest.raises(StatusError) as refused:
        negotiate(header, RESOURCE_VIEWS)
    assert refused.value.code == 406
    assert refused.value.message == "only the following media types are accepted: application/json, application/yaml"


def test_a_body_is_json_unless_it_says_otherwise() -> None:
    assert body_media_type("") == "application/json"
    assert body_media_type("application/yaml; charset=utf-8") == "application/yaml"


def test_a_body_in_an_unknown_format_is_refused() -> None:
    with pytest.raises(StatusError) as refused:
        body_media_type("text/plain")
    assert refused.value.code == 415
    assert refused.value.message == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json, application/yaml, application/vnd.kubernetes.protobuf"
    )


def test_the_media_type_of_a_patch_names_its_kind() -> None:
    assert patch_kind("application/strategic-merge-patch+json") == "strategic"
    assert patch_kind("application/apply-patch+yaml; charset=utf-8") == "apply"


def test_a_patch_in_an_unknown_format_is_refused() -> None:
    with pytest.raises(StatusError) as refused:
        patch_kind("application/json")
    assert refused.value.message == (
        "the body of the request was in an unknown format - accepted media types include: "
        "application/json-patch+json, application/merge-patch+json, application/strategic-merge-patch+json, "
        "application/apply-patch+yaml"
    )
    with pytest.raises(StatusError) as refused:
        patch_kind("application/strategic-merge-patch+json", strategic=False)
    assert "strategic" not in refused.value.message


def test_people_get_indented_answers() -> None:
    assert wants_pretty({}, "curl/8.0")
    assert wants_pretty({"pretty": "true"}, "kubectl/v1.33")
    assert not wants_pretty({"pretty": "false"}, "curl/8.0")
    assert not wants_pretty({}, "kubectl/v1.33")

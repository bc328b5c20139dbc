"""What refusals say, and how they are held against what was expected."""

from __future__ import annotations

from tests.edge.asking import Answer

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


def refused(answer: Answer, code: int, reason: str, message: str) -> None:
    """Compare an answer with the refusal that is due."""
    assert (answer.code, answer.reason, answer.message) == (code, reason, message)

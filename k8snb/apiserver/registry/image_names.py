"""How an image is named: `[registry/]repository[:tag][@digest]`.

Only what the API needs to know: the tag that a name asks for, because an image named `latest` (or not
tagged at all) is pulled every time. Upstream: `pkg/util/parsers`, after `distribution/reference`.
"""

from __future__ import annotations

import re

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|-+)[a-z0-9]+)*"
_DOMAIN = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_HOST = rf"(?:{_DOMAIN}(?:\.{_DOMAIN})*|\[[a-fA-F0-9:]+\])(?::[0-9]+)?"
_REFERENCE = re.compile(
    rf"(?:{_HOST}/)?{_COMPONENT}(?:/{_COMPONENT})*"
    r"(?::(?P<tag>[\w][\w.-]{0,127}))?"
    r"(?:@(?P<digest>[A-Za-z][A-Za-z0-9]*(?:[-_+.][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,}))?"
)


def tag_of(image: str) -> str:
    """The tag: `latest` when neither tag nor digest is given, empty when only a digest is or the name is malformed."""
    match = _REFERENCE.fullmatch(image)
    if match is None:
        return ""
    return match["tag"] or ("" if match["digest"] else "latest")


def pull_policy(image: str) -> str:
    """The `imagePullPolicy` of a container that does not say."""
    return "Always" if tag_of(image) == "latest" else "IfNotPresent"

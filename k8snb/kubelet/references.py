"""Image references: `nginx`, `nginx:1.27-alpine`, `registry.k8s.io/pause@sha256:…`, and what they stand for.

Upstream: `distribution/reference` and `pkg/util/parsers`. The grammar is small: an optional registry (a first
component with a dot, a colon or `localhost`), path components in lower case, an optional tag, an optional digest.
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

_COMPONENT = r"[a-z0-9]+(?:(?:[._]|__|[-]+)[a-z0-9]+)*"
_NAME = re.compile(rf"{_COMPONENT}(?:/{_COMPONENT})*")
_LABEL = r"[a-zA-Z0-9](?:[a-zA-Z0-9-]*[a-zA-Z0-9])?"
_DOMAIN = re.compile(rf"{_LABEL}(?:\.{_LABEL})*(?::[0-9]+)?")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_HEX = re.compile(r"[0-9a-f]{64}")


class InvalidReference(ValueError):
    """The text is no image reference; the message is the kubelet's."""


class Reference(NamedTuple):
    """A reference in full: registry, repository, and the tag or the digest that chooses the image."""

    registry: str
    repository: str
    tag: str
    digest: str

    @property
    def name(self) -> str:
        """Registry and repository: `docker.io/library/nginx`."""
        return f"{self.registry}/{self.repository}"

    def __str__(self) -> str:
        return f"{self.name}@{self.digest}" if self.digest else f"{self.name}:{self.tag}"


@lru_cache(maxsize=4096)
def parse(text: str) -> Reference:
    """The reference that an image field means; `latest` is the tag where none is given."""
    try:
        return _parse(text)
    except InvalidReference as error:
        raise InvalidReference(f'couldn\'t parse image name "{text}": {error}') from None


def _parse(text: str) -> Reference:
    if _HEX.fullmatch(text):
        raise InvalidReference("invalid repository name, cannot specify 64-byte hexadecimal strings")
    rest, _, digest = text.partition("@")
    if "@" in text and not _DIGEST.fullmatch(digest):
        raise InvalidReference("invalid reference format")
    rest, tag = _split_tag(rest)
    registry, repository = _split_registry(rest)
    if not _NAME.fullmatch(repository):
        if _NAME.fullmatch(repository.lower()):
            raise InvalidReference(f"invalid reference format: repository name ({repository}) must be lowercase")
        raise InvalidReference("invalid reference format")
    if not _DOMAIN.fullmatch(registry) or (tag is not None and not _TAG.fullmatch(tag)):
        raise InvalidReference("invalid reference format")
    return Reference(registry, repository, tag or ("" if digest else "latest"), digest)


def _split_tag(text: str) -> tuple[str, str | None]:
    head, colon, tail = text.rpartition(":")
    if not colon or "/" in tail:
        return text, None
    return head, tail


def _split_registry(text: str) -> tuple[str, str]:
    first, slash, rest = text.partition("/")
    if not slash or not ("." in first or ":" in first or first == "localhost"):
        registry, repository = "docker.io", text
    else:
        registry, repository = ("docker.io" if first == "index.docker.io" else first), rest
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return registry, repository

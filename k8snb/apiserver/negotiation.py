"""What the client sends and what it wants back: media types in and out.

`Accept` carries more than a format. Its parameters ask for another view of the same objects
(`as=Table;v=v1;g=meta.k8s.io`), which is how kubectl gets printed rows, metadata alone, or the whole of
discovery in one answer. An endpoint says which views it offers; a clause that asks for any other is passed
over, and the next best one is taken.

Upstream: `apiserver/pkg/endpoints/handlers/negotiation`. Whoever accepts JSON beside protobuf gets JSON; objects,
lists and watches go out as protobuf where a client accepts nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import NamedTuple

from k8snb.errors import not_acceptable, unsupported_media_type

JSON = "application/json"
YAML = "application/yaml"
PROTOBUF = "application/vnd.kubernetes.protobuf"

ANSWERS = (JSON, YAML)
"""The formats of answers, the preferred one first."""

STREAMS = (JSON, PROTOBUF)
"""The formats of watches."""

BODIES = (JSON, YAML, PROTOBUF)
"""The formats of request bodies."""

APPLY = "application/apply-patch+yaml"
PATCHES = {
    "application/json-patch+json": "json",
    "application/merge-patch+json": "merge",
    "application/strategic-merge-patch+json": "strategic",
    APPLY: "apply",
}
"""The kind of patch that each media type names."""


class View(NamedTuple):
    """A kind that an answer can be converted to."""

    group: str
    version: str
    kind: str


def _meta(kind: str) -> frozenset[View]:
    return frozenset(View("meta.k8s.io", version, kind) for version in ("v1", "v1beta1"))


RESOURCE_VIEWS = _meta("Table") | _meta("PartialObjectMetadata") | _meta("PartialObjectMetadataList")
"""What resources can be seen as."""

DISCOVERY_VIEWS = frozenset(View("apidiscovery.k8s.io", v, "APIGroupDiscoveryList") for v in ("v2", "v2beta1"))
"""What the discovery roots can be seen as."""


class Accepted(NamedTuple):
    """The outcome: in which format to answer, seen as what, indented or not."""

    media_type: str = JSON
    view: View | None = None
    pretty: bool = False
    stream: bool = False

    @property
    def content_type(self) -> str:
        """The `Content-Type` of the answer; for discovery it says which view was chosen."""
        if self.view in DISCOVERY_VIEWS and self.view is not None:
            return f"{self.media_type};g={self.view.group};v={self.view.version};as={self.view.kind}"
        return self.media_type

    @property
    def kind(self) -> str:
        """The kind of the view; empty for the objects themselves."""
        return self.view.kind if self.view else ""


class _Clause(NamedTuple):
    """One alternative of an Accept header."""

    type: str
    subtype: str
    quality: float
    parameters: Mapping[str, str]

    def matches(self, media_type: str) -> bool:
        """Whether it covers a media type; `*` covers everything."""
        type, _, subtype = media_type.partition("/")
        return self.type in (type, "*") and self.subtype in (subtype, "*")


def _parse(header: str) -> list[_Clause]:
    """The clauses, most wanted first: by quality, then the more specific, then as written."""
    clauses = [_clause(part) for part in header.split(",") if part.strip()]
    return sorted(
        (clause for clause in clauses if clause.quality > 0),
        key=lambda clause: (-clause.quality, clause.type == "*", clause.subtype == "*"),
    )


def _clause(text: str) -> _Clause:
    media_type, *rest = (piece.strip() for piece in text.split(";"))
    type, _, subtype = media_type.partition("/")
    pairs = (piece.partition("=") for piece in rest if piece)
    parameters = {key.strip(): value.strip().strip('"') for key, _, value in pairs}
    return _Clause(type, subtype or "*", _quality(parameters.pop("q", "1")), parameters)


def _quality(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 1.0


@lru_cache(maxsize=1024)
def negotiate(
    accept: str, views: frozenset[View] = frozenset(), *, watch: bool = False, protobuf: bool = False
) -> Accepted:
    """How to answer a request with this `Accept` header at an endpoint that offers these views.

    `protobuf` says whether the endpoint can write that too, for those who take nothing else. Raises a 406 if nothing
    that the client accepts can be had.
    """
    if not accept.strip():
        return Accepted()
    found = _first(accept, (JSON,) if watch else ANSWERS, views)
    if found is None and protobuf:
        found = _first(accept, (PROTOBUF,), frozenset())
    if found is not None:
        return found
    binary = (PROTOBUF,) if protobuf else ()
    offered = [f"{each};stream=watch" for each in (JSON, *binary)] if watch else [*ANSWERS, *binary]
    raise not_acceptable(offered)


@lru_cache(maxsize=256)
def choose(accept: str, media_types: tuple[str, ...], views: frozenset[View], plain: str) -> Accepted | None:
    """How to answer at an endpoint that has one format for people, `plain`, and its views in all others."""
    for clause in _parse(accept):
        for media_type in media_types:
            accepted = _accept(clause, media_type, views) if clause.matches(media_type) else None
            if accepted is not None and (accepted.view is None) == (media_type == plain):
                return accepted
    return None


def _first(accept: str, media_types: Collection[str], views: Collection[View]) -> Accepted | None:
    """The best of what a header asks for that can be had in one of the formats."""
    for clause in _parse(accept):
        for media_type in media_types:
            if clause.matches(media_type):
                accepted = _accept(clause, media_type, views)
                if accepted is not None:
                    return accepted
    return None


def _accept(clause: _Clause, media_type: str, views: Collection[View]) -> Accepted | None:
    """What a clause comes to in a format; None if it asks for what the endpoint does not have."""
    wanted = clause.parameters
    stream = wanted.get("stream", "")
    if stream not in ("", "watch") or (stream and media_type not in STREAMS) or wanted.get("sv"):
        return None
    view = None
    if "as" in wanted or "g" in wanted or "v" in wanted:
        view = View(wanted.get("g", ""), wanted.get("v", ""), wanted.get("as", ""))
        if view not in views:
            return None
    return Accepted(media_type, view, wanted.get("pretty") == "1", bool(stream))


_HUMANS = ("curl", "Wget", "Mozilla/5.0")
_TRUE = ("1", "t", "T", "true", "TRUE", "True")


def wants_pretty(query: Mapping[str, str], user_agent: str) -> bool:
    """Whether to indent: `?pretty=true`, or a client that people look at (curl, wget, a browser)."""
    asked = query.get("pretty", "")
    return asked in _TRUE if asked else user_agent.startswith(_HUMANS)


def _bare(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def body_media_type(content_type: str) -> str:
    """The format of a request body; JSON if the client does not say. Raises a 415 for any other."""
    bare = _bare(content_type) or JSON
    if bare not in BODIES:
        raise unsupported_media_type(BODIES)
    return bare


def patch_kind(content_type: str, *, strategic: bool = True) -> str:
    """The kind of patch: `json`, `merge`, `strategic` or `apply`. Raises a 415 for any other.

    Custom resources do not know the strategic merge patch; their endpoints say `strategic=False`.
    """
    offered = {media: kind for media, kind in PATCHES.items() if strategic or kind != "strategic"}
    kind = offered.get(_bare(content_type))
    if kind is None:
        raise unsupported_media_type(offered)
    return kind

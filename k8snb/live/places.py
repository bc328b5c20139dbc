"""What a path of the API leads to, read the way a server reads it.

A path is taken apart and put together again, so what is judged is what is sent. Paths that could mean something else
further on (dots that lead elsewhere, slashes in disguise) are `crooked`, and nobody needs them.
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import quote, unquote

_PATH = re.compile(
    r"/api(?:s/(?P<group>[^/]+))?/(?P<version>v[^/]+)"
    r"(?:/namespaces/(?P<namespace>[^/]+)(?=/[^/]+))?"
    r"/(?P<plural>[^/]+)(?:/(?P<name>[^/]+))?(?:/(?P<sub>.+))?"
)
_PARTS = ("status", "finalize")
"""Parts of a namespace that look like resources in it."""
_DOTS = re.compile(r"(^|/)\.{1,2}(/|$)")


class Place(NamedTuple):
    """What a path leads to; `namespace` is empty for what is of the whole cluster."""

    group: str
    version: str
    namespace: str
    plural: str
    name: str
    sub: str

    @property
    def resource(self) -> str:
        """`deployments.apps`."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def what(self) -> str:
        """What it is called in a sentence."""
        return f"{self.resource}/{self.name}" if self.name else self.resource

    @property
    def path(self) -> str:
        """The path that leads there."""
        start = f"/apis/{quote(self.group)}/{self.version}" if self.group else f"/api/{self.version}"
        where = f"/namespaces/{quote(self.namespace)}" if self.namespace else ""
        rest = [quote(self.plural), quote(self.name, safe=":"), quote(self.sub, safe="/:")]
        return start + where + "".join(f"/{each}" for each in rest if each)


def place_of(path: str) -> Place | None:
    """What a path leads to; None for those that are not about resources."""
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    group, version, namespace, plural, name, sub = (unquote(found[each] or "") for each in _PATH.groupindex)
    if namespace and plural in _PARTS and not name and not group:
        return Place(group, version, "", "namespaces", namespace, plural)
    return Place(group, version, namespace, plural, name, sub)


def is_crooked(path: str) -> bool:
    """Whether a path could lead elsewhere than it seems."""
    plain = unquote(path)
    return (
        bool(_DOTS.search(plain)) or "//" in plain or "\\" in plain or re.search("%2f", path, re.IGNORECASE) is not None
    )

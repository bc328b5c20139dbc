"""Paths and URLs. Upstream: sprig's `url.go`, Go's `path`."""

from __future__ import annotations

import posixpath
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from k8snb.machinery.gotemplate import FunctionError


def _base(path: str) -> str:
    stripped = path.rstrip("/")
    if not path:
        return "."
    return posixpath.basename(stripped) or "/"


def _clean(path: str) -> str:
    cleaned = posixpath.normpath(path) if path else "."
    return cleaned[1:] if cleaned.startswith("//") else cleaned


def _dir(path: str) -> str:
    return _clean(path[: path.rfind("/") + 1])


def _ext(path: str) -> str:
    name = path[path.rfind("/") + 1 :]
    return name[name.rfind(".") :] if "." in name else ""


def _is_abs(path: str) -> bool:
    return path.startswith("/")


def _url_parse(text: str) -> dict[str, Any]:
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise FunctionError(f"unable to parse url: {error}") from None
    user, at, host = parts.netloc.rpartition("@")
    return {
        "scheme": parts.scheme, "host": host if at else parts.netloc, "hostname": (parts.hostname or ""),
        "path": parts.path, "query": parts.query, "opaque": "", "fragment": parts.fragment, "userinfo": user,
    }  # fmt: skip


def _url_join(parts: dict[str, Any]) -> str:
    user = parts.get("userinfo") or ""
    host = f"{user}@{parts.get('host') or ''}" if user else parts.get("host") or ""
    path = parts.get("path") or ""
    rest = (parts.get("query") or "", parts.get("fragment") or "")
    joined: str = urlunsplit((parts.get("scheme") or "", host, path, *rest))
    return joined


_PATHS: Mapping[str, Callable[..., Any]] = {"base": _base, "clean": _clean, "dir": _dir, "ext": _ext, "isAbs": _is_abs}

FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    **_PATHS,
    **{f"os{name[0].upper()}{name[1:]}": function for name, function in _PATHS.items()},
    "urlJoin": _url_join,
    "urlParse": _url_parse,
}
"""By name."""

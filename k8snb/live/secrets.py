"""What nobody gets to see of a live cluster: the values of Secrets, tokens, private keys.

They are covered where answers come in, so that whatever is shown afterwards (tables, diffs, steppers, errors) has
nothing to hide any more. A covered value is as long as the value was, because `describe` says how long it is and that
is no secret. What a covered value is written back with, is the value itself (`uncovered`).

Texts (logs, what commands print, error messages) are searched for what has been covered before, and for what looks
like a credential wherever it stands: tokens and private keys. So is what others have put into objects that are no
Secrets; what the notebook itself has written there it gets back as it is.
"""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.typing import Object

COVER = "*"
LEAST = 8
"""Shorter values are not searched for in texts: they are words like any other."""

_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
_RELEASE = "helm.sh/release.v1"
"""The records of helm, which it reads again. What is in the notebook's own was on the page before."""
_CREDENTIAL = re.compile(
    r"eyJ[\w-]{8,}\.eyJ[\w-]{8,}\.[\w-]{8,}"
    r"|-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)"
    r"|(?<=Bearer )[\w.~+/-]{8,}=*",
    re.DOTALL,
)


class Covers:
    """Covers what is secret in the answers of a cluster, and remembers it to find it elsewhere.

    `ours` says which objects the notebook has made.
    """

    def __init__(self, ours: Callable[[Object], bool] = lambda obj: False) -> None:
        self._known: set[str] = set()
        self._ours = ours

    def __repr__(self) -> str:
        return f"<Covers of {len(self._known)} values>"

    def learn(self, value: str) -> None:
        """Remember a value that no text may show."""
        self._known |= {part for part in (value, *value.split()) if len(part) >= LEAST and not is_covered(part)}

    def text(self, text: str) -> str:
        """A text without what is secret."""
        for value in sorted(self._known, key=len, reverse=True):
            text = text.replace(value, COVER * 3)
        return _CREDENTIAL.sub(COVER * 3, text)

    def answer(self, obj: Any) -> Any:
        """An answer of the API without what is secret: an object, a list, a Table, or an event of a watch."""
        if not isinstance(obj, Mapping):
            return obj
        kind = str(obj.get("kind", ""))
        if "object" in obj and "type" in obj and not kind:
            return {**obj, "object": self.answer(obj["object"])}
        if kind == "Status":
            return _everywhere(obj, self.text)
        if kind == "TokenRequest":
            return self._token(obj)
        if kind in ("SecretList", "PartialObjectMetadataList"):
            return {**obj, "items": [self._secret(each) for each in obj.get("items") or ()]}
        if kind == "List":
            return {**obj, "items": [self.answer(each) for each in obj.get("items") or ()]}
        if kind == "Table":
            return {**obj, "rows": [self._row(row) for row in obj.get("rows") or ()]}
        if kind in ("Secret", "PartialObjectMetadata"):
            return self._secret(obj)
        if "items" in obj:
            return {**obj, "items": [self._plain(each) for each in obj["items"] or ()]}
        return self._plain(obj)

    def _plain(self, obj: Any) -> Any:
        """What is no Secret, without credentials that somebody else has left in it."""
        if self._ours(obj) or not _CREDENTIAL.search(json.dumps(obj)):
            return obj
        return _everywhere(obj, lambda text: _CREDENTIAL.sub(COVER * 3, text))

    def _token(self, obj: Object) -> Object:
        status = obj.get("status") or {}
        if "token" not in status:
            return obj
        self.learn(str(status["token"]))
        return {**obj, "status": {**status, "token": COVER * 3}}

    def _row(self, row: Object) -> Object:
        obj = row.get("object")
        return {**row, "object": self._secret(obj)} if isinstance(obj, Mapping) else row

    def _secret(self, obj: Object) -> Object:
        if obj.get("type") == _RELEASE and self._ours(obj):
            return obj
        covered = dict(obj)
        if isinstance(obj.get("data"), Mapping):
            covered["data"] = {key: self._covered(str(value)) for key, value in obj["data"].items()}
        if isinstance(obj.get("stringData"), Mapping):
            covered["stringData"] = {key: COVER * len(str(value)) for key, value in obj["stringData"].items()}
        annotations = (obj.get("metadata") or {}).get("annotations") or {}
        if _APPLIED in annotations:
            applied = {**annotations, _APPLIED: self._applied(annotations[_APPLIED])}
            covered["metadata"] = {**obj["metadata"], "annotations": applied}
        return covered

    def _applied(self, text: str) -> str:
        try:
            applied = json.loads(text)
        except ValueError:
            return text
        if not isinstance(applied, Mapping) or applied.get("kind") != "Secret":
            return text
        return json.dumps(self._secret(applied), separators=(",", ":")) + "\n"

    def _covered(self, value: str) -> str:
        plain = decoded(value)
        self.learn(value)
        self.learn(plain.decode(errors="replace"))
        return covered(plain)


def _everywhere(obj: Any, change: Callable[[str], str]) -> Any:
    """The same with every text in it changed."""
    if isinstance(obj, str):
        return change(obj)
    if isinstance(obj, Mapping):
        return {key: _everywhere(value, change) for key, value in obj.items()}
    return [_everywhere(each, change) for each in obj] if isinstance(obj, list) else obj


def decoded(value: str) -> bytes:
    """What is behind a value of a Secret; nothing if it is no Base64."""
    try:
        return b64decode(value)
    except ValueError:
        return b""


def covered(plain: bytes) -> str:
    """A value of a Secret of the same length that says nothing."""
    return b64encode(COVER.encode() * len(plain)).decode()


def is_covered(value: str) -> bool:
    """Whether a value says nothing."""
    return bool(value) and not value.strip(COVER)


def has_covered(secret: Object) -> bool:
    """Whether somebody is about to write covered values."""
    values = (secret.get("data") or {}).values()
    return any(is_covered(decoded(str(value)).decode(errors="replace")) for value in values)


def uncovered(secret: Object, current: Object) -> Object:
    """What somebody writes of a Secret, with the values as they are where it has covered ones."""
    known = current.get("data") or {}
    data = secret.get("data") or {}
    cover = {key: covered(decoded(value)) for key, value in known.items()}
    return {**secret, "data": {key: known[key] if cover.get(key) == value else value for key, value in data.items()}}

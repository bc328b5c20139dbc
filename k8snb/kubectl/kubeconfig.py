"""What a kubeconfig holds: clusters, users, and contexts that pair them; one of these for each cluster of a notebook.

It is kept in memory, so there is no file to edit or to lose. At the start it has the one context that leads to the
cluster as its administrator; `kubectl config` adds others and switches between them.
Upstream: `client-go/tools/clientcmd/api/v1/types.go`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.kubectl.errors import CommandError
from k8snb.typing import Object

SERVER = "https://10.96.0.1:443"
"""Where the cluster would be found on a network."""
IN_PROCESS = "in-process"
"""The token of whoever holds the client: such a request needs no proof."""
FILE = "kubeconfig"
"""What messages call the file that there is not."""

_KINDS = {"clusters": "cluster", "users": "user", "contexts": "context"}
"""The lists of a kubeconfig, and the field that holds what an entry says."""
_JSON_ORDER = ("server", "tls-server-name", "insecure-skip-tls-verify", "certificate-authority-data")
_DATA = ("certificate-authority-data", "client-certificate-data", "client-key-data")
_HIDDEN = {"token": "REDACTED", "password": "REDACTED", **dict.fromkeys(_DATA, "DATA+OMITTED")}

Entries = dict[str, dict[str, Any]]


class Kubeconfig:
    """Named entries of three kinds, and which context is the current one."""

    def __init__(self, name: str = "k8snb", user: str = "admin", server: str = SERVER) -> None:
        self.current = name
        self.server_reached = server
        """Where the client leads, whatever the entries say."""
        self.entries: dict[str, Entries] = {
            "clusters": {name: {"server": server, "certificate-authority-data": "LS0tLS1CRUdJTg=="}},
            "users": {user: {"token": IN_PROCESS}},
            "contexts": {name: {"cluster": name, "user": user}},
        }

    def context(self, name: str = "") -> Object:
        """The context of that name, or the current one."""
        wanted = name or self.current
        found = self.entries["contexts"].get(wanted)
        if found is None:
            raise CommandError(
                f"Error in configuration: context was not found for specified context: {wanted}", plain=True
            )
        return found

    def namespace(self, name: str = "") -> str:
        """The namespace of that context, or of the current one; empty if it does not say."""
        return str((self.entries["contexts"].get(name or self.current) or {}).get("namespace", ""))

    def user(self, name: str) -> Object:
        """How that user proves to be who they are."""
        found = self.entries["users"].get(name)
        if found is None:
            raise CommandError(f'auth info "{name}" does not exist')
        return found

    def server(self, name: str) -> str:
        """The address of that cluster."""
        found = self.entries["clusters"].get(name)
        if found is None:
            raise CommandError(f'no server found for cluster "{name}"')
        return str(found.get("server", ""))

    def merge(self, kind: str, name: str, fields: Mapping[str, Any]) -> bool:
        """Set fields of an entry, taking off those that are None; says whether the entry was there."""
        before = self.entries[kind].get(name)
        after = {**(before or {}), **fields}
        self.entries[kind][name] = {key: value for key, value in after.items() if value not in (None, "")}
        return before is not None

    def minified(self, context: str) -> Kubeconfig:
        """Only what one context needs."""
        if not (context or self.current):
            raise CommandError("current-context must exist in order to minify")
        wanted = context or self.current
        found = self.entries["contexts"].get(wanted)
        if found is None:
            raise CommandError(f"cannot locate context {wanted}")
        for kind, field in (("users", "user"), ("clusters", "cluster")):
            if found.get(field) and found[field] not in self.entries[kind]:
                raise CommandError(f"cannot locate {field} {found[field]}")
        small = Kubeconfig()
        small.current = wanted
        small.entries = {
            "clusters": self._only("clusters", str(found.get("cluster"))),
            "users": self._only("users", str(found.get("user"))),
            "contexts": {wanted: found},
        }
        return small

    def _only(self, kind: str, name: str) -> Entries:
        return {name: self.entries[kind][name]} if name in self.entries[kind] else {}

    def shown(self, *, raw: bool = False, flatten: bool = False) -> Object:
        """The whole, as `config view` shows it: without secrets, unless `raw` or `flatten`."""
        hidden = {} if raw or flatten else _HIDDEN
        return {
            "kind": "Config",
            "apiVersion": "v1",
            "preferences": {},
            **{kind: self._listed(kind, hidden) for kind in ("clusters", "users", "contexts")},
            "current-context": self.current,
        }

    def _listed(self, kind: str, hidden: Mapping[str, str]) -> Any:
        field = _KINDS[kind]
        found = sorted(self.entries[kind].items())
        return [{"name": name, field: _masked(entry, hidden)} for name, entry in found] or None


def _masked(entry: Mapping[str, Any], hidden: Mapping[str, str]) -> Object:
    keys = sorted(entry, key=lambda key: (_JSON_ORDER.index(key) if key in _JSON_ORDER else -1, key))
    return {key: hidden.get(key, entry[key]) for key in keys}

"""The way to a live cluster: from the name of a context to a client, with everything looked at that can be looked at
before.

Nothing is written here. `open_context` refuses a context by its names and its address before a byte is sent, then
asks the cluster for its version, for whom it takes us, what we may do, and how large it is.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from k8snb.client.client import Client
from k8snb.errors import StatusError
from k8snb.i18n import _
from k8snb.live.contexts import MOST_NODES, Context, contexts, refusal
from k8snb.live.guard import read
from k8snb.live.rights import NEEDED, WIDE, Right, Rights
from k8snb.live.transport import SECONDS, LiveTransport
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Object
from k8snb.wire import User

YOU = User("kubernetes-admin")
"""Who asks; the cluster finds out by itself whose credentials come with it."""
PATIENCE = 30.0
"""How many seconds of real time a cell waits for one thing, unless the reader says otherwise."""


class CannotConnect(Exception):
    """Why a notebook does not use a live cluster, in a sentence for the reader."""

    def _render_traceback_(self) -> list[str]:
        """A notebook shows the sentence alone."""
        return [str(self)]


@dataclass(frozen=True)
class Wishes:
    """What the reader has said about the live cluster: in the environment, or where they connect."""

    context: str
    namespace: str = ""
    """A namespace that is lent to the notebook, instead of one of its own."""
    allow: frozenset[str] = frozenset()
    """Kinds of the whole cluster to which there is a yes."""
    trust: str = ""
    """The context that somebody vouches for, although its server is far away or its cluster large."""
    patience: float = PATIENCE


def wishes(environment: Mapping[str, str] | None = None, context: str | None = None) -> Wishes:
    """What the environment says: K8SNB_CONTEXT, K8SNB_NAMESPACE, K8SNB_ALLOW, K8SNB_TRUST and K8SNB_PATIENCE."""
    said = os.environ if environment is None else environment
    words = said.get("K8SNB_ALLOW", "").replace(",", " ").split()
    try:
        patience = float(said.get("K8SNB_PATIENCE", PATIENCE))
    except ValueError:
        raise CannotConnect(_("K8SNB_PATIENCE is a number of seconds")) from None
    name = said.get("K8SNB_CONTEXT", "") if context is None else context
    return Wishes(name, said.get("K8SNB_NAMESPACE", ""), frozenset(words), said.get("K8SNB_TRUST", ""), patience)


@dataclass
class Open:
    """A cluster that can be asked: which one, how, and what it has said."""

    wishes: Wishes
    context: Context
    api: Any
    transport: LiveTransport
    client: Client
    rights: Rights
    version: str
    user: str

    @property
    def home_missing(self) -> list[Right]:
        """The rights without which there is no session, in the namespace that is lent, or in one of its own."""
        if self.wishes.namespace:
            return self.rights.missing(NEEDED, self.wishes.namespace)
        create, delete = WIDE[:2]
        return [*self.rights.missing((create, delete)), *self.rights.missing(NEEDED, "k8snb-0")]


def open_context(wanted: Wishes) -> Open:
    """The cluster of a context. Raises CannotConnect, with the reason."""
    context = find_context(wanted.context)
    why = refusal(context._replace(namespace=wanted.namespace or context.namespace), wanted.trust)
    if why:
        raise CannotConnect(_("{context}: not connected: {why}").format(context=context.name, why=why))
    api = _api_client(context.name)
    if api.configuration.host.rstrip("/") != context.server.rstrip("/"):
        why = _("its server is {server}, and the client goes to {host}")
        why = why.format(server=context.server, host=api.configuration.host)
        raise CannotConnect(_("{context}: not connected: {why}").format(context=context.name, why=why))
    transport = LiveTransport(api, SECONDS)
    client = Client(transport, Scheme(), YOU)
    try:
        version = _get(client, "/version").get("gitVersion", "?")
        found = Open(wanted, context, api, transport, client, Rights(client), str(version), _whoami(client))
        _size(found)
    except StatusError as error:
        raise CannotConnect(f"{context}: {error.message}") from None
    return found


def find_context(name: str) -> Context:
    """The context of that name in the reader's kubeconfig. Raises CannotConnect."""
    known = contexts(_documents())
    if name not in known:
        there = ", ".join(sorted(known)) or _("none")
        why = _("there is no context {name} in the kubeconfig; there are: {there}")
        raise CannotConnect(why.format(name=name, there=there))
    return known[name]


def _documents() -> Iterator[Object]:
    for path in (os.environ.get("KUBECONFIG") or "~/.kube/config").split(os.pathsep):
        file = Path(path).expanduser()
        if not path or not file.exists():
            continue
        try:
            document = yaml.safe_load(file.read_text(encoding="utf-8"))
        except (OSError, UnicodeDecodeError, yaml.YAMLError):
            raise CannotConnect(_("{path} is no kubeconfig that can be read").format(path=path)) from None
        if isinstance(document, dict):
            yield document


def _api_client(context: str) -> Any:
    """The official client's `ApiClient`. What its errors say is not passed on: it may quote the kubeconfig."""
    try:
        from kubernetes import config
    except ImportError:
        raise CannotConnect(_("a live cluster needs the official client: pip install 'k8snb[client]'")) from None
    try:
        connect: Any = config.new_client_from_config
        return connect(os.environ.get("KUBECONFIG") or None, context, persist_config=False)
    except Exception as error:  # the client raises what its parsers and plugins raise
        why = _("the credentials of {context} cannot be used ({error})")
        raise CannotConnect(why.format(context=context, error=type(error).__name__)) from None


def _get(client: Client, path: str, query: Mapping[str, str] | None = None) -> Object:
    answer = client.request("GET", path, query or {})
    obj: Object = read(answer)
    if answer.code >= 400:
        raise StatusError(answer.code, str(obj.get("reason", "")), str(obj.get("message", "")))
    return obj


def _whoami(client: Client) -> str:
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview", "metadata": {}}
    try:
        status = client.create("selfsubjectreviews.authentication.k8s.io", review).get("status") or {}
    except StatusError as error:
        if error.code in (401, 503):
            raise
        return "?"
    return str((status.get("userInfo") or {}).get("username", "?"))


def _size(found: Open) -> None:
    """Refuse a large cluster, as far as we may know how large it is."""
    if found.wishes.trust == found.context.name:
        return
    try:
        listed = _get(found.client, "/api/v1/nodes", {"limit": str(MOST_NODES + 1)})
    except StatusError as error:
        if error.code == 403:
            return
        raise
    if len(listed.get("items") or ()) > MOST_NODES:
        why = _(
            "{context}: not connected: it has more than {count} nodes; if you may play there: K8SNB_TRUST={context}"
        )
        raise CannotConnect(why.format(context=found.context.name, count=MOST_NODES))

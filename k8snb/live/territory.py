"""What in a live cluster belongs to a notebook, and how that can be seen from the objects themselves.

A *session* is one connection of one notebook. It has a home: a namespace that it made, or one that was lent to it.
What it makes outside of its home, or in a home that is only lent, bears its label; nothing else is ever changed or
deleted.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from k8snb.i18n import _
from k8snb.machinery.objects import controller_of, labels_of
from k8snb.typing import Object

MANAGED = "app.kubernetes.io/managed-by"
SESSION = "k8snb/session"
OURS = "k8snb"
"""The value of the label that says who made something, and the name of the Lease of a session."""
MADE = "k8snb/made"
"""The annotation of that Lease: what the session has made outside of its home, `resource/name` each."""
HOME = "default"
"""What the pages of the book call the namespace that is home."""
DEPTH = 5
"""How many owners up somebody looks for the label."""


def home_of(session: str) -> str:
    """The namespace that a session makes for itself."""
    return f"{OURS}-{session}"


GetOwner = Callable[[Object, str], Object | None]
"""Gets an owner by its reference, in a namespace."""


@dataclass
class Territory:
    """The session, its home, the namespaces that are its own, and to which cluster-wide kinds somebody said yes."""

    session: str
    home: str
    lent: bool = False
    allowed: frozenset[str] = frozenset()
    namespaces: set[str] = field(default_factory=set)
    made: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.namespaces.add(self.home)

    @property
    def labels(self) -> dict[str, str]:
        """The labels of what the session makes where others have things, too."""
        return {MANAGED: OURS, SESSION: self.session}

    def allows(self, resource: str) -> bool:
        """Whether somebody said yes to a kind of the whole cluster: by its plural, with or without its group."""
        return bool({resource, resource.partition(".")[0], "all"} & self.allowed)

    def place(self, namespace: str) -> str:
        """The namespace that a page means."""
        return self.home if namespace == HOME else namespace

    def needs_mark(self, namespace: str) -> bool:
        """Whether what is made there has to be told from what others have there."""
        return not namespace or (self.lent and namespace == self.home)

    def has(self, obj: Object) -> bool:
        """Whether an object stands where only the session has things, or bears its label."""
        meta = obj.get("metadata") or {}
        where = str(meta.get("namespace", ""))
        alone = where in self.namespaces and not self.needs_mark(where)
        return alone or (meta.get("labels") or {}).get(SESSION) == self.session

    def is_ours(self, obj: Object, get: GetOwner, depth: int = DEPTH) -> bool:
        """Whether the session made an object, or what it hangs from."""
        if labels_of(obj).get(SESSION) == self.session:
            return True
        owner = controller_of(obj)
        if owner is None or not depth:
            return False
        found = get(owner, str(obj["metadata"].get("namespace", "")))
        uid = (found or {}).get("metadata", {}).get("uid")
        return found is not None and uid == owner.get("uid") and self.is_ours(found, get, depth - 1)

    def marked(self, obj: Object) -> Object:
        """The object as the session makes it: with its labels, those of claims that a StatefulSet makes too."""
        marked: dict[str, Any] = {**obj, "metadata": self._labelled(obj.get("metadata") or {})}
        spec = obj.get("spec")
        if isinstance(spec, dict) and spec.get("volumeClaimTemplates"):
            templates = spec["volumeClaimTemplates"]
            claims = [{**each, "metadata": self._labelled(each.get("metadata") or {})} for each in templates]
            marked["spec"] = {**spec, "volumeClaimTemplates": claims}
        return marked

    def _labelled(self, meta: Object) -> Object:
        return {**meta, "labels": {**(meta.get("labels") or {}), **self.labels}}

    def moved(self, obj: Any) -> Any:
        """The object in the terms of the cluster: home by its name, in metadata, subjects of bindings, and webhooks."""
        if not isinstance(obj, dict):
            return obj
        meta = obj.get("metadata")
        if isinstance(meta, dict) and meta.get("namespace") == HOME:
            obj = {**obj, "metadata": {**meta, "namespace": self.home}}
        subjects = obj.get("subjects")
        if isinstance(subjects, list):
            there = [{**each, "namespace": self.home} if each.get("namespace") == HOME else each for each in subjects]
            obj = {**obj, "subjects": there}
        webhooks = obj.get("webhooks")
        if isinstance(webhooks, list):
            obj = {**obj, "webhooks": [self._led_home(each) for each in webhooks]}
        spec = obj.get("spec")
        conversion = spec.get("conversion") if isinstance(spec, dict) else None
        if isinstance(conversion, dict) and conversion.get("webhook"):
            led = {**conversion, "webhook": self._led_home(conversion["webhook"])}
            obj = {**obj, "spec": {**obj["spec"], "conversion": led}}
        return obj

    def _led_home(self, webhook: Object) -> Object:
        """A webhook whose Service is here, and not one of that name in the cluster's own `default`."""
        client = webhook.get("clientConfig") or {}
        service = client.get("service") or {}
        if service.get("namespace") != HOME:
            return webhook
        return {**webhook, "clientConfig": {**client, "service": {**service, "namespace": self.home}}}

    def says_no(self, verb: str, what: str) -> str:
        """Why something of the whole cluster is not done."""
        plain = what.partition("/")[0].partition(".")[0]
        why = _("{verb} {what} concerns the whole cluster; K8SNB_ALLOW={plain} is a yes to that")
        return why.format(verb=verb, what=what, plain=plain)

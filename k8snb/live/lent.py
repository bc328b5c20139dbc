"""What would touch others in a namespace that is only lent, although it is made by the notebook.

1. Some kinds are about everything in a namespace: a NetworkPolicy cuts off others' pods as well, a ResourceQuota counts
   them. They need somebody's yes, like kinds of the whole cluster.
2. A controller adopts pods that nobody has and that its selector catches, and later deletes them.
3. What belongs to the notebook only because of its owner can lose that one: pods whose labels change, and everything
   that an orphaning deletion leaves. Nobody would find it in the end. So such an object gets the label of the session
   before it is changed, and orphaning is not done.
"""

from __future__ import annotations

from typing import Any

import orjson

from k8snb.client.client import PATCH_TYPES, Transport
from k8snb.errors import NeedsYes, StatusError
from k8snb.i18n import _
from k8snb.live.places import Place
from k8snb.live.territory import SESSION, Territory
from k8snb.machinery.objects import controller_of, labels_of
from k8snb.machinery.selectors import of_object
from k8snb.typing import Object
from k8snb.wire import Request

WIDE = frozenset(
    {"networkpolicies.networking.k8s.io", "resourcequotas", "limitranges", "poddisruptionbudgets.policy"},
)
"""Kinds that are about everything in their namespace."""
_ADOPTING = ("replicasets.apps", "replicationcontrollers", "statefulsets.apps", "daemonsets.apps")


class Lent:
    """Looks at writes in a namespace that was lent, before they are sent."""

    def __init__(self, transport: Transport, territory: Territory) -> None:
        self._transport = transport
        self._territory = territory

    def look(self, place: Place, verb: str, request: Request, body: bytes) -> None:
        """Raise NeedsYes if others would feel it."""
        obj = orjson.loads(body) if body else {}
        if verb == "delete":
            self._not_orphaning(place, request, obj)
            return
        if place.resource in WIDE and not self._territory.allows(place.resource):
            why = _("{verb} {what} is about everything in the namespace {home}; K8SNB_ALLOW={plain} is a yes to that")
            said = {"verb": verb, "what": place.what, "home": place.namespace, "plain": place.plural}
            raise NeedsYes(why.format(**said))
        if place.resource in _ADOPTING and isinstance(obj, dict):
            self._not_adopting(place, verb, (obj.get("spec") or {}).get("selector"))

    def mark(self, place: Place, found: Object) -> None:
        """Give something that is there the label of the session, unless it has it."""
        if labels_of(found).get(SESSION) == self._territory.session:
            return
        patch = orjson.dumps({"metadata": {"labels": self._territory.labels}})
        headers = {"content-type": PATCH_TYPES["merge"]}
        answer = self._transport.handle(Request("PATCH", place.path, headers=headers, body=patch))
        if answer.code >= 400:
            raise StatusError(answer.code, "", _("{what} cannot be given a label").format(what=place.what))

    def _not_orphaning(self, place: Place, request: Request, options: Any) -> None:
        said = {**request.query, **(options if isinstance(options, dict) else {})}
        if said.get("propagationPolicy") == "Orphan" or str(said.get("orphanDependents", "")).lower() == "true":
            why = _("delete {what}: what it leaves behind would not be found in the end")
            raise NeedsYes(why.format(what=place.what))

    def _not_adopting(self, place: Place, verb: str, selector: Any) -> None:
        if not isinstance(selector, dict) or not selector:
            return
        plain = place.resource == "replicationcontrollers"
        catches = of_object({"matchLabels": selector} if plain else selector)
        path = f"/api/v1/namespaces/{place.namespace}/pods"
        answer = self._transport.handle(Request("GET", path))
        pods = (answer.object or orjson.loads(answer.body or b"{}")).get("items") or () if answer.code < 300 else ()
        for pod in pods:
            if controller_of(pod) is None and SESSION not in labels_of(pod) and catches.matches(labels_of(pod)):
                why = _("{verb} {what}: it would adopt the pod {pod}, which is not of this notebook")
                raise NeedsYes(why.format(verb=verb, what=place.what, pod=pod["metadata"]["name"]))

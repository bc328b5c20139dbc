"""Since when and when tokens that are kept in Secrets were last used: what their cleaner goes by.

A ConfigMap in `kube-system` says on which day a cluster began to track them. When such a token comes in, its Secret
gets the day as a label, once a day. The write is the API server's own and changes nothing about the request.

Upstream: `pkg/controlplane/controller/legacytokentracking` and `patchSecretWithLastUsedDate` in
`pkg/serviceaccount/legacy.go`.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snb.clock import Clock, day
from k8snb.errors import Unreachable
from k8snb.machinery.legacytokens import LAST_USED, SINCE
from k8snb.machinery.objects import labels_of
from k8snb.typing import Object, Resource
from k8snb.wire import Request, RequestInfo, Response, User

_SERVER = User("system:apiserver", ("system:masters",))
_DAY = 86400.0


def tracking_since(timestamp: str) -> Object:
    """The ConfigMap of a cluster that begins at this moment."""
    meta = {"name": SINCE, "namespace": "kube-system"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": {"since": timestamp[:10]}}


class LastUse:
    """Labels the Secrets of tokens that come in. `send` answers a request, like the API server itself."""

    def __init__(self, send: Callable[[Request], Response], clock: Clock, secrets: Resource) -> None:
        self._send = send
        self._clock = clock
        self._secrets = secrets

    def __call__(self, secret: Object) -> None:
        """Note that the token of a Secret has come in."""
        now, meta = self._clock.now(), secret["metadata"]
        if labels_of(secret).get(LAST_USED) in (day(now), day(now + _DAY)):
            return
        patch = {"metadata": {"uid": meta["uid"], "labels": {LAST_USED: day(now)}}}
        info = RequestInfo("patch", self._secrets, meta["namespace"], meta["name"])
        kind = {"content-type": "application/merge-patch+json"}
        try:
            self._send(Request(info=info, headers=kind, object=patch, user=_SERVER))
        except Unreachable:
            return

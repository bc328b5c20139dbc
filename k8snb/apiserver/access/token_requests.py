"""`serviceaccounts/token`: asking for a token of an account (`kubectl create token`, and every kubelet for its pods).

Upstream: `pkg/registry/core/serviceaccount/storage/token.go`, `pkg/apis/authentication/validation`.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from k8snb.apiserver import body
from k8snb.apiserver.access.examining import ISSUER
from k8snb.apiserver.access.tokens import Tokens
from k8snb.apiserver.admission.chain import Attributes, Chain
from k8snb.apiserver.kinds import Kind
from k8snb.apiserver.options import dry_run
from k8snb.clock import Clock, rfc3339
from k8snb.errors import FieldError, StatusError, bad_request, conflict, invalid, invalid_value, not_found
from k8snb.machinery.scheme import ROWS
from k8snb.store.mvcc import Store
from k8snb.typing import Object, Resource
from k8snb.wire import Request, RequestInfo, Response, User

DEFAULT_SECONDS = 3600
MIN_SECONDS = 600
_NONE: Mapping[str, Any] = {}
_ANYBODY = User("system:anonymous", ("system:unauthenticated",))
_KIND = Resource("authentication.k8s.io", "v1", "TokenRequest", "tokenrequests", "tokenrequest", namespaced=True)
_BOUND = {"Pod": "pods", "Node": "nodes", "Secret": "secrets"}


class TokenRequests:
    """The handler of the subresource."""

    def __init__(self, store: Store, clock: Clock, admission: Chain, tokens: Tokens) -> None:
        self._store = store
        self._clock = clock
        self._admission = admission
        self._tokens = tokens

    def create(self, kind: Kind, info: RequestInfo, request: Request) -> Response:
        """Issue a token."""
        asked = body.decode(request, "authentication.k8s.io/v1", "TokenRequest").object
        _check_place(asked, info)
        account = self._object("serviceaccounts", info.namespace, info.name)
        meta = {
            **(asked.get("metadata") or _NONE),
            "name": info.name,
            "namespace": info.namespace,
            "creationTimestamp": self._clock.timestamp(),
        }
        spec = {"expirationSeconds": DEFAULT_SECONDS, "boundObjectRef": None, **(asked.get("spec") or _NONE)}
        spec["audiences"] = list(spec.get("audiences") or (ISSUER,))
        asked = {**asked, "metadata": meta, "spec": spec}
        _check(spec)
        user = request.user or _ANYBODY
        where = (kind.resource, info.namespace, info.name, info.subresource)
        asker = (user, dry_run(request), request.query, request.notes)
        attributes = Attributes("CREATE", *where, asked, None, *asker)
        asked = self._admission.decide(attributes) or asked
        warnings, spec = self._admission.warnings(), asked["spec"]
        bound = self._bound(info, spec.get("boundObjectRef") or _NONE)
        seconds = spec["expirationSeconds"]
        token = self._tokens.issue(account, spec["audiences"], seconds, bound)
        status = {"token": token, "expirationTimestamp": rfc3339(int(self._clock.now()) + seconds)}
        return Response(201, {**asked, "status": status}, warnings=warnings)

    def _object(self, word: str, namespace: str, name: str) -> Object:
        found = self._store.get(self._store.bucket(word), namespace, name)
        if found is None:
            raise not_found(_ROWS[word], name)
        return found

    def _bound(self, info: RequestInfo, reference: Object) -> Mapping[str, Object]:
        """What the token shall end with, and the node of a pod."""
        if not reference:
            return {}
        kind, version, name = (reference.get(field, "") for field in ("kind", "apiVersion", "name"))
        word = _BOUND.get(kind, "")
        if version != "v1" or not word:
            group, _, plain = version.rpartition("/")
            raise bad_request(f"cannot bind token to object of type {group}/{plain}, Kind={kind}")
        found = self._object(word, "" if kind == "Node" else info.namespace, name)
        bound = {kind: found}
        if kind == "Pod":
            if found["spec"].get("serviceAccountName") != info.name:
                why = f'cannot bind token for serviceaccount "{info.name}" to pod running with different serviceaccount'
                raise bad_request(f"{why} name.")
            node = found["spec"].get("nodeName", "")
            if node:
                known = self._store.get(self._store.bucket("nodes"), "", node)
                bound["Node"] = known or {"metadata": {"name": node}}
        uid = reference.get("uid", "")
        if uid and uid != found["metadata"]["uid"]:
            raise _other(kind, name, uid)
        return bound


_ROWS = {row.plural: row for row in ROWS if not row.group}


def _check_place(asked: Object, info: RequestInfo) -> None:
    meta = asked.get("metadata") or _NONE
    for field, value in (("name", info.name), ("namespace", info.namespace)):
        given = meta.get(field)
        if given and given != value:
            why = f"must match the service account {field} if specified"
            raise invalid(_KIND, info.name, [invalid_value(f"metadata.{field}", given, why)])


def _check(spec: Object) -> None:
    errors: list[FieldError] = []
    seconds = spec["expirationSeconds"]
    if seconds < MIN_SECONDS:
        why = "may not specify a duration less than 10 minutes"
        errors.append(invalid_value("spec.expirationSeconds", seconds, why))
    if seconds > 1 << 32:
        why = "may not specify a duration larger than 2^32 seconds"
        errors.append(invalid_value("spec.expirationSeconds", seconds, why))
    if errors:
        raise invalid(_KIND, "", errors)


def _other(kind: str, name: str, uid: str) -> StatusError:
    """The refusal to bind to another object of the same name."""
    why = f"the UID in the bound object reference ({uid}) does not match the UID in record. "
    why += "The object might have been deleted and then recreated"
    resource = Resource("", "v1", kind, kind, kind.lower(), namespaced=True)
    return conflict(resource, name, why)

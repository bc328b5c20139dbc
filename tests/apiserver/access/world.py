"""A small world in which it is decided who may do what: a server with roles and bindings, and clients of its users."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import orjson

from k8snb.apiserver.access.gate import Gate
from k8snb.apiserver.access.policy import policy
from k8snb.apiserver.access.rules import Access
from k8snb.apiserver.server import APIServer
from k8snb.client.client import Client
from k8snb.clock import VirtualClock
from k8snb.machinery.names import Lottery
from k8snb.store.mvcc import Store
from k8snb.trace import Trace
from k8snb.typing import Object
from k8snb.wire import Request, Response, User

RBAC = "rbac.authorization.k8s.io"
ADMIN = User("admin", ("system:masters", "system:authenticated"))
JANE = User("jane", ("dev", "system:authenticated"))
PODS = {"verbs": ["get", "list"], "apiGroups": [""], "resources": ["pods"]}


def role(name: str, *rules: Object, namespace: str = "", **more: Any) -> Object:
    meta = {"name": name, "namespace": namespace} if namespace else {"name": name}
    kind = "Role" if namespace else "ClusterRole"
    return {"apiVersion": f"{RBAC}/v1", "kind": kind, "metadata": meta, "rules": list(rules), **more}


def binding(name: str, role: str, *subjects: str, namespace: str = "") -> Object:
    """`role` is `Role/reader`, a subject `User/jane`, `Group/dev` or `ServiceAccount/ns/name`."""
    meta = {"name": name, "namespace": namespace} if namespace else {"name": name}
    kind, _, named = role.partition("/")
    found: list[Object] = []
    for subject in subjects:
        what, *place, who = subject.split("/")
        found.append({"kind": what, "name": who, **({"namespace": place[0]} if place else {})})
    kinds = "RoleBinding" if namespace else "ClusterRoleBinding"
    reference = {"apiGroup": RBAC, "kind": kind, "name": named}
    return {"apiVersion": f"{RBAC}/v1", "kind": kinds, "metadata": meta, "roleRef": reference, "subjects": found}


class World:
    """An API server with the namespaces `default` and `shop`, the bootstrap policy and `objects`."""

    def __init__(self, *objects: Object) -> None:
        self.clock = VirtualClock()
        self.store = Store(self.clock)
        for bucket, obj in policy(self.clock.timestamp()):
            self.store.load(self.store.bucket(bucket), obj)
        self.gate = Gate.of(self.store, self.clock)
        self.authorizer = self.gate.authorizer
        trace = Trace(self.clock.now, lambda: self.store.revision)
        self.server = APIServer(self.store, self.clock, Lottery(1), trace, gate=self.gate)
        self.admin = self.client(ADMIN)
        for name in ("default", "shop"):
            self.admin.create("namespaces", {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
        self.add(*objects)

    def add(self, *objects: Object) -> None:
        for obj in objects:
            resource = self.server.scheme.kind(obj["apiVersion"], obj["kind"])
            assert resource is not None
            self.admin.create(resource.group_resource, obj)

    def client(self, user: User) -> Client:
        return Client(self.server, self.server.scheme, user)

    def may(self, user: User, verb: str, resource: str, namespace: str = "", name: str = "", group: str = "") -> bool:
        plural, _, below = resource.partition("/")
        return self.authorizer.decide(user, Access(verb, group, plural, below, namespace, name)).allowed

    def send(
        self, method: str, path: str, obj: Object | None = None, user: User | None = ADMIN, **headers: str
    ) -> Response:
        """A request as it comes over the network; header names with underscores."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        encoded = orjson.dumps(obj) if obj is not None else b""
        path, _, query = path.partition("?")
        pairs = dict(pair.split("=", 1) for pair in query.split("&")) if query else {}
        return self.server.handle(Request(method, path, pairs, named, encoded, user=user))

    def message(self, *request: Any, **headers: Any) -> str:
        answer = self.send(*request, **headers)
        return answer.body.decode() if answer.object is None else str(answer.object.get("message", ""))


def names(objects: Sequence[Object]) -> list[str]:
    return [obj["metadata"]["name"] for obj in objects]

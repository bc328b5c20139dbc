"""Makes requests from a document: parameters and bodies grown from the schemas, some of what they hold wrong.

Where objects exist, some are sent back with changes.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

import orjson

from k8snb import Cluster
from k8snb.cluster.cluster import ADMIN
from k8snb.wire import Request, Response
from tests.edge.asking import APPLY, JSON, JSON_PATCH, MERGE, STRATEGIC, YAML
from tests.edge.fuzzing.examples import EXAMPLES, HEADERS, named
from tests.edge.test_fuzz import places, replaced

JUNK: list[Any] = [
    *(None, "", 0, -1, 70000, 2**31, 2**63 - 1, 1.5, True, [], {}, [None], [""], [{}], {"a": None}, {"": ""}),
    *("x", "::1", "a/b", "-1", "1e3", "A" * 300, "é", "10.0.0.0/8", ["a", "a"], "99999999999Ei", "$(A)", "%", "[a-"),
]
WORDS = {
    "string": ["a", "b", "web", "a.b/c", "10", "25%", "kubernetes.io/tls", "10.0.0.1", "http://a/b", "*", "/x", ""],
    "date-time": ["2026-01-01T00:00:00Z", "2026-01-01T00:00:00.000000Z", "0001-01-01T00:00:00Z", "now"],
    "byte": ["AAAA", "", "e30=", "LS0tLS1CRUdJTg=="],
    "int-or-string": ["25%", 1, 0, "http", -1],
}
QUANTITIES = ["1", "100m", "1Gi", "0", "1e3", "-1", 5]
NAMED: dict[str, list[Any]] = {
    "operator": ["In", "NotIn", "Exists", "DoesNotExist", "Equal", "Gt"],
    "operations": [["CREATE"], ["*"], ["UPDATE", "DELETE"]],
    "expression": ["true", "object.spec.replicas > 1", "self.size()", "1 +", "has(object.a)", "device.driver == 'a'"],
    "rule": ["self.size() > 0", "true", "self ==", "oldSelf == self"],
    "schedule": ["* * * * *", "@daily", "61 * * * *", "TZ=x * * * * *"],
    "cidr": ["10.0.0.0/8", "::/0", "10.0.0.1/8"],
    "namespace": ["default", "default", "nope"],
    "uid": ["u"],
    "generation": [1],
    "resourceVersion": ["", "1", "x"],
    "deletionTimestamp": ["2026-01-01T00:00:00Z"],
}
ASKED: dict[str, list[str]] = {
    "limit": ["1", "0", "-1", "x"],
    "continue": ["x", "eyJ2IjoibWV0YS5rOHMuaW8vdjEiLCJydiI6MSwic3RhcnQiOiJhL2IifQ"],
    "resourceVersion": ["0", "1", "99999999", "x"],
    "resourceVersionMatch": ["Exact", "NotOlderThan", "x"],
    "labelSelector": ["a=b", "a in (b", "!a", "a notin (b,c)"],
    "fieldSelector": ["metadata.name=a", "spec.x!=y", "metadata.namespace=default", "="],
    "watch": ["true", "1", "x"],
    "timeoutSeconds": ["1", "0", "-1", "x"],
    "dryRun": ["All", "All", "x"],
    "fieldManager": ["fuzz", "x" * 200, "\0"],
    "fieldValidation": ["Strict", "Warn", "Ignore", "x"],
    "force": ["true", "x"],
    "gracePeriodSeconds": ["0", "-1", "30", "x"],
    "propagationPolicy": ["Foreground", "Orphan", "Background", "x"],
}
ACCEPTS = [
    *(JSON, JSON, JSON, YAML, "*/*", "application/vnd.kubernetes.protobuf"),
    "application/json;as=Table;v=v1;g=meta.k8s.io,application/json",
    "application/json;as=PartialObjectMetadata;v=v1;g=meta.k8s.io",
]

DOCUMENTED = {
    500: (
        "failed to create typed patch object",
        "Internal error occurred: the spec replicas field",
        "Component not found",
        "map: map[",
        "list element types are not identical",
    ),
    503: ("no endpoints available", "error trying to reach service", ""),
    504: ("Timeout: Too large resource version",),
}
"""What the real server says too: an apply whose body has wrong types, a proxy to nowhere, a revision to come."""


def documented(request: Request, response: Response) -> bool:
    """Whether an answer of 500 and above is one of those that the API has."""
    if response.code == 503:
        return "/proxy" in request.path
    return str((response.object or {}).get("message")).startswith(DOCUMENTED.get(response.code, ()))


class Caller:
    """Makes requests of one document, and looks at what comes back."""

    def __init__(self, cluster: Cluster, group: str, seed: int) -> None:
        self.cluster = cluster
        self.dice = random.Random(f"{group} {seed}")
        self.document = self.read(f"/openapi/v3/{group}")
        self.schemas: Mapping[str, Any] = self.document["components"]["schemas"]
        self.codes: Counter[int] = Counter()

    def read(self, path: str) -> Any:
        """What a path answers, as JSON."""
        response = self.cluster.server.handle(Request("GET", path, {}, HEADERS, user=ADMIN))
        return orjson.loads(response.body) if response.object is None else orjson.loads(orjson.dumps(response.object))

    def operations(self) -> Iterator[tuple[str, str, Mapping[str, Any], list[Mapping[str, Any]]]]:
        """Each operation of the document, in an order of chance: path, method, what it says, its parameters."""
        known = [
            (path, method, operation, [*item.get("parameters", ()), *operation.get("parameters", ())])
            for path, item in sorted(self.document["paths"].items())
            for method, operation in item.items()
            if method != "parameters"
        ]
        while True:
            self.dice.shuffle(known)
            yield from known

    def chance(self, one_in: float) -> bool:
        return self.dice.random() * one_in < 1

    # -- values --------------------------------------------------------------------------------------

    def value(self, schema: Mapping[str, Any], name: str = "", depth: int = 0) -> Any:
        """A value of a schema, now and then a wrong one."""
        while "$ref" in schema or "allOf" in schema:
            reference = schema.get("$ref") or schema["allOf"][0].get("$ref")
            if reference is None:
                schema = schema["allOf"][0]
                continue
            schema = self.schemas[reference.rpartition("/")[2]]
            if reference.endswith("Quantity"):
                return self.dice.choice(QUANTITIES)
        if depth and self.chance(60):
            return self.dice.choice(JUNK)
        if "enum" in schema:
            return self.dice.choice(schema["enum"])
        if name in NAMED and schema.get("type") != "object":
            return self.dice.choice(NAMED[name])
        if "properties" in schema:
            return self.fields(schema, depth)
        return self.plain(schema, name, depth)

    def fields(self, schema: Mapping[str, Any], depth: int) -> dict[str, Any]:
        """An object: what is required, and of the rest the less the deeper it is."""
        needed = schema.get("required", ())
        kinds = schema.get("x-kubernetes-group-version-kind")
        made = {
            key: self.value(each, key, depth + 1)
            for key, each in schema["properties"].items()
            if (key in needed and depth < 16) or self.chance(1.3 if depth < 2 else depth)
        }
        if kinds and not self.chance(40):
            one = self.dice.choice(kinds)
            made["apiVersion"] = "/".join(filter(None, (one["group"], one["version"])))
            made["kind"] = one["kind"]
        return made

    def plain(self, schema: Mapping[str, Any], name: str, depth: int) -> Any:
        """A value that is no object with fields."""
        dice, kind, shape = self.dice, schema.get("type"), schema.get("format", "")
        if kind == "array":
            return [self.value(schema["items"], name, depth + 1) for _ in range(dice.choice((0, 1, 1, 2)))]
        if kind == "object":
            each = schema.get("additionalProperties")
            keys = dice.sample(("a", "app", "cpu", "memory", "a.b/c", "storage"), dice.choice((0, 1, 2)))
            return {key: self.value(each, "", depth + 1) if isinstance(each, dict) else "a" for key in keys}
        if kind in ("integer", "number"):
            return dice.choice((0, 1, 1, 2, 5, 80, 600, -1, 2**31))
        if kind == "boolean":
            return self.chance(2)
        if kind == "string":
            return dice.choice(WORDS.get(shape, WORDS["string"]))
        return dice.choice(WORDS["int-or-string"] + JUNK)

    # -- requests ------------------------------------------------------------------------------------

    def body(self, path: str, method: str, operation: Mapping[str, Any]) -> Any:
        """What is sent: a value of the schema, or what is stored with a few changes."""
        content = operation.get("requestBody", {}).get("content", {})
        if not content:
            return self.dice.choice(JUNK) if self.chance(5) else {}
        stored = self.read(path) if method in ("put", "patch") else None
        if method == "post" and path in EXAMPLES:
            stored = named(EXAMPLES[path], self.dice.choice(("a", "b", "c")))
        if isinstance(stored, dict) and not self.chance(3):
            grown: Any = stored
            for _ in range(self.dice.choice((0, 1, 1, 2))):
                place = self.dice.choice([(), *places(grown)]) if isinstance(grown, dict | list) else ()
                grown = replaced(grown, place, self.dice.choice([*JUNK, ...]) if place else self.dice.choice(JUNK))
            if isinstance(grown, dict) and isinstance(grown.get("metadata"), dict) and self.chance(2):
                grown["metadata"].pop("managedFields", None)
            return grown
        if method == "patch":
            answer = next((each for code, each in operation["responses"].items() if code == "200"), {})
            content = answer.get("content", content)
        made = self.value(next(iter(content.values()))["schema"])
        if isinstance(made, dict) and isinstance(made.get("metadata", {}), dict) and not self.chance(20):
            made["metadata"] = {**made.get("metadata", {}), "name": self.dice.choice(("a", "b", "c"))}
            made["metadata"].pop("namespace", None)
        return made

    def patch(self, document: Any) -> Any:
        """A JSON patch that makes some of a document."""
        steps = list(places(document)) or [("spec",)]
        return [
            {
                "op": self.dice.choice(("add", "replace", "remove", "test", "move", "copy", "x")),
                "path": "/" + "/".join(map(str, self.dice.choice(steps))),
                "from": "/" + "/".join(map(str, self.dice.choice(steps))),
                "value": self.dice.choice(JUNK),
            }
            for _ in range(self.dice.choice((1, 2)))
        ]

    def names(self, path: str) -> list[str]:
        """Names that `{name}` of a path may stand for."""
        found = self.read(path.partition("/{name}")[0]).get("items") or []
        return [each["metadata"]["name"] for each in found if each["metadata"].get("name")] or ["a"]

    def request(
        self, path: str, method: str, operation: Mapping[str, Any], parameters: list[Mapping[str, Any]]
    ) -> Request:
        """A request of an operation."""
        dice = self.dice
        path = path.replace("{namespace}", "nope" if self.chance(20) else "default").replace("{path}", "x")
        if "{name}" in path:
            path = path.replace("{name}", "nope" if self.chance(20) else dice.choice(self.names(path)))
        query = {}
        for each in parameters:
            if each["in"] == "query" and self.chance(6):
                query[each["name"]] = dice.choice(ASKED.get(each["name"], ["true", "1", "a", "", "-1"]))
        media, data = JSON, b""
        if method in ("put", "post", "patch", "delete"):
            sent = self.body(path, method, operation)
            media = dice.choice((JSON, JSON, JSON, YAML))
            if method == "patch":
                media = dice.choice((MERGE, STRATEGIC, JSON_PATCH, APPLY))
                query.setdefault("fieldManager", "fuzz")
                sent = self.patch(sent) if media == JSON_PATCH else sent
            data = orjson.dumps(sent)
            if self.chance(40):
                media, data = dice.choice((("text/plain", data), (JSON, data[:-1]), (MERGE, data), (JSON, b"")))
        headers = {"host": "h", "content-type": media, "accept": dice.choice(ACCEPTS)}
        return Request(method.upper(), path, query, headers, data, user=ADMIN)

    def send(self, request: Request) -> Response:
        """Send a request and hold the answer against what every answer keeps to."""
        cluster = self.cluster
        before = cluster.revision
        response = cluster.server.handle(request)
        if response.stream is not None:
            response.stream.close()
        self.codes[response.code] += 1
        told = (
            (response.object or {}).get("message"),
            request.method,
            request.path,
            request.query,
            request.headers,
            request.body,
        )
        assert not cluster.server.panics, told
        assert response.code < 500 or documented(request, response), told
        partly = request.method == "DELETE" and response.code == 403  # a collection is removed up to the refusal
        assert response.code < 400 or cluster.revision == before or partly, told
        return response

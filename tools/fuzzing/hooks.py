"""What schemathesis calls around each request (`SCHEMATHESIS_HOOKS=hooks`): see `run.py`.

Requests are turned to one namespace and mostly to one name, so that they meet what others have left; bodies mostly say
of which kind they are, for those that do not are refused before anything else is looked at. Around a write the object
is read: what was refused must have left it as it was.
"""

from __future__ import annotations

import atexit
import json
import os
import random
from collections import Counter
from pathlib import Path
from typing import Any

import requests
import schemathesis

WRITES = ("PUT", "PATCH", "DELETE", "POST")
KEPT = ("labels", "annotations", "finalizers", "ownerReferences", "generateName", "uid")
ALLOWED = ("failed to create typed patch object", "Component not found", "Too large resource version")
"""What the real server answers with a code of 500 and above, too."""

dice = random.Random(7)
counts: Counter[str] = Counter()
broken: list[str] = []
before: dict[str, Any] = {}
session = requests.Session()
session.headers["Authorization"] = f"Bearer {os.environ['TOKEN']}"
session.verify = os.environ["AUTHORITY"]


def look(path: str) -> Any:
    """What is at a path: an object, or the names of a list."""
    answer = session.get(os.environ["SERVER"] + path, timeout=20)
    found = answer.json() if "json" in answer.headers["content-type"] else {}
    if isinstance(found.get("items"), list):
        return sorted((each["metadata"].get("namespace", ""), each["metadata"]["name"]) for each in found["items"])
    return found


@schemathesis.hook
def before_call(context: Any, case: Any, kwargs: Any) -> None:
    query = case.query if isinstance(case.query, dict) else {}
    if str(query.get("watch", "")).lower() in ("true", "1", "t"):
        query["timeoutSeconds"] = 1
    query.pop("follow", None)
    if case.method.upper() in WRITES:
        before[case.id] = look(case.formatted_path)


@schemathesis.hook
def after_call(context: Any, case: Any, response: Any) -> None:
    counts[f"{case.method} {response.status_code}"] += 1
    told = f"{case.method} {case.formatted_path}: {response.status_code} {response.text[:400]}"
    if response.status_code >= 500 and not any(words in response.text for words in ALLOWED):
        broken.append(told)
    was = before.pop(case.id, None)
    if was is not None and response.status_code >= 400 and look(case.formatted_path) != was:
        broken.append(f"refused, and changed all the same: {told}")


@schemathesis.hook
def map_path_parameters(context: Any, path_parameters: Any) -> Any:
    if not isinstance(path_parameters, dict):
        return path_parameters
    named = {"name": "a"} if "name" in path_parameters and dice.random() < 0.9 else {}
    where = {"namespace": "default"} if "namespace" in path_parameters else {}
    return {**path_parameters, **named, **where}


@schemathesis.hook
def map_query(context: Any, query: Any) -> Any:
    return {k: v for k, v in query.items() if dice.random() < 0.12} if isinstance(query, dict) else query


@schemathesis.hook
def map_body(context: Any, body: Any) -> Any:
    if not isinstance(body, dict) or dice.random() >= 0.93:
        return body
    method = context.operation.method.upper()
    if method == "DELETE":
        return {k: v for k, v in body.items() if dice.random() < 0.3}
    kinds = (context.operation.definition.raw or {}).get("x-kubernetes-group-version-kind") or {}
    kind = kinds[0] if isinstance(kinds, list) else kinds
    if kind and (method != "PATCH" or dice.random() < 0.5):
        version = "/".join(filter(None, (kind["group"], kind["version"])))
        body = {**body, "kind": kind["kind"], "apiVersion": version}
    meta = body.get("metadata") if isinstance(body.get("metadata"), dict) else {}
    return {**body, "metadata": {k: v for k, v in meta.items() if k in KEPT and dice.random() < 0.15} | {"name": "a"}}


@atexit.register
def tell() -> None:
    found = {"requests": sum(counts.values()), "codes": dict(sorted(counts.items())), "broken": broken}
    Path(os.environ["FOUND"]).write_text(json.dumps(found, indent=1))

"""kubectl explain: what kinds and fields are for."""

from __future__ import annotations

import json

from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.explaining import Explainer
from k8snb.kubectl.explaining_v2 import OldExplainer
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.verbs.get import SUGGESTION
from k8snb.typing import Object, Resource


def run(call: Call) -> None:
    """Carry out `kubectl explain`."""
    if not call.args:
        raise CommandError(f"You must specify the type of resource to explain. {SUGGESTION}")
    if len(call.args) > 1:
        raise CommandError("We accept only this format: explain RESOURCE")
    if call.flags.text("output") not in ("plaintext", "plaintext-openapiv2"):
        raise CommandError(f"unrecognized format: {call.flags.text('output')}")
    word, *path = call.args[0].rstrip(".").split(".")
    resource = _resource(call, word)
    parts = resource.group.split(".") if resource.group else []
    if parts and path[: len(parts)] == parts:
        path = path[len(parts) :]
    document = _document(call, resource)
    if call.flags.text("output") == "plaintext-openapiv2":
        for part in OldExplainer(document).old_page(resource, path, recursive=call.flags.on("recursive")):
            call.out(part)
        return
    explainer = Explainer(document)
    schema = explainer.kind(resource)
    group = f"GROUP:      {resource.group}\n" if resource.group else ""
    call.out(f"{group}KIND:       {resource.kind}\nVERSION:    {resource.version}\n\n")
    for part in explainer.page(schema, path, recursive=call.flags.on("recursive")):
        call.out(part)


def _resource(call: Call, word: str) -> Resource:
    try:
        resource = resource_named(call.scheme, word)
    except CommandError as error:
        raise CommandError(str(error), plain=True) from None
    wanted = call.flags.text("api-version")
    if not wanted or wanted == resource.api_version:
        return resource
    other = next((r for r in call.scheme if r.api_version == wanted and r.plural == resource.plural), None)
    if other is None:
        what = f"{wanted}, Resource={resource.plural}"
        if any(each.api_version == wanted for each in call.scheme):
            raise CommandError(f"GVR ({what}) not found in OpenAPI schema")
        raise CommandError(f'couldn\'t find resource for "{what}"')
    return other


def _document(call: Call, resource: Resource) -> Object:
    root = f"apis/{resource.group}" if resource.group else "api"
    path = f"/openapi/v3/{root}/{resource.version}"
    response = call.session.send("GET", path, headers={"accept": "application/json"})
    if response.object is not None:
        return response.object
    document: Object = json.loads(response.body)
    return document


EXPLAIN = Verb(
    "explain",
    "Get documentation for a resource",
    run,
    (Flag("api-version"), Flag("output", default="plaintext"), Flag("recursive", kind="switch")),
)

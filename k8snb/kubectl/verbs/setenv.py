"""kubectl set env: variables of containers, by value or out of a ConfigMap or Secret.

Upstream: `kubectl/pkg/cmd/set/env`.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import NOTHING_NAMED, ask, found, pair
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.generators.pairs import parse_pairs, resources_and_pairs
from k8snb.kubectl.targets import Target, target_of
from k8snb.kubectl.templating import Spec, change, each_container, update_spec
from k8snb.typing import Object

_NAME = re.compile(r"[-._a-zA-Z][-._a-zA-Z0-9]*")
_BAD_NAME = (
    "a valid environment variable name must consist of alphabetic characters, digits, '_', '-', or '.', and must not "
    "start with a digit (e.g. 'my.env-name',  or 'MY_ENV.NAME',  or 'MyEnvName1', regex used for validation is "
    "'[-._a-zA-Z][-._a-zA-Z0-9]*')"
)
_UNNAMED = "one or more resources must be specified as <resource> <name> or <resource>/<name>"
_SOURCES = {"ConfigMap": "configMapKeyRef", "Secret": "secretKeyRef"}
FLAGS = (
    Flag("from"),
    Flag("keys", kind="list"),
    Flag("list", kind="switch"),
    Flag("overwrite", kind="switch", default=True),
    Flag("prefix"),
    Flag("resolve", kind="switch"),
    Flag("env", "e", kind="texts"),
)


@dataclass(frozen=True, slots=True)
class _Wanted:
    """The variables to set, in order, and those to take away; `only` is the pattern of container names."""

    variables: Mapping[str, Object]
    removed: Sequence[str]
    only: str


def run(call: Call) -> None:
    """Carry out `kubectl set env`."""
    args = [word for word in call.args if word != "-"]
    resources, pairs = resources_and_pairs(args, "environment variables")
    if "-" in call.args:
        pairs += [line for line in call.stdin.splitlines() if "=" in line and not line.startswith("#")]
    values, removed = parse_pairs([*call.flags.texts("env"), *pairs], "environment variables", removable=True)
    if not resources and not call.files:
        raise CommandError(_UNNAMED)
    for name in values:
        if not _NAME.fullmatch(name):
            raise CommandError(f'"{name}" is not a valid key name: {_BAD_NAME}')
    if set(values) & set(removed):
        raise CommandError("can not both modify and remove the same environment variable in the same command")
    if call.flags.on("list"):
        _list(call, resources)
        return
    variables: dict[str, Object] = {name: {"name": name, "value": value} for name, value in values.items()}
    if call.flags.text("from"):
        variables |= _from(call, call.flags.text("from"))
    wanted = _Wanted(variables, removed, call.flags.text("containers"))
    change(call, resources, partial(_updated, call, wanted), "env updated", local_needs_files=NOTHING_NAMED)


def _from(call: Call, word: str) -> dict[str, Object]:
    target = pair(call, word)
    if target.resource.kind not in _SOURCES:
        raise CommandError("unsupported resource specified in --from")
    source = call.session.get(target)
    keys, prefix = call.flags.texts("keys"), call.flags.text("prefix")
    variables: dict[str, Object] = {}
    for key in sorted(source.get("data") or {}):
        if keys and key not in keys:
            continue
        plain = re.sub(r"[^A-Z0-9_]", "_", key.upper())
        if plain != key:
            call.err(f"Warning: key {key} transferred to {plain}\n")
        reference = {_SOURCES[target.resource.kind]: {"name": target.name, "key": key}}
        variables[prefix + plain] = {"name": prefix + plain, "valueFrom": reference}
    return variables


def _updated(call: Call, wanted: _Wanted, target: Target, spec: Spec, errors: list[Exception]) -> Spec:
    names = [container["name"] for key in ("initContainers", "containers") for container in spec.get(key) or ()]
    if not any(_matches(wanted.only, name) for name in names):
        title = f"{target.resource.kind}/{target.name}"
        call.err(f'Warning: {title} does not have any containers matching "{wanted.only}"\n')
        return spec
    if not call.flags.on("overwrite"):
        _refuse_overwriting(wanted, target, spec)
    return each_container(spec, partial(_changed, wanted))


def _refuse_overwriting(wanted: _Wanted, target: Target, spec: Spec) -> None:
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        for each in container.get("env") or ():
            if each["name"] in wanted.variables and _matches(wanted.only, container["name"]):
                taken = f"'{each['name']}' already has a value ({each.get('value', '')}), and --overwrite is false"
                raise CommandError(f"{target.title} {taken}")


def _matches(pattern: str, name: str) -> bool:
    return re.fullmatch(re.escape(pattern).replace(r"\*", ".*"), name) is not None


def _changed(wanted: _Wanted, container: Object) -> Object:
    if not _matches(wanted.only, container["name"]):
        return container
    kept = [each for each in container.get("env") or () if each["name"] not in wanted.removed]
    known = {each["name"] for each in kept}
    changed = [wanted.variables.get(each["name"], each) for each in kept]
    added = [each for name, each in wanted.variables.items() if name not in known]
    rest = {key: value for key, value in container.items() if key != "env"}
    return {**rest, "env": [*changed, *added]} if changed or added else rest


# -- listing -------------------------------------------------------------------------------------------


def _list(call: Call, resources: Sequence[str]) -> None:
    result = found(call, ask(call, resources, every=call.flags.on("all")))
    for target in result.targets:
        update_spec(target, partial(_print, call, target))
    raise_all(result.errors)


def _print(call: Call, target: Target, spec: Spec) -> Spec:
    for container in (*(spec.get("initContainers") or ()), *spec["containers"]):
        call.out(f"# {target.resource.kind} {target.name}, container {container['name']}\n")
        for each in container.get("env") or ():
            call.out(f"{_line(call, target, each)}\n")
    return spec


def _line(call: Call, target: Target, variable: Object) -> str:
    name, source = variable["name"], variable.get("valueFrom") or {}
    for kind, field in _SOURCES.items():
        if field in source:
            return _from_source(call, target, name, kind, source[field])
    if "fieldRef" in source:
        return f"# {name} from field path {source['fieldRef']['fieldPath']}"
    if "resourceFieldRef" in source:
        about = source["resourceFieldRef"]
        container = f"{about['containerName']} " if about.get("containerName") else ""
        return f"# {name} from {container}resource {about['resource']}"
    return f"{name}={variable.get('value', '')}"


def _from_source(call: Call, target: Target, name: str, kind: str, reference: Mapping[str, Any]) -> str:
    what = f"{kind.lower()} {reference['name']}, key {reference['key']}"
    if not call.flags.on("resolve"):
        return f"# {name} from {what}"
    resource = call.scheme.kind("v1", kind)
    assert resource is not None
    try:
        source = call.session.get(target_of(resource, {"metadata": {**reference, "namespace": target.namespace}}))
    except StatusError as error:
        return f"# {name} error: {error.message}"
    value = str((source.get("data") or {}).get(reference["key"], ""))
    return f"{name}={base64.b64decode(value).decode() if kind == 'Secret' else value}"

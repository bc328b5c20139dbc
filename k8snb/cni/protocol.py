"""The protocol, from a plugin's side: an environment and a document come in, a document and an exit code go out.

    answer = run(PLUGINS["bridge"], environment, stdin, world)

It is a function of what it is given. What is wrong with a call is found in the order of upstream's skeleton: missing
variables, a document that cannot be read, its name, the container, the interface, the command, the version.
Upstream: `pkg/skel/skel.go`, `pkg/utils/utils.go`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

from k8snb.cni import versions
from k8snb.cni.errors import (
    DECODING_FAILURE,
    INCOMPATIBLE_VERSION,
    INTERNAL,
    INVALID_CONFIG,
    INVALID_ENVIRONMENT,
    UNKNOWN_CONTAINER,
    CNIError,
    of_document,
)
from k8snb.cni.world import World

REQUIRED = {
    "ADD": ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"),
    "CHECK": ("CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"),
    "DEL": ("CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"),
    "GC": ("CNI_PATH",),
    "STATUS": ("CNI_PATH",),
    "VERSION": (),
}
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")
_LONGEST_INTERFACE = 15

Document = Mapping[str, Any]


@dataclass(frozen=True)
class Call:
    """One call of a plugin. `config` is the document, `previous` the result of the plugins before it in the list."""

    world: World
    environment: Mapping[str, str]
    config: Document
    container: str = ""
    netns: str = ""
    ifname: str = ""

    @property
    def version(self) -> str:
        """The version of the specification that is spoken."""
        return str(self.config.get("cniVersion") or "0.1.0")

    @property
    def network(self) -> str:
        """The name of the network."""
        return str(self.config.get("name", ""))

    @property
    def previous(self) -> Document | None:
        """The result of the plugins before it; None for the first."""
        found = self.config.get("prevResult")
        return versions.read(found) if found is not None else None

    @property
    def runtime(self) -> Document:
        """What the runtime wants for this container, by capability."""
        found: Document = self.config.get("runtimeConfig") or {}
        return found

    def delegate(self, command: str, plugin: str) -> Document:
        """Have another plugin do a part of the work, with the same document; raises CNIError."""
        environment = {**self.environment, "CNI_COMMAND": command}
        return execute(self.world, plugin, environment, self.config)


class Plugin(Protocol):
    """A plugin: what it does for each command. Whatever it cannot do it raises as CNIError."""

    @property
    def name(self) -> str:
        """What lists call it: `type`."""
        ...

    def add(self, call: Call) -> Document:
        """Connect a container; returns the result."""
        ...

    def delete(self, call: Call) -> None:
        """Disconnect it; what is not there any more is no error."""
        ...

    def check(self, call: Call) -> None:
        """See whether everything is still as the result says."""
        ...

    def status(self, call: Call) -> None:
        """See whether containers could be connected now."""
        ...

    def collect(self, call: Call, kept: Sequence[tuple[str, str]]) -> None:
        """Give back what belongs to none of these containers and interfaces."""
        ...


class Answer(NamedTuple):
    """What a plugin wrote, and its exit code."""

    stdout: str
    code: int


def run(plugin: Plugin, environment: Mapping[str, str], stdin: str, world: World) -> Answer:
    """Call a plugin."""
    version = versions.CURRENT
    try:
        command = environment.get("CNI_COMMAND", "")
        _require_variables(command, environment)
        if command == "VERSION":
            return _says(_versions(stdin))
        config = _read(stdin)
        asked = str(config.get("cniVersion") or "0.1.0")
        version = asked if asked in versions.SUPPORTED else version
        call = _call(config, environment, world)
        if command not in REQUIRED:
            raise CNIError(INVALID_ENVIRONMENT, f"unknown CNI_COMMAND: {command}")
        versions.require(asked)
        return _answer(plugin, command, call)
    except CNIError as error:
        return Answer(error.document(version), 1)


def _require_variables(command: str, environment: Mapping[str, str]) -> None:
    wanted = ("CNI_COMMAND", *REQUIRED.get(command, REQUIRED["ADD"]))
    missing = [name for name in wanted if not environment.get(name)]
    if missing:
        raise CNIError(INVALID_ENVIRONMENT, f"required env variables [{','.join(missing)}] missing")


def _read(stdin: str) -> Document:
    try:
        config = json.loads(stdin)
    except ValueError as error:
        raise CNIError(DECODING_FAILURE, f"error unmarshall network config: {error}") from None
    if not isinstance(config, dict):
        raise CNIError(DECODING_FAILURE, "error unmarshall network config: it is no object")
    name = config.get("name", "")
    if not name:
        raise CNIError(INVALID_CONFIG, "missing network name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise CNIError(INVALID_CONFIG, "invalid characters found in network name", str(name))
    return config


def _call(config: Document, environment: Mapping[str, str], world: World) -> Call:
    container, ifname = environment.get("CNI_CONTAINERID", ""), environment.get("CNI_IFNAME", "")
    if container and not _NAME.fullmatch(container):
        raise CNIError(INVALID_ENVIRONMENT, "invalid characters in containerID", container)
    if ifname in (".", ".."):
        raise CNIError(INVALID_ENVIRONMENT, "interface name is . or ..", "")
    if len(ifname) > _LONGEST_INTERFACE:
        why = f"interface name should be less than {_LONGEST_INTERFACE + 1} characters"
        raise CNIError(INVALID_ENVIRONMENT, "interface name is too long", why)
    if re.search(r"[/:\s]", ifname):
        why = "interface name contains / or : or whitespace characters"
        raise CNIError(INVALID_ENVIRONMENT, why, "")
    return Call(world, environment, config, container, environment.get("CNI_NETNS", ""), ifname)


def _answer(plugin: Plugin, command: str, call: Call) -> Answer:
    if not versions.has(call.version, command):
        raise CNIError(INCOMPATIBLE_VERSION, f"config version does not allow {command}")
    if command == "ADD":
        if not call.world.exists(call.netns):
            missing = f'failed to open netns "{call.netns}": failed to Statfs "{call.netns}": no such file or directory'
            raise CNIError(INTERNAL, missing)
        return _says(versions.shown(plugin.add(call), call.version))
    if command == "CHECK":
        if not call.world.exists(call.netns):
            raise CNIError(UNKNOWN_CONTAINER, f"there is no namespace {call.netns}")
        plugin.check(call)
    elif command == "DEL":
        plugin.delete(call)
    elif command == "STATUS":
        plugin.status(call)
    else:
        valid = call.config.get("cni.dev/valid-attachments") or ()
        plugin.collect(call, [(each["containerID"], each["ifname"]) for each in valid])
    return Answer("", 0)


def _versions(stdin: str) -> Document:
    """What `VERSION` says: the caller's own version back, and those that are spoken."""
    try:
        asked = json.loads(stdin or "{}").get("cniVersion")
    except (ValueError, AttributeError):
        asked = None
    return {"cniVersion": asked or versions.CURRENT, "supportedVersions": list(versions.SUPPORTED)}


def _says(document: Document) -> Answer:
    return Answer(json.dumps(document, indent=4), 0)


def execute(world: World, plugin: str, environment: Mapping[str, str], config: Document) -> Document:
    """Run a plugin of the world, and read its answer; raises CNIError."""
    stdout, code = world.execute(plugin, environment, json.dumps(config))
    if code:
        raise of_document(stdout, plugin)
    answer: Document = json.loads(stdout) if stdout.strip() else {}
    return answer

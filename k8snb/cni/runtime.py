"""What a container runtime does with a list of plugins: call them one after the other, and undo that in reverse.

A list (`.conflist`) names plugins. Each gets its own part of the list, the list's name and version, what the one before
it answered (`prevResult`), and of what the runtime knows about the container that for which it has the capability. The
result of the last is the result; it is kept until the container goes, for DEL and CHECK.
Upstream: `libcni/api.go`, `libcni/conf.go`.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.cni import versions
from k8snb.cni.errors import DECODING_FAILURE, INVALID_CONFIG, CNIError, of_document
from k8snb.cni.world import World

BIN = "/opt/cni/bin"
RESULTS = "/var/lib/cni/results"

Document = Mapping[str, Any]


class Exchange(NamedTuple):
    """One call of one plugin: what it was given and what it answered."""

    plugin: str
    environment: Mapping[str, str]
    stdin: str
    stdout: str
    code: int

    @property
    def command(self) -> str:
        """What was asked."""
        return self.environment["CNI_COMMAND"]


@dataclass(frozen=True)
class Attachment:
    """A container that is to have an interface in a network."""

    container: str
    netns: str
    ifname: str = "eth0"
    arguments: str = ""
    capabilities: Mapping[str, Any] = field(default_factory=dict)
    """What the runtime knows, by capability: `portMappings`, `ips` …"""


class FailedPlugin(CNIError):
    """A plugin of a list failed; the message is the runtime's, which names it."""

    def __init__(self, plugin: str, command: str, error: CNIError) -> None:
        lead = f'plugin type="{plugin}" failed ({command.lower()}): '
        super().__init__(error.code, lead + error.message, error.details)
        self.plugin = plugin


def read_list(text: str) -> Document:
    """The list of plugins in a `.conflist`, or the one plugin of a `.conf`; raises CNIError."""
    try:
        found = json.loads(text)
    except ValueError as error:
        raise CNIError(DECODING_FAILURE, f"error parsing configuration list: {error}") from None
    if not isinstance(found, dict) or not found.get("name"):
        raise CNIError(INVALID_CONFIG, "error parsing configuration list: no name")
    if "plugins" not in found:
        found = {"name": found["name"], "cniVersion": found.get("cniVersion", ""), "plugins": [found]}
    versions.require(str(found.get("cniVersion") or "0.1.0"))
    if not isinstance(found["plugins"], list) or not found["plugins"]:
        raise CNIError(INVALID_CONFIG, "error parsing configuration list: no plugins in list")
    for number, plugin in enumerate(found["plugins"]):
        if not isinstance(plugin, dict) or not plugin.get("type"):
            raise CNIError(INVALID_CONFIG, f"error parsing configuration list: plugin {number} has no type")
    return found


class Runtime:
    """Calls the plugins of one list on a machine, and keeps what was said."""

    def __init__(self, world: World, network: Document, path: str = BIN, results: str = RESULTS) -> None:
        self.network = network
        self.exchanges: list[Exchange] = []
        self._world = world
        self._path = path
        self._results = results

    @property
    def version(self) -> str:
        """The version of the list."""
        return str(self.network.get("cniVersion") or "0.1.0")

    def add(self, attachment: Attachment) -> Document:
        """Connect a container; raises FailedPlugin."""
        result: Document | None = None
        for plugin in self.network["plugins"]:
            result = self._call("ADD", plugin, attachment, result)
        made = result or {}
        kept = {"result": made, "netns": attachment.netns, "capabilities": attachment.capabilities}
        self._world.write(self._file(attachment), json.dumps(kept))
        return made

    def delete(self, attachment: Attachment) -> None:
        """Disconnect a container, the last plugin first; raises FailedPlugin."""
        kept = json.loads(self._world.read(self._file(attachment)) or "{}")
        result = kept.get("result") if versions.has(self.version, "CHECK") else None
        for plugin in reversed(self.network["plugins"]):
            self._call("DEL", plugin, attachment, result)
        self._world.remove(self._file(attachment))

    def check(self, attachment: Attachment) -> None:
        """See whether everything is as it was made; raises FailedPlugin. A list may say no to that."""
        if self.network.get("disableCheck"):
            return
        kept = json.loads(self._world.read(self._file(attachment)) or "{}")
        for plugin in self.network["plugins"]:
            self._call("CHECK", plugin, attachment, kept.get("result"))

    def status(self) -> None:
        """See whether containers could be connected; raises FailedPlugin. Lists before 1.1.0 cannot say."""
        for plugin in self.network["plugins"] if versions.has(self.version, "STATUS") else ():
            self._call("STATUS", plugin, None, None)

    def collect(self, valid: Sequence[Attachment]) -> None:
        """Give back what belongs to none of these containers; raises FailedPlugin."""
        if self.network.get("disableGC") or not versions.has(self.version, "GC"):
            return
        kept = [{"containerID": each.container, "ifname": each.ifname} for each in valid]
        for plugin in self.network["plugins"]:
            self._call("GC", {**plugin, "cni.dev/valid-attachments": kept}, None, None)

    def _file(self, attachment: Attachment) -> str:
        return f"{self._results}/{self.network['name']}-{attachment.container}-{attachment.ifname}"

    def _call(self, command: str, plugin: Document, of: Attachment | None, result: Document | None) -> Document:
        environment = {"CNI_COMMAND": command, "CNI_PATH": self._path}
        config = {**plugin, "name": self.network["name"], "cniVersion": self.version}
        if of is not None:
            environment |= {"CNI_CONTAINERID": of.container, "CNI_NETNS": of.netns, "CNI_IFNAME": of.ifname}
            environment |= {"CNI_ARGS": of.arguments} if of.arguments else {}
            granted = plugin.get("capabilities") or {}
            known = {name: value for name, value in of.capabilities.items() if granted.get(name) and value}
            config |= {"runtimeConfig": known} if known else {}
        config |= {"prevResult": result} if result is not None else {}
        stdin = json.dumps(config, indent=2)
        try:
            stdout, code = self._world.execute(plugin["type"], environment, stdin)
        except CNIError as error:
            stdout, code = error.document(self.version), 1
        self.exchanges.append(Exchange(plugin["type"], environment, stdin, stdout, code))
        if code:
            raise FailedPlugin(plugin["type"], command, of_document(stdout, plugin["type"]))
        answer: Document = json.loads(stdout) if stdout.strip() else {}
        return answer

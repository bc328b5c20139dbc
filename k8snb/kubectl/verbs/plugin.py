"""kubectl plugin: programs that become commands. The built-in kubectl has no PATH and finds none."""

from __future__ import annotations

from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import Flag


def run(call: Call) -> None:
    """Carry out `kubectl plugin list`."""
    raise CommandError("unable to find any kubectl plugins in your PATH")


PLUGIN = Verb(
    "plugin",
    "Provides utilities for interacting with plugins",
    verbs=(
        Verb("list", "List all visible plugin executables on a user's PATH", run, (Flag("name-only", kind="switch"),)),
    ),
)

"""kubectl options: the flags that every command takes."""

from __future__ import annotations

from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.flags import GLOBAL
from k8snb.kubectl.help import described
from k8snb.kubectl.manual import global_option


def run(call: Call) -> None:
    """Carry out `kubectl options`."""
    shown = "\n".join(described(flag, global_option(flag.name)) for flag in GLOBAL if flag.name != "help")
    call.out(f"The following options can be passed to any command:\n\n{shown}")


OPTIONS = Verb("options", "Print the list of flags inherited by all commands", run)

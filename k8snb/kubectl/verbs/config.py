"""kubectl config: the current context and its namespace. Upstream: `kubectl/pkg/cmd/config`."""

from __future__ import annotations

from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import PRINTING, Flag
from k8snb.kubectl.printing.goyaml import yaml_text
from k8snb.kubectl.tabwriter import TabWriter


def _view(call: Call) -> None:
    printer = call.printer(ordered=False)
    config = call.settings.config
    call.out(yaml_text(config) if printer is None else printer(config))


def _current(call: Call) -> None:
    call.out(f"{call.settings.name}\n")


def _contexts(call: Call) -> None:
    settings = call.settings
    if call.args and settings.name not in call.args:
        raise CommandError(f"context {call.args[0]} not found")
    if call.flags.text("output") == "name":
        call.out(f"{settings.name}\n")
        return
    writer = TabWriter()
    if not call.flags.on("no-headers"):
        writer.row(("CURRENT", "NAME", "CLUSTER", "AUTHINFO", "NAMESPACE"))
    writer.row(("*", settings.name, settings.name, settings.user, settings.namespace))
    call.out(writer.flush())


def _set_context(call: Call) -> None:
    settings = call.settings
    if not call.flags.on("current") and call.args != [settings.name]:
        raise CommandError(f'no context exists with the name: "{" ".join(call.args)}"')
    if call.flags.has("namespace"):
        settings.namespace = call.flags.text("namespace")
    call.out(f'Context "{settings.name}" modified.\n')


def _use_context(call: Call) -> None:
    if call.args != [call.settings.name]:
        raise CommandError(f'no context exists with the name: "{" ".join(call.args)}"')
    call.out(f'Switched to context "{call.settings.name}".\n')


CONFIG = Verb(
    "config",
    "Modify kubeconfig files",
    verbs=(
        Verb("current-context", "Display the current-context", _current),
        Verb(
            "get-contexts",
            "Describe one or many contexts",
            _contexts,
            (Flag("output", "o"), Flag("no-headers", kind="switch")),
        ),
        Verb("set-context", "Set a context entry in kubeconfig", _set_context, (Flag("current", kind="switch"),)),
        Verb("use-context", "Set the current-context in a kubeconfig file", _use_context, aliases=("use",)),
        Verb(
            "view",
            "Display merged kubeconfig settings or a specified kubeconfig file",
            _view,
            (*PRINTING, Flag("minify", kind="switch"), Flag("raw", kind="switch"), Flag("flatten", kind="switch")),
        ),
    ),
)

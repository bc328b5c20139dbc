"""Programs that say who one is: what `kubectl config set-credentials` keeps of them. None is run here.

Upstream: `kubectl/pkg/cmd/config/set_credentials.go`.
"""

from __future__ import annotations

from typing import Any

from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import Flag
from k8snb.typing import Object

PLUGIN_FLAGS = (
    Flag("exec-command"),
    Flag("exec-api-version"),
    Flag("exec-arg", kind="list"),
    Flag("exec-env", kind="texts"),
    Flag("exec-interactive-mode"),
    Flag("exec-provide-cluster-info", kind="switch"),
    Flag("auth-provider"),
    Flag("auth-provider-arg", kind="list"),
)


def plugin_of(call: Call, user: Object) -> dict[str, Any]:
    """The `exec` and `auth-provider` sections of a user after the command; empty where it does not touch them."""
    flags, made = call.flags, {}
    if any(flags.has(flag.name) for flag in PLUGIN_FLAGS if flag.name.startswith("exec-")):
        made["exec"] = _program(call, dict(user.get("exec") or {}))
    if flags.has("auth-provider"):
        pairs = (_pair("auth-provider-arg", text) for text in flags.texts("auth-provider-arg"))
        made["auth-provider"] = {"name": flags.text("auth-provider"), "config": dict(pairs)}
    return made


def _program(call: Call, program: dict[str, Any]) -> Object:
    flags = call.flags
    if flags.has("exec-command"):
        program["command"] = flags.text("exec-command")
    if flags.has("exec-api-version"):
        program["apiVersion"] = flags.text("exec-api-version")
    if flags.has("exec-arg"):
        program["args"] = flags.texts("exec-arg")
    if flags.has("exec-env"):
        pairs = (_pair("exec-env", text) for text in flags.texts("exec-env"))
        program["env"] = [{"name": name, "value": value} for name, value in pairs]
    if flags.has("exec-interactive-mode"):
        program["interactiveMode"] = flags.text("exec-interactive-mode")
    program["provideClusterInfo"] = flags.on("exec-provide-cluster-info")
    return program


def _pair(flag: str, text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals or not name:
        raise CommandError(f"invalid {flag} format: {text}")
    return name, value

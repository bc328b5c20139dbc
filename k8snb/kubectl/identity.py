"""As whom a command asks: the user of the kubeconfig's context, another one that a flag names, or somebody's place.

`--token` and a user's token are sent for the server to judge. `--as` and its like ask the server to treat the
request as if somebody else had sent it; whether that is allowed is the server's to say as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8snb.kubectl.errors import CommandError, connection_refused
from k8snb.kubectl.flags import Flags
from k8snb.kubectl.kubeconfig import IN_PROCESS, Kubeconfig
from k8snb.machinery.durations import parse_duration
from k8snb.typing import Object
from k8snb.wire import REPEATED


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks: the owner of the client (`own`), or whoever the headers prove."""

    own: bool
    headers: Mapping[str, str]


_BAD_TIMEOUT = (
    "Invalid timeout value. Timeout must be a single integer in seconds, or an integer followed by a corresponding "
    "time unit (e.g. 1s | 2m | 3h)"
)


def checked(flags: Flags, config: Kubeconfig) -> Identity:
    """Who asks; raises if the flags lead to no server, as the real one finds out with its first request."""
    if flags.text("kubeconfig"):
        raise CommandError(f"stat {flags.text('kubeconfig')}: no such file or directory")
    timeout = flags.text("request-timeout")
    try:
        parse_duration(timeout if not timeout.isdigit() else f"{timeout}s")
    except ValueError:
        raise CommandError(_BAD_TIMEOUT) from None
    who = identity(flags, config)
    context = config.context(flags.text("context"))
    name = flags.text("cluster") or str(context.get("cluster", ""))
    server = flags.text("server") or config.server(name)
    if server.rstrip("/") != config.server_reached:
        where = server.removeprefix("https://").removeprefix("http://").rstrip("/")
        raise CommandError(connection_refused(where), plain=True)
    return who


def identity(flags: Flags, config: Kubeconfig) -> Identity:
    """Who asks with these flags and this kubeconfig."""
    context = config.context(flags.text("context"))
    given = flags.values["user"]
    name = given if given and isinstance(given, str) else str(context.get("user", ""))
    user = config.user(name)
    token = flags.text("token") or str(user.get("token", ""))
    headers: dict[str, str] = {}
    own = token == IN_PROCESS
    if token and not own:
        headers["authorization"] = f"Bearer {token}"
    return Identity(own, headers | _impersonation(flags, user, name))


def _impersonation(flags: Flags, user: Object, name: str) -> dict[str, str]:
    who = flags.text("as") or str(user.get("as", ""))
    groups: Sequence[str] = flags.texts("as-group") or user.get("as-groups") or ()
    uid = flags.text("as-uid") or str(user.get("as-uid", ""))
    if not who and (groups or uid):
        raise CommandError(f"requesting uid, groups or user-extra for {name} without impersonating a user")
    found = {"impersonate-user": who, "impersonate-uid": uid, "impersonate-group": REPEATED.join(groups)}
    return {header: value for header, value in found.items() if value}

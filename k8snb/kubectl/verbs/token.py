"""kubectl create token: a token of a service account.

Upstream: `kubectl/pkg/cmd/create/create_token.go`.
"""

from __future__ import annotations

from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import PRINTING, Flag
from k8snb.kubectl.targets import Target

_KINDS = ("Node", "Pod", "Secret")


def run(call: Call) -> None:
    """Carry out `kubectl create token`."""
    if len(call.args) != 1:
        raise call.usage(f"exactly one NAME is required, got {len(call.args)}")
    resource = call.scheme.find("serviceaccounts")
    assert resource is not None
    target = Target(resource, call.namespace, call.args[0])
    request = {"kind": "TokenRequest", "apiVersion": "authentication.k8s.io/v1", "metadata": {}, "spec": _spec(call)}
    try:
        answer = call.session.post(target, "token", request)
    except StatusError as error:
        raise CommandError(f"failed to create token: {_said(error)}") from None
    printer = call.printer()
    if printer is not None:
        call.out(printer(answer))
        return
    token = (answer.get("status") or {}).get("token", "")
    if not token:
        raise CommandError("failed to create token: no token in server response")
    call.out(f"{token}\n")


def _said(error: StatusError) -> str:
    return error.message


def _spec(call: Call) -> dict[str, Any]:
    flags = call.flags
    spec: dict[str, Any] = {"audiences": flags.texts("audience") or None, "expirationSeconds": None}
    seconds, kind, name = flags.seconds("duration"), flags.text("bound-object-kind"), flags.text("bound-object-name")
    if seconds < 0:
        raise CommandError("--duration must be greater than or equal to 0")
    if seconds % 1:
        raise CommandError("--duration cannot be expressed in units less than seconds")
    if seconds:
        spec["expirationSeconds"] = int(seconds)
    if not kind:
        for flag in ("name", "uid"):
            if flags.text(f"bound-object-{flag}"):
                raise CommandError(f"--bound-object-{flag} can only be set if --bound-object-kind is provided")
        return spec
    if kind not in _KINDS:
        raise CommandError(f"supported --bound-object-kind values are {', '.join(_KINDS)}")
    if not name:
        raise CommandError("--bound-object-name is required if --bound-object-kind is provided")
    reference = {"kind": kind, "apiVersion": "v1", "name": name}
    if flags.text("bound-object-uid"):
        reference["uid"] = flags.text("bound-object-uid")
    return {**spec, "boundObjectRef": reference}


TOKEN = Verb(
    "token",
    "Request a service account token",
    run,
    (
        *PRINTING,
        Flag("audience", kind="texts"),
        Flag("duration", kind="seconds"),
        *(Flag(f"bound-object-{name}") for name in ("kind", "name", "uid")),
    ),
)

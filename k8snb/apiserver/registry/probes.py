"""Probes and lifecycle hooks: exactly one handler each, and numbers that make sense.

Upstream: `validateProbe`, `validateHandler` and `validateLifecycle` in
`pkg/apis/core/validation/validation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from k8snb.apiserver.registry.checks import each
from k8snb.errors import FieldError, field_forbidden, invalid_value, not_supported, required
from k8snb.machinery import formats
from k8snb.typing import Object

Findings = Iterator[FieldError]

_PROBE_HANDLERS = ("exec", "httpGet", "tcpSocket", "grpc")
_HOOK_HANDLERS = ("exec", "httpGet", "tcpSocket", "sleep")
_NUMBERS = ("initialDelaySeconds", "timeoutSeconds", "periodSeconds", "successThreshold", "failureThreshold")
_SCHEMES = ("HTTP", "HTTPS")
_NEGATIVE = "must be greater than or equal to 0"


def validate_probes(container: Object, path: str, grace: int | None) -> Findings:
    """The lifecycle hooks and the three probes of a container that runs for long."""
    if container.get("lifecycle") is not None:
        yield from validate_lifecycle(container["lifecycle"], f"{path}.lifecycle", grace)
    for name in ("livenessProbe", "readinessProbe", "startupProbe"):
        probe = container.get(name)
        if probe is not None:
            yield from _validate_probe(probe, f"{path}.{name}", name, grace)


def _validate_probe(probe: Object, path: str, name: str, grace: int | None) -> Findings:
    yield from _validate_handler(probe, path, _PROBE_HANDLERS, grace)
    for number in _NUMBERS:
        if (probe.get(number) or 0) < 0:
            yield invalid_value(f"{path}.{number}", probe[number], _NEGATIVE)
    seconds = probe.get("terminationGracePeriodSeconds")
    if seconds is not None and seconds <= 0:
        yield invalid_value(f"{path}.terminationGracePeriodSeconds", seconds, "must be greater than 0")
    if name == "readinessProbe":
        if seconds is not None:
            at = f"{path}.terminationGracePeriodSeconds"
            yield invalid_value(at, seconds, "must not be set for readinessProbes")
    elif probe.get("successThreshold") != 1:
        yield invalid_value(f"{path}.successThreshold", probe.get("successThreshold") or 0, "must be 1")


def validate_lifecycle(lifecycle: Object, path: str, grace: int | None) -> Findings:
    """`postStart` and `preStop`."""
    for name in ("postStart", "preStop"):
        if lifecycle.get(name) is not None:
            yield from _validate_handler(lifecycle[name], f"{path}.{name}", _HOOK_HANDLERS, grace)


def _validate_handler(handler: Object, path: str, kinds: Sequence[str], grace: int | None) -> Findings:
    given = [name for name in kinds if handler.get(name) is not None]
    if not given:
        yield required(path, "must specify a handler type")
    for position, name in enumerate(given):
        at = f"{path}.{name}"
        if position:
            yield field_forbidden(at, "may not specify more than 1 handler type")
        else:
            yield from _validate_action(name, handler[name], at, grace)


def _validate_action(name: str, action: Object, path: str, grace: int | None) -> Findings:
    if name == "exec":
        if not action.get("command"):
            yield required(f"{path}.command")
    elif name == "httpGet":
        yield from _validate_http(action, path)
    elif name == "sleep":
        yield from _validate_sleep(action.get("seconds") or 0, path, grace)
    else:
        yield from validate_port(action.get("port", 0), f"{path}.port")


def _validate_http(action: Object, path: str) -> Findings:
    if not action.get("path"):
        yield required(f"{path}.path")
    yield from validate_port(action.get("port", 0), f"{path}.port")
    if action.get("scheme") not in _SCHEMES:
        yield not_supported(f"{path}.scheme", action.get("scheme") or "", _SCHEMES)
    for header in action.get("httpHeaders") or ():
        name = header.get("name") or ""
        yield from each(f"{path}.httpHeaders", name, formats.http_header_name(name))


def _validate_sleep(seconds: int, path: str, grace: int | None) -> Findings:
    if grace is not None and not 0 <= seconds <= grace:
        limit = f"must be non-negative and less than terminationGracePeriodSeconds ({grace})"
        yield invalid_value(path, seconds, limit)


def validate_port(port: int | str, path: str) -> Findings:
    """The number of a port, or the name of one."""
    yield from each(path, port, formats.port_name(port) if isinstance(port, str) else formats.port_number(port))

"""Containers, as pods and templates show them: image, ports, state, resources, probes, environment, mounts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.kubectl.describe.writer import NONE, Page, long_time, true_or_false
from k8snb.machinery.quantity import NANO, parse, scaled
from k8snb.typing import Object

Resolve = Callable[[str], str]
"""From a field path of the pod to its value."""


def describe_containers(
    page: Page,
    title: str,
    containers: Sequence[Object],
    statuses: Sequence[Object] = (),
    *,
    resolve: Resolve | None = None,
    indent: str = "",
) -> None:
    """A section of containers; `indent` is two spaces inside a template."""
    by_name = {status["name"]: status for status in statuses}
    page.line(f"{indent}{title}:{'' if containers else ' <none>'}")
    for container in containers:
        status = by_name.get(container["name"])
        _basics(page, container, status, " " if indent else "")
        _words(page, "Command", container.get("command") or ())
        _words(page, "Args", container.get("args") or ())
        if status is not None:
            _state(page, status)
        describe_resources(page, container.get("resources"), 2)
        _probes(page, container)
        _env_from(page, container.get("envFrom") or ())
        _env(page, container, resolve)
        _mounts(page, container)


def _basics(page: Page, container: Object, status: Object | None, indent: str) -> None:
    page.line(f"{indent}{container['name']}:", 1)
    if status is not None:
        page.line(f"Container ID:\t{status.get('containerID', '')}", 2)
    page.line(f"Image:\t{container.get('image', '')}", 2)
    if status is not None:
        page.line(f"Image ID:\t{status.get('imageID', '')}", 2)
    for title, field in (("Port", "containerPort"), ("Host Port", "hostPort")):
        ports = [f"{port.get(field, 0)}/{port.get('protocol', 'TCP')}" for port in container.get("ports") or ()]
        page.line(f"{title}{'s' if len(ports) > 1 else ''}:\t{', '.join(ports) or NONE}", 2)
    seccomp = (container.get("securityContext") or {}).get("seccompProfile")
    if seccomp:
        page.line(f"SeccompProfile:\t{seccomp['type']}", 2)
        if seccomp["type"] == "Localhost":
            page.line(f"LocalhostProfile:\t{seccomp['localhostProfile']}", 3)


def _words(page: Page, title: str, words: Sequence[str]) -> None:
    if words:
        page.line(f"{title}:", 2)
    for word in words:
        for line in word.split("\n"):
            page.line(line, 3)


# -- state ---------------------------------------------------------------------------------------------


def _state(page: Page, status: Object) -> None:
    _one_state(page, "State", status.get("state") or {})
    if "terminated" in (status.get("lastState") or {}):
        _one_state(page, "Last State", status["lastState"])
    page.line(f"Ready:\t{true_or_false(status.get('ready'))}", 2)
    page.line(f"Restart Count:\t{status.get('restartCount', 0)}", 2)


def _one_state(page: Page, title: str, state: Object) -> None:
    if "running" in state:
        page.line(f"{title}:\tRunning", 2)
        page.line(f"Started:\t{long_time(state['running'].get('startedAt'))}", 3)
    elif "terminated" in state:
        _terminated(page, title, state["terminated"])
    else:
        page.line(f"{title}:\tWaiting", 2)
        reason = (state.get("waiting") or {}).get("reason")
        if reason:
            page.line(f"Reason:\t{reason}", 3)


def _terminated(page: Page, title: str, ended: Object) -> None:
    page.line(f"{title}:\tTerminated", 2)
    if ended.get("reason"):
        page.line(f"Reason:\t{ended['reason']}", 3)
    if ended.get("message"):
        page.line(f"Message:\t{ended['message']}", 3)
    page.line(f"Exit Code:\t{ended.get('exitCode', 0)}", 3)
    if ended.get("signal", 0) > 0:
        page.line(f"Signal:\t{ended['signal']}", 3)
    page.line(f"Started:\t{long_time(ended.get('startedAt'))}", 3)
    page.line(f"Finished:\t{long_time(ended.get('finishedAt'))}", 3)


# -- resources and probes ------------------------------------------------------------------------------


def describe_resources(page: Page, resources: Any, level: int) -> None:
    """Limits and requests, where there are any."""
    for title in ("Limits", "Requests"):
        amounts = (resources or {}).get(title.lower()) or {}
        if amounts:
            page.line(f"{title}:", level)
        for name in sorted(amounts):
            page.line(f"{name}:\t{amounts[name]}", level + 1)


def _probes(page: Page, container: Object) -> None:
    for title, field in (("Liveness", "livenessProbe"), ("Readiness", "readinessProbe"), ("Startup", "startupProbe")):
        if container.get(field):
            page.line(f"{title}:\t{probe_text(container[field])}", 2)


def probe_text(probe: Object) -> str:
    """A probe in a line."""
    attributes = (
        f"delay={probe.get('initialDelaySeconds', 0)}s timeout={probe.get('timeoutSeconds', 0)}s "
        f"period={probe.get('periodSeconds', 0)}s #success={probe.get('successThreshold', 0)} "
        f"#failure={probe.get('failureThreshold', 0)}"
    )
    if "exec" in probe:
        return f"exec [{' '.join(probe['exec'].get('command') or ())}] {attributes}"
    if "httpGet" in probe:
        return f"http-get {_address(probe['httpGet'])} {attributes}"
    if "tcpSocket" in probe:
        return f"tcp-socket {probe['tcpSocket'].get('host', '')}:{probe['tcpSocket']['port']} {attributes}"
    if "grpc" in probe:
        return f"grpc <pod>:{probe['grpc']['port']} {probe['grpc'].get('service', '')} {attributes}"
    return f"unknown {attributes}"


def _address(get: Object) -> str:
    path = str(get.get("path", ""))
    rest = path if not path or path.startswith("/") else f"/{path}"
    return f"{get.get('scheme', 'HTTP').lower()}://{get.get('host', '')}:{get['port']}{rest}"


# -- environment and mounts ----------------------------------------------------------------------------


def _env_from(page: Page, sources: Sequence[Object]) -> None:
    if sources:
        page.line("Environment Variables from:", 2)
    for source in sources:
        kind, field = ("ConfigMap", "configMapRef") if "configMapRef" in source else ("Secret", "secretRef")
        reference = source.get(field) or {}
        prefix = f" with prefix '{source['prefix']}'" if source.get("prefix") else ""
        page.line(f"{reference.get('name', '')}\t{kind}{prefix}\tOptional: {_flag(reference)}", 3)


def _flag(reference: Object) -> str:
    return "true" if reference.get("optional") else "false"


def _env(page: Page, container: Object, resolve: Resolve | None) -> None:
    env = container.get("env") or ()
    page.line("Environment:" + ("" if env else "\t<none>"), 2)
    for variable in env:
        source = variable.get("valueFrom")
        if source is None:
            first, *rest = variable.get("value", "").split("\n")
            page.line(f"{variable['name']}:\t{first}", 3)
            for line in rest:
                page.line(f"\t{line}", 3)
        else:
            page.line(f"{variable['name']}:\t{_source(source, container, resolve)}", 3)


def _source(source: Object, container: Object, resolve: Resolve | None) -> str:
    if "fieldRef" in source:
        field = source["fieldRef"]
        value = resolve(field["fieldPath"]) if resolve is not None else ""
        return f"{value} ({field.get('apiVersion', 'v1')}:{field['fieldPath']})"
    if "resourceFieldRef" in source:
        return _amount(source["resourceFieldRef"], container)
    if "secretKeyRef" in source:
        key = source["secretKeyRef"]
        return f"<set to the key '{key['key']}' in secret '{key['name']}'>\tOptional: {_flag(key)}"
    key = source.get("configMapKeyRef") or {}
    return f"<set to the key '{key.get('key', '')}' of config map '{key.get('name', '')}'>\tOptional: {_flag(key)}"


def _amount(field: Object, container: Object) -> str:
    kind, _, name = field["resource"].partition(".")
    text = ((container.get("resources") or {}).get(kind) or {}).get(name, "0")
    divisor = parse(field.get("divisor") or "1").nano or NANO
    value = str(scaled(parse(text).nano, divisor))
    if value == "0" and field["resource"] in ("limits.cpu", "limits.memory"):
        value = "node allocatable"
    return f"{value} ({field['resource']})"


def _mounts(page: Page, container: Object) -> None:
    mounts = container.get("volumeMounts") or ()
    none = "" if mounts else "\t<none>"
    page.line(f"Mounts:{none}", 2)
    for mount in sorted(mounts, key=lambda mount: mount["mountPath"]):
        flags = ["ro" if mount.get("readOnly") else "rw"]
        if mount.get("subPath"):
            flags.append(f"path={json.dumps(mount['subPath'])}")
        page.line(f"{mount['mountPath']} from {mount['name']} ({','.join(flags)})", 3)
    devices = container.get("volumeDevices") or ()
    if devices:
        page.line(f"Devices:{none}", 2)
    for device in sorted(devices, key=lambda device: device["devicePath"]):
        page.line(f"{device['devicePath']} from {device['name']}", 3)


def field_resolver(pod: Object) -> Resolve:
    """Looks up field paths in a pod, as the downward API does."""

    def resolve(path: str) -> str:
        name, bracket, rest = path.partition("[")
        if bracket:
            values: Mapping[str, str] = (pod["metadata"].get(name.removeprefix("metadata."))) or {}
            return values.get(rest.strip("]'\""), "")
        value: Any = pod
        for key in path.split("."):
            value = value.get(key, "") if isinstance(value, Mapping) else ""
        if isinstance(value, Mapping):
            return "\n".join(f"{key}={json.dumps(text)}" for key, text in sorted(value.items()))
        return str(value)

    return resolve

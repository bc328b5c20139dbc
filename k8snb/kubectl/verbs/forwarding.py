"""kubectl port-forward and proxy: ports of this machine, which the built-in kubectl does not have.

Everything that the real one checks before it opens a port is checked; then the error says how to get the same
answer without one. Upstream: `kubectl/pkg/cmd/portforward/portforward.go`, `kubectl/pkg/cmd/proxy/proxy.go`.
"""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.kubectl.asking import pair
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.podpicking import pods_of
from k8snb.kubectl.targets import Target
from k8snb.typing import Object

_LAST_PORT = 65535


def port_forward(call: Call) -> None:
    """Carry out `kubectl port-forward` as far as that goes."""
    if len(call.args) < 2:
        raise call.usage("TYPE/NAME and list of ports are required for port-forward")
    target = pair(call, call.args[0], default="pods")
    target = target.holding(call.session.find(target))
    pod = pods_of(call, call.args[0], "attach to")[0]
    ports = [_pod_port(target, pod, word.rpartition(":")[2]) for word in call.args[1:]]
    for word, port in zip(call.args[1:], ports, strict=True):
        _check_range("local", word.rpartition(":")[0] or (word if word.isdigit() else str(port)))
        _check_range("remote", str(port))
    phase = (pod.known.get("status") or {}).get("phase", "")
    if phase != "Running":
        raise CommandError(f"unable to forward port because pod is not running. Current status={phase}")
    path = pod.resource.path(pod.namespace, f"{pod.name}:{ports[0]}", "proxy")
    hint = _("the built-in kubectl opens no port; ask through the API server instead: kubectl get --raw {path}/")
    raise CommandError(hint.format(path=path))


def _check_range(which: str, text: str) -> None:
    if text.isdigit() and int(text) > _LAST_PORT:
        why = f'strconv.ParseUint: parsing "{text}": value out of range'
        raise CommandError(f"error parsing {which} port '{text}': {why}")


def _pod_port(target: Target, pod: Target, word: str) -> int:
    """The container port behind a port number or name of a Service or pod."""
    if target.resource.kind != "Service":
        port = int(word) if word.isdigit() else _named_port(pod, word)
        if port < 1:
            raise CommandError("remote port must be > 0")
        return port
    for port in target.known["spec"].get("ports") or ():
        if word in (str(port["port"]), port.get("name")):
            behind = port.get("targetPort", port["port"])
            return behind if isinstance(behind, int) else _named_port(pod, str(behind))
    kind = "port" if word.isdigit() else "named port"
    if word.isdigit():
        raise CommandError(f"Service {target.name} does not have a service port {word}")
    raise CommandError(f"Service '{target.name}' does not have a {kind} '{word}'")


def _named_port(pod: Target, name: str) -> int:
    containers: list[Object] = pod.known["spec"]["containers"]
    ports = {port.get("name"): port["containerPort"] for c in containers for port in c.get("ports") or ()}
    if name not in ports:
        raise CommandError(f"Pod '{pod.name}' does not have a named port '{name}'")
    return int(ports[name])


def proxy(call: Call) -> None:
    """Carry out `kubectl proxy` as far as that goes."""
    if call.args:
        raise call.usage(f"unexpected arguments: [{' '.join(call.args)}]")
    raise CommandError(
        _("the built-in kubectl opens no port; every path can be asked for without one: kubectl get --raw PATH")
    )


PORT_FORWARD = Verb(
    "port-forward",
    "Forward one or more local ports to a pod",
    port_forward,
    (Flag("address", kind="list", default=["localhost"]), Flag("pod-running-timeout", kind="seconds", default=60.0)),
)
PROXY = Verb(
    "proxy",
    "Run a proxy to the Kubernetes API server",
    proxy,
    (
        Flag("accept-hosts", default=r"^localhost$,^127\.0\.0\.1$,^\[::1\]$"),
        Flag("accept-paths", default="^.*"),
        Flag("address", default="127.0.0.1"),
        Flag("api-prefix", default="/"),
        Flag("append-server-path", kind="switch"),
        Flag("disable-filter", kind="switch"),
        Flag("keepalive", kind="seconds"),
        Flag("port", "p", kind="number", default=8001),
        Flag("reject-methods", default="^$"),
        Flag("reject-paths", default="^/api/.*/pods/.*/exec,^/api/.*/pods/.*/attach"),
        Flag("unix-socket", "u"),
        Flag("www", "w"),
        Flag("www-prefix", "P", default="/static/"),
    ),
)

"""kubectl expose: a Service for something that runs. Upstream: `kubectl/pkg/cmd/expose/expose.go`."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from k8snb.errors import StatusError
from k8snb.kubectl.asking import ask, found, resource_named
from k8snb.kubectl.call import Call, Verb
from k8snb.kubectl.errors import CommandError, raise_all
from k8snb.kubectl.flags import DRY_RUN, FILES, PRINTING, SAVE_CONFIG, Flag, manager
from k8snb.kubectl.generators import pairs, services
from k8snb.kubectl.generators.workloads import with_namespace
from k8snb.kubectl.targets import Target
from k8snb.kubectl.verbs.configuring import configured
from k8snb.machinery.gotext import go_text
from k8snb.machinery.patch import merge_patch
from k8snb.typing import Object

_EXPOSABLE = ("ReplicationController", "Service", "Pod", "Deployment", "ReplicaSet")


def run(call: Call) -> None:
    """Carry out `kubectl expose`."""
    result = found(call, ask(call, call.args, selects=False), latest=False)
    for target in result.targets:
        try:
            _expose(call, target)
        except (StatusError, CommandError) as error:
            result.errors.append(error)
    raise_all(result.errors)


def _expose(call: Call, target: Target) -> None:
    resource = target.resource
    if resource.kind not in _EXPOSABLE:
        kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
        raise CommandError(f"cannot expose a {kind}")
    service = _service(call, target)
    text = call.flags.text("overrides")
    if text:
        merged = merge_patch(service, json.loads(text))
        assert isinstance(merged, Mapping)
        service = merged
    if call.flags.on("save-config"):
        service = configured(service, ordered=False)
    if call.flags.has("namespace"):
        service = {**service, "metadata": with_namespace(service["metadata"], call.namespace)}
    services_resource = resource_named(call.scheme, "services")
    if call.dry_run != "client":
        service = call.session.create(services_resource, call.namespace, service, call.query())
    made = Target(services_resource, call.namespace, service["metadata"]["name"])
    call.done(service, made.full_name, "exposed", ordered=False)


def _service(call: Call, target: Target) -> Object:
    flags = call.flags
    name = flags.text("name") or target.name[:63]
    selector = pairs.parse_labels(flags.text("selector")) or _selector(target)
    labels = pairs.parse_labels(flags.text("labels")) or target.known["metadata"].get("labels") or {}
    affinity = flags.text("session-affinity")
    return services.service(
        name,
        type=flags.text("type"),
        ports=_ports(call, target),
        labels=labels,
        selector=selector,
        cluster_ip=flags.text("cluster-ip"),
        externalIPs=[flags.text("external-ip")] if flags.text("external-ip") else [],
        sessionAffinity=affinity,
        loadBalancerIP=flags.text("load-balancer-ip") if flags.text("type") == "LoadBalancer" else "",
    )


def _selector(target: Target) -> Mapping[str, str]:
    obj, kind = target.known, target.resource.kind
    try:
        if kind == "Pod":
            labels: Mapping[str, str] = obj["metadata"].get("labels") or {}
            if not labels:
                raise CommandError("the pod has no labels and cannot be exposed")
            return labels
        if kind in ("Service", "ReplicationController"):
            plain: Mapping[str, str] = obj["spec"].get("selector") or {}
            if not plain:
                raise CommandError("the service has no pod selector set")
            return plain
        selector = obj["spec"].get("selector") or {}
        if selector.get("matchExpressions"):
            expressions = go_text(selector["matchExpressions"])
            raise CommandError(f'couldn\'t convert expressions - "{expressions}" to map-based selector format')
        matched: Mapping[str, str] = selector.get("matchLabels") or {}
        return matched
    except CommandError as error:
        raise CommandError(f"couldn't retrieve selectors via --selector flag or introspection: {error}") from None


def _ports(call: Call, target: Target) -> Sequence[Object]:
    flags = call.flags
    known = _known_ports(target)
    given = [port for port in flags.text("port").split(",") if port]
    numbers = given or [str(number) for number, _ in known]
    if not numbers:
        if flags.text("cluster-ip") == "None":
            return []
        raise CommandError("couldn't find port via --port flag or introspection")
    protocols = dict(known)
    wanted = flags.text("target-port") or flags.text("container-port")
    made = []
    for at, number in enumerate(numbers, 1):
        port: dict[str, Any] = {"name": f"port-{at}"} if len(numbers) > 1 else {}
        port["protocol"] = flags.text("protocol") or protocols.get(_number(number), "TCP")
        port |= {"port": _number(number), "targetPort": services.int_or_name(wanted or number)}
        made.append(port)
    return made


def _number(port: str) -> int:
    try:
        return int(port)
    except ValueError:
        raise CommandError(f'strconv.Atoi: parsing "{port}": invalid syntax') from None


def _known_ports(target: Target) -> list[tuple[int, str]]:
    """The ports of the exposed object, with their protocols."""
    obj, kind = target.known, target.resource.kind
    if kind == "Service":
        return [(port["port"], port.get("protocol", "TCP")) for port in obj["spec"].get("ports") or ()]
    spec = obj["spec"] if kind == "Pod" else obj["spec"]["template"]["spec"]
    return [
        (port["containerPort"], port.get("protocol", "TCP"))
        for container in spec["containers"]
        for port in container.get("ports") or ()
    ]


EXPOSE = Verb(
    "expose",
    "Take a replication controller, service, deployment or pod and expose it as a new Kubernetes service",
    run,
    (
        *PRINTING,
        *FILES,
        DRY_RUN,
        SAVE_CONFIG,
        manager("kubectl-expose"),
        Flag("protocol"),
        Flag("port"),
        Flag("type"),
        Flag("load-balancer-ip"),
        Flag("selector"),
        Flag("labels", "l"),
        Flag("container-port", hidden=True),
        Flag("target-port"),
        Flag("external-ip"),
        Flag("overrides"),
        Flag("override-type", default="merge"),
        Flag("name"),
        Flag("session-affinity"),
        Flag("cluster-ip"),
    ),
)

"""The commands below `kubectl create`: one row each, and the object each makes of its flags."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from k8snb.kubectl.asking import resource_named
from k8snb.kubectl.call import Call
from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.files import read_bytes
from k8snb.kubectl.flags import Flag
from k8snb.kubectl.generators import pairs, policies, services, workloads
from k8snb.kubectl.generators.workloads import meta
from k8snb.kubectl.targets import Target
from k8snb.machinery.formats import dns_subdomain
from k8snb.machinery.quantity import QuantityError, canonical
from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class Generator:
    """One command: `make` builds its object from the flags and the name.

    `failed` is how its error begins when the API refuses; empty if the API's words stand alone.
    """

    name: str
    does: str
    make: Callable[[Call, str], Object]
    failed: str = ""
    flags: Sequence[Flag] = ()
    aliases: Sequence[str] = ()
    group: str = ""


# -- workloads -----------------------------------------------------------------------------------------


def _command(call: Call) -> list[str]:
    return call.args[call.dash :] if call.dash >= 0 else []


def _deployment(call: Call, name: str) -> Object:
    images, command = call.flags.texts("image"), _command(call)
    if len(images) > 1 and command:
        raise CommandError("cannot specify multiple --image options and command")
    return workloads.deployment(name, images, call.flags.number("replicas"), call.flags.number("port"), command)


def _job(call: Call, name: str) -> Object:
    if bool(call.flags.text("from")) == bool(call.flags.text("image")):
        raise CommandError("either --image or --from must be specified")
    if call.flags.text("from"):
        return _job_from(call, name)
    return workloads.job(name, call.flags.text("image"), _command(call))


def _job_from(call: Call, name: str) -> Object:
    kind, _, source = call.flags.text("from").partition("/")
    resource = resource_named(call.scheme, kind)
    cron_job = call.session.get(Target(resource, call.namespace if resource.namespaced else "", source))
    if resource.kind != "CronJob":
        raise CommandError(f"unknown object type *{resource.version}.{resource.kind}")
    template = cron_job["spec"]["jobTemplate"]
    inherited = template.get("metadata") or {}
    annotations = {**(inherited.get("annotations") or {}), "cronjob.kubernetes.io/instantiate": "manual"}
    owner = {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "name": cron_job["metadata"]["name"],
        "uid": cron_job["metadata"]["uid"],
    }
    return {
        "kind": "Job",
        "apiVersion": "batch/v1",
        "metadata": {**meta(name, inherited.get("labels"), annotations), "ownerReferences": [owner]},
        "spec": template["spec"],
        "status": {},
    }


def _cron_job(call: Call, name: str) -> Object:
    flags = call.flags
    restart = flags.text("restart") or "OnFailure"
    return workloads.cron_job(name, flags.text("image"), flags.text("schedule"), restart, _command(call))


# -- configuration -------------------------------------------------------------------------------------

_SOURCES = (
    Flag("from-literal", kind="texts"),
    Flag("from-file", kind="list"),
    Flag("from-env-file", kind="list"),
    Flag("append-hash", kind="switch"),
)


def _sourced(call: Call, owner: str) -> dict[str, str | bytes]:
    flags = call.flags
    if flags.texts("from-env-file") and (flags.texts("from-file") or flags.texts("from-literal")):
        raise CommandError("from-env-file cannot be combined with from-file or from-literal")
    found: dict[str, str | bytes] = {}
    found |= pairs.literals(flags.texts("from-literal"), owner)
    for key, content in pairs.files(flags.texts("from-file")).items():
        pairs.add(found, key, content, owner)
    found |= pairs.env_file(flags.texts("from-env-file"), owner)
    return found


def _config_map(call: Call, name: str) -> Object:
    data: dict[str, str] = {}
    binary: dict[str, str] = {}
    for key, value in sorted(_sourced(call, f'ConfigMap "{name}"').items()):
        try:
            data[key] = value if isinstance(value, str) else value.decode()
        except UnicodeDecodeError:
            binary[key] = pairs.encoded(value)
    obj: dict[str, Any] = {"kind": "ConfigMap", "apiVersion": "v1", "metadata": meta(name)}
    return obj | ({"data": data} if data else {}) | ({"binaryData": binary} if binary else {})


def _secret(name: str, data: dict[str, str], type: str = "") -> Object:
    obj: dict[str, Any] = {"kind": "Secret", "apiVersion": "v1", "metadata": meta(name)}
    return obj | ({"data": data} if data else {}) | ({"type": type} if type else {})


def _generic(call: Call, name: str) -> Object:
    data = {key: pairs.encoded(value) for key, value in sorted(_sourced(call, f'Secret "{name}"').items())}
    return _secret(name, data, call.flags.text("type"))


def _docker_registry(call: Call, name: str) -> Object:
    flags = call.flags
    user, password = flags.text("docker-username"), flags.text("docker-password")
    if not flags.texts("from-file") and not (user and password):
        wanted = "--docker-username, --docker-password and --docker-server"
        raise CommandError(f"either --from-file or the combination of {wanted} is required")
    if flags.texts("from-file"):
        (content,) = list(pairs.files(flags.texts("from-file")).values())[:1]
        return _secret(name, {".dockerconfigjson": pairs.encoded(content)}, "kubernetes.io/dockerconfigjson")
    entry = {"username": user, "password": password, "email": flags.text("docker-email")}
    entry["auth"] = pairs.encoded(f"{user}:{password}")
    config = {"auths": {flags.text("docker-server"): {key: value for key, value in entry.items() if value}}}
    text = json.dumps(config, separators=(",", ":"))
    return _secret(name, {".dockerconfigjson": pairs.encoded(text)}, "kubernetes.io/dockerconfigjson")


def _tls(call: Call, name: str) -> Object:
    cert, key = (_file(call.flags.text(flag)) for flag in ("cert", "key"))
    for what, content in (("certificate", cert), ("key", key)):
        if b"-----BEGIN " not in content:
            raise CommandError(f"tls: failed to find any PEM data in {what} input")
    return _secret(name, {"tls.crt": pairs.encoded(cert), "tls.key": pairs.encoded(key)}, "kubernetes.io/tls")


def _file(name: str) -> bytes:
    if not name:
        raise CommandError("key and cert must be specified")
    return read_bytes(name, f"Cannot read file {name}, ")


# -- services ------------------------------------------------------------------------------------------


def _service(type: str) -> Callable[[Call, str], Object]:
    def make(call: Call, name: str) -> Object:
        flags = call.flags
        ports = flags.texts("tcp")
        cluster_ip = flags.text("clusterip") if "clusterip" in flags.values else ""
        external = flags.text("external-name") if "external-name" in flags.values else ""
        if not ports and type != "ExternalName" and cluster_ip != "None":
            raise CommandError("at least one tcp port specifier must be provided")
        if cluster_ip == "None" and ports and type != "ClusterIP":
            raise CommandError("can not map ports with clusterip=None")
        if external and dns_subdomain(external):
            raise CommandError(f"invalid service external name {external}")
        node_port = flags.number("node-port") if "node-port" in flags.values else 0
        labels = {"app": name}
        made = [services.tcp_port(port, node_port) for port in ports]
        return services.service(
            name, type=type, ports=made, labels=labels, selector=labels, cluster_ip=cluster_ip, externalName=external
        )

    return make


_TCP = Flag("tcp", kind="list")


# -- the rest ------------------------------------------------------------------------------------------


def _namespace(call: Call, name: str) -> Object:
    return {"kind": "Namespace", "apiVersion": "v1", "metadata": meta(name), "spec": {}, "status": {}}


def _service_account(call: Call, name: str) -> Object:
    return {"kind": "ServiceAccount", "apiVersion": "v1", "metadata": meta(name)}


def _priority_class(call: Call, name: str) -> Object:
    flags = call.flags
    fields: dict[str, Any] = {"value": flags.number("value")}
    if flags.on("global-default"):
        fields["globalDefault"] = True
    if flags.text("description"):
        fields["description"] = flags.text("description")
    fields["preemptionPolicy"] = flags.text("preemption-policy")
    return {"kind": "PriorityClass", "apiVersion": "scheduling.k8s.io/v1", "metadata": meta(name), **fields}


def _quota(call: Call, name: str) -> Object:
    hard: dict[str, str] = {}
    for part in call.flags.text("hard").split(",") if call.flags.text("hard") else ():
        key, equals, value = part.partition("=")
        if not equals:
            raise CommandError(f"Invalid argument syntax {part}, expected <resource>=<value>")
        try:
            hard[key] = canonical(value)
        except QuantityError as error:
            raise CommandError(str(error)) from None
    spec: dict[str, Any] = {"hard": hard} if hard else {}
    scopes = [scope for scope in call.flags.text("scopes").split(",") if scope]
    if scopes:
        spec["scopes"] = scopes
    return {"kind": "ResourceQuota", "apiVersion": "v1", "metadata": meta(name), "spec": spec, "status": {}}


def _budget(call: Call, name: str) -> Object:
    flags = call.flags
    return policies.budget(name, flags.text("selector"), flags.text("min-available"), flags.text("max-unavailable"))


def _ingress(call: Call, name: str) -> Object:
    flags = call.flags
    marks = flags.texts("annotation")
    return policies.ingress(name, flags.texts("rule"), flags.text("class"), flags.text("default-backend"), marks)


GENERATORS: tuple[Generator, ...] = (
    Generator(
        "configmap",
        "Create a config map from a local file, directory or literal value",
        _config_map,
        "failed to create configmap:",
        _SOURCES,
        ("cm",),
    ),
    Generator(
        "cronjob",
        "Create a cron job with the specified name",
        _cron_job,
        "failed to create cronjob:",
        (Flag("image", required=True), Flag("schedule", required=True), Flag("restart")),
        ("cj",),
    ),
    Generator(
        "deployment",
        "Create a deployment with the specified name",
        _deployment,
        "failed to create deployment:",
        (
            Flag("image", kind="list", required=True),
            Flag("replicas", "r", kind="number", default=1),
            Flag("port", kind="number", default=-1),
        ),
        ("deploy",),
    ),
    Generator(
        "ingress",
        "Create an ingress with the specified name",
        _ingress,
        "failed to create ingress:",
        (Flag("class"), Flag("rule", kind="texts"), Flag("default-backend"), Flag("annotation", kind="texts")),
        ("ing",),
    ),
    Generator(
        "job",
        "Create a job with the specified name",
        _job,
        "failed to create job:",
        (Flag("image"), Flag("from")),
    ),
    Generator("namespace", "Create a namespace with the specified name", _namespace, aliases=("ns",)),
    Generator(
        "poddisruptionbudget",
        "Create a pod disruption budget with the specified name",
        _budget,
        "failed to create poddisruptionbudgets:",
        (Flag("min-available"), Flag("max-unavailable"), Flag("selector")),
        ("pdb",),
    ),
    Generator(
        "priorityclass",
        "Create a priority class with the specified name",
        _priority_class,
        "failed to create priorityclass:",
        (
            Flag("value", kind="number"),
            Flag("global-default", kind="switch"),
            Flag("description"),
            Flag("preemption-policy", default="PreemptLowerPriority"),
        ),
        ("pc",),
    ),
    Generator(
        "quota",
        "Create a quota with the specified name",
        _quota,
        "failed to create quota:",
        (Flag("hard"), Flag("scopes")),
        ("resourcequota",),
    ),
    Generator(
        "serviceaccount",
        "Create a service account with the specified name",
        _service_account,
        "failed to create serviceaccount:",
        aliases=("sa",),
    ),
    Generator(
        "clusterip",
        "Create a ClusterIP service",
        _service("ClusterIP"),
        "failed to create ClusterIP service:",
        (_TCP, Flag("clusterip")),
        group="service",
    ),
    Generator(
        "externalname",
        "Create an ExternalName service",
        _service("ExternalName"),
        "failed to create ExternalName service:",
        (_TCP, Flag("external-name", required=True)),
        group="service",
    ),
    Generator(
        "loadbalancer",
        "Create a LoadBalancer service",
        _service("LoadBalancer"),
        "failed to create LoadBalancer service:",
        (_TCP,),
        group="service",
    ),
    Generator(
        "nodeport",
        "Create a NodePort service",
        _service("NodePort"),
        "failed to create NodePort service:",
        (_TCP, Flag("node-port", kind="number")),
        group="service",
    ),
    Generator(
        "docker-registry",
        "Create a secret for use with a Docker registry",
        _docker_registry,
        "failed to create secret",
        (
            Flag("docker-server", default="https://index.docker.io/v1/"),
            Flag("docker-username"),
            Flag("docker-password"),
            Flag("docker-email"),
            Flag("from-file", kind="list"),
            Flag("append-hash", kind="switch"),
        ),
        group="secret",
    ),
    Generator(
        "generic",
        "Create a secret from a local file, directory, or literal value",
        _generic,
        "failed to create secret",
        (*_SOURCES, Flag("type")),
        group="secret",
    ),
    Generator(
        "tls",
        "Create a TLS secret",
        _tls,
        "failed to create secret",
        (Flag("cert"), Flag("key"), Flag("append-hash", kind="switch")),
        group="secret",
    ),
)
"""Every command below `kubectl create`, as the help lists them."""

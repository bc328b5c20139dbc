"""Disruption budgets, ingresses and autoscalers from a few flags.

Upstream: `kubectl/pkg/cmd/create/create_pdb.go`, `create_ingress.go` and `kubectl/pkg/cmd/autoscale`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from k8snb.kubectl.errors import CommandError
from k8snb.kubectl.generators.workloads import meta
from k8snb.machinery import selectors
from k8snb.typing import Object

_RULE = re.compile(
    r"^(?P<host>[\w\*\-\.]*)(?P<path>/.*)=(?P<svcname>[\w\-]+):(?P<svcport>[\w\-]+)"
    r"(,(?P<istls>tls)=?(?P<secretname>[\w\-]+)?)?",
    re.ASCII,
)
"""How a rule begins; whatever stands behind that is not looked at."""
_BACKEND = re.compile(r"^(?P<svcname>[\w\-]+):(?P<svcport>[\w\-]+)$", re.ASCII)
_NOTHING = (
    "not enough information provided: every ingress has to either specify a default-backend (which catches all "
    "traffic) or a list of rules (which catch specific paths)"
)
_SHARE = re.compile(r"^[0-9]+%?$", re.ASCII)


def budget(name: str, selector: str, least: str, most: str) -> Object:
    """The PodDisruptionBudget that `kubectl create poddisruptionbudget` makes."""
    if not selector:
        raise CommandError("a selector must be specified")
    if not least and not most:
        raise CommandError("one of min-available or max-unavailable must be specified")
    if least and most:
        raise CommandError("min-available and max-unavailable cannot be both specified")
    try:
        selectors.parse(selector)
    except selectors.SelectorError as error:
        raise CommandError(str(error)) from None
    spec: dict[str, Any] = {}
    if least:
        spec["minAvailable"] = _share(least, "invalid format specified for min-available")
    spec["selector"] = _selector(selector)
    if most:
        spec["maxUnavailable"] = _share(most, "invalid format specified for max-unavailable")
    status = {"disruptionsAllowed": 0, "currentHealthy": 0, "desiredHealthy": 0, "expectedPods": 0}
    return {
        "kind": "PodDisruptionBudget",
        "apiVersion": "policy/v1",
        "metadata": meta(name),
        "spec": spec,
        "status": status,
    }


def _share(text: str, complaint: str) -> int | str:
    if not _SHARE.fullmatch(text):
        raise CommandError(complaint)
    return text if text.endswith("%") else int(text)


def _selector(text: str) -> Object:
    """A selector as an object: equalities are labels, the rest expressions; inequalities are not taken."""
    labels: dict[str, str] = {}
    expressions: list[Object] = []
    for requirement in selectors.parse(text).requirements:
        key, operator, values = requirement.key, requirement.operator, list(requirement.values)
        if operator in ("=", "=="):
            labels[key] = values[0]
        elif operator == "!=":
            raise CommandError('"!=" is not a valid label selector operator')
        else:
            words = {"in": "In", "notin": "NotIn", "exists": "Exists", "!": "DoesNotExist"}
            expressions.append({"key": key, "operator": words[operator], **({"values": values} if values else {})})
    return ({"matchLabels": labels} if labels else {}) | ({"matchExpressions": expressions} if expressions else {})


def ingress(name: str, rules: Sequence[str], ingress_class: str, backend: str, annotations: Sequence[str]) -> Object:
    """The Ingress that `kubectl create ingress` makes."""
    if not rules and not backend:
        raise CommandError(_NOTHING)
    for rule in rules:
        if not _RULE.match(rule):
            text = "rule {} is invalid and should be in format host/path=svcname:svcport[,tls[=secret]]"
            raise CommandError(text.format(rule))
    if backend and not _BACKEND.fullmatch(backend):
        raise CommandError("default-backend should be in format servicename:serviceport")
    marks: dict[str, str] = {}
    for annotation in annotations:
        key, equals, value = annotation.partition("=")
        if not equals:
            raise CommandError(f"annotation {annotation} is invalid and should be in format key=[value]")
        marks[key] = value
    spec: dict[str, Any] = {}
    if ingress_class:
        spec["ingressClassName"] = ingress_class
    if backend:
        spec["defaultBackend"] = _backend(*backend.split(":"))
    spec |= _routes(rules)
    return {
        "kind": "Ingress",
        "apiVersion": "networking.k8s.io/v1",
        "metadata": meta(name, annotations=marks),
        "spec": spec,
        "status": {"loadBalancer": {}},
    }


def _backend(service: str, port: str) -> Object:
    number = {"number": int(port)} if port.isdecimal() else {"name": port}
    return {"service": {"name": service, "port": number}}


def _routes(texts: Sequence[str]) -> dict[str, Any]:
    """Rules, those of one host together, and the certificates that they name."""
    hosts: dict[str, list[Object]] = {}
    for text in texts:
        found = _RULE.match(text)
        assert found is not None
        host, path = found["host"], found["path"]
        kind = "Prefix" if path.endswith("*") else "Exact"
        backend = _backend(found["svcname"], found["svcport"])
        entry = {"path": path.removesuffix("*"), "pathType": kind, "backend": backend}
        hosts.setdefault(host, []).append(entry)
    tls = _certificates(texts)
    rules = [{**({"host": host} if host else {}), "http": {"paths": paths}} for host, paths in hosts.items()]
    return ({"tls": tls} if tls else {}) | ({"rules": rules} if rules else {})


def _certificates(texts: Sequence[str]) -> list[dict[str, Any]]:
    """What the second part of each rule asks for, whatever it is called; each host counts once."""
    tls: list[dict[str, Any]] = []
    seen: set[str] = set()
    for text in texts:
        rule, comma, more = text.partition(",")
        host, secret = rule.partition("/")[0], [*more.split("="), ""][1]
        if not comma or "," in more or host in seen:
            continue
        entry = next((each for each in tls if each.get("secretName", "") == secret), None)
        if entry is not None:
            entry.setdefault("hosts", []).append(host)
            seen.add(host)
        elif host or secret:
            tls.append(({"hosts": [host]} if host else {}) | ({"secretName": secret} if secret else {}))
            seen.add(host)
    return tls


def autoscaler(name: str, target: Object, least: int, most: int, metrics: Sequence[Object]) -> Object:
    """The HorizontalPodAutoscaler that `kubectl autoscale` makes."""
    spec: dict[str, Any] = {"scaleTargetRef": target}
    if least > 0:
        spec["minReplicas"] = least
    spec["maxReplicas"] = most
    if metrics:
        spec["metrics"] = [*metrics]
    return {
        "kind": "HorizontalPodAutoscaler",
        "apiVersion": "autoscaling/v2",
        "metadata": meta(name),
        "spec": spec,
        "status": {"desiredReplicas": 0, "currentMetrics": None},
    }

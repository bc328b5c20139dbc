"""What a picture says of an object in a few words, and the state it is in: one row per kind that has something to say.

The kinds that steppers show too are described where those are (`scene`). Secrets tell the names of their keys, never
what is in them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, condition, is_deleting, is_true
from k8snb.machinery.selectors import text_of
from k8snb.typing import Object
from k8snb.view.scene import facts, pod_state, pod_word

MODES = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
_MANY = 6


def said_of(obj: Object) -> list[str]:
    """A few facts about an object."""
    describe = _SAID.get(obj["kind"])
    if describe is None:
        return [f"{label} {value}" for label, value in facts(obj)]
    rows = describe(obj, obj.get("spec") or {}, obj.get("status") or {})
    return [f"{label} {value}".strip() for label, value in rows if value not in (None, "", [], ())]


def state_of(obj: Object) -> tuple[str, str]:
    """The state of an object (one of `theme.STATES`, or none) and the API's word for it."""
    if obj["kind"] == "Pod":
        return pod_state(obj), pod_word(obj)
    if is_deleting(obj):
        return "ending", "Terminating"
    phase = (obj.get("status") or {}).get("phase")
    if obj["kind"] in _PHASED and phase:
        return _PHASES.get(phase, "pending"), str(phase)
    if obj["kind"] == "ResourceClaim":
        return ("ready", _("allocated")) if (obj.get("status") or {}).get("allocation") else ("pending", _("pending"))
    for type, state in _CONDITIONS.get(obj["kind"], ()):
        if is_true(obj, type):
            return state, type
        if condition(obj, type) is not None and obj["kind"] != "Job":
            return "unready", _("not {condition}").format(condition=type)
    return "", ""


_PHASED = frozenset({"PersistentVolumeClaim", "PersistentVolume"})
_PHASES = {"Bound": "ready", "Available": "starting", "Pending": "pending", "Released": "ending"} | dict.fromkeys(
    ("Lost", "Failed"), "failing"
)
_CONDITIONS: Mapping[str, tuple[tuple[str, str], ...]] = {
    "APIService": (("Available", "ready"),),
    "CustomResourceDefinition": (("Established", "ready"),),
    "Job": (("Complete", "done"), ("Failed", "failing"), ("Suspended", "pending")),
}

Rows = Iterable[tuple[str, Any]]


def modes(spec: Object) -> str:
    """Access modes as kubectl shortens them."""
    return ",".join(MODES.get(each, each) for each in spec.get("accessModes") or ())


def few(words: Iterable[str]) -> str:
    """The first few of many words."""
    words = list(words)
    more = [_("and {count} more").format(count=len(words) - _MANY)] if len(words) > _MANY else []
    return ", ".join([*words[:_MANY], *more])


def is_default(obj: Object) -> str:
    """The word `default` if an annotation says that the class is used where none is named."""
    return (
        _("the default")
        if any(key.endswith("is-default-class") and value == "true" for key, value in annotations_of(obj).items())
        else ""
    )


def disk(volume: Object) -> tuple[str, str]:
    """Where the bytes of a PersistentVolume lie: the kind of its source, and the name of the place in that."""
    spec = volume.get("spec") or {}
    for source, place in spec.items():
        if isinstance(place, Mapping) and source not in ("capacity", "claimRef", "nodeAffinity"):
            return source, str(place.get("volumeHandle") or place.get("path") or place.get("server") or source)
    return "", ""


def _claim(obj: Object, spec: Object, status: Object) -> Rows:
    size = (status.get("capacity") or (spec.get("resources") or {}).get("requests") or {}).get("storage")
    return (("", size), ("", modes(spec)))


def _volume(obj: Object, spec: Object, status: Object) -> Rows:
    policy = spec.get("persistentVolumeReclaimPolicy")
    return (("", (spec.get("capacity") or {}).get("storage")), ("", modes(spec)), (_("when released:"), policy))


def _devices(obj: Object, spec: Object, status: Object) -> Rows:
    for request in (spec.get("devices") or {}).get("requests") or ():
        for each in filter(None, (request.get("exactly"), *(request.get("firstAvailable") or ()))):
            yield "", f"{each.get('count', 1)} × {each['deviceClassName']}"


def _scaler(obj: Object, spec: Object, status: Object) -> Rows:
    sizes = _("{low} to {high}").format(low=spec.get("minReplicas", 1), high=spec.get("maxReplicas"))
    goals = [_goal(each) for each in spec.get("metrics") or ()]
    old = spec.get("targetCPUUtilizationPercentage")
    goals += [f"cpu {old}%"] if old else []
    now = status.get("currentReplicas")
    return (
        (_("pods"), sizes),
        (_("goal"), few(goals)),
        (_("now"), now),
        (_("wanted"), status.get("desiredReplicas") or None),
    )


def _goal(metric: Object) -> str:
    source = next((value for value in metric.values() if isinstance(value, Mapping)), {})
    name = source.get("name") or (source.get("metric") or {}).get("name") or metric.get("type", "")
    target = source.get("target") or {}
    share = target.get("averageUtilization")
    return f"{name} {share}%" if share is not None else f"{name} {target.get('averageValue') or target.get('value')}"


def _budget(obj: Object, spec: Object, status: Object) -> Rows:
    return (
        (_("at least"), spec.get("minAvailable")),
        (_("at most away"), spec.get("maxUnavailable")),
        (_("selects"), text_of(spec.get("selector"))),
        (_("healthy"), status.get("currentHealthy")),
        (_("needed"), status.get("desiredHealthy")),
        (_("may be evicted now:"), status.get("disruptionsAllowed")),
    )


def _job(obj: Object, spec: Object, status: Object) -> Rows:
    done = _("{now} of {wanted}").format(now=status.get("succeeded", 0), wanted=spec.get("completions", 1))
    return ((_("succeeded"), done), (_("active"), status.get("active")), (_("failed"), status.get("failed")))


def _cron(obj: Object, spec: Object, status: Object) -> Rows:
    stopped = _("suspended") if spec.get("suspend") else ""
    zone = spec.get("timeZone")
    return ((_("when"), spec.get("schedule")), ("", zone), ("", stopped), (_("last"), status.get("lastScheduleTime")))


def _keys(obj: Object, spec: Object, status: Object) -> Rows:
    keys = [*(obj.get("data") or {}), *(obj.get("binaryData") or {})]
    return (("", obj.get("type")), (_("keys"), few(keys)))


def _class(obj: Object, spec: Object, status: Object) -> Rows:
    made_by = obj.get("provisioner") or spec.get("controller")
    return (("", made_by), ("", obj.get("volumeBindingMode")), ("", is_default(obj)))


def _quota(obj: Object, spec: Object, status: Object) -> Rows:
    used = status.get("used") or {}
    for name, hard in (spec.get("hard") or {}).items():
        yield name, _("{now} of {wanted}").format(now=used.get(name, "0"), wanted=hard)


def _limits(obj: Object, spec: Object, status: Object) -> Rows:
    for limit in spec.get("limits") or ():
        for field, amounts in limit.items():
            if isinstance(amounts, Mapping):
                listed = ", ".join(f"{name} {amount}" for name, amount in amounts.items())
                yield f"{limit.get('type', '')} {field}", listed


def _definition(obj: Object, spec: Object, status: Object) -> Rows:
    versions = ", ".join(each["name"] for each in spec.get("versions") or () if each.get("served"))
    return (("", (spec.get("names") or {}).get("kind")), (_("versions"), versions), ("", spec.get("scope")))


def _rules(obj: Object, spec: Object, status: Object) -> Rows:
    return ((_("rules"), len(obj.get("rules") or ())),)


def _policy(obj: Object, spec: Object, status: Object) -> Rows:
    for rule in (spec.get("matchConstraints") or {}).get("resourceRules") or ():
        yield "", asked(rule)
    for each in spec.get("validations") or ():
        yield "", each["expression"]
    for each in spec.get("mutations") or ():
        yield "", (each.get("applyConfiguration") or each.get("jsonPatch") or {}).get("expression")


def asked(rule: Object) -> str:
    """Which requests a rule of admission is about: `CREATE, UPDATE deployments`."""
    return f"{', '.join(rule.get('operations') or ())} {', '.join(rule.get('resources') or ())}"


_SAID: Mapping[str, Callable[[Object, Object, Object], Rows]] = {
    "APIService": lambda o, spec, status: ((_("served by"), "kube-apiserver" if not spec.get("service") else None),),
    "CSIDriver": lambda o, spec, status: (("", None if spec.get("attachRequired", True) else _("attaches nothing")),),
    "ClusterRole": _rules,
    "ConfigMap": _keys,
    "ControllerRevision": lambda o, spec, status: ((_("revision"), o.get("revision")),),
    "CronJob": _cron,
    "CustomResourceDefinition": _definition,
    "DeviceClass": lambda o, spec, status: (("", spec.get("extendedResourceName")),),
    "Endpoints": lambda o, spec, status: (
        (_("addresses"), sum(len(each.get("addresses") or ()) for each in o.get("subsets") or ())),
    ),
    "Event": lambda o, spec, status: (("", o.get("reason")), ("", o.get("note") or o.get("message"))),
    "HorizontalPodAutoscaler": _scaler,
    "Ingress": lambda o, spec, status: (
        (_("address"), ", ".join(e.get("ip") or e.get("hostname", "") for e in _ingress(status))),
    ),
    "IngressClass": _class,
    "Job": _job,
    "LimitRange": _limits,
    "Namespace": lambda o, spec, status: (("", status.get("phase")),),
    "MutatingAdmissionPolicy": _policy,
    "NetworkPolicy": lambda o, spec, status: ((_("selects"), text_of(spec.get("podSelector"))),),
    "PersistentVolume": _volume,
    "PersistentVolumeClaim": _claim,
    "PodDisruptionBudget": _budget,
    "PriorityClass": lambda o, spec, status: ((_("value"), o.get("value")),),
    "ReplicationController": lambda o, spec, status: (
        (_("wanted"), spec.get("replicas", 1)),
        (_("ready"), status.get("readyReplicas", 0)),
    ),
    "ResourceClaim": _devices,
    "ResourceQuota": _quota,
    "ResourceSlice": lambda o, spec, status: (("", spec["driver"]), (_("devices"), len(spec.get("devices") or ()))),
    "Role": _rules,
    "RuntimeClass": lambda o, spec, status: ((_("handler"), o.get("handler")),),
    "Secret": _keys,
    "StorageClass": _class,
    "ValidatingAdmissionPolicy": _policy,
    "VolumeAttachment": lambda o, spec, status: (
        ("", _("attached") if status.get("attached") else _("not attached yet")),
        (_("by"), spec.get("attacher")),
    ),
}


def _ingress(status: Object) -> list[Any]:
    return list((status.get("loadBalancer") or {}).get("ingress") or ())

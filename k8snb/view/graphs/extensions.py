"""How the API is extended: definitions with their objects, webhooks and aggregated APIs with their Services."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.typing import Object
from k8snb.view.graphs.said import asked
from k8snb.view.graphs.services import behind
from k8snb.view.graphs.sketch import Sketch

_GROUP = "admissionregistration.k8s.io"


def definition(sketch: Sketch, definition: Object) -> str:
    """A CustomResourceDefinition and the objects of its kind."""
    spec = definition["spec"]
    front = sketch.put(definition)
    objects = sketch.everywhere(f"{spec['names']['plural']}.{spec['group']}")
    sketch.some(objects, front, _("defines"))
    hook = ((spec.get("conversion") or {}).get("webhook") or {}).get("clientConfig")
    if hook:
        _called(sketch, front, hook, _("converted by"))
    name = definition["metadata"]["name"]
    return _("CustomResourceDefinition {name}, and the objects of its kind").format(name=name)


def webhooks(sketch: Sketch, configuration: Object) -> str:
    """A webhook configuration: what each webhook is asked about, and the Service that answers."""
    front = sketch.put(configuration)
    for hook in configuration.get("webhooks") or ():
        rules = [asked(rule) for rule in hook.get("rules") or ()]
        fails = _("if it does not answer: {policy}").format(policy=hook.get("failurePolicy", "Fail"))
        end = sketch.note("Webhook", hook["name"], *rules, fails, id=f"{front}/{hook['name']}")
        sketch.link(front, end, _("asks"))
        _called(sketch, end, hook["clientConfig"], _("answered by"))
    kind, name = configuration["kind"], configuration["metadata"]["name"]
    return _("{kind} {name}: who is asked about what").format(kind=kind, name=name)


def _called(sketch: Sketch, tail: str, config: Object, word: str) -> None:
    to = config.get("service")
    if to:
        sketch.link(tail, behind(sketch, to["name"], to.get("namespace", "default")), word)
    elif config.get("url"):
        sketch.link(tail, sketch.note("Network", config["url"]), word)


def api_service(sketch: Sketch, api: Object) -> str:
    """An APIService and who answers for its group and version."""
    front, to = sketch.put(api), api["spec"].get("service")
    if to:
        sketch.link(front, behind(sketch, to["name"], to.get("namespace", "default")), _("answered by"))
    else:
        sketch.link(front, sketch.note("Component", "kube-apiserver"), _("answered by"))
    return _("APIService {name}, and who answers for it").format(name=api["metadata"]["name"])


def policy(sketch: Sketch, start: Object) -> str:
    """An admission policy, its bindings and their parameters; of a binding the same of its policy."""
    bound = start["kind"].endswith("Binding")
    name = start["spec"]["policyName"] if bound else start["metadata"]["name"]
    kind = start["kind"].removesuffix("Binding")
    plural = kind.lower().removesuffix("y")
    front = sketch.refer(f"{plural}ies.{_GROUP}", kind, name)
    for each in sketch.here(f"{plural}ybindings.{_GROUP}"):
        if each["spec"].get("policyName") != name:
            continue
        end = sketch.put(each, *(each["spec"].get("validationActions") or ()))
        sketch.link(end, front, _("puts in force"))
        parameter = each["spec"].get("paramRef") or {}
        if parameter.get("name"):
            sketch.link(end, sketch.note("ConfigMap", parameter["name"], _("parameters")), _("with"))
    return _("{kind} {name}, and where it is in force").format(kind=kind, name=name)

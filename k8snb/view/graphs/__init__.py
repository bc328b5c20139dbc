"""Graphs of live objects and of the tables that the cluster runs on.

A builder reads through anything that can list (a client, a snapshot, a live cluster), draws on a `Sketch`, and returns
the sentence that says what is shown; several draw on one sketch, and what they share is drawn once. `graph` chooses
the builder by the kind of what is asked for. A kind without a row in `BUILDERS` is drawn with its owners and what it
owns, so there is a picture of everything.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.i18n import _
from k8snb.typing import Object, Resource
from k8snb.view.graph import Graph
from k8snb.view.graphs import access, devices, extensions, gateways, namespaces, pods, services, storage, workloads
from k8snb.view.graphs.anything import anything
from k8snb.view.graphs.plans import PLANS
from k8snb.view.graphs.policies import network_policy
from k8snb.view.graphs.sketch import Sketch
from k8snb.view.scene import Snapshot, named

Builder = Callable[[Sketch, Object], str]

BUILDERS: Mapping[str, Builder] = {
    **dict.fromkeys(("ClusterRole", "Role"), access.role),
    **dict.fromkeys(("ClusterRoleBinding", "RoleBinding"), access.binding),
    **dict.fromkeys(("ConfigMap", "Secret"), pods.settings),
    **dict.fromkeys(("EndpointSlice", "Endpoints"), services.of_slice),
    "LimitRange": namespaces.defaults,
    "ResourceQuota": namespaces.limits,
    **dict.fromkeys(("MutatingAdmissionPolicy", "MutatingAdmissionPolicyBinding"), extensions.policy),
    **dict.fromkeys(("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration"), extensions.webhooks),
    **dict.fromkeys(("PriorityClass", "RuntimeClass"), pods.chosen),
    **dict.fromkeys(("ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"), extensions.policy),
    **dict.fromkeys(("CSIDriver", "PersistentVolume", "PersistentVolumeClaim"), storage.storage),
    **dict.fromkeys(("StorageClass", "VolumeAttachment"), storage.storage),
    **dict.fromkeys(("DeviceClass", "ResourceClaim", "ResourceClaimTemplate", "ResourceSlice"), devices.devices),
    **{named(each).kind: workloads.ownership for each in workloads.OWNERS},
    "APIService": extensions.api_service,
    "CustomResourceDefinition": extensions.definition,
    "HorizontalPodAutoscaler": workloads.scaler,
    "Ingress": services.ingress,
    "IngressClass": services.ingress_class,
    "Namespace": namespaces.space,
    "NetworkPolicy": network_policy,
    "Node": pods.machine,
    "Pod": pods.anatomy,
    "PodDisruptionBudget": workloads.budget,
    "Service": services.service,
    "ServiceAccount": access.account,
}
"""How an object of each kind is drawn."""

CUSTOM: Mapping[str, Builder] = {
    gateways.CLASSES: gateways.gateway_class,
    gateways.GATEWAYS: gateways.gateway,
    gateways.ROUTES: gateways.route,
}
"""How custom resources are drawn that more than one cluster has, by resource and group."""

_PEOPLE = {"user": "User", "group": "Group"}
"""Subjects that are names in bindings and no objects."""


def graph(reader: Snapshot, *names: str, namespace: str = "default") -> Graph:
    """The diagram of what is named, in one picture.

    A name is an object as kubectl takes it (`deployment/web`, `pvc/data`), every object of a kind (`netpol`), a subject
    of bindings (`user/alice`, `group/devs`) or one of the cluster's own tables (`control-plane`; see `PLANS`). Without
    a name it is everything in the namespace. Raises StatusError (NotFound) for an object that is not there, ValueError
    for a word that names nothing.
    """
    sketch = Sketch(reader, namespace)
    titles = [title for name in names for title in _draw(sketch, name)] or [namespaces.application(sketch)]
    plan = PLANS.get(names[0]) if len(names) == 1 else None
    down, chain = (plan.down, plan.chain) if plan else (False, False)
    return sketch.graph("; ".join(dict.fromkeys(titles)), down=down, chain=chain)


def _draw(sketch: Sketch, name: str) -> list[str]:
    if name in PLANS:
        return [PLANS[name].draw(sketch)]
    word, slash, rest = name.partition("/")
    if word.lower() in _PEOPLE and slash:
        return [access.somebody(sketch, _PEOPLE[word.lower()], rest)]
    resource = _resource(sketch, word)
    known = BUILDERS.get(resource.kind) if resource.definition is None else CUSTOM.get(resource.group_resource)
    builder = known or anything
    if slash:
        return [builder(sketch, sketch.need(resource, rest))]
    drawn = [builder(sketch, obj) for obj in sketch.here(resource.group_resource)]
    return drawn or [_("{kind}: there are none in namespace {name}").format(kind=resource.kind, name=sketch.namespace)]


def _resource(sketch: Sketch, word: str) -> Resource:
    """The resource that a word names: a built-in one, or one that a definition in this cluster makes."""
    for definition in sketch.here("customresourcedefinitions.apiextensions.k8s.io"):
        names, group = definition["spec"]["names"], definition["spec"]["group"]
        words = {names["plural"], names.get("singular"), names["kind"].lower(), *(names.get("shortNames") or ())}
        if word.lower() in words or word in {f"{each}.{group}" for each in words}:
            return _custom(definition)
    return named(word)


def _custom(definition: Object) -> Resource:
    spec = definition["spec"]
    version = next((each for each in spec["versions"] if each.get("served")), spec["versions"][0])
    names, scoped = spec["names"], spec["scope"] == "Namespaced"
    singular = names.get("singular") or names["kind"].lower()
    return Resource(
        spec["group"], version["name"], names["kind"], names["plural"], singular, scoped, definition=version
    )

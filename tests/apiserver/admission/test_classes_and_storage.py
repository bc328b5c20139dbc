"""Runtime classes, default classes, and the plugins that look after storage."""

# ruff: noqa: E501 (messages stand here as the API says them, unbroken)

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.admission.default_classes import DefaultIngressClass, DefaultStorageClass
from k8snb.apiserver.admission.plugin import Plugin
from k8snb.apiserver.admission.runtime_class import RuntimeClass
from k8snb.apiserver.admission.service_account import ServiceAccount
from k8snb.apiserver.admission.storage import PersistentVolumeClaimResize, StorageObjectInUseProtection
from k8snb.errors import StatusError
from k8snb.typing import Object, Resource

from .world import World, named, pod, request


def world(**words: list[Object]) -> World:
    found = World()
    full = {
        "runtimes": "runtimeclasses.node.k8s.io",
        "classes": "storageclasses.storage.k8s.io",
        "ingresses": "ingressclasses.networking.k8s.io",
        "accounts": "serviceaccounts",
    }
    for word, objects in words.items():
        found.objects[full[word]] = objects
    return found


def refusal(plugin: Plugin, where: World, obj: Object, **how: Any) -> str:
    chain = where.chain(plugin)
    with pytest.raises(StatusError) as caught:
        chain.validate(request(chain.admit(request(obj, **how)), **how))
    return caught.value.message.partition(" is forbidden: ")[2]


def a_class(name: str, mark: str = "", since: str = "2026-01-01T00:00:00Z", **fields: Any) -> Object:
    meta = {"name": name, "creationTimestamp": since, "annotations": {mark: "true"} if mark else {}}
    return {"metadata": meta, **fields}


def claim(size: str = "1Gi", phase: str = "Bound", **spec: Any) -> Object:
    body = {"resources": {"requests": {"storage": size}}, **spec}
    return named("data", "default", spec=body, status={"phase": phase})


# -- RuntimeClass ------------------------------------------------------------------------------------


def test_a_pod_takes_over_the_overhead_the_selector_and_the_tolerations_of_its_runtime() -> None:
    scheduling = {"nodeSelector": {"vm": "yes"}, "tolerations": [{"key": "vm"}, {"key": "own"}]}
    kata = a_class("kata", overhead={"podFixed": {"cpu": "250m"}}, scheduling=scheduling)
    given = pod(runtimeClassName="kata", nodeSelector={"disk": "ssd"}, tolerations=[{"key": "own"}])
    chain = world(runtimes=[kata]).chain(RuntimeClass())
    made = chain.admit(request(given))
    chain.validate(request(made))
    spec = {name: made["spec"][name] for name in ("overhead", "nodeSelector", "tolerations")}
    assert spec == {
        "overhead": {"cpu": "250m"},
        "nodeSelector": {"disk": "ssd", "vm": "yes"},
        "tolerations": [{"key": "own"}, {"key": "vm"}],
    }


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"runtimeClassName": "gvisor"}, 'pod rejected: RuntimeClass "gvisor" not found'),
        (
            {"runtimeClassName": "kata", "overhead": {"cpu": "1"}},
            "pod rejected: Pod's Overhead doesn't match RuntimeClass's defined Overhead",
        ),
        (
            {"overhead": {"cpu": "1"}},
            "pod rejected: Pod Overhead set without corresponding RuntimeClass defined Overhead",
        ),
        (
            {"runtimeClassName": "kata", "nodeSelector": {"vm": "no"}},
            "conflict: runtimeClass.scheduling.nodeSelector[vm] = yes; pod.spec.nodeSelector[vm] = no",
        ),
    ],
)
def test_a_pod_that_contradicts_its_runtime_is_refused(spec: Any, why: str) -> None:
    kata = a_class("kata", overhead={"podFixed": {"cpu": "250m"}}, scheduling={"nodeSelector": {"vm": "yes"}})
    assert refusal(RuntimeClass(), world(runtimes=[kata]), pod(**spec)) == why


# -- default classes ---------------------------------------------------------------------------------


def test_a_claim_without_a_class_gets_the_newest_default() -> None:
    mark = "storageclass.kubernetes.io/is-default-class"
    classes = [
        a_class("old", mark),
        a_class("new", mark, "2026-02-01T00:00:00Z"),
        a_class("plain", since="2026-03-01T00:00:00Z"),
    ]
    chain = world(classes=classes).chain(DefaultStorageClass())
    assert chain.admit(request(claim(), word="pvc"))["spec"]["storageClassName"] == "new"
    for stated in (claim(storageClassName=""), claim(storageClassName="plain")):
        assert chain.admit(request(stated, word="pvc")) is stated


def test_an_ingress_without_a_class_gets_the_default() -> None:
    nginx = a_class("nginx", "ingressclass.kubernetes.io/is-default-class")
    resource = Resource("networking.k8s.io", "v1", "Ingress", "ingresses", "ingress", True)
    attributes = request(named("web", "default", spec={}))._replace(resource=resource)
    made = world(ingresses=[nginx]).chain(DefaultIngressClass()).admit(attributes)
    assert made["spec"] == {"ingressClassName": "nginx"}


# -- storage -----------------------------------------------------------------------------------------


def test_claims_and_volumes_are_protected_from_the_start() -> None:
    chain = World().chain(StorageObjectInUseProtection())
    made = chain.admit(request(claim(), word="pvc"))
    assert made["metadata"]["finalizers"] == ["kubernetes.io/pvc-protection"]
    assert chain.admit(request(made, word="pvc")) is made
    assert chain.admit(request(named("disk"), word="pv"))["metadata"]["finalizers"] == ["kubernetes.io/pv-protection"]


def test_a_claim_grows_only_when_it_is_bound_and_its_class_allows_it() -> None:
    where = world(classes=[a_class("fixed"), a_class("elastic", allowVolumeExpansion=True)])
    grown = claim("2Gi", storageClassName="elastic")
    chain = where.chain(PersistentVolumeClaimResize())
    chain.validate(request(grown, "UPDATE", word="pvc", old=claim(storageClassName="elastic")))
    why = "only dynamically provisioned pvc can be resized and the storageclass that provisions the pvc must support resize"
    for name in ("fixed", "none", ""):
        new, old = claim("2Gi", storageClassName=name), claim(storageClassName=name)
        assert refusal(PersistentVolumeClaimResize(), where, new, operation="UPDATE", word="pvc", old=old) == why
    pending = claim("1Gi", "Pending", storageClassName="elastic")
    told = refusal(PersistentVolumeClaimResize(), where, grown, operation="UPDATE", word="pvc", old=pending)
    assert told == "Only bound persistent volume claims can be expanded"


# -- secrets of accounts -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        (
            {"volumes": [{"name": "v", "secret": {"secretName": "s"}}]},
            'volume with secret.secretName="s" is not allowed because service account default does not reference that secret',
        ),
        (
            {"initContainers": [{"name": "i", "env": [{"name": "E", "valueFrom": {"secretKeyRef": {"name": "s"}}}]}]},
            'init container i with envVar E referencing secret.secretName="s" is not allowed because '
            "service account default does not reference that secret",
        ),
        (
            {"imagePullSecrets": [{"name": "p"}]},
            'imagePullSecrets[0].name="p" is not allowed because service account default does not reference that imagePullSecret',
        ),
    ],
)
def test_an_account_may_limit_its_pods_to_the_secrets_that_it_lists(spec: Any, why: str) -> None:
    mark = {"kubernetes.io/enforce-mountable-secrets": "true"}
    strict = {
        "metadata": {"name": "default", "namespace": "default", "annotations": mark},
        "secrets": [{"name": "mine"}],
    }
    assert refusal(ServiceAccount(), world(accounts=[strict]), pod(**spec)) == why
    mine = pod(volumes=[{"name": "v", "secret": {"secretName": "mine"}}])
    world(accounts=[strict]).chain(ServiceAccount()).admit(request(mine))

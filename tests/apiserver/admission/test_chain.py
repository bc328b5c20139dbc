"""The chain runs the plugins in upstream's order, each for what it is for."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.admission.chain import PLUGINS, mutates, validates
from k8snb.apiserver.admission.plugin import Attributes, Plugin, Reader, refused
from k8snb.errors import StatusError
from k8snb.typing import Object

from .world import World, named, pod, request


class Stamp(Plugin):
    """Appends its name to what it admits, and to a log what it validates."""

    def __init__(self, name: str, log: list[str], **how: Any) -> None:
        self.name = name  # type: ignore[misc]
        self.log = log
        for field, value in how.items():
            setattr(self, field, value)

    def admit(self, attributes: Attributes, reader: Reader) -> Object | None:
        assert attributes.object is not None
        return {**attributes.object, "stamps": [*attributes.object.get("stamps", []), self.name]}

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        self.log.append(self.name)


class Deny(Plugin):
    name = "Deny"

    def validate(self, attributes: Attributes, reader: Reader) -> None:
        raise refused(attributes, "no")


def test_plugins_see_what_those_before_them_made() -> None:
    chain = World().chain(Stamp("a", []), Stamp("b", []))
    assert chain.admit(request(pod()))["stamps"] == ["a", "b"]


def test_a_plugin_is_asked_only_for_its_resources_and_operations() -> None:
    log: list[str] = []
    pods = Stamp("pods", log, resources=("pods",))
    bindings = Stamp("bindings", log, resources=("pods/binding",))
    deletions = Stamp("deletions", log, operations=("DELETE",))
    chain = World().chain(pods, bindings, deletions, Stamp("all", log))
    assert chain.admit(request(pod()))["stamps"] == ["pods", "all"]
    assert chain.admit(request(named("web", "default"), sub="binding"))["stamps"] == ["bindings"]
    assert chain.admit(request(named("x", "default"), word="configmaps"))["stamps"] == ["all"]
    chain.validate(request(None, "DELETE", old=pod()))
    assert log == ["deletions"]


def test_one_refusal_is_enough() -> None:
    log: list[str] = []
    with pytest.raises(StatusError) as caught:
        World().chain(Deny(), Stamp("later", log)).validate(request(pod()))
    assert (caught.value.message, log) == ('pods "web" is forbidden: no', [])


def test_what_is_admitted_is_not_changed_in_place() -> None:
    given = pod()
    before = repr(given)
    World().chain().admit(request(given))
    assert repr(given) == before


def test_the_table_names_upstreams_plugins_in_upstreams_order() -> None:
    assert [(plugin.name, mutates(type(plugin)), validates(type(plugin))) for plugin in PLUGINS] == [
        ("NamespaceLifecycle", True, True),
        ("LimitRanger", True, True),
        ("ServiceAccount", True, False),
        ("TaintNodesByCondition", True, False),
        ("PodSecurity", False, True),
        ("Priority", True, True),
        ("DefaultTolerationSeconds", True, False),
        ("DefaultStorageClass", True, False),
        ("StorageObjectInUseProtection", True, False),
        ("PersistentVolumeClaimResize", False, True),
        ("RuntimeClass", True, True),
        ("DefaultIngressClass", True, False),
        ("PodTopologyLabels", True, False),
        ("NodeDeclaredFeatureValidator", False, True),
        ("PodResizeValidator", False, True),
        ("ResourceQuota", False, True),
    ]

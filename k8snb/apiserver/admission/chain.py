"""The admission chain: what may still change or refuse a write after authorization and before it is stored.

Plugins run in the order of `PLUGINS`, which is upstream's: `admit` first, before validation, where the object
may still be changed; `validate` afterwards, where it may only be refused. The table is what runs and what the
book draws. Upstream: `pkg/kubeapiserver/options/plugins.go`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

from k8snb.apiserver.admission.configured import Configured
from k8snb.apiserver.admission.declared_features import NodeDeclaredFeatureValidator
from k8snb.apiserver.admission.default_classes import DefaultIngressClass, DefaultStorageClass
from k8snb.apiserver.admission.default_toleration_seconds import DefaultTolerationSeconds
from k8snb.apiserver.admission.limit_ranger import LimitRanger
from k8snb.apiserver.admission.namespace_lifecycle import NamespaceLifecycle
from k8snb.apiserver.admission.plugin import Attributes, Commit, Plugin, ReadAll, Reader, ReadOne, nowhere
from k8snb.apiserver.admission.pod_resize import PodResizeValidator
from k8snb.apiserver.admission.pod_security import PodSecurity
from k8snb.apiserver.admission.pod_topology_labels import PodTopologyLabels
from k8snb.apiserver.admission.priority import Priority
from k8snb.apiserver.admission.resource_quota import ResourceQuota
from k8snb.apiserver.admission.runtime_class import RuntimeClass
from k8snb.apiserver.admission.service_account import ServiceAccount
from k8snb.apiserver.admission.storage import PersistentVolumeClaimResize, StorageObjectInUseProtection
from k8snb.apiserver.admission.taint_nodes_by_condition import TaintNodesByCondition
from k8snb.apiserver.notes import UNNOTED
from k8snb.typing import Object, Resource

__all__ = ["MUTATING", "PLUGINS", "VALIDATING", "Attributes", "Chain", "mutates", "validates"]

_Key: TypeAlias = tuple[Resource, str, str]
MUTATING, AGAIN, VALIDATING = "mutating admission", "mutating admission, once more", "validating admission"
"""The two phases, and the second round of the first."""

PLUGINS: tuple[Plugin, ...] = (
    NamespaceLifecycle(),
    LimitRanger(),
    ServiceAccount(),
    TaintNodesByCondition(),
    PodSecurity(),
    Priority(),
    DefaultTolerationSeconds(),
    DefaultStorageClass(),
    StorageObjectInUseProtection(),
    PersistentVolumeClaimResize(),
    RuntimeClass(),
    DefaultIngressClass(),
    PodTopologyLabels(),
    NodeDeclaredFeatureValidator(),
    PodResizeValidator(),
    ResourceQuota(),
)


def with_configured(plugins: Sequence[Plugin], configured: Sequence[Plugin]) -> tuple[Plugin, ...]:
    """The plugins with those whose configuration clients write, in upstream's place: before quotas are counted."""
    last = next(index for index, plugin in enumerate(plugins) if isinstance(plugin, ResourceQuota))
    return (*plugins[:last], *configured, *plugins[last:])


def mutates(plugin: type[Plugin]) -> bool:
    """Whether a plugin takes part in the mutating phase."""
    if issubclass(plugin, Configured):
        return plugin.round is not Configured.round
    return plugin.admit is not Plugin.admit


def validates(plugin: type[Plugin]) -> bool:
    """Whether a plugin takes part in the validating phase."""
    return plugin.validate is not Plugin.validate


class Chain:
    """All plugins, in order. The server makes it with functions that read and write the store."""

    def __init__(
        self,
        read_one: ReadOne,
        read_all: ReadAll,
        plugins: Sequence[Plugin] = PLUGINS,
        *,
        commit: Commit = nowhere,
        now: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._warnings: list[str] = []
        self.reader = self._reader = Reader(read_one, read_all, commit, now, self._warnings.append)
        self._plugins = plugins
        self._counting = tuple(plugin for plugin in plugins if isinstance(plugin, ResourceQuota))
        self._up_to_others = tuple(plugin for plugin in plugins if isinstance(plugin, Configured))
        self._configured: bool | None = None
        self._statuses: dict[Resource, bool] = {}
        self._mutating: dict[_Key, tuple[Plugin, ...]] = {}
        self._validating: dict[_Key, tuple[Plugin, ...]] = {}

    def admit(self, attributes: Attributes) -> Object:
        """The object as the mutating plugins leave it; raises StatusError where one refuses."""
        attributes = self._admitted(attributes)
        assert attributes.object is not None
        return attributes.object

    def _admitted(self, attributes: Attributes) -> Attributes:
        if self._warnings:
            self._warnings.clear()
        key = (attributes.resource, attributes.subresource, attributes.operation)
        plugins = self._mutating.get(key)
        if plugins is None:
            plugins = self._mutating[key] = tuple(p for p in self._plugins if mutates(type(p)) and p.concerns(*key))
        noted = attributes.notes is not None and attributes.notes.keeps_steps
        if noted or (self._configured is not False and self.configured):
            return self._in_rounds(plugins, attributes)
        for plugin in plugins:
            changed = plugin.admit(attributes, self._reader)
            if changed is not None:
                attributes = attributes._replace(object=changed)
        return attributes

    def _in_rounds(self, plugins: Sequence[Plugin], attributes: Attributes) -> Attributes:
        """As the plugins leave a request: twice through all of them where webhooks or policies have changed it."""
        rounds = {plugin: plugin.rounds() for plugin in plugins if isinstance(plugin, Configured)}
        notes = attributes.notes or UNNOTED
        for phase in (MUTATING, AGAIN):
            for plugin in plugins:
                if isinstance(plugin, Configured):
                    answer = partial(plugin.round, attributes, self._reader, rounds[plugin])
                else:
                    answer = partial(plugin.admit, attributes, self._reader)
                changed = notes.asked(plugin.name, phase, attributes.object, answer)
                if changed is not None:
                    attributes = attributes._replace(object=changed)
            if not any(each.wanted for each in rounds.values()):
                break
        return attributes

    def decide(self, attributes: Attributes) -> Object | None:
        """Ask about what is no write of an object (a deletion, a connection, something sent to a subresource).

        Returns what was sent, as the plugins leave it. Raises StatusError.
        """
        attributes = self._admitted(attributes)
        self.validate(attributes)
        return attributes.object

    def only(self, type: type[Plugin], resource: Resource, subresource: str = "") -> bool:
        """Whether no other plugin than this one looks at creations of the resource (or of what is below it)."""
        concerned = [plugin for plugin in self._plugins if plugin.concerns(resource, subresource, "CREATE")]
        return all(isinstance(plugin, type) for plugin in concerned)

    def spares(self, resource: Resource, subresource: str, operation: str) -> bool:
        """Whether no plugin looks at such requests."""
        return not any(plugin.concerns(resource, subresource, operation) for plugin in self._plugins)

    def validate(self, attributes: Attributes) -> None:
        """Raise StatusError where a validating plugin refuses."""
        key = (attributes.resource, attributes.subresource, attributes.operation)
        plugins = self._validating.get(key)
        if plugins is None:
            plugins = self._validating[key] = tuple(p for p in self._plugins if validates(type(p)) and p.concerns(*key))
        if attributes.notes is not None:
            self._judged(plugins, attributes)
            return
        for plugin in plugins:
            plugin.validate(attributes, self._reader)

    def _judged(self, plugins: Sequence[Plugin], attributes: Attributes) -> None:
        """Let plugins judge a request of which notes may be kept."""
        notes = attributes.notes or UNNOTED
        for plugin in plugins:
            notes.asked(plugin.name, VALIDATING, attributes.object, partial(plugin.validate, attributes, self._reader))

    def forget(self) -> None:
        """Ask the plugins anew whom they concern: their configuration has changed."""
        self._mutating.clear()
        self._validating.clear()
        self._statuses.clear()
        self._configured = None

    @property
    def configured(self) -> bool:
        """Whether there are webhooks or policies."""
        if self._configured is None:
            self._configured = any(each.entries for each in self._up_to_others)
        return self._configured

    def status(self, attributes: Attributes) -> Object:
        """A status as the plugins leave it, few of which look at statuses (`looks_at_status`). Raises StatusError."""
        new = self.admit(attributes)
        self.validate(attributes._replace(object=new))
        return new

    def looks_at_status(self, resource: Resource) -> bool:
        """Whether any plugin does so; webhooks and policies may, where there are some."""
        found = self._statuses.get(resource)
        if found is None:
            found = self._statuses[resource] = self.configured or not self.spares(resource, "status", "UPDATE")
        return found

    def asks_others(self, resource: Resource) -> bool:
        """Whether creations of the resource are up to webhooks or policies, whose answers cannot be remembered."""
        return any(each.concerns(resource, "", "CREATE") for each in self._up_to_others)

    def count(self, attributes: Attributes) -> None:
        """Count an object whose like has passed the whole chain against the quotas; raises where it does not fit."""
        for plugin in self._counting:
            plugin.validate(attributes, self._reader)

    def warnings(self) -> tuple[str, ...]:
        """What plugins had to say about the request that has just passed; each is told once."""
        told = tuple(dict.fromkeys(self._warnings))
        self._warnings.clear()
        return told

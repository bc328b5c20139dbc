"""A served kind: its row of the table, its bucket in the store and its rules, brought together.

Two rows may share one bucket (both event APIs, both of autoscaling); then they share the strategy too, and objects
are stored in one form and converted on the way in and out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial

from k8snb.apiserver.registry.conversion import AUTOSCALING_V1, CONVERTED, from_version, to_version
from k8snb.apiserver.registry.custom import Converter, CustomStrategy
from k8snb.apiserver.registry.events import EventStrategy
from k8snb.apiserver.registry.services import ServiceStrategy, Settling
from k8snb.apiserver.registry.strategy import Field, Strategy
from k8snb.apiserver.registry.table import STRATEGIES
from k8snb.machinery.managed.shapes import Shape, shape_of, shape_of_schema
from k8snb.machinery.names import Lottery
from k8snb.machinery.scheme import Scheme
from k8snb.store.bucket import Bucket
from k8snb.store.mvcc import Store
from k8snb.typing import Object, Resource
from k8snb.wire import WatchEvent

_EVERY: Mapping[str, Field] = {
    "metadata.name": lambda obj: str(obj["metadata"]["name"]),
    "metadata.namespace": lambda obj: str(obj["metadata"].get("namespace", "")),
}

OF_ONE_AUTHOR = frozenset({"events", "leases.coordination.k8s.io"})
"""What is written by whoever created it: its past need not be known to tell whose it is."""

EVENT_TTL = 3600.0
"""Events vanish after an hour (kube-apiserver `--event-ttl`)."""


Convert = Callable[[Object], Object]


class Kind:
    """One served resource with everything that handlers need to know about it."""

    __slots__ = (
        "_shape",
        "bucket",
        "convert",
        "converted",
        "fields",
        "many",
        "reshaped",
        "resource",
        "strategy",
        "ttl",
    )

    def __init__(self, resource: Resource, bucket: Bucket, strategy: Strategy) -> None:
        self.resource = resource
        self.bucket = bucket
        self.strategy = strategy
        self.fields: Mapping[str, Field] = {**_EVERY, **strategy.fields}
        self.ttl = EVENT_TTL if resource.storage == "events" else 0.0
        self.converted = resource.storage in CONVERTED
        self.reshaped = self.converted and resource.api_version == AUTOSCALING_V1
        """Whether what its clients write has other fields than what is stored."""
        self.convert: Convert | None = None
        self.many = resource.storage == "pods"
        """Whether there are so many of the kind that what they share should be shared."""
        self._shape: Shape | None = None

    @property
    def shape(self) -> Shape:
        """How stored objects are merged and owned; whoever defines a custom kind sets it by the kind's schema."""
        if self._shape is None:
            version = "v1" if self.resource.storage == "events" else self.resource.api_version
            self._shape = shape_of(version, self.resource.kind)
        return self._shape

    @shape.setter
    def shape(self, shape: Shape) -> None:
        self._shape = shape

    @property
    def served(self) -> Shape:
        """How objects are merged in the version of this row, whatever version they are stored in."""
        return (
            shape_of(self.resource.api_version, self.resource.kind) if self.resource.storage == "events" else self.shape
        )

    def load(self, stored: Object) -> Object:
        """A stored object in the version this row serves."""
        if self.convert is not None:
            return self.convert(stored)
        return to_version(stored, self.resource) if self.converted else stored

    def current(self, stored: Object) -> Object:
        """A stored object as the rules of this row see it: a custom resource in the version that the row serves."""
        return stored if self.convert is None else self.convert(stored)

    def save(self, obj: Object) -> Object:
        """An object of this row's version in the form that is stored."""
        return from_version(obj) if self.converted and self.convert is None else obj


class Kinds:
    """All served kinds, by resource and by any word that names one."""

    def __init__(self, scheme: Scheme, store: Store, lottery: Lottery) -> None:
        self.scheme = scheme
        self._store = store
        self._lottery = lottery
        self._strategies: dict[str, Strategy] = {}
        self._kinds: dict[Resource, Kind] = {}
        self.condense: Callable[[Kind, list[WatchEvent]], None] | None = None
        """Told of events of a kind before the store forgets what was before them."""
        self.keep_addresses: Settling | None = None
        """Told of what Services hold, as `ServiceStrategy.keep`."""
        self.converter: Converter | None = None
        """Converts custom resources by webhook, where a definition asks for it."""

    def of(self, resource: Resource) -> Kind:
        """What is known of a resource."""
        found = self._kinds.get(resource)
        if found is None:
            found = self._kinds[resource] = self._make(resource)
        return found

    def named(self, word: str) -> Kind:
        """The same by name: `pods`, `deployments.apps`."""
        resource = self.scheme.find(word)
        if resource is None:
            raise LookupError(word)
        return self.of(resource)

    def _make(self, resource: Resource) -> Kind:
        if resource.definition is not None:
            return self._custom(resource)
        strategy = self._strategies.get(resource.storage)
        bucket = self._store.bucket(resource.storage)
        if strategy is None:
            factory = STRATEGIES.get(resource.storage)
            strategy = self._strategies[resource.storage] = factory(self._lottery) if factory else Strategy()
            if resource.storage == "pods":
                bucket.trigger = ("spec", "nodeName")
            if isinstance(strategy, EventStrategy):
                bucket.keep_packed(strategy.pack, strategy.unpack)
            if isinstance(strategy, ServiceStrategy) and self.keep_addresses is not None:
                strategy.keep = self.keep_addresses
        kind = Kind(resource, bucket, strategy)
        if self.condense is not None and resource.storage not in OF_ONE_AUTHOR and bucket.condense is None:
            bucket.condense = partial(self.condense, kind)
        return kind

    def _custom(self, resource: Resource) -> Kind:
        """A version of a custom resource: it has its own rules, and reads what other versions have stored."""
        strategy = CustomStrategy(resource)
        kind = Kind(resource, self._store.bucket(resource.storage), strategy)
        kind.convert = strategy.reader(self.converter)
        kind.converted = True
        kind.fields = {**_EVERY, **strategy.fields}
        kind.shape = shape_of_schema(strategy.schema.raw)
        if self.condense is not None and kind.bucket.condense is None:
            kind.bucket.condense = partial(self.condense, kind)
        return kind

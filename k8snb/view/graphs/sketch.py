"""A picture in the making: builders put objects on it and link them; what is put twice is drawn once.

It reads through anything that can list, each list once. What may not be read, or is not served there, is empty: a
picture shows what its reader may see. Only what somebody asked for by name has to be there.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Protocol

from k8snb.errors import StatusError, not_found
from k8snb.i18n import _
from k8snb.machinery.objects import controller_of, labels_of
from k8snb.machinery.selectors import LabelSelector
from k8snb.typing import Object, Resource
from k8snb.view import theme
from k8snb.view.graph import Edge, Graph, Group, Node
from k8snb.view.graphs.said import said_of, state_of
from k8snb.view.scene import Snapshot, generations_of, identity, natural

FEW = 8
"""So many things of one sort are drawn one by one; of more, the rest is a number."""


class Process(Protocol):
    """A process of the cluster: of which component, on which machine, how it is."""

    @property
    def component(self) -> str: ...
    @property
    def on(self) -> str: ...
    @property
    def state(self) -> str: ...
    @property
    def running(self) -> bool: ...
    @property
    def leads(self) -> bool: ...


class Sketch:
    """Nodes, edges and groups as they come, and the objects of one namespace (and of others, where they are named)."""

    def __init__(self, reader: Snapshot, namespace: str = "default") -> None:
        self.namespace = namespace
        self.processes: Sequence[Process] = getattr(reader, "processes", ())
        """The processes of the cluster, where the reader knows of them."""
        self._reader = reader
        self._lists: dict[tuple[str, str], list[Object]] = {}
        self._refusals: dict[tuple[str, str], StatusError] = {}
        self._nodes: dict[str, Node] = {}
        self._edges: dict[Edge, None] = {}
        self._groups: dict[str, Group] = {}

    # -- reading -----------------------------------------------------------------------------------

    def everywhere(self, resource: str) -> list[Object]:
        """The objects of a resource in all namespaces."""
        return self.within(resource, "")

    def here(self, resource: str) -> list[Object]:
        """The objects of a resource in the picture's namespace; of a cluster-wide one all."""
        return self.within(resource, self.namespace)

    def within(self, resource: str, namespace: str) -> list[Object]:
        """The objects of a resource in a namespace."""
        key = (resource, namespace)
        if key not in self._lists:
            try:
                self._lists[key] = self._reader.list(resource, namespace)
            except StatusError as refusal:
                self._lists[key], self._refusals[key] = [], refusal
        return self._lists[key]

    def find(self, resource: str, name: str, namespace: str | None = None) -> Object | None:
        """The object of that name, None if there is none."""
        where = self.namespace if namespace is None else namespace
        return next((obj for obj in self.within(resource, where) if obj["metadata"]["name"] == name), None)

    def need(self, resource: Resource, name: str) -> Object:
        """The object of that name; StatusError if there is none, or if it may not be read."""
        found = self.find(resource.group_resource, name)
        if found is None:
            raise self._refusals.get((resource.group_resource, self.namespace)) or not_found(resource, name)
        return found

    def selected(self, selector: LabelSelector, namespace: str | None = None) -> list[Object]:
        """The pods of a namespace that a selector catches."""
        where = self.namespace if namespace is None else namespace
        return [pod for pod in self.within("pods", where) if selector.matches(labels_of(pod))]

    # -- drawing -----------------------------------------------------------------------------------

    def put(self, obj: Object, *more: str, group: str | None = None, id: str = "") -> str:
        """Draw an object, with what there is to say of it; returns its id."""
        name = id or self.id_of(obj)
        if name not in self._nodes:
            owner = controller_of(obj)
            generations = generations_of(self.within("replicasets.apps", obj["metadata"].get("namespace", "")))
            generation = generations.get(identity(obj)) or (
                generations.get(f"{owner['kind']}/{owner['name']}") if owner else None
            )
            said = [*said_of(obj), *more]
            if obj["kind"] == "ReplicaSet" and generation:
                said.insert(0, f"v{generation}")
            hue = theme.generation_hue(generation) if generation else ""
            state, word = state_of(obj)
            where = self._place(obj) if group is None else group
            self._nodes[name] = Node(name, obj["kind"], obj["metadata"]["name"], said, state, word, where, hue)
        return name

    def note(
        self,
        kind: str,
        name: str,
        *said: str,
        brief: Sequence[str] = (),
        state: str = "",
        word: str = "",
        group: str = "",
        id: str = "",
    ) -> str:
        """Draw something that is no object: a user, a rule, a disk; returns its id."""
        known, facts = id or f"{kind}/{name}", [each for each in said if each]
        self._nodes.setdefault(known, Node(known, kind, name, facts, state, word, group, brief=brief))
        return known

    def lack(self, kind: str, name: str, namespace: str | None = None) -> str:
        """Draw what something refers to and what is not there."""
        where = self.namespace if namespace is None else namespace
        group = self.box(where) if where != self.namespace else ""
        return self.note(kind, name, state="failing", word=_("not there"), group=group, id=self._id(kind, name, where))

    def refer(self, resource: str, kind: str, name: str, namespace: str | None = None) -> str:
        """Draw what a name refers to, be it there or not; returns its id."""
        found = self.find(resource, name, namespace)
        return self.lack(kind, name, namespace) if found is None else self.put(found)

    def link(
        self, tail: str, head: str, word: str = "", *, faint: bool = False, note: str = "", back: bool = False
    ) -> None:
        """Draw an arrow. What `note` says of it stands in the text alone; `back` is against the way of reading."""
        self._edges.setdefault(Edge(tail, head, word, faint, note, back))

    def some(self, objects: Iterable[Object], tail: str, word: str, *, back: bool = False) -> None:
        """Link something with many objects; of more than a few, the rest is a number."""
        objects = list(objects)
        ends = [self.put(obj) for obj in objects[:FEW]]
        if len(objects) > FEW:
            rest = _("and {count} more").format(count=len(objects) - FEW)
            ends.append(self.note(objects[FEW]["kind"], rest, id=f"{tail}/{word}/rest"))
        for end in ends:
            self.link(*((end, tail) if back else (tail, end)), word)

    def box(self, namespace: str) -> str:
        """The box of a namespace; returns its id."""
        return self.frame(f"Namespace/{namespace}/box", "Namespace", namespace)

    def frame(self, id: str, kind: str, name: str, *said: str, within: str = "") -> str:
        """A box to put things in; returns its id."""
        self._groups.setdefault(id, Group(id, kind, name, [each for each in said if each], within))
        return id

    def id_of(self, obj: Object) -> str:
        """The id of an object in this picture: `Pod/web`, with its namespace if that is another one."""
        return self._id(obj["kind"], obj["metadata"]["name"], obj["metadata"].get("namespace", self.namespace))

    def _id(self, kind: str, name: str, namespace: str) -> str:
        return f"{kind}/{name}" if namespace in ("", self.namespace) else f"{kind}/{namespace}/{name}"

    def _place(self, obj: Object) -> str:
        node = (obj.get("spec") or {}).get("nodeName") if obj["kind"] == "Pod" else None
        if node:
            return self.frame(f"Node/{node}", "Node", node)
        namespace = obj["metadata"].get("namespace", self.namespace)
        return "" if namespace == self.namespace else self.box(namespace)

    def graph(self, title: str, *, down: bool = False, chain: bool = False) -> Graph:
        """The finished picture."""
        nodes = {group.id: natural({"metadata": {"name": group.name}}) for group in self._groups.values()}
        machines = sorted((g for g in self._groups.values() if g.kind == "Node"), key=lambda group: nodes[group.id])
        others = [group for group in self._groups.values() if group.kind != "Node"]
        return Graph(title, list(self._nodes.values()), list(self._edges), [*machines, *others], not down, chain)

"""What a describer works with: the page, the requests it may make, and the time."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from k8snb.apiserver.printing.durations import since
from k8snb.kubectl.describe.events import describe_events, search_events
from k8snb.kubectl.describe.writer import Page
from k8snb.kubectl.session import Session
from k8snb.machinery.objects import controller_of
from k8snb.machinery.selectors import LabelSelector
from k8snb.typing import Object, Resource


@dataclass(slots=True)
class Describing:
    """One description in the making."""

    session: Session
    show_events: bool = True
    page: Page = field(default_factory=Page)

    @property
    def now(self) -> float:
        return self.session.clock.now()

    def resource(self, word: str) -> Resource:
        """A resource that every server has."""
        found = self.session.scheme.find(word)
        assert found is not None, word
        return found

    def ago(self, stamp: object) -> str:
        """How long ago a time was."""
        return since(stamp, self.now)

    def head(self, obj: Object) -> None:
        """Name and namespace."""
        self.page.line(f"Name:\t{obj['metadata']['name']}")
        self.page.line(f"Namespace:\t{obj['metadata'].get('namespace', '')}")

    def marks(self, obj: Object) -> None:
        """Labels and annotations."""
        self.page.labels("Labels", obj["metadata"].get("labels"))
        self.page.annotations("Annotations", obj["metadata"].get("annotations"))

    def controlled_by(self, obj: Object) -> None:
        """The controller, if there is one."""
        owner = controller_of(obj)
        if owner is not None:
            self.page.line(f"Controlled By:\t{owner['kind']}/{owner['name']}")

    def events(self, obj: Object, *, kind: str | None = None) -> None:
        """What happened to the object."""
        if self.show_events:
            describe_events(self.page, search_events(self.session, obj, kind=kind), self.now)

    def pods_status(self, obj: Object, selector: LabelSelector) -> str:
        """`2 Running / 0 Waiting / …` of the pods that the object controls."""
        pods = self.session.items(self.resource("pods"), obj["metadata"]["namespace"], _selecting(selector))
        uid = obj["metadata"]["uid"]
        phases = [
            (pod.get("status") or {}).get("phase", "") for pod in pods if (controller_of(pod) or {}).get("uid") == uid
        ]
        words = (("Running", "Running"), ("Waiting", "Pending"), ("Succeeded", "Succeeded"), ("Failed", "Failed"))
        return " / ".join(f"{phases.count(phase)} {word}" for word, phase in words)


def _selecting(selector: LabelSelector) -> dict[str, str]:
    return {"labelSelector": str(selector), "limit": "500"}


Describer = Callable[[Describing, Object], None]
"""Writes the page of an object."""

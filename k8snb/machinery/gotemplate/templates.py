"""Templates that know each other, and the functions they share."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snb.machinery.gotemplate.builtins import BUILTINS
from k8snb.machinery.gotemplate.evaluator import Body, Rules, render
from k8snb.machinery.gotemplate.parser import parse

_NO_FUNCTIONS: Mapping[str, Callable[..., Any]] = {}


class Templates:
    """A set of templates by name.

    `missing` says what a key that a map does not have is: `default` (no value), `zero` (nil) or `error`. A function
    that renders a template itself (an `include`) is a closure over the set, which messages call by its `name`.
    """

    def __init__(
        self, functions: Mapping[str, Callable[..., Any]] = _NO_FUNCTIONS, *, missing: str = "default", name: str = ""
    ) -> None:
        self.functions = {**BUILTINS, **functions}
        self._missing = missing
        self._name = name
        self._bodies: dict[str, Body] = {}

    def add(self, name: str, text: str) -> None:
        """Read a template and those it defines; the latest of a name counts, an empty one replaces none."""
        for found, nodes in parse(name, text, self.functions).items():
            if nodes or found not in self._bodies:
                self._bodies[found] = Body(found, name, text, nodes)

    def render(self, name: str, data: Any) -> str:
        """What the template of that name makes of data; raises `ExecutionError`."""
        return render(Rules(self._bodies, self.functions, self._missing, self._name), name, data)

    def clone(self) -> Templates:
        """Another set with the same templates and functions, which can grow by itself."""
        twin = Templates(self.functions, missing=self._missing, name=self._name)
        twin._bodies = dict(self._bodies)
        return twin

    def __contains__(self, name: str) -> bool:
        return name in self._bodies

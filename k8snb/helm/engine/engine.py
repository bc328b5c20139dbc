"""Rendering: the templates of a chart and of those below it, parsed together, run one by one.

All templates share one set of names, so any can `include` what another defines; where two define one name, the one
further out counts. Upstream: `pkg/engine/engine.go`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from k8snb.helm.chart.chart import Chart
from k8snb.helm.engine.scope import Scope
from k8snb.helm.errors import HelmError
from k8snb.helm.functions import table
from k8snb.machinery.gotemplate import (
    ExecutionError,
    FunctionError,
    ParseError,
    TemplateError,
    Templates,
    sprintf,
)
from k8snb.machinery.names import Lottery

Lookup = Callable[[str, str, str, str], Any]
NOTHING = "<no value>"
_START, _END = "HELM_ERR_START", "HELM_ERR_END"
_WARNING = re.compile(f"{_START}(.*){_END}", re.DOTALL)
_DEEPEST = 1000


class RenderError(HelmError):
    """A template cannot be read, or does not fit its values."""


class Renderable(NamedTuple):
    """One template and what it sees; `folder` is where its chart's templates are."""

    text: str
    scope: Scope
    folder: str


@dataclass(slots=True)
class Engine:
    """Renders with a clock and lots. `lookup` asks a cluster; `lint` lets required values be missing."""

    now: Callable[[], float]
    lottery: Lottery
    lookup: Lookup | None = None
    lint: bool = False
    strict: bool = False
    noted: list[str] = field(default_factory=list)
    """What `required` and `fail` would have complained about while linting."""

    def render(self, chart: Chart, scope: Scope) -> dict[str, str]:
        """What every template of the chart makes of its scope, by path. Raises RenderError."""
        given = dict(sorted(_renderables(chart, scope), key=lambda pair: _depth(pair[0]), reverse=True))
        templates = Templates(missing="error" if self.strict else "zero", name="gotpl")
        templates.functions.update(self._functions(templates))
        for name, each in given.items():
            try:
                templates.add(name, each.text)
            except ParseError as error:
                raise _parse_failure(name, error) from None
        return {name: self._run(templates, name, given[name]) for name in given if not _is_partial(name)}

    def _run(self, templates: Templates, name: str, given: Renderable) -> str:
        given.scope["Template"] = {"Name": name, "BasePath": given.folder}
        try:
            return templates.render(name, given.scope).replace(NOTHING, "")
        except ExecutionError as error:
            raise _execution_failure(name, error) from None
        except RecursionError:
            raise RenderError(f"template: {name}: exceeded maximum template depth (100000)") from None

    def _functions(self, templates: Templates) -> dict[str, Callable[..., Any]]:
        own = _Including(self, templates, {})
        functions: dict[str, Callable[..., Any]] = {
            **table(self.now, self.lottery),
            "include": own.include,
            "tpl": own.tpl,
            "required": self.required,
            "fail": self.fail,
        }
        if self.lookup is not None and not self.lint:
            functions["lookup"] = self.lookup
        return functions

    def required(self, message: str, value: Any) -> Any:
        """The value, which must be there."""
        if value is not None and value != "":
            return value
        if not self.lint:
            raise FunctionError(_warning(message))
        self.noted.append(f"[INFO] Missing required value: {message}")
        return ""

    def fail(self, message: str) -> str:
        """Give up."""
        if not self.lint:
            raise FunctionError(_warning(message))
        self.noted.append(f"[INFO] Fail: {message}")
        return ""


class _Including:
    """`include` and `tpl` over one set of templates."""

    def __init__(self, engine: Engine, templates: Templates, depths: dict[str, int]) -> None:
        self.engine = engine
        self.templates = templates
        self.depths = depths

    def include(self, name: str, data: Any) -> str:
        """What another template prints."""
        self.depths[name] = self.depths.get(name, 0) + 1
        try:
            if self.depths[name] > _DEEPEST:
                raise RecursionError
            return self.templates.render(name, data)
        except ExecutionError as error:
            raise FunctionError(str(error)) from None
        except RecursionError:
            message = f"rendering template has a nested reference name: {name}: unable to execute template"
            raise FunctionError(message) from None
        finally:
            self.depths[name] -= 1

    def tpl(self, text: str, data: Any) -> str:
        """A text as a template of its own, which knows all the others."""
        if "{{" not in text:
            return text.replace(NOTHING, "")
        twin = self.templates.clone()
        inner = _Including(self.engine, twin, self.depths)
        twin.functions = {**twin.functions, "include": inner.include, "tpl": inner.tpl}
        try:
            twin.add("gotpl", text)
        except TemplateError as error:
            raise FunctionError(f"cannot parse template {sprintf('%q', [text])}: {error}") from None
        try:
            return twin.render("gotpl", data).replace(NOTHING, "") if "gotpl" in twin else ""
        except ExecutionError as error:
            raise FunctionError(f"error during tpl function execution for {sprintf('%q', [text])}: {error}") from None


def _renderables(chart: Chart, scope: Scope) -> Iterator[tuple[str, Renderable]]:
    for below in chart.dependencies:
        yield from _renderables(below, scope["Subcharts"][below.name])
    for file in chart.templates:
        path = f"{chart.path}/{file.name}"
        if not chart.is_library or _is_partial(path):
            yield path, Renderable(file.text, scope, f"{chart.path}/templates")


def _is_partial(path: str) -> bool:
    return path.rpartition("/")[2].startswith("_")


def _depth(path: str) -> tuple[int, str]:
    return path.count("/"), path


def _warning(message: str) -> str:
    return f"{_START}{message}{_END}"


def _parse_failure(name: str, error: Exception) -> RenderError:
    parts = str(error).split(": ")
    if len(parts) == 1:
        return RenderError(f"parse error in ({name}): {error}")
    return RenderError(f"parse error at ({parts[1]}): {parts[-1]}")


def _execution_failure(name: str, error: Exception) -> RenderError:
    parts = str(error).split(": ", 2)
    if len(parts) != 3:
        return RenderError(f"execution error in ({name}): {error}")
    warning = _WARNING.search(parts[2])
    return RenderError(f"execution error at ({parts[1]}): {warning[1]}" if warning else str(error))

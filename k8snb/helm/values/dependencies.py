"""Which charts below are on, what they are called, and which of their values come up.

Upstream: `pkg/chartutil/dependencies.go`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from k8snb.helm.chart.chart import Chart
from k8snb.helm.semver import compatible
from k8snb.helm.values.merging import Warn, at_path, coalesced, under

Wanted = dict[str, Any]


def prepared(chart: Chart, values: Mapping[str, Any], warn: Warn) -> Chart:
    """The chart with the charts below that `values` leave on, by their aliases, and with imported values."""
    ready = chart.copy()
    _enable(ready, values, "", warn)
    _import_values(ready, warn)
    ready.placed()
    return ready


def _enable(chart: Chart, values: Mapping[str, Any], path: str, warn: Warn) -> None:
    wanted = chart.wanted
    if not wanted:
        return
    named = [below for below in chart.dependencies if not any(_is_meant(each, below) for each in wanted)]
    for each in wanted:
        found = next((below for below in chart.dependencies if _is_meant(each, below)), None)
        if found is not None:
            named.append(_renamed(found, each.get("alias", "")))
        if each.get("alias"):
            each["name"] = each["alias"]
    chart.dependencies = named
    given = coalesced(chart, values, warn)
    on = {each["name"]: True for each in wanted}
    _by_tags(wanted, given, on, warn)
    _by_conditions(wanted, given, path, on, warn)
    chart.dependencies = [below for below in named if on.get(below.name, True)]
    for below in chart.dependencies:
        _enable(below, given, f"{path}{below.name}.", warn)
    chart.metadata["dependencies"] = [{**each, "enabled": True} for each in wanted if on[each["name"]]]


def _is_meant(wanted: Wanted, chart: Chart) -> bool:
    return bool(wanted["name"] == chart.name) and compatible(wanted.get("version", "") or "*", chart.version)


def _renamed(chart: Chart, alias: str) -> Chart:
    twin = chart.copy()
    return replace(twin, metadata={**twin.metadata, "name": alias}) if alias else twin


def _by_tags(wanted: Sequence[Wanted], values: Mapping[str, Any], on: dict[str, bool], warn: Warn) -> None:
    tags = values.get("tags")
    if not isinstance(tags, dict):
        return
    for each in wanted:
        found = [tags[tag] for tag in each.get("tags") or () if tag in tags]
        for tag in each.get("tags") or ():
            if tag in tags and not isinstance(tags[tag], bool):
                warn(f"Warning: Tag '{tag}' for chart {each['name']} returned non-bool value")
        switches = [value for value in found if isinstance(value, bool)]
        on[each["name"]] = any(switches) or not switches


def _by_conditions(
    wanted: Sequence[Wanted], values: Mapping[str, Any], path: str, on: dict[str, bool], warn: Warn
) -> None:
    for each in wanted:
        for condition in filter(None, str(each.get("condition") or "").strip().split(",")):
            try:
                value = at_path(values, path + condition)
            except LookupError:
                continue
            if isinstance(value, bool):
                on[each["name"]] = value
                break
            warn(f"Warning: Condition path '{condition}' for chart {each['name']} returned non-bool value")


def _import_values(chart: Chart, warn: Warn) -> None:
    for below in chart.dependencies:
        _import_values(below, warn)
    if not chart.wanted:
        return
    values = coalesced(chart, {}, merge=True)
    imported: dict[str, Any] = {}
    for each in chart.wanted:
        for item in each.get("import-values") or ():
            child, parent = (item["child"], item["parent"]) if isinstance(item, dict) else (f"exports.{item}", ".")
            try:
                table = at_path(values, f"{each['name']}.{child}")
            except LookupError:
                name = each["name"]
                warn(f'Warning: ImportValues missing table from chart {name}: "{name}.{child}" is not a table')
                continue
            if isinstance(table, dict):
                imported = under(imported, _at(parent, table), merge=True)
    chart.values = under(values, imported, merge=True)


def _at(path: str, table: Mapping[str, Any]) -> dict[str, Any]:
    value: Any = dict(table)
    for key in reversed(path.split(".") if path != "." else []):
        value = {key: value}
    found: dict[str, Any] = value
    return found

"""Putting values together. Upstream: `pkg/chartutil/coalesce.go`.

Who installs outranks the chart, and a chart outranks those below it. Maps are merged, everything else is replaced, and
a null removes what the chart has. `global` goes from a chart to all below. Where the two sides do not fit, helm goes
on and says so; `warn` takes what it says.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from k8snb.helm.errors import HelmError
from k8snb.machinery.gotemplate import sprintf

if TYPE_CHECKING:
    from k8snb.helm.chart.chart import Chart

Values = dict[str, Any]
Warn = Callable[[str], None]
GLOBAL = "global"


def _silent(_message: str) -> None:
    pass


def merged_maps(one: Mapping[str, Any], other: Mapping[str, Any]) -> Values:
    """Both; where they disagree, the other's. Nulls stay, so that they can remove a chart's values later."""
    both = dict(one)
    for key, value in other.items():
        known = both.get(key)
        both[key] = merged_maps(known, value) if isinstance(known, dict) and isinstance(value, dict) else value
    return both


def coalesced(chart: Chart, values: Mapping[str, Any], warn: Warn = _silent, *, merge: bool = False) -> Values:
    """The values of a chart and those below it, under the ones given; `merge` keeps nulls for a later round."""
    return _chart_values(chart, copy.deepcopy(dict(values)), "", warn, merge)


def _chart_values(chart: Chart, values: Values, prefix: str, warn: Warn, merge: bool) -> Values:
    _under(chart, values, prefix, warn, merge)
    for below in chart.dependencies:
        given = values.setdefault(below.name, {})
        if not isinstance(given, dict):
            raise HelmError(f"type mismatch on {below.name}: {sprintf('%t', [given])}")
        _pass_globals(given, values, _path(prefix, chart.name), warn)
        values[below.name] = _chart_values(below, given, _path(prefix, chart.name), warn, merge)
    return values


def _path(prefix: str, name: str) -> str:
    return f"{prefix}.{name}" if prefix else name


def _pass_globals(below: Values, above: Values, prefix: str, warn: Warn) -> None:
    mine, yours = below.get(GLOBAL, {}), above.get(GLOBAL, {})
    for side, which in ((mine, "destination"), (yours, "source")):
        if not isinstance(side, dict):
            warn(f"warning: skipping globals because {which} {GLOBAL} is not a table.")
            return
    mine = dict(mine)
    for key, value in yours.items():
        known = mine.get(key)
        if not isinstance(value, dict):
            if isinstance(known, dict):
                warn(f"key {key} is table. Skipping")
            else:
                mine[key] = value
        elif key not in mine:
            mine[key] = dict(value)
        elif isinstance(known, dict):
            mine[key] = under(copy.deepcopy(value), known, _path(prefix, key), warn, merge=True)
        else:
            warn(f'Conflict: cannot merge map onto non-map for "{key}". Skipping.')
    below[GLOBAL] = mine


def _under(chart: Chart, values: Values, prefix: str, warn: Warn, merge: bool) -> None:
    """Put the chart's own values under the ones given."""
    here = _path(prefix, chart.name)
    names = {below.name for below in chart.dependencies}
    for key, value in copy.deepcopy(chart.values).items():
        if key not in values:
            values[key] = value
            continue
        given = values[key]
        if given is None and not merge:
            del values[key]
        elif isinstance(given, dict):
            if isinstance(value, dict):
                # The nulls of what goes to a chart below are for that chart to act on.
                under(given, value, _path(here, key), warn, merge or key in names)
            elif value is not None:
                warn(f"warning: skipped value for {_path(here, key)}: Not a table.")


def under(
    values: Values, base: Mapping[str, Any], prefix: str = "", warn: Warn = _silent, merge: bool = False
) -> Values:
    """Put `base` under `values`, which is changed: what it does not have yet, and maps into maps."""
    removed = [key for key, value in values.items() if value is None] if not merge else []
    for key, value in base.items():
        path = _path(prefix, key)
        if key not in values:
            values[key] = value
        elif values[key] is None:
            continue
        elif isinstance(value, dict):
            if isinstance(values[key], dict):
                under(values[key], value, path, warn, merge)
            else:
                warn(f"warning: cannot overwrite table with non table for {path} ({sprintf('%v', [value])})")
        elif isinstance(values[key], dict) and value is not None:
            warn(f"warning: destination for {path} is a table. Ignoring non-table value ({sprintf('%v', [value])})")
    for key in removed:
        del values[key]
    return values


def without_nulls(values: Mapping[str, Any]) -> Values:
    """The values without nulls, at any depth of maps."""
    return {
        key: without_nulls(value) if isinstance(value, dict) else value
        for key, value in values.items()
        if value is not None
    }


def at_path(values: Mapping[str, Any], path: str) -> Any:
    """The value at a path such as `a.b`; raises LookupError where there is none."""
    here: Any = values
    for key in path.split("."):
        if not isinstance(here, Mapping):
            raise LookupError(path)
        here = here[key]
    return here

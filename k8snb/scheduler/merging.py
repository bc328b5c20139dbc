"""From what a profile enables and disables to the plugins of each extension point, in order.

`multiPoint` speaks of every point that a plugin implements, the others of one point each. At a point come first the
plugins that both name (in the point's order), then the rest of `multiPoint`, then the point's own. Upstream:
`apis/config/v1/default_plugins.go` (`mergePlugins`), `framework/runtime/framework.go` (`expandMultiPointPlugins`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from k8snb.scheduler.framework import EXTENSION_POINTS, ExtensionPoint
from k8snb.scheduler.registry import DEFAULT_PROFILE, Row
from k8snb.typing import Object

_ALL = "*"
_CONFIGURED = tuple(point for point in EXTENSION_POINTS if point.name != "NormalizeScore")
Weighted = tuple[tuple[str, int], ...]


def _key(point: ExtensionPoint) -> str:
    """The name of a point in a configuration: `preFilter`."""
    return point.name[0].lower() + point.name[1:]


class Sets:
    """What a profile enables and disables, point by point."""

    def __init__(self, given: Object) -> None:
        self._given = given

    @staticmethod
    def unknown(given: Object) -> list[str]:
        """The names that are no extension points."""
        return sorted(set(given) - {_key(point) for point in _CONFIGURED} - {"multiPoint"})

    def enabled(self, key: str) -> list[tuple[str, int]]:
        found = (self._given.get(key) or {}).get("enabled") or ()
        return [(each["name"], each.get("weight") or 0) for each in found]

    def disabled(self, key: str) -> set[str]:
        return {each["name"] for each in (self._given.get(key) or {}).get("disabled") or ()}

    def everywhere(self) -> list[tuple[str, int]]:
        """The plugins of `multiPoint`: the default ones, changed and added to."""
        off, mine = self.disabled("multiPoint"), self.enabled("multiPoint")
        weights = dict(mine)
        kept = [] if _ALL in off else [row for row in DEFAULT_PROFILE.plugins if row[0] not in off]
        merged = [(name, weights.get(name, weight)) for name, weight in kept]
        names = {name for name, _ in kept}
        return merged + [each for each in mine if each[0] not in names]


def expanded(sets: Sets, scheduler: str, rows: Mapping[str, Row]) -> tuple[Weighted, Mapping[str, tuple[str, ...]]]:
    """The plugins with their weights, and those of each point where they are not simply all that implement it.

    Raises ValueError with upstream's words.
    """
    everywhere = sets.everywhere()
    _no_doubles([name for name, _ in everywhere])
    own = {point.name: sets.enabled(_key(point)) for point in _CONFIGURED}
    names = list(dict.fromkeys([name for name, _ in (*everywhere, *(row for each in own.values() for row in each))]))
    _all_known({point: [name for name, _ in each] for point, each in own.items()}, dict(everywhere), rows)
    points = {}
    for point in _CONFIGURED:
        chosen = _at(point, [name for name, _ in own[point.name]], everywhere, sets.disabled(_key(point)), rows)
        if chosen != [name for name in names if hasattr(rows[name].plugin, point.method)]:
            points[point.name] = tuple(chosen)
        _enough(point, chosen, scheduler)
    if "Score" in points:
        points["NormalizeScore"] = tuple(name for name in points["Score"] if hasattr(rows[name].plugin, "normalize"))
    weights = {**dict(everywhere), **dict(own["Score"])}
    scoring = points.get("Score") or [name for name in names if hasattr(rows[name].plugin, "score")]
    return tuple((name, weights.get(name, 0) or (1 if name in scoring else 0)) for name in names), points


def _all_known(own: Mapping[str, Sequence[str]], everywhere: Mapping[str, int], rows: Mapping[str, Row]) -> None:
    """Whatever is enabled has to exist; a plugin of `multiPoint` is missed first at PreFilter."""
    for point, names in (*own.items(), ("PreFilter", everywhere)):
        for name in names:
            if name not in rows:
                raise ValueError(f'{point}Plugin "{name}" does not exist')


def _no_doubles(names: Sequence[str]) -> None:
    for index, name in enumerate(names):
        if name in names[:index]:
            raise ValueError(f'plugin "{name}" already registered as "PreFilterPlugin"')


def _at(
    point: ExtensionPoint,
    own: Sequence[str],
    everywhere: Sequence[tuple[str, int]],
    off: set[str],
    rows: Mapping[str, Row],
) -> list[str]:
    for index, name in enumerate(own):
        if not hasattr(rows[name].plugin, point.method):
            raise ValueError(f'plugin "{name}" does not extend {point.name}Plugin plugin')
        if name in own[:index]:
            raise ValueError(f'plugin "{name}" already registered as "{point.name}Plugin"')
    implementing = [name for name, _ in everywhere if hasattr(rows[name].plugin, point.method)]
    shared = [] if _ALL in off else [name for name in implementing if name not in off]
    both = [name for name in own if name in shared]
    return [*both, *(name for name in shared if name not in both), *(name for name in own if name not in both)]


def _enough(point: ExtensionPoint, chosen: Sequence[str], scheduler: str) -> None:
    where = f'profile with scheduler name "{scheduler}"'
    if point.name == "QueueSort" and len(chosen) != 1:
        raise ValueError(f"only one queue sort plugin required for {where}, but got {len(chosen)}")
    if point.name == "Bind" and not chosen:
        raise ValueError(f"at least one bind plugin is needed for {where}")

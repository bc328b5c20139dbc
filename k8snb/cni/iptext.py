"""What `ip link`, `ip addr` and `ip route` print, of what they say as JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Entry = Mapping[str, Any]


def text(what: str, found: Sequence[Entry]) -> str:
    """The lines for people: `what` is `link`, `addr` or `route`."""
    if what == "route":
        return "\n".join(map(_route, found))
    return "\n".join(line for each in found for line in _link(each, addresses=what == "addr"))


def _route(entry: Entry) -> str:
    words = [entry["dst"], *(["via", entry["gateway"]] if "gateway" in entry else []), "dev", entry["dev"]]
    words += ["proto", "kernel", "scope", "link", "src", entry["prefsrc"]] if "prefsrc" in entry else []
    return " ".join([*words, *entry.get("flags", ())])


def _link(entry: Entry, *, addresses: bool) -> Iterator[str]:
    master = f" master {entry['master']}" if "master" in entry else ""
    head = f"{entry['ifindex']}: {entry['ifname']}: <{','.join(entry['flags'])}> mtu {entry['mtu']}{master}"
    yield f"{head} state {entry['operstate']}"
    yield f"    link/{entry['link_type']} {entry['address']}"
    if addresses:
        yield from (f"    inet {each['local']}/{each['prefixlen']}" for each in entry.get("addr_info") or ())

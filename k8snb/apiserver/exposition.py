"""The text format of metrics that Prometheus reads."""

from __future__ import annotations

from collections.abc import Iterator, Mapping


def head(name: str, type: str, about: str) -> Iterator[str]:
    """The lines that begin a metric."""
    yield f"# HELP {name} {about}"
    yield f"# TYPE {name} {type}"


def sample(name: str, labels: Mapping[str, str], value: float) -> str:
    """One value of a metric."""
    shown = ",".join(f'{label}="{_escaped(text)}"' for label, text in labels.items())
    return f"{name}{{{shown}}} {value:.17g}" if shown else f"{name} {value:.17g}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

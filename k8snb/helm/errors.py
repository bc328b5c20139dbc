"""What can go wrong with a chart or a release, in helm's words."""

from __future__ import annotations


class HelmError(Exception):
    """The command fails; helm prints `Error: ` before it."""


class ChartError(HelmError):
    """The chart cannot be read or is not valid."""


class ReleaseNotFound(HelmError):
    """There is no such release."""

    def __init__(self) -> None:
        super().__init__("release: not found")


def wrapped(lead: str, error: Exception) -> HelmError:
    """The error with what was being done before it: `cannot load Chart.yaml: …`."""
    return HelmError(f"{lead}: {error}")

"""Names of images, as the commands check them that are given one."""

from __future__ import annotations

import re

_NAME = re.compile(
    r"([a-zA-Z0-9.-]+(:[0-9]+)?/)?[a-z0-9]+([._-]+[a-z0-9]+)*(/[a-z0-9]+([._-]+[a-z0-9]+)*)*"
    r"(:\w[\w.-]{0,127})?(@[A-Za-z][A-Za-z0-9]*([+._-][A-Za-z][A-Za-z0-9]*)*:[0-9a-fA-F]{32,})?",
    re.ASCII,
)


def well_formed(image: str) -> bool:
    """Whether the name is one that a registry could know. Upstream: `distribution/reference`."""
    return _NAME.fullmatch(image) is not None

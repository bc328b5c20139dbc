"""What stands behind a listener, and how its answers become bytes."""

from __future__ import annotations

from typing import Any, Protocol

import orjson
import yaml

from k8snb.clock import Clock
from k8snb.typing import Object
from k8snb.wire import Request, Response


class Host(Protocol):
    """What the listener serves."""

    clock: Clock

    def handle(self, request: Request) -> Response:
        """Answer a request."""
        ...

    def nudge(self) -> None:
        """Something may have changed: give the parts their turns soon."""
        ...

    def exec(self, request: Request) -> Response:
        """Answer a request to run a command, without the upgrade around it."""
        ...


def encoded(response: Response) -> bytes:
    """The body of an answer in its content type."""
    if response.object is None:
        return response.body
    if response.content_type.startswith("application/yaml"):
        return yaml.safe_dump(_plain(response.object), sort_keys=False).encode()
    return orjson.dumps(response.object) + b"\n"


def _plain(obj: Object) -> Any:
    return orjson.loads(orjson.dumps(obj))

"""Control-C at any moment, before or after any request: nothing stays behind, or the next connect removes it.

The quick setting interrupts at a few of the requests, the long one (`K8SNB_PROPERTIES=long`) at each of them.
"""

from __future__ import annotations

import gc
import os
from collections.abc import Iterator

import pytest

from k8snb import connect
from k8snb.live import joining
from k8snb.live.cluster import LiveCluster
from k8snb.live.transport import LiveTransport
from k8snb.wire import Request, Response
from tests.live.door import Door

LONG = os.environ.get("K8SNB_PROPERTIES") == "long"
NEVER = -1


class Interrupt:
    """Raises KeyboardInterrupt at one request, before it is sent or after its answer is there; counts them all."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.at, self.after, self.count, self.asked = NEVER, False, 0, ""
        usual = LiveTransport._handle

        def handled(transport: LiveTransport, request: Request) -> Response:
            self.count += 1
            now = self.count == self.at
            if now:
                self.asked = f"{request.method} {request.path}"
            if now and not self.after:
                raise KeyboardInterrupt
            answer = usual(transport, request)
            if now:
                raise KeyboardInterrupt
            return answer

        monkeypatch.setattr(LiveTransport, "_handle", handled)

    def begin(self, at: int, *, after: bool) -> None:
        """Interrupt the request with that number from now on."""
        self.at, self.after, self.count = at, after, 0


@pytest.fixture
def interrupt(monkeypatch: pytest.MonkeyPatch) -> Iterator[Interrupt]:
    made = Interrupt(monkeypatch)
    yield made
    made.at = NEVER


def story() -> None:
    """What a notebook does: it connects, makes something in its home, and lets go."""
    notebook = connect()
    assert isinstance(notebook, LiveCluster)
    notebook.kubectl("create configmap c")
    notebook.close()


def test_nothing_stays_behind(live: Door, interrupt: Interrupt) -> None:
    before = live.objects()
    story()
    requests = interrupt.count
    assert requests > 30
    every = [(at, after) for at in range(1, requests + 1) for after in (False, True)]
    for at, after in every if LONG else ((requests - 12, True), (requests, False)):
        interrupt.begin(at, after=after)
        with pytest.raises(KeyboardInterrupt):
            story()
        interrupt.begin(NEVER, after=False)
        gc.collect()
        if live.objects() != before:  # it was just cleaning up
            joining._here.clear()
            connect().close()  # type: ignore[union-attr]
        assert live.objects() == before, f"{interrupt.asked} was interrupted"

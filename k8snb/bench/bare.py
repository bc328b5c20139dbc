"""A server on the same HTTP stack that has its answers ready: what the cluster behind the real one is measured against.

`python -m k8snb.bench.bare KUBECONFIG ANSWERS`: the answers are a JSON object from method and path to the text of the
body.
"""

from __future__ import annotations

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from k8snb.apiserver.listener import listen
from k8snb.serving.credentials import FreshKeys
from k8snb.serving.kubeconfig import kubeconfig, write_kubeconfig
from k8snb.serving.served import run
from k8snb.wire import Request, Response


class Canned:
    """The host of a listener that knows its answers by heart."""

    def __init__(self, answers: dict[str, str]) -> None:
        self._answers = {key: text.encode() for key, text in answers.items()}

    def ask(self, request: Request, then: Callable[[Response], None]) -> None:
        """Look the answer up."""
        body = self._answers[f"{request.method} {request.path}"]
        then(Response(201 if request.method == "POST" else 200, body=body))

    def when_kept(self, send: Callable[[], None]) -> None:
        """Nothing is kept here."""
        send()

    def nudge(self) -> None:
        """There is nobody to nudge."""


async def serve(path: Path, answers: dict[str, str]) -> None:
    """Serve until SIGTERM."""
    stopped = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stopped.set)
    keys = FreshKeys()
    server = await listen(Canned(answers), 0, keys.context())
    address = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    write_kubeconfig(path, kubeconfig(address, keys.certificate, "bare"))
    sys.stdout.write(f"ready at {address}\n")
    sys.stdout.flush()
    await stopped.wait()


if __name__ == "__main__":
    run(serve(Path(sys.argv[1]), json.loads(Path(sys.argv[2]).read_text())))

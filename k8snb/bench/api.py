"""`bench api`: what a client gets out of the API server, and how near that is to what the HTTP stack alone would give.

A cluster is served by one process, a bare server that returns the same bytes by another, and this one asks both, in
turns, over TLS. Nothing runs the pods that are made: what is measured is the way of a request through the API server
and into the store, past the watches of the cluster's own parts.

Beside each rate stands the processor time that the server took for a request, which the company on a shared machine
disturbs less.
"""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import count
from pathlib import Path
from typing import Any

import orjson

from k8snb.bench.load import Next, Target, Watcher, rate

CONNECTIONS = 8
WATCHERS = 100
ROUNDS = 3
"""How often each server gets its turn, so that both have the same company on the machine."""

PODS = "/api/v1/namespaces/default/pods"
_SMALL, _LARGE = "/api/v1/namespaces/bench-100/pods", "/api/v1/namespaces/bench-1000/pods"
_POD_BYTES = 7_900
"""The size of the pod that is read, as that of the pods by which kube-apiserver was measured."""


@dataclass(frozen=True, slots=True)
class Rate:
    """One kind of request: how many per second, of the bare server too, and microseconds of CPU for each."""

    per_second: float
    bare_per_second: float
    cpu_microseconds: float
    bare_cpu_microseconds: float

    @property
    def ratio(self) -> float:
        """How much of the bare server's rate is left."""
        return self.per_second / self.bare_per_second

    def __str__(self) -> str:
        return (
            f"{self.per_second:8,.0f}/s  bare {self.bare_per_second:8,.0f}/s  ratio {self.ratio:4.2f}  "
            f"CPU {self.cpu_microseconds:6,.0f} µs, bare {self.bare_cpu_microseconds:6,.0f} µs"
        )


@dataclass(frozen=True, slots=True)
class Figures:
    """The outcome of one run. Latencies are seconds from before the write until a watcher has the event."""

    rates: Mapping[str, Rate]
    watch_p50: float
    watch_p99: float
    pod_bytes: int

    def as_json(self) -> str:
        """One JSON object."""
        rates = {name: {**asdict(rate), "ratio": rate.ratio} for name, rate in self.rates.items()}
        return json.dumps({**asdict(self), "rates": rates})

    def __str__(self) -> str:
        lines = [f"{name:20} {rate}" for name, rate in self.rates.items()]
        late = f"watch, {WATCHERS} watchers  p50 {self.watch_p50 * 1e3:.1f} ms, p99 {self.watch_p99 * 1e3:.1f} ms"
        return "\n".join([*lines, late, f"a pod has {self.pod_bytes:,} bytes"])


def pod(name: str, fill: int = 0) -> dict[str, Any]:
    """A pod that nobody schedules, with an annotation that fills it up."""
    container = {
        "name": "web",
        "image": "nginx:1.27",
        "ports": [{"containerPort": 80}],
        "resources": {"requests": {"cpu": "50m", "memory": "64Mi"}},
    }
    meta: dict[str, Any] = {"name": name, "labels": {"app": "bench"}}
    if fill:
        meta["annotations"] = {"fill": "x" * fill}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": meta,
        "spec": {"schedulerName": "nobody", "containers": [container]},
    }


class Server:
    """A server in a process of its own."""

    def __init__(self, process: subprocess.Popen[str], kubeconfig: Path) -> None:
        self.target = Target.of(kubeconfig)
        self._stat = Path(f"/proc/{process.pid}/stat")

    def cpu(self) -> float:
        """Seconds of processor time so far; 0 where the system does not tell."""
        if not self._stat.exists():
            return 0.0
        fields = self._stat.read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def running(kubeconfig: Path, *command: str) -> Iterator[Server]:
    """A server that a command starts, until it is no longer needed."""
    process = subprocess.Popen([sys.executable, "-m", *command], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        if not process.stdout.readline():
            raise RuntimeError("the server did not start; its errors are above")
        yield Server(process, kubeconfig)
    finally:
        process.terminate()
        process.wait(timeout=30)


def serve_command(kubeconfig: Path, nodes: int, *more: str) -> list[str]:
    """The command that serves a cluster on a free port."""
    return ["k8snb", "serve", "--port", "0", "--nodes", str(nodes), "--kubeconfig", str(kubeconfig), *more]


async def _fill(target: Target) -> None:
    """What the requests are about: one large pod, and namespaces of 100 and of 1,000 pods."""
    plain = len(await target.ask("POST", PODS, orjson.dumps(pod("plain"))))
    await target.ask("POST", PODS, orjson.dumps(pod("large", _POD_BYTES - plain)))
    for size in (100, 1000):
        namespace = f"bench-{size}"
        body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": namespace}}
        await target.ask("POST", "/api/v1/namespaces", orjson.dumps(body))
        await _until(target, f"/api/v1/namespaces/{namespace}/serviceaccounts/default")
        path, names = f"/api/v1/namespaces/{namespace}/pods", iter(range(size))

        def make(_: int, path: str = path, names: Iterator[int] = names) -> Next:
            return lambda: _post(target, path, next(names, None))

        await rate(target, make, CONNECTIONS, 600)


def _post(target: Target, path: str, number: int | None) -> bytes | None:
    return None if number is None else target.request("POST", path, orjson.dumps(pod(f"pod-{number}")))


async def _until(target: Target, path: str) -> None:
    for _ in range(100):
        try:
            await target.ask("GET", path)
        except RuntimeError:
            await asyncio.sleep(0.05)
        else:
            return
    raise RuntimeError(f"{path} does not appear")


async def _answers(target: Target) -> dict[str, str]:
    """What the bare server shall answer: the very bytes."""
    paths = (f"{PODS}/large", _SMALL, _LARGE)
    found = {f"GET {path}": (await target.ask("GET", path)).decode() for path in paths}
    found[f"POST {PODS}"] = (await target.ask("POST", PODS, orjson.dumps(pod("posted")))).decode()
    return found


async def _measure(real: Server, bare: Server, make: Callable[[Target], Callable[[int], Next]], seconds: float) -> Rate:
    """Both servers in turns."""
    done, cpu = {real: 0.0, bare: 0.0}, {real: 0.0, bare: 0.0}
    each = seconds / ROUNDS
    for _ in range(ROUNDS):
        for server in (real, bare):
            before = server.cpu()
            done[server] += await rate(server.target, make(server.target), CONNECTIONS, each) * each
            cpu[server] += server.cpu() - before
    return Rate(
        done[real] / seconds,
        done[bare] / seconds,
        cpu[real] / done[real] * 1e6,
        cpu[bare] / done[bare] * 1e6,
    )


def _get(path: str) -> Callable[[Target], Callable[[int], Next]]:
    def make(target: Target) -> Callable[[int], Next]:
        request = target.request("GET", path)
        return lambda _: lambda: request

    return make


def _posts() -> Callable[[Target], Callable[[int], Next]]:
    numbers = count()

    def make(target: Target) -> Callable[[int], Next]:
        return lambda _: lambda: target.request("POST", PODS, orjson.dumps(pod(f"new-{next(numbers)}")))

    return make


async def _latencies(target: Target, seconds: float) -> list[float]:
    """From before a write until each of the watchers has it."""
    path = "/api/v1/namespaces/default/configmaps"
    sent: dict[bytes, float] = {}
    late: list[float] = []

    def seen(line: bytes, now: float) -> None:
        name = line.partition(b'"name":"')[2].partition(b'"')[0]
        if name in sent:
            late.append(now - sent[name])

    watchers = [Watcher(target.request("GET", f"{path}?watch=1"), seen) for _ in range(WATCHERS)]
    for watcher in watchers:
        await target.connect(watcher)
        await watcher.opened
    numbers, end = count(), time.perf_counter() + seconds

    def ask() -> bytes | None:
        name = f"late-{next(numbers)}"
        sent[name.encode()] = time.perf_counter()
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}}
        return target.request("POST", path, orjson.dumps(body))

    while time.perf_counter() < end:
        requests = iter([ask()])
        await rate(target, lambda _, requests=requests: lambda: next(requests, None), 1, 60)  # type: ignore[misc]
        await asyncio.sleep(0.02)
    for watcher in watchers:
        watcher.close()
    return sorted(late)


async def _run(seconds: float, folder: Path) -> Figures:
    config, bare_config, answers = folder / "kubeconfig", folder / "bare", folder / "answers"
    with running(config, *serve_command(config, 3)) as real:
        await _fill(real.target)
        canned = await _answers(real.target)
        answers.write_text(json.dumps(canned))
        with running(bare_config, "k8snb.bench.bare", str(bare_config), str(answers)) as bare:
            rates = {
                "GET a pod": await _measure(real, bare, _get(f"{PODS}/large"), seconds),
                "LIST 100 pods": await _measure(real, bare, _get(_SMALL), seconds),
                "LIST 1,000 pods": await _measure(real, bare, _get(_LARGE), seconds),
                "POST a pod": await _measure(real, bare, _posts(), seconds),
            }
            kept_config = folder / "kept"
            with running(kept_config, *serve_command(kept_config, 3, "--data", str(folder / "data"))) as kept:
                await _until(kept.target, "/api/v1/namespaces/default/serviceaccounts/default")
                rates["POST, kept in a file"] = await _measure(kept, bare, _posts(), seconds)
        late = await _latencies(real.target, seconds)
    size = len(canned[f"GET {PODS}/large"])
    return Figures(rates, late[len(late) // 2], late[len(late) * 99 // 100], size)


def api(seconds: float) -> Figures:
    """Measure for so many seconds per figure and server."""
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(_run(seconds, Path(folder)))

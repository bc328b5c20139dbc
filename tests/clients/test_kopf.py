"""kopf: an operator with a finalizer, a timer, field handlers and events."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from kopf.testing import KopfRunner
from lightkube import ApiError, Client, KubeConfig
from lightkube.models.meta_v1 import ObjectMeta
from lightkube.resources.core_v1 import ConfigMap, Event

OPERATOR = Path(__file__).with_name("operator.py")
PATIENCE_SECONDS = 30.0


def until(happened: Callable[[], bool]) -> None:
    """Wait for something that the operator does in its own process."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not happened():
        assert time.monotonic() < end, "the operator does not do it"
        time.sleep(0.05)


def test_an_operator_greets_counts_grants_and_says_goodbye(kubeconfig: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KUBECONFIG", os.fspath(kubeconfig))
    client = Client(KubeConfig.from_file(kubeconfig))

    def data() -> dict[str, str]:
        return client.get(ConfigMap, "mine").data or {}

    def gone() -> bool:
        try:
            client.get(ConfigMap, "mine")
        except ApiError as refused:
            return refused.status.code == 404
        return False

    client.create(ConfigMap(metadata=ObjectMeta(name="mine", labels={"kopf": "yes"})))
    with KopfRunner(["run", "--verbose", "--namespace", "default", os.fspath(OPERATOR)]) as runner:
        until(lambda: data() == {"greeting": "hello mine", "ticks": "3"})
        assert client.get(ConfigMap, "mine").metadata.finalizers == ["kopf.zalando.org/KopfFinalizerMarker"]  # type: ignore[union-attr]
        client.patch(ConfigMap, "mine", {"data": {"wish": "peace"}})
        until(lambda: data().get("granted") == "peace")
        client.delete(ConfigMap, "mine")
        until(gone)
        until(lambda: any(event.message == "goodbye mine" for event in client.list(Event)))
    assert (runner.exit_code, runner.exception) == (0, None)

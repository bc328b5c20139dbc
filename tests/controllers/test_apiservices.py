"""APIServices that others serve say what is missing."""

from __future__ import annotations

from typing import Any

from k8snb.machinery.objects import condition
from k8snb.typing import Object
from tests.apiserver.definitions import Workshop


def api_service() -> Object:
    service = {"namespace": "default", "name": "metrics"}
    spec = {"group": "a.example.com", "version": "v1", "groupPriorityMinimum": 100, "versionPriority": 100}
    return {"metadata": {"name": "v1.a.example.com"}, "spec": {**spec, "service": service}}


def available(world: Workshop) -> tuple[Any, ...]:
    found = condition(world.client.get("apiservices", "v1.a.example.com"), "Available")
    assert found is not None
    return found["status"], found["reason"], found["message"]


def test_what_is_missing_is_told_and_requests_are_answered_503() -> None:
    world = Workshop()
    world.client.create("apiservices", api_service())
    world.settle()
    told = [available(world)]
    answer = world.send("GET", "/apis/a.example.com/v1/things")
    assert (answer.code, answer.body) == (503, b"service unavailable\n")
    service = {"metadata": {"name": "metrics", "namespace": "default"}, "spec": {"ports": [{"port": 80}]}}
    world.client.create("services", service)
    world.advance(31)
    told.append(available(world))
    assert told == [
        ("False", "ServiceNotFound", 'service/metrics in "default" is not present'),
        ("False", "ServicePortError", 'service/metrics in "default" is not listening on port 443'),
    ]

"""What a pod asks for, from all its containers."""

from __future__ import annotations

from typing import Any

from k8snb.scheduler.requests import DEFAULT_CPU, DEFAULT_MEMORY, pod_requests, scored_requests
from k8snb.typing import Object

MI = 1024 * 1024


def container(cpu: str = "", memory: str = "", **more: Any) -> Object:
    requests = {k: v for k, v in (("cpu", cpu), ("memory", memory)) if v}
    return {"name": "c", "resources": {"requests": requests}, **more}


def test_containers_add_up() -> None:
    request = pod_requests({"containers": [container("100m", "64Mi"), container("1", "1Gi")]})
    assert (request.cpu, request.memory) == (1100, 1088 * MI)


def test_of_init_containers_the_largest_counts_where_it_is_larger() -> None:
    spec = {"containers": [container("100m", "64Mi")], "initContainers": [container("1"), container("", "32Mi")]}
    request = pod_requests(spec)
    assert (request.cpu, request.memory) == (1000, 64 * MI)


def test_sidecars_run_beside_containers_and_later_init_containers() -> None:
    sidecar = container("200m", restartPolicy="Always")
    spec = {"containers": [container("100m")], "initContainers": [container("400m"), sidecar, container("250m")]}
    assert pod_requests(spec).cpu == 450
    assert pod_requests({"containers": [container("100m")], "initContainers": [sidecar]}).cpu == 300


def test_overhead_is_added_and_pod_level_requests_replace_the_sum() -> None:
    spec = {"containers": [container("100m", "64Mi")], "overhead": {"cpu": "50m"}}
    assert pod_requests(spec).cpu == 150
    request = pod_requests({**spec, "resources": {"requests": {"cpu": "2"}}})
    assert (request.cpu, request.memory) == (2050, 64 * MI)


def test_a_container_without_requests_is_scored_with_defaults() -> None:
    assert scored_requests({"containers": [container("1"), container()]}) == (1000 + DEFAULT_CPU, 2 * DEFAULT_MEMORY)


def test_other_resources_are_kept_by_name() -> None:
    gpu = {"name": "c", "resources": {"requests": {"example.com/gpu": "2", "ephemeral-storage": "1Gi"}}}
    request = pod_requests({"containers": [gpu, gpu]})
    assert (request.scalars, request.ephemeral) == ({"example.com/gpu": 4}, 2048 * MI)

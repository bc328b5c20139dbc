"""Both kubectls print the same about an autoscaler at work, about its load, and where metrics are missing."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snb.cluster.cluster import Cluster
from tests.book.conftest import ROOT
from tests.kubectl.real import binary
from tests.kubectl.two import Two

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.skipif(not binary(), reason="there is no kubectl 1.33"),
]

MANIFESTS = ROOT / "manifests" / "workloads"
COMMANDS = """
get hpa
get hpa -o wide
describe hpa php-apache
get hpa php-apache -o jsonpath={.status.conditions[*].type}
top pods
top pods --containers
top pods --sum
top pods -l run=php-apache --sort-by=memory
top pod nobody
top nodes
top node node-1 --show-capacity
top nodes --no-headers --sort-by=cpu
describe deployment php-apache
""".strip().splitlines()


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    cluster = Cluster(nodes=2, seed=1)
    for name in ("php-apache", "hpa"):
        cluster.kubectl(f"apply -f {MANIFESTS / name}.yaml")
    cluster.kubectl("create deployment greedy --image=registry.k8s.io/hpa-example")
    cluster.kubectl("autoscale deployment greedy --cpu-percent=50 --max=3")
    cluster.advance(60)
    cluster.load("php-apache", 3)
    cluster.advance(90)
    cluster.load("php-apache", 0)
    cluster.advance(60)
    folder: Path = tmp_path_factory.mktemp("real")
    pair = Two(cluster, folder)
    yield pair
    pair.real.close()


@pytest.mark.parametrize("command", [*COMMANDS, "describe hpa greedy", "get hpa -A"])
def test_both_print_the_same(two: Two, command: str) -> None:
    two.compare(command)


def test_both_say_the_same_where_the_metrics_server_is_down(two: Two) -> None:
    patch = '{"spec":{"service":{"name":"metrics-server","namespace":"kube-system"}}}'
    assert two.ours.run(f"patch apiservice v1beta1.metrics.k8s.io --type=merge -p '{patch}'").code == 0
    for command in ("top pods", "top nodes", "top pod nobody"):
        two.compare(command)

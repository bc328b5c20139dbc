"""The real Prometheus scrapes a served cluster, and is asked what we are asked: the same samples, the same answers.

It finds the targets by HTTP, since Debian's is built without discovery by the Kubernetes API, and reaches them by way
of the API server.
"""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from lightkube import Client, KubeConfig
from lightkube.codecs import load_all_yaml

from k8snb.metrics import MONITORING
from k8snb.metrics.labels import labels
from k8snb.metrics.promql.engine import Engine
from k8snb.metrics.tsdb import TSDB
from k8snb.testing import served

from .answers import ours, same, theirs
from .prometheus import Real, needs_prometheus, real

pytestmark = needs_prometheus

ROOT = Path(__file__).parents[2]
QUERIES = (ROOT / "tests/metrics/dashboards.txt").read_text().splitlines()
APP = """
apiVersion: v1
kind: Pod
metadata:
  name: web
  namespace: default
  labels: {app: web}
  annotations: {prometheus.io/scrape: "true", prometheus.io/port: "8080"}
spec: {containers: [{name: web, image: "k8snb.dev/notes-web:1.0", env: [{name: API_URL, value: "http://nobody"}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: crasher, namespace: default, labels: {app: crasher}}
spec: {containers: [{name: c, image: busybox, command: ["false"]}]}
"""
SCRAPE = """
scrape_configs:
- job_name: cluster
  scrape_interval: 400ms
  scrape_timeout: 400ms
  honor_labels: true
  scheme: https
  authorization: {credentials: TOKEN}
  tls_config: {ca_file: CA}
  http_sd_configs:
  - url: https://SERVER/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/http_sd?server=SERVER
    refresh_interval: 1s
    authorization: {type: Bearer, credentials: TOKEN}
    tls_config: {ca_file: CA}
"""


def _config(kubeconfig: Path, folder: Path) -> str:
    known = yaml.safe_load(kubeconfig.read_text())
    cluster, user = known["clusters"][0]["cluster"], known["users"][0]["user"]
    authority = folder / "ca.crt"
    authority.write_bytes(base64.b64decode(cluster["certificate-authority-data"]))
    server = cluster["server"].removeprefix("https://")
    return SCRAPE.replace("TOKEN", user["token"]).replace("CA}", f"{authority}}}").replace("SERVER", server)


@pytest.fixture(scope="module")
def kubeconfig() -> Iterator[Path]:
    with served(1, speed=20) as path:
        yield path


@pytest.fixture(scope="module")
def prometheus(kubeconfig: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Real]:
    client = Client(KubeConfig.from_file(kubeconfig))
    for text in (Path(MONITORING).read_text(), APP):
        for obj in load_all_yaml(text):
            client.create(obj)
        time.sleep(0.3)
    folder = tmp_path_factory.mktemp("prometheus")
    with real(folder, TSDB(), _config(kubeconfig, folder)) as running:
        _wait(lambda: len(_targets(running)) == 4 and all(each["health"] == "up" for each in _targets(running)))
        time.sleep(3)
        yield running


def _targets(real: Real) -> list[Any]:
    found: list[Any] = real.ask("targets")["activeTargets"]
    return found


def _wait(until: Callable[[], bool], seconds: float = 30) -> None:
    """Wait for something that takes the real one some seconds, such as seeing what discovery found."""
    end = time.monotonic() + seconds
    while not until() and time.monotonic() < end:
        time.sleep(0.1)


def _copied(real: Real, at: float) -> TSDB:
    """Every sample that the real one has."""
    store = TSDB()
    for row in real.ask("query", query='{__name__=~".+"}[5m]', time=at)["result"]:
        for moment, number in row["values"]:
            store.append(labels(row["metric"]), round(moment * 1000), float(number))
    return store


def test_the_real_prometheus_scrapes_every_target_of_ours(prometheus: Real) -> None:
    assert sorted((each["labels"]["job"], each["health"], each["lastError"]) for each in _targets(prometheus)) == [
        ("kube-state-metrics", "up", ""),
        ("kubernetes-apiservers", "up", ""),
        ("kubernetes-nodes", "up", ""),
        ("kubernetes-pods", "up", ""),
    ]


def test_a_hundred_queries_have_the_answers_of_the_real_one(prometheus: Real) -> None:
    at = time.time() - 1  # what is being scraped just now would still come in
    engine = Engine(_copied(prometheus, at), like=2)
    asked = [
        (query, ours(engine, query, round(at * 1000)), prometheus.ask("query", query=query, time=at))
        for query in QUERIES
    ]
    assert len(asked) >= 100
    assert [(query, mine, answer) for query, mine, answer in asked if not same(mine, theirs(answer, query))] == []
    empty = [query for query, mine, _ in asked if not mine[1]]
    assert empty == []

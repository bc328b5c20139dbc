"""The exercises of the page on Prometheus: each verdict names the step that is missing."""

from __future__ import annotations

import json

import pytest

from k8snb import Cluster
from k8snb.lab import monitored
from k8snb.metrics import MONITORING
from tests.lab.repairs import after, missing

QUEUE = "create deployment queue --image=k8snb.dev/notes-web:1.0 --replicas=2"
WHERE = '{"spec":{"template":{"metadata":{"annotations":{"prometheus.io/scrape":"true","prometheus.io/port":"%s"}}}}}'
RATE = "sum by (app) (rate(http_requests_total%s[1m]))"
FAILED = '{code=~"5.."}'


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = after(Cluster(nodes=1, seed=1), f"apply -f {MONITORING}", QUEUE)
    made.kubectl("set env deployment queue API_URL=http://nobody")
    made.advance(30)
    return made


def annotated(cluster: Cluster, port: str) -> None:
    cluster.kubectl(f"patch deployment queue -p '{WHERE % port}'")
    cluster.settle()
    cluster.advance(60)


def ruled(cluster: Cluster, expression: str, name: str = "app:http_errors:ratio1m") -> None:
    rule = {"groups": [{"name": "errors", "rules": [{"record": name, "expr": expression}]}]}
    cluster.client.patch("configmaps", "prometheus-rules", {"data": {"errors.yml": json.dumps(rule)}}, "monitoring")
    cluster.advance(90)
    cluster.monitoring().reload()
    cluster.advance(60)


def test_pods_are_scraped_where_they_listen_once_they_say_so(cluster: Cluster) -> None:
    assert missing(monitored.check_queue(cluster)).startswith(
        "its pods are targets: pods are kept by their annotations"
    )
    annotated(cluster, "80")
    assert "connection refused" in missing(monitored.check_queue(cluster))
    annotated(cluster, "8080")
    assert monitored.check_queue(cluster)


def test_the_share_of_errors_is_one_of_all_requests_for_each_app(cluster: Cluster) -> None:
    for pod in cluster.client.list("pods", "default", labels="app=queue"):
        for _ in range(6):
            cluster.kubectl(f"get --raw /api/v1/namespaces/default/pods/{pod['metadata']['name']}:8080/proxy/")
            cluster.advance(10)
    assert missing(monitored.check_errors(cluster)).startswith("there is a rule app:http_errors:ratio1m")
    load = "for i in $(seq 2000); do wget -qO- http://queue/ 2>/dev/null; sleep 0.25; done"
    cluster.kubectl("expose deployment queue --port=80 --target-port=8080")
    cluster.kubectl(f"run load --image=busybox --restart=Never -- sh -c '{load}'")
    ruled(cluster, RATE % FAILED)
    assert missing(monitored.check_errors(cluster)).startswith("they are shares between 0 and 1")
    ruled(cluster, f"{RATE % FAILED} / sum(rate(http_requests_total[1m]))")
    assert (
        missing(monitored.check_errors(cluster))
        == "it has results: does the expression answer anything? a counter needs two samples"
    )
    ruled(cluster, f"{RATE % FAILED} / {RATE % ''}")
    assert monitored.check_errors(cluster)


def test_one_alert_is_silenced_and_no_other(cluster: Cluster) -> None:
    assert missing(monitored.check_silence(cluster)).startswith("CrashLooping still fires")
    cluster.kubectl("run crasher --image=busybox -- false")
    cluster.advance(200)
    assert missing(monitored.check_silence(cluster)).startswith("nobody is told of it")
    cluster.monitoring().silence("alertname=Crash.*")
    assert missing(monitored.check_silence(cluster)).startswith("nobody is told of it")
    cluster.monitoring().silence("alertname=~Crash.*")
    assert monitored.check_silence(cluster)

"""Prometheus, Alertmanager and exporters as pods: they see what their accounts may see, and reach what answers."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest

from k8snb import Cluster
from k8snb.metrics import MONITORING

APPS = """
apiVersion: v1
kind: Pod
metadata: {name: web, labels: {app: web}, annotations: {prometheus.io/scrape: "true", prometheus.io/port: "8080"}}
spec: {containers: [{name: web, image: k8snb.dev/notes-web:1.0, env: [{name: API_URL, value: http://nobody}]}]}
---
apiVersion: v1
kind: Pod
metadata: {name: silent, labels: {app: silent}, annotations: {prometheus.io/scrape: "true", prometheus.io/port: "81"}}
spec: {containers: [{name: web, image: nginx}]}
---
apiVersion: v1
kind: Pod
metadata: {name: crasher, labels: {app: crasher}}
spec: {containers: [{name: c, image: busybox, command: ["false"]}]}
"""


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=2, seed=1)
    made.kubectl(f"apply -f {MONITORING}")
    made.settle()
    made.kubectl("apply -f -", stdin=APPS)
    made.settle()
    made.advance(150)
    return made


def _get(cluster: Cluster, path: str) -> Any:
    """What Prometheus answers, by way of the API server."""
    text = cluster.kubectl(f"get --raw '/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/{path}'")
    return json.loads(str(text))["data"]


def _query(cluster: Cluster, text: str) -> list[tuple[dict[str, str], str]]:
    return [(row["metric"], row["value"][1]) for row in _get(cluster, f"query?query={quote(text)}")["result"]]


def test_prometheus_finds_the_api_the_nodes_and_the_pods_that_want_to_be_scraped(cluster: Cluster) -> None:
    targets = _get(cluster, "targets")["activeTargets"]
    health = {
        (each["labels"]["job"], each["labels"].get("pod") or each["labels"]["instance"]): each["health"]
        for each in targets
    }
    assert health == {
        ("kubernetes-apiservers", "kubernetes.default.svc:443"): "up",
        ("kubernetes-nodes", "node-1"): "up",
        ("kubernetes-nodes", "node-2"): "up",
        ("kubernetes-pods", "web"): "up",
        ("kubernetes-pods", "silent"): "down",
        ("kube-state-metrics", "kube-state-metrics.monitoring.svc:8080"): "up",
    }
    silent = next(each for each in targets if each["labels"].get("pod") == "silent")
    url = silent["scrapeUrl"]
    assert silent["lastError"] == f'Get "{url}": dial tcp {url[7:-8]}: connect: connection refused'


def test_what_an_app_counts_can_be_asked_for(cluster: Cluster) -> None:
    for _ in range(3):
        cluster.kubectl("get --raw /api/v1/namespaces/default/pods/web:8080/proxy/nothing")
        cluster.advance(20)
    assert _query(cluster, 'sum by (app, code) (http_requests_total{path="/nothing"})') == [
        ({"app": "web", "code": "404"}, "3")
    ]
    assert [of for of, _ in _query(cluster, "app:http_requests:rate1m > 0")] == [
        {"__name__": "app:http_requests:rate1m", "app": "web"}
    ]


def test_an_alert_fires_and_somebody_is_told(cluster: Cluster) -> None:
    alerts = {
        (each["labels"]["alertname"], each["labels"].get("pod")): each for each in _get(cluster, "alerts")["alerts"]
    }
    assert {key: alert["state"] for key, alert in alerts.items()} == {
        ("TargetDown", "silent"): "firing",
        ("CrashLooping", "crasher"): "firing",
    }
    assert alerts["CrashLooping", "crasher"]["annotations"] == {"summary": "default/crasher crashes again and again"}
    log = str(cluster.kubectl("logs -n monitoring deploy/alertmanager"))
    assert 'msg="Notify success" receiver="team" integration="webhook" alerts="1"' in log


def test_kube_state_metrics_tells_what_the_api_says(cluster: Cluster) -> None:
    restarts = _query(cluster, 'kube_pod_container_status_restarts_total{pod="crasher"}')
    pod = cluster.client.get("pods", "crasher", "default")
    ((_, number),) = restarts
    assert number == str(pod["status"]["containerStatuses"][0]["restartCount"])
    assert _query(cluster, 'kube_node_status_allocatable{node="node-1", resource="cpu"}')[0][1] == "8"


def test_a_pod_that_is_gone_is_no_target_any_more_and_its_series_end(cluster: Cluster) -> None:
    cluster.kubectl("delete pod web --now")
    cluster.settle()
    cluster.advance(30)
    assert _query(cluster, 'up{pod="web"}') == []
    assert _query(cluster, 'count_over_time(up{pod="web"}[10m])') != []


PODS = "{job_name: pods, kubernetes_sd_configs: [{role: pod}]}"
ALONE = """
apiVersion: v1
kind: Namespace
metadata: {name: monitoring}
---
apiVersion: v1
kind: Pod
metadata: {name: prometheus, namespace: monitoring, labels: {app: prometheus}}
spec:
  containers:
  - name: prometheus
    image: prom/prometheus:v3.8.0
    volumeMounts: [{name: config, mountPath: /etc/prometheus}]
  volumes: [{name: config, configMap: {name: prometheus}}]
---
apiVersion: v1
kind: Service
metadata: {name: prometheus, namespace: monitoring}
spec: {selector: {app: prometheus}, ports: [{port: 9090}]}
"""


def _alone(config: str) -> Cluster:
    """A Prometheus and nothing else, as the account `default`."""
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("create namespace monitoring")
    cluster.kubectl(f"create configmap -n monitoring prometheus --from-literal=prometheus.yml='{config}'")
    cluster.settle()
    cluster.kubectl("apply -f -", stdin=ALONE)
    cluster.settle()
    return cluster


def _log(cluster: Cluster) -> str:
    return str(cluster.kubectl("logs -n monitoring prometheus"))


def test_without_permission_nothing_is_discovered_until_it_is_given() -> None:
    cluster = _alone(f"scrape_configs: [{PODS}]")
    assert _get(cluster, "targets")["activeTargets"] == []
    who = 'User \\"system:serviceaccount:monitoring:default\\"'
    what = f'err="pods is forbidden: {who} cannot watch resource \\"pods\\" in API group'
    assert what in _log(cluster)
    cluster.kubectl("create clusterrolebinding all --clusterrole=view --serviceaccount=monitoring:default")
    cluster.advance(10)
    assert [each["labels"]["job"] for each in _get(cluster, "targets")["activeTargets"]] == ["pods"]


def test_a_configuration_that_cannot_be_is_not_started_with() -> None:
    cluster = _alone("scrape_configs: [{job_name: a, scrape_interval: 5x}]")
    why = 'err="not a valid duration string: \\"5x\\""'
    assert f'level=ERROR msg="Error loading config (--config.file=/etc/prometheus/prometheus.yml)" {why}' in _log(
        cluster
    )
    assert "CrashLoopBackOff" in str(cluster.kubectl("get pod -n monitoring prometheus"))


def test_a_configuration_is_read_again_on_demand_and_one_that_cannot_be_changes_nothing() -> None:
    job = "{job_name: self, static_configs: [{targets: [localhost:9090]}]}"
    cluster = _alone(f"scrape_configs: [{job}]")
    reload = "create --raw /api/v1/namespaces/monitoring/services/prometheus:9090/proxy/-/reload -f -"
    for config, jobs in (
        ("scrape_configs: [{}]", ["self"]),
        ("scrape_configs: [{job_name: other, static_configs: [{targets: [x]}]}]", ["other"]),
    ):
        cluster.kubectl(
            f"patch configmap -n monitoring prometheus -p '{json.dumps({'data': {'prometheus.yml': config}})}'"
        )
        cluster.advance(90)
        cluster.kubectl(reload, stdin="{}")
        assert [each["labels"]["job"] for each in _get(cluster, "targets")["activeTargets"]] == jobs
    assert 'msg="Error reloading config" err="job_name is empty"' in _log(cluster)

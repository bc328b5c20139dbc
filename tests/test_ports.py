"""The ports of kube-scheduler and kube-controller-manager: who may ask what, and what is answered."""

from __future__ import annotations

import json

import pytest

from k8snb import Cluster
from k8snb.apiserver.bootstrap import SERVER_ADDRESS
from k8snb.metrics import MONITORING

SCHEDULER, MANAGER = f"https://{SERVER_ADDRESS}:10259", f"https://{SERVER_ADDRESS}:10257"
GRANT = "create clusterrolebinding monitor --clusterrole=system:monitoring --serviceaccount=default:default"


def shell(**options: int) -> Cluster:
    """A cluster with a pod from which one can ask."""
    cluster = Cluster(2, seed=1, **options)
    cluster.kubectl("run shell --image=curlimages/curl -- sleep 9999")
    cluster.settle()
    return cluster


def ask(cluster: Cluster, url: str, *, known: bool = False) -> str:
    token = cluster.kubectl("exec shell -- cat /var/run/secrets/kubernetes.io/serviceaccount/token").strip()
    header = f'-H "Authorization: Bearer {token}"' if known else ""
    return cluster.kubectl(f"exec shell -- curl -sk {header} {url}").rstrip("\n")


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = shell()
    cluster.kubectl(GRANT)
    cluster.kubectl('run huge --image=nginx --overrides=\'{"spec": {"nodeSelector": {"disk": "ssd"}}}\'')
    cluster.advance(30)
    return cluster


def test_their_health_is_nobodys_secret(cluster: Cluster) -> None:
    paths = ("/healthz", "/livez", "/readyz")
    assert [ask(cluster, SCHEDULER + path) for path in paths] == ["ok"] * 3
    assert [ask(cluster, MANAGER + path) for path in paths] == [
        "ok",
        *("404 page not found",) * 2,
    ]
    told = "[+]shutdown ok\n[+]sched-handler-sync ok\nreadyz check passed"
    assert ask(cluster, f"{SCHEDULER}/readyz?verbose") == told


def test_the_rest_is_for_those_who_monitor(cluster: Cluster) -> None:
    refused = json.loads(ask(cluster, f"{SCHEDULER}/metrics"))
    message = 'forbidden: User "system:anonymous" cannot get path "/metrics"'
    assert (refused["code"], refused["reason"], refused["message"]) == (403, "Forbidden", message)
    wrong = json.loads(cluster.kubectl(f'exec shell -- curl -sk -H "Authorization: Bearer x" {SCHEDULER}/healthz'))
    assert (wrong["code"], wrong["message"]) == (401, "Unauthorized")
    assert "Paths: /flagz /healthz /livez /metrics /readyz /statusz" in ask(cluster, f"{SCHEDULER}/statusz", known=True)
    assert "use-service-account-credentials: true" in ask(cluster, f"{MANAGER}/flagz", known=True)


def test_their_metrics_say_who_waits(cluster: Cluster) -> None:
    told = _samples(ask(cluster, f"{SCHEDULER}/metrics", known=True))
    queues = {"active": 0, "backoff": 0, "gated": 0, "unschedulable": 1}
    assert told["scheduler_pending_pods"] == {f'queue="{name}"': str(count) for name, count in queues.items()}
    assert told["process_start_time_seconds"] == {"": "1767225600"}
    depths = _samples(ask(cluster, f"{MANAGER}/metrics", known=True))["workqueue_depth"]
    assert (len(depths), depths['name="deployment"']) == (18, "0")


def _samples(text: str) -> dict[str, dict[str, str]]:
    """Name → labels → value."""
    found: dict[str, dict[str, str]] = {}
    for line in text.splitlines():
        if not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            name, _, labels = series.partition("{")
            found.setdefault(name, {})[labels.rstrip("}")] = value
    return found


def test_a_prometheus_in_the_cluster_can_scrape_them() -> None:
    cluster = Cluster(2, seed=1)
    cluster.kubectl(f"apply -f {MONITORING}")
    config = cluster.client.get("configmaps", "prometheus", "monitoring")
    job = f"""
- job_name: scheduler
  scheme: https
  authorization: {{credentials_file: /var/run/secrets/kubernetes.io/serviceaccount/token}}
  tls_config: {{insecure_skip_verify: true}}
  static_configs: [{{targets: ["{SERVER_ADDRESS}:10259"]}}]
"""
    name, text = next(iter(config["data"].items()))
    text = text.replace("scrape_configs:\n", f"scrape_configs:{job}", 1)
    cluster.client.update("configmaps", {**config, "data": {**config["data"], name: text}})
    cluster.settle()
    cluster.advance(60)
    query = "/api/v1/namespaces/monitoring/services/prometheus:9090/proxy/api/v1/query?query=scheduler_pending_pods"
    found = json.loads(cluster.kubectl(f"get --raw {query}"))["data"]["result"]
    assert {row["metric"]["queue"]: row["value"][1] for row in found} == dict.fromkeys(
        ("active", "backoff", "gated", "unschedulable"), "0"
    )


def test_who_is_down_does_not_listen_and_who_was_started_again_is_young() -> None:
    cluster = shell()
    cluster.kubectl(GRANT)
    cluster.stop("kube-scheduler")
    assert cluster.kubectl(f"exec shell -- curl -sk {SCHEDULER}/healthz").endswith(
        "command terminated with exit code 7\n"
    )
    cluster.advance(60)
    cluster.start("kube-scheduler")
    assert "Up: 0 hr 00 min 00 sec" in ask(cluster, f"{SCHEDULER}/statusz", known=True)
    assert "Up: 0 hr 01 min" in ask(cluster, f"{MANAGER}/statusz", known=True)


def test_each_machine_has_its_own_and_they_know_who_leads() -> None:
    cluster = shell(control_planes=2)
    cluster.kubectl(GRANT)
    cluster.advance(30)
    network, _, last = SERVER_ADDRESS.rpartition(".")
    leads = {}
    for number, host in enumerate(("control-plane-1", "control-plane-2")):
        url = f"https://{network}.{int(last) + number}:10259"
        told = _samples(ask(cluster, f"{url}/metrics", known=True))
        leads[host] = told["leader_election_master_status"]['name="kube-scheduler"']
        assert ask(cluster, f"{url}/healthz?verbose") == "[+]leaderElection ok\nhealthz check passed"
    leader = next(row.on for row in cluster.processes() if row.component == "kube-scheduler" and row.leads)
    assert leads == {host: str(int(host == leader)) for host in leads}

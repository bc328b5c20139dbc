"""What a class of thirty is given, held against a cluster: the quota has room for it, and for nothing much more."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml

from k8snb import Cluster
from tests.book.conftest import ROOT

VALUES = yaml.safe_load((ROOT / "workshop" / "values.yaml").read_text())
NAMESPACE = (ROOT / "workshop" / "namespace.yaml").read_text()
SERVERS = VALUES["hub"]["activeServerLimit"]


def server(name: str) -> dict[str, Any]:
    """A participant's server, as the chart's spawner makes it of the values."""
    single = VALUES["singleuser"]
    resources = {
        "requests": {"cpu": str(single["cpu"]["guarantee"]), "memory": single["memory"]["guarantee"]},
        "limits": {"cpu": str(single["cpu"]["limit"]), "memory": single["memory"]["limit"]},
    }
    container = {"name": "notebook", "image": "nginx", "resources": resources}
    container["securityContext"] = {"allowPrivilegeEscalation": single["allowPrivilegeEscalation"]}
    spec = {"containers": [container], **single["extraPodConfig"]}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"jupyter-{name}"}, "spec": spec}


def core(name: str, resources: dict[str, Any]) -> dict[str, Any]:
    container = {"name": name, "image": "nginx", "resources": resources}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": {"containers": [container]}}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=4, seed=1)
    cluster.kubectl("apply -f -", stdin=NAMESPACE)
    cluster.settle()
    pods = [core("hub", VALUES["hub"]["resources"]), core("proxy", VALUES["proxy"]["chp"]["resources"])]
    for pod in [*pods, *(server(str(number)) for number in range(SERVERS))]:
        cluster.client.create("pods", pod, "workshop")
    return cluster


def test_the_quota_has_room_for_hub_proxy_and_every_server(cluster: Cluster) -> None:
    assert len(list(cluster.client.list("pods", "workshop"))) == SERVERS + 2


def test_a_participant_cannot_take_more_than_a_server_has(cluster: Cluster) -> None:
    greedy = server("greedy")
    greedy["spec"]["containers"][0]["resources"]["limits"]["memory"] = "2Gi"
    with pytest.raises(Exception, match="maximum memory usage per Container is 1Gi, but limit is 2Gi"):
        cluster.client.create("pods", greedy, "workshop")


def test_the_class_cannot_take_more_than_its_quota(cluster: Cluster) -> None:
    crowd = (cluster.client.create("pods", server(str(number)), "workshop") for number in range(SERVERS, SERVERS + 20))
    with pytest.raises(Exception, match="exceeded quota: workshop"):
        list(crowd)


def test_claims_for_the_homes_fit_too() -> None:
    quota = next(each for each in yaml.safe_load_all(NAMESPACE) if each["kind"] == "ResourceQuota")["spec"]["hard"]
    assert VALUES["singleuser"]["storage"]["capacity"] == "1Gi"
    assert int(quota["persistentvolumeclaims"]) > SERVERS


def test_a_server_reaches_names_and_the_hub_and_nothing_else() -> None:
    policy = VALUES["singleuser"]["networkPolicy"]
    assert policy["enabled"] is True
    reached = {name for name, allowed in policy["egressAllowRules"].items() if allowed}
    assert reached == {"dnsPortsCloudMetadataServer", "dnsPortsKubeSystemNamespace", "dnsPortsPrivateIPs"}


def test_binder_and_the_dev_container_begin_with_what_is_there() -> None:
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    target = container["updateContentCommand"].removeprefix("make ")
    assert f"{target}:" in (ROOT / "Makefile").read_text()
    nested = (ROOT / ".binder" / "requirements.txt").read_text().removeprefix("-r ").strip()
    assert (ROOT / ".binder" / nested).resolve() == (ROOT / "requirements.txt").resolve()
    assert (ROOT / ".binder" / "runtime.txt").read_text() == "python-3.11\n"

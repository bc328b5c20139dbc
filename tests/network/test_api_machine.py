"""A program in a pod reaches the API server, and is who its token says."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8snb import Cluster

PLACE = "/var/run/secrets/kubernetes.io/serviceaccount"
HOST = "https://kubernetes.default.svc"


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    cluster = Cluster(nodes=2)
    cluster.kubectl("run app --image=nginx")
    cluster.kubectl("create rolebinding see --clusterrole=view --serviceaccount=default:default")
    cluster.settle()
    return cluster


def shell(cluster: Cluster, script: str) -> str:
    return cluster.kubectl(f"exec app -- sh -c 'cd {PLACE}; {script}'")


def asked(cluster: Cluster, path: str, header: str = '-H "Authorization: Bearer $(cat token)"') -> Any:
    return json.loads(shell(cluster, f"curl -s --cacert ca.crt {header} {HOST}{path}"))


def test_with_its_token_it_may_do_what_its_account_may(cluster: Cluster) -> None:
    pods = asked(cluster, "/api/v1/namespaces/default/pods")
    secrets = asked(cluster, "/api/v1/namespaces/default/secrets")
    assert [pod["metadata"]["name"] for pod in pods["items"]] == ["app"]
    assert secrets["message"].startswith(
        'secrets is forbidden: User "system:serviceaccount:default:default" cannot list'
    )


def test_without_a_token_it_is_nobody_and_with_a_wrong_one_it_is_turned_away(cluster: Cluster) -> None:
    nobody = asked(cluster, "/api/v1/pods", "")
    wrong = asked(cluster, "/api/v1/pods", '-H "Authorization: Bearer x"')
    assert ('User "system:anonymous"' in nobody["message"], wrong["message"]) == (True, "Unauthorized")


def test_the_server_is_believed_for_the_authority_of_the_cluster_only(cluster: Cluster) -> None:
    told = shell(cluster, f"curl -sS {HOST}/version").splitlines()[0]
    assert told == "curl: (60) SSL certificate problem: unable to get local issuer certificate"
    assert "v1.36" in shell(cluster, f"curl -sk {HOST}/version")
    assert shell(cluster, "curl -s http://kubernetes:443/") == "Client sent an HTTP request to an HTTPS server.\n"


def test_the_token_in_the_pod_is_renewed_before_it_ends(cluster: Cluster) -> None:
    first = shell(cluster, "cat token")
    cluster.advance(1800)
    same = shell(cluster, "cat token")
    cluster.advance(1800)
    assert (same == first, shell(cluster, "cat token") == first) == (True, False)

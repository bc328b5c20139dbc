"""Every controller, the scheduler and the kubelets show their work: what they read, compared and sent, and why.

One story has something to do for each of them; for who acts after a year there is another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pytest

from k8snb import Cluster
from k8snb.controllers.certificatecleaner import CertificateCleaner
from k8snb.controllers.table import CONTROLLERS, OF_THE_SERVER
from k8snb.controllers.tokencleaner import TokenCleaner
from k8snb.trace import Span
from tests.apiserver.access.test_certificates import CSRS, KUBELET, csr, pem
from tests.controllers.test_tokencleaner import DAY, with_a_token

MANIFEST = (Path(__file__).parent / "everyone.yaml").read_text()
NODE_CLIENT = "system:certificates.k8s.io:certificatesigningrequests:nodeclient"
READS = {"get", "list", "watch"}

PATIENT = {CertificateCleaner.name, TokenCleaner.name}
SILENT = {"volume_expand"}
"""What they do is said in an event and nowhere else."""


@pytest.fixture(scope="module")
def spans() -> Mapping[str, Sequence[Span]]:
    """What the controllers of one eventful cluster did, by their names."""
    cluster = Cluster(nodes=3, seed=1)
    kubectl = cluster.kubectl
    cluster.add_node("node-4")
    kubectl("create deployment web --image=nginx --replicas=2")
    kubectl("expose deployment web --port=80")
    kubectl("create namespace team")
    kubectl("create configmap left --namespace team")
    kubectl("apply -f -", MANIFEST)
    wanted = csr("kubelet", pem("system:node:node-9", "system:nodes"), KUBELET)
    kubectl(f"create clusterrolebinding me --clusterrole={NODE_CLIENT} --user=kubernetes-admin")
    cluster.client.create(CSRS, wanted)
    cluster.advance(90)
    kubectl('patch pvc data -p \'{"spec": {"resources": {"requests": {"storage": "2Gi"}}}}\'')
    kubectl("delete deployment web --cascade=foreground")
    kubectl("delete namespace team --wait=false")
    kubectl("delete crd cakes.bakery.example --wait=false")
    kubectl("delete flowschema service-accounts")
    cluster.advance(5)
    kubectl(f"delete ipaddress {kubectl('get service door -o jsonpath={.spec.clusterIP}')}")
    kubectl("delete volumeattributesclass quick")
    kubectl("delete pod writes --now")
    kubectl("delete pvc data --wait=false")
    kubectl("delete pv disk --wait=false")
    kubectl("taint node node-2 gone=yes:NoExecute")
    kubectl("delete node node-3")
    cluster.stop_kubelet("node-1")
    cluster.advance(240)
    aged = with_a_token()
    aged.client.create(CSRS, csr())
    aged.advance(366 * DAY)
    found: dict[str, list[Span]] = {}
    for span in (*cluster.trace.spans, *(each for each in aged.trace.spans if each.component in PATIENT)):
        found.setdefault(span.component, []).append(span)
    return found


def writes(span: Span) -> bool:
    return any(sent.request.info and sent.request.info.verb not in READS for sent in span.requests)


@pytest.mark.parametrize("name", [each.name for each in (*CONTROLLERS, *OF_THE_SERVER)])
def test_every_controller_leaves_what_it_read_compared_and_sent_and_why(
    spans: Mapping[str, Sequence[Span]], name: str
) -> None:
    acting = [span for span in spans.get(name, ()) if span.compared and (writes(span) or name in SILENT)]
    assert acting, f"it never compared and acted: {[(span, span.compared) for span in spans.get(name, ())][:5]}"
    assert all(span.read and span.wanted for span in acting)


@pytest.mark.parametrize("name", [each.name for each in (*CONTROLLERS, *OF_THE_SERVER)])
def test_no_controller_writes_without_saying_why(spans: Mapping[str, Sequence[Span]], name: str) -> None:
    assert [(span, span.requests) for span in spans.get(name, ()) if writes(span) and not span.wanted] == []


def test_the_scheduler_says_which_node_it_chose_and_which_it_looked_at(spans: Mapping[str, Sequence[Span]]) -> None:
    binding = [
        span for span in spans["scheduler"] if any(sent.request.info.subresource == "binding" for sent in span.requests)
    ]
    assert binding
    for span in binding:
        [(observed, node)] = span.compared.values()
        assert (observed, span.wanted) == ("none", f"bind the pod to {node}")
        assert {("Pod", span.key.name), ("Node", node)} <= span.read.keys()


def test_a_kubelet_says_which_stage_a_pod_was_in_and_which_it_enters(spans: Mapping[str, Sequence[Span]]) -> None:
    acting = [
        span
        for name, own in spans.items()
        if name.startswith("kubelet/")
        for span in own
        if span.requests and span.key.namespace
    ]
    assert acting
    assert {name for span in acting for name in span.compared} == {"stage of the pod", "stage of the container"}
    silent = [(span, span.requests) for span in acting if not (span.read and span.wanted)]
    assert silent == []

"""Both kubectls print the same about autoscalers, ingresses, policies, budgets and what else is described."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from k8snb.cluster.cluster import Cluster
from tests.kubectl.real import binary
from tests.kubectl.two import Two

pytestmark = [
    pytest.mark.kubectl,
    pytest.mark.skipif(not binary(), reason="there is no kubectl 1.33"),
]

MANIFEST = """
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: np, annotations: {a: b}}
spec:
  podSelector: {matchLabels: {app: web}}
  policyTypes: [Ingress, Egress]
  ingress:
  - from:
    - {podSelector: {matchLabels: {a: b}}, namespaceSelector: {}}
    - ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16]}
    ports: [{port: 80}, {port: http, protocol: UDP}, {port: 100, endPort: 200}]
  - {}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: ing, annotations: {a: b}}
spec:
  defaultBackend: {resource: {apiGroup: g.example, kind: K, name: nn}}
  tls: [{hosts: [a.example, b.example], secretName: s}, {hosts: [c.example]}]
  rules:
  - host: a.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
      - {path: /b, pathType: Exact, backend: {service: {name: none, port: {name: x}}}}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: ic}
spec: {controller: example.com/x, parameters: {kind: A, name: b, apiGroup: g.example}}
---
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: hpa}
spec:
  maxReplicas: 4
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: web}
  metrics:
  - {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}}
  - {type: Pods, pods: {metric: {name: qps}, target: {type: AverageValue, averageValue: "10"}}}
  - {type: External, external: {metric: {name: ext}, target: {type: Value, value: "10"}}}
  - type: Object
    object:
      metric: {name: obj}
      describedObject: {apiVersion: v1, kind: Service, name: web}
      target: {type: Value, value: "10"}
  - type: ContainerResource
    containerResource: {name: cpu, container: c, target: {type: Utilization, averageUtilization: 50}}
  behavior: {scaleDown: {stabilizationWindowSeconds: 60}}
---
apiVersion: storage.k8s.io/v1
kind: CSINode
metadata: {name: node-1}
spec: {drivers: [{name: csi.example.com, nodeID: a, topologyKeys: [zone], allocatable: {count: 3}}]}
---
apiVersion: policy/v1
kind: PodDisruptionBudget
metadata: {name: pdb}
spec: {maxUnavailable: 1, selector: {matchLabels: {app: web}}}
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    pair = Two(Cluster(2, seed=1), tmp_path_factory.mktemp("kinds"))
    for command, stdin in (
        ("create deployment web --image=nginx:1.27 --replicas=2 --port=80", ""),
        ("expose deployment web --port=80", ""),
        ("create cronjob cj --image=busybox --schedule=@hourly", ""),
        ("create job now --from=cronjob/cj", ""),
        ("apply -f -", MANIFEST),
        ("rollout status deployment/web", ""),
    ):
        outcome = pair.ours.run(command, stdin)
        assert outcome.code == 0, outcome.text
    yield pair
    pair.real.close()


COMMANDS = """
describe networkpolicy np
describe ingress ing
describe ingressclass ic
describe hpa hpa
describe csinode node-1
describe pdb pdb
describe servicecidr kubernetes
describe job now
describe cj cj
get hpa hpa -o yaml
get horizontalpodautoscalers.v1.autoscaling hpa -o yaml
get flowschema,prioritylevelconfiguration -o name
get componentstatuses
autoscale deployment web --max=5 --cpu-percent=50 --dry-run=client -o yaml
autoscale deployment web
autoscale deployment web --max=3 --min=4
autoscale svc web --max=3
create ingress i --rule=a.b/*=svc:80,tls=s --rule=/=svc:http --default-backend=d:80 --class=c --dry-run=client -o yaml
create ingress i --rule=foo
create ingress i --rule=a.b/x=s:80,foo=bar --rule=a.b/y*=s:http,tls --rule=/z=s:80,tls,x --dry-run=client -o yaml
expose deployment web --port=http --name=x
expose deployment web --port=80 --name=x --dry-run=client -o yaml
events -o name
events --for nope/x
apply view-last-applied --all
config get-contexts x y
config delete-user
plugin list
--nope
--nope=1 x
drain node-1 --dry-run=client
create job x --from=deploy/web
create pdb x --selector=a=b --max-unavailable=30% --dry-run=client -o yaml
create pdb x --selector=a=b,c!=d --max-unavailable=1
create pdb x --selector=a
explain job.spec.podFailurePolicy
""".strip().splitlines()


@pytest.mark.parametrize("command", COMMANDS)
def test_both_print_the_same(two: Two, command: str) -> None:
    two.compare(command)

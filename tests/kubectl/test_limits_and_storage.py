"""Both kubectls print the same about quotas, limits, security standards and volumes, and about what they refuse."""

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
apiVersion: v1
kind: LimitRange
metadata: {name: bounds, namespace: team}
spec:
  limits:
  - {type: Container, default: {memory: 256Mi}, defaultRequest: {memory: 64Mi}}
  - {type: Pod, max: {memory: 2Gi}}
  - {type: PersistentVolumeClaim, max: {storage: 5Gi}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: all, namespace: team}
spec: {hard: {pods: "2", requests.memory: 100Mi, limits.memory: 1Gi, requests.storage: 3Gi, count/secrets: "1"}}
---
apiVersion: v1
kind: ResourceQuota
metadata: {name: best, namespace: team}
spec: {hard: {pods: "1"}, scopes: [BestEffort, NotTerminating]}
---
apiVersion: storage.k8s.io/v1
kind: StorageClass
metadata: {name: late, annotations: {storageclass.kubernetes.io/is-default-class: "true"}}
provisioner: kubernetes.io/no-provisioner
volumeBindingMode: WaitForFirstConsumer
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: disk, labels: {a: b}}
spec: {capacity: {storage: 2Gi}, accessModes: [ReadWriteOnce], hostPath: {path: /tmp/disk}, storageClassName: manual}
---
apiVersion: v1
kind: PersistentVolume
metadata: {name: near}
spec:
  capacity: {storage: 1Gi}
  accessModes: [ReadWriteOnce, ReadOnlyMany]
  persistentVolumeReclaimPolicy: Delete
  local: {path: /mnt}
  storageClassName: late
  nodeAffinity: {required: {nodeSelectorTerms: [{matchExpressions: [{key: zone, operator: In, values: [a, b]}]}]}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: data, namespace: team}
spec: {accessModes: [ReadWriteOnce], storageClassName: manual, resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: later, namespace: team}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: v1
kind: Pod
metadata: {name: user, namespace: team}
spec:
  containers: [{name: c, image: nginx, volumeMounts: [{name: d, mountPath: /d}]}]
  volumes: [{name: d, persistentVolumeClaim: {claimName: data}}]
"""

READS = """
get quota,limits -n team
get quota all -n team -o yaml
describe quota -n team
describe limits bounds -n team
describe ns team
get pv,pvc,sc -n team
get pv,pvc -n team -o wide
describe pv disk
describe pv near
describe pvc data -n team
describe sc late
describe pod user -n team
get pod user -n team -o jsonpath={.metadata.annotations}
"""

WRITES = """
run two --image=nginx -n team
run three --image=nginx -n team
create deployment web --image=nginx -n team
create deployment more --image=nginx -n team
patch pvc data -n team -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'
patch pvc later -n team -p '{"spec":{"resources":{"requests":{"storage":"2Gi"}}}}'
patch pvc data -n team -p '{"spec":{"storageClassName":"x"}}'
patch pv disk -p '{"spec":{"hostPath":{"path":"/y"}}}'
label ns team pod-security.kubernetes.io/enforce=what
label ns team pod-security.kubernetes.io/enforce=restricted
"""


@pytest.fixture(scope="module")
def two(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Two]:
    cluster = Cluster(nodes=2, seed=1, journal=False)
    pair = Two(cluster, tmp_path_factory.mktemp("kube"))
    pair.ours.run("create namespace team")
    cluster.settle()
    for document in MANIFEST.split("---"):
        outcome = pair.ours.run("apply -f -", document)
        assert outcome.code == 0, outcome.text
        cluster.settle()
    yield pair
    pair.real.close()


@pytest.mark.parametrize("command", READS.strip().split("\n"))
def test_a_command_that_reads_prints_the_same(two: Two, command: str) -> None:
    two.compare(command)


def test_a_command_that_is_refused_prints_the_same(two: Two) -> None:
    for command in WRITES.strip().split("\n"):
        two.compare(f"{command} --dry-run=server")

"""The verdicts of Kubernetes' own unit tests about volumes: the same pods are kept from the same nodes here.

The cases are facts from `volumebinding`, `volumezone`, `volumerestrictions` and `nodevolumelimits` below
`pkg/scheduler/framework/plugins` of 1.36, by their names there. `no` is Unschedulable, `never`
UnschedulableAndUnresolvable. Claims are written `name>volume:class`, volumes `name@driver/handle{labels}`.
"""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.typing import Object
from tests.controllers.storage import mounting
from tests.scheduler.test_volumes import a_class, claim, volume
from tests.scheduler.verdicts import hint, labels, verdicts
from tests.scheduler.world import node, pod

ZONE, REGION = "topology.kubernetes.io/zone", "topology.kubernetes.io/region"
OLD_ZONE, OLD_REGION = "failure-domain.beta.kubernetes.io/zone", "failure-domain.beta.kubernetes.io/region"


def user(*sources: Object, name: str = "p", claims: str = "", **more: Any) -> Object:
    """A pod with volumes: those that it describes itself, and claims."""
    volumes = [{"name": f"v{at}", **each} for at, each in enumerate(sources)]
    return pod(name, volumes=[*volumes, *mounting(*claims.split())], **more)


def claims(text: str) -> list[Object]:
    """`a>x:fast b:fast` is a claim with the volume x, and one that waits for one of the class fast."""
    made = []
    for each in text.split():
        name, _, storage_class = each.partition(":")
        name, _, has = name.partition(">")
        made.append(claim(name, has, storage_class=storage_class))
    return made


# -- VolumeBinding -----------------------------------------------------------------------------------

LOST = {"status": {"phase": "Lost"}}
STORED = [a_class(), a_class("now", mode="Immediate")]
FAR = volume("x", on="b")


@pytest.mark.parametrize(
    ("name", "mounts", "storage", "expected"),
    [
        ("pod has not pvcs", "", [], "skip"),
        ("all bound", "a", [claim("a", "x"), volume("x")], "ok"),
        ("all bound with local volumes", "a b", [claim("a", "x"), claim("b", "y"), volume("x", on="n"),
                                                 volume("y", on="n")], "ok"),
        ("PVC does not exist", "a", [], 'never: persistentvolumeclaim "a" not found'),
        ("Part of PVCs do not exist", "a b", [claim("a", "x"), volume("x")],
         'never: persistentvolumeclaim "b" not found'),
        ("immediate claims not bound", "a", [claim("a", storage_class="now")],
         "never: pod has unbound immediate PersistentVolumeClaims"),
        ("unbound claims no matches", "a", [claim("a")], "never"),
        ("bound and unbound unsatisfied", "a b", [claim("a", "x"), claim("b"), FAR], "never"),
        ("pv not found", "a", [claim("a", "x")], "never"),
        ("pv not found claim lost", "a", [claim("a", "x", **LOST)],
         'never: persistentvolumeclaim "a" bound to non-existent persistentvolume "x"'),
    ],
)  # fmt: skip
def test_volume_binding(name: str, mounts: str, storage: list[Object], expected: str) -> None:
    assert verdicts("VolumeBinding", user(claims=mounts), [node("n")], storage=[*STORED, *storage]) == expected


EPHEMERAL = {"name": "e", "ephemeral": {}}
OWN = {"name": "p", "uid": "uid-default-p", "kind": "Pod", "controller": True}


def test_the_claim_of_an_ephemeral_volume_is_its_pods() -> None:
    wanted = user(EPHEMERAL)
    strange = "never: PVC default/p-e was not created for pod default/p (pod is not owner)"
    ours, theirs = claim("p-e", owner=OWN), claim("p-e")
    waits = 'never: waiting for ephemeral volume controller to create the persistentvolumeclaim "p-e"'
    found = [
        verdicts("VolumeBinding", wanted, [node("n")], storage=[*STORED, *each]) for each in ([], [theirs], [ours])
    ]
    assert found == [waits, strange, "never"]


def room(**limit: str) -> Object:
    return {"kind": "CSIStorageCapacity", "metadata": {"name": "c"}, "storageClassName": "late", **limit}


def driver(counts: bool) -> Object:
    return {"kind": "CSIDriver", "metadata": {"name": "d"}, "spec": {"storageCapacity": counts}}


HERE = [{"matchLabelExpressions": [{"key": "zone", "values": ["a"]}]}]


@pytest.mark.parametrize(
    ("name", "resource", "old", "new", "expected"),
    [
        ("a new StorageClass", "StorageClass", None, a_class(), True),
        ("allowedTopologies changed", "StorageClass", a_class(), a_class(allowedTopologies=HERE), True),
        ("no change of allowedTopologies", "StorageClass", a_class(), a_class(allowVolumeExpansion=True), False),
        ("a new CSIStorageCapacity", "CSIStorageCapacity", None, room(), True),
        ("volume limit increase by capacity", "CSIStorageCapacity", room(capacity="10Gi"), room(capacity="20Gi"), True),
        ("volume limit increase by maximumVolumeSize", "CSIStorageCapacity", room(maximumVolumeSize="1Gi"),
         room(maximumVolumeSize="2Gi"), True),
        ("volume limit decrease", "CSIStorageCapacity", room(capacity="20Gi"), room(capacity="10Gi"), False),
        ("more capacity and the same maximumVolumeSize", "CSIStorageCapacity",
         room(capacity="10Gi", maximumVolumeSize="1Gi"), room(capacity="20Gi", maximumVolumeSize="1Gi"), False),
        ("storageCapacity true to false", "CSIDriver", driver(True), driver(False), True),
        ("storageCapacity false to true", "CSIDriver", driver(False), driver(True), False),
    ],
)  # fmt: skip
def test_what_makes_another_try_with_volumes_worth_while(
    name: str, resource: str, old: Object | None, new: Object, expected: bool
) -> None:
    assert hint("VolumeBinding", resource, user(claims="a"), old, new) is expected


# -- VolumeZone --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "where", "marks", "expected"),
    [
        ("node without labels", f"{OLD_ZONE}=a", "", "ok"),
        ("beta zone label matched", f"{OLD_ZONE}=a", f"{OLD_ZONE}=a,x=y", "ok"),
        ("beta region label matched", f"{OLD_REGION}=w,x=y", f"{OLD_REGION}=w", "ok"),
        ("beta region label doesn't match", f"{OLD_REGION}=w", f"{OLD_REGION}=no", "never"),
        ("beta zone label doesn't match", f"{OLD_ZONE}=a", f"{OLD_ZONE}=no", "never"),
        ("zone label matched", f"{ZONE}=a", f"{ZONE}=a", "ok"),
        ("region label matched", f"{REGION}=w,x=y", f"{REGION}=w", "ok"),
        ("region label doesn't match", f"{REGION}=w", f"{REGION}=no", "never"),
        ("zone label doesn't match", f"{ZONE}=a", f"{ZONE}=no", "never"),
        ("pv with zone and region, node with only zone", f"{ZONE}=a,{REGION}=w", f"{ZONE}=a", "never"),
        ("pv with zone,node with beta zone", f"{ZONE}=a", f"{OLD_ZONE}=a", "never"),
        ("pv with beta label,node with ga label, matched", f"{OLD_ZONE}=a", f"{ZONE}=a", "ok"),
        ("pv with beta label,node with ga label, don't match", f"{OLD_ZONE}=a", f"{ZONE}=b", "never"),
        ("multi zone: beta zone label matched", f"{OLD_ZONE}=c__a", f"{OLD_ZONE}=a", "ok"),
        ("multi zone: node without labels", f"{OLD_ZONE}=c__a", "", "ok"),
        ("multi zone: zone label matched", f"{ZONE}=c__a", f"{ZONE}=a", "ok"),
        ("multi zone: zone label doesn't match", f"{ZONE}=c__a", f"{ZONE}=b", "never"),
    ],
)
def test_volume_zone(name: str, where: str, marks: str, expected: str) -> None:
    storage = [claim("a", "x"), volume("x", labels=labels(where))]
    wanted, there = user(claims="a"), [node("n", labels=labels(marks))]
    assert verdicts("VolumeZone", wanted, there, storage=storage) == expected


@pytest.mark.parametrize(
    ("name", "storage", "expected"),
    [
        ("pod without volume", None, "skip"),
        ("unbound volume empty storage class", [claim("a", storage_class="")],
         "never: PersistentVolumeClaim had no pv name and storageClass name"),
        ("unbound volume no storage class", [claim("a", storage_class="gone")],
         'never: storageclass.storage.k8s.io "gone" not found'),
        ("unbound volume immediate binding mode", [claim("a", storage_class="odd"), a_class("odd", mode="")],
         'never: VolumeBindingMode not set for StorageClass "odd"'),
        ("unbound volume of a class that does not wait", [claim("a", storage_class="now")],
         "never: PersistentVolume had no name"),
        ("unbound volume wait binding mode", [claim("a")], "skip"),
        ("the volume is not there", [claim("a", "x")], 'never: persistentvolume "x" not found'),
        ("the claim is not there", [], 'never: persistentvolumeclaim "a" not found'),
    ],
)  # fmt: skip
def test_volume_zone_looks_at_claims_before_nodes(name: str, storage: list[Object] | None, expected: str) -> None:
    wanted = user(claims="" if storage is None else "a")
    assert verdicts("VolumeZone", wanted, [node("n", zone="a")], storage=[*STORED, *(storage or ())]) == expected


@pytest.mark.parametrize(
    ("name", "before", "after", "expected"),
    [
        ("pv is newly added", None, f"{ZONE}=a", True),
        ("the zone label changed", f"{ZONE}=a", f"{ZONE}=b", True),
        ("nothing about where it is changed", f"{ZONE}=a", f"{ZONE}=a,x=y", False),
    ],
)
def test_what_a_volume_elsewhere_is_worth(name: str, before: str | None, after: str, expected: bool) -> None:
    old = None if before is None else volume("x", labels=labels(before))
    found = hint("VolumeZone", "PersistentVolume", user(claims="a"), old, volume("x", labels=labels(after)))
    assert found is expected


# -- VolumeRestrictions ------------------------------------------------------------------------------


def gce(name: str, read: bool = False) -> Object:
    return {"gcePersistentDisk": {"pdName": name, "readOnly": read}}


def ebs(name: str, read: bool = False) -> Object:
    return {"awsElasticBlockStore": {"volumeID": name, "readOnly": read}}


def iscsi(name: str, read: bool = False) -> Object:
    return {"iscsi": {"targetPortal": "10.0.0.1:3260", "iqn": name, "lun": 0, "readOnly": read}}


def rbd(monitors: str, image: str = "bar", pool: str = "foo", read: bool = False) -> Object:
    return {"rbd": {"monitors": monitors.split(), "pool": pool, "image": image, "readOnly": read}}


@pytest.mark.parametrize(
    ("name", "wanted", "there", "expected"),
    [
        ("nothing", [], [], "skip"),
        ("one state", [], [gce("foo")], "skip"),
        ("GCE: same state", [gce("foo")], [gce("foo")], "no"),
        ("GCE: different state", [gce("bar")], [gce("foo")], "ok"),
        ("GCE: all read-only", [gce("foo", True)], [gce("foo", True)], "ok"),
        ("GCE: one writes", [gce("foo", True)], [gce("foo")], "no"),
        ("AWS: same state", [ebs("foo")], [ebs("foo")], "no"),
        ("AWS: different state", [ebs("bar")], [ebs("foo")], "ok"),
        ("AWS: all read-only", [ebs("foo", True)], [ebs("foo", True)], "no"),
        ("RBD: same state", [rbd("a b")], [rbd("a b")], "no"),
        ("RBD: different state", [rbd("c d")], [rbd("a b")], "ok"),
        ("RBD: one monitor is the same", [rbd("b c")], [rbd("a b")], "no"),
        ("RBD: another image", [rbd("a b", "baz")], [rbd("a b")], "ok"),
        ("RBD: all read-only", [rbd("a", read=True)], [rbd("a", read=True)], "ok"),
        ("ISCSI: same state", [iscsi("one")], [iscsi("one")], "no"),
        ("ISCSI: different state", [iscsi("two")], [iscsi("one")], "ok"),
        ("other sorts of volumes", [{"nfs": {"server": "s", "path": "/"}}], [{"nfs": {"server": "s", "path": "/"}}],
         "skip"),
    ],
)  # fmt: skip
def test_disks_that_pods_share(name: str, wanted: list[Object], there: list[Object], expected: str) -> None:
    others = [user(*there, name="other", node="n")]
    assert verdicts("VolumeRestrictions", user(*wanted), [node("n")], others) == expected


ALONE = claim("alone", spec={"accessModes": ["ReadWriteOncePod"]})
SHARED = claim("shared", spec={"accessModes": ["ReadWriteMany"]})


@pytest.mark.parametrize(
    ("name", "mounts", "there", "storage", "expected"),
    [
        ("nothing", "", "", [], "skip"),
        ("failed to get PVC", "alone", "", [], 'never: persistentvolumeclaim "alone" not found'),
        ("no access mode conflict", "alone", "shared", [ALONE, SHARED], "skip"),
        ("access mode conflict, unschedulable", "alone", "alone", [ALONE, SHARED], "no"),
        ("two conflicting pvcs", "alone shared", "alone shared", [ALONE, SHARED], "no"),
        ("shared by many", "shared", "shared", [ALONE, SHARED], "skip"),
    ],
)
def test_claims_for_one_pod(name: str, mounts: str, there: str, storage: list[Object], expected: str) -> None:
    others = [user(name="other", claims=there, node="n")]
    assert verdicts("VolumeRestrictions", user(claims=mounts), [node("n")], others, storage=storage) == expected


@pytest.mark.parametrize(
    ("name", "gone", "expected"),
    [
        ("queue when GCE disk conflicts", user(gce("foo"), name="other", node="n"), True),
        ("skip when the disks differ", user(gce("bar"), name="other", node="n"), False),
        ("queue when the claim is the same", user(name="other", claims="alone", node="n"), True),
        ("skip when it is another claim", user(name="other", claims="shared", node="n"), False),
        ("skip in another namespace", user(name="other", claims="alone", node="n", namespace="far"), False),
    ],
)
def test_whose_leaving_helps(name: str, gone: Object, expected: bool) -> None:
    wanted = user(gce("foo"), claims="alone")
    assert hint("VolumeRestrictions", "AssignedPod", wanted, gone, None) is expected


# -- NodeVolumeLimits --------------------------------------------------------------------------------

EBS, GCE = "ebs.csi.aws.com", "pd.csi.storage.gke.io"


def limits(count: int | None, *drivers: str, name: str = "n") -> Object:
    allocatable = {} if count is None else {"allocatable": {"count": count}}
    spec = {"drivers": [{"name": each, "nodeID": name, **allocatable} for each in drivers]}
    return {"apiVersion": "storage.k8s.io/v1", "kind": "CSINode", "metadata": {"name": name}, "spec": spec}


def disk(name: str, driver: str = EBS, **more: Any) -> Object:
    return volume(name, csi={"driver": driver, "volumeHandle": name}, **more)


def attachment(name: str, on: str = "n") -> Object:
    spec = {"attacher": EBS, "nodeName": on, "source": {"persistentVolumeName": name}}
    kind = {"apiVersion": "storage.k8s.io/v1", "kind": "VolumeAttachment"}
    return {**kind, "metadata": {"name": f"csi-{name}-{on}"}, "spec": spec}


E0, E1, E2 = disk("e0"), disk("e1"), disk("e2")
G0, G1 = disk("g0", GCE), disk("g1", GCE)
IN_TREE = [volume(f"t{at}", **ebs(f"aws://zone/t{at}")) for at in range(3)]
HOST = volume("h0", hostPath={"path": "/x"})
DISKS = [E0, E1, E2, G0, G1, *IN_TREE, HOST]
ALL = [
    *claims("e0>e0:sc e1>e1:sc e2>e2:sc g0>g0:sc g1>g1:sc t0>t0:sc t1>t1:sc t2>t2:sc h0>h0:sc"),
    *claims("pending:sc pending2:sc missing>gone:sc nosc:nowhere"),
]
CLASS, MOVED = a_class("sc", provisioner=EBS), a_class("sc", provisioner="kubernetes.io/aws-ebs")


@pytest.mark.parametrize(
    ("name", "mounts", "there", "expected"),
    [
        ("fits when node volume limit >= new pods CSI volume", "e0", ["", "e1"], "ok"),
        ("doesn't when node volume limit <= pods CSI volume", "e0", ["", "e1 e2"], "no"),
        ("count pending PVCs towards volume limit <= pods CSI volume", "e0", ["pending", "e1 e2"], "no"),
        ("count multiple pending pvcs once", "e0", ["pending", "pending"], "ok"),
        ("should count PVCs with invalid PV name but valid SC", "e0", ["missing", "e1"], "no"),
        ("don't count pvcs with missing SC towards volume limit", "e0", ["", "nosc e1"], "ok"),
        ("count pvcs with the same type towards volume limit", "e0", ["g0 g1", "e1 e2"], "no"),
        ("don't count pvcs with different type towards volume limit", "g0 g1", ["e1 e2"], "ok"),
        ("what is there already is not counted twice", "e1", ["e1 e2"], "ok"),
        ("should count in-tree volumes if migration is enabled", "t0", ["t1 t2"], "no"),
        ("should not count non-migratable in-tree volumes", "h0", ["e1 e2"], "ok"),
        ("should count in-tree and csi volumes (when scheduling in-tree volumes)", "t0", ["e1 e2"], "no"),
        ("should count in-tree and csi volumes (when scheduling csi volumes)", "e0", ["t1 t2"], "no"),
    ],
)
def test_node_volume_limits(name: str, mounts: str, there: list[str], expected: str) -> None:
    others = [user(name=f"other{at}", claims=each, node="n") for at, each in enumerate(there)]
    storage = [*ALL, *DISKS, CLASS, limits(2, EBS, GCE)]
    assert verdicts("NodeVolumeLimits", user(claims=mounts), [node("n")], others, storage=storage) == expected


@pytest.mark.parametrize(
    ("name", "wanted", "storage", "expected"),
    [
        ("nil csi node", user(ebs("new")), [], "ok"),
        ("should when driver does not support volume limits", user(claims="e0"), [limits(None, EBS)], "ok"),
        ("should count in-tree inline volumes", user(ebs("new")), [limits(2, EBS)], "no"),
        ("should not count an inline volume that is there as a CSI volume", user(ebs("e1")), [limits(2, EBS)], "ok"),
        ("should count unbound in-tree volumes", user(claims="pending"), [limits(2, EBS), MOVED], "no"),
        ("an attached volume that nobody mounts counts", user(claims="e0"), [limits(3, EBS), attachment("t0")], "no"),
        ("an attached volume counts once", user(claims="e0"), [limits(3, EBS), attachment("e1")], "ok"),
        ("attached elsewhere", user(claims="e0"), [limits(3, EBS), attachment("t0", "m")], "ok"),
        ("skip Filter when the pod only uses secrets and configmaps",
         user({"secret": {"secretName": "s"}}, {"configMap": {"name": "c"}}), [limits(2, EBS)], "skip"),
        ("ephemeral volume missing", user(EPHEMERAL), [limits(2, EBS)], "never"),
        ("ephemeral volume not owned", user(EPHEMERAL), [claim("p-e", storage_class="sc")], "error"),
        ("ephemeral doesn't when node volume limit <= pods CSI volume", user(EPHEMERAL),
         [limits(2, EBS), claim("p-e", storage_class="sc", owner=OWN)], "no"),
    ],
)  # fmt: skip
def test_what_counts_as_a_volume_of_a_node(name: str, wanted: Object, storage: list[Object], expected: str) -> None:
    others = [user(name="other", claims="e1 e2", node="n")]
    there = [*ALL, *DISKS, CLASS, *storage]
    assert verdicts("NodeVolumeLimits", wanted, [node("n")], others, storage=there) == expected


@pytest.mark.parametrize(
    ("name", "resource", "old", "new", "expected"),
    [
        ("a deleted pod has a PVC", "AssignedPod", user(claims="x", node="n"), None, True),
        ("a deleted pod has a inline migratable volume", "AssignedPod", user(ebs("x"), node="n"), None, True),
        ("a deleted pod doesn't have any volume", "AssignedPod", user(node="n"), None, False),
        ("a deleted pod is not scheduled", "AssignedPod", user(claims="x"), None, False),
        ("a volume is detached", "VolumeAttachment", attachment("x"), None, True),
        ("CSINode is added", "CSINode", None, limits(1, EBS), True),
        ("allocatable grew", "CSINode", limits(1, EBS), limits(2, EBS), True),
        ("allocatable did not change", "CSINode", limits(1, EBS), limits(1, EBS), False),
        ("allocatable shrank", "CSINode", limits(2, EBS), limits(1, EBS), False),
    ],
)
def test_what_gives_a_pod_with_volumes_hope(
    name: str, resource: str, old: Object | None, new: Object | None, expected: bool
) -> None:
    assert hint("NodeVolumeLimits", resource, user(claims="e0"), old, new) is expected

"""Tables: the columns and cells of every kind, and the durations in them."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.printing import PRINTERS, cells, columns, partial_list, table
from k8snb.apiserver.printing.durations import human_duration, since
from k8snb.clock import EPOCH, rfc3339
from k8snb.machinery.scheme import Scheme
from k8snb.typing import Resource

SCHEME = Scheme()
HOUR, DAY, YEAR = 3600, 86400, 365 * 86400


def resource(api_version: str, kind: str) -> Resource:
    found = SCHEME.kind(api_version, kind)
    if found is not None:
        return found
    group, _, version = api_version.rpartition("/")
    return Resource(group, version, kind, kind.lower() + "s", kind.lower(), True)


def thing(name: str = "x", **fields: Any) -> dict[str, Any]:
    meta = {"name": name, "namespace": "default", "creationTimestamp": rfc3339(EPOCH), **fields.pop("meta", {})}
    return {"metadata": meta, **fields}


def shown(api_version: str, kind: str, obj: dict[str, Any], *, after: float = 60) -> list[Any]:
    return cells(resource(api_version, kind), obj, EPOCH + after)


def named(api_version: str, kind: str, obj: dict[str, Any], *, after: float = 60) -> dict[str, Any]:
    titles = [column["name"] for column in columns(resource(api_version, kind))]
    return dict(zip(titles, shown(api_version, kind, obj, after=after), strict=True))


def pod(*containers: dict[str, Any], spec: dict[str, Any] | None = None, **status: Any) -> dict[str, Any]:
    count = max(len(containers), 1)
    wanted = {"containers": [{"name": f"c{i}", "image": "nginx"} for i in range(count)], **(spec or {})}
    meta = status.pop("meta", {})
    if containers:
        status["containerStatuses"] = list(containers)
    return thing("web", spec=wanted, status={"phase": "Running", **status}, meta=meta)


def container(state: dict[str, Any], *, restarts: int = 0, name: str = "c", **more: Any) -> dict[str, Any]:
    return {"name": name, "state": state, "restartCount": restarts, "ready": "running" in state, **more}


RUNNING: dict[str, Any] = {"running": {"startedAt": rfc3339(EPOCH)}}


def waiting(reason: str) -> dict[str, Any]:
    return {"waiting": {"reason": reason}}


def ended(code: int, reason: str = "", **more: Any) -> dict[str, Any]:
    return {"terminated": {"exitCode": code, **({"reason": reason} if reason else {}), **more}}


def line(obj: dict[str, Any], *, after: float = 60) -> list[Any]:
    """READY, STATUS and RESTARTS."""
    return shown("v1", "Pod", obj, after=after)[1:4]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "<invalid>"),
        (-1, "0s"),
        (0, "0s"),
        (59.9, "59s"),
        (119, "119s"),
        (119.9999999, "2m"),
        (120, "2m"),
        (125, "2m5s"),
        (599, "9m59s"),
        (600, "10m"),
        (3 * HOUR - 1, "179m"),
        (3 * HOUR, "3h"),
        (3 * HOUR + 61, "3h1m"),
        (8 * HOUR, "8h"),
        (47 * HOUR, "47h"),
        (48 * HOUR, "2d"),
        (49 * HOUR, "2d1h"),
        (8 * DAY - 1, "7d23h"),
        (8 * DAY, "8d"),
        (2 * YEAR - 1, "729d"),
        (2 * YEAR, "2y"),
        (2 * YEAR + DAY, "2y1d"),
        (8 * YEAR, "8y"),
        (9 * YEAR + 30 * DAY, "9y"),
    ],
)
def test_a_duration_has_at_most_two_units(seconds: float, text: str) -> None:
    assert human_duration(seconds) == text


def test_a_missing_time_is_unknown() -> None:
    assert since(None, EPOCH) == "<unknown>"


def test_a_running_pod_counts_its_ready_containers() -> None:
    obj = pod(container(RUNNING), container({"running": {}}, ready=False), podIP="10.0.0.1")
    obj["spec"]["nodeName"] = "node-1"
    assert named("v1", "Pod", obj) == {
        "Name": "web",
        "Ready": "1/2",
        "Status": "Running",
        "Restarts": "0",
        "Age": "60s",
        "IP": "10.0.0.1",
        "Node": "node-1",
        "Nominated Node": "<none>",
        "Readiness Gates": "<none>",
    }


def test_the_first_container_that_waits_or_has_ended_gives_the_pod_its_status() -> None:
    assert line(pod(container(waiting("ImagePullBackOff")), container(waiting("CrashLoopBackOff"))))[1] == (
        "ImagePullBackOff"
    )
    assert line(pod(container(ended(137, "OOMKilled")), phase="Failed"))[1] == "OOMKilled"
    assert line(pod(container(ended(3)), phase="Failed"))[1] == "ExitCode:3"
    assert line(pod(container(ended(0, signal=9)), phase="Failed"))[1] == "Signal:9"


def test_restarts_say_when_the_last_one_was() -> None:
    last = {"terminated": {"finishedAt": rfc3339(EPOCH + 50)}}
    assert line(pod(container(RUNNING, restarts=3, lastState=last))) == ["1/1", "Running", "3 (10s ago)"]


def test_a_pod_with_one_container_left_running_is_not_completed() -> None:
    done, ready = container(ended(0, "Completed")), [{"type": "Ready", "status": "True"}]
    assert line(pod(done, container(RUNNING)))[1] == "NotReady"
    assert line(pod(done, container(RUNNING), conditions=ready))[1] == "Running"
    assert line(pod(done, phase="Succeeded"))[:2] == ["0/1", "Completed"]


@pytest.mark.parametrize(
    ("state", "status"),
    [
        (RUNNING, "Init:0/1"),
        (waiting("PodInitializing"), "Init:0/1"),
        (waiting("CrashLoopBackOff"), "Init:CrashLoopBackOff"),
        (ended(1, "Error"), "Init:Error"),
        (ended(2), "Init:ExitCode:2"),
        (ended(0, "Completed"), "PodInitializing"),
    ],
)
def test_an_init_container_in_the_way_gives_the_pod_its_status(state: dict[str, Any], status: str) -> None:
    obj = pod(
        container(waiting("PodInitializing")),
        spec={"initContainers": [{"name": "i"}]},
        phase="Pending",
        initContainerStatuses=[container(state, name="i", ready=False)],
    )
    assert line(obj)[1] == status


def test_a_sidecar_counts_among_the_containers_and_its_restarts_stay() -> None:
    sidecar = container(RUNNING, name="s", restarts=2, started=True)
    obj = pod(
        container(RUNNING, restarts=1),
        spec={"initContainers": [{"name": "s", "restartPolicy": "Always"}]},
        initContainerStatuses=[sidecar],
    )
    assert line(obj) == ["2/2", "Running", "3"]


def test_restarts_of_finished_init_containers_are_forgotten() -> None:
    obj = pod(
        container(RUNNING),
        spec={"initContainers": [{"name": "i"}]},
        initContainerStatuses=[container(ended(0, "Completed"), name="i", restarts=4)],
    )
    assert line(obj) == ["1/1", "Running", "0"]


def test_a_deleted_pod_is_terminating_until_it_has_ended() -> None:
    gone = {"deletionTimestamp": rfc3339(EPOCH)}
    assert line(pod(container(RUNNING), meta=gone))[1] == "Terminating"
    assert line(pod(container(ended(0, "Completed")), meta=gone, phase="Succeeded"))[1] == "Completed"
    assert line(pod(container(RUNNING), meta=gone, reason="NodeLost"))[1] == "Unknown"


def test_a_gated_pod_says_so_and_an_evicted_one_too() -> None:
    gated = [{"type": "PodScheduled", "status": "False", "reason": "SchedulingGated"}]
    assert line(pod(phase="Pending", conditions=gated)) == ["0/1", "SchedulingGated", "0"]
    assert line(pod(phase="Failed", reason="Evicted"))[1] == "Evicted"


def test_readiness_gates_are_counted() -> None:
    gates = {"readinessGates": [{"conditionType": "a"}, {"conditionType": "b"}]}
    obj = pod(container(RUNNING), spec=gates, conditions=[{"type": "a", "status": "True"}])
    assert named("v1", "Pod", obj)["Readiness Gates"] == "1/2"


TEMPLATE = {"spec": {"containers": [{"name": "a", "image": "nginx:1"}, {"name": "b", "image": "redis"}]}}
SELECTOR = {"matchLabels": {"app": "x"}, "matchExpressions": [{"key": "tier", "operator": "In", "values": ["b", "a"]}]}


def test_a_deployment_shows_ready_of_wanted_and_its_template() -> None:
    obj = thing(
        spec={"replicas": 3, "template": TEMPLATE, "selector": SELECTOR},
        status={"readyReplicas": 2, "updatedReplicas": 3, "availableReplicas": 1},
    )
    assert shown("apps/v1", "Deployment", obj) == [
        "x", "2/3", 3, 1, "60s", "a,b", "nginx:1,redis", "app=x,tier in (a,b)",
    ]  # fmt: skip


def test_the_counts_of_other_workloads() -> None:
    spec = {"replicas": 2, "template": TEMPLATE, "selector": {"matchLabels": {"app": "x"}}}
    status = {"replicas": 2, "readyReplicas": 1}
    obj = thing(spec=spec, status=status)
    assert shown("apps/v1", "ReplicaSet", obj)[:5] == ["x", 2, 2, 1, "60s"]
    assert shown("apps/v1", "StatefulSet", obj)[:3] == ["x", "1/2", "60s"]
    daemon = thing(spec=spec, status={"desiredNumberScheduled": 3, "numberReady": 2})
    assert shown("apps/v1", "DaemonSet", daemon)[:8] == ["x", 3, 0, 2, 0, 0, "<none>", "60s"]


def test_a_service_shows_where_it_can_be_reached() -> None:
    ports = [{"port": 80, "protocol": "TCP"}, {"port": 443, "nodePort": 30001, "protocol": "TCP"}]
    obj = thing(spec={"type": "NodePort", "clusterIPs": ["10.96.0.7"], "ports": ports, "selector": {"app": "x"}})
    assert shown("v1", "Service", obj) == [
        "x", "NodePort", "10.96.0.7", "<none>", "80/TCP,443:30001/TCP", "60s", "app=x",
    ]  # fmt: skip
    ready = {"loadBalancer": {"ingress": [{"ip": "2.2.2.2"}, {"hostname": "lb.example.com"}]}}
    assert shown("v1", "Service", thing(spec={"type": "LoadBalancer"}))[3] == "<pending>"
    assert shown("v1", "Service", thing(spec={"type": "LoadBalancer"}, status=ready))[3] == "2.2.2.2,lb.example.com"
    external = thing(spec={"type": "ExternalName", "externalName": "example.com"})
    assert shown("v1", "Service", external)[2:5] == ["<none>", "example.com", "<none>"]


def test_long_lists_of_endpoints_are_cut() -> None:
    endpoints = [{"addresses": [f"10.0.0.{i}"]} for i in range(5)]
    obj = thing(addressType="IPv4", ports=[{"port": 80}], endpoints=endpoints)
    assert shown("discovery.k8s.io/v1", "EndpointSlice", obj)[1:4] == [
        "IPv4", "80", "10.0.0.0,10.0.0.1,10.0.0.2 + 2 more...",
    ]  # fmt: skip
    assert shown("discovery.k8s.io/v1", "EndpointSlice", thing(addressType="IPv4"))[2:4] == ["<unset>", "<unset>"]
    old = thing(subsets=[{"addresses": [{"ip": "10.0.0.1"}], "ports": [{"port": 80}]}])
    assert shown("v1", "Endpoints", old)[1] == "10.0.0.1:80"
    assert shown("v1", "Endpoints", thing())[1] == "<none>"


def test_a_node_shows_its_status_its_roles_and_what_it_runs() -> None:
    obj = thing(
        "node-1",
        meta={"labels": {"node-role.kubernetes.io/control-plane": "", "kubernetes.io/role": "a"}},
        spec={"unschedulable": True},
        status={
            "conditions": [{"type": "Ready", "status": "Unknown"}],
            "addresses": [{"type": "InternalIP", "address": "172.18.0.2"}],
            "nodeInfo": {"kubeletVersion": "v1.36.0", "osImage": "Debian"},
        },
    )
    assert shown("v1", "Node", obj) == [
        "node-1", "NotReady,SchedulingDisabled", "a,control-plane", "60s", "v1.36.0",
        "172.18.0.2", "<none>", "Debian", "<unknown>", "<unknown>",
    ]  # fmt: skip


def test_events_of_both_apis_print_alike() -> None:
    old = thing(
        type="Normal", reason="Pulled", message=" Pulled \n", count=3,
        involvedObject={"kind": "Pod", "name": "web", "fieldPath": "spec.containers{a}"},
        source={"component": "kubelet", "host": "node-1"},
        firstTimestamp=rfc3339(EPOCH), lastTimestamp=rfc3339(EPOCH + 50),
    )  # fmt: skip
    new = thing(
        type="Normal", reason="Pulled", note="Pulled", deprecatedCount=3,
        regarding={"kind": "Pod", "name": "web", "fieldPath": "spec.containers{a}"},
        reportingController="kubelet", reportingInstance="node-1",
        deprecatedFirstTimestamp=rfc3339(EPOCH), deprecatedLastTimestamp=rfc3339(EPOCH + 50),
    )  # fmt: skip
    expected = ["10s", "Normal", "Pulled", "pod/web", "spec.containers{a}", "kubelet, node-1", "Pulled", "60s", 3, "x"]
    assert shown("v1", "Event", old) == expected
    assert shown("events.k8s.io/v1", "Event", new) == expected


def test_a_series_replaces_last_time_and_count() -> None:
    series = {"lastObservedTime": "2026-01-01T00:00:58.000000Z", "count": 7}
    obj = named("v1", "Event", thing(eventTime="2026-01-01T00:00:00.000000Z", series=series))
    assert (obj["Last Seen"], obj["First Seen"], obj["Count"]) == ("2s", "60s", 7)


def test_claims_show_their_size_once_they_are_bound() -> None:
    status = {"phase": "Bound", "capacity": {"storage": "1Gi"}, "accessModes": ["ReadWriteMany", "ReadWriteOnce"]}
    obj = thing(spec={"volumeName": "pv-1", "storageClassName": "fast", "volumeMode": "Filesystem"}, status=status)
    assert shown("v1", "PersistentVolumeClaim", obj) == [
        "x", "Bound", "pv-1", "1Gi", "RWO,RWX", "fast", "<unset>", "60s", "Filesystem",
    ]  # fmt: skip
    assert shown("v1", "PersistentVolumeClaim", thing(status={"phase": "Pending"}))[1:5] == ["Pending", "", "", ""]


@pytest.mark.parametrize(
    ("api_version", "kind", "obj", "expected"),
    [
        ("v1", "ConfigMap", {"data": {"a": "1"}, "binaryData": {"b": ""}}, ["x", 2, "60s"]),
        ("v1", "Secret", {"type": "Opaque", "data": {"a": ""}}, ["x", "Opaque", 1, "60s"]),
        ("v1", "ServiceAccount", {}, ["x", 0, "60s"]),
        ("v1", "Namespace", {"status": {"phase": "Active"}}, ["x", "Active", "60s"]),
        ("v1", "LimitRange", {}, ["x", "2026-01-01T00:00:00Z"]),
        ("coordination.k8s.io/v1", "Lease", {"spec": {"holderIdentity": "me"}}, ["x", "me", "60s"]),
        (
            "v1",
            "ResourceQuota",
            {"status": {"hard": {"pods": "2", "limits.cpu": "4"}, "used": {"pods": "1", "limits.cpu": "1"}}},
            ["x", "pods: 1/2", "limits.cpu: 1/4", "60s"],
        ),
        (
            "scheduling.k8s.io/v1",
            "PriorityClass",
            {"value": 1000, "preemptionPolicy": "Never"},
            ["x", 1000, False, "60s", "Never"],
        ),
        (
            "batch/v1",
            "CronJob",
            {"spec": {"schedule": "* * * * *", "suspend": False}},
            ["x", "* * * * *", "<none>", "False", 0, "<none>", "60s", "", "", "<none>"],
        ),
        (
            "policy/v1",
            "PodDisruptionBudget",
            {"spec": {"minAvailable": "50%"}, "status": {"disruptionsAllowed": 1}},
            ["x", "50%", "N/A", 1, "60s"],
        ),
        (
            "networking.k8s.io/v1",
            "Ingress",
            {"spec": {"ingressClassName": "nginx", "rules": [{"host": "a"}, {"host": "b"}], "tls": [{}]}},
            ["x", "nginx", "a,b", "", "80, 443", "60s"],
        ),
        ("networking.k8s.io/v1", "NetworkPolicy", {"spec": {"podSelector": {}}}, ["x", "<none>", "60s"]),
        (
            "storage.k8s.io/v1",
            "StorageClass",
            {"provisioner": "csi", "meta": {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}},
            ["x (default)", "csi", "Delete", "Immediate", False, "60s"],
        ),
        ("rbac.authorization.k8s.io/v1", "Role", {}, ["x", "2026-01-01T00:00:00Z"]),
        (
            "rbac.authorization.k8s.io/v1",
            "RoleBinding",
            {
                "roleRef": {"kind": "Role", "name": "r"},
                "subjects": [
                    {"kind": "User", "name": "jane"},
                    {"kind": "ServiceAccount", "name": "default", "namespace": "p"},
                ],
            },
            ["x", "Role/r", "60s", "jane", "", "p/default"],
        ),
        (
            "certificates.k8s.io/v1",
            "CertificateSigningRequest",
            {"spec": {"username": "me"}, "status": {"conditions": [{"type": "Approved"}], "certificate": "x"}},
            ["x", "60s", "<none>", "me", "<none>", "Approved,Issued"],
        ),
        ("example.com/v1", "EtcdCluster", {}, ["x", "60s"]),
    ],
)
def test_the_cells_of_other_kinds(api_version: str, kind: str, obj: dict[str, Any], expected: list[Any]) -> None:
    assert shown(api_version, kind, thing(**obj)) == expected


def test_a_job_says_how_far_it_is_and_how_long_it_took() -> None:
    status = {
        "succeeded": 1,
        "startTime": rfc3339(EPOCH),
        "completionTime": rfc3339(EPOCH + 30),
        "conditions": [{"type": "Complete", "status": "True"}],
    }
    done = thing(spec={"completions": 1, "template": TEMPLATE}, status=status)
    assert shown("batch/v1", "Job", done)[:5] == ["x", "Complete", "1/1", "30s", "60s"]
    running = thing(spec={"parallelism": 2}, status={"startTime": rfc3339(EPOCH)})
    assert shown("batch/v1", "Job", running)[:5] == ["x", "Running", "0/1 of 2", "60s", "60s"]


def test_an_autoscaler_shows_current_and_wanted_metrics() -> None:
    cpu = {"type": "Resource", "resource": {"name": "cpu", "target": {"averageUtilization": 50}}}
    now = {"type": "Resource", "resource": {"name": "cpu", "current": {"averageUtilization": 30}}}
    pods = {"type": "Pods", "pods": {"target": {"averageValue": "1k"}}}
    spec = {"scaleTargetRef": {"kind": "Deployment", "name": "php"}, "metrics": [cpu, pods, pods], "maxReplicas": 10}
    obj = thing(spec=spec, status={"currentMetrics": [now], "currentReplicas": 1})
    assert shown("autoscaling/v2", "HorizontalPodAutoscaler", obj) == [
        "x", "Deployment/php", "cpu: 30%/50%, <unknown>/1k + 1 more...", "<unset>", 10, 1, "60s",
    ]  # fmt: skip
    first = thing(spec={"targetCPUUtilizationPercentage": 80, "minReplicas": 2, "maxReplicas": 3})
    assert shown("autoscaling/v1", "HorizontalPodAutoscaler", first)[2:4] == ["cpu: <unknown>/80%", "2"]


@pytest.mark.parametrize("kind", sorted(PRINTERS), ids=lambda kind: ".".join(reversed(kind)).strip("."))
def test_an_object_with_nothing_in_it_still_fills_every_column(kind: tuple[str, str]) -> None:
    group, name = kind
    api_version = f"{group}/v1" if group else "v1"
    titles = columns(resource(api_version, name))
    assert len(shown(api_version, name, thing())) == len(titles)
    undescribed = ("Requestor", "cpu", "memory", "Window")
    assert all(column["description"] for column in titles if column["name"] not in undescribed), titles


def test_a_table_carries_columns_and_rows_with_metadata() -> None:
    obj = pod(container(ended(0, "Completed")), phase="Succeeded")
    pods = resource("v1", "Pod")
    made = table(pods, [obj], EPOCH + 5, resource_version="42", list_meta={"continue": "abc"})
    assert made["kind"] == "Table"
    assert made["metadata"] == {"resourceVersion": "42", "continue": "abc"}
    assert made["columnDefinitions"][0] == {
        "name": "Name",
        "type": "string",
        "format": "name",
        "description": made["columnDefinitions"][0]["description"],
        "priority": 0,
    }
    assert made["columnDefinitions"][0]["description"].startswith("Name must be unique within a namespace.")
    assert made["rows"] == [
        {
            "cells": ["web", "0/1", "Completed", "0", "5s", "<none>", "<none>", "<none>", "<none>"],
            "conditions": [
                {
                    "type": "Completed",
                    "status": "True",
                    "reason": "Succeeded",
                    "message": "The pod has completed successfully.",
                }
            ],
            "object": {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": obj["metadata"],
            },
        }
    ]


def test_a_table_includes_what_it_is_asked_to() -> None:
    obj = thing()
    maps = resource("v1", "ConfigMap")
    assert table(maps, [obj], EPOCH, include_object="Object")["rows"][0]["object"] is obj
    assert table(maps, [obj], EPOCH, include_object="None")["rows"][0]["object"] is None
    assert table(maps, [], EPOCH, no_headers=True)["columnDefinitions"] is None


def test_a_scale_is_printed_as_a_scale_whatever_it_scales() -> None:
    scale = {"kind": "Scale", **thing(spec={"replicas": 3}, status={"replicas": 2})}
    made = table(resource("apps/v1", "Deployment"), [scale], EPOCH)
    assert [column["name"] for column in made["columnDefinitions"]] == ["Name", "Desired", "Available", "Age"]
    assert made["rows"][0]["cells"] == ["x", 3, 2, "0s"]


def test_a_list_of_metadata_has_nothing_else() -> None:
    obj = thing(data={"a": "1"})
    made = partial_list([obj], {"resourceVersion": "7"})
    assert made["items"] == [
        {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
    ]


def test_flow_schemas_are_listed_in_the_order_in_which_they_are_asked() -> None:
    schemas = [thing(name, spec={"matchingPrecedence": at}) for name, at in (("a", 9), ("b", 1), ("c", 1))]
    rows = table(resource("flowcontrol.apiserver.k8s.io/v1", "FlowSchema"), schemas, 0)["rows"]
    assert [row["cells"][0] for row in rows] == ["b", "c", "a"]

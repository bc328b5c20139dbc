"""What is printed of every other kind, and the tables that carry it."""

from __future__ import annotations

from typing import Any

import pytest

from k8snb.apiserver.printing import PRINTERS, columns, partial_list, table
from k8snb.clock import EPOCH, rfc3339
from tests.apiserver.printed import (
    container,
    ended,
    named,
    pod,
    resource,
    shown,
    thing,
)

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

"""What the cluster does and how true it is: what people have to say, because no table knows it.

Beside each row are the tests that hold it. Who changes what a row speaks of changes the row.
"""

from __future__ import annotations

from typing import NamedTuple

from k8snb.coverage.table import ABSENT, EXACT, SIMPLIFIED
from k8snb.i18n import _


class Behaviour(NamedTuple):
    """Something that a cluster does: the area, what, how true it is here, a note, and the tests that hold it."""

    area: str
    name: str
    level: str
    note: str
    proof: str


def _b(area: str, name: str, level: str, proof: str, note: str = "") -> Behaviour:
    return Behaviour(area, name, level, note, f"tests/{proof}")


def areas() -> dict[str, str]:
    """The areas by the word that rows have for them, in order."""
    return {
        "api": _("The API server"),
        "access": _("Access"),
        "admission": _("Admission"),
        "control": _("The control plane and its store"),
        "workloads": _("Workloads"),
        "scheduling": _("Scheduling"),
        "nodes": _("Nodes and containers"),
        "network": _("Network"),
        "storage": _("Storage"),
        "monitoring": _("Monitoring"),
        "clients": _("Clients"),
    }


# fmt: off
BEHAVIOURS: tuple[Behaviour, ...] = (
    _b("api", "get, list, create, update, delete with preconditions and propagation", EXACT, "edge/bad_input"),
    _b("api", "JSON, merge and strategic merge patches", EXACT, "machinery/test_patch.py"),
    _b("api", "server-side apply, managed fields, conflicts", EXACT, "apiserver/test_apply.py"),
    _b("api", "defaults, validation and their messages", EXACT, "apiserver/registry"),
    _b("api", "strict, warning and ignoring field validation", EXACT, "machinery/test_schema.py"),
    _b("api", "discovery, plain and aggregated; OpenAPI v2 and v3", EXACT, "apiserver/test_openapi.py"),
    _b("api", "tables, metadata-only answers, gzip", EXACT, "apiserver/test_negotiation.py"),
    _b("api", "protobuf", SIMPLIFIED, "edge/test_reading.py", "read always, written to those who take nothing else"),
    _b("api", "CBOR", ABSENT, "apiserver/test_negotiation.py", "asked for by no client unless told to"),
    _b("api", "custom resources: schemas, pruning, defaults, rules in CEL, versions", EXACT, "apiserver/test_custom_resources.py"),
    _b("api", "the cost of rules in CEL, estimated and metered", EXACT, "machinery/test_cel_costs.py"),
    _b("api", "aggregated APIs", SIMPLIFIED, "network/test_aggregated_apis.py", "no certificate of the proxy is shown to them"),
    _b("api", "priority and fairness", SIMPLIFIED, "apiserver/test_flow.py", "a write takes no seats for those who watch it"),
    _b("api", "the audit log: policies, stages, levels", SIMPLIFIED, "apiserver/audit", "written to a file; there is no webhook backend"),
    _b("api", "/statusz and /flagz, as text and structured", SIMPLIFIED, "apiserver/test_zpages.py", "the flags that make a difference here"),
    _b("api", "encryption at rest", SIMPLIFIED, "apiserver/test_encryption.py", "with keys in the configuration; there is no kms provider"),
    _b("access", "RBAC with the roles of upstream, aggregation, escalation prevention", EXACT, "apiserver/access"),
    _b("access", "service account tokens: signed, bound, projected, expiring", EXACT, "apiserver/access/test_tokens.py"),
    _b("access", "client certificates, impersonation, anonymous", EXACT, "edge/test_client_certificates.py"),
    _b("access", "certificate requests: approved, signed, cleared away", EXACT, "apiserver/access/test_certificates.py"),
    _b("access", "the node authorizer: a node reads what its pods need", EXACT, "apiserver/access/test_nodes.py"),
    _b("admission", "quotas, limit ranges, pod security, priority, runtime classes", EXACT, "apiserver/admission"),
    _b("admission", "quotas for devices, by class and by extended resource", EXACT, "apiserver/admission/test_resource_quota.py"),
    _b("admission", "validating and mutating policies", EXACT, "apiserver/admission/test_policies.py"),
    _b("admission", "webhooks", SIMPLIFIED, "apiserver/admission/test_webhooks.py", "a pod, a function in Python or a URL; no certificate is looked at on the pod network"),
    _b("control", "every part stops and starts alone; leaders by Lease", EXACT, "test_election.py"),
    _b("control", "its parts as static pods", ABSENT, "test_components.py", "they are no pods: kube-system is empty at first"),
    _b("control", "etcd: revisions, watches, compaction, leases", EXACT, "store"),
    _b("control", "etcd's members: elections, quorum, partitions, member changes, snapshots", SIMPLIFIED, "raft", "messages take no time"),
    _b("control", "leases of clients: in the log, in snapshots, after a restart", EXACT, "etcd/test_leases.py"),
    _b("control", "ports of kube-scheduler and kube-controller-manager", SIMPLIFIED, "test_ports.py", "health, /statusz, /flagz and a few metrics"),
    _b("control", "etcdctl and etcdutl", SIMPLIFIED, "etcd/test_etcdctl.py", "objects are shown as JSON, not as protobuf"),
    _b("control", "what was acknowledged survives the process", SIMPLIFIED, "edge/test_durability.py", "the newest version of each object, without its history"),
    _b("workloads", "Deployments: rollouts, revisions, progress deadlines", EXACT, "controllers/test_rolling.py"),
    _b("workloads", "StatefulSets: order, partitions, revisions, claims", EXACT, "controllers/test_statefulset.py"),
    _b("workloads", "DaemonSets: placement, rollouts with or without surge", EXACT, "controllers/test_daemonset.py"),
    _b("workloads", "Jobs: indexes, back-off, policies, suspension, clean-up", EXACT, "controllers/test_job.py"),
    _b("workloads", "CronJobs: time zones, deadlines, concurrency, history", EXACT, "controllers/test_cronjob.py"),
    _b("workloads", "autoscalers: the arithmetic, windows, policies", EXACT, "controllers/test_autoscaler.py"),
    _b("workloads", "disruption budgets and evictions", EXACT, "controllers/test_disruptionbudget.py"),
    _b("workloads", "garbage collection, finalizers, orphans", EXACT, "controllers/test_garbagecollector.py"),
    _b("scheduling", "filters, scores and preemption of the default plugins", EXACT, "scheduler/test_upstream_tables.py"),
    _b("scheduling", "the queue: back-off, hints, gates", EXACT, "scheduler/test_upstream_hints.py"),
    _b("scheduling", "profiles, arguments, weights, plugins of one's own", EXACT, "scheduler/test_configuration.py"),
    _b("scheduling", "extenders: filter, prioritize, preempt, bind", EXACT, "scheduler/test_extenders.py"),
    _b("scheduling", "decisions, with what extenders said: the node that won", SIMPLIFIED, "scheduler/test_extended_decisions.py", "extenders' answers are not in a file"),
    _b("scheduling", "dynamic resource allocation", SIMPLIFIED, "scheduler/test_device_search.py", "a driver to install; the search has no time limit"),
    _b("nodes", "pod lifecycle, probes, hooks, restarts, init and sidecar containers", EXACT, "kubelet/test_podworker.py"),
    _b("nodes", "resizing in place, static pods and their mirrors, image volumes", EXACT, "kubelet/test_resizing.py"),
    _b("nodes", "features that kubelets declare, and what needs them", SIMPLIFIED, "apiserver/admission/test_declared_features.py", "those of resizes; containers are not restarted together"),
    _b("nodes", "containers", SIMPLIFIED, "kubelet/test_images.py", "an image is a small program; durations are constant"),
    _b("nodes", "cgroups", SIMPLIFIED, "kubelet/test_cgroups.py", "worked out; only the memory limit is enforced"),
    _b("nodes", "usage", SIMPLIFIED, "apiserver/test_usage.py", "what the simulated programs say; machines use a constant"),
    _b("nodes", "node pressure", SIMPLIFIED, "kubelet/test_eviction.py", "memory and disk; no images are cleared away"),
    _b("nodes", "heartbeats, lost nodes, taint-based eviction", EXACT, "controllers/test_nodelifecycle.py"),
    _b("network", "Services, slices, affinity, traffic policies", EXACT, "network/test_proxy.py"),
    _b("network", "hand-written Endpoints and their slices", EXACT, "controllers/test_mirroring.py"),
    _b("network", "rules of kube-proxy: iptables, nftables", EXACT, "network/rules/test_upstream_texts.py"),
    _b("network", "the CNI protocol and its plugins", EXACT, "cni/test_protocol.py"),
    _b("network", "network policies", SIMPLIFIED, "network/policies", "judged when a connection opens"),
    _b("network", "packets", SIMPLIFIED, "network/test_path.py", "TCP over IPv4, worked out when one comes by"),
    _b("network", "Ingress, by a controller to install", SIMPLIFIED, "ingress/test_ingress.py", "routing is that of the documentation; TLS is a certificate that is shown"),
    _b("network", "Gateway API: GatewayClass, Gateway, HTTPRoute, ReferenceGrant", SIMPLIFIED, "ingress/test_gateway_routing.py", "by the same controller; no other kinds of routes"),
    _b("network", "load balancers", SIMPLIFIED, "controllers/test_loadbalancers.py", "where the cluster has a cloud"),
    _b("network", "DNS", SIMPLIFIED, "network/test_dns.py", "no SRV records, no names outside"),
    _b("storage", "binding of claims, protection, reclaim policies", EXACT, "controllers/test_volumes.py"),
    _b("storage", "CSI's messages and their order", EXACT, "csi/test_conformance.py"),
    _b("storage", "provisioning, attaching, mounting, growing, snapshots, attributes", SIMPLIFIED, "csi", "a driver to install; calls take two seconds, and volumes are never full"),
    _b("monitoring", "PromQL, with Prometheus's rate, staleness and extrapolation", EXACT, "metrics/test_same_as_real.py"),
    _b("monitoring", "discovery, relabelling, scraping, rules, routing of alerts", EXACT, "metrics"),
    _b("clients", "kubectl 1.27 to 1.33, the official Python client", EXACT, "edge/test_real_kubectl.py"),
    _b("clients", "the built-in kubectl", EXACT, "kubectl/test_same_as_real.py"),
    _b("clients", "kr8s, lightkube, an operator of kopf", EXACT, "clients"),
    _b("clients", "helm", SIMPLIFIED, "helm", "no network: repositories are folders; no plugins and signatures"),
    _b("clients", "exec, attach, logs -f, port-forward over WebSocket and SPDY", EXACT, "edge/test_sessions.py"),
)
# fmt: on

"""Which kind has which describer."""

from __future__ import annotations

from collections.abc import Mapping

from k8snb.kubectl.describe.access import describe_role, describe_role_binding, describe_signing_request
from k8snb.kubectl.describe.autoscaling import describe_autoscaler
from k8snb.kubectl.describe.config import (
    describe_config_map,
    describe_priority_class,
    describe_secret,
    describe_service_account,
)
from k8snb.kubectl.describe.context import Describer
from k8snb.kubectl.describe.generic import describe_anything
from k8snb.kubectl.describe.namespaces import describe_limit_range, describe_namespace, describe_quota
from k8snb.kubectl.describe.network import describe_endpoint_slice, describe_endpoints, describe_service
from k8snb.kubectl.describe.nodes import describe_node
from k8snb.kubectl.describe.pods import describe_pod
from k8snb.kubectl.describe.routing import (
    describe_address,
    describe_ingress,
    describe_ingress_class,
    describe_network_policy,
    describe_service_range,
)
from k8snb.kubectl.describe.storage import (
    describe_budget,
    describe_claim,
    describe_storage_class,
    describe_storage_node,
    describe_volume,
)
from k8snb.kubectl.describe.workloads import (
    describe_cron_job,
    describe_daemon_set,
    describe_deployment,
    describe_job,
    describe_replica_set,
    describe_stateful_set,
)
from k8snb.typing import Resource

DESCRIBERS: Mapping[tuple[str, str], Describer] = {
    ("", "ConfigMap"): describe_config_map,
    ("", "Endpoints"): describe_endpoints,
    ("", "LimitRange"): describe_limit_range,
    ("", "Namespace"): describe_namespace,
    ("", "Node"): describe_node,
    ("", "PersistentVolume"): describe_volume,
    ("", "PersistentVolumeClaim"): describe_claim,
    ("", "Pod"): describe_pod,
    ("", "ReplicationController"): describe_replica_set,
    ("", "ResourceQuota"): describe_quota,
    ("", "Secret"): describe_secret,
    ("", "Service"): describe_service,
    ("", "ServiceAccount"): describe_service_account,
    ("apps", "DaemonSet"): describe_daemon_set,
    ("apps", "Deployment"): describe_deployment,
    ("apps", "ReplicaSet"): describe_replica_set,
    ("apps", "StatefulSet"): describe_stateful_set,
    ("autoscaling", "HorizontalPodAutoscaler"): describe_autoscaler,
    ("batch", "CronJob"): describe_cron_job,
    ("batch", "Job"): describe_job,
    ("certificates.k8s.io", "CertificateSigningRequest"): describe_signing_request,
    ("discovery.k8s.io", "EndpointSlice"): describe_endpoint_slice,
    ("networking.k8s.io", "IPAddress"): describe_address,
    ("networking.k8s.io", "Ingress"): describe_ingress,
    ("networking.k8s.io", "IngressClass"): describe_ingress_class,
    ("networking.k8s.io", "NetworkPolicy"): describe_network_policy,
    ("networking.k8s.io", "ServiceCIDR"): describe_service_range,
    ("policy", "PodDisruptionBudget"): describe_budget,
    ("rbac.authorization.k8s.io", "ClusterRole"): describe_role,
    ("rbac.authorization.k8s.io", "ClusterRoleBinding"): describe_role_binding,
    ("rbac.authorization.k8s.io", "Role"): describe_role,
    ("rbac.authorization.k8s.io", "RoleBinding"): describe_role_binding,
    ("scheduling.k8s.io", "PriorityClass"): describe_priority_class,
    ("storage.k8s.io", "CSINode"): describe_storage_node,
    ("storage.k8s.io", "StorageClass"): describe_storage_class,
}


def describer_of(resource: Resource) -> Describer:
    """The describer of a resource; the one for anything where it has none of its own."""
    return DESCRIBERS.get((resource.group, resource.kind), describe_anything)

"""What can be set when the controllers start: upstream's flags of kube-controller-manager, with its defaults."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from k8snb.machinery.x509 import Authority
from k8snb.typing import Object


@dataclass(frozen=True, slots=True)
class Settings:
    """Flags of the controller manager; times in seconds."""

    node_monitor_period: float = 5.0
    """`--node-monitor-period`: how often node health is looked at."""

    node_monitor_grace_period: float = 50.0
    """`--node-monitor-grace-period`: for how long a node may be silent."""

    node_startup_grace_period: float = 60.0
    """`--node-startup-grace-period`: for how long a new node may be silent."""

    node_eviction_rate: float = 0.1
    """`--node-eviction-rate`: how many nodes of a zone get NoExecute taints per second."""

    secondary_node_eviction_rate: float = 0.01
    """`--secondary-node-eviction-rate`: the same, in a large zone where most nodes are unhealthy."""

    unhealthy_zone_threshold: float = 0.55
    """`--unhealthy-zone-threshold`: the share of unhealthy nodes from which the zone itself is suspect."""

    large_cluster_size_threshold: int = 50
    """`--large-cluster-size-threshold`: smaller zones that are suspect get no NoExecute taints at all."""

    terminated_pod_gc_threshold: int = 12_500
    """`--terminated-pod-gc-threshold`: how many ended pods may exist."""

    cluster_cidr: str = "10.244.0.0/16"
    """`--cluster-cidr`: where the pod addresses of all nodes come from."""

    node_cidr_mask_size: int = 24
    """`--node-cidr-mask-size`: the size of one node's range."""

    max_endpoints_per_slice: int = 100
    """`--max-endpoints-per-slice`."""

    mirror_endpoints: bool = True
    """Whether Services also get their deprecated Endpoints object, as they do upstream."""

    root_ca: str = ""
    """`--root-ca-file`, its content: what the ConfigMap kube-root-ca.crt holds."""

    token_cleanup_period: float = 365 * 86400.0
    """`--legacy-service-account-token-clean-up-period`: after what time without use generated tokens are cleaned up."""

    sign_token: Callable[[Object, Object], str] | None = None
    """`--service-account-private-key-file`: makes the token of an account that a Secret shall hold."""

    check_discovery: Callable[[Object], str] = lambda spec: ""
    """What is wrong with the answers of the server that an APIService names; empty where nothing is."""

    authority: Authority | None = None
    """`--cluster-signing-cert-file`: signs the certificates that are asked for."""


DEFAULTS = Settings()

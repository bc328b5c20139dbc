"""Which strategy a kind has: storage bucket (`pods`, `deployments.apps`) → a maker of its strategy.

Each family lists its own kinds; a kind that none lists has the plain `Strategy`. A maker is given the
cluster's lottery, for the few kinds that draw (a Service's node port).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.apiserver.registry import (
    admission_policies,
    api_services,
    apps,
    autoscaling,
    certificates,
    coordination,
    core,
    csi,
    definitions,
    discovery,
    disruption,
    endpoints,
    events,
    flow_control,
    ingresses,
    jobs,
    network_policies,
    nodes,
    pods,
    quotas,
    rbac,
    replication,
    resource_claims,
    runtime_classes,
    scheduling,
    secrets,
    service_ranges,
    services,
    storage_classes,
    storage_core,
    webhook_configurations,
)
from k8snb.apiserver.registry.strategy import Strategy
from k8snb.machinery.names import Lottery

STRATEGIES: Mapping[str, Callable[[Lottery], Strategy]] = {
    **core.STRATEGIES,
    **secrets.STRATEGIES,
    **quotas.STRATEGIES,
    **nodes.STRATEGIES,
    **pods.STRATEGIES,
    **replication.STRATEGIES,
    **services.STRATEGIES,
    **endpoints.STRATEGIES,
    **storage_core.STRATEGIES,
    **events.STRATEGIES,
    **apps.STRATEGIES,
    **discovery.STRATEGIES,
    **coordination.STRATEGIES,
    **scheduling.STRATEGIES,
    **rbac.STRATEGIES,
    **certificates.STRATEGIES,
    **jobs.STRATEGIES,
    **disruption.STRATEGIES,
    **autoscaling.STRATEGIES,
    **ingresses.STRATEGIES,
    **network_policies.STRATEGIES,
    **service_ranges.STRATEGIES,
    **storage_classes.STRATEGIES,
    **csi.STRATEGIES,
    **runtime_classes.STRATEGIES,
    **flow_control.STRATEGIES,
    **resource_claims.STRATEGIES,
    **definitions.STRATEGIES,
    **admission_policies.STRATEGIES,
    **webhook_configurations.STRATEGIES,
    **api_services.STRATEGIES,
}

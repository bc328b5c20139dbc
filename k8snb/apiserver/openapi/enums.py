"""Fields with a fixed set of values, which the published definitions leave out.

The server adds to the schema of such a field the values it takes, and to its description a line on each;
`kubectl explain` shows both. The values are facts of the API. Their texts are what a 1.36 server answers for
deployment strategies, URI schemes and service types, where we have its recorded answer, and words of our own
elsewhere; where the value says it all there is no text.
"""

from __future__ import annotations

from collections.abc import Mapping

Values = Mapping[str, str]


def _bare(*values: str) -> Values:
    return dict.fromkeys(sorted(values), "")


_PROTOCOL = {"SCTP": "is the SCTP protocol.", "TCP": "is the TCP protocol.", "UDP": "is the UDP protocol."}
_PULL = {
    "Always": "asks the registry on every start, and pulls what has changed.",
    "IfNotPresent": "pulls only when the node does not have the image.",
    "Never": "uses the image that the node has; without one the container does not start.",
}
_MESSAGE = {
    "FallbackToLogsOnError": "takes the end of the log when the container failed and the file is empty.",
    "File": "reads the message from the file alone.",
}
_EFFECT = {
    "NoExecute": "keeps pods away and evicts those that run there and do not tolerate the taint.",
    "NoSchedule": "keeps new pods away that do not tolerate the taint; running pods stay.",
    "PreferNoSchedule": "keeps new pods away as long as there is another node for them.",
}
_SELECT = _bare("DoesNotExist", "Exists", "Gt", "In", "Lt", "NotIn")
_ACCESS = {
    "ReadOnlyMany": "can be mounted read-only by many nodes.",
    "ReadWriteMany": "can be mounted read-write by many nodes.",
    "ReadWriteOnce": "can be mounted read-write by one node.",
    "ReadWriteOncePod": "can be mounted read-write by one pod.",
}
_MODE = {"Block": "hands the device to the container.", "Filesystem": "mounts the volume with a file system."}
_RECLAIM = {
    "Delete": "deletes the volume, and what is behind it, when its claim is gone.",
    "Recycle": "wipes the volume and offers it again (deprecated).",
    "Retain": "leaves the volume as it is, in the phase Released, for somebody to look after.",
}
_HONOR = {"Honor": "leaves out the nodes that do not fit.", "Ignore": "counts every node."}
_PREEMPT = {
    "Never": "waits in the queue ahead of pods with lower priority, but displaces none.",
    "PreemptLowerPriority": "displaces pods with lower priority where that makes room.",
}
_SCOPES = _bare(
    "BestEffort", "CrossNamespacePodAffinity", "NotBestEffort", "NotTerminating", "PriorityClass", "Terminating",
    "VolumeAttributesClass",
)  # fmt: skip

ENUMS: Mapping[str, Values] = {
    "apps.v1.DaemonSetUpdateStrategy.type": {
        "OnDelete": "replaces a pod when somebody deletes it.",
        "RollingUpdate": "replaces the pods node by node.",
    },
    "apps.v1.DeploymentStrategy.type": {
        "Recreate": "Kill all existing pods before creating new ones.",
        "RollingUpdate": (
            "Replace the old ReplicaSets by new one using rolling update i.e gradually scale down the old"
            " ReplicaSets and scale up the new one."
        ),
    },
    "apps.v1.StatefulSetSpec.podManagementPolicy": {
        "OrderedReady": "creates pods one after the other, each when the one before is ready, and deletes in reverse.",
        "Parallel": "creates and deletes pods all at once.",
    },
    "apps.v1.StatefulSetUpdateStrategy.type": {
        "OnDelete": "replaces a pod when somebody deletes it.",
        "RollingUpdate": "replaces the pods in order, the highest ordinal first.",
    },
    "batch.v1.CronJobSpec.concurrencyPolicy": {
        "Allow": "lets jobs overlap.",
        "Forbid": "skips a run while the one before has not finished.",
        "Replace": "stops the running job and starts the new one.",
    },
    "batch.v1.JobSpec.completionMode": {
        "Indexed": "is complete when there is a successful pod for every index.",
        "NonIndexed": "is complete when enough pods have succeeded, whichever they are.",
    },
    "batch.v1.JobSpec.podReplacementPolicy": {
        "Failed": "replaces a pod once it has failed for good.",
        "TerminatingOrFailed": "replaces a pod as soon as it is terminating.",
    },
    "batch.v1.PodFailurePolicyRule.action": {
        "Count": "counts the failure towards the back-off limit.",
        "FailIndex": "fails the index of the pod.",
        "FailJob": "fails the job at once and stops its pods.",
        "Ignore": "replaces the pod without counting the failure.",
    },
    "batch.v1.PodFailurePolicyOnExitCodesRequirement.operator": _bare("In", "NotIn"),
    "core.v1.AppArmorProfile.type": _bare("Localhost", "RuntimeDefault", "Unconfined"),
    "core.v1.Container.imagePullPolicy": _PULL,
    "core.v1.Container.terminationMessagePolicy": _MESSAGE,
    "core.v1.ContainerPort.protocol": _PROTOCOL,
    "core.v1.EndpointPort.protocol": _PROTOCOL,
    "core.v1.EphemeralContainer.imagePullPolicy": _PULL,
    "core.v1.EphemeralContainer.terminationMessagePolicy": _MESSAGE,
    "core.v1.HTTPGetAction.scheme": {
        "HTTP": "means that the scheme used will be http://",
        "HTTPS": "means that the scheme used will be https://",
    },
    "core.v1.HostPathVolumeSource.type": {
        "": "checks nothing before the mount.",
        "BlockDevice": "wants a block device there.",
        "CharDevice": "wants a character device there.",
        "Directory": "wants a directory there.",
        "DirectoryOrCreate": "makes an empty directory if there is nothing.",
        "File": "wants a file there.",
        "FileOrCreate": "makes an empty file if there is nothing.",
        "Socket": "wants a Unix socket there.",
    },
    "core.v1.NamespaceStatus.phase": {
        "Active": "is in use.",
        "Terminating": "is being emptied and takes no new objects.",
    },
    "core.v1.NodeSelectorRequirement.operator": _SELECT,
    "core.v1.NodeStatus.phase": _bare("Pending", "Running", "Terminated"),
    "core.v1.PersistentVolumeClaimSpec.accessModes": _ACCESS,
    "core.v1.PersistentVolumeClaimSpec.volumeMode": _MODE,
    "core.v1.PersistentVolumeClaimStatus.accessModes": _ACCESS,
    "core.v1.PersistentVolumeClaimStatus.phase": {
        "Bound": "has its volume.",
        "Lost": "has lost the volume that it was bound to.",
        "Pending": "waits for a volume.",
    },
    "core.v1.PersistentVolumeSpec.accessModes": _ACCESS,
    "core.v1.PersistentVolumeSpec.persistentVolumeReclaimPolicy": _RECLAIM,
    "core.v1.PersistentVolumeSpec.volumeMode": _MODE,
    "core.v1.PersistentVolumeStatus.phase": {
        "Available": "can be claimed.",
        "Bound": "belongs to a claim.",
        "Failed": "could not be deleted or recycled.",
        "Pending": "is not yet there.",
        "Released": "belonged to a claim that is gone, and has not been reclaimed.",
    },
    "core.v1.PodSecurityContext.fsGroupChangePolicy": _bare("Always", "OnRootMismatch"),
    "core.v1.PodSecurityContext.supplementalGroupsPolicy": _bare("Merge", "Strict"),
    "core.v1.PodSpec.dnsPolicy": {
        "ClusterFirst": "asks the cluster's DNS, unless the pod uses the host's network.",
        "ClusterFirstWithHostNet": "asks the cluster's DNS in every case.",
        "Default": "asks whom the node asks.",
        "None": "takes what dnsConfig says and nothing else.",
    },
    "core.v1.PodSpec.preemptionPolicy": _PREEMPT,
    "core.v1.PodSpec.restartPolicy": _bare("Always", "Never", "OnFailure"),
    "core.v1.PodStatus.phase": {
        "Failed": "all containers have ended and at least one of them failed.",
        "Pending": "accepted, but not all containers have been started; covers scheduling and pulling images.",
        "Running": "bound to a node, and at least one container runs or is being restarted.",
        "Succeeded": "all containers have ended without failure and will not be restarted.",
        "Unknown": "the state could not be found out (no longer set).",
    },
    "core.v1.PodStatus.qosClass": {
        "BestEffort": "asks for nothing; the first to be evicted.",
        "Burstable": "asks for something, but not for all that it may use.",
        "Guaranteed": "asks for exactly what it may use; the last to be evicted.",
    },
    "core.v1.PortStatus.protocol": _PROTOCOL,
    "core.v1.ResourceQuotaSpec.scopes": _SCOPES,
    "core.v1.ScopedResourceSelectorRequirement.operator": _bare("DoesNotExist", "Exists", "In", "NotIn"),
    "core.v1.ScopedResourceSelectorRequirement.scopeName": _SCOPES,
    "core.v1.SeccompProfile.type": _bare("Localhost", "RuntimeDefault", "Unconfined"),
    "core.v1.SecurityContext.procMount": _bare("Default", "Unmasked"),
    "core.v1.ServicePort.protocol": _PROTOCOL,
    "core.v1.ServiceSpec.externalTrafficPolicy": {
        "Cluster": "sends traffic to any endpoint, on whichever node.",
        "Local": "sends traffic only to endpoints on the node where it came in, and keeps the client's address.",
    },
    "core.v1.ServiceSpec.internalTrafficPolicy": {
        "Cluster": "sends traffic to any endpoint, on whichever node.",
        "Local": "sends traffic only to endpoints on the node where it came from.",
    },
    "core.v1.ServiceSpec.ipFamilies": _bare("", "IPv4", "IPv6"),
    "core.v1.ServiceSpec.ipFamilyPolicy": {
        "PreferDualStack": "takes both families where the cluster has both.",
        "RequireDualStack": "takes both families, or fails.",
        "SingleStack": "takes one family.",
    },
    "core.v1.ServiceSpec.sessionAffinity": {
        "ClientIP": "sends a client to the endpoint that it had before.",
        "None": "sends each connection wherever it falls.",
    },
    "core.v1.ServiceSpec.type": {
        "ClusterIP": "means a service will only be accessible inside the cluster, via the cluster IP.",
        "ExternalName": (
            "means a service consists of only a reference to an external name that kubedns or equivalent will"
            " return as a CNAME record, with no exposing or proxying of any pods involved."
        ),
        "LoadBalancer": (
            "means a service will be exposed via an external load balancer (if the cloud provider supports it),"
            " in addition to 'NodePort' type."
        ),
        "NodePort": ("means a service will be exposed on one port of every node, in addition to 'ClusterIP' type."),
    },
    "core.v1.Taint.effect": _EFFECT,
    "core.v1.Toleration.effect": _EFFECT,
    "core.v1.Toleration.operator": _bare("Equal", "Exists", "Gt", "Lt"),
    "core.v1.TopologySpreadConstraint.nodeAffinityPolicy": _HONOR,
    "core.v1.TopologySpreadConstraint.nodeTaintsPolicy": _HONOR,
    "core.v1.TopologySpreadConstraint.whenUnsatisfiable": {
        "DoNotSchedule": "leaves the pod pending.",
        "ScheduleAnyway": "prefers the nodes that keep the skew small.",
    },
    "core.v1.VolumeMount.mountPropagation": {
        "Bidirectional": "shows mounts in both directions.",
        "HostToContainer": "shows the container what is mounted later on the host.",
        "None": "shows neither what the other mounts later.",
    },
    "discovery.v1.EndpointPort.protocol": _PROTOCOL,
    "discovery.v1.EndpointSlice.addressType": {
        "FQDN": "is a domain name.",
        "IPv4": "is an IPv4 address.",
        "IPv6": "is an IPv6 address.",
    },
    "networking.v1.HTTPIngressPath.pathType": {
        "Exact": "is the path, to the letter.",
        "ImplementationSpecific": "is whatever the ingress class makes of it.",
        "Prefix": "begins the path, element by element.",
    },
    "networking.v1.NetworkPolicyPort.protocol": _PROTOCOL,
    "networking.v1.NetworkPolicySpec.policyTypes": _bare("Egress", "Ingress"),
    "policy.v1.PodDisruptionBudgetSpec.unhealthyPodEvictionPolicy": _bare("AlwaysAllow", "IfHealthyBudget"),
    "scheduling.v1.PriorityClass.preemptionPolicy": _PREEMPT,
    "storage.v1.CSIDriverSpec.fsGroupPolicy": _bare("File", "None", "ReadWriteOnceWithFSType"),
    "storage.v1.StorageClass.reclaimPolicy": _RECLAIM,
    "storage.v1.StorageClass.volumeBindingMode": {
        "Immediate": "provisions and binds when the claim is made.",
        "WaitForFirstConsumer": "waits until a pod that uses the claim has been given a node.",
    },
}
"""The values of each field and what they mean, by type and field, without the prefix `io.k8s.api.`."""


def values_of(definition: str, field: str) -> Values | None:
    """The fixed values of a field; None if it takes any."""
    return ENUMS.get(f"{definition.removeprefix('io.k8s.api.')}.{field}")


def explained(description: str, values: Values) -> str:
    """The description of a field with its values listed at the end."""
    lines = [f' - `"{value}"`' + (f" {text}" if text else "") for value, text in sorted(values.items())]
    return "\n".join([*([description, ""] if description else []), "Possible enum values:", *lines])

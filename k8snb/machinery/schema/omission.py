"""Which empty values an object keeps: what Go's `omitempty` does, as far as the schema can tell.

An object that has gone through the API server has lost what is empty and optional, because Go writes it
out again. The schema does not say which fields are pointers (a pointer to an empty value is kept), so the
rule is:

- an optional string, list or map that is empty is dropped, unless `KEPT` names it;
- an optional number or boolean that is zero stays, unless `DROPPED` names it;
- a struct stays, even an empty one (`emptyDir: {}`), and `ADDED` names those that Go writes always;
- required fields stay whatever they are.

Source: the `json` tags and pointer types in `k8s.io/api/*/types.go`.
"""

from __future__ import annotations

from collections.abc import Mapping


def _table(text: str) -> Mapping[str, frozenset[str]]:
    rows = (line.split() for line in text.strip().splitlines())
    return {name: frozenset(fields) for name, *fields in rows}


KEPT = _table("""
admissionregistration.v1.MutatingWebhook failurePolicy matchPolicy reinvocationPolicy sideEffects
admissionregistration.v1.RuleWithOperations scope
admissionregistration.v1.ServiceReference path
admissionregistration.v1.ValidatingWebhook failurePolicy matchPolicy sideEffects
admissionregistration.v1.WebhookClientConfig url
autoscaling.v2.HPAScalingRules selectPolicy
batch.v1.CronJobSpec timeZone
batch.v1.JobSpec completionMode managedBy podReplacementPolicy
batch.v1.PodFailurePolicyOnExitCodesRequirement containerName
coordination.v1.LeaseSpec holderIdentity preferredHolder strategy
core.v1.AppArmorProfile localhostProfile
core.v1.AzureDiskVolumeSource cachingMode fsType kind
core.v1.AzureFilePersistentVolumeSource secretNamespace
core.v1.CSIVolumeSource fsType
core.v1.ClusterTrustBundleProjection name signerName
core.v1.Container restartPolicy
core.v1.EndpointAddress nodeName
core.v1.EndpointPort appProtocol
core.v1.EphemeralContainer restartPolicy
core.v1.GRPCAction service
core.v1.HostPathVolumeSource type
core.v1.ISCSIPersistentVolumeSource initiatorName
core.v1.ISCSIVolumeSource initiatorName
core.v1.Lifecycle stopSignal
core.v1.LoadBalancerIngress ipMode
core.v1.LocalVolumeSource fsType
core.v1.PersistentVolumeClaimSpec storageClassName volumeAttributesClassName volumeMode
core.v1.PersistentVolumeClaimStatus currentVolumeAttributesClassName
core.v1.PersistentVolumeSpec volumeAttributesClassName volumeMode
core.v1.PodDNSConfigOption value
core.v1.PodResourceClaim resourceClaimName resourceClaimTemplateName
core.v1.PodResourceClaimStatus resourceClaimName
core.v1.PodSecurityContext fsGroupChangePolicy seLinuxChangePolicy supplementalGroupsPolicy
core.v1.PodSpec hostnameOverride preemptionPolicy runtimeClassName
core.v1.SeccompProfile localhostProfile
core.v1.SecurityContext procMount
core.v1.ServicePort appProtocol
core.v1.ServiceSpec internalTrafficPolicy ipFamilyPolicy loadBalancerClass trafficDistribution
core.v1.TopologySpreadConstraint nodeAffinityPolicy nodeTaintsPolicy
core.v1.TypedLocalObjectReference apiGroup
core.v1.TypedObjectReference apiGroup namespace
core.v1.VolumeMount mountPropagation recursiveReadOnly
core.v1.WindowsSecurityContextOptions gmsaCredentialSpec gmsaCredentialSpecName runAsUserName
discovery.v1.Endpoint hostname nodeName zone
discovery.v1.EndpointPort appProtocol name protocol
meta.v1.DeleteOptions propagationPolicy
meta.v1.Preconditions resourceVersion uid
networking.v1.HTTPIngressPath pathType
networking.v1.IngressClassParametersReference apiGroup namespace scope
networking.v1.IngressPortStatus error
networking.v1.IngressSpec ingressClassName
networking.v1.NetworkPolicyPort protocol
policy.v1.PodDisruptionBudgetSpec unhealthyPodEvictionPolicy
rbac.v1.ClusterRole rules
rbac.v1.Role rules
scheduling.v1.PriorityClass preemptionPolicy
storage.v1.CSIDriverSpec fsGroupPolicy
storage.v1.StorageClass reclaimPolicy volumeBindingMode
storage.v1.VolumeAttachmentSource persistentVolumeName
""")
"""Strings and lists that are kept although they are optional and empty."""

DROPPED = _table("""
admissionregistration.v1.ValidatingAdmissionPolicyStatus observedGeneration
apps.v1.DaemonSetSpec minReadySeconds
apps.v1.DaemonSetStatus numberAvailable numberUnavailable observedGeneration updatedNumberScheduled
apps.v1.DeploymentSpec minReadySeconds paused
apps.v1.DeploymentStatus availableReplicas observedGeneration readyReplicas replicas unavailableReplicas updatedReplicas
apps.v1.ReplicaSetSpec minReadySeconds
apps.v1.ReplicaSetStatus availableReplicas fullyLabeledReplicas observedGeneration readyReplicas
apps.v1.StatefulSetSpec minReadySeconds
apps.v1.StatefulSetStatus currentReplicas observedGeneration readyReplicas updatedReplicas
authentication.v1.TokenReviewStatus authenticated
authorization.v1.SubjectAccessReviewStatus denied
autoscaling.v2.HorizontalPodAutoscalerStatus currentReplicas
batch.v1.JobStatus active failed succeeded
core.v1.AWSElasticBlockStoreVolumeSource partition readOnly
core.v1.AzureFilePersistentVolumeSource readOnly
core.v1.AzureFileVolumeSource readOnly
core.v1.CSIPersistentVolumeSource readOnly
core.v1.CephFSPersistentVolumeSource readOnly
core.v1.CephFSVolumeSource readOnly
core.v1.CinderPersistentVolumeSource readOnly
core.v1.CinderVolumeSource readOnly
core.v1.Container stdin stdinOnce tty
core.v1.ContainerImage sizeBytes
core.v1.ContainerPort hostPort
core.v1.ContainerStateTerminated signal
core.v1.EphemeralContainer stdin stdinOnce tty
core.v1.Event count
core.v1.EventSeries count
core.v1.FCVolumeSource readOnly
core.v1.FlexPersistentVolumeSource readOnly
core.v1.FlexVolumeSource readOnly
core.v1.GCEPersistentDiskVolumeSource partition readOnly
core.v1.GlusterfsPersistentVolumeSource readOnly
core.v1.GlusterfsVolumeSource readOnly
core.v1.ISCSIPersistentVolumeSource chapAuthDiscovery chapAuthSession readOnly
core.v1.ISCSIVolumeSource chapAuthDiscovery chapAuthSession readOnly
core.v1.NFSVolumeSource readOnly
core.v1.NodeSpec unschedulable
core.v1.PersistentVolumeClaimVolumeSource readOnly
core.v1.PodCondition observedGeneration
core.v1.PodSpec hostIPC hostNetwork hostPID
core.v1.PodStatus observedGeneration
core.v1.PortworxVolumeSource readOnly
core.v1.Probe failureThreshold initialDelaySeconds periodSeconds successThreshold timeoutSeconds
core.v1.QuobyteVolumeSource readOnly
core.v1.RBDPersistentVolumeSource readOnly
core.v1.RBDVolumeSource readOnly
core.v1.ReplicationControllerSpec minReadySeconds
core.v1.ReplicationControllerStatus availableReplicas fullyLabeledReplicas observedGeneration readyReplicas
core.v1.ScaleIOPersistentVolumeSource readOnly sslEnabled
core.v1.ScaleIOVolumeSource readOnly sslEnabled
core.v1.ServicePort nodePort
core.v1.ServiceSpec healthCheckNodePort publishNotReadyAddresses
core.v1.StorageOSPersistentVolumeSource readOnly
core.v1.StorageOSVolumeSource readOnly
core.v1.VolumeMount readOnly
core.v1.VolumeMountStatus readOnly
events.v1.Event deprecatedCount
meta.v1.Condition observedGeneration
meta.v1.ObjectMeta generation
meta.v1.Status code
meta.v1.StatusDetails retryAfterSeconds
networking.v1.ServiceBackendPort number
policy.v1.PodDisruptionBudgetStatus observedGeneration
scheduling.v1.PriorityClass globalDefault
""")
"""Numbers and booleans that are dropped when they are zero."""

ADDED = _table("""
batch.v1.JobTemplateSpec metadata
core.v1.Container resources
core.v1.EphemeralContainer resources
core.v1.PersistentVolumeClaimSpec resources
core.v1.PersistentVolumeClaimTemplate metadata
discovery.v1.Endpoint conditions
networking.v1.NetworkPolicySpec podSelector
resource.v1.ResourceClaimTemplateSpec metadata
""")
"""Structs that are there even when nobody wrote them, besides the `spec` of every kind that has one."""

ZEROS: Mapping[str, Mapping[str, object]] = {
    "discovery.v1.EndpointSlice": {"endpoints": None, "ports": None},
    "rbac.v1.ClusterRole": {"rules": None},
    "rbac.v1.Role": {"rules": None},
    "scheduling.v1.PriorityClass": {"value": 0},
    "storage.v1.CSINodeSpec": {"drivers": None},
}
"""What Go writes for other fields that nobody wrote, of kinds that are valid without them."""

GO_TYPES: Mapping[tuple[str, str], str] = {
    ("core.v1.Container", "imagePullPolicy"): "v1.PullPolicy",
    ("core.v1.Container", "terminationMessagePolicy"): "v1.TerminationMessagePolicy",
    ("core.v1.ContainerPort", "protocol"): "v1.Protocol",
    ("core.v1.NodeSelectorRequirement", "operator"): "v1.NodeSelectorOperator",
    ("core.v1.PersistentVolumeClaimSpec", "accessModes"): "[]v1.PersistentVolumeAccessMode",
    ("core.v1.PodSpec", "dnsPolicy"): "v1.DNSPolicy",
    ("core.v1.PodSpec", "restartPolicy"): "v1.RestartPolicy",
    ("core.v1.Secret", "type"): "v1.SecretType",
    ("core.v1.ServicePort", "protocol"): "v1.Protocol",
    ("core.v1.ServiceSpec", "externalTrafficPolicy"): "v1.ServiceExternalTrafficPolicy",
    ("core.v1.ServiceSpec", "sessionAffinity"): "v1.ServiceAffinity",
    ("core.v1.ServiceSpec", "type"): "v1.ServiceType",
    ("core.v1.Taint", "effect"): "v1.TaintEffect",
    ("core.v1.Toleration", "effect"): "v1.TaintEffect",
    ("core.v1.Toleration", "operator"): "v1.TolerationOperator",
    ("core.v1.TopologySpreadConstraint", "whenUnsatisfiable"): "v1.UnsatisfiableConstraintAction",
    ("meta.v1.LabelSelectorRequirement", "operator"): "v1.LabelSelectorOperator",
    ("meta.v1.ObjectMeta", "uid"): "types.UID",
    ("meta.v1.OwnerReference", "uid"): "types.UID",
}
"""Fields whose Go type has a name that the schema does not tell."""

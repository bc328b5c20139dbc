"""What upstream runs by default in 1.36, so that what is missing here can be said.

Upstream: `pkg/kubeapiserver/options/plugins.go`, `cmd/kube-controller-manager/app`,
`pkg/scheduler/apis/config/v1/default_plugins.go`.
"""

from __future__ import annotations

ADMISSION = (
    "NamespaceLifecycle",
    "LimitRanger",
    "ServiceAccount",
    "NodeRestriction",
    "TaintNodesByCondition",
    "PodSecurity",
    "Priority",
    "DefaultTolerationSeconds",
    "DefaultStorageClass",
    "StorageObjectInUseProtection",
    "PersistentVolumeClaimResize",
    "RuntimeClass",
    "CertificateApproval",
    "CertificateSigning",
    "ClusterTrustBundleAttest",
    "CertificateSubjectRestriction",
    "DefaultIngressClass",
    "PodTopologyLabels",
    "NodeDeclaredFeatureValidator",
    "PodResizeValidator",
    "MutatingAdmissionPolicy",
    "MutatingAdmissionWebhook",
    "ValidatingAdmissionPolicy",
    "ValidatingAdmissionWebhook",
    "ResourceQuota",
)
"""Admission plugins, in order; `NodeRestriction` is not one of the defaults, but every installer turns it on."""

ABSENT_CONTROLLERS = ("bootstrap-signer-controller", "token-cleaner-controller")
"""Controllers that are not here: installers turn them on for machines that join with a token."""

ABSENT_COMMANDS = ("alpha", "completion")
"""Commands of kubectl that are not here: there is no shell whose completion they could be."""

SCHEDULING = (
    "SchedulingGates",
    "PrioritySort",
    "NodeUnschedulable",
    "NodeName",
    "TaintToleration",
    "NodeAffinity",
    "NodePorts",
    "NodeResourcesFit",
    "VolumeRestrictions",
    "NodeVolumeLimits",
    "VolumeBinding",
    "VolumeZone",
    "PodTopologySpread",
    "InterPodAffinity",
    "DynamicResources",
    "DefaultPreemption",
    "NodeResourcesBalancedAllocation",
    "ImageLocality",
    "DefaultBinder",
    "NodeDeclaredFeatures",
)
"""Scheduler plugins of the default profile, in order."""

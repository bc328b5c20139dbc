"""The controllers of the cluster, in the order in which they start: the controller manager's table of contents.

Each is a small program of its own that acts as its own user, `system:serviceaccount:kube-system:<name>`. Adding one
is adding a row here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from k8snb.client.controller import Context, Controller
from k8snb.controllers.aggregation import AggregationController
from k8snb.controllers.apiservices import RemoteAvailabilityController
from k8snb.controllers.autoscaler.controller import HorizontalPodAutoscalerController
from k8snb.controllers.certificatecleaner import CertificateCleaner
from k8snb.controllers.certificates import ApprovingController, SigningController
from k8snb.controllers.cronjob.controller import CronJobController
from k8snb.controllers.daemonset.controller import DaemonSetController
from k8snb.controllers.definitions import (
    EstablishingController,
    FinalizingController,
    NamingController,
    RegisteringController,
)
from k8snb.controllers.deployment.controller import DeploymentController
from k8snb.controllers.disruptionbudget import DisruptionController
from k8snb.controllers.endpoints import EndpointsController
from k8snb.controllers.endpointslice import EndpointSliceController
from k8snb.controllers.flowcontrol import FlowControlKeeper, FlowSchemaStatusController
from k8snb.controllers.garbagecollector import GarbageCollector
from k8snb.controllers.ipaddresses import RepairController
from k8snb.controllers.job.controller import JobController, TTLAfterFinishedController
from k8snb.controllers.loadbalancers import ServiceController
from k8snb.controllers.mirroring import MirroringController
from k8snb.controllers.namespace import NamespaceController
from k8snb.controllers.nodeipam import NodeIpamController
from k8snb.controllers.nodelifecycle import NodeLifecycleController
from k8snb.controllers.nodettl import TTLController
from k8snb.controllers.podgc import PodGCController
from k8snb.controllers.policystatus import PolicyStatusController
from k8snb.controllers.replicaset import ReplicaSetController
from k8snb.controllers.replication import ReplicationControllerController
from k8snb.controllers.resourceclaims import ResourceClaimController
from k8snb.controllers.resourcequota import ResourceQuotaController
from k8snb.controllers.rootca import RootCAController
from k8snb.controllers.serviceaccount import ServiceAccountController
from k8snb.controllers.servicecidrs import ServiceCIDRController
from k8snb.controllers.settings import DEFAULTS, Settings
from k8snb.controllers.statefulset.controller import StatefulSetController
from k8snb.controllers.tainteviction import TaintEvictionController
from k8snb.controllers.tokencleaner import TokenCleaner
from k8snb.controllers.tokens import TokenController
from k8snb.controllers.volumes.attaching import AttachDetachController
from k8snb.controllers.volumes.controller import PersistentVolumeController
from k8snb.controllers.volumes.ephemeral import EphemeralVolumeController
from k8snb.controllers.volumes.expanding import ExpandController
from k8snb.controllers.volumes.protection import (
    PVCProtectionController,
    PVProtectionController,
    VACProtectionController,
)

CONTROLLERS: tuple[type[Controller], ...] = (
    ServiceAccountController,
    TokenController,
    RootCAController,
    NamespaceController,
    AggregationController,
    ApprovingController,
    SigningController,
    CertificateCleaner,
    TTLController,
    NodeIpamController,
    NodeLifecycleController,
    TaintEvictionController,
    DeploymentController,
    ReplicaSetController,
    ReplicationControllerController,
    StatefulSetController,
    DaemonSetController,
    JobController,
    TTLAfterFinishedController,
    CronJobController,
    HorizontalPodAutoscalerController,
    EndpointSliceController,
    EndpointsController,
    MirroringController,
    PodGCController,
    DisruptionController,
    ResourceQuotaController,
    PersistentVolumeController,
    AttachDetachController,
    EphemeralVolumeController,
    ResourceClaimController,
    ExpandController,
    PVCProtectionController,
    PVProtectionController,
    VACProtectionController,
    ServiceCIDRController,
    PolicyStatusController,
    GarbageCollector,
    TokenCleaner,
)
"""Every controller, by the class that implements it; `name` is what it is called and acts as."""

OF_THE_SERVER: tuple[type[Controller], ...] = (
    NamingController,
    EstablishingController,
    FinalizingController,
    RegisteringController,
    RemoteAvailabilityController,
    FlowControlKeeper,
    FlowSchemaStatusController,
    RepairController,
)
"""Those that are part of the API server and act as it does."""

OF_THE_CLOUD: tuple[type[Controller], ...] = (ServiceController,)
"""Those of the cloud that a cluster runs in, if it does."""

CONFIGURED: Mapping[type[Controller], Callable[[Context, Settings], Controller]] = {
    NodeIpamController: NodeIpamController,
    NodeLifecycleController: NodeLifecycleController,
    EndpointSliceController: EndpointSliceController,
    EndpointsController: EndpointsController,
    PodGCController: PodGCController,
    RootCAController: RootCAController,
    TokenController: TokenController,
    TokenCleaner: TokenCleaner,
    SigningController: SigningController,
    RemoteAvailabilityController: RemoteAvailabilityController,
}
"""Those that read the controller manager's flags."""


def make(controller: type[Controller], context: Context, settings: Settings = DEFAULTS) -> Controller:
    """A controller of that class, with the flags if it reads any."""
    configured = CONFIGURED.get(controller)
    return configured(context, settings) if configured is not None else controller(context)


MANAGER = "system:kube-controller-manager"
USERS: Mapping[type[Controller], str] = {
    NodeIpamController: "system:serviceaccount:kube-system:node-controller",
    PersistentVolumeController: "system:serviceaccount:kube-system:persistent-volume-binder",
    ExpandController: "system:serviceaccount:kube-system:expand-controller",
    TaintEvictionController: "system:serviceaccount:kube-system:node-controller",
    ApprovingController: "system:serviceaccount:kube-system:certificate-controller",
    SigningController: "system:serviceaccount:kube-system:certificate-controller",
    CertificateCleaner: "system:serviceaccount:kube-system:certificate-controller",
    MirroringController: "system:serviceaccount:kube-system:endpointslicemirroring-controller",
    TokenController: MANAGER,
}
"""Those that act as somebody else than an account of their own name, as upstream, where their roles are."""


def user_of(controller: type[Controller]) -> str:
    """The user that a controller acts as."""
    return USERS.get(controller, f"system:serviceaccount:kube-system:{controller.name}")

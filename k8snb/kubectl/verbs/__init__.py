"""Every command has a file here, and a row in `VERBS`."""

from k8snb.kubectl.call import Verb
from k8snb.kubectl.verbs.apply import APPLY
from k8snb.kubectl.verbs.attach import ATTACH
from k8snb.kubectl.verbs.auth import AUTH
from k8snb.kubectl.verbs.autoscale import AUTOSCALE
from k8snb.kubectl.verbs.certificate import CERTIFICATE
from k8snb.kubectl.verbs.config import CONFIG
from k8snb.kubectl.verbs.cp import CP
from k8snb.kubectl.verbs.create import CREATE
from k8snb.kubectl.verbs.debug import DEBUG
from k8snb.kubectl.verbs.delete import DELETE
from k8snb.kubectl.verbs.describe import DESCRIBE
from k8snb.kubectl.verbs.diff import DIFF
from k8snb.kubectl.verbs.edit import EDIT
from k8snb.kubectl.verbs.events import EVENTS
from k8snb.kubectl.verbs.exec import EXEC
from k8snb.kubectl.verbs.explain import EXPLAIN
from k8snb.kubectl.verbs.expose import EXPOSE
from k8snb.kubectl.verbs.forwarding import PORT_FORWARD, PROXY
from k8snb.kubectl.verbs.get import GET
from k8snb.kubectl.verbs.kustomize import KUSTOMIZE
from k8snb.kubectl.verbs.label import ANNOTATE, LABEL
from k8snb.kubectl.verbs.logs import LOGS
from k8snb.kubectl.verbs.nodes import CORDON, DRAIN, UNCORDON
from k8snb.kubectl.verbs.options import OPTIONS
from k8snb.kubectl.verbs.patch import PATCH
from k8snb.kubectl.verbs.plugin import PLUGIN
from k8snb.kubectl.verbs.replace import REPLACE
from k8snb.kubectl.verbs.rollout import ROLLOUT
from k8snb.kubectl.verbs.run import RUN
from k8snb.kubectl.verbs.scale import SCALE
from k8snb.kubectl.verbs.server import API_RESOURCES, API_VERSIONS, CLUSTER_INFO, VERSION
from k8snb.kubectl.verbs.set import SET
from k8snb.kubectl.verbs.taint import TAINT
from k8snb.kubectl.verbs.top import TOP
from k8snb.kubectl.verbs.wait import WAIT

VERBS: tuple[Verb, ...] = (
    ANNOTATE,
    API_RESOURCES,
    API_VERSIONS,
    APPLY,
    ATTACH,
    AUTH,
    AUTOSCALE,
    CERTIFICATE,
    CLUSTER_INFO,
    CONFIG,
    CORDON,
    CP,
    CREATE,
    DEBUG,
    DELETE,
    DESCRIBE,
    DIFF,
    DRAIN,
    EDIT,
    EVENTS,
    EXEC,
    EXPLAIN,
    EXPOSE,
    GET,
    KUSTOMIZE,
    LABEL,
    LOGS,
    OPTIONS,
    PATCH,
    PLUGIN,
    PORT_FORWARD,
    PROXY,
    REPLACE,
    ROLLOUT,
    RUN,
    SCALE,
    SET,
    TAINT,
    TOP,
    UNCORDON,
    VERSION,
    WAIT,
)
"""The commands, as the help lists them."""

"""Every command has a file here, and a row in `VERBS`."""

from k8snb.kubectl.call import Verb
from k8snb.kubectl.verbs.apply import APPLY
from k8snb.kubectl.verbs.config import CONFIG
from k8snb.kubectl.verbs.create import CREATE
from k8snb.kubectl.verbs.delete import DELETE
from k8snb.kubectl.verbs.describe import DESCRIBE
from k8snb.kubectl.verbs.events import EVENTS
from k8snb.kubectl.verbs.exec import EXEC
from k8snb.kubectl.verbs.explain import EXPLAIN
from k8snb.kubectl.verbs.expose import EXPOSE
from k8snb.kubectl.verbs.get import GET
from k8snb.kubectl.verbs.label import ANNOTATE, LABEL
from k8snb.kubectl.verbs.logs import LOGS
from k8snb.kubectl.verbs.nodes import CORDON, DRAIN, UNCORDON
from k8snb.kubectl.verbs.options import OPTIONS
from k8snb.kubectl.verbs.patch import PATCH
from k8snb.kubectl.verbs.replace import REPLACE
from k8snb.kubectl.verbs.rollout import ROLLOUT
from k8snb.kubectl.verbs.run import RUN
from k8snb.kubectl.verbs.scale import SCALE
from k8snb.kubectl.verbs.server import API_RESOURCES, API_VERSIONS, CLUSTER_INFO, VERSION
from k8snb.kubectl.verbs.set import SET
from k8snb.kubectl.verbs.taint import TAINT
from k8snb.kubectl.verbs.wait import WAIT

VERBS: tuple[Verb, ...] = (
    ANNOTATE,
    API_RESOURCES,
    API_VERSIONS,
    APPLY,
    CLUSTER_INFO,
    CONFIG,
    CORDON,
    CREATE,
    DELETE,
    DESCRIBE,
    DRAIN,
    EVENTS,
    EXEC,
    EXPLAIN,
    EXPOSE,
    GET,
    LABEL,
    LOGS,
    OPTIONS,
    PATCH,
    REPLACE,
    ROLLOUT,
    RUN,
    SCALE,
    SET,
    TAINT,
    UNCORDON,
    VERSION,
    WAIT,
)
"""The commands, as the help lists them."""

"""The exercises of the chapter "Architecture": the kubelet."""

from __future__ import annotations

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, says
from k8snb.lab.verdict import Claim, Reader
from k8snb.machinery import quantity
from k8snb.machinery.objects import is_true

USED = 901 * 1024 * 1024
"""What the database uses, in bytes."""


@exercise("architecture/kubelet", "A slow starter", minutes=10)
def check_slow_starter(cluster: Reader) -> Claims:
    """A slow start that nobody takes for a hang."""
    pod = find(cluster, "pods", "sluggish")
    yield exists(pod, _("there is a Pod sluggish"))
    container = pod["spec"]["containers"][0]
    liveness = container.get("livenessProbe") or {}
    strict = (liveness.get("initialDelaySeconds", 0), liveness.get("periodSeconds"), liveness.get("failureThreshold"))
    yield Claim(
        strict == (0, 2, 2), _("its liveness probe is as strict as before"), says("livenessProbe", str(liveness))
    )
    yield Claim("startupProbe" in container, _("it has a startup probe"), _("it has none"))
    statuses = pod["status"].get("containerStatuses") or [{}]
    restarts = statuses[0].get("restartCount", 0)
    yield Claim(restarts == 0, _("it was not restarted"), says(_("the number of its restarts"), restarts))
    ready = is_true(pod, "Ready")
    yield Claim(ready, _("and it is ready"), says(_("the phase"), pod["status"].get("phase")))


@exercise("architecture/kubelet", "Who has to go?", minutes=10)
def check_survivor(cluster: Reader) -> Claims:
    """A database that its node does not end when memory runs short."""
    database, batch = find(cluster, "pods", "database"), find(cluster, "pods", "batch")
    yield exists(database, _("there is a Pod database"))
    place = database["spec"].get("nodeName")
    yield Claim(place == "node-2", _("it is on node-2"), says(_("its node"), place or _("none")))
    container = database["spec"]["containers"][0]
    requested = ((container.get("resources") or {}).get("requests") or {}).get("memory", "0")
    enough = quantity.value(requested) >= USED
    yield Claim(enough, _("it requests what it uses"), says(_("its request"), requested))
    yield exists(batch, _("there is a Pod batch"))
    reason = batch["status"].get("reason") or batch["status"].get("phase")
    yield Claim(reason == "Evicted", _("batch had to go"), says(_("its state"), reason))
    phase = database["status"].get("phase")
    yield Claim(phase == "Running", _("and the database runs"), says(_("its phase"), phase))

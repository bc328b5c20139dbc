"""What runs beside the tiers of the notes, or limits them, and what is claimed of it.

Each claim has a function that looks for a problem and says it; a claim holds where none is found.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snb.i18n import _
from k8snb.lab import notes
from k8snb.lab.puzzles import Bench
from k8snb.lab.reading import NAMESPACE, Claims, find, pods_labelled, says
from k8snb.lab.verdict import Claim
from k8snb.machinery import cron
from k8snb.machinery.objects import controller_of, is_true
from k8snb.typing import Object

AUTOSCALERS, BUDGETS = "horizontalpodautoscalers.autoscaling", "poddisruptionbudgets.policy"
CRONJOBS, DAEMONS = "cronjobs.batch", "daemonsets.apps"
BACKUP_SECONDS = 900.0
"""No two backups are further apart."""


def operated(cluster: Bench) -> Claims:
    """What runs beside the tiers, or limits them, is there and does what it is for."""
    for sentence, problem in (
        (_("a collector runs on every node"), _not_collected),
        (_("the autoscaler can compute, and may choose"), _not_scaled),
        (_("the budget protects the API, and lets one pod go"), _not_budgeted),
        (_("the namespace has a quota for pods"), _not_limited),
        (_("the pods of the API are spread"), _not_spread),
        (_("API and database come before other work"), _not_first),
        (_("backups are made"), not_backed_up),
    ):
        hint = next(iter(problem(cluster)), "")
        yield Claim(not hint, sentence, hint)


def _not_collected(cluster: Bench) -> Iterator[str]:
    agent = find(cluster, DAEMONS, "notes-agent")
    if not agent["spec"]:
        yield _("the DaemonSet notes-agent is gone")
        return
    pods = pods_labelled(cluster, {"app": "notes", "tier": "agent"})
    mine = [pod for pod in pods if (controller_of(pod) or {}).get("uid") == agent["metadata"]["uid"]]
    served = {pod["spec"].get("nodeName") for pod in mine if is_true(pod, "Ready")}
    for node in cluster.client.list("nodes"):
        if node["metadata"]["name"] not in served:
            yield _("none of the DaemonSet on {node}").format(node=node["metadata"]["name"])


def _not_scaled(cluster: Bench) -> Iterator[str]:
    hpa = find(cluster, AUTOSCALERS, "notes-api")
    if not hpa["spec"]:
        yield _("the autoscaler notes-api is gone")
        return
    least, most = hpa["spec"].get("minReplicas", 1), hpa["spec"]["maxReplicas"]
    if not 2 <= least < most:
        yield says(_("its bounds"), f"{least} – {most}")
    targets = [(each.get("resource") or {}).get("target") or {} for each in hpa["spec"].get("metrics") or ()]
    resources = notes.container_of(notes.owner_of(cluster, "api")).get("resources") or {}
    asked = {**(resources.get("limits") or {}), **(resources.get("requests") or {})}
    if any(each.get("type") == "Utilization" for each in targets) and "cpu" not in asked:
        yield _("it knows a percentage, and the pods request nothing that it could be a percentage of")


def _not_budgeted(cluster: Bench) -> Iterator[str]:
    budget = find(cluster, BUDGETS, "notes-api")
    spec, status = budget["spec"], budget.get("status") or {}
    if not spec:
        yield _("the budget notes-api is gone")
    elif status.get("desiredHealthy", 0) < 1:
        yield _("it demands no pod at all")
    elif status.get("disruptionsAllowed", 0) < 1:
        healthy, wanted = status.get("currentHealthy", 0), status.get("desiredHealthy", 0)
        words = _("it lets none go: {healthy} pods are healthy, and it demands {wanted}")
        yield words.format(healthy=healthy, wanted=wanted)


def _not_limited(cluster: Bench) -> Iterator[str]:
    quotas = cluster.client.list("resourcequotas", NAMESPACE)
    limits = [int(each["spec"]["hard"]["pods"]) for each in quotas if "pods" in (each["spec"].get("hard") or {})]
    if not limits:
        yield _("no quota limits them, so one mistake can fill the cluster")
    elif min(limits) > 50:
        yield _("a limit of {count} limits nothing").format(count=min(limits))


def _not_spread(cluster: Bench) -> Iterator[str]:
    template = notes.owner_of(cluster, "api")["spec"]["template"]["spec"]
    keys = [each["topologyKey"] for each in template.get("topologySpreadConstraints") or ()]
    if not keys and "podAntiAffinity" not in (template.get("affinity") or {}):
        yield _("nothing keeps them from all being on one node")
    for key in keys:
        without = [n["metadata"]["name"] for n in cluster.client.list("nodes") if key not in n["metadata"]["labels"]]
        if without:
            yield _("{key} is the label of a place, and {node} has none").format(key=key, node=without[0])
    pods = pods_labelled(cluster, {"app": "notes", "tier": "api"})
    if len({pod["spec"].get("nodeName") for pod in pods}) < 2:
        yield _("they are all on one node")


def _not_first(cluster: Bench) -> Iterator[str]:
    for tier in ("api", "db"):
        for pod in pods_labelled(cluster, {"app": "notes", "tier": tier}):
            if pod["spec"].get("priority", 0) <= 0:
                yield _("a pod of notes-{tier} has no priority").format(tier=tier)


def not_backed_up(cluster: Bench) -> Iterator[str]:
    """What keeps the CronJob from making backups often enough."""
    backup = find(cluster, CRONJOBS, "notes-backup")
    if not backup["spec"]:
        yield _("the CronJob notes-backup is gone")
    elif backup["spec"].get("suspend"):
        yield _("the CronJob is suspended: no run will follow")
    elif not _is_frequent(backup):
        yield says("schedule", backup["spec"]["schedule"])


def _is_frequent(backup: Object) -> bool:
    """Whether its runs are never far apart."""
    times, at = cron.parse(backup["spec"]["schedule"]), 1_767_225_600.0
    for _run in range(10):
        following = times.after(at)
        if following is None or following - at > BACKUP_SECONDS:
            return False
        at = following
    return True

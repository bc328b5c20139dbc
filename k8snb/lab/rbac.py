"""The exercises of the page on RBAC."""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.i18n import _
from k8snb.lab.exercise import exercise
from k8snb.lab.reading import Claims, exists, find, says
from k8snb.lab.rights import Somebody
from k8snb.lab.verdict import Claim, Reader
from k8snb.typing import Object

SHOP = "shop"
_READING, _CHANGING = ("get", "list", "watch"), ("create", "update", "patch", "delete")
_ROLES = ("roles.rbac.authorization.k8s.io", "rolebindings.rbac.authorization.k8s.io")
_BINDINGS, _CLUSTER_BINDINGS = _ROLES[1], "clusterrolebindings.rbac.authorization.k8s.io"


def _bound(cluster: Reader, name: str) -> list[str]:
    """How the bindings of the shop and of the cluster name somebody: the kinds of the subjects."""
    found = (*cluster.client.list(_BINDINGS, SHOP), *cluster.client.list(_CLUSTER_BINDINGS))
    subjects = (subject for each in found for subject in each.get("subjects") or ())
    return [subject["kind"] for subject in subjects if subject["name"] == name]


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


# -- 1 -------------------------------------------------------------------------------------------------------


@exercise("ecosystem/rbac", "Scale, and nothing else", minutes=10)
def check_scaler(cluster: Reader) -> Claims:
    """Somebody who may look at Deployments and scale them."""
    rita = Somebody(cluster, "rita")
    missing = [verb for verb in _READING if not rita.may(verb, "deployments.apps", SHOP)]
    group = _('Deployments are in the API group apps; a rule that says "" means others of that name')
    why = group if rita.may("get", "deployments", SHOP) else _("missing: {verbs}").format(verbs=_listed(missing))
    yield Claim(not missing, _("rita may get, list and watch the Deployments of shop"), why)
    lacking = [verb for verb in ("update", "patch") if not rita.may(verb, "deployments.apps/scale", SHOP)]
    hint = _("not yet on deployments/scale: {verbs}; a rule for deployments does not hold for what is below them")
    yield Claim(not lacking, _("she may scale them"), hint.format(verbs=_listed(lacking)))
    more = rita.among(_CHANGING, ("deployments.apps",), SHOP)
    large = _("she may {these}: to scale, the subresource is enough").format(these=_listed(more))
    yield Claim(not more, _("she may not change them otherwise"), large)
    others = rita.among(("get", "create", "delete"), ("pods", "secrets", "services"), SHOP)
    others += rita.among(("update", "patch"), ("statefulsets.apps/scale", "replicasets.apps/scale"), SHOP)
    yield Claim(not others, _("she may do nothing with anything else"), _listed(others))
    elsewhere = rita.among(("get", "update"), ("deployments.apps", "deployments.apps/scale"), "default")
    there = _("in default she may {these}: who binds her there?").format(these=_listed(elsewhere))
    yield Claim(not elsewhere, _("… and nothing elsewhere"), there)


# -- 2 -------------------------------------------------------------------------------------------------------


@exercise("ecosystem/rbac", "One Secret", minutes=10)
def check_secret(cluster: Reader) -> Claims:
    """A group that may read one Secret, and not look around for others."""
    yield exists(find(cluster, "secrets", "stripe", SHOP), _("the Secret stripe is still there"), SHOP)
    member = Somebody(cluster, "paula", "payments")
    kinds = _bound(cluster, "payments")
    named = _("payments is bound as a {kind}, and is a group").format(kind=_listed(kinds))
    hint = named if kinds and "Group" not in kinds else _("they may not")
    yield Claim(member.may("get", "secrets", SHOP, "stripe"), _("who is in the group payments may get it"), hint)
    other = member.may("get", "secrets", SHOP, "other")
    every = _("they may get any Secret of shop: the rule needs resourceNames")
    yield Claim(not other, _("… and no other Secret"), every)
    around = member.may("list", "secrets", SHOP) or member.may("list", "secrets", SHOP, "stripe")
    told = _("list and watch show what is in Secrets, too; get is enough to read one whose name is known")
    yield Claim(not around, _("they may not list Secrets"), told)
    verbs = [verb for verb in ("update", "patch", "delete") if member.may(verb, "secrets", SHOP, "stripe")]
    yield Claim(not verbs, _("they may only read it"), says(_("they may also"), verbs))
    beside = member.may("get", "secrets", "default", "stripe")
    wide = _("the binding holds in every namespace, and a Secret of that name can be anywhere")
    yield Claim(not beside, _("… and not its namesake elsewhere"), wide)
    stranger = Somebody(cluster, "paula").may("get", "secrets", SHOP, "stripe")
    yield Claim(not stranger, _("who is not in the group may not"), _("paula may, without the group"))


# -- 3 -------------------------------------------------------------------------------------------------------


@exercise("ecosystem/rbac", "What viewers see", minutes=10)
def check_viewers(cluster: Reader) -> Claims:
    """A right for all who have the role `view`, whoever that is."""
    omar = Somebody(cluster, "omar")
    yield Claim(omar.may("list", "pods"), _("omar still has the role view in default"), _("he may not list pods"))
    lacking = [f"{verb} {resource}" for resource in _ROLES for verb in _READING if not omar.may(verb, resource)]
    yield Claim(not lacking, _("he may read roles and their bindings"), _why_not_gathered(cluster) or _listed(lacking))
    bound = [each["metadata"]["name"] for each in cluster.client.list(_BINDINGS, "default") if _is_view(each)]
    others = [name for name in bound if not _holders_may(cluster, name)]
    direct = _("omar may, but not everybody who has view: look at the binding {name}").format(name=_listed(others))
    yield Claim(not others, _("so may everybody else who has view"), direct)
    more = omar.among(_CHANGING, _ROLES)
    yield Claim(not more, _("they may not change them"), _listed(more))


def _is_view(binding: Object) -> bool:
    return bool(binding["roleRef"]["name"] == "view")


def _holders_may(cluster: Reader, name: str) -> bool:
    subjects = find(cluster, _BINDINGS, name).get("subjects") or ()
    users = [Somebody(cluster, each["name"]) for each in subjects if each["kind"] == "User"]
    return all(user.may("list", resource) for user in users for resource in _ROLES)


def _why_not_gathered(cluster: Reader) -> str:
    """A role that has the rules and is not gathered into `view`."""
    prefix = "rbac.authorization.k8s.io/aggregate-to-"
    for role in cluster.client.list("clusterroles.rbac.authorization.k8s.io"):
        labels = role["metadata"].get("labels") or {}
        about = {resource for rule in role.get("rules") or () for resource in rule.get("resources") or ()}
        if "kubernetes.io/bootstrapping" in labels or "rolebindings" not in about or "aggregationRule" in role:
            continue
        name, wanted = role["metadata"]["name"], f"{prefix}view"
        if labels.get(wanted) != "true":
            has = _listed(f"{key}={value}" for key, value in labels.items()) or _("none")
            told = _("{name} is not gathered into view: its labels are {has}")
            return told.format(name=name, has=has)
    return ""


# -- 4 -------------------------------------------------------------------------------------------------------


@exercise("ecosystem/rbac", "Who let him in?", minutes=10)
def check_guest(cluster: Reader) -> Claims:
    """A right that an account has by its group, and is to lose; its neighbour keeps it."""
    yield exists(find(cluster, "serviceaccounts", "guest", SHOP), _("the account guest is still there"), SHOP)
    robot, guest = Somebody.account(cluster, "robot", SHOP), Somebody.account(cluster, "guest", SHOP)
    kept = [verb for verb in ("list", "delete", "create") if not robot.may(verb, "pods", SHOP)]
    yield Claim(not kept, _("robot may do what it could"), _("not any more: {verbs}").format(verbs=_listed(kept)))
    still = guest.among(("delete", "create"), ("pods", "deployments.apps"), SHOP)
    why = _("guest may still {these}; only the end of what gave a right takes it away")
    why = why.format(these=_listed(still))
    yield Claim(not still, _("guest may change nothing"), why)
    yield Claim(guest.may("list", "pods", SHOP), _("it may list pods"), _("it may not look any more, either"))
    wide = robot.may("delete", "pods", "default")
    yield Claim(not wide, _("robot has got no more than it had"), says(_("delete pods in default"), _("allowed")))

"""Who may do what: from a subject through bindings and roles to rules, from whichever end one starts."""

from __future__ import annotations

from collections.abc import Iterable

from k8snb.i18n import _
from k8snb.machinery.objects import annotations_of, labels_of
from k8snb.machinery.selectors import of_object
from k8snb.typing import Object
from k8snb.view.graphs.sketch import FEW, Sketch

_GROUP = "rbac.authorization.k8s.io"
ROLES, CLUSTER_ROLES = f"roles.{_GROUP}", f"clusterroles.{_GROUP}"
BINDINGS, CLUSTER_BINDINGS = f"rolebindings.{_GROUP}", f"clusterrolebindings.{_GROUP}"
_ACCOUNT = "kubernetes.io/service-account.name"


def binding(sketch: Sketch, bound: Object) -> str:
    """A binding: who gets which role."""
    _binding(sketch, bound, bound.get("subjects") or ())
    name = bound["metadata"]["name"]
    return _("{kind} {name}: who may do what").format(kind=bound["kind"], name=name)


def role(sketch: Sketch, role: Object) -> str:
    """A role: its rules, and everybody who has it."""
    kind, name = role["kind"], role["metadata"]["name"]
    _rules_of(sketch, role)
    for each in _bindings(sketch):
        if each["roleRef"]["kind"] == kind and each["roleRef"]["name"] == name:
            _binding(sketch, each, each.get("subjects") or ())
    for each in sketch.here(CLUSTER_ROLES) if kind == "ClusterRole" else ():
        if _gathers(each, role):
            sketch.link(sketch.put(each), sketch.put(role), _("gathers"))
    return _("{kind} {name}: what it allows, and to whom").format(kind=kind, name=name)


def account(sketch: Sketch, account: Object) -> str:
    """A ServiceAccount: the pods that run as it, its token and secrets, and what it may do."""
    name, namespace = account["metadata"]["name"], account["metadata"].get("namespace", "")
    front = sketch.put(account)
    pods = [pod for pod in sketch.here("pods") if (pod["spec"].get("serviceAccountName") or "default") == name]
    sketch.some(pods, front, _("runs as"), back=True)
    for secret in sketch.here("secrets"):
        if annotations_of(secret).get(_ACCOUNT) == name:
            sketch.link(sketch.put(secret), front, _("a token for"))
    for each in account.get("secrets") or ():
        sketch.link(front, sketch.refer("secrets", "Secret", each["name"]), _("may mount"))
    for each in account.get("imagePullSecrets") or ():
        sketch.link(front, sketch.refer("secrets", "Secret", each["name"]), _("pulls images with"))
    _of_subject(sketch, {"kind": "ServiceAccount", "name": name, "namespace": namespace})
    for group in ("system:serviceaccounts", f"system:serviceaccounts:{namespace}"):
        if _of_subject(sketch, {"kind": "Group", "name": group}):
            sketch.link(front, sketch.note("Group", group), _("member of"))
    return _("ServiceAccount {name}: who runs as it, and what it may do").format(name=name)


def somebody(sketch: Sketch, kind: str, name: str) -> str:
    """A user or group, who are names and no objects: what bindings give them."""
    sketch.note(kind, name)
    if not _of_subject(sketch, {"kind": kind, "name": name}):
        nothing = sketch.note("Rule", _("nothing"), _("no binding names it"))
        sketch.link(f"{kind}/{name}", nothing, _("may do"), faint=True)
    return _("{kind} {name}: what it may do").format(kind=kind, name=name)


# -- the parts ---------------------------------------------------------------------------------------------


_FEW_RULES, _FEW_NAMES = 4, 3
"""So many rules are drawn one by one; where there are more, so many resources of each are named."""


def _bindings(sketch: Sketch) -> list[Object]:
    return [*sketch.here(BINDINGS), *sketch.everywhere(CLUSTER_BINDINGS)]


def _of_subject(sketch: Sketch, subject: Object) -> bool:
    """Draw the bindings that name a subject; whether there are any."""
    found = False
    for each in _bindings(sketch):
        its = [s for s in each.get("subjects") or () if subject.items() <= s.items()]
        if its:
            found = True
            _binding(sketch, each, its)
    return found


def _binding(sketch: Sketch, bound: Object, subjects: Iterable[Object]) -> None:
    middle = sketch.put(bound)
    for subject in subjects:
        sketch.link(_subject(sketch, subject), middle, _("named in"))
    reference = bound["roleRef"]
    resource = CLUSTER_ROLES if reference["kind"] == "ClusterRole" else ROLES
    found = sketch.find(resource, reference["name"], bound["metadata"].get("namespace", ""))
    where = _("everywhere") if bound["kind"] == "ClusterRoleBinding" else _("in namespace {name}")
    word = _("grants {where}").format(where=where.format(name=bound["metadata"].get("namespace", "")))
    if found is None:
        sketch.link(middle, sketch.lack(reference["kind"], reference["name"]), word)
        return
    sketch.link(middle, sketch.put(found), word)
    _rules_of(sketch, found)


def _subject(sketch: Sketch, subject: Object) -> str:
    if subject["kind"] == "ServiceAccount":
        return sketch.refer("serviceaccounts", "ServiceAccount", subject["name"], subject.get("namespace", ""))
    return sketch.note(subject["kind"], subject["name"])


def _gathers(gathering: Object, role: Object) -> bool:
    """Whether a ClusterRole takes its rules from another one, by labels."""
    selectors = (gathering.get("aggregationRule") or {}).get("clusterRoleSelectors") or ()
    return gathering is not role and any(of_object(each).matches(labels_of(role)) for each in selectors)


def _rules_of(sketch: Sketch, role: Object) -> None:
    """The rules of a role; of one that gathers others', those others with their rules."""
    front = sketch.put(role)
    parts = [each for each in sketch.here(CLUSTER_ROLES) if _gathers(role, each)]
    for part in parts:
        sketch.link(front, sketch.put(part), _("gathers"))
        if not part.get("aggregationRule"):
            _rules(sketch, part)
    if not parts:
        _rules(sketch, role)


def _rules(sketch: Sketch, role: Object) -> None:
    """The rules of a role; where there are many, those that allow the same verbs are drawn as one."""
    front, rules = sketch.put(role), role.get("rules") or ()
    many = len(rules) > _FEW_RULES
    told: dict[str, tuple[str, list[list[str]]]] = {}
    for number, rule in enumerate(rules):
        verbs = _("any verb") if "*" in rule["verbs"] else ", ".join(rule["verbs"])
        _verbs, about = told.setdefault(verbs if many else str(number), (verbs, []))
        about.append(_concerned(rule, _FEW_NAMES if many else FEW))
    for number, (verbs, about) in enumerate(list(told.values())[:FEW]):
        facts = [", ".join(each) for each in about] if many else about[0]
        sketch.link(front, sketch.note("Rule", verbs, *facts, id=f"{front}/rule/{number}"), _("allows"))
    if len(told) > FEW:
        rest = _("and {count} more").format(count=len(told) - FEW)
        sketch.link(front, sketch.note("Rule", rest, id=f"{front}/rule/rest"), _("allows"))


def _concerned(rule: Object, few: int) -> list[str]:
    """What a rule is about: resources of groups, names of objects, paths."""
    groups = [each for each in rule.get("apiGroups") or () if each not in ("", "*")]
    resources = [_("every resource") if each == "*" else each for each in rule.get("resources") or ()]
    names = rule.get("resourceNames") or ()
    named = [_("only {names}").format(names=", ".join(names))] if names else []
    listed = [*resources, *(rule.get("nonResourceURLs") or ())]
    if len(listed) > few:
        listed = [*listed[:few], _("and {count} more").format(count=len(listed) - few)]
    return [*listed, *([_("of {groups}").format(groups=", ".join(groups))] if groups else []), *named]

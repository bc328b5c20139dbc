"""One authorization decision, rule by rule: who was asked, which bindings name the user, what each rule lacked.

    cluster.ruling("jane", "delete", "pods")

A row is a step of the decision. Bindings that name others only are told together, with how many they are, because that
is all that happens to them. The first rule that allows ends it. If none does, the request is forbidden; then the rules
that are nearest to it are told, with what is missing in them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import groupby
from typing import Any

from k8snb.apiserver.access.authorizer import forbidden
from k8snb.apiserver.access.explaining import Look
from k8snb.apiserver.access.rules import Access, unfit
from k8snb.i18n import _
from k8snb.typing import Object
from k8snb.view.frames import Act, Frame
from k8snb.view.grid import Cell, Grid
from k8snb.view.stepper import Stepper
from k8snb.wire import User

FILTER, MASTERS, NODE, RBAC = "authorization", "privileged groups", "node authorizer", "RBAC authorizer"
_NONE: Mapping[str, Any] = {}
_FIELDS = ("verbs", "apiGroups", "resources", "nonResourceURLs", "resourceNames")
"""The fields of a rule in the order in which they are looked at."""


class Ruling:
    """A decision: `allowed`, the server's `reason`, the `message` of a refusal, and how it came about."""

    def __init__(self, user: User, access: Access, looks: Sequence[Look], reason: str, revision: int) -> None:
        self.user = user
        self.access = access
        self.looks = tuple(looks)
        self.allowed = bool(looks) and looks[-1].allowed
        self.reason = reason
        self.message = "" if self.allowed else forbidden(user, access, reason).message
        self._revision = revision

    @property
    def missing(self) -> list[str]:
        """Of the rules that nearly allow it, what one of their fields would have to say as well."""
        if self.allowed:
            return []
        near = [look for look in self.looks if look.rule and unfit(look.rule, self.access) == [look.lacks]]
        return list(dict.fromkeys(self._near(look) for look in near))

    def _near(self, look: Look) -> str:
        role = look.binding["roleRef"]
        has, wants = ", ".join(look.rule.get(look.lacks) or ()) or _("nothing"), _wanted(look.lacks, self.access)
        told = _("{kind} {name}: a rule fits but for its {field}, which are {has}, without {wants}")
        return told.format(kind=role["kind"], name=role["name"], field=look.lacks, has=has, wants=wants)

    # -- as a table --------------------------------------------------------------------------------

    def _grid(self) -> Grid:
        heads = (_("Binding"), _("Rule"), _("Answer"))
        steps = [*_together(self.looks)]
        rows = [_row(look, before) for before, look in zip([None, *steps], steps, strict=False)]
        return Grid(_question(self.user, self.access), heads, rows, [self._verdict(), *self.missing])

    def __repr__(self) -> str:
        return "\n".join([_question(self.user, self.access), *self._lines(), self._verdict(), *self.missing])

    def _lines(self) -> Iterator[str]:
        before: Object = _NONE
        for look in _together(self.looks):
            if isinstance(look, list):
                yield f"  {RBAC}: {_others(look)}"
                continue
            if not look.binding:
                yield f"  {_asked(look)}: {_('allowed') if look.allowed else _('no opinion')} ({look.note})"
                continue
            if look.binding is not before:
                names = _binding(look)
                yield f"  {RBAC}: {names.text}, {names.more}"
            before = look.binding
            said = f"{_said(look.rule)} ({_why(look)})" if look.rule else look.note
            yield f"    ✓ {_said(look.rule)}" if look.allowed else f"    ✗ {said}"

    def _verdict(self) -> str:
        if self.allowed:
            return _("allowed: {reason}").format(reason=self.reason or self.looks[-1].note)
        return self.message

    def _repr_html_(self) -> str:
        return self._grid()._repr_html_()

    # -- as a story --------------------------------------------------------------------------------

    def stepper(self, title: str = "") -> Stepper:
        """The decision, look by look."""
        groups = ", ".join(self.user.groups)
        seen = [(_("user"), self.user.name), (_("groups"), groups), *_attributes(self.access)]
        first = _asked(self.looks[0]) if self.looks else RBAC
        act = Act(_("ask"), _("may this user do that?"), 0, 0, to=first)
        begins = Frame(FILTER, "", _question(self.user, self.access), 0.0, self._revision, observed=seen, acts=[act])
        frames = [begins, *map(self._frame, _together(self.looks)), self._end()]
        return Stepper(title or _question(self.user, self.access), frames, ("sequence", "diff"))

    def _frame(self, look: Look | list[Look]) -> Frame:
        if isinstance(look, list):
            return self._step(RBAC, _others(look), [(_("names"), _subjects(look))])
        if not look.binding:
            actor = _asked(look)
            words = look.note or _("no opinion")
            return self._step(actor, words if not look.allowed else _("allowed: {why}").format(why=words))
        role = look.binding["roleRef"]
        seen = [(_("binding"), _name(look.binding)), (_("names"), _subject(look.subject))]
        seen.append((_("role"), f"{role['kind']} {role['name']}"))
        if not look.rule:
            return self._step(RBAC, look.note, seen)
        words = _("this rule allows it") if look.allowed else f"{role['name']}: {_why(look)}"
        return self._step(RBAC, words, seen, [*self._held(look)])

    def _held(self, look: Look) -> Iterator[tuple[str, str, str]]:
        """The fields of a rule that are looked at, up to the first that does not fit: what there is, what is wanted."""
        for field in _FIELDS:
            wanted = _wanted(field, self.access)
            if field == look.lacks:
                yield field, ", ".join(look.rule.get(field) or ()) or _("none"), wanted or _("none")
                return
            if look.rule.get(field) and wanted:
                yield field, wanted, wanted

    def _step(
        self,
        actor: str,
        words: str,
        seen: Sequence[tuple[str, str]] = (),
        compared: Sequence[tuple[str, str, str]] = (),
    ) -> Frame:
        return Frame(actor, "", words, 0.0, self._revision, observed=seen, compared=compared)

    def _end(self) -> Frame:
        if self.allowed:
            act = Act(_("hand on"), _("to admission or storage"), 0, 0, to="handler")
            return Frame(FILTER, "", _("one that allows is enough"), 0.0, self._revision, acts=[act])
        answer = Act(_("answer"), "403 Forbidden", 0, 0, to="client")
        return Frame(FILTER, "", "; ".join(self.missing), 0.0, self._revision, acts=[answer], error=self.message)


# -- words -------------------------------------------------------------------------------------------------


def _question(user: User, access: Access) -> str:
    what = access.path if not access.resource else access.full_resource
    if access.group:
        what = f"{access.resource}.{access.group}" + (f"/{access.subresource}" if access.subresource else "")
    named = f" {access.name}" if access.name else ""
    where = _("in {namespace}").format(namespace=access.namespace) if access.namespace else ""
    return " ".join(_("May {user} {verb} {what} {where}").format(
        user=user.name, verb=access.verb, what=f"{what}{named}", where=where).split()) + "?"  # fmt: skip


def _attributes(access: Access) -> Iterator[tuple[str, str]]:
    pairs = ((_("verb"), access.verb), (_("group"), access.group), (_("resource"), access.full_resource),
             (_("namespace"), access.namespace), (_("name"), access.name), (_("path"), access.path))  # fmt: skip
    yield from ((name, value) for name, value in pairs if value)


def _together(looks: Sequence[Look]) -> Iterator[Look | list[Look]]:
    """The steps; bindings one after the other that name others are one."""
    for (counts, _kind), found in groupby(looks, lambda look: (look.counts, look.binding.get("kind"))):
        if counts:
            yield from found
        else:
            yield list(found)


def _asked(look: Look) -> str:
    """Who was asked."""
    return {"masters": MASTERS, "node": NODE}.get(look.authorizer, RBAC)


def _row(look: Look | list[Look], before: Look | list[Look] | None) -> Sequence[Cell]:
    """A step as binding, rule and answer; the binding is told once for all of its rules."""
    if isinstance(look, list):
        return Cell(_others(look)), Cell(""), Cell("")
    if not look.binding:
        said = _("allowed") if look.allowed else _("no opinion")
        return Cell(_asked(look)), Cell(""), Cell(said, look.note, "green" if look.allowed else "")
    again = isinstance(before, Look) and before.binding is look.binding
    binding = Cell("") if again else _binding(look)
    if not look.rule:
        return binding, Cell(""), Cell("✗", look.note, "amber")
    answer = Cell("✓", _("allowed"), "green", strong=True) if look.allowed else Cell("✗", look.lacks)
    return binding, Cell(_said(look.rule)), answer


def _binding(look: Look) -> Cell:
    role = look.binding["roleRef"]
    names = _("{role} to {subject}").format(role=f"{role['kind']} {role['name']}", subject=_subject(look.subject))
    return Cell(_name(look.binding), names)


def _others(looks: Sequence[Look]) -> str:
    told = _("{count} {kind}s that name others") if len(looks) > 1 else _("one {kind} that names others")
    return told.format(count=len(looks), kind=looks[0].binding["kind"])


def _subjects(looks: Sequence[Look]) -> str:
    found = [_subject(each) for look in looks for each in look.binding.get("subjects") or ()]
    shown = list(dict.fromkeys(found))
    return ", ".join(shown[:4]) + (" …" if len(shown) > 4 else "")


def _name(binding: Object) -> str:
    return f"{binding['kind']} {binding['metadata']['name']}"


def _subject(subject: Object) -> str:
    place = f"{subject['namespace']}/" if subject.get("namespace") else ""
    return f"{subject.get('kind', '')} {place}{subject.get('name', '')}"


def _why(look: Look) -> str:
    return _("its {field} do not fit").format(field=look.lacks)


def _said(rule: Object) -> str:
    """A rule as one reads it: `get, list of pods`."""
    verbs = ", ".join(rule.get("verbs") or ())
    about = ", ".join([*(rule.get("resources") or ()), *(rule.get("nonResourceURLs") or ())])
    groups = [each for each in rule.get("apiGroups") or () if each]
    inside = " " + _("in {groups}").format(groups=", ".join(groups)) if groups else ""
    names = rule.get("resourceNames") or ()
    only = " " + _("only {names}").format(names=", ".join(names)) if names else ""
    return _("{verbs}: {about}").format(verbs=verbs, about=about) + inside + only


def _wanted(field: str, access: Access) -> str:
    """What an access wants of a field of a rule."""
    core = '""' if access.resource else ""
    found = {"verbs": access.verb, "apiGroups": access.group or core, "resources": access.full_resource,
             "nonResourceURLs": access.path if not access.resource else "", "resourceNames": access.name}  # fmt: skip
    return found[field]

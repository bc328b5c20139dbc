"""What each filter decided about a request, in words, and of what it made its decision: one function for each.

It is worked out after the filter has passed the request on, from what stands in the request then.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, TypeAlias

from k8snb.apiserver.access.authentication import ANONYMOUS
from k8snb.apiserver.access.authorizer import access_of
from k8snb.apiserver.flow import seats
from k8snb.i18n import _
from k8snb.wire import Request, User

if TYPE_CHECKING:
    from k8snb.apiserver.server import APIServer

Seen: TypeAlias = list[tuple[str, str]]
Decision: TypeAlias = tuple[str, Seen]


def _recovery(server: APIServer, request: Request, sender: User | None) -> Decision:
    return _("watches over what follows: a bug becomes an answer"), []


def _log(server: APIServer, request: Request, sender: User | None) -> Decision:
    return _("will note who asked what, and the answer"), []


def _metrics(server: APIServer, request: Request, sender: User | None) -> Decision:
    return _("will count the answer by verb, resource and code"), []


def _authentication(server: APIServer, request: Request, sender: User | None) -> Decision:
    user = request.user
    if user is None:
        return "", []
    by = _("a client certificate")
    if request.headers.get("authorization"):
        by = _("a bearer token")
    elif user is ANONYMOUS:
        by = _("nothing: no credentials were sent")
    seen = [(_("user"), user.name), (_("groups"), ", ".join(user.groups)), (_("known by"), by)]
    return _("this is {user}").format(user=user.name), seen


def _audit(server: APIServer, request: Request, sender: User | None) -> Decision:
    if server.auditor is None:
        return _("there is no policy: nothing is written"), []
    _access, ruling = server.auditor.judge(request)
    seen = [(_("level"), ruling.level)]
    if ruling.rule >= 0:
        seen.append((_("rule"), str(ruling.rule + 1)))
    if ruling.omitted:
        seen.append((_("left out"), ", ".join(sorted(ruling.omitted))))
    words = _("nothing is written") if ruling.level == "None" else _("events are written")
    return words, seen


def _impersonation(server: APIServer, request: Request, sender: User | None) -> Decision:
    if sender is request.user or sender is None or request.user is None:
        return _("nobody else is meant"), []
    seen = [(_("user"), request.user.name), (_("groups"), ", ".join(request.user.groups))]
    way = request.notes.constraint or "impersonate"
    return _("{sender} may act as {user}").format(sender=sender.name, user=request.user.name), [
        *seen,
        (_("by the verb"), way),
    ]


def _info(server: APIServer, request: Request, sender: User | None) -> Decision:
    info = request.info
    if info is None:
        return "", []
    if info.resource is None:
        return _("a path that is no resource"), [(_("verb"), info.verb), (_("path"), request.path)]
    pairs = (
        (_("verb"), info.verb),
        (_("group"), info.resource.group or _("core")),
        (_("version"), info.resource.version),
        (_("resource"), info.resource.plural),
        (_("subresource"), info.subresource),
        (_("namespace"), info.namespace),
        (_("name"), info.name),
    )
    return _("{verb} on {resource}").format(verb=info.verb, resource=info.resource.group_resource), [
        (name, value) for name, value in pairs if value
    ]


def _seating(server: APIServer, request: Request, sender: User | None) -> Decision:
    user, info = request.user, request.info
    flow = server.flows.of(user, info, request.path) if user is not None and info is not None else None
    if flow is None or info is None:
        return _("it takes no seat"), []
    level, stored = flow.level, server.reception.stored(request)
    seen = [(_("flow schema"), flow.schema), (_("priority level"), level.name)]
    if flow.method:
        seen.append((_("flows by"), flow.method))
    if level.plan.seats == float("inf"):
        return _("exempt: it never waits"), seen
    wide = seats(level, info, request.query, stored)
    seen += [(_("seats"), _("{wide} of {all}").format(wide=wide, all=int(level.plan.seats)))]
    return _("there is a seat"), seen


def _authorization(server: APIServer, request: Request, sender: User | None) -> Decision:
    if server.authorizer is None or request.user is None or request.info is None:
        return _("everybody may do everything"), []
    every = server.authorizer.explain(request.user, access_of(request, request.info))
    looks = [look for look in every if look.counts]
    if not looks or not looks[-1].allowed:
        return _("none of {count} rules allows it").format(count=len(looks)), []
    last = looks[-1]
    seen = [(_("authorizer"), last.authorizer), (_("because"), last.note)]
    if last.rule:
        seen.append((_("rule"), " ".join(f"{key}={','.join(value)}" for key, value in last.rule.items())))
    return _("allowed"), [*seen, (_("rules looked at"), str(len(looks)))]


def _negotiation(server: APIServer, request: Request, sender: User | None) -> Decision:
    kind, accept = request.headers.get("content-type", ""), request.headers.get("accept", "")
    seen = [(_("comes as"), kind)] if kind and request.body else []
    return _("the answer is wanted as {form}").format(form=accept or "application/json"), seen


DECISIONS: Mapping[str, Callable[[APIServer, Request, User | None], Decision]] = {
    "panic recovery": _recovery,
    "request log": _log,
    "metrics": _metrics,
    "authentication": _authentication,
    "audit": _audit,
    "impersonation": _impersonation,
    "request info": _info,
    "priority and fairness": _seating,
    "authorization": _authorization,
    "content negotiation": _negotiation,
}
"""By the name of the filter. The third argument is who sent the request, before impersonation."""

"""Impersonation: asking as somebody else, for those who may (`kubectl --as`).

Each part of the other identity is asked for on its own, with the verb `impersonate`: the user or service account, each
group, the UID, each value of the extra fields. Upstream: `apiserver/pkg/endpoints/filters/impersonation.go`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from urllib.parse import unquote

from k8snb.apiserver.access.authorizer import Authorizer, forbidden
from k8snb.apiserver.access.rules import Access
from k8snb.errors import StatusError, internal
from k8snb.wire import REPEATED, Request, User

AUTHENTICATED, UNAUTHENTICATED, ANONYMOUS = "system:authenticated", "system:unauthenticated", "system:anonymous"
ACCOUNT_PREFIX = "system:serviceaccount:"
_GROUP = "authentication.k8s.io"
_EXTRA = "impersonate-extra-"


def impersonated(user: User, request: Request, authorizer: Authorizer | None) -> User:
    """The user that a request shall count as; raises Forbidden where its sender may not be that user."""
    headers = request.headers
    if not any(key.startswith("impersonate-") for key in headers):
        return user
    name = headers.get("impersonate-user", "")
    groups = tuple(each for each in headers.get("impersonate-group", "").split(REPEATED) if each)
    uid, extra = headers.get("impersonate-uid", ""), _extra(headers)
    if not name:
        if groups or uid or extra:
            raise _nobody(request)
        return user
    if authorizer is not None:
        for access in _accesses(name, groups, uid, extra):
            decision = authorizer.decide(user, access)
            if not decision.allowed:
                raise forbidden(user, access, decision.reason)
    return User(name, _groups(name, groups), uid, extra)


def _extra(headers: Mapping[str, str]) -> Mapping[str, tuple[str, ...]]:
    found = {key.removeprefix(_EXTRA): value for key, value in headers.items() if key.startswith(_EXTRA)}
    return {unquote(key).lower(): tuple(value.split(REPEATED)) for key, value in sorted(found.items())}


def _nobody(request: Request) -> StatusError:
    return internal(f'"{request.path}": requested groups, uid or extra without impersonating a user')


def account_of(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user name stands for."""
    if not name.startswith(ACCOUNT_PREFIX):
        return None
    namespace, colon, plain = name.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, plain) if colon and namespace and plain and ":" not in plain else None


def _accesses(name: str, groups: tuple[str, ...], uid: str, extra: Mapping[str, tuple[str, ...]]) -> Iterator[Access]:
    account = account_of(name)
    if account is not None:
        yield Access("impersonate", "", "serviceaccounts", "", account[0], account[1], version="v1")
    else:
        yield Access("impersonate", "", "users", name=name, version="v1")
    for group in groups:
        yield Access("impersonate", "", "groups", name=group, version="v1")
    for key, values in extra.items():
        for value in values:
            yield Access("impersonate", _GROUP, "userextras", key, name=value, version="v1")
    if uid:
        yield Access("impersonate", _GROUP, "uids", name=uid, version="v1")


def _groups(name: str, given: tuple[str, ...]) -> tuple[str, ...]:
    """The groups that come with being somebody, besides those that were asked for."""
    account = account_of(name)
    if account is not None and not given:
        given = account_groups(account[0])
    if AUTHENTICATED in given or UNAUTHENTICATED in given:
        return given
    return (*given, UNAUTHENTICATED if name == ANONYMOUS else AUTHENTICATED)


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of every service account of a namespace."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")

"""Impersonation: asking as somebody else, for those who may (`kubectl --as`).

There are several ways to be allowed to, tried in turn. A *constrained* one takes two permissions: to be that somebody
(`impersonate:user-info` on users, groups …), and to do what is asked for while being somebody
(`impersonate-on:user-info:list` on pods …); service accounts and nodes have verbs of their own. The last one is the
verb `impersonate`, which allows everything. The way that worked last for a user is tried first; what is refused is told
in the words of the first way that was tried.

Upstream: `apiserver/pkg/endpoints/filters/impersonation` (KEP-5284, on by default in 1.36).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from urllib.parse import unquote

from k8snb.apiserver.access.authorizer import Authorizer, forbidden
from k8snb.apiserver.access.explaining import MASTERS
from k8snb.apiserver.access.node import NODE_PREFIX, NODES
from k8snb.apiserver.access.rules import Access
from k8snb.errors import StatusError, bad_request, quoted
from k8snb.machinery import formats
from k8snb.wire import REPEATED, User

AUTHENTICATED, UNAUTHENTICATED, ANONYMOUS = "system:authenticated", "system:unauthenticated", "system:anonymous"
ACCOUNT_PREFIX = "system:serviceaccount:"
NODE_NAME = "authentication.kubernetes.io/node-name"
_GROUP = "authentication.k8s.io"
_EXTRA = "impersonate-extra-"


def wanted_user(headers: Mapping[str, str]) -> User | None:
    """Whom a request wants to count as, as its headers say it; raises BadRequest where they name no user."""
    if "impersonate-" not in "\n".join(headers):
        return None
    name, uid = headers.get("impersonate-user", ""), headers.get("impersonate-uid", "")
    groups = tuple(each for each in headers.get("impersonate-group", "").split(REPEATED) if each)
    found = {key.removeprefix(_EXTRA): value for key, value in headers.items() if key.startswith(_EXTRA)}
    extra = {unquote(key).lower(): tuple(value.split(REPEATED)) for key, value in sorted(found.items())}
    if name:
        return User(name, groups, uid, extra)
    if groups or uid or extra:
        raise bad_request(f"requested {_go(uid, groups, extra)} without impersonating a user name")
    return None


def _go(uid: str, groups: tuple[str, ...], extra: Mapping[str, tuple[str, ...]]) -> str:
    """A user without a name as Go prints its struct."""
    listed = f"[]string{{{', '.join(map(quoted, groups))}}}" if groups else "[]string(nil)"
    pairs = ", ".join(f"{quoted(key)}:[]string{{{', '.join(map(quoted, extra[key]))}}}" for key in extra)
    mapped = f"map[string][]string{{{pairs}}}" if extra else "map[string][]string(nil)"
    return f'&user.DefaultInfo{{Name:"", UID:{quoted(uid)}, Groups:{listed}, Extra:{mapped}}}'


def account_of(name: str) -> tuple[str, str] | None:
    """Namespace and name of the service account that a user name stands for."""
    if not name.startswith(ACCOUNT_PREFIX):
        return None
    namespace, colon, plain = name.removeprefix(ACCOUNT_PREFIX).partition(":")
    return (namespace, plain) if colon and namespace and plain and ":" not in plain else None


def account_groups(namespace: str) -> tuple[str, ...]:
    """The groups of every service account of a namespace."""
    return ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")


def _node_of(name: str) -> str:
    """The node that a user name stands for; empty if it is none."""
    node = name.removeprefix(NODE_PREFIX) if name.startswith(NODE_PREFIX) else ""
    return node if node and not formats.dns_subdomain(node) else ""


class Impersonator:
    """Finds out as whom a request counts."""

    def __init__(self, authorizer: Authorizer) -> None:
        self._authorizer = authorizer
        self._worked: dict[str, str] = {}

    def become(self, user: User, wanted: User, asked: Access) -> User:
        """The user that a request counts as; raises Forbidden where its sender may not be that user."""
        first: StatusError | None = None
        last = self._worked.get(user.name)
        for mode in sorted(_MODES, key=lambda mode: mode != last):
            try:
                if not _MODES[mode](wanted, user):
                    continue
                made = self._by(mode, user, wanted, asked)
            except StatusError as error:
                first = first or error
            else:
                self._worked[user.name] = mode
                return made
        assert first is not None
        raise first

    def way(self, user: User) -> str:
        """The constrained verb by which a user became somebody last; empty where it was `impersonate` itself."""
        mode = self._worked.get(user.name)
        return f"impersonate:{mode}" if mode else ""

    def _by(self, mode: str, user: User, wanted: User, asked: Access) -> User:
        verb = f"impersonate:{mode}" if mode else "impersonate"
        if mode:
            self._require(user, asked._replace(verb=f"impersonate-on:{mode}:{asked.verb}"))
        for access, reason in _parts(verb, mode, wanted):
            if reason:
                raise forbidden(user, access, reason)
            self._require(user, access)
        return User(wanted.name, _groups(mode, wanted), wanted.uid, wanted.extra)

    def _require(self, user: User, access: Access) -> None:
        decision = self._authorizer.decide(user, access)
        if not decision.allowed:
            raise forbidden(user, access, decision.reason)


def _plain(wanted: User) -> bool:
    return not (wanted.uid or wanted.groups or wanted.extra)


_MODES: Mapping[str, Callable[[User, User], bool]] = {
    "associated-node": lambda wanted, user: (
        _plain(wanted)
        and account_of(user.name) is not None
        and user.extra.get(NODE_NAME) == (_node_of(wanted.name) or "-",)
    ),
    "arbitrary-node": lambda wanted, user: _plain(wanted) and bool(_node_of(wanted.name)),
    "serviceaccount": lambda wanted, user: _plain(wanted) and account_of(wanted.name) is not None,
    "user-info": lambda wanted, user: not _node_of(wanted.name) and account_of(wanted.name) is None,
    "": lambda wanted, user: True,
}
"""The ways, and whom each is for: the user that is wanted, and the one who asks. The last is the verb `impersonate`."""


def _parts(verb: str, mode: str, wanted: User) -> Iterator[tuple[Access, str]]:
    """What has to be allowed for each part of an identity; with a reason where it never is."""
    group = _GROUP if mode else ""
    account, node = account_of(wanted.name), _node_of(wanted.name) if mode else ""
    if account is not None:
        yield Access(verb, group, "serviceaccounts", "", account[0], account[1], version="v1"), ""
    elif node:
        yield Access(verb, group, "nodes", name="*" if mode == "associated-node" else node, version="v1"), ""
    else:
        yield Access(verb, group, "users", name=wanted.name, version="v1"), ""
    if wanted.uid:
        yield Access(verb, _GROUP, "uids", name=wanted.uid, version="v1"), ""
    if mode and MASTERS in wanted.groups:
        never = f"impersonating the {MASTERS} group is not allowed"
        yield Access(verb, group, "groups", name=MASTERS, version="v1"), never
    for each in wanted.groups:
        yield Access(verb, group, "groups", name=each, version="v1"), ""
    for key, values in wanted.extra.items():
        for value in values:
            yield Access(verb, _GROUP, "userextras", key, name=value, version="v1"), ""


def _groups(mode: str, wanted: User) -> tuple[str, ...]:
    """The groups that come with being somebody, besides those that were asked for."""
    groups, account = wanted.groups, account_of(wanted.name)
    if mode and _node_of(wanted.name):
        groups = (NODES,)
    elif account is not None and not groups:
        groups = account_groups(account[0])
    if wanted.name == ANONYMOUS:
        return groups if UNAUTHENTICATED in groups else (*groups, UNAUTHENTICATED)
    return groups if AUTHENTICATED in groups or UNAUTHENTICATED in groups else (*groups, AUTHENTICATED)

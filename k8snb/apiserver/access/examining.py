"""One token of a service account, looked at check by check, in the order in which the API server does it.

First what the token is and who signed it, then for whom it is meant, then whether its time has come and not run out,
and at last whether its account and everything that it is bound to are there, with the UIDs that it names. The first
check that it does not pass ends it. `Tokens.verify` is what becomes of the checks; a view shows them.

Upstream: `pkg/serviceaccount/jwt.go` (issuer, signature, audience), `claims.go` and `legacy.go` (the rest).
"""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from k8snb.apiserver.access.authentication import INVALID
from k8snb.apiserver.access.impersonation import ACCOUNT_PREFIX, account_groups
from k8snb.apiserver.access.rules import go_list
from k8snb.clock import parse_time, rfc3339
from k8snb.machinery.legacytokens import INVALID_SINCE
from k8snb.machinery.objects import labels_of
from k8snb.machinery.rsa import Key, from_url_safe
from k8snb.typing import Object
from k8snb.wire import User

ISSUER = "https://kubernetes.default.svc.cluster.local"
LEGACY_ISSUER = "kubernetes/serviceaccount"
LEGACY = "kubernetes.io/serviceaccount/"
"""What the private claims of tokens in Secrets begin with."""

LEEWAY = 60.0
OLD_FASHIONED = (
    "Use tokens from the TokenRequest API or manually created secret-based tokens instead of "
    "auto-generated secret-based tokens."
)

_EXTRA = "authentication.kubernetes.io/"
_AUDIT = "authentication.k8s.io/"
_NONE: Mapping[str, Any] = {}


class Check(NamedTuple):
    """One check: its name, what the token says, what that was held against, and why the token failed, if it did."""

    name: str
    says: str
    seen: str
    refused: str = ""


Get = Callable[[str, str, str], Object | None]
"""The object of a kind, namespace and name."""


class Examination:
    """The checks of one token, meant for these audiences. After the last one is passed `user` is who bears it."""

    def __init__(self, token: str, audiences: Sequence[str], key: Callable[[], Key], now: float, get: Get) -> None:
        self.token = token
        self.header, self.claims = contents(token)
        self.audiences: Sequence[str] = ()
        """Those of the audiences that the token is meant for."""
        self.user: User | None = None
        self.secret: Object | None = None
        """The Secret that the token is kept in."""
        self.warnings: tuple[str, ...] = ()
        self.annotations: dict[str, str] = {}
        self._asked = audiences
        self._key = key
        self._now = now
        self._get = get

    @property
    def ours(self) -> bool:
        """Whether the token says that it is this cluster's; nobody else's is looked at any further."""
        return self.claims.get("iss") in (ISSUER, LEGACY_ISSUER)

    def checks(self) -> Iterator[Check]:
        """Every check up to the first that the token does not pass; KeyError, TypeError or ValueError if it is odd."""
        legacy = self.claims.get("iss") == LEGACY_ISSUER
        for check in self._all(legacy):
            yield check
            if check.refused:
                return
        names = [self.claims[f"{LEGACY}{field}"] for field in ("namespace", "service-account.name")] if legacy else []
        namespace, name = names or _named(self.claims)
        account = self._get("ServiceAccount", namespace, name) or _NONE
        self.user = _user(namespace, account, {} if legacy else self._extra())

    def _all(self, legacy: bool) -> Iterator[Check]:
        yield Check("issuer", str(self.claims.get("iss", "")), ISSUER, "" if self.ours else INVALID)
        yield self._signature()
        yield self._audience(legacy)
        yield from self._kept() if legacy else self._bound()

    # -- what it is --------------------------------------------------------------------------------

    def _signature(self) -> Check:
        message, _, signature = self.token.rpartition(".")
        key = self._key()
        holds = key.verifies(message.encode(), from_url_safe(signature))
        why = "" if holds else "go-jose/go-jose: error in cryptographic primitive"
        return Check("signature", f"{self.header.get('alg', '')} {self.header.get('kid', '')}", f"key {key.id}", why)

    def _audience(self, legacy: bool) -> Check:
        meant = [ISSUER] if legacy else list(self.claims.get("aud") or ())
        self.audiences = [each for each in meant if each in self._asked]
        why = f"token audiences {go_list(meant)} is invalid for the target audiences {go_list(self._asked)}"
        return Check("audience", ", ".join(meant), ", ".join(self._asked), "" if self.audiences else why)

    # -- tokens that were asked for ----------------------------------------------------------------

    def _bound(self) -> Iterator[Check]:
        ends, begins, now = self.claims["exp"], self.claims.get("nbf", 0), rfc3339(self._now)
        over = self._now > ends + LEEWAY
        yield Check("expiry", rfc3339(ends), now, "service account token has expired" if over else "")
        early = self._now < begins - LEEWAY
        yield Check("not before", rfc3339(begins), now, "service account token is not valid yet" if early else "")
        about = self.claims["kubernetes.io"]
        yield self._account(about["namespace"], about["serviceaccount"])
        for kind, field in (("Secret", "secret"), ("Pod", "pod"), ("Node", "node")):
            if field in about and (kind != "Node" or "pod" not in about):
                yield self._there(kind, "" if kind == "Node" else about["namespace"], about[field])
        warn = about.get("warnafter")
        if warn is not None and self._now > warn:
            told = f"subject: {self.claims['sub']}, seconds after warning threshold: {int(self._now - warn)}"
            self.annotations[f"{_AUDIT}stale-token"] = told

    def _account(self, namespace: str, named: Object) -> Check:
        found = self._get("ServiceAccount", namespace, named["name"])
        why = "" if found is not None else f'serviceaccounts "{named["name"]}" not found'
        if found is not None and self._is_gone(found):
            why = f"service account {namespace}/{named['name']} has been deleted"
        elif found is not None and found["metadata"]["uid"] != named["uid"]:
            why = f"service account UID ({found['metadata']['uid']}) does not match claim ({named['uid']})"
        return Check("service account", _shown(named, namespace), _seen(found), why)

    def _there(self, kind: str, namespace: str, named: Object) -> Check:
        """Whether what a token is bound to is still the same."""
        found, low = self._get(kind, namespace, named["name"]), kind.lower()
        why = "service account token has been invalidated" if found is None or self._is_gone(found) else ""
        if not why and found is not None and found["metadata"]["uid"] != named["uid"]:
            told = f"{kind if kind == 'Secret' else low} UID ({found['metadata']['uid']})"
            why = f"{told} does not match service account {low} ref claim ({named['uid']})"
        return Check(low, _shown(named, namespace), _seen(found), why)

    def _is_gone(self, obj: Object) -> bool:
        deleted = obj["metadata"].get("deletionTimestamp")
        return deleted is not None and parse_time(deleted) < self._now - LEEWAY

    def _extra(self) -> Mapping[str, tuple[str, ...]]:
        about = self.claims["kubernetes.io"]
        extra = {f"{_EXTRA}credential-id": (f"JTI={self.claims['jti']}",)}
        for field in ("pod", "node"):
            if field in about:
                extra[f"{_EXTRA}{field}-name"] = (about[field]["name"],)
                if about[field].get("uid"):
                    extra[f"{_EXTRA}{field}-uid"] = (about[field]["uid"],)
        return dict(sorted(extra.items()))

    # -- tokens that are kept in Secrets -----------------------------------------------------------

    def _kept(self) -> Iterator[Check]:
        claims = self.claims
        namespace, name = claims[f"{LEGACY}namespace"], claims[f"{LEGACY}secret.name"]
        account = {field: claims[f"{LEGACY}service-account.{field}"] for field in ("name", "uid")}
        secret = self._get("Secret", namespace, name)
        yield Check("secret", f"{namespace}/{name}", _seen(secret), self._not_kept(secret))
        found = self._get("ServiceAccount", namespace, account["name"])
        yield Check("service account", _shown(account, namespace), _seen(found), _other(found, namespace, account))
        self.secret = secret
        since = labels_of(secret or _NONE).get(INVALID_SINCE, "")
        why = f"the token in secret {namespace}/{name} for service account {namespace}/{account['name']} has been "
        why += (
            "marked invalid. Use tokens from the TokenRequest API or manually created secret-based tokens, or remove "
        )
        why += f"the '{INVALID_SINCE}' label from the secret to temporarily allow use of this token"
        yield Check("not cleaned up", f"{namespace}/{name}", since, why if since else "")
        generated = any(each.get("name") == name for each in (found or _NONE).get("secrets") or ())
        self.warnings = (OLD_FASHIONED,) if generated else ()
        word = "autogenerated" if generated else "manual"
        self.annotations[f"{_AUDIT}legacy-token-{word}-secret"] = name

    def _not_kept(self, secret: Object | None) -> str:
        """Why the Secret does not speak for the token."""
        if secret is None or secret["metadata"].get("deletionTimestamp") is not None:
            return "Token has been invalidated"
        kept = (secret.get("data") or _NONE).get("token", "")
        return "" if base64.b64decode(kept) == self.token.encode() else "Token does not match server's copy"


def _other(found: Object | None, namespace: str, named: Object) -> str:
    if found is None:
        return f'serviceaccounts "{named["name"]}" not found'
    if found["metadata"].get("deletionTimestamp") is not None:
        return f"ServiceAccount {namespace}/{named['name']} has been deleted"
    uid = found["metadata"]["uid"]
    return "" if uid == named["uid"] else f"ServiceAccount UID ({uid}) does not match claim ({named['uid']})"


def contents(token: str) -> tuple[Object, Object]:
    """The header and the claims of a token, whoever signed it; empty where it is none."""
    parts = token.split(".")
    if len(parts) != 3:
        return {}, {}
    try:
        head, claims = (json.loads(from_url_safe(part)) for part in parts[:2])
    except ValueError:
        return {}, {}
    return (head, claims) if isinstance(head, dict) and isinstance(claims, dict) else ({}, {})


def _named(claims: Object) -> tuple[str, str]:
    about = claims["kubernetes.io"]
    return about["namespace"], about["serviceaccount"]["name"]


def _shown(named: Object, namespace: str) -> str:
    name = f"{namespace}/{named['name']}" if namespace else named["name"]
    return f"{name} ({named['uid']})" if named.get("uid") else str(name)


def _seen(found: Object | None) -> str:
    """What there is of that name now: its UID."""
    return "" if found is None else str(found["metadata"]["uid"])


def _user(namespace: str, account: Object, extra: Mapping[str, tuple[str, ...]]) -> User:
    meta = account["metadata"]
    groups = (*account_groups(namespace), "system:authenticated")
    return User(f"{ACCOUNT_PREFIX}{namespace}:{meta['name']}", groups, meta["uid"], extra)

"""Tokens of service accounts: signed statements of who their bearer is, for whom, and until when.

A token is a JWT. It holds while its account, and what it is bound to (a pod, a node, a Secret), are there with the UIDs
that it names, so it ends with them before it expires. Expiry is by the cluster's clock, with a minute's leeway as
upstream. Tokens in Secrets of the type `kubernetes.io/service-account-token` never expire and hold as long as the
Secret has them.

Upstream: `pkg/serviceaccount` (`jwt.go`, `claims.go`, `legacy.go`, `openidmetadata.go`).
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apiserver.access.authentication import INVALID, Verdict
from k8snb.apiserver.access.impersonation import ACCOUNT_PREFIX, account_groups
from k8snb.apiserver.access.rules import go_list
from k8snb.clock import Clock, parse_time
from k8snb.machinery.rsa import Key, from_url_safe, url_safe
from k8snb.store.mvcc import Store
from k8snb.typing import Object
from k8snb.wire import User

ISSUER = "https://kubernetes.default.svc.cluster.local"
LEGACY_ISSUER = "kubernetes/serviceaccount"
LEEWAY = 60.0
EXTENDED_SECONDS = 365 * 86400
WARNING_SECONDS = 3607
"""Tokens that were asked for this long are those of `kube-api-access` volumes: they go on for a year."""

_EXTRA = "authentication.kubernetes.io/"
_NONE: Mapping[str, Any] = {}


class Refused(Exception):
    """Why a token is not believed."""


class Tokens:
    """Issues tokens and looks at those that come. `key` makes the signing key when it is first needed."""

    def __init__(self, store: Store, clock: Clock, key: Callable[[], Key]) -> None:
        self._store = store
        self._clock = clock
        self._make_key = key
        self._key: Key | None = None
        self._count = 0
        self._buckets = {kind: store.bucket(name) for kind, name in _BUCKETS.items()}

    @property
    def key(self) -> Key:
        """The signing key."""
        if self._key is None:
            self._key = self._make_key()
        return self._key

    # -- issuing -----------------------------------------------------------------------------------

    def issue(self, account: Object, audiences: Sequence[str], seconds: int, bound: Mapping[str, Object]) -> str:
        """A token for an account. `bound` has the objects it is bound to, by kind; a pod's node is one of them."""
        now, meta = int(self._clock.now()), account["metadata"]
        about: dict[str, Any] = {"namespace": meta["namespace"], "serviceaccount": _reference(account)}
        about |= {kind.lower(): _reference(obj) for kind, obj in bound.items()}
        lasts = seconds
        if seconds == WARNING_SECONDS and "Pod" in bound and tuple(audiences) == (ISSUER,):
            lasts, about["warnafter"] = EXTENDED_SECONDS, now + seconds
        claims = {
            "aud": list(audiences),
            "exp": now + lasts,
            "iat": now,
            "iss": ISSUER,
            "jti": self._number(account),
            "kubernetes.io": about,
            "nbf": now,
            "sub": f"{ACCOUNT_PREFIX}{meta['namespace']}:{meta['name']}",
        }
        return self._signed(claims)

    def issue_legacy(self, account: Object, secret: Object) -> str:
        """A token that is kept in a Secret."""
        meta, place = account["metadata"], "kubernetes.io/serviceaccount/"
        claims = {
            "iss": LEGACY_ISSUER,
            f"{place}namespace": meta["namespace"],
            f"{place}secret.name": secret["metadata"]["name"],
            f"{place}service-account.name": meta["name"],
            f"{place}service-account.uid": meta["uid"],
            "sub": f"{ACCOUNT_PREFIX}{meta['namespace']}:{meta['name']}",
        }
        return self._signed(claims)

    def _number(self, account: Object) -> str:
        """A UUID for a token; it follows from the account and how many there were, and takes nothing from the lots."""
        self._count += 1
        text = f"{account['metadata']['uid']} {self._clock.now()} {self._count}"
        d = hashlib.sha256(text.encode()).hexdigest()
        return f"{d[:8]}-{d[8:12]}-4{d[13:16]}-a{d[17:20]}-{d[20:32]}"

    def _signed(self, claims: Object) -> str:
        head = {"alg": "RS256", "kid": self.key.id}
        message = ".".join(url_safe(_json(part)) for part in (head, claims))
        return f"{message}.{url_safe(self.key.sign(message.encode()))}"

    # -- looking at those that come ----------------------------------------------------------------

    def verify(self, token: str, audiences: Sequence[str]) -> Verdict | None:
        """Whose the token is; None where it is none of ours."""
        claims = _claims(token)
        if claims is None or claims.get("iss") not in (ISSUER, LEGACY_ISSUER):
            return None
        message, _, signature = token.rpartition(".")
        try:
            if not self.key.verifies(message.encode(), from_url_safe(signature)):
                raise Refused("go-jose/go-jose: error in cryptographic primitive")
            if claims["iss"] == LEGACY_ISSUER:
                user = self._legacy(claims, token)
                return Verdict(user, [each for each in audiences if each == ISSUER])
            meant = [each for each in claims.get("aud") or () if each in audiences]
            if not meant:
                told = f"token audiences {go_list(claims.get('aud') or ())} is invalid"
                raise Refused(f"{told} for the target audiences {go_list(audiences)}")
            return Verdict(self._bound(claims), meant)
        except Refused as refused:
            return Verdict(None, (), f"[{INVALID}, {refused}]")
        except (KeyError, TypeError, ValueError):
            return Verdict(None, (), INVALID)

    def _bound(self, claims: Object) -> User:
        now = self._clock.now()
        if now > claims["exp"] + LEEWAY:
            raise Refused("service account token has expired")
        if now < claims.get("nbf", 0) - LEEWAY:
            raise Refused("service account token is not valid yet")
        about = claims["kubernetes.io"]
        namespace = about["namespace"]
        account = self._account(namespace, about["serviceaccount"])
        extra = {f"{_EXTRA}credential-id": (f"JTI={claims['jti']}",)}
        for kind, field in (("Secret", "secret"), ("Pod", "pod"), ("Node", "node")):
            named = about.get(field)
            if named is None:
                continue
            if kind != "Node" or "pod" not in about:
                self._check(kind, "" if kind == "Node" else namespace, named)
            if kind != "Secret":
                extra[f"{_EXTRA}{field}-name"] = (named["name"],)
                if named.get("uid"):
                    extra[f"{_EXTRA}{field}-uid"] = (named["uid"],)
        return _user(namespace, account, dict(sorted(extra.items())))

    def _account(self, namespace: str, named: Object) -> Object:
        account = self._store.get(self._buckets["ServiceAccount"], namespace, named["name"])
        if account is None:
            raise Refused(f'serviceaccounts "{named["name"]}" not found')
        uid = account["metadata"]["uid"]
        if self._is_gone(account):
            raise Refused(f"service account {namespace}/{named['name']} has been deleted")
        if uid != named["uid"]:
            raise Refused(f"service account UID ({uid}) does not match claim ({named['uid']})")
        return account

    def _check(self, kind: str, namespace: str, named: Object) -> None:
        """Raise where what a token is bound to is gone."""
        found = self._store.get(self._buckets[kind], namespace, named["name"])
        if found is None or self._is_gone(found):
            raise Refused("service account token has been invalidated")
        uid = found["metadata"]["uid"]
        if uid != named["uid"]:
            shown = kind if kind == "Secret" else kind.lower()
            raise Refused(
                f"{shown} UID ({uid}) does not match service account {kind.lower()} ref claim ({named['uid']})"
            )

    def _is_gone(self, obj: Object) -> bool:
        deleted = obj["metadata"].get("deletionTimestamp")
        return deleted is not None and parse_time(deleted) < self._clock.now() - LEEWAY

    def _legacy(self, claims: Object, token: str) -> User:
        place = "kubernetes.io/serviceaccount/"
        namespace, name = claims[f"{place}namespace"], claims[f"{place}secret.name"]
        secret = self._store.get(self._buckets["Secret"], namespace, name)
        kept = ((secret or _NONE).get("data") or _NONE).get("token", "")
        if secret is None or self._is_gone(secret) or base64.b64decode(kept) != token.encode():
            raise Refused("service account token has been invalidated")
        named = {field: claims[f"{place}service-account.{field}"] for field in ("name", "uid")}
        return _user(namespace, self._account(namespace, named), {})

    # -- what others need to check them ------------------------------------------------------------

    def configuration(self, address: str) -> Object:
        """`/.well-known/openid-configuration`."""
        return {
            "issuer": ISSUER,
            "jwks_uri": f"https://{address}/openid/v1/jwks",
            "response_types_supported": ["id_token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": ["RS256"],
        }

    def key_set(self) -> Object:
        """`/openid/v1/jwks`."""
        size = (self.key.modulus.bit_length() + 7) // 8
        modulus, exponent = url_safe(self.key.modulus.to_bytes(size)), url_safe(self.key.exponent.to_bytes(3))
        key = {"use": "sig", "kty": "RSA", "kid": self.key.id, "alg": "RS256", "n": modulus, "e": exponent}
        return {"keys": [key]}


_BUCKETS = {"ServiceAccount": "serviceaccounts", "Pod": "pods", "Secret": "secrets", "Node": "nodes"}


def _reference(obj: Object) -> Object:
    meta = obj["metadata"]
    return {field: meta[field] for field in ("name", "uid") if meta.get(field)}


def _user(namespace: str, account: Object, extra: Mapping[str, tuple[str, ...]]) -> User:
    meta = account["metadata"]
    groups = (*account_groups(namespace), "system:authenticated")
    return User(f"{ACCOUNT_PREFIX}{namespace}:{meta['name']}", groups, meta["uid"], extra)


def _json(value: Object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()


def _claims(token: str) -> Object | None:
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json.loads(from_url_safe(parts[1]))
    except ValueError:
        return None
    return claims if isinstance(claims, dict) else None

"""Tokens of service accounts: signed statements of who their bearer is, for whom, and until when.

A token is a JWT. It holds while its account, and what it is bound to (a pod, a node, a Secret), are there with the UIDs
that it names, so it ends with them before it expires. Expiry is by the cluster's clock, with a minute's leeway as
upstream. Tokens in Secrets of the type `kubernetes.io/service-account-token` never expire and hold as long as the
Secret has them.

Upstream: `pkg/serviceaccount` (`jwt.go`, `claims.go`, `legacy.go`, `openidmetadata.go`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from k8snb.apiserver.access.authentication import INVALID, Verdict
from k8snb.apiserver.access.examining import ISSUER, LEGACY, LEGACY_ISSUER, Examination
from k8snb.apiserver.access.impersonation import ACCOUNT_PREFIX
from k8snb.clock import Clock
from k8snb.machinery.rsa import Key, url_safe
from k8snb.store.mvcc import Store
from k8snb.typing import Object

EXTENDED_SECONDS = 365 * 86400
WARNING_SECONDS = 3607
"""Tokens that were asked for this long are those of `kube-api-access` volumes: they go on for a year."""


class Tokens:
    """Issues tokens and looks at those that come. `key` makes the signing key when it is first needed."""

    def __init__(self, store: Store, clock: Clock, key: Callable[[], Key]) -> None:
        self._store = store
        self._clock = clock
        self._make_key = key
        self._key: Key | None = None
        self._count = 0
        self.used: Callable[[Object], None] = lambda secret: None
        """Is told of each Secret whose token has come in."""
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
        meta, place = account["metadata"], LEGACY
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

    def examine(self, token: str, audiences: Sequence[str] = ()) -> Examination:
        """The checks of a token that is meant for these audiences, by default for the API server."""
        return Examination(token, audiences or (ISSUER,), lambda: self.key, self._clock.now(), self._get)

    def verify(self, token: str, audiences: Sequence[str]) -> Verdict | None:
        """Whose the token is; None where it is none of ours."""
        found = self.examine(token, audiences)
        if not found.ours:
            return None
        try:
            refused = next((check.refused for check in found.checks() if check.refused), "")
        except (KeyError, TypeError, ValueError):
            return Verdict(None, (), INVALID)
        if found.secret is not None:
            self.used(found.secret)
        if refused:
            return Verdict(None, (), f"[{INVALID}, {refused}]")
        return Verdict(found.user, found.audiences, "", found.warnings, found.annotations)

    def _get(self, kind: str, namespace: str, name: str) -> Object | None:
        return self._store.get(self._buckets[kind], namespace, name)

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


def _json(value: Object) -> bytes:
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False).encode()

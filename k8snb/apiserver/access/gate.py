"""The gate: everything about access that one API server has, put together.

The keys decide who can make tokens and certificates that it believes. Those of a cluster in a notebook are `KNOWN`: the
same on every run, and no secret.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Protocol

from k8snb.apiserver.access.authentication import Authenticator
from k8snb.apiserver.access.authorizer import Authorizer
from k8snb.apiserver.access.examining import ISSUER
from k8snb.apiserver.access.tokens import Tokens
from k8snb.clock import Clock
from k8snb.machinery import rsa
from k8snb.machinery.rsa import Key
from k8snb.machinery.x509 import Authority
from k8snb.store.mvcc import Store
from k8snb.wire import Request, Response

_CONFIGURATION, _KEY_SET = "/.well-known/openid-configuration", "/openid/v1/jwks"


class Keys(Protocol):
    """The private keys of a cluster, made when somebody first needs them."""

    def service_accounts(self) -> Key:
        """Signs the tokens of service accounts."""
        ...

    def authority(self, began: float) -> Authority:
        """The certificate authority of a cluster that began at this time."""
        ...


class KnownKeys:
    """Keys that anybody can work out."""

    def service_accounts(self) -> Key:
        return rsa.known("service accounts")

    def authority(self, began: float) -> Authority:
        return _authority(began)


@lru_cache(maxsize=8)
def _authority(began: float) -> Authority:
    return Authority(rsa.known("authority"), "kubernetes", began)


KNOWN = KnownKeys()


@dataclass(frozen=True, slots=True)
class Gate:
    """Who may come in, as whom, and what they may do there."""

    authenticator: Authenticator
    authorizer: Authorizer
    tokens: Tokens
    authority: Authority

    @classmethod
    def of(cls, store: Store, clock: Clock, keys: Keys = KNOWN, began: float | None = None) -> Gate:
        """The gate of an API server over a store; `began` is when the cluster did, if that was not now."""
        tokens = Tokens(store, clock, keys.service_accounts)
        authority = keys.authority(clock.now() if began is None else began)
        return cls(Authenticator(ISSUER, tokens.verify), Authorizer(store), tokens, authority)

    def serve(self, request: Request, address: str) -> Response | None:
        """Answer a request for what others need to check tokens; None if the path is none of these."""
        path = request.path.rstrip("/")
        if request.method not in ("GET", "HEAD") or path not in (_CONFIGURATION, _KEY_SET):
            return None
        headers = {"cache-control": "public, max-age=3600"}
        if path == _CONFIGURATION:
            return Response(200, self.tokens.configuration(address), headers=headers)
        return Response(200, self.tokens.key_set(), content_type="application/jwk-set+json", headers=headers)

"""Who sent a request: the owner of a client certificate, the owner of a bearer token, or nobody in particular.

A certificate has been looked at when the connection was made; its requests come with their user. A token that is wrong
refuses the request; none at all makes it that of `system:anonymous`, who may do what RBAC lets everybody do.
Upstream: `pkg/kubeapiserver/authenticator`.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from k8snb.machinery.x509 import read_certificate
from k8snb.wire import Request, User

INVALID = "invalid bearer token"
ANONYMOUS = User("system:anonymous", ("system:unauthenticated",))


class Verdict(NamedTuple):
    """What a token proves: a user and for which audiences, or what is wrong with it."""

    user: User | None
    audiences: Sequence[str] = ()
    error: str = ""
    warnings: tuple[str, ...] = ()
    annotations: Mapping[str, str] = MappingProxyType({})
    """What the audit log says of it."""


_NOBODY = Verdict(ANONYMOUS)

Verify = Callable[[str, Sequence[str]], Verdict | None]
"""What a token proves to these audiences; None where it is not a token of this kind."""


class Authenticator:
    """The chain. `audience` is what the API server itself is called; `verify` knows signed tokens."""

    def __init__(self, audience: str = "", verify: Verify = lambda token, audiences: None) -> None:
        self._audience = audience
        self._verify = verify
        self._known: list[tuple[bytes, User]] = []

    def accept(self, token: str, user: User) -> None:
        """Let a fixed token stand for a user, as a line of `--token-auth-file` does."""
        self._known.append((token.encode(), user))

    def __call__(self, request: Request) -> User | None:
        """The sender of a request; None where the credentials are wrong."""
        return self.look(request).user

    def look(self, request: Request) -> Verdict:
        """What the credentials of a request prove."""
        given = request.headers.get("authorization", "")
        scheme, _, token = given.partition(" ")
        if scheme.lower() != "bearer" or not token.strip():
            return _NOBODY
        return self.token(token.strip())

    def token(self, token: str, audiences: Sequence[str] = ()) -> Verdict:
        """What a token proves."""
        asked = audiences or ((self._audience,) if self._audience else ())
        for known, user in self._known:
            if hmac.compare_digest(known, token.encode()):
                return Verdict(user, [each for each in asked if each == self._audience])
        return self._verify(token, asked) or Verdict(None, (), INVALID)


def certificate_user(certificate: bytes) -> User | None:
    """Whom a client certificate (DER, already verified) stands for: its common name, its organizations as groups."""
    try:
        found = read_certificate(certificate)
    except ValueError:
        return None
    if not found.common_name:
        return None
    extra = {"authentication.kubernetes.io/credential-id": (f"X509SHA256={hashlib.sha256(certificate).hexdigest()}",)}
    return User(found.common_name, (*found.organizations, "system:authenticated"), extra=extra)

"""Certificates of servers: from Secrets, and the one that is shown where there is no other.

A router shows a certificate before it has read a request, so all it knows then is the name that the client says it
wants to talk to (SNI). Where no certificate belongs to that name it shows one of its own, which nobody believes.
"""

from __future__ import annotations

import base64
import binascii
from functools import lru_cache

from k8snb.machinery import der, rsa, x509
from k8snb.typing import Object

FAKE = "k8snb Ingress Controller Fake Certificate"
_FAKE_LIFE = (1_767_225_600.0, 1_798_761_600.0)
"""The year 2026."""


@lru_cache(maxsize=1)
def fake() -> str:
    """The certificate that is shown where there is no other, as PEM."""
    owner = x509.subject(FAKE, ("k8snb",))
    names = x509.Names(("ingress.local",))
    return x509.self_signed(rsa.known("ingress controller"), owner, names, *_FAKE_LIFE).decode()


@lru_cache(maxsize=256)
def read(pem: str) -> x509.Certificate:
    """What a certificate says. Raises ValueError."""
    block = der.from_pem(pem.encode())
    if block is None or block[0] != x509.CERTIFICATE:
        raise ValueError("no certificate PEM data found")
    try:
        return x509.read_certificate(block[1])
    except IndexError as error:
        raise ValueError("malformed certificate") from error


def of_secret(secret: Object | None) -> tuple[str, str]:
    """The certificate in a Secret, and what is wrong with the Secret; one of the two is empty."""
    if secret is None:
        return "", "was not found"
    data = secret.get("data") or {}
    try:
        certificate, key = (base64.b64decode(data.get(name, "")).decode() for name in ("tls.crt", "tls.key"))
        read(certificate)
    except (ValueError, binascii.Error) as error:
        return "", f"is invalid: {error}" if data.get("tls.crt") else "contains no certificate"
    if "PRIVATE KEY" not in key or der.from_pem(key.encode()) is None:
        return "", "contains no private key"
    return certificate, ""

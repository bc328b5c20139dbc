"""Hashes, passwords, keys and certificates. Upstream: sprig's `crypto.go`.

Keys are drawn by lot, so the same run makes the same ones: good for a book, no secret for anything else.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import zlib
from collections.abc import Callable, Mapping
from typing import Any

from k8snb.helm import bcrypt
from k8snb.helm.certificates import Maker, Pair, key_of, key_text, names_of
from k8snb.i18n import _
from k8snb.machinery import der
from k8snb.machinery.gotemplate import FunctionError
from k8snb.machinery.names import Lottery


def _sha1(text: str) -> str:
    return hashlib.sha1(text.encode(), usedforsecurity=False).hexdigest()


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _sha512(text: str) -> str:
    return hashlib.sha512(text.encode()).hexdigest()


def _adler32(text: str) -> str:
    return str(zlib.adler32(text.encode()))


def _custom(certificate: str, key: str) -> Any:
    try:
        cert = base64.b64decode(certificate, validate=True)
    except binascii.Error:
        raise FunctionError("unable to decode base64 certificate") from None
    try:
        private = base64.b64decode(key, validate=True)
    except binascii.Error:
        raise FunctionError("unable to decode base64 private key") from None
    if der.from_pem(cert) is None:
        raise FunctionError("unable to decode certificate")
    return Pair(cert.decode(), private.decode())


def _left_out(name: str) -> Callable[..., Any]:
    def function(*_given: Any) -> Any:
        raise FunctionError(_("{name} is not built in").format(name=name))

    return function


FUNCTIONS: Mapping[str, Callable[..., Any]] = {
    "adler32sum": _adler32,
    "buildCustomCert": _custom,
    "sha1sum": _sha1,
    "sha256sum": _sha256,
    "sha512sum": _sha512,
    **{name: _left_out(name) for name in ("decryptAES", "derivePassword", "encryptAES")},
}
"""Those that need neither clock nor lots."""


def functions(lottery: Lottery, now: Callable[[], float]) -> Mapping[str, Callable[..., Any]]:
    """Those that draw lots."""

    def maker() -> Maker:
        return Maker(lottery, now())

    def hashed(text: str) -> str:
        return bcrypt.hashed(text.encode(), lottery.random.randbytes(16))

    def htpasswd(user: str, password: str) -> str:
        return f"invalid username: {user}" if ":" in user else f"{user}:{hashed(password)}"

    def private_key(kind: str) -> str:
        if kind in ("", "rsa"):
            return key_text(maker().key())
        known = kind in ("dsa", "ecdsa", "ed25519")
        return _left_out(f"genPrivateKey {kind}")() if known else f"Unknown type {kind}"

    def authority(name: str, days: int) -> Any:
        return maker().authority(name, days, maker().key())

    def authority_with_key(name: str, days: int, key: str) -> Any:
        return maker().authority(name, days, key_of(key))

    def self_signed(name: str, addresses: Any, names: Any, days: int) -> Any:
        return maker().self_signed(name, names_of(addresses, names), days, maker().key())

    def self_signed_with_key(name: str, addresses: Any, names: Any, days: int, key: str) -> Any:
        return maker().self_signed(name, names_of(addresses, names), days, key_of(key))

    def signed(name: str, addresses: Any, names: Any, days: int, ca: Any) -> Any:
        return maker().signed(name, names_of(addresses, names), days, maker().key(), ca)

    def signed_with_key(name: str, addresses: Any, names: Any, days: int, ca: Any, key: str) -> Any:
        return maker().signed(name, names_of(addresses, names), days, key_of(key), ca)

    return {
        "bcrypt": hashed,
        "genCA": authority,
        "genCAWithKey": authority_with_key,
        "genPrivateKey": private_key,
        "genSelfSignedCert": self_signed,
        "genSelfSignedCertWithKey": self_signed_with_key,
        "genSignedCert": signed,
        "genSignedCertWithKey": signed_with_key,
        "htpasswd": htpasswd,
    }

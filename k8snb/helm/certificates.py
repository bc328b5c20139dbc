"""Keys and certificates that charts make for themselves. Upstream: sprig's `crypto.go`."""

from __future__ import annotations

import ipaddress
from collections.abc import Sequence
from typing import Any

from k8snb.machinery import der, rsa, x509
from k8snb.machinery.gotemplate import FunctionError
from k8snb.machinery.names import Lottery

_DAY = 86400.0


class Pair:
    """A certificate and its key, as PEM: `.Cert` and `.Key`."""

    def __init__(self, cert: str, key: str) -> None:
        self.cert = cert
        self.key = key
        self.template_fields = {"Cert": cert, "Key": key}
        self.data = {"Cert": cert, "Key": key}


class Maker:
    """Makes keys by lot, and certificates that begin now."""

    def __init__(self, lottery: Lottery, now: float) -> None:
        self._lottery = lottery
        self._now = now

    def key(self) -> rsa.Key:
        """A new key."""
        return rsa.generated(self._lottery.random.getrandbits)

    def authority(self, name: str, days: int, key: rsa.Key) -> Pair:
        """A certificate that may sign others, signed by itself."""
        usages = ("key encipherment", "digital signature", "cert sign", "server auth", "client auth")
        wanted = x509.Wanted(name, key, usages, x509.Names(), self._now, self._now + days * _DAY, authority=True)
        return _pair(x509.signed(wanted, x509.subject(name), key), key)

    def self_signed(self, name: str, names: x509.Names, days: int, key: rsa.Key) -> Pair:
        """A server's certificate, signed by itself."""
        return _pair(x509.signed(self._server(name, names, days, key), x509.subject(name), key), key)

    def signed(self, name: str, names: x509.Names, days: int, key: rsa.Key, authority: Any) -> Pair:
        """A server's certificate, signed by an authority."""
        if not isinstance(authority, Pair):
            raise FunctionError("wrong type for value; expected sprig.certificate")
        block = der.from_pem(authority.cert.encode())
        if block is None:
            raise FunctionError("unable to decode certificate")
        issuer = x509.read_subject(block[1])
        return _pair(x509.signed(self._server(name, names, days, key), issuer, key_of(authority.key)), key)

    def _server(self, name: str, names: x509.Names, days: int, key: rsa.Key) -> x509.Wanted:
        usages = ("key encipherment", "digital signature", "server auth", "client auth")
        return x509.Wanted(name, key, usages, names, self._now, self._now + days * _DAY)


def _pair(certificate: bytes, key: rsa.Key) -> Pair:
    return Pair(certificate.decode(), key_text(key))


def key_text(key: rsa.Key) -> str:
    """A key as PEM."""
    return key.pem.decode()


def key_of(text: str) -> rsa.Key:
    """The key in a PEM text."""
    block = der.from_pem(text.encode())
    if block is None:
        raise FunctionError("no PEM data in input")
    try:
        return rsa.from_der(block[1])
    except (der.DerError, IndexError) as error:
        raise FunctionError(f"parsing RSA private key from PEM: {error}") from None


def names_of(addresses: Sequence[Any] | None, names: Sequence[Any] | None) -> x509.Names:
    """The alternative names from what a template gives."""
    for address in addresses or ():
        if not isinstance(address, str):
            raise FunctionError(f"error parsing ip: {address} is not a string")
        try:
            ipaddress.ip_address(address)
        except ValueError:
            raise FunctionError(f"error parsing ip: {address}") from None
    for name in names or ():
        if not isinstance(name, str):
            raise FunctionError(f"error processing alternate dns name: {name} is not a string")
    return x509.Names(dns=list(names or ()), addresses=list(addresses or ()))

"""The keys by which a served cluster is known and lets others in.

They are made anew for each cluster. One that is kept in a file has them in there, so that a kubeconfig and the tokens
of service accounts hold as long as the cluster does; who can read the file can do everything.
"""

from __future__ import annotations

import secrets
import ssl
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from k8snb.cluster.keeping import CREDENTIALS
from k8snb.machinery.rsa import Key
from k8snb.machinery.x509 import Authority, Names, subject
from k8snb.machinery.x509 import Request as CertificateRequest
from k8snb.store.ledger import Record
from k8snb.wire import User

if TYPE_CHECKING:
    from k8snb.cluster.datafile import DataFile

VALID_DAYS = 30


class FreshKeys:
    """The keys and the administrator's token of a served cluster, made anew or as they were `kept` (its `Keys`)."""

    def __init__(self, kept: Mapping[str, Any] | None = None) -> None:
        self._kept = kept or _made()
        self._authority = Authority(self._key("authority"), "kubernetes", self._kept["began"])
        self.token: str = self._kept["token"]

    @classmethod
    def of(cls, file: DataFile) -> FreshKeys:
        """Those that are in a data file, which are put there if there are none; raises CannotKeep."""
        for record in file.kept.of(CREDENTIALS):
            return cls(orjson.loads(record.body))
        keys = cls()
        body = orjson.dumps(keys._kept)
        file.commit([Record(CREDENTIALS, "", "server", 0, 0, b"", body)], (), 0, {})
        return keys

    def _key(self, name: str) -> Key:
        return Key(*(int(number, 16) for number in self._kept[name]))

    def service_accounts(self) -> Key:
        return self._key("accounts")

    def authority(self, began: float) -> Authority:
        return self._authority

    @property
    def certificate(self) -> bytes:
        """The authority's certificate, as PEM."""
        return self._authority.certificate

    def context(self) -> ssl.SSLContext:
        """The server side of TLS: its certificate, and trust in clients whose certificates the authority signed."""
        names = ("localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc")
        addresses = ("127.0.0.1", "::1", "10.96.0.1")
        certificate, key = self._issued(subject("kube-apiserver"), Names(names, addresses), "server auth")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.verify_mode = ssl.CERT_OPTIONAL
        context.load_verify_locations(cadata=self._authority.certificate.decode())
        with tempfile.TemporaryDirectory() as folder:
            chain, private = Path(folder, "server.crt"), Path(folder, "server.key")
            chain.write_bytes(certificate)
            private.touch(mode=0o600)
            private.write_bytes(key)
            context.load_cert_chain(chain, private)
        return context

    def client(self, user: User) -> tuple[bytes, bytes]:
        """A certificate that is this user, and its key, as PEM."""
        groups = [each for each in user.groups if each != "system:authenticated"]
        return self._issued(subject(user.name, groups), Names(), "client auth")

    def _issued(self, owner: bytes, names: Names, usage: str) -> tuple[bytes, bytes]:
        key = ec.generate_private_key(ec.SECP256R1())
        der, pem = serialization.Encoding.DER, serialization.Encoding.PEM
        info = key.public_key().public_bytes(der, serialization.PublicFormat.SubjectPublicKeyInfo)
        now = time.time()
        usages = ("digital signature", "key encipherment", usage)
        certificate = self._authority.issue(
            CertificateRequest(owner, info, "", (), names), usages, now - 300, now + VALID_DAYS * 86400
        )
        return certificate, key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _made() -> Mapping[str, Any]:
    numbers = {"authority": _primes(), "accounts": _primes()}
    return {**numbers, "began": time.time(), "token": secrets.token_urlsafe(32)}


def _primes() -> list[str]:
    numbers = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_numbers()
    return [f"{numbers.p:x}", f"{numbers.q:x}"]

"""Certificates: reading the requests for them, and signing them.

As much of X.509 as clusters use. A request (PKCS #10) carries a name, a public key of any kind and the names a server
wants to have; a certificate repeats them with what it may be used for. Whether a request is signed with its own key
can be checked for RSA keys only; other keys are believed.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime

from k8snb.machinery import der, rsa
from k8snb.machinery.der import DerError, Part

COMMON_NAME, ORGANIZATION = "2.5.4.3", "2.5.4.10"
_RSA_SHA256 = der.sequence(der.oid("1.2.840.113549.1.1.11"), der.null())
_RSA = "1.2.840.113549.1.1.1"
_SHA256_WITH_RSA = "1.2.840.113549.1.1.11"
_EXTENSION_REQUEST = "1.2.840.113549.1.9.14"
_ALTERNATIVE, _KEY_USAGE, _EXTENDED, _CONSTRAINTS = "2.5.29.17", "2.5.29.15", "2.5.29.37", "2.5.29.19"
_SUBJECT_ID, _AUTHORITY_ID = "2.5.29.14", "2.5.29.35"
_BITS = {
    "digital signature": 0, "content commitment": 1, "key encipherment": 2, "data encipherment": 3,
    "key agreement": 4, "cert sign": 5, "crl sign": 6, "encipher only": 7,
}  # fmt: skip
_PURPOSES = {
    "any": "2.5.29.37.0", "server auth": "1.3.6.1.5.5.7.3.1", "client auth": "1.3.6.1.5.5.7.3.2",
    "code signing": "1.3.6.1.5.5.7.3.3", "email protection": "1.3.6.1.5.5.7.3.4", "timestamping": "1.3.6.1.5.5.7.3.8",
    "ocsp signing": "1.3.6.1.5.5.7.3.9",
}  # fmt: skip
REQUEST, CERTIFICATE = "CERTIFICATE REQUEST", "CERTIFICATE"


@dataclass(frozen=True, slots=True)
class Names:
    """The alternative names of a server (or of a person)."""

    dns: Sequence[str] = ()
    addresses: Sequence[str] = ()
    emails: Sequence[str] = ()
    uris: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Request:
    """What a certificate is asked for. `subject` and `key` are DER, as they go into it."""

    subject: bytes
    key: bytes
    common_name: str
    organizations: Sequence[str]
    names: Names


@dataclass(frozen=True, slots=True)
class Certificate:
    """Whose a certificate is, and until when (seconds since 1970)."""

    common_name: str
    organizations: Sequence[str]
    not_before: float
    not_after: float
    issuer: str = ""
    """The common name of who signed it; its own if nobody else did."""
    names: Names = field(default_factory=Names)

    def covers(self, host: str) -> bool:
        """Whether a server of that name (or address) may show it. A star stands for one label."""
        below = f"*.{host.partition('.')[2]}"
        return host in self.names.addresses or bool({host.lower(), below.lower()} & {n.lower() for n in self.names.dns})


# -- reading -------------------------------------------------------------------------------------------


def read_request(data: bytes) -> Request:
    """The request in a PEM block; raises ValueError with Go's words."""
    block = der.from_pem(data)
    if block is None or block[0] != REQUEST:
        raise ValueError("PEM block type must be CERTIFICATE REQUEST")
    try:
        return _request(block[1])
    except (DerError, IndexError, UnicodeDecodeError) as error:
        raise ValueError(f"asn1: structure error: {error}") from None


def _request(data: bytes) -> Request:
    (whole,) = der.parts(data)
    info, algorithm, signature = whole.parts()
    _, subject, key, *attributes = info.parts()
    _check_signature(info.whole, key, der.dotted(algorithm.parts()[0].content), signature.content[1:])
    common, organizations = _subject(subject)
    return Request(subject.whole, key.whole, common, organizations, _requested_names(attributes))


def _check_signature(message: bytes, key: Part, algorithm: str, signature: bytes) -> None:
    kind, bits = key.parts()
    if der.dotted(kind.parts()[0].content) != _RSA or algorithm != _SHA256_WITH_RSA:
        return
    (pair,) = der.parts(bits.content[1:])
    modulus, exponent = (int.from_bytes(part.content) for part in pair.parts())
    if modulus.bit_length() == 8 * rsa.BYTES and not rsa.PublicKey(modulus, exponent).verifies(message, signature):
        raise ValueError("crypto/rsa: verification error")


def _subject(name: Part) -> tuple[str, list[str]]:
    common, organizations = "", []
    for relative in name.parts():
        for pair in relative.parts():
            kind, text = pair.parts()
            if der.dotted(kind.content) == COMMON_NAME:
                common = text.content.decode()
            elif der.dotted(kind.content) == ORGANIZATION:
                organizations.append(text.content.decode())
    return common, organizations


def _requested_names(attributes: Sequence[Part]) -> Names:
    for block in attributes:
        for attribute in block.parts():
            kind, values = attribute.parts()
            if der.dotted(kind.content) == _EXTENSION_REQUEST:
                return _alternatives(values.parts()[0].parts())
    return Names()


def _alternatives(extensions: Iterable[Part]) -> Names:
    for extension in extensions:
        items = extension.parts()
        if der.dotted(items[0].content) == _ALTERNATIVE:
            return _names(items[-1].content)
    return Names()


def _names(data: bytes) -> Names:
    found: dict[int, list[str]] = {1: [], 2: [], 6: [], 7: []}
    (whole,) = der.parts(data)
    for part in whole.parts():
        kind = part.tag & 0x1F
        if kind == 7:
            found[kind].append(str(ipaddress.ip_address(part.content)))
        elif kind in found:
            found[kind].append(part.content.decode())
    return Names(found[2], found[7], found[1], found[6])


def read_certificate(data: bytes) -> Certificate:
    """Whose the certificate is (DER, as a TLS connection has it); raises ValueError."""
    (whole,) = der.parts(data)
    fields = whole.parts()[0].parts()
    if fields[0].tag == 0xA0:
        fields = fields[1:]
    _, _, issuer, validity, subject = fields[:5]
    before, after = (_moment(part) for part in validity.parts())
    common, organizations = _subject(subject)
    extensions = (each for part in fields[5:] if part.tag == 0xA3 for each in part.parts()[0].parts())
    return Certificate(common, organizations, before, after, _subject(issuer)[0], _alternatives(extensions))


def _moment(part: Part) -> float:
    form = "%y%m%d%H%M%SZ" if part.tag == der.UTC_TIME else "%Y%m%d%H%M%SZ"
    return datetime.strptime(part.content.decode(), form).replace(tzinfo=UTC).timestamp()


# -- signing -------------------------------------------------------------------------------------------


def subject(common_name: str, organizations: Sequence[str] = ()) -> bytes:
    """A name in DER."""
    pairs = [*((ORGANIZATION, each) for each in organizations), (COMMON_NAME, common_name)]
    return der.sequence(*(der.set_of(der.sequence(der.oid(kind), der.text(word))) for kind, word in pairs))


@dataclass(frozen=True, slots=True)
class Wanted:
    """A certificate that somebody makes for themselves: for whom, for which key, for what, from when to when."""

    common_name: str
    key: rsa.PublicKey
    usages: Sequence[str]
    names: Names
    not_before: float
    not_after: float
    authority: bool = False


def signed(wanted: Wanted, issuer: bytes, signer: rsa.Key) -> bytes:
    """The certificate as PEM, signed by `signer`, whose name in DER is `issuer`."""
    purposes = [der.oid(_PURPOSES[usage]) for usage in wanted.usages if usage in _PURPOSES]
    extensions = [
        _extension(_KEY_USAGE, _usage_bits(wanted.usages), critical=True),
        _extension(_EXTENDED, der.sequence(*purposes)),
        _extension(_CONSTRAINTS, der.sequence(*([der.boolean(True)] if wanted.authority else [])), critical=True),
        _extension(_AUTHORITY_ID, der.sequence(der.value(0x80, _key_id(signer)))),
    ]
    if wanted.authority:
        extensions[-1] = _extension(_SUBJECT_ID, der.octets(_key_id(wanted.key)))
    alternatives = b"".join(_general_names(wanted.names))
    if alternatives:
        extensions.append(_extension(_ALTERNATIVE, der.value(der.SEQUENCE, alternatives)))
    owner, when = subject(wanted.common_name), (wanted.not_before, wanted.not_after)
    return _signed(signer, issuer, owner, wanted.key.info, when, extensions)


def read_subject(data: bytes) -> bytes:
    """The subject of a certificate (DER), in DER."""
    (whole,) = der.parts(data)
    fields = whole.parts()[0].parts()
    return fields[5 if fields[0].tag == 0xA0 else 4].whole


def _key_id(key: rsa.PublicKey) -> bytes:
    return hashlib.sha1(key.info, usedforsecurity=False).digest()


class Authority:
    """A certificate authority: what it signs is believed by whoever has its certificate."""

    def __init__(self, key: rsa.Key, common_name: str, began: float) -> None:
        self._key = key
        self._name = subject(common_name)
        self._id = _key_id(key)
        extensions = [
            _extension(_KEY_USAGE, _usage_bits(("digital signature", "key encipherment", "cert sign")), critical=True),
            _extension(_CONSTRAINTS, der.sequence(der.boolean(True)), critical=True),
            _extension(_SUBJECT_ID, der.octets(self._id)),
            _extension(_ALTERNATIVE, der.sequence(der.value(0x82, common_name.encode()))),
        ]
        years = 10 * 365 * 86400
        self.certificate = self._sign(self._name, key.info, began - 300, began + years, extensions)
        """The authority's own certificate, as PEM."""

    def issue(self, request: Request, usages: Sequence[str], not_before: float, not_after: float) -> bytes:
        """A certificate for what was requested, as PEM."""
        purposes = [der.oid(_PURPOSES[usage]) for usage in usages if usage in _PURPOSES]
        bits = _usage_bits(usages)
        extensions = [_extension(_KEY_USAGE, bits, critical=True)] if bits else []
        if purposes:
            extensions.append(_extension(_EXTENDED, der.sequence(*purposes)))
        extensions.append(_extension(_CONSTRAINTS, der.sequence(), critical=True))
        extensions.append(_extension(_AUTHORITY_ID, der.sequence(der.value(0x80, self._id))))
        alternatives = b"".join(_general_names(request.names))
        if alternatives:
            extensions.append(_extension(_ALTERNATIVE, der.value(der.SEQUENCE, alternatives)))
        return self._sign(request.subject, request.key, not_before, not_after, extensions)

    def _sign(self, owner: bytes, key: bytes, before: float, after: float, extensions: Sequence[bytes]) -> bytes:
        return _signed(self._key, self._name, owner, key, (before, after), extensions)


def self_signed(key: rsa.Key, owner: bytes, names: Names, before: float, after: float) -> bytes:
    """A server's certificate that nobody but itself vouches for, as PEM. `owner` is its name, from `subject`."""
    extensions = [
        _extension(_KEY_USAGE, _usage_bits(("digital signature", "key encipherment")), critical=True),
        _extension(_EXTENDED, der.sequence(der.oid(_PURPOSES["server auth"]))),
        _extension(_CONSTRAINTS, der.sequence(), critical=True),
        _extension(_ALTERNATIVE, der.value(der.SEQUENCE, b"".join(_general_names(names)))),
    ]
    return _signed(key, owner, owner, key.info, (before, after), extensions)


def _signed(
    signer: rsa.Key, issuer: bytes, owner: bytes, key: bytes, life: tuple[float, float], extensions: Sequence[bytes]
) -> bytes:
    validity = der.sequence(*map(_time, life))
    body = [_RSA_SHA256, issuer, validity, owner, key, der.value(0xA3, der.sequence(*extensions))]
    serial = int.from_bytes(hashlib.sha256(b"".join(body)).digest()[:16]) >> 1
    signed = der.sequence(der.value(0xA0, der.integer(2)), der.integer(serial), *body)
    return der.pem(CERTIFICATE, der.sequence(signed, _RSA_SHA256, der.bits(signer.sign(signed))))


def _extension(kind: str, content: bytes, *, critical: bool = False) -> bytes:
    return der.sequence(der.oid(kind), *([der.boolean(True)] if critical else []), der.octets(content))


def _usage_bits(usages: Sequence[str]) -> bytes:
    names: Mapping[str, int] = {**_BITS, "signing": 0}
    found = {names[usage] for usage in usages if usage in names}
    if not found:
        return b""
    byte = sum(0x80 >> bit for bit in found)
    return der.bits(bytes((byte,)), 7 - max(found))


def _general_names(names: Names) -> Iterator[bytes]:
    yield from (der.value(0x82, each.encode()) for each in names.dns)
    yield from (der.value(0x81, each.encode()) for each in names.emails)
    yield from (der.value(0x87, ipaddress.ip_address(each).packed) for each in names.addresses)
    yield from (der.value(0x86, each.encode()) for each in names.uris)


def _time(moment: float) -> bytes:
    when = datetime.fromtimestamp(int(moment), UTC)
    if when.year < 2050:
        return der.value(der.UTC_TIME, when.strftime("%y%m%d%H%M%SZ").encode())
    return der.value(der.GENERALIZED, when.strftime("%Y%m%d%H%M%SZ").encode())

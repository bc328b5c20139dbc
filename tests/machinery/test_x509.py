"""What is signed here, others believe; what others ask for, is read here."""

from __future__ import annotations

import datetime
import ipaddress

import pytest
from cryptography import x509 as other
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.asymmetric import rsa as other_rsa
from cryptography.x509.oid import NameOID

from k8snb.machinery import der, rsa
from k8snb.machinery.x509 import Authority, Names, Request, read_certificate, read_request

BEGAN = 1_767_225_600.0
KEYS = {"ec": ec.generate_private_key(ec.SECP256R1()), "rsa": other_rsa.generate_private_key(65537, 2048)}


def request(kind: str = "ec") -> bytes:
    names = [(NameOID.ORGANIZATION_NAME, "dev"), (NameOID.ORGANIZATION_NAME, "ops"), (NameOID.COMMON_NAME, "jane")]
    subject = other.Name([other.NameAttribute(kind, text) for kind, text in names])
    address = other.IPAddress(ipaddress.ip_address("10.0.0.1"))
    alternatives = other.SubjectAlternativeName([other.DNSName("a.example"), address])
    builder = other.CertificateSigningRequestBuilder().subject_name(subject)
    signed = builder.add_extension(alternatives, critical=False).sign(KEYS[kind], hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)


def test_signatures_are_those_of_other_implementations() -> None:
    key = rsa.known("service accounts")
    published = serialization.load_der_public_key(key.info)
    assert isinstance(published, other_rsa.RSAPublicKey)
    published.verify(key.sign(b"message"), b"message", padding.PKCS1v15(), hashes.SHA256())
    assert key.verifies(b"message", key.sign(b"message"))
    assert not key.verifies(b"another", key.sign(b"message"))


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_request_is_read_whatever_its_key(kind: str) -> None:
    found = read_request(request(kind))
    assert (found.common_name, found.organizations) == ("jane", ["dev", "ops"])
    assert found.names == Names(["a.example"], ["10.0.0.1"], [], [])


@pytest.mark.parametrize("kind", ["ec", "rsa"])
def test_a_certificate_holds_what_was_requested_and_is_believed(kind: str) -> None:
    authority = Authority(rsa.known("authority"), "kubernetes", BEGAN)
    issued = authority.issue(read_request(request(kind)), ["key encipherment", "client auth"], BEGAN, BEGAN + 3600)
    root, found = other.load_pem_x509_certificate(authority.certificate), other.load_pem_x509_certificate(issued)
    found.verify_directly_issued_by(root)
    root.verify_directly_issued_by(root)
    usage = found.extensions.get_extension_for_class(other.ExtendedKeyUsage).value
    names = found.extensions.get_extension_for_class(other.SubjectAlternativeName).value
    assert found.public_key() == KEYS[kind].public_key()
    assert found.not_valid_after_utc == datetime.datetime(2026, 1, 1, 1, tzinfo=datetime.UTC)
    assert ([each.dotted_string for each in usage], names.get_values_for_type(other.DNSName)) == (
        ["1.3.6.1.5.5.7.3.2"],
        ["a.example"],
    )
    read = read_certificate(found.public_bytes(serialization.Encoding.DER))
    assert (read.common_name, read.organizations, read.not_after) == ("jane", ["dev", "ops"], BEGAN + 3600)


def test_a_request_that_another_key_signed_is_refused() -> None:
    block = der.from_pem(request("rsa"))
    assert block is not None
    spoilt = bytearray(block[1])
    spoilt[40] ^= 1
    with pytest.raises(ValueError, match="verification error|structure error"):
        read_request(der.pem("CERTIFICATE REQUEST", bytes(spoilt)))


@pytest.mark.parametrize("text", [b"", b"nothing", der.pem("CERTIFICATE", b"x")])
def test_what_is_no_request_is_told_so(text: bytes) -> None:
    with pytest.raises(ValueError, match="PEM block type must be CERTIFICATE REQUEST"):
        read_request(text)


def test_a_serial_number_follows_from_the_content() -> None:
    authority = Authority(rsa.known("authority"), "kubernetes", BEGAN)
    asked = Request(b"0\x00", KEYS_INFO, "", (), Names())
    same = [authority.issue(asked, [], BEGAN, BEGAN + 1) for _ in range(2)]
    assert same[0] == same[1] != authority.issue(asked, [], BEGAN, BEGAN + 2)


KEYS_INFO = rsa.known("service accounts").info

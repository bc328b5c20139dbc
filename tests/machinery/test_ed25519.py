"""Ed25519: the vectors of RFC 8032, and agreement with OpenSSL."""

from __future__ import annotations

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from k8snb.machinery.ed25519 import ORDER, public_key, sign, verifies

SECRET = bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
PUBLIC = bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a")
SIGNATURE = bytes.fromhex(
    "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd25bf5f0595bbe24655141438e7a100b"
)


def test_the_first_vector_of_the_rfc() -> None:
    assert (public_key(SECRET), sign(SECRET, b"")) == (PUBLIC, SIGNATURE)
    assert verifies(PUBLIC, b"", SIGNATURE)


@pytest.mark.parametrize("seed", range(4))
def test_openssl_makes_the_same_keys_and_signatures(seed: int) -> None:
    secret, message = bytes([seed + 1]) * 32, bytes(range(seed * 60))
    theirs = Ed25519PrivateKey.from_private_bytes(secret)
    assert public_key(secret) == theirs.public_key().public_bytes_raw()
    assert sign(secret, message) == theirs.sign(message)


def test_another_message_key_or_signature_does_not_fit() -> None:
    flipped = bytes([SIGNATURE[0] ^ 1]) + SIGNATURE[1:]
    larger = SIGNATURE[:32] + (int.from_bytes(SIGNATURE[32:], "little") + ORDER).to_bytes(32, "little")
    for key, message, signature in (
        (PUBLIC, b"x", SIGNATURE),
        (public_key(b"2" * 32), b"", SIGNATURE),
        (PUBLIC, b"", flipped),
        (PUBLIC, b"", larger),
        (PUBLIC, b"", SIGNATURE[:40]),
        (PUBLIC, b"", b""),
        (b"short", b"", SIGNATURE),
        (b"\xff" * 32, b"", SIGNATURE),
    ):
        assert not verifies(key, message, signature)
        if len(key) == 32:
            with pytest.raises((InvalidSignature, ValueError)):
                Ed25519PublicKey.from_public_bytes(key).verify(signature, message)

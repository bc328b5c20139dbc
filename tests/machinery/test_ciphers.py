"""What is encrypted at rest: the ciphers give what others give, and notice what was changed."""

from __future__ import annotations

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.padding import PKCS7

from k8snb.machinery import aes, secretbox
from k8snb.machinery.aes import CipherError

KEYS = [bytes(range(size)) for size in (16, 24, 32)]
TEXTS = [b"", b"secret", bytes(range(16)), bytes(range(250))]
keys = pytest.mark.parametrize("key", KEYS, ids=len)
texts = pytest.mark.parametrize("text", TEXTS, ids=len)


@keys
@texts
def test_cbc_is_everybody_s_cbc(key: bytes, text: bytes) -> None:
    start = bytes(range(100, 116))
    padder = PKCS7(128).padder()
    theirs = Cipher(algorithms.AES(key), modes.CBC(start)).encryptor()
    cipher = theirs.update(padder.update(text) + padder.finalize()) + theirs.finalize()
    assert (aes.cbc_encrypt(key, start, text), aes.cbc_decrypt(key, start, cipher)) == (cipher, text)


@keys
@texts
def test_gcm_is_everybody_s_gcm(key: bytes, text: bytes) -> None:
    nonce, beside = bytes(range(12)), b"/registry/secrets/default/login"
    cipher = AESGCM(key).encrypt(nonce, text, beside)
    assert (aes.gcm_encrypt(key, nonce, text, beside), aes.gcm_decrypt(key, nonce, cipher, beside)) == (cipher, text)


def test_secretbox_gives_the_bytes_of_nacl_s_own_example() -> None:
    key = bytes.fromhex("1b27556473e985d462cd51197a9a46c76009549eac6474f206c4ee0844f68389")
    nonce = bytes.fromhex("69696ee955b62b73cd62bda875fc73d68219e0036b7a0b37")
    text = bytes.fromhex(
        "be075fc53c81f2d5cf141316ebeb0c7b5228c52a4c62cbd44b66849b64244ffce5ecbaaf33bd751a1ac728d45e6c61296cdc3c01233561f4"
        "1db66cce314adb310e3be8250c46f06dceea3a7fa1348057e2f6556ad6b1318a024a838f21af1fde048977eb48f59ffd4924ca1c60902e52"
        "f0a089bc76897040e082f937763848645e0705"
    )
    sealed = secretbox.seal(key, nonce, text)
    assert sealed[:16].hex() == "f3ffc7703f9400e52a7dfb4b3d3305d9"
    assert secretbox.open_sealed(key, nonce, sealed) == text


@texts
def test_what_was_changed_is_noticed(text: bytes) -> None:
    key = KEYS[2]
    sealed = aes.gcm_encrypt(key, bytes(12), text, b"here")
    boxed = secretbox.seal(key, bytes(24), text)
    for attempt in (
        lambda: aes.gcm_decrypt(key, bytes(12), sealed, b"elsewhere"),
        lambda: aes.gcm_decrypt(key, bytes(12), bytes([sealed[0] ^ 1]) + sealed[1:], b"here"),
        lambda: secretbox.open_sealed(key, bytes(24), boxed[:-1] + bytes([boxed[-1] ^ 1])),
        lambda: secretbox.open_sealed(KEYS[2][::-1], bytes(24), boxed),
    ):
        with pytest.raises(CipherError):
            attempt()

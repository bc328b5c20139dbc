"""Encryption at rest: what is written to the store, and how it is read back.

An `EncryptionConfiguration` names resources and, for each, providers. The first one writes; all of them may read, and
which one has to is said by the prefix of what is stored (`k8s:enc:aescbc:v1:key1:`). What one that is not the first has
written is *stale*: it is written anew with the next update of the object, even if that changes nothing else. What has
been read once is kept in the clear in memory, as the API server's cache does, until the configuration changes.

Upstream: `apiserver/pkg/server/options/encryptionconfig`, `apiserver/pkg/storage/value`.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from k8snb.apiserver.body import typed
from k8snb.errors import internal
from k8snb.machinery import aes, protobuf, secretbox
from k8snb.machinery.aes import CipherError
from k8snb.typing import Object, Resource

PREFIX = b"k8s:enc:"
API_VERSION, KIND = "apiserver.config.k8s.io/v1", "EncryptionConfiguration"
_NOT_KEPT = "events"
"""What is kept in a form of its own, and never encrypted here."""

Draw = Callable[[int], bytes]
"""So many random bytes."""


class BadConfiguration(ValueError):
    """The configuration can not be used; the message is the API server's."""


class Cipher(NamedTuple):
    """How a provider encrypts: its name in messages, the sizes of its keys and nonces, and the two directions."""

    title: str
    sizes: tuple[int, ...]
    nonce: int
    seal: Callable[[bytes, bytes, bytes, bytes], bytes]
    open: Callable[[bytes, bytes, bytes, bytes], bytes]


CIPHERS: Mapping[str, Cipher] = {
    "aescbc": Cipher(
        "AES",
        (16, 24, 32),
        aes.BLOCK,
        lambda key, nonce, plain, where: aes.cbc_encrypt(key, nonce, plain),
        lambda key, nonce, sealed, where: aes.cbc_decrypt(key, nonce, sealed),
    ),
    "aesgcm": Cipher("AES", (16, 24, 32), 12, aes.gcm_encrypt, aes.gcm_decrypt),
    "secretbox": Cipher(
        "Secretbox",
        (32,),
        24,
        lambda key, nonce, plain, where: secretbox.seal(key, nonce, plain),
        lambda key, nonce, sealed, where: secretbox.open_sealed(key, nonce, sealed),
    ),
}
"""The providers that encrypt. `kms`, which asks a service outside for its keys, is not among them."""


class Provider(NamedTuple):
    """A provider with its keys, the first of which writes; without a cipher it is `identity`."""

    name: str
    cipher: Cipher | None
    keys: tuple[tuple[str, bytes], ...]

    def seal(self, plain: bytes, where: bytes, draw: Draw) -> bytes:
        """What is stored."""
        if self.cipher is None:
            return plain
        name, key = self.keys[0]
        nonce = draw(self.cipher.nonce)
        return self._prefix() + name.encode() + b":" + nonce + self.cipher.seal(key, nonce, plain, where)

    def reads(self, stored: bytes) -> bool:
        """Whether what is stored looks like this provider's."""
        return self.cipher is None or stored.startswith(self._prefix())

    def open(self, stored: bytes, where: bytes) -> bytes:
        """What was to be stored; raises CipherError."""
        if self.cipher is None:
            if stored.startswith(PREFIX):
                raise CipherError("identity transformer tried to read encrypted data")
            return stored
        name, _, sealed = stored[len(self._prefix()) :].partition(b":")
        size = self.cipher.nonce
        for known, key in self.keys:
            if known.encode() == name:
                return self.cipher.open(key, sealed[:size], sealed[size:], where)
        raise CipherError(f"no matching key was found for the provided {self.cipher.title} transformer")

    def wrote(self, stored: bytes) -> bool:
        """Whether it would write with the key with which this was written."""
        if self.cipher is None:
            return not stored.startswith(PREFIX)
        return stored.startswith(self._prefix() + self.keys[0][0].encode() + b":")

    def _prefix(self) -> bytes:
        return PREFIX + self.name.encode() + b":v1:"


IDENTITY = Provider("identity", None, ())


class Stored:
    """One version of an object as it is stored: the key, the bytes, and what somebody has read."""

    __slots__ = ("data", "key", "read")

    def __init__(self, key: str, data: bytes, read: tuple[int, Object]) -> None:
        self.key = key
        self.data = data
        self.read = read
        """With the number of the configuration under which it was read."""


UNREAD: tuple[int, Object] = (-1, {})
"""What nobody has read yet, under any configuration."""


class Vault:
    """What one resource's objects look like in the store, and back."""

    def __init__(self, resource: Resource, draw: Draw) -> None:
        self._resource = resource
        self._draw = draw
        self._providers: Sequence[Provider] = (IDENTITY,)
        self._number = 0

    def use(self, providers: Sequence[Provider]) -> None:
        """From now on these providers write and read."""
        self._providers = providers
        self._number += 1

    def seal(self, obj: Object) -> Stored:
        """What is stored of an object."""
        return self._stored(obj, self._providers[0])

    def plain(self, obj: Object) -> Stored:
        """What is stored of an object where nobody encrypts."""
        return self._stored(obj, IDENTITY)

    def _stored(self, obj: Object, provider: Provider) -> Stored:
        meta = obj["metadata"]
        key = registry_key(self._resource, meta.get("namespace", ""), meta["name"])
        return Stored(key, provider.seal(encoded(obj), key.encode(), self._draw), (self._number, obj))

    def open(self, stored: Stored, revision: int) -> Object:
        """The object that is stored; raises InternalError where nobody can read it."""
        number, obj = stored.read
        if number != self._number:
            try:
                plain = self._opened(stored)
            except CipherError as error:
                raise internal(f'unable to transform key "{stored.key}": {error}') from None
            obj = decoded(plain, self._resource, revision)
            stored.read = (self._number, obj)
        return obj

    def _opened(self, stored: Stored) -> bytes:
        failed = CipherError("no matching prefix found")
        for provider in self._providers:
            if not provider.reads(stored.data):
                continue
            try:
                return provider.open(stored.data, stored.key.encode())
            except CipherError as error:
                if provider.cipher is not None:
                    raise
                failed = error  # it is encrypted: somebody after identity may read it
        raise failed

    def is_stale(self, stored: Stored) -> bool:
        """Whether it is to be written anew."""
        return not self._providers[0].wrote(stored.data)


# -- keys and values ---------------------------------------------------------------------------------

_PLACES = {
    "services": "services/specs",
    "endpoints": "services/endpoints",
    "nodes": "minions",
    "replicationcontrollers": "controllers",
    "ingresses.networking.k8s.io": "ingress",
}
_OWN_GROUPS = ("apiextensions.k8s.io", "apiregistration.k8s.io")


def registry_prefix(resource: Resource) -> str:
    """Where the objects of a resource are: `/registry/pods/`, `/registry/minions/`."""
    place = _PLACES.get(resource.group_resource, resource.plural)
    if resource.definition is not None or resource.group in _OWN_GROUPS:
        place = f"{resource.group}/{resource.plural}"
    return f"/registry/{place}/"


def registry_key(resource: Resource, namespace: str, name: str) -> str:
    """The key of one object."""
    return registry_prefix(resource) + (f"{namespace}/{name}" if namespace else name)


def encoded(obj: Object) -> bytes:
    """The bytes of an object: protobuf, or JSON where there is none. Its revision is not among them."""
    meta = {k: v for k, v in obj["metadata"].items() if k != "resourceVersion"}
    bare = {**obj, "metadata": meta}
    if protobuf.known(str(obj.get("apiVersion")), str(obj.get("kind"))):
        return protobuf.encode(bare)
    return orjson.dumps(bare) + b"\n"


def decoded(plain: bytes, resource: Resource, revision: int) -> Object:
    """The object again."""
    value = protobuf.decode(plain) if plain.startswith(protobuf.MAGIC) else orjson.loads(plain)
    if resource.definition is None:
        value = typed(value, value["apiVersion"], value["kind"], "Ignore").object
    return {**value, "metadata": {**value["metadata"], "resourceVersion": str(revision)}}


# -- configuration -----------------------------------------------------------------------------------


def read_configuration(config: Object, resources: Iterable[Resource]) -> Mapping[Resource, Sequence[Provider]]:
    """The providers of each resource that a configuration names; the first entry that names one counts."""
    given = (config.get("apiVersion", API_VERSION), config.get("kind", KIND))
    if given != (API_VERSION, KIND):
        raise BadConfiguration(f'no kind "{given[1]}" is registered for version "{given[0]}"')
    found: dict[Resource, Sequence[Provider]] = {}
    every = [each for each in resources if each.plural != _NOT_KEPT]
    for entry in config.get("resources") or ():
        providers = tuple(map(_provider, entry.get("providers") or ()))
        if not providers:
            raise BadConfiguration("resources[0].providers: Required value: at least one provider is required")
        for word in entry.get("resources") or ():
            for resource in every:
                if _names(word, resource):
                    found.setdefault(resource, providers)
    return found


def _names(word: str, resource: Resource) -> bool:
    plural, _, group = word.partition(".")
    return plural in ("*", resource.plural) and group in (("*", resource.group) if group == "*" else (resource.group,))


def _provider(entry: Mapping[str, Any]) -> Provider:
    items: list[tuple[str, Any]] = list(entry.items()) or [("", {})]
    (name, settings), *more = items
    if more:
        told = "more than one provider specified in a single element, should split into different list elements"
        raise BadConfiguration(told)
    if name == "identity":
        return IDENTITY
    cipher = CIPHERS.get(name)
    if cipher is None:
        known = "KMS, AESGCM, AESCBC, Secretbox, Identity"
        raise BadConfiguration(f"provider does not contain any of the expected providers: {known}")
    keys = tuple((each["name"], _key(each["secret"], cipher)) for each in (settings or {}).get("keys") or ())
    if not keys:
        raise BadConfiguration(f"{name}.keys: Required value: at least one key is required")
    return Provider(name, cipher, keys)


def _key(text: str, cipher: Cipher) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        raise BadConfiguration("secrets must be base64 encoded") from None
    if len(key) not in cipher.sizes:
        sizes = " ".join(map(str, cipher.sizes))
        told = f"secret is not of the expected length, got {len(key)}, expected one of [{sizes}]"
        raise BadConfiguration(told)
    return key

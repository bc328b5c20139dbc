"""A receipt: what somebody has solved, in a file that can be checked.

For each exercise it has the past of its cluster, so a check need not believe it: `k8snb verify-receipt` lives through
that past and asks the exercise's own check. And it is signed (Ed25519), by a key that follows from a name and a word.

What that protects against, and what not:

- A change after signing (another name, one exercise more, a past that was mended) breaks the signature.
- A receipt that was signed anew by somebody else shows another signer. Whoever gives each participant a word of their
  own and asks for it (`--key`) notices: from the name and the word follows the one key that may have signed. With one
  word for all of a workshop, its participants could sign for each other, and nobody else could. Where nobody is asked
  for a word, a table of a class tells of one key for several names, and of several keys for one.
- Without a word everybody can make the same key. Then the signature shows accidents and carelessness, not intent.
- What was never solved cannot be claimed: the past has to lead to a cluster that passes the check. Where the past is
  not data, the receipt says so, and it is a claim like any other.
- Nothing shows who sat at the keyboard. Clusters are deterministic: two who type the same have the same past, and the
  solutions are in the book. A receipt says that somebody let it happen, not that they understood it.
"""

from __future__ import annotations

import hmac
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha512
from pathlib import Path
from typing import Any

from k8snb.i18n import _
from k8snb.lab.solved import RECORD, NotKept, Solved, packed, unpacked
from k8snb.machinery import ed25519
from k8snb.version import VERSION

FORMAT = "k8snb receipt 1"
_STRETCH = 20_000
"""How often a word is hashed, so that guessing one takes time."""


class BadReceipt(ValueError):
    """A file that is no receipt, or not as it was signed; says what is wrong."""


@dataclass(frozen=True)
class Receipt:
    """Who has solved what, and the public key of who signed it."""

    name: str
    signer: str
    solved: Sequence[Solved]
    text: str
    """The whole, as the file has it."""

    def __repr__(self) -> str:
        count = _("receipt for {name}: {count} exercises").format(name=self.name, count=len(self.solved))
        rows = [
            f"✓ {each.name}" if each.made is not None else f"? {each.name}: {on_trust(each)}" for each in self.solved
        ]
        return "\n".join([count, *rows, _("signed by {signer}").format(signer=self.signer)])


def on_trust(each: Solved) -> str:
    """Why nobody can check a claim: what a program of the reader did is not in the receipt, as the program is not."""
    return _("on trust, because its past cannot be told: {reason}").format(reason=each.reason)


def secret_of(name: str, key: str) -> bytes:
    """The secret with which a name signs that was given this word."""
    secret = f"{FORMAT}\0{name}".encode()
    for _number in range(_STRETCH):
        secret = hmac.digest(key.encode(), secret, "sha512")
    return sha512(secret).digest()[:32]


def signer_of(name: str, key: str) -> str:
    """The public key that goes with a name and a word; what may be told to anybody."""
    return ed25519.public_key(secret_of(name, key)).hex()


def receipt(name: str, file: str | Path | None = None, *, key: str = "") -> Receipt:
    """A signed receipt for what is solved by now (`progress`), written to a file if one is named.

    `key` is a word that you were given, or have chosen and keep to yourself; it is not in the file.
    """
    made = signed(name, list(RECORD.solved.values()), key)
    if file is not None:
        Path(file).write_text(made.text, encoding="utf-8")
    return made


def signed(name: str, found: Sequence[Solved], key: str = "") -> Receipt:
    """A receipt for somebody who has solved this."""
    secret = secret_of(name, key)
    signer = ed25519.public_key(secret).hex()
    whole = {"format": FORMAT, "k8snb": VERSION, "name": name, "signer": signer, **packed(found)}
    text = (
        json.dumps({**whole, "signature": ed25519.sign(secret, _canonical(whole)).hex()}, separators=(",", ":")) + "\n"
    )
    return Receipt(name, signer, found, text)


def read(text: str) -> Receipt:
    """The receipt that a file has, if it is as it was signed. Raises `BadReceipt`."""
    whole = _whole(text)
    signature = whole.pop("signature", "")
    if whole.get("format") != FORMAT:
        found = str(whole.get("format", ""))
        other = _("this is a {found}, and this version reads a {known} only").format(found=found, known=FORMAT)
        raise BadReceipt(other if found.startswith("k8snb receipt") else _("this is no receipt of k8snb"))
    try:
        name, signer, version = (str(whole[key]) for key in ("name", "signer", "k8snb"))
        genuine = ed25519.verifies(bytes.fromhex(signer), _canonical(whole), bytes.fromhex(signature))
    except (KeyError, ValueError, TypeError) as error:
        raise BadReceipt(
            _("something is missing in it, or is not what it should be: {error}").format(error=error)
        ) from error
    if not genuine:
        raise BadReceipt(_("the signature does not fit: it was changed after it was signed"))
    if version != VERSION:
        versions = {"theirs": version, "mine": VERSION}
        raise BadReceipt(
            _("k8snb {theirs} made it; this is {mine}, in which clusters may behave otherwise").format(**versions)
        )
    try:
        return Receipt(name, signer, unpacked(whole), text)
    except NotKept as error:
        raise BadReceipt(str(error)) from error


def _whole(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise BadReceipt(_("this is no JSON, or it was cut off: {error}").format(error=error)) from error
    if not isinstance(found, dict):
        raise BadReceipt(_("this is no receipt of k8snb"))
    return found


def _canonical(whole: Mapping[str, Any]) -> bytes:
    """The bytes that are signed: the same for the same content, however the file is written."""
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode()

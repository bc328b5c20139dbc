"""Checking a receipt: live through the past of each exercise, and ask its check.

Exercises of one cluster are checked on the way, so that each past is lived through once. A check that lets time pass
has changed that cluster; then the next one begins anew.

A class hands in many files. `collected` checks all of them and makes a table: one that is no receipt is a row of it and
ends nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from k8snb.cluster.cluster import Cluster
from k8snb.cluster.journal import Again, NoPast, understood
from k8snb.i18n import _
from k8snb.lab.catalogue import exercises
from k8snb.lab.receipts import BadReceipt, Receipt, on_trust, read, signer_of
from k8snb.lab.solved import Solved
from k8snb.lab.verdict import Verdict

PROVEN, BELIEVED, REFUTED = "✓", "?", "✗"


@dataclass(frozen=True)
class Found:
    """What is to be thought of one exercise."""

    mark: str
    name: str
    words: str

    def __repr__(self) -> str:
        return f"{self.mark} {self.name}: {self.words}"


@dataclass(frozen=True)
class Verified:
    """A receipt, and what came of checking it."""

    receipt: Receipt
    found: Sequence[Found]
    anybody: bool
    """Whether the signature is one that everybody can make."""

    @property
    def holds(self) -> bool:
        """Whether nothing was refuted."""
        return all(each.mark != REFUTED for each in self.found)

    def __repr__(self) -> str:
        signer = _("with no word: anybody could have signed it") if self.anybody else self.receipt.signer
        counts = {mark: len([each for each in self.found if each.mark == mark]) for mark in (PROVEN, BELIEVED, REFUTED)}
        said = _("{proven} proven, {believed} on trust, {refuted} refuted").format(
            proven=counts[PROVEN], believed=counts[BELIEVED], refuted=counts[REFUTED]
        )
        heads = [_("receipt for {name}").format(name=self.receipt.name), _("signed by {signer}").format(signer=signer)]
        return "\n".join([*heads, *map(repr, self.found), said])


def verify(text: str, *, key: str | None = None, signer: str = "") -> Verified:
    """Check a receipt. `key` is the word that its owner was given, or `signer` the public key that has to have signed
    it.

    Raises `BadReceipt` if it is none, or was changed, or signed by somebody else.
    """
    receipt = read(text)
    wanted = signer_of(receipt.name, key) if key is not None else signer
    if wanted and receipt.signer != wanted:
        raise BadReceipt(_("another key signed it: {signer}").format(signer=receipt.signer))
    anybody = receipt.signer == signer_of(receipt.name, "")
    return Verified(receipt, list(_checked(receipt.solved)), anybody)


def _checked(solved: Sequence[Solved]) -> Iterator[Found]:
    again: Again | None = None
    before: Solved | None = None
    for each in solved:
        if each.made is None:
            yield Found(BELIEVED, each.name, on_trust(each))
            continue
        try:
            if again is None or before is None or not _goes_on(each, before, again.cluster):
                again, before = Again(each.made), each._replace(entries=())
            again.live(each.entries[len(before.entries) :])
            before = each
            yield _judged(each, again.cluster)
        except NoPast as error:
            again = None
            yield Found(REFUTED, each.name, _("its past cannot be lived through: {error}").format(error=error))


def _goes_on(each: Solved, before: Solved, cluster: Cluster) -> bool:
    """Whether the cluster stands where the one exercise ends and the other may go on."""
    count = len(before.entries)
    same = each.made == before.made and list(each.entries[:count]) == list(before.entries)
    return same and len(cluster.past.entries) == count


def _judged(each: Solved, cluster: Cluster) -> Found:
    exercise = next((known for known in exercises() if known.name == each.name), None)
    if exercise is None:
        return Found(REFUTED, each.name, _("the book has no such exercise"))
    if cluster.revision != each.revision:
        where = {"here": cluster.revision, "there": each.revision}
        return Found(REFUTED, each.name, _("its past leads to revision {here}, not {there}").format(**where))
    verdict: Verdict = understood(lambda: exercise.judge(cluster))
    if verdict:
        return Found(PROVEN, each.name, _("solved, after {count} entries").format(count=len(each.entries)))
    last = verdict.claims[-1]
    return Found(REFUTED, each.name, _("not solved: {hint}").format(hint=last.missing or last.sentence))


# -- a class -----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class HandedIn:
    """A file that somebody handed in: what came of checking it, or why it is no receipt."""

    file: str
    verified: Verified | None
    why: str = ""

    @property
    def status(self) -> int:
        """0 if all of it holds, 1 if something does not, 2 if it is no receipt or not as it was signed."""
        return 2 if self.verified is None else 0 if self.verified.holds else 1

    def rows(self) -> Iterator[tuple[str, str, str, str]]:
        """Who, page, exercise and verdict."""
        if self.verified is None:
            yield (self.file, "–", "–", f"{REFUTED} {self.why}")
            return
        who = self.verified.receipt.name
        for each in self.verified.found:
            known = next((one for one in exercises() if one.name == each.name), None)
            page, title = (known.page, _(known.title)) if known else ("–", each.name)
            yield (who, page, title, f"{each.mark} {each.words}")
        if not self.verified.found:
            yield (who, "–", "–", _("nothing is solved"))


@dataclass(frozen=True)
class Register:
    """What a class has handed in, as a table with a row for each exercise."""

    files: Sequence[HandedIn]

    @property
    def status(self) -> int:
        """The worst status of a file."""
        return max((each.status for each in self.files), default=2)

    def __repr__(self) -> str:
        head = (_("WHO"), _("PAGE"), _("EXERCISE"), _("VERDICT"))
        rows = [head, *(row for each in self.files for row in each.rows())]
        widths = [max(len(row[at]) for row in rows) for at in range(3)]
        lines = ["   ".join((*map(str.ljust, row[:3], widths), row[3])) for row in rows]
        return "\n".join([*lines, "", *self._sums()])

    def _sums(self) -> Iterator[str]:
        read = [each.verified for each in self.files if each.verified is not None]
        marks = [each.mark for one in read for each in one.found]
        said = _("{files} files, {receipts} receipts: {proven} proven, {trusted} on trust, {refuted} refuted")
        counts = {"proven": marks.count(PROVEN), "trusted": marks.count(BELIEVED), "refuted": marks.count(REFUTED)}
        yield said.format(files=len(self.files), receipts=len(read), **counts)
        if anybody := [each.receipt.name for each in read if each.anybody]:
            yield _("signed with no word, so by anybody: {names}").format(names=", ".join(anybody))
        yield from self._doubts()

    def _doubts(self) -> Iterator[str]:
        """Signatures that do not go together: from a name and a word follows one key, and from another name another."""
        signed: dict[tuple[str, str], list[str]] = {}
        for each in self.files:
            if each.verified is not None:
                signed.setdefault((each.verified.receipt.signer, each.verified.receipt.name), []).append(each.file)
        for who in _shared(signed, 0):
            told = [f"{name} ({', '.join(signed[signer, name])})" for signer, name in who]
            yield _("one key signed for several names: {names}").format(names=", ".join(told))
        for who in _shared(signed, 1):
            files = ", ".join(file for each in who for file in signed[each])
            yield _("several keys signed for one name: {name}").format(name=f"{who[0][1]} ({files})")


def _shared(signed: Iterable[tuple[str, str]], part: int) -> Iterator[Sequence[tuple[str, str]]]:
    """Pairs of a signer and a name that have that part in common with others."""
    groups: dict[str, list[tuple[str, str]]] = {}
    for each in signed:
        groups.setdefault(each[part], []).append(each)
    return (group for group in groups.values() if len(group) > 1)


def collected(files: Iterable[Path], keys: Mapping[str, str] | None = None, *, signer: str = "") -> Register:
    """Check what was handed in: files, and folders of files that end in `.json`. `keys` has the word of each name."""
    return Register([_handed_in(file, keys, signer) for each in files for file in _in(each)])


def _in(place: Path) -> list[Path]:
    return sorted(place.glob("*.json")) if place.is_dir() else [place]


def _handed_in(file: Path, keys: Mapping[str, str] | None, signer: str) -> HandedIn:
    try:
        text = file.read_text(encoding="utf-8")
        if keys is None:
            return HandedIn(file.name, verify(text, signer=signer))
        name = read(text).name
        if name not in keys:
            raise BadReceipt(_("nobody called {name} was given a word").format(name=name))
        return HandedIn(file.name, verify(text, key=keys[name]))
    except (BadReceipt, OSError, UnicodeDecodeError) as error:
        return HandedIn(file.name, None, str(error))


def words(text: str) -> dict[str, str]:
    """The word of each name: a line for each, with the word at its end."""
    lines = (line.rsplit(maxsplit=1) for line in text.splitlines() if not line.startswith("#"))
    return {line[0]: line[1] for line in lines if len(line) == 2}

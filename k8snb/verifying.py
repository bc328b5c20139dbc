"""Checking a receipt: live through the past of each exercise, and ask its check.

Exercises of one cluster are checked on the way, so that each past is lived through once. A check that lets time pass
has changed that cluster; then the next one begins anew.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from k8snb.cluster.cluster import Cluster
from k8snb.cluster.journal import Again, NoPast, understood
from k8snb.i18n import _
from k8snb.lab.catalogue import exercises
from k8snb.lab.receipts import BadReceipt, Receipt, read, signer_of
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
        said = _("{proven} proven, {believed} to be believed, {refuted} refuted").format(
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
            yield Found(BELIEVED, each.name, _("nothing to live through again: {reason}").format(reason=each.reason))
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

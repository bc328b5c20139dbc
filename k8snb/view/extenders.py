"""What extenders said of a pod, in sentences, and what nobody knows of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

from k8snb.clock import rfc3339
from k8snb.i18n import _
from k8snb.scheduler.answers import Answer, Attempt, Binding, Scoring
from k8snb.scheduler.decision import Decision
from k8snb.scheduler.testimony import Testimony


def notes(decision: Decision) -> Iterator[str]:
    """What of it the table does not show."""
    heard = decision.heard
    attempt = heard.attempt
    if attempt is not None:
        if not heard.placed:
            yield _when(heard, attempt)
        yield from _failures(heard, attempt.answers)
        yield from (_("{extender} bound the pod").format(extender=each.extender) for each in _bound(attempt))
    yield from unknown(decision)


def unknown(decision: Decision) -> Iterator[str]:
    """What nobody knows of it: all, or what they would say of nodes that they were not asked about."""
    heard = decision.heard
    if heard.names and heard.attempt is None:
        yield _forgotten(heard)
    elif not heard.placed and heard.failure is None:
        for name, left in heard.unheard(decision.explanation.totals).items():
            yield _("{extender} has not been asked about {nodes}").format(extender=name, nodes=", ".join(left))


def notes_on_remedies(decision: Decision, changed: Collection[str], fitting: Collection[str]) -> Iterator[str]:
    """Who would still be asked about nodes on which the pod would fit after a change, or fits by what plugins say."""
    heard = decision.heard
    names = [name for name in heard.filtering if changed or name in heard.unheard(fitting)]
    if names:
        words = _("{extenders} would be asked then, and nobody knows what the answer would be")
        yield words.format(extenders=", ".join(names))
    if heard.attempt is not None:
        if not heard.placed and heard.attempt.filters:
            yield _when(heard, heard.attempt)
        yield from _failures(heard, heard.attempt.answers)


def notes_on_victims(decision: Decision, unheard: Sequence[str]) -> Iterator[str]:
    """Whose say in it failed, or is not known."""
    if decision.heard.attempt is not None:
        yield from _failures(decision.heard, decision.heard.attempt.victims)
    if unheard:
        words = _("{extenders} would have a say in it, and nobody knows what that would be")
        yield words.format(extenders=", ".join(unheard))


def bound_by(decision: Decision) -> str:
    """The extender that bound the pod, empty if it was a plugin or is not known."""
    attempt = decision.heard.attempt
    return next((each.extender for each in _bound(attempt)), "") if attempt is not None else ""


def _bound(attempt: Attempt) -> Iterator[Binding]:
    return (each for each in attempt.bindings if not each.error)


def _forgotten(heard: Testimony) -> str:
    names = ", ".join(heard.names)
    if heard.placed:
        return _("what {extenders} said is no longer known").format(extenders=names)
    return _("what {extenders} would say is not known").format(extenders=names)


def _when(heard: Testimony, attempt: Attempt) -> str:
    names, time = ", ".join(heard.names), rfc3339(attempt.at)
    if not attempt.answers:
        return _("{extenders} had nothing to be asked at the last attempt, {time}").format(extenders=names, time=time)
    return _("{extenders}: as at the last attempt, {time}").format(extenders=names, time=time)


def _failures(heard: Testimony, answers: Sequence[Answer]) -> Iterator[str]:
    for each in answers:
        if each.error:
            without = heard.ignorable(each.extender) or isinstance(each, Scoring)
            words = (
                _("{extender} failed, and it went on without: {error}") if without else _("{extender} failed: {error}")
            )
            yield words.format(extender=each.extender, error=each.error)

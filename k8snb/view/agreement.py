"""What members of etcd say to each other, message by message: an election, the replication of a write, a recovery.

Each message is a frame: who speaks to whom, in which term, what it means, and what every member was afterwards: its
role, its term, where its log ends, how much of it is committed and applied. What reaches nobody is shown as such.
Heartbeats and their answers say nothing new, and are left out unless somebody asks for them. The last frame tells how
often Raft's promises were looked at.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from k8snb.etcd.tape import DOWN, PROMISES, Heard, Noted, Standing
from k8snb.i18n import _
from k8snb.raft.messages import (
    APPEND,
    APPENDED,
    HEARD,
    HEARTBEAT,
    PRE_VOTE,
    PRE_VOTED,
    SNAPSHOT,
    TIMEOUT_NOW,
    VOTE,
    VOTED,
    Entry,
    Message,
)
from k8snb.raft.roles import CANDIDATE, FOLLOWER, LEADER, PRE_CANDIDATE
from k8snb.view.changes import Change
from k8snb.view.frames import DIRECT, Act, Frame
from k8snb.view.scene import Scene
from k8snb.view.stepper import Stepper

QUIET = frozenset({HEARTBEAT, HEARD})
"""What is said all the time."""

_STATES = {LEADER: "ready", FOLLOWER: "done", CANDIDATE: "starting", PRE_CANDIDATE: "pending", DOWN: "failing"}


def agreement(steps: Sequence[Heard | Noted], checked: int, *, heartbeats: bool = False, title: str = "") -> Stepper:
    """The story of these steps; `checked` is how often the promises have been looked at."""
    told = [step for step in steps if heartbeats or not isinstance(step, Heard) or step.message.kind not in QUIET]
    frames = list(_frames(told))
    if frames:
        held = [(promise, _("holds"), _("holds")) for promise in PROMISES]
        words = _("the promises of Raft were looked at {count} times by now, and held").format(count=checked)
        last = frames[-1]
        frames.append(replace(last, subject=_("safety"), caption=words, observed=(), acts=(), error="", compared=held))
    return Stepper(title or _("What members of etcd say to each other"), frames, (*DIRECT, "timeline"))


def _frames(told: Sequence[Heard | Noted]) -> Iterator[Frame]:
    before: Mapping[str, Standing] = told[0].standings if told else {}
    for step in told:
        time = step.time - told[0].time
        frame = _said(step, time) if isinstance(step, Heard) else _happened(step, time)
        moved = [each for name, now in step.standings.items() for each in _moved(plain(name), before.get(name), now)]
        yield replace(frame, scene=_scene(step.standings), touched=[*frame.touched, *moved])
        before = step.standings


def _happened(step: Noted, time: float) -> Frame:
    what, _colon, rest = step.what.partition(": ")
    words = happenings().get(what, what).format(rest=rest)
    who = plain(step.member) or "etcd"
    acts = (
        [Act(what, rest, 0, 0, to=who, by="kube-apiserver")] if what == "proposal" else [Act(what, rest or who, 0, 0)]
    )
    actor = "kube-apiserver" if what == "proposal" else who
    return Frame(actor, what, words, time, 0, acts=acts, touched=[f"Member/{who}"] if step.member else [])


def happenings() -> dict[str, str]:
    """What can happen besides messages, in a sentence."""
    return {
        "timeout": _("nothing was heard of a leader for an election timeout: ask whether there would be votes"),
        "proposal": _("what the API server writes is proposed to the leader, and not answered yet"),
        "killed": _("the process ends; what is on its disk stays"),
        "started": _("the process begins with what is on its disk, as a follower"),
        "disk lost": _("the disk is lost, and with it what this member has promised"),
        "partition": _("who hears whom has changed"),
        "removed": _("it does not belong to the group any more"),
        "move leader": _("the leader is asked to hand over"),
    }


def _said(step: Heard, time: float) -> Frame:
    message = step.message
    speaker, hearer = plain(message.sender), plain(message.to)
    act = Act(message.kind, _content(message), 0, 0, changes=list(_changes(step)), to=hearer)
    error = "" if step.arrived else _("{name} does not hear it").format(name=hearer)
    observed = [(_("to"), hearer), (_("term"), str(message.term))]
    return Frame(speaker, message.kind, meaning(message), time, 0, observed=observed, acts=[act], error=error)


def _content(message: Message) -> str:
    """What a message carries, in a few words."""
    if message.kind == APPEND and message.entries:
        first, last = message.entries[0].index, message.entries[-1].index
        return _("entry {index}").format(index=first) if first == last else f"{_('entries')} {first}–{last}"
    if message.kind == APPEND:
        return _("commit {index}").format(index=message.commit)
    if message.kind in (PRE_VOTED, VOTED):
        return _("no") if message.reject else _("yes")
    if message.kind == APPENDED:
        return _("no, try after {index}").format(index=message.hint) if message.reject else f"{message.index}"
    return _("for term {term}").format(term=message.term)


def _changes(step: Heard) -> Iterator[Change]:
    """What the message carries, piece by piece."""
    message = step.message
    if message.kind in (PRE_VOTE, VOTE):
        yield Change(_("its log ends at"), "", f"{message.index} ({_('term')} {message.log_term})")
    if message.kind == APPEND:
        yield Change(_("after"), "", f"{message.index} ({_('term')} {message.log_term})")
        yield from (Change(f"{_('entry')} {e.index}", "", _entry(e)) for e in message.entries)
        yield Change(_("committed up to"), "", str(message.commit))


def _entry(entry: Entry) -> str:
    """What an entry asks for; a new leader's first one asks for nothing."""
    return repr(entry.data or entry.change) if entry.data or entry.change else _("nothing")


def meaning(message: Message) -> str:
    """A message in a sentence."""
    no = message.reject
    sentences = {
        PRE_VOTE: _("would you vote for me in term {term}? my log ends at {index}"),
        PRE_VOTED: _("no, I would not") if no else _("yes: I hear of no leader, and my log is not newer than yours"),
        VOTE: _("vote for me in term {term}: my log ends at {index}"),
        VOTED: _("no, you have not my vote") if no else _("you have my vote in term {term}, and nobody else gets it"),
        APPEND: _("append this behind {index}") if message.entries else _("all up to {commit} is committed: apply it"),
        APPENDED: _("my log is not the same there") if no else _("my log is the same as yours up to {index}"),
        HEARTBEAT: _("I lead term {term}, and {commit} is committed"),
        HEARD: _("I have heard it"),
        SNAPSHOT: _("you are too far behind for the log: take a snapshot"),
        TIMEOUT_NOW: _("you have all that I have: campaign now"),
    }
    return sentences[message.kind].format(term=message.term, index=message.index, commit=message.commit)


def _scene(standings: Mapping[str, Standing]) -> Scene:
    """Each machine with its member (and its term) and its log: where that ends, and how much of it is committed."""
    scene: dict[str, Mapping[str, object]] = {}
    for name, standing in standings.items():
        place = f"Node/{plain(name)}"
        scene[place] = {}
        down = standing.role == DOWN
        role = standing.role if standing.role in (DOWN, PRE_CANDIDATE) else f"{standing.role} ({standing.term})"
        scene[f"Member/{plain(name)}"] = {"place": place, "state": _STATES[standing.role], "word": role}
        kept = f"{standing.last}" if down else f"{standing.last} ({standing.commit} ✓)"
        scene[f"Log/{plain(name)}"] = {"place": place, "word": kept}
    return scene


def _moved(name: str, before: Standing | None, now: Standing) -> Iterator[str]:
    """What of a member is not as it was: itself, or its log."""
    if before is None or (before.role, before.term, before.voted_for) != (now.role, now.term, now.voted_for):
        yield f"Member/{name}"
    if before is not None and (before.last, before.commit) != (now.last, now.commit) and now.role != DOWN:
        yield f"Log/{name}"


def plain(real: str) -> str:
    """The name of a member, without what tells it from a former one of that name."""
    return real.partition("#")[0]

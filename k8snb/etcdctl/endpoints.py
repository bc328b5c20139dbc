"""`etcdctl endpoint`, `member`, `move-leader`, `defrag`, `compact`, `alarm`: the members, and what they are told."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from k8snb.etcd.admin import NO_LEADER, Admin, Facts
from k8snb.etcd.errors import EtcdError
from k8snb.etcdctl.printing import ALONE
from k8snb.etcdctl.tables import duration, humane, simple, table
from k8snb.etcdctl.words import Words

VERSION, STORAGE = "3.6.0", "3.6.0"
"""The version whose output this is, and that of the format on disk."""

_STATUS = """
endpoint|ID|version|storage version|db size|in use|percentage not in use|quota|is leader|is learner|raft term|
raft index|raft applied index|errors|downgrade target version|downgrade enabled
""".replace("\n", "").split("|")
_MEMBERS = ("ID", "Status", "Name", "Peer Addrs", "Client Addrs", "Is Learner")
Do = Callable[..., Any]
"""Does something to the members, so that a fork and a rewind live through it too."""


def url(name: str, port: int = 2379) -> str:
    """Where a member is reached by clients (2379) or by the others (2380)."""
    return f"https://{name}:{port}"


def chosen(admin: Admin, words: Words) -> list[str]:
    """The members that are asked: those of `--endpoints`, else all."""
    named = [each for each in words.flags.get("--endpoints", "").split(",") if each]
    return [(each.partition("://")[2] or each).partition(":")[0] for each in named] or admin.names()


def status(admin: Admin, words: Words) -> str:
    """What each member tells of itself."""
    rows, silent = [], ""
    for name in chosen(admin, words):
        facts = admin.facts(name)
        if facts is None:
            silent += f"Failed to get the status of endpoint {url(name)} (context deadline exceeded)\n"
        else:
            rows.append(_row(facts, admin.alarms.quota))
    return silent + (table(_STATUS, rows) if words.format == "table" and rows else simple(rows))


def _row(facts: Facts, quota: int) -> Sequence[str]:
    free = round(100 * (facts.size - facts.in_use) / facts.size) if facts.size else 0
    sizes = humane(facts.size), humane(facts.in_use), f"{free}%", humane(quota)
    flags = str(facts.leader).lower(), str(facts.learner).lower()
    raft = str(facts.term), str(facts.index), str(facts.applied)
    return (url(facts.name), facts.id, VERSION, STORAGE, *sizes, *flags, *raft, facts.errors, "", "false")


def health(admin: Admin, words: Words) -> str:
    """Whether a member answers a read, which takes a majority."""
    seconds = admin.ensemble.commit_seconds()
    lines, rows = [], []
    for name in chosen(admin, words):
        facts = admin.facts(name)
        answers = facts is not None and NO_LEADER not in facts.errors and seconds < 5 and admin.hears_leader(name)
        took = duration(seconds if answers else 5.0)
        alarms = "Active Alarm(s): " + "NOSPACE " * len(admin.alarms.active()) if admin.alarms.active() else ""
        error = alarms if answers else "context deadline exceeded"
        rows.append((url(name), str(not error).lower(), took, error))
        if error:
            lines.append(f"{url(name)} is unhealthy: failed to commit proposal: {error}")
        else:
            lines.append(f"{url(name)} is healthy: successfully committed proposal: took = {took}")
    bad = any(row[1] == "false" for row in rows)
    text = table(("endpoint", "health", "took", "error"), rows) if words.format == "table" else "\n".join([*lines, ""])
    return text + ("Error: unhealthy cluster\n" if bad else "")


def hashes(admin: Admin, words: Words) -> str:
    """A number per member that is the same where the keys are the same."""
    rows = [(url(n), str(admin.digest(n)), str(admin.keyspace(n).revision)) for n in chosen(admin, words)]
    return table(("endpoint", "hash", "hash revision"), rows) if words.format == "table" else simple(rows)


def members(admin: Admin, words: Words) -> str:
    """Who belongs to the cluster."""
    rows = []
    for name in admin.names():
        begun = "unstarted" if admin.awaits(name) else "started"
        clients = "" if admin.awaits(name) else url(name)
        shown = "" if admin.awaits(name) else name
        learner = str(admin.is_learner(name)).lower()
        rows.append((admin.number(name), begun, shown, url(name, 2380), clients, learner))
    return table(_MEMBERS, rows) if words.format == "table" else simple(rows)


def add(admin: Admin, words: Words, do: Do) -> str:
    """Make somebody a member."""
    if len(words.plain) < 3 or not words.flags.get("--peer-urls"):
        raise EtcdError("member name not provided" if len(words.plain) < 3 else "member peer urls not provided")
    name = words.plain[2]
    number = do("add", name, words.has("--learner"))
    what = "as learner to cluster" if words.has("--learner") else "added to cluster"
    initial = ",".join(f"{each}={url(each, 2380)}" for each in admin.names())
    said = f"Member {number} added {what}" if words.has("--learner") else f"Member {number} {what}"
    return (
        f'{said} {admin.cluster_id}\n\nETCD_NAME="{name}"\nETCD_INITIAL_CLUSTER="{initial}"\n'
        f'ETCD_INITIAL_ADVERTISE_PEER_URLS="{url(name, 2380)}"\nETCD_INITIAL_CLUSTER_STATE="existing"\n'
    )


def remove(admin: Admin, words: Words, do: Do) -> str:
    """Take a member out."""
    number = do("remove", _named(words))
    return f"Member {number} removed from cluster {admin.cluster_id}\n"


def promote(admin: Admin, words: Words, do: Do) -> str:
    """Give a learner a vote."""
    number = do("promote", _named(words))
    return f"Member {number} promoted in cluster {admin.cluster_id}\n"


def _named(words: Words) -> str:
    if len(words.plain) < 3:
        raise EtcdError("member ID is not provided")
    return words.plain[2]


def move_leader(admin: Admin, words: Words, do: Do) -> str:
    """Hand the leadership over."""
    if len(words.plain) < 2:
        raise EtcdError("move-leader command needs 1 argument")
    before, after = do("move_leader", words.plain[1])
    return f"Leadership transferred from {before} to {after}\n"


def defrag(admin: Admin, words: Words, do: Do) -> str:
    """Give back the place of what was compacted: on the members that are named, else on the first, as etcdctl does."""
    names = admin.names() if words.has("--cluster") else chosen(admin, words)
    for name in names:
        do("defragment", name)
    return "".join(f"Finished defragmenting etcd member[{url(name)}]. took 1ms\n" for name in names)


def alarms(admin: Admin, words: Words) -> str:
    """The alarms that are raised."""
    return "".join(f"{each}\n" for each in admin.alarm_list(admin.alarms.active()))


def disarm(admin: Admin, words: Words, do: Do) -> str:
    """Lift all alarms."""
    return "".join(f"{each}\n" for each in do("disarm"))


def compact(admin: Admin, words: Words, do: Do) -> str:
    """Forget what no read at the revision or later can see."""
    do("compact", _revision(words))
    return f"compacted revision {words.plain[1]}\n"


def _revision(words: Words) -> int:
    if len(words.plain) < 2:
        raise EtcdError("compact command needs 1 argument")
    try:
        return int(words.plain[1])
    except ValueError:
        raise EtcdError(f'strconv.ParseInt: parsing "{words.plain[1]}": invalid syntax') from None


def alone(verb: str, words: Words, do: Do) -> str:
    """What an etcd says to the same that has no members to tell apart: no alarm, and nothing to give back."""
    if verb in ("compact", "compaction"):
        do("_compact", _revision(words))
        return f"compacted revision {words.plain[1]}\n"
    return f"Finished defragmenting etcd member[{ALONE}]. took 1ms\n" if verb == "defrag" else ""


ALONE_TOO = frozenset(("compact", "compaction", "defrag", "alarm list", "alarm disarm"))

"""What holds of ownership whatever anybody applies or updates."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from k8snb.machinery.managed.applying import Conflicts, applied
from k8snb.machinery.managed.comparing import added_fields, compare, fields_of
from k8snb.machinery.managed.managers import NOBODY, Owners, Writer, encoded, updated
from k8snb.machinery.managed.sets import difference
from k8snb.machinery.managed.shapes import shape_of
from k8snb.typing import Object

POD = shape_of("v1", "Pod")
WORDS = st.sampled_from(["a", "b"])
NAMES = st.sampled_from(["alice", "bob", "carol"])


def some(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=fields)


CONTAINER = st.builds(
    lambda name, rest: {"name": name, **rest}, WORDS, some(image=WORDS, command=st.lists(WORDS, min_size=1, max_size=2))
)
CONTAINERS = st.lists(CONTAINER, min_size=1, max_size=2, unique_by=lambda each: each["name"])
LABELS = st.dictionaries(WORDS, WORDS, min_size=1, max_size=2)
PODS = st.builds(
    lambda meta, spec, host: {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", **meta},
        "spec": {**spec, "hostname": host},
    },
    some(labels=LABELS, finalizers=st.lists(WORDS, min_size=1, max_size=2, unique=True)),
    some(containers=CONTAINERS, nodeSelector=LABELS, nodeName=WORDS),
    WORDS,
)
WRITES = st.lists(st.tuples(st.sampled_from(["apply", "force", "update"]), NAMES, PODS), max_size=5)


def play(writes: list[tuple[str, str, Object]]) -> tuple[Object, Owners]:
    """The object and its owners after some writes; refused ones change nothing."""
    live: Object = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "p"}}
    owners: Owners = NOBODY
    for how, name, pod in writes:
        writer = Writer(name, "v1", "", "now")
        if how == "update":
            live, owners = pod, updated(owners, live, pod, POD, writer)
            continue
        try:
            live, owners = applied(live, pod, POD, owners, writer, force=how == "force")
        except Conflicts:
            continue
    return live, owners


@given(WRITES, NAMES, PODS)
def test_applying_the_same_twice_changes_nothing(writes: list[Any], name: str, pod: Object) -> None:
    live, owners = play(writes)
    writer = Writer(name, "v1", "", "later")
    once = applied(live, pod, POD, owners, writer, force=True)
    twice = applied(once.object, pod, POD, once.owners, writer._replace(time="even later"))
    assert (twice.object, encoded(twice.owners)) == (once.object, encoded(once.owners))


@given(WRITES, NAMES, PODS)
def test_what_others_own_or_nobody_does_is_never_removed(writes: list[Any], name: str, pod: Object) -> None:
    live, owners = play(writes)
    writer = Writer(name, "v1")
    after = applied(live, pod, POD, owners, writer, force=True).object
    mine = owners[writer.applying].fields if writer.applying in owners else {}
    gone = difference(fields_of(live, POD), fields_of(after, POD))
    assert difference(gone, mine) == {}


@given(WRITES, NAMES, PODS)
def test_a_forced_apply_ends_every_conflict(writes: list[Any], name: str, pod: Object) -> None:
    live, owners = play(writes)
    writer = Writer(name, "v1")
    found = applied(live, pod, POD, owners, writer, force=True)
    applied(found.object, pod, POD, found.owners, writer)


@given(NAMES, PODS, PODS)
def test_what_its_only_applier_gives_up_is_removed(name: str, first: Object, second: Object) -> None:
    writer = Writer(name, "v1")
    one = applied({"metadata": {}}, first, POD, NOBODY, writer)
    two = applied(one.object, second, POD, one.owners, writer)
    assert fields_of(two.object, POD) == fields_of(second, POD)


@given(PODS)
def test_what_is_new_is_what_an_empty_object_lacks(pod: Object) -> None:
    assert added_fields(pod, POD) == compare({}, pod, POD).taken

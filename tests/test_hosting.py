"""Controllers of the reader's own: run, hurt and killed; whoever compares gets there, whoever reacts does not."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from k8snb import Cluster, Controller, Faults
from tests.flocks import EdgeFlock, Flock, count, lose_one, set_size

NAME = Flock.name


def with_flock(controller: type[Controller] = Flock, size: int = 3, faults: Faults | None = None) -> Cluster:
    cluster = Cluster(nodes=0, seed=1)
    cluster.run(controller)
    set_size(cluster, "merinos", size)
    cluster.settle()
    cluster.suffer(controller.name, faults or Faults())
    return cluster


def test_a_controller_of_the_reader_keeps_what_is_wanted() -> None:
    cluster = with_flock()
    lose_one(cluster)
    cluster.settle()
    assert count(cluster) == 3


def test_its_requests_bear_its_name() -> None:
    cluster = with_flock()
    assert NAME in {each.user for each in cluster.trace.requests}


def test_a_controller_without_a_name_is_not_run() -> None:
    with pytest.raises(ValueError, match=r"^Controller has no name: give the class a `name = …`$"):
        Cluster(nodes=0).run(Controller)


def test_a_process_that_is_not_there_cannot_be_stopped() -> None:
    known = "kube-apiserver, kube-controller-manager, kube-scheduler, coredns, etcd, flock-controller"
    with pytest.raises(ValueError, match=rf"^no process sheepdog runs here; there are: {known}$"):
        with_flock().stop("sheepdog")


@pytest.mark.parametrize(
    ("fault", "message"),
    [({"drop": 1.5}, "drop: 1.5 is not a share between 0 and 1"), ({"delay": -1}, "delay: -1 is less than 0")],
)
def test_faults_that_cannot_be_are_refused(fault: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=f"^{message}$"):
        Faults(**fault)  # type: ignore[arg-type]


def test_a_stopped_program_does_nothing_until_it_is_started() -> None:
    cluster = with_flock()
    cluster.stop(NAME)
    lose_one(cluster)
    cluster.settle()
    down = count(cluster)
    cluster.start(NAME)
    cluster.settle()
    assert (down, count(cluster)) == (2, 3)


def test_a_program_that_crashes_halfway_comes_back_and_finishes() -> None:
    cluster = with_flock(faults=Faults(crash_after=2, restart=10))
    set_size(cluster, "merinos", 8)
    cluster.advance(5)
    halfway = count(cluster)
    cluster.settle()
    assert (halfway, count(cluster), cluster.programs[NAME].restarts) == (5, 8, 1)


def test_running_a_class_of_the_same_name_replaces_the_program() -> None:
    cluster = with_flock()
    former = cluster.programs[NAME]
    cluster.run(Flock)
    assert (former.running, cluster.programs[NAME].running) == (False, True)


def test_a_watch_that_lost_events_expires_and_is_listed_anew() -> None:
    cluster = with_flock(faults=Faults(drop=1.0, outage=5))
    lose_one(cluster)
    cluster.advance(4)
    unaware = count(cluster)
    cluster.suffer(NAME)
    cluster.settle()
    assert (unaware, count(cluster)) == (2, 3)


def test_late_events_of_one_object_stay_in_order() -> None:
    seen: list[int] = []

    class Listener(Controller):
        name = "listener"

        def start(self) -> None:
            self.hear("configmaps", lambda type, obj: seen.append(int(obj.get("data", {}).get("size", 0))))

    cluster = Cluster(nodes=0, seed=1)
    set_size(cluster, "merinos", 0)
    cluster.run(Listener, Faults(delay=20))
    cluster.settle()
    seen.clear()
    for size in range(1, 9):
        set_size(cluster, "merinos", size)
    cluster.settle()
    assert seen == list(range(1, 9))


def test_late_events_of_different_objects_overtake_each_other() -> None:
    seen: list[str] = []

    class Listener(Controller):
        name = "listener"

        def start(self) -> None:
            self.hear("configmaps", lambda type, obj: seen.append(obj["metadata"]["name"]))

    cluster = Cluster(nodes=0, seed=1)
    cluster.run(Listener, Faults(delay=20))
    cluster.settle()
    seen.clear()
    names = [f"flock-{number}" for number in range(8)]
    for name in names:
        set_size(cluster, name, 1)
    cluster.settle()
    assert (sorted(seen), seen == names) == (names, False)


@pytest.mark.parametrize("fault", [Faults(drop=1.0), Faults(duplicate=1.0)], ids=["drop", "duplicate"])
def test_whoever_reacts_to_messages_ends_with_the_wrong_number(fault: Faults) -> None:
    cluster = with_flock(EdgeFlock, faults=fault)
    before = count(cluster)
    lose_one(cluster)
    cluster.settle()
    cluster.suffer(EdgeFlock.name)
    cluster.advance(600)
    assert (before, count(cluster) == 3) == (3, False)


def test_whoever_reacts_to_messages_does_everything_again_after_a_restart() -> None:
    cluster = with_flock(EdgeFlock)
    cluster.stop(EdgeFlock.name)
    cluster.start(EdgeFlock.name)
    cluster.settle()
    assert count(cluster) == 6


def test_a_fork_has_the_same_programs_in_the_same_state() -> None:
    cluster = with_flock(faults=Faults(drop=0.3, duplicate=0.3, delay=2, crash_after=3))
    set_size(cluster, "merinos", 9)
    cluster.settle()
    fork = cluster.fork()
    assert (repr(fork.programs[NAME]), fork.revision) == (repr(cluster.programs[NAME]), cluster.revision)


def test_a_rewind_to_before_a_program_was_run_forgets_it() -> None:
    cluster = Cluster(nodes=0, seed=1)
    before = cluster.revision
    cluster.run(Flock)
    set_size(cluster, "merinos", 1)
    cluster.settle()
    cluster.rewind(before)
    assert cluster.programs == {}


shares = st.sampled_from((0.0, 0.1, 0.5))
faults = st.builds(
    Faults,
    drop=shares,
    duplicate=shares,
    delay=st.sampled_from((0.0, 0.5, 8.0)),
    crash_after=st.integers(0, 4),
)
edits = st.tuples(
    st.sampled_from(("size", "lose", "wait", "crash")), st.sampled_from(("merinos", "angoras")), st.integers(0, 6)
)


@given(st.lists(st.tuples(faults, edits), max_size=12))
def test_whoever_compares_ends_with_the_right_number_whatever_went_wrong(
    story: list[tuple[Faults, tuple[str, str, int]]],
) -> None:
    cluster = with_flock()
    wanted = {"merinos": 3}
    for suffered, (action, name, number) in story:
        cluster.suffer(NAME, suffered)
        if action == "size":
            set_size(cluster, name, number)
            wanted[name] = number
        elif action == "lose":
            lose_one(cluster, name)
        elif action == "crash":
            cluster.stop(NAME)
            cluster.start(NAME)
        cluster.advance(number / 2)
    cluster.advance(600)
    assert {name: count(cluster, name) for name in wanted} == wanted

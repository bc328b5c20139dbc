"""Whose session it is: a process of this machine, and no other that is called the same."""

from __future__ import annotations

import os
import platform

from k8snb.live.holders import holder, is_gone, machine
from k8snb.live.session import Left, Now, sessions
from k8snb.live.territory import Territory
from tests.live.door import Door


def test_only_of_a_process_of_this_very_machine_it_is_certain_that_it_has_ended() -> None:
    assert not is_gone(holder())
    assert is_gone(f"{machine()}/{os.getpid()}/1")
    assert machine().startswith(f"{platform.node()}-")
    strangers = (
        f"{platform.node()}/1/1",
        f"{platform.node()}-0123456789ab/1/1",
        "elsewhere/1/1",
        f"{machine()}/x/1",
        "",
    )
    assert [is_gone(each) for each in strangers] == [False] * 5


def test_a_lease_has_expired_when_both_clocks_say_so() -> None:
    left = Left(Territory("s", "k8snb-s"), "elsewhere/1/1", renewed=1000.0, written=5000.0, lasts=600.0)
    clocks = [Now(1601.0, 5601.0), Now(1601.0, 5599.0), Now(1599.0, 5601.0)]
    assert [left.is_over(now) for now in clocks] == [True, False, False]


def test_a_namespace_that_has_the_labels_of_a_session_and_not_its_name_is_nobodys_home(live: Door) -> None:
    labels = "app.kubernetes.io/managed-by=k8snb k8snb/home=true k8snb/session=s"
    for name in ("shop", "k8snb-s"):
        live.cluster.kubectl(f"create namespace {name}")
        live.cluster.kubectl(f"label namespace {name} {labels}")
    assert [left.territory.home for left in sessions(live.cluster.client)] == ["k8snb-s"]
    live.cluster.kubectl("delete namespace shop k8snb-s")

"""What is solved is noted, shown, and kept in a file if the reader wants that."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snb import Cluster, lab
from k8snb.lab import nodes, runtimes
from k8snb.lab.solved import RECORD, NotKept, packed, unpacked, usual_file


@pytest.fixture(autouse=True)
def kernel() -> Iterator[None]:
    RECORD.forget()
    yield
    RECORD.forget()


@pytest.fixture(scope="module")
def drained() -> Cluster:
    cluster = Cluster(nodes=2, seed=1)
    cluster.kubectl("create deployment web --image=nginx --replicas=4")
    cluster.settle()
    cluster.kubectl("drain node-1")
    cluster.settle()
    return cluster


def test_what_a_check_finds_solved_counts_and_nothing_else(drained: Cluster) -> None:
    nodes.check_maintenance(drained)
    nodes.check_reserved(drained)
    shown = lab.progress("first-app/node")
    assert shown.solved == ["node/maintenance"]
    first, second = repr(shown).splitlines()
    assert first.startswith("1 of ")
    assert second.startswith("first-app/node  ✓ maintenance  · reserved")


def test_the_html_says_the_same_with_the_titles(drained: Cluster) -> None:
    nodes.check_maintenance(drained)
    shown = lab.progress("first-app/node")._repr_html_()
    assert '<span title="Maintenance">✓ maintenance</span>' in shown
    assert '<progress value="1" max=' in shown


def test_a_kept_progress_goes_on_in_another_kernel(drained: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "new" / "progress.json"
    lab.keep_progress(file)
    nodes.check_maintenance(drained)
    before = RECORD.solved
    RECORD.forget()
    assert lab.progress().solved == []
    assert lab.keep_progress(file).solved == ["node/maintenance"]
    assert RECORD.solved["node/maintenance"].made is not None
    assert packed(list(RECORD.solved.values())) == packed(list(before.values()))


@pytest.mark.parametrize("text", ["", "[]", '{"format": "k8snb progress 9"}', '{"format": "k8snb progress 1"}', "\0"])
def test_a_file_that_is_something_else_is_left_as_it_is(tmp_path: Path, text: str) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(text)
    with pytest.raises(NotKept):
        lab.keep_progress(file)
    assert file.read_text() == text


def test_a_check_is_not_disturbed_by_a_file_that_cannot_be_written(drained: Cluster, tmp_path: Path) -> None:
    lab.keep_progress(tmp_path / "progress.json")
    RECORD.file = Path("/dev/null/progress.json")
    with pytest.warns(UserWarning, match="cannot be written"):
        assert nodes.check_maintenance(drained)


def test_the_usual_file_is_where_programs_of_the_user_keep_their_data(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", "/data")
    assert usual_file() == Path("/data/k8snb/progress.json")


def test_exercises_of_one_cluster_share_its_past() -> None:
    cluster = Cluster(nodes=1, seed=1)
    cluster.kubectl("run glutton --image=nginx")
    RECORD.note("a", cluster.past)
    cluster.kubectl("run other --image=nginx")
    RECORD.note("b", cluster.past)
    RECORD.note("c", Cluster(nodes=1, seed=2).past)
    RECORD.note("d", None)
    data = packed(list(RECORD.solved.values()))
    assert [row.get("past") for row in data["solved"]] == [0, 0, 1, None]
    assert len(data["pasts"]) == 2
    assert [tuple(each) for each in unpacked(json.loads(json.dumps(data)))] == [
        tuple(e) for e in RECORD.solved.values()
    ]


def test_judging_takes_no_note() -> None:
    cluster = Cluster(nodes=1, seed=1)
    assert not runtimes.check_calm.judge(cluster)
    assert RECORD.solved == {}

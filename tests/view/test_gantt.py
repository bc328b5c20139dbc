"""A Gantt's text says of every job and pod what it was, and since when."""

from __future__ import annotations

import pytest

from k8snb import Cluster

JOB = """
apiVersion: batch/v1
kind: Job
metadata: {name: twice}
spec:
  backoffLimit: 1
  ttlSecondsAfterFinished: 30
  template:
    spec:
      restartPolicy: Never
      containers: [{name: c, image: busybox, command: [sh, -c, sleep 5; exit 1]}]
"""


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=1, seed=1)
    made.kubectl("apply -f -", JOB)
    made.settle()
    return made


FAILED = """\
Jobs and pods of Job twice, 24.4 s
Job twice          +0.0 s Running, +23.4 s Failed
  Pod twice-krnvg  +0.0 s ContainerCreating, +1.7 s Running, +6.7 s Error
  Pod twice-64z5n  +16.0 s ContainerCreating, +17.4 s Running, +22.4 s Error"""


def test_a_job_stands_above_its_pods(cluster: Cluster) -> None:
    assert str(cluster.gantt("job/twice")) == FAILED


def test_what_is_deleted_is_gone_from_then_on(cluster: Cluster) -> None:
    later = cluster.fork()
    later.advance(60)
    assert [line.rpartition(", ")[2] for line in str(later.gantt("job/twice")).splitlines()[1:]] == ["+53.0 s gone"] * 3


def test_what_was_there_before_is_shown_from_the_beginning(cluster: Cluster) -> None:
    later = cluster.fork()
    begin = later.revision
    later.kubectl("run web --image=nginx")
    later.settle()
    names = [(bar.kind, bar.name, bar.stretches[0].word) for bar in later.gantt(since=begin).bars]
    assert names[0] == ("Job", "twice", "Failed")
    assert names[-1] == ("Pod", "web", "ContainerCreating")


PROBED = """
apiVersion: v1
kind: Pod
metadata: {name: slow}
spec:
  containers:
  - {name: c, image: nginx, readinessProbe: {httpGet: {path: /, port: 80}, initialDelaySeconds: 10}}
"""


def test_who_runs_and_is_not_ready_is_told_from_who_is(cluster: Cluster) -> None:
    later = cluster.fork()
    begin = later.revision
    later.kubectl("apply -f -", PROBED)
    later.advance(30)
    chart = later.gantt(since=begin)
    slow = next(bar for bar in chart.bars if bar.name == "slow")
    words = [(each.state, each.word) for each in slow.stretches]
    assert words == [("starting", "ContainerCreating"), ("unready", "Running, not ready"), ("ready", "Running")]
    assert ">Running, not ready</text>" in chart.svg()


def test_the_picture_says_what_it_shows_and_marks_states_by_more_than_colour(cluster: Cluster) -> None:
    svg = cluster.gantt("job/twice").svg()
    assert "Job twice: +0.0 s Running, +23.4 s Failed" in svg
    assert svg.partition("</svg>")[0].count("✕</text>") == 3


def test_a_legend_says_what_each_look_of_a_bar_means_and_long_titles_go_on_in_the_next_line(cluster: Cluster) -> None:
    wide, _, narrow = (
        cluster.gantt("job/twice", title="The attempts of a Job that tries twice at the most").svg().partition("</svg>")
    )
    for svg in (wide, narrow):
        assert [svg.count(f">{words}</text>") for words in ("Running", "ContainerCreating", "✕ Failed, Error")] == [
            1,
            1,
            1,
        ]
    assert ("at the most</text>" in wide, "The attempts of a Job that tries twice at the most</text>" in narrow) == (
        True,
        False,
    )


def test_a_gantt_of_nothing_is_a_title() -> None:
    assert str(Cluster(nodes=1, seed=1).gantt()) == "Jobs and pods, 0.0 s"

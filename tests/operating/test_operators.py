"""Operators with kopf in the process of the cluster: their turns, their rights, their record, their end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import kopf
import pytest

from k8snb import Cluster
from tests.operating.flocks import BINDING, NAME, flock, log, meadow, sheep, shepherd

USER = "system:serviceaccount:default:shepherd"
POLICY = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "rules": [{"level": "Metadata"}]}


@pytest.fixture(scope="module")
def grown() -> Cluster:
    return meadow()


def test_an_object_is_looked_after_as_soon_as_the_cluster_is_waited_for(grown: Cluster) -> None:
    assert sheep(grown) == ["merinos-0", "merinos-1"]
    assert flock(grown)["status"] == {"grow": {"size": 2}}
    assert flock(grown)["metadata"]["finalizers"] == ["kopf.zalando.org/KopfFinalizerMarker"]
    assert log(grown) == [
        "INFO    [default/merinos] 2 sheep are wanted",
        "INFO    [default/merinos] Handler 'grow' succeeded.",
        "INFO    [default/merinos] Creation is processed: 1 succeeded; 0 failed.",
    ]


def test_its_turns_are_in_the_trace_with_what_they_were_told_and_what_they_sent(grown: Cluster) -> None:
    spans = [span for span in grown.trace.spans if span.component == NAME]
    told = [(span.observed, span.wanted, [sent.request.method for sent in span.requests]) for span in spans]
    assert told == [
        ({}, "", ["PATCH"]),
        ({"event": "create", "handler": "grow"}, "2 sheep are wanted", ["POST", "POST", "PATCH", "PATCH"]),
    ]
    assert [span.cause for span in spans] == [spans[0].requests[0].revision - 1, spans[0].requests[0].revision]
    assert {sent.user for span in spans for sent in span.requests} == {USER}


def test_what_has_changed_is_what_it_compares(grown: Cluster) -> None:
    twin = grown.fork()
    twin.client.patch("flocks", "merinos", {"spec": {"size": 3}}, "default")
    twin.settle()
    (span,) = [span for span in twin.trace.spans if span.observed.get("event") == "update"]
    assert span.compared == {"spec.size": (2, 3)}


def test_nobody_waits_for_its_timers_but_they_go_on(grown: Cluster) -> None:
    twin = grown.fork()
    assert twin.settle() == 0
    twin.advance(65)
    assert flock(twin)["status"]["looked"] == 2
    (first, *_more) = [span for span in twin.trace.spans if span.observed.get("handler") == "count"]
    assert (first.cause, len(first.requests)) == (0, 1)


def test_a_fork_runs_it_again_to_the_same_bytes_and_then_for_itself(grown: Cluster) -> None:
    twin = grown.fork()
    assert (twin.revision, flock(twin)) == (grown.revision, flock(grown))
    assert [(*map(str, twin.trace.spans),)] == [(*map(str, grown.trace.spans),)]
    twin.client.patch("flocks", "merinos", {"spec": {"size": 3}}, "default")
    twin.settle()
    assert (len(sheep(twin)), len(sheep(grown))) == (3, 2)


def test_a_rewind_takes_back_what_it_has_done() -> None:
    cluster = meadow()
    before = cluster.revision
    cluster.client.patch("flocks", "merinos", {"spec": {"size": 4}}, "default")
    cluster.settle()
    after = flock(cluster)
    cluster.rewind(before)
    assert (len(sheep(cluster)), cluster.operators[NAME].running) == (2, True)
    cluster.client.patch("flocks", "merinos", {"spec": {"size": 4}}, "default")
    cluster.settle()
    assert flock(cluster) == after


def test_while_it_is_down_nothing_happens_and_then_it_catches_up() -> None:
    cluster = meadow()
    cluster.stop(NAME)
    cluster.client.patch("flocks", "merinos", {"spec": {"size": 3}}, "default")
    cluster.settle()
    assert (len(sheep(cluster)), repr(cluster.operators[NAME])) == (2, f"{NAME}: down, as {USER}")
    cluster.start(NAME)
    cluster.settle()
    assert len(sheep(cluster)) == 3


def test_without_an_api_server_it_waits_and_tries_again() -> None:
    cluster = meadow()
    cluster.stop("kube-apiserver")
    cluster.advance(20)
    cluster.start("kube-apiserver")
    cluster.client.patch("flocks", "merinos", {"spec": {"size": 3}}, "default")
    cluster.advance(60)
    assert len(sheep(cluster)) == 3


def test_it_can_do_no_more_than_its_account() -> None:
    cluster = meadow()
    cluster.client.delete("clusterrolebindings", BINDING["metadata"]["name"])  # type: ignore[index]
    cluster.client.patch("flocks", "merinos", {"spec": {"size": 3}}, "default")
    cluster.settle()
    refused = {sent.code for sent in cluster.trace.requests if sent.user == USER and sent.request.method == "POST"}
    assert (refused, len(sheep(cluster))) == ({201, 403}, 2)


def test_the_audit_log_knows_it_by_its_account() -> None:
    cluster = meadow(audit=POLICY)
    made = cluster.audit_log.of(USER, verb="create", stage="ResponseComplete")
    assert [event["objectRef"]["resource"] for event in made] == ["configmaps"] * len(sheep(cluster))
    assert {event["userAgent"].partition("/")[0] for event in made} == {"kopf"}


def test_who_is_asked_to_end_calls_its_cleanup_handlers_and_who_is_killed_does_not() -> None:
    tidy, said = kopf.OperatorRegistry(), []

    @kopf.on.cleanup(registry=tidy)
    async def clean(**_: object) -> None:
        said.append("tidied up")

    cluster = meadow(tidy)
    cluster.stop(NAME)
    assert (said, cluster.operators[NAME].running) == ([], False)
    cluster.start(NAME)
    cluster.settle()
    cluster.stop(NAME, gracefully=True)
    cluster.settle()
    assert (said, cluster.operators[NAME].running) == (["tidied up"], False)


def test_a_delay_before_the_next_attempt_is_waited_for_and_written_down_in_the_clusters_time() -> None:
    patient, kept = kopf.OperatorRegistry(), []

    @kopf.on.create("flocks", id="wait", registry=patient)
    def wait(retry: int, meta: Any, **_: object) -> None:
        kept.extend(text for key, text in meta.annotations.items() if key.endswith("/wait"))
        if retry == 0:
            raise kopf.TemporaryError("not yet", delay=20)

    cluster = meadow(patient)
    assert flock(cluster)["metadata"]["annotations"].keys() == {"kopf.zalando.org/last-handled-configuration"}
    assert len(kept) == 1
    assert '"delayed":"2026-01-01T00:00:2' in kept[0]


def test_a_file_is_run_as_kopf_runs_it(tmp_path: Path) -> None:
    source = """
        import kopf

        @kopf.on.create("flocks")
        def created(patch, **_):
            patch.status["file"] = __name__
    """
    path = tmp_path / "shepherd.py"
    path.write_text("\n".join(line[8:] for line in source.splitlines()))
    assert flock(meadow(path))["status"] == {"file": "shepherd"}


@pytest.mark.filterwarnings("ignore:coroutine 'authenticator' was never awaited")
def test_one_that_fails_begins_anew() -> None:
    weak, starts = kopf.OperatorRegistry(), []

    @kopf.on.startup(registry=weak)
    def begin(**_: object) -> None:
        starts.append(1)
        if len(starts) == 1:
            raise kopf.PermanentError("no")

    cluster = meadow(weak)
    cluster.advance(20)
    assert (len(starts), cluster.operators[NAME].running, cluster.operators[NAME].restarts) == (2, True, 1)
    assert any("the operator has ended" in line for line in cluster.operators[NAME].log)


def test_an_operator_needs_an_account() -> None:
    with pytest.raises(ValueError, match=r"^there is no service account shepherd in namespace default$"):
        Cluster(nodes=0).run_operator(shepherd, NAME, account="default/shepherd")

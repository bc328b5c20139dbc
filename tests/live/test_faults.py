"""Whatever goes wrong on the way to a live cluster is said, or mended; and nothing stays behind."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from k8snb import CannotConnect, StatusError, connect
from k8snb.live import session, transport
from k8snb.live.cluster import LiveCluster
from tests.live.door import Door, Fault

LATER = {"Retry-After": "0"}


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "_PAUSES", (0.0, 0.0, 0.0))


@pytest.fixture
def notebook(live: Door) -> Iterator[LiveCluster]:
    with connect() as found:
        assert isinstance(found, LiveCluster)
        yield found


def maps(notebook: LiveCluster) -> list[str]:
    return [each["metadata"]["name"] for each in notebook.client.list("configmaps", "default")]


def test_who_is_told_to_come_later_comes_later(notebook: LiveCluster, live: Door) -> None:
    live.faults += [Fault("GET", 429, b"busy", LATER, times=2), Fault("POST", 503, b"busy", LATER, times=3)]
    assert maps(notebook) == ["kube-root-ca.crt"]
    assert notebook.kubectl("create configmap c") == "configmap/c created\n"
    assert [each.times for each in live.faults] == [0, 0]


def test_who_is_told_to_come_much_later_hears_so(notebook: LiveCluster, live: Door) -> None:
    live.faults.append(Fault("GET", 429, b"busy", {"Retry-After": "3600"}))
    with pytest.raises(StatusError, match="busy"):
        maps(notebook)


def test_a_server_error_is_told_in_the_servers_words(notebook: LiveCluster, live: Door) -> None:
    live.faults.append(Fault("GET", 500, b"etcd is on fire"))
    told = 'an error on the server ("etcd is on fire") has prevented the request from succeeding'
    assert told in notebook.kubectl("get configmaps")


def test_what_was_only_read_is_read_again_when_the_connection_breaks(notebook: LiveCluster, live: Door) -> None:
    live.faults.append(Fault("GET", cut=True, times=2))
    assert maps(notebook) == ["kube-root-ca.crt"]
    live.faults.append(Fault("GET", cut=True, times=3))
    with pytest.raises(StatusError, match="the connection broke"):
        maps(notebook)


def test_what_was_written_is_not_written_again(notebook: LiveCluster, live: Door) -> None:
    live.faults.append(Fault(r"POST .*configmaps$", after=True))
    with pytest.raises(StatusError, match="whether it has been done is not known"):
        notebook.client.create("configmaps", {"metadata": {"name": "c"}}, "default")
    assert maps(notebook) == ["c", "kube-root-ca.crt"]


def test_a_slow_answer_is_waited_for_and_a_very_slow_one_is_not(notebook: LiveCluster, live: Door) -> None:
    way = notebook._guard._transport
    assert isinstance(way, transport.LiveTransport)
    live.faults.append(Fault("GET", slow=0.05))
    assert maps(notebook) == ["kube-root-ca.crt"]
    way.seconds = 0.1
    live.faults.append(Fault("GET", slow=0.3, times=3))
    with pytest.raises(StatusError, match=r"the cluster did not answer within 0.1 seconds"):
        maps(notebook)
    way.seconds = 30.0


def test_a_conflict_is_the_writers_to_know(notebook: LiveCluster) -> None:
    notebook.kubectl("create configmap c")
    old = notebook.client.get("configmaps", "c", "default")
    notebook.kubectl("annotate configmap c a=b")
    with pytest.raises(StatusError) as error:
        notebook.client.update("configmaps", old)
    assert (error.value.code, error.value.reason) == (409, "Conflict")


def test_a_watch_that_breaks_ends_and_what_is_too_old_is_gone(notebook: LiveCluster, live: Door) -> None:
    live.faults.append(Fault("GET .*/configmaps", cut=True))
    stream = notebook.client.watch("configmaps", "default")
    assert notebook.wait(lambda: len(stream) > 0, 2)
    assert stream.next()["object"]["metadata"]["name"] == "kube-root-ca.crt"
    assert notebook.wait(lambda: stream.closed, 2)
    live.cluster.store.compact(live.cluster.revision)
    late = notebook.client.watch("configmaps", "default", since=1)
    assert notebook.wait(lambda: len(late) > 0, 2)
    assert late.next()["object"]["code"] == 410


def test_a_cluster_that_is_not_there_is_said_to_be_so(notebook: LiveCluster, monkeypatch: pytest.MonkeyPatch) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(transport.LiveTransport, "server", "http://127.0.0.1:9")
        assert notebook.kubectl("get pods").startswith("The connection to the server ")
        with pytest.raises(StatusError, match=r"dial tcp 127.0.0.1:9: connect: connection refused"):
            maps(notebook)


def test_nobody_goes_where_a_server_sends_them(notebook: LiveCluster, live: Door) -> None:
    live.faults.append(Fault("GET .*/configmaps", 307, headers={"Location": "http://127.0.0.1:9/elsewhere"}))
    with pytest.raises(StatusError, match="the cluster sends us to another server; nobody goes there"):
        maps(notebook)
    assert maps(notebook) == ["kube-root-ca.crt"]


def test_rights_that_are_lost_midway_are_said_and_what_stays_is_too(notebook: LiveCluster, live: Door) -> None:
    notebook.kubectl("create configmap c")
    live.faults.append(Fault("(POST|DELETE) ", 403, b"no longer", times=99))
    assert "no longer" in notebook.kubectl("delete configmap c")
    assert "no longer" in notebook.kubectl("create configmap d")
    with pytest.warns(UserWarning, match=f"left behind in the cluster: namespaces/{notebook.home}: no longer"):
        notebook.close()
    live.faults.clear()
    live.cluster.client.delete("namespaces", notebook.home)


def test_a_cluster_that_is_gone_in_the_end_is_not_asked_for_each_thing(
    live: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    with connect() as notebook:
        assert isinstance(notebook, LiveCluster)
        with monkeypatch.context() as patch:
            patch.setattr(transport.LiveTransport, "server", "http://127.0.0.1:9")
            notebook._guard.territory.made += [f"namespaces/n{number}" for number in range(9)]
            with pytest.warns(UserWarning, match="connection refused"):
                assert len(notebook.close().kept) == 1
    live.cluster.client.delete("namespaces", notebook.home)


# -- connecting and cleaning up ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "fault",
    [
        Fault("POST .*/namespaces$", 500, b"no"),
        Fault("POST .*/namespaces$", after=True),
        Fault("POST .*/leases$", 409, b"no", times=2),
        Fault("POST .*/leases$", after=True),
        Fault("DELETE .*/namespaces", 500, b"no", times=2),
        Fault("DELETE .*/namespaces", after=True),
    ],
    ids=str,
)
def test_a_session_begins_and_ends_although_something_goes_wrong(live: Door, fault: Fault) -> None:
    before = live.objects()
    live.faults.append(fault)
    with connect() as notebook:
        assert isinstance(notebook, LiveCluster)
        assert notebook.kubectl("create configmap c") == "configmap/c created\n"
    assert live.objects() == before
    assert fault.times == 0


@pytest.mark.parametrize("line", ["POST .*/namespaces", "POST .*/leases", "POST .*accessreviews", "GET /version"])
def test_a_session_that_cannot_begin_leaves_nothing(live: Door, line: str) -> None:
    before = live.objects()
    live.faults.append(Fault(line, 403, b"no", times=99))
    with pytest.raises((StatusError, CannotConnect)):
        connect()
    live.faults.clear()
    assert live.objects() == before


def test_what_could_not_be_deleted_is_found_by_the_next(live: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    before = live.objects()
    notebook = connect()
    assert isinstance(notebook, LiveCluster)
    live.faults.append(Fault("DELETE", 500, b"no", times=99))
    assert len(notebook.close().kept) == 1
    live.faults.clear()
    left = notebook.home
    [lease] = live.cluster.client.list("leases", left)
    patch = {"spec": {"renewTime": "2020-01-01T00:00:00.000000Z"}}
    live.cluster.client.patch("leases", lease["metadata"]["name"], patch, left)
    with connect():
        live.cluster.settle()
        assert live.cluster.client.find("namespaces", left) is None
    assert live.objects() == before

"""The file of a cluster: killed at any moment it has all that was acknowledged, and damaged it is refused.

`K8SNB_PROPERTIES=long` kills a server 1,000 times, one with members of etcd 250 times, and damages a file at every
page and in thousands of places.
"""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import sqlite3
import stat
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from k8snb import Cluster
from k8snb.__main__ import main
from k8snb.apiserver.listener import listen
from k8snb.clock import WallClock
from k8snb.cluster import datafile
from k8snb.cluster.datafile import FORMAT, DataFile, open_file
from k8snb.serving import kubeconfig as writing
from k8snb.serving.kubeconfig import kubeconfig, write_kubeconfig
from k8snb.serving.served import Served
from k8snb.store.ledger import CannotKeep, CannotOpen, Kept
from tests.edge.cutting import cut_at_each_line
from tests.edge.killing import Life, killed
from tests.edge.test_real_kubectl import Kubectl, binary
from tests.edge.wire import SECONDS, TOKEN, Wire, listening

LONG = os.environ.get("K8SNB_PROPERTIES") == "long"
KILLS = 1_000 if LONG else 4
FLIPS = 5_000 if LONG else 60
PAGE = 4096
MAPS = "/api/v1/namespaces/default/configmaps"


@pytest.mark.parametrize(("members", "kills"), [(0, KILLS), (3, max(2, KILLS // 4))])
def test_whenever_a_server_is_killed_nothing_that_was_acknowledged_is_lost(
    members: int, kills: int, tmp_path: Path
) -> None:
    outcome = killed(tmp_path / "cluster.db", kills, seed=3, members=members)
    assert (outcome.wrong, outcome.kills) == ([], kills)
    assert outcome.acknowledged > kills


def test_a_file_whose_making_is_killed_at_any_line_is_made_by_the_next(tmp_path: Path) -> None:
    def made(number: int) -> DataFile:
        return open_file(tmp_path / f"{number}.db")

    for lines in cut_at_each_line(datafile, made, every=1 if LONG else 6):
        made(lines).close()


def test_a_kubeconfig_whose_writing_is_killed_at_any_line_is_written_by_the_next(tmp_path: Path) -> None:
    path, text = tmp_path / "config", kubeconfig("https://127.0.0.1:6443", b"", "token")
    for lines in cut_at_each_line(writing, lambda lines: write_kubeconfig(path, f"# {lines}\n{text}")):
        write_kubeconfig(path, f"# again {lines}\n{text}")
        assert path.read_text() == f"# again {lines}\n{text}"
    assert os.listdir(tmp_path) == ["config"]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


# -- damage --------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file with a cluster in it."""
    path = tmp_path_factory.mktemp("whole") / "cluster.db"
    with Cluster(nodes=0, path=path) as cluster:
        for number in range(12):
            data = {"text": "x" * 300 * number}
            cluster.client.create("configmaps", {"metadata": {"name": f"c{number}"}, "data": data}, "default")
        cluster.kubectl("delete configmap c3 c4 c5")
    return path


def kept(path: Path) -> Kept:
    file = open_file(path)
    file.close()
    return file.kept


def damaged(whole: Path, data: bytes) -> Path:
    """A file of these bytes, and no journal."""
    path = whole.with_name("damaged.db")
    path.write_bytes(data)
    return path


def refused(path: Path) -> str:
    """Why a file is refused; it is as it was before."""
    before = path.read_bytes()
    with pytest.raises(CannotOpen) as caught:
        open_file(path)
    assert path.read_bytes() == before
    return str(caught.value).replace(str(path), "FILE")


def test_a_file_that_was_cut_off_is_refused(whole: Path) -> None:
    data = whole.read_bytes()
    borders = range(0, len(data), PAGE if LONG else 16 * PAGE)
    for length in (*borders, 50, 100, len(data) - PAGE, len(data) - 1):
        assert "restore a copy" in refused(damaged(whole, data[:length])), length


def test_a_byte_that_changed_is_noticed_wherever_it_matters(whole: Path) -> None:
    """What is no part of any record may change: then all that was kept is there."""
    data, lots, wanted = whole.read_bytes(), random.Random(5), kept(whole)
    harmless = 0
    for _ in range(FLIPS):
        at, bit = lots.randrange(len(data)), 1 << lots.randrange(8)
        path = damaged(whole, data[:at] + bytes([data[at] ^ bit]) + data[at + 1 :])
        try:
            assert kept(path) == wanted, at
        except CannotOpen:
            continue
        harmless += 1
    assert harmless < FLIPS / 2


def test_pages_of_an_older_version_are_noticed(whole: Path, tmp_path: Path) -> None:
    path = tmp_path / "cluster.db"
    path.write_bytes(whole.read_bytes())
    with Cluster(path=path) as cluster:
        cluster.kubectl("label configmap --all -n default new=yes")
    old, new = whole.read_bytes(), path.read_bytes()
    changed = [at for at in range(0, len(old), PAGE) if old[at : at + PAGE] != new[at : at + PAGE]]
    assert len(changed) > 3
    for at in changed[1:]:
        assert "restore a copy" in refused(damaged(whole, new[:at] + old[at : at + PAGE] + new[at + PAGE :]))


def test_a_write_that_was_under_way_is_taken_back_and_without_its_journal_noticed(whole: Path, tmp_path: Path) -> None:
    path, journal = tmp_path / "cluster.db", tmp_path / "cluster.db-journal"
    path.write_bytes(whole.read_bytes())
    wanted = kept(path)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA cache_spill = 1")
        connection.execute("PRAGMA cache_size = 1")
        connection.execute("BEGIN")
        connection.execute("UPDATE records SET revision = revision + 1, body = zeroblob(5000)")
        half, log = path.read_bytes(), journal.read_bytes()
    path.write_bytes(half)
    journal.write_bytes(log)
    assert half != whole.read_bytes()
    assert kept(path) == wanted
    path.write_bytes(half)
    journal.unlink(missing_ok=True)
    assert "restore a copy" in refused(path)
    for size in range(100, len(log), len(log) // 9):
        path.write_bytes(half)
        journal.write_bytes(log[:size])
        assert "restore a copy" in refused(path), size
        assert journal.read_bytes() == log[:size]


def changed(path: Path, *statements: str) -> Path:
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for each in statements:
            connection.execute(each)
    return path


@pytest.mark.parametrize(
    ("statement", "why"),
    [
        (f"PRAGMA user_version = {FORMAT + 1}", "was written by a newer k8snb (format 2, and this one knows 1)"),
        ("PRAGMA user_version = 0", "is damaged: there is no format 0"),
        ("PRAGMA application_id = 1", "is a database of another application; name another file"),
        ("DELETE FROM records WHERE id = 20", "is damaged: it has "),
        ("DELETE FROM head", "is damaged: its head is missing"),
        ("DROP TABLE head", "is damaged: no such table: head"),
        ("UPDATE records SET name = 'other' WHERE id = 20", "is damaged: record 20 does not match its checksum"),
    ],
)
def test_whoever_changed_a_file_by_other_means_is_told(whole: Path, statement: str, why: str) -> None:
    assert why in refused(changed(damaged(whole, whole.read_bytes()), statement))


# -- what is no data file, and places where there cannot be one ---------------------------------------------


def cannot_open(path: Path) -> str:
    with pytest.raises(CannotOpen) as caught:
        open_file(path)
    return str(caught.value).replace(str(path), "FILE")


def test_other_files_are_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_text("not a database" * 100)
    assert refused(text).startswith("FILE is no data file of k8snb, or damaged at its beginning;")
    assert "another application" in refused(changed(tmp_path / "other.db", "CREATE TABLE mine (a)"))


def test_a_place_where_there_can_be_no_file_is_refused(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    assert cannot_open(tmp_path) == "FILE is a folder; name a file in it"
    assert cannot_open(tmp_path / "no" / "cluster.db") == f"there is no folder {tmp_path / 'no'}; make it first"
    assert cannot_open(tmp_path / "pipe") == "FILE is no ordinary file"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_file_or_folder_that_may_not_be_written_is_refused(whole: Path, tmp_path: Path) -> None:
    path = damaged(whole, whole.read_bytes())
    path.chmod(stat.S_IRUSR)
    assert "cannot write FILE: Permission denied" in refused(path)
    path.unlink()
    tmp_path.chmod(stat.S_IRUSR | stat.S_IXUSR)
    assert cannot_open(tmp_path / "cluster.db") == "cannot make FILE: Permission denied"


def test_only_its_owner_can_read_a_file_and_nothing_lies_beside_it_in_the_end(tmp_path: Path) -> None:
    path = tmp_path / "cluster.db"
    file = open_file(path)
    file.commit((), (), 1, {})
    file.close()
    assert (stat.S_IMODE(path.stat().st_mode), [each.name for each in tmp_path.iterdir()]) == (0o600, ["cluster.db"])


def test_a_file_that_cannot_grow_any_more_ends_the_keeping_and_keeps_what_was_kept(tmp_path: Path) -> None:
    path = tmp_path / "cluster.db"
    cluster: Any = Cluster(nodes=0, path=path)
    cluster.keeper.file._connection.execute("PRAGMA max_page_count = 1")
    with pytest.raises(CannotKeep, match=r"cannot write .*: database or disk is full"):
        cluster.kubectl(f"create configmap large --from-literal=text={'x' * 100_000}")
    assert "large" not in Cluster(path=path).kubectl("get configmaps")


# -- what is told ----------------------------------------------------------------------------------------


def config_map(name: str, size: int = 1) -> bytes:
    text = "x" * size
    return (
        f'{{"apiVersion":"v1","kind":"ConfigMap","metadata":{{"name":"{name}"}},"data":{{"text":"{text}"}}}}'.encode()
    )


def test_nobody_hears_of_what_could_not_be_kept(tmp_path: Path) -> None:
    cluster: Any = Cluster(nodes=0, path=tmp_path / "cluster.db", clock=WallClock(), journal=False)
    failures: list[Exception] = []

    async def story() -> list[bytes]:
        served = Served(cluster, TOKEN)
        served.failed = failures.append
        server = await listen(served, 0, None)
        watching, writing, reading = [
            Wire(*await asyncio.open_connection(*server.sockets[0].getsockname())) for _ in range(3)
        ]
        watching.ask("GET", f"{MAPS}?watch=1&fieldSelector=metadata.name=large")
        await watching.head()
        cluster.keeper.file._connection.execute("PRAGMA max_page_count = 1")
        writing.ask("POST", MAPS, config_map("large", 100_000))
        await until(lambda: bool(failures))
        reading.ask("GET", f"{MAPS}/large")
        await asyncio.sleep(0.05)
        server.close()
        for wire in (watching, writing, reading):
            wire.writer.transport.abort()
        return [bytes(wire.reader._buffer) for wire in (watching, writing, reading)]  # type: ignore[attr-defined]

    assert asyncio.run(story()) == [b"", b"", b""]
    assert "large" in [each["metadata"]["name"] for each in cluster.store.bucket("configmaps").objects()]
    assert [str(each).endswith("database or disk is full") for each in failures][:1] == [True]


def test_those_who_write_at_the_same_time_share_a_commit(tmp_path: Path) -> None:
    cluster: Any = Cluster(nodes=0, path=tmp_path / "cluster.db", clock=WallClock(), journal=False)

    async def story() -> tuple[list[int], int]:
        async with listening(cluster) as connect:
            wires = [await connect() for _ in range(8)]
            await until(lambda: not cluster.keeper.dirty)
            commit, count = cluster.keeper.file.commit, itertools.count()
            cluster.keeper.file.commit = lambda *given: (next(count), commit(*given))
            for number, wire in enumerate(wires):
                wire.ask("POST", MAPS, config_map(f"c{number}"))
            return [(await wire.reply()).code for wire in wires], next(count)

    codes, commits = asyncio.run(story())
    assert codes == [201] * 8
    assert commits < 8


async def until(holds: Callable[[], bool]) -> None:
    """Let the event loop turn until something holds."""
    async with asyncio.timeout(SECONDS):
        while not holds():
            await asyncio.sleep(0.001)


# -- served --------------------------------------------------------------------------------------------


@pytest.fixture
def life(tmp_path: Path) -> Iterator[Life]:
    life = Life(tmp_path / "cluster.db")
    assert life.is_ready()
    yield life
    life.kill()


@pytest.mark.kubectl
def test_kubectl_goes_on_with_the_same_kubeconfig_after_the_server_was_killed(tmp_path: Path) -> None:
    if not binary("1.33"):
        pytest.skip("there is no kubectl 1.33")
    data, columns = tmp_path / "cluster.db", "custom-columns=:.status.phase,:.status.containerStatuses[0].restartCount"
    life = Life(data, 1, 20.0)
    assert life.is_ready()
    kubeconfig, kubectl = life.kubeconfig.read_text(), Kubectl(binary("1.33"), life.kubeconfig, tmp_path)
    kubectl("create deployment web --image=nginx:1.27 --replicas=2")
    kubectl("rollout status deployment/web --timeout=20s")
    token = kubectl("create token default").strip()
    life.kill()
    life = Life(data, 1, 20.0, life.port)
    assert life.is_ready()
    try:
        assert life.kubeconfig.read_text() == kubeconfig
        kubectl("rollout status deployment/web --timeout=20s")
        assert kubectl(f"get pods --no-headers -o {columns}").split() == ["Running", "1", "Running", "1"]
        assert "system:serviceaccount:default:default" in kubectl(f"auth whoami --token={token}")
    finally:
        life.kill()


def test_another_process_that_wants_the_file_is_told_that_it_is_in_use(
    life: Life, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    data = tmp_path / "cluster.db"
    code = main(["serve", "--port", "0", "--kubeconfig", str(tmp_path / "other"), "--data", str(data)])
    told = "is in use by another process; stop that one first, or name another file"
    assert (code, capsys.readouterr()) == (1, ("", f"k8snb: {data} {told}\n"))

"""An application in three tiers: PostgreSQL keeps tables on its volume, the API asks it, the web tier asks the API."""

from __future__ import annotations

import pytest

from k8snb.kubelet.images.filesystem import Mount, Volume
from k8snb.kubelet.sandboxes import Container
from k8snb.packet import HTTPRequest
from tests.kubelet.world import World, log

DATA = "/var/lib/postgresql/data"
OWNER = {"POSTGRES_USER": "notes", "POSTGRES_PASSWORD": "one"}


def database(world: World, volume: Volume, version: str = "17", **env: str) -> Container:
    return world.run(f"postgres:{version}", env={**OWNER, **env}, mounts=[Mount(DATA, volume)])


def tiers(world: World, password: str = "one") -> tuple[Container, Container]:
    """The database, which is called `db`, and the web tier before an API of the name `api`."""
    db = database(world, Volume())
    env = {"DB_HOST": "db", "DB_USER": "notes", "DB_PASSWORD": password}
    api = world.run("k8snb.dev/notes-api:1.0", env=env)
    web = world.run("k8snb.dev/notes-web:1.0", env={"API_URL": "http://api:8080", "TITLE": "Mine"})
    world.network.names |= {"db": db.sandbox.ip, "api": api.sandbox.ip, "web": web.sandbox.ip}
    return db, web


def ask(world: World, path: str, host: str = "web", body: str = "") -> str:
    method = "POST" if body else "GET"
    found = world.network.request(HTTPRequest(method, host, 8080, path, {}, body, source="10.244.9.9"))
    return f"{found.status} {found.body}"


def sql(world: World, db: Container, *words: str) -> str:
    found = world.exec(db, "psql", "-U", "notes", *words)
    return found.stdout + found.stderr


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        ("SELECT text, by FROM t", " text | by \n------+----\n it's | me\n b;c  | \n(2 rows)\n\n"),
        ("SELECT count(*) FROM t WHERE by = 'me'", " count \n-------\n 1\n(1 row)\n\n"),
        ("DELETE FROM t WHERE by = 'me'; SELECT * FROM t", "DELETE 1\n text | by \n------+----\n b;c  | \n(1 row)\n\n"),
        ("ALTER TABLE t ADD COLUMN at text; SELECT at FROM t", "ALTER TABLE\n at \n----\n \n \n(2 rows)\n\n"),
        ("DROP TABLE t; SELECT * FROM t", 'ERROR:  relation "t" does not exist\n'),
        ("INSERT INTO t (nothing) VALUES ('x')", 'ERROR:  column "nothing" of relation "t" does not exist\n'),
        ("CREATE TABLE t (x text)", 'ERROR:  relation "t" already exists\n'),
        ("SELEKT 1", 'ERROR:  syntax error at or near "SELEKT"\n'),
    ],
)
def test_a_statement_is_answered_as_psql_shows_it(statement: str, said: str) -> None:
    world = World()
    db = database(world, Volume())
    sql(world, db, "-c", "CREATE TABLE t (text text NOT NULL, by text); INSERT INTO t VALUES ('it''s', 'me')")
    sql(world, db, "-qc", "INSERT INTO t (text) VALUES ('b;c')")
    assert sql(world, db, "-c", statement) == said


def test_what_was_inserted_is_there_after_a_restart_and_the_old_password_still_counts() -> None:
    world, volume = World(), Volume()
    first = database(world, volume)
    sql(world, first, "-c", "CREATE TABLE t (x text); INSERT INTO t VALUES ('kept')")
    second = database(world, volume, POSTGRES_PASSWORD="two")
    shell = world.sh("sleep 9", "postgres:17")
    seen = [sql(world, second, "-tAc", "SELECT x FROM t")]
    for password in ("two", "one"):
        command = f"PGPASSWORD={password} psql -h {second.sandbox.ip} -U notes -tAc 'SELECT x FROM t'"
        seen.append(world.exec(shell, "sh", "-c", command).stdout)
    assert seen == ["kept\n", "", "kept\n"]
    assert log(second).splitlines()[-1].endswith('FATAL:  password authentication failed for user "notes"')


def test_a_dump_makes_the_tables_again() -> None:
    world = World()
    db = database(world, Volume())
    sql(world, db, "-c", "CREATE TABLE t (x text); INSERT INTO t VALUES ('it''s')")
    dump = world.exec(db, "pg_dump", "-U", "notes", "notes").stdout
    assert dump.endswith("CREATE TABLE t (x text);\nINSERT INTO t VALUES ('it''s');\n")
    other = database(world, Volume())
    assert world.exec(other, "psql", "-U", "notes", stdin=dump).stdout == "CREATE TABLE\nINSERT 0 1\n"


def test_data_belong_to_one_major_version() -> None:
    world, volume = World(), Volume()
    database(world, volume, "17.2")
    newer = database(world, volume, "18")
    assert (newer.exit_code, database(world, volume, "17.6").state) == (1, "running")
    assert "FATAL:  database files are incompatible with server" in log(newer)


def test_a_note_goes_through_all_tiers() -> None:
    world = World()
    db, _web = tiers(world)
    before = ask(world, "/")
    sql(world, db, "-c", "CREATE TABLE notes (text text)")
    assert before == '502 http://api:8080 answers 500: database db: ERROR:  relation "notes" does not exist\n'
    assert ask(world, "/notes", body="it's here") == "201 noted\n"
    assert ask(world, "/") == "200 Mine\n- it's here\n"


def test_an_api_is_alive_without_a_database_and_not_ready() -> None:
    world = World()
    db, web = tiers(world, password="two")
    refused = 'database db: FATAL:  password authentication failed for user "notes"\n'
    assert (ask(world, "/healthz", "api"), ask(world, "/ready", "api")) == ("200 ok\n", f"503 {refused}")
    world.runtime.stop_container(db, 0)
    world.pass_time(1)
    assert ask(world, "/ready", "api") == "503 database db:5432: connection refused\n"
    world.network.names.pop("api")
    assert ask(world, "/") == "502 no answer from http://api:8080: no such host\n"
    assert log(web).endswith("ERROR no answer from http://api:8080: no such host\n")


def test_a_tier_does_not_start_without_its_configuration() -> None:
    api = World().run("k8snb.dev/notes-api:1.0", env={"DB_HOST": "db"})
    assert (api.exit_code, log(api).partition(" cannot")[2]) == (1, " start: DB_USER, DB_PASSWORD not set\n")

"""The database: several processes, full disks, broken and newer files, a process that is killed."""

import asyncio
import os
import signal
import sqlite3
import stat
import subprocess
import sys
import threading
from contextlib import closing

import pytest

from pointsman.canon.errors import SetupError
from pointsman.store.database import MOST_WAITING, Database
from scripted import run

MIGRATIONS = (("CREATE TABLE notes (text TEXT)",),)


@pytest.fixture
def path(tmp_path):
    return tmp_path / "data" / "pointsman.db"


@pytest.fixture
def opened(path):
    """Makes databases over the same file; closes them all."""
    made = []

    def make(migrations=MIGRATIONS, **options):
        made.append(Database(path, migrations, **options))
        return made[-1]

    yield make
    for each in made:
        each.close()


def add(text):
    return lambda connection: connection.execute("INSERT INTO notes VALUES (?)", (text,))


def texts(connection):
    return [row[0] for row in connection.execute("SELECT text FROM notes ORDER BY rowid")]


def test_who_asks_finds_what_was_given_before(opened):
    database = opened()
    for number in range(50):
        database.give(add(f"note {number}"))

    assert run(database.ask(texts)) == [f"note {number}" for number in range(50)]


def test_work_that_fails_for_a_fault_of_ours_is_told_and_takes_no_other_along(opened, caplog):
    database, ended = opened(), []

    def broken(connection):
        connection.execute("INSERT INTO notes VALUES ('half')")
        raise ValueError("a fault of ours")

    database.give(add("before"))
    database.give(broken, ended=ended.append)
    with pytest.raises(SetupError, match="a fault of ours"):
        run(database.ask(broken))
    told = database.warnings()
    database.give(add("after"))

    assert run(database.ask(texts)) == ["before", "after"]
    assert (ended, database.dropped) == ([False], 1)
    assert "a fault of ours" in told[0]
    assert "a fault of ours" in caplog.text
    assert database.warnings() == ()


def test_a_file_that_is_removed_while_in_use_is_begun_anew_and_told(opened, path):
    database = opened()
    database.give(add("before"))
    run(database.ask(texts))
    for each in path.parent.iterdir():
        each.unlink()
    database.give(add("after"))

    assert run(database.ask(texts)) == ["after"]
    assert "was removed while in use" in database.warnings()[0]
    database.close()
    assert run(opened().ask(texts)) == ["after"]


def test_what_was_given_outlives_the_process_that_gave_it(opened):
    first = opened()
    first.give(add("a"))
    first.close()

    assert run(opened().ask(texts)) == ["a"]


def test_a_closed_database_opens_again_for_more_work(opened):
    database = opened()
    database.give(add("a"))
    database.close()
    database.give(add("b"))

    assert run(database.ask(texts)) == ["a", "b"]


@pytest.mark.skipif(os.name == "nt", reason="modes are POSIX's")
def test_the_files_are_their_owner_s_alone(opened, path):
    before = os.umask(0)
    try:
        database = opened()
        database.give(add("a"))
        run(database.ask(texts))
    finally:
        os.umask(before)

    modes = {each.name: stat.S_IMODE(each.stat().st_mode) for each in path.parent.iterdir()}
    assert modes == dict.fromkeys(["pointsman.db", "pointsman.db-wal", "pointsman.db-shm"], 0o600)
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_work_that_fails_leaves_nothing_behind(opened):
    database = opened()

    def half(connection):
        add("half")(connection)
        connection.execute("INSERT INTO nowhere VALUES (1)")

    database.give(half)

    assert run(database.ask(texts)) == []
    assert database.dropped == 1


def test_two_of_them_share_one_file(opened):
    first, second = opened(), opened()
    for number in range(100):
        (first, second)[number % 2].give(add(str(number)))

    async def both():
        return await first.ask(texts), await second.ask(texts), await first.ask(texts)

    *_, last = run(both())

    assert sorted(map(int, last)) == list(range(100))
    assert (first.dropped, second.dropped) == (0, 0)


def test_a_schema_grows_by_its_migrations_and_each_runs_once(opened):
    run(opened().ask(texts))
    grown = opened(
        (*MIGRATIONS, ("ALTER TABLE notes ADD COLUMN more TEXT", "INSERT INTO notes VALUES ('x', 'y')"))
    )

    assert run(grown.ask(lambda c: c.execute("SELECT * FROM notes").fetchall())) == [("x", "y")]
    grown.close()
    assert run(grown.ask(texts)) == ["x"]


def test_a_migration_that_fails_leaves_the_old_schema(opened):
    run(opened().ask(texts))
    broken = opened((*MIGRATIONS, ("CREATE TABLE more (a)", "CREATE TABLE more (a)")))

    with pytest.raises(SetupError, match="cannot be used"):
        run(broken.ask(texts))

    old = opened()
    tables = run(
        old.ask(lambda c: c.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall())
    )
    assert tables == [("notes",)]


def test_a_newer_file_is_left_alone_and_told(opened, path):
    newer = opened((*MIGRATIONS, ("CREATE TABLE future (a)",)))
    newer.give(add("from the future"))
    newer.close()
    before = path.read_bytes()
    old = opened()
    old.give(add("a"))

    with pytest.raises(SetupError, match="newer pointsman"):
        run(old.ask(texts))

    old.close()
    assert path.read_bytes() == before
    assert "newer pointsman" in old.trouble


@pytest.mark.parametrize("rubbish", [b"no database at all" * 100, b"SQLite format 3\0" + b"\xff" * 5000])
def test_a_broken_file_is_set_aside_and_begun_anew(opened, path, rubbish):
    path.parent.mkdir()
    path.write_bytes(rubbish)
    database = opened()
    database.give(add("a"))

    assert run(database.ask(texts)) == ["a"]
    assert database.set_aside.read_bytes() == rubbish
    assert database.trouble is None


def test_a_file_that_breaks_while_it_is_open_is_set_aside_too(opened, path):
    database = opened()
    for number in range(2000):
        database.give(add(f"{number}" * 50))
    database.close()
    size = path.stat().st_size
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (size - 4096))

    database.give(add("new"))

    async def settle():
        for _ in range(2):
            try:
                return await database.ask(texts)
            except SetupError:
                continue

    assert run(settle()) in (["new"], [])
    assert database.set_aside is not None


def test_a_full_disk_drops_what_does_not_fit_and_reads_go_on(opened):
    database = opened()
    database.give(add("small"))
    run(database.ask(lambda c: c.execute("PRAGMA max_page_count = 8").fetchall()))
    database.give(add("x" * 100_000))

    assert run(database.ask(texts)) == ["small"]
    assert database.dropped == 1


def test_a_full_disk_is_told_until_there_is_room(opened):
    database = opened()
    run(database.ask(lambda c: c.execute("PRAGMA max_page_count = 8").fetchall()))
    seen = []

    async def scenario():
        database.give(add("x" * 100_000))
        database.give(lambda _: seen.append(database.trouble))
        await database.ask(texts)
        return database.trouble

    assert run(scenario()) is None
    assert "full" in seen[0]


def test_a_file_that_another_process_holds_does_not_hold_up_whoever_gives(opened, path):
    run(opened().ask(texts))
    database = opened(busy=0.05)
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        database.give(add("lost"))
        database.close()
        assert "locked" in database.trouble
        other.execute("ROLLBACK")
    database.give(add("kept"))

    assert run(database.ask(texts)) == ["kept"]
    assert database.trouble is None


def test_what_waits_is_bounded(opened):
    database = opened()
    held = threading.Event()
    database.give(lambda _: held.wait(10))
    for _ in range(3):
        database.give(add("x"), MOST_WAITING // 2)
    held.set()

    assert len(run(database.ask(texts))) == 2
    assert database.dropped == 1


def test_an_answer_that_nobody_waits_for_any_longer_harms_nothing(opened):
    database = opened()
    held = threading.Event()

    async def scenario():
        database.give(lambda _: held.wait(10))
        waiting = asyncio.ensure_future(database.ask(texts))
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        held.set()
        return await database.ask(texts)

    assert run(scenario()) == []


def test_a_folder_that_cannot_be_made_is_told(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    database = Database(tmp_path / "file" / "pointsman.db", MIGRATIONS)

    with pytest.raises(SetupError, match="cannot make"):
        run(database.ask(texts))
    database.close()


WRITER = """
import sys
from pathlib import Path
from pointsman.store.database import Database

database = Database(Path(sys.argv[1]), (("CREATE TABLE notes (text TEXT)",),))
number = 0
while True:
    for _ in range(20):
        rows = [(f"{number} {part}" + "x" * 4000,) for part in ("a", "b")]
        database.give(lambda c, rows=rows: c.executemany("INSERT INTO notes VALUES (?)", rows))
        number += 1
    while database._waiting or not database._jobs.empty():
        pass
    print(number, flush=True)
"""


def test_a_process_killed_in_the_middle_of_a_write_leaves_whole_transactions(opened, path):
    writer = subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE)
    for _ in range(3):
        written = int(writer.stdout.readline())
    writer.send_signal(signal.SIGKILL)
    writer.wait()
    writer.stdout.close()

    database = opened()
    kept = run(database.ask(texts))

    assert run(database.ask(lambda c: c.execute("PRAGMA integrity_check").fetchall())) == [("ok",)]
    numbers = [text.split("x")[0] for text in kept]
    whole = len(numbers) // 2
    assert numbers == [f"{number} {part}" for number in range(whole) for part in "ab"]
    assert whole >= written - 20

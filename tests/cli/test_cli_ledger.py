"""`usage`, `requests`, `show`, `ledger`: what the ledger says on a terminal and to programs."""

import csv
import io
import json
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from contextlib import closing
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "ledger"))

from records import record

from pointsman.canon.loss import Loss
from pointsman.ledger.content import Content
from pointsman.ledger.contents import cut
from pointsman.ledger.contents import write as keep
from pointsman.ledger.schema import MIGRATIONS
from pointsman.ledger.writing import Run, write

RUN = Run("here", 0.0)
TOTAL = ["requests", "input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens"]
WITHIN = 20


@pytest.fixture
def ledger(home):
    """Writes records into the ledger of this home."""
    folder = home / "data"
    folder.mkdir(parents=True)

    def call(*records, contents=()):
        with closing(sqlite3.connect(folder / "ledger.db", isolation_level=None)) as connection:
            connection.execute("PRAGMA journal_mode = WAL")
            if not connection.execute("PRAGMA user_version").fetchone()[0]:
                for statement in (each for migration in MIGRATIONS for each in migration):
                    connection.execute(statement)
                connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")
            write(connection, list(records), RUN, 0)
            for each in contents:
                keep(connection, each)

    return call


def test_usage_is_a_table_with_bars_and_a_total(cli, ledger):
    ledger(record(model="m-1"), record(model="m-1"), record(model="m-2", cost=None))

    told = cli("usage")

    lines = told.out.splitlines()
    assert told.status == 0
    assert [line.split()[0] for line in lines] == ["MODEL", "m-1", "m-2", "total"]
    assert lines[1].split()[1:8] == ["2", "20", "40", "14", "100", "12", "$0.50"]
    assert lines[1].endswith("█" * 20)
    assert lines[2].split()[7] == "?"
    assert "1 request is not known" in told.err
    assert "pointsman doctor --usage" in told.err


def test_usage_for_machines_has_the_fields_that_are_promised_and_no_others(cli, ledger):
    ledger(record(), record(account="two"))

    told = cli("usage", "--by", "account", "--json")

    facts = json.loads(told.out)
    assert list(facts) == ["total", "rows"]
    assert list(facts["total"]) == [*TOTAL, "reasoning_tokens", "cost"]
    assert facts["total"] == {
        "requests": 2,
        "input_tokens": 20,
        "cache_read_tokens": 40,
        "cache_write_tokens": 14,
        "output_tokens": 100,
        "reasoning_tokens": 12,
        "cost": 0.5,
    }
    assert {row["account"] for row in facts["rows"]} == {"work/default", "work/two"}
    assert told.err == ""


def test_usage_since_leaves_out_what_was_before(cli, ledger):
    now = time.time()
    ledger(record(started=now - 90_000), record(started=now - 60))

    assert json.loads(cli("usage", "--since", "1h", "--json").out)["total"]["requests"] == 1
    assert json.loads(cli("usage", "--since", "2020-01-01", "--json").out)["total"]["requests"] == 2
    wrong = cli("usage", "--since", "soon")
    assert (wrong.status, "such as 7d" in wrong.err) == (2, True)


def test_what_a_plan_covers_is_told_as_such(cli, ledger):
    ledger(record(bucket="subscription"), record())

    assert "of it a plan covers $0.25" in cli("usage").err


def test_without_a_ledger_all_say_so_and_none_fails(cli):
    told = [cli("usage"), cli("requests"), cli("ledger", "export"), cli("ledger", "vacuum")]

    assert [each.status for each in told] == [0, 0, 0, 0]
    assert "nothing has been recorded yet" in told[0].err
    assert json.loads(cli("usage", "--json").out)["total"]["requests"] == 0
    missing = cli("show", "abc")
    assert (missing.status, "no request abc is recorded" in missing.err) == (1, True)


def test_requests_are_listed_the_last_at_the_bottom(cli, ledger):
    ledger(
        record(request_id="aaaa1111", model="m-1"),
        record(request_id="bbbb2222", status=401, reject="authorization", error="invalid_api_key"),
        record(request_id="cccc3333", asked="m\x1b[31m\n", error="overloaded", status=529),
    )

    lines = cli("requests", "-n", "2").out.splitlines()

    assert [line.split()[2] for line in lines] == ["bbbb2222", "cccc3333"]
    assert "looked at: authorization" in lines[0]
    assert "error overloaded" in lines[1]
    assert "\x1b" not in lines[1]


def test_requests_for_machines_are_one_object_a_line(cli, ledger):
    ledger(record(request_id="aaaa"), record(request_id="bbbb"))

    told = [json.loads(line) for line in cli("requests", "--json").out.splitlines()]

    assert [each["request_id"] for each in told] == ["aaaa", "bbbb"]
    assert told[0]["cost"] == 0.25


@pytest.mark.parametrize("end", [signal.SIGINT, None], ids=["Ctrl-C", "the reader leaves"])
def test_following_shows_what_comes_and_ends_when_it_is_told(ledger, end):
    ledger(record(request_id="before"))
    command = [sys.executable, "-m", "pointsman", "requests", "--follow", "--json"]
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.default_int_handler)}
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, **heard)
    first = process.stdout.readline()
    ledger(record(request_id="after"))
    second = process.stdout.readline()

    if end is None:
        process.stdout.close()
        stop = time.monotonic() + WITHIN
        while process.poll() is None and time.monotonic() < stop:
            ledger(record())
            threading.Event().wait(0.2)
    else:
        process.send_signal(end)
    process.wait(WITHIN)
    err = process.stderr.read()
    process.stderr.close()
    process.stdout.close()

    assert b'"before"' in first
    assert b'"after"' in second
    assert process.returncode == (0 if end is None else 130)
    assert b"Traceback" not in err


def test_show_tells_everything_of_one_request_by_the_beginning_of_its_id(cli, ledger):
    losses = [Loss("dropped", "top_k", "the target has no such setting")]
    ledger(record(request_id="abcd1111", losses=losses), record(request_id="abce2222"))

    told = cli("show", "abcd")
    several = cli("show", "abc")

    assert "abcd1111" in told.out
    assert "dropped top_k: the target has no such setting" in told.out
    assert "10 input, 20 cache_read" in told.out
    assert "api, $0.25" in told.out
    assert json.loads(cli("show", "abcd", "--json").out)["request_id"] == "abcd1111"
    assert (several.status, "several requests begin with" in several.err) == (1, True)


def test_show_gives_the_content_where_it_was_kept(cli, ledger):
    content = Content(b'{"model":"m","messages":[{"role":"user","content":"Hello"}]}')
    content.note(b'{"answer":1}')
    kept = cut("abcd1111", 1.0, content, bytes)
    ledger(record(request_id="abcd1111"), record(request_id="beef2222"), contents=[kept])

    told = cli("show", "abcd", "--content", "--json")
    none = cli("show", "beef", "--content")

    assert json.loads(told.out)["content"] == {
        "request": {"model": "m", "messages": [{"role": "user", "content": "Hello"}]},
        "answer": '{"answer":1}',
    }
    assert (none.status, "--record-content" in none.err) == (1, True)


def test_the_export_holds_every_record(cli, ledger):
    ledger(*[record(request_id=f"r{number}", started=1e9 + number, asked="=1+1") for number in range(50)])

    lines = [json.loads(line) for line in cli("ledger", "export").out.splitlines()]
    table = list(csv.DictReader(io.StringIO(cli("ledger", "export", "--format", "csv").out)))

    assert [each["request_id"] for each in lines] == [f"r{number}" for number in range(50)]
    assert [each["request_id"] for each in table] == [f"r{number}" for number in range(50)]
    assert table[0]["asked"] == "'=1+1"


def test_vacuum_gives_room_back(cli, ledger, home):
    ledger(*[record(request_id=f"{number:024x}") for number in range(5000)])
    file = home / "data" / "ledger.db"
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("DELETE FROM exchanges")
        connection.commit()

    facts = json.loads(cli("ledger", "vacuum", "--json").out)

    assert facts["path"] == str(file)
    assert facts["after"] < facts["before"] / 10
    assert cli("ledger", "path").out == f"{file}\n"

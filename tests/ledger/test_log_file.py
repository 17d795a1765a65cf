"""The log file: its keys, its mode, and what becomes of it while others move it about."""

import json
import os

import pytest
from records import record

from pointsman.canon.loss import Loss
from pointsman.ledger.log_file import LogFile

KEYS = [
    "ts",
    "req",
    "method",
    "path",
    "model",
    "answered_by",
    "status",
    "latency_ms",
    "ttfb_ms",
    "in_tokens",
    "out_tokens",
    "cache_read",
    "cache_write",
    "claim",
    "bucket",
    "backend",
    "account",
    "client",
    "stream",
    "mode",
    "losses",
    "reject",
    "error",
]


@pytest.fixture
def log(tmp_path):
    file = LogFile(tmp_path / "log.jsonl")
    yield file
    file.close()


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()]


def test_a_line_has_exactly_the_keys_that_are_promised_in_their_order(log):
    loss = Loss("dropped", "top_k", "there is none")
    log([record(claim="five_hour", bucket="subscription", stream=True, losses=[loss])])

    (line,) = lines(log.path)

    assert list(line) == KEYS
    assert line == {
        "ts": "2026-09-21T14:13:20.250Z",
        "req": "r1",
        "method": "POST",
        "path": "/v1/messages",
        "model": "sonnet",
        "answered_by": "m-1",
        "status": 200,
        "latency_ms": 1500.0,
        "ttfb_ms": 250.0,
        "in_tokens": 10,
        "out_tokens": 56,
        "cache_read": 20,
        "cache_write": 7,
        "claim": "five_hour",
        "bucket": "subscription",
        "backend": "work",
        "account": "default",
        "client": "claude-code",
        "stream": True,
        "mode": "translate",
        "losses": ["dropped top_k: there is none"],
        "reject": None,
        "error": None,
    }


def test_what_was_not_reported_is_null_and_no_zero(log):
    log([record(usage=None, first_byte=None, duration=None, status=None)])

    (line,) = lines(log.path)

    counted = ("latency_ms", "ttfb_ms", "in_tokens", "out_tokens", "cache_read", "cache_write", "status")
    assert [line[name] for name in counted] == [None] * 7
    assert list(line) == KEYS


def test_a_name_that_holds_line_ends_stays_in_its_line(log):
    log([record(asked='m\n{"req":"forged"}\r\u2028', path="/v1/\nmessages")])

    assert len(log.path.read_bytes().splitlines()) == 1
    assert lines(log.path)[0]["model"] == 'm\n{"req":"forged"}\r\u2028'


def test_only_its_owner_may_read_it(log):
    log([record()])

    assert log.path.stat().st_mode & 0o777 == 0o600


def test_lines_go_behind_those_that_are_there(log):
    log.path.write_text('{"req":"r0"}\n')

    log([record()])

    assert [line["req"] for line in lines(log.path)] == ["r0", "r1"]


@pytest.mark.parametrize("how", ["moved", "removed", "replaced"])
def test_a_file_that_was_rotated_is_begun_anew(log, how):
    log([record(asked="before")])
    old = log.path.with_suffix(".1")
    if how == "removed":
        log.path.unlink()
    else:
        log.path.rename(old)
    if how == "replaced":
        log.path.touch(mode=0o640)

    log([record(asked="after")])

    assert [line["model"] for line in lines(log.path)] == ["after"]
    if how != "removed":
        assert [line["model"] for line in lines(old)] == ["before"]
    assert log.path.stat().st_mode & 0o777 == (0o640 if how == "replaced" else 0o600)


def test_opening_it_anew_makes_the_file_at_once(log):
    log([record()])
    log.path.unlink()

    log.reopen()

    assert log.path.read_bytes() == b""


def test_a_folder_that_is_missing_is_told_once_and_written_to_once_it_is_there(tmp_path, caplog):
    log = LogFile(tmp_path / "gone" / "log.jsonl")

    log([record()])
    log([record(), record()])
    told = log.warnings()
    log.path.parent.mkdir()
    log([record(asked="now")])

    assert len(caplog.records) == 1
    assert "log.jsonl cannot be written: No such file or directory" in told[0]
    assert log.lost == 3
    assert [line["model"] for line in lines(log.path)] == ["now"]
    assert log.warnings() == ()
    log.close()


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="this system has no disk that is always full")
def test_a_full_disk_is_told_once(caplog):
    from pathlib import Path

    log = LogFile(Path("/dev/full"))

    log([record()])
    log([record()])

    assert [each.message for each in caplog.records] == [*log.warnings()]
    assert "No space left" in log.warnings()[0]
    log.close()


def test_a_disk_that_fills_up_leaves_no_half_line(tmp_path):
    """A limit on the size of files is as a disk that is full in the middle of a line."""
    import resource
    import signal

    log = LogFile(tmp_path / "log.jsonl")
    log([record()])
    size = log.path.stat().st_size
    before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN), resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + 100, before[1][1]))
    try:
        log([record(asked="lost")])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before[1])
        signal.signal(signal.SIGXFSZ, before[0])
    log([record(asked="kept")])

    assert [line["model"] for line in lines(log.path)] == ["sonnet", "kept"]
    assert log.lost == 1
    log.close()


def test_a_pipe_that_nobody_reads_keeps_nobody_waiting(tmp_path):
    path = tmp_path / "pipe"
    os.mkfifo(path)
    log = LogFile(path)

    log([record()])

    assert "cannot be written" in log.warnings()[0]

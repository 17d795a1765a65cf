"""A running endpoint killed under load: the ledger opens, and it is known how many records are missing."""

import json
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from pointsman.ledger.counter import read
from scripted import Upstream, in_thread, json_reply

KILLS = 50
SENDERS = 4
WITHIN = 60.0
LATEST = 1.0
"""Seconds before a kill whose records may be missing."""
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}
BODY = json.dumps({"model": "desk:m", "messages": [{"role": "user", "content": "Hello"}]})
TABLE = '[backends.desk]\nprovider = "openai-compatible"\nbase_url = "{}/v1"\nmodels = ["m"]\n'
COMMAND = (sys.executable, "-m", "pointsman", "serve", "--port", "0", "--no-discover")


class Endpoint:
    """`pointsman serve`, and whoever asks it as fast as it answers."""

    def __init__(self, home: Path):
        port_file = home / "port"
        port_file.unlink(missing_ok=True)
        self._log = (home / "log").open("wb")
        self._process = subprocess.Popen(
            [*COMMAND, "--port-file", str(port_file)], stdout=self._log, stderr=self._log
        )
        self.ended: list[float] = []
        """When each whole answer had come, in monotonic seconds."""
        self._port = self._wait(port_file)
        self._senders = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        for each in self._senders:
            each.start()

    def _wait(self, port_file: Path) -> int:
        limit, pause = time.monotonic() + WITHIN, threading.Event()
        while not (port_file.exists() and (told := port_file.read_text()).endswith("\n")):
            assert self._process.poll() is None, "it ended by itself"
            assert time.monotonic() < limit, "it does not listen"
            pause.wait(0.01)
        return int(told)

    def _send(self) -> None:
        connection = HTTPConnection("127.0.0.1", self._port, timeout=WITHIN)
        try:
            while True:
                connection.request("POST", "/v1/chat/completions", BODY, {"content-type": "application/json"})
                answer = connection.getresponse()
                if answer.status == 200 and answer.read():
                    self.ended.append(time.monotonic())
        except (OSError, HTTPException):
            connection.close()

    def kill(self, after: float) -> int:
        """How many answers were whole long enough before the kill."""
        threading.Event().wait(after)
        killed = time.monotonic()
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        self._log.close()
        for each in self._senders:
            each.join()
        return sum(when < killed - LATEST for when in self.ended)

    def stop(self) -> None:
        """An orderly end."""
        self._process.send_signal(signal.SIGTERM)
        assert self._process.wait(WITHIN) == 0
        self._log.close()
        for each in self._senders:
            each.join()


def ask(home, query, *values):
    connection = sqlite3.connect(home / "data" / "ledger.db")
    try:
        return connection.execute(query, values).fetchall()
    finally:
        connection.close()


def left(home):
    """The count that a killed run left behind: the run, and what it had begun."""
    (path,) = (home / "run").glob("ledger-*.count")
    assert path.stat().st_mode & 0o777 == 0o600
    return path.stem.rpartition("-")[2], read(path)


def test_fifty_kills_under_load_lose_the_last_second_at_most_and_it_is_known_how_much(home):
    chance, lost, earlier = random.Random(26), {}, 0
    home.mkdir()
    with in_thread(Upstream(always=json_reply(ANSWER))) as upstream:
        (home / "config.toml").write_text(TABLE.format(upstream.url))
        for _ in range(KILLS):
            endpoint = Endpoint(home)
            surely = endpoint.kill(chance.uniform(0.2, 1.8))
            run, (begun, told) = left(home)

            assert ask(home, "PRAGMA integrity_check") == [("ok",)]
            rows = ask(home, "SELECT COUNT(*) FROM exchanges")[0][0] - earlier
            counted = ask(home, "SELECT written FROM runs WHERE run = ?", run)
            assert [(rows,)] == (counted or [(0,)])
            assert told <= rows <= begun
            assert rows >= surely
            assert ask(home, "SELECT COALESCE(SUM(requests), 0) FROM hours") == [(rows + earlier,)]
            earlier += rows
            lost[run] = begun - rows

        Endpoint(home).stop()

    assert dict(ask(home, "SELECT run, lost FROM runs WHERE lost > 0")) == {
        run: count for run, count in lost.items() if count
    }
    assert list((home / "run").glob("ledger-*")) == []
    assert sum(lost.values()) > 0

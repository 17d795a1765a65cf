"""A running endpoint killed under load: the ledger opens, and it is known how many records are missing."""

import json
import os
import random
import signal
import sqlite3
import subprocess
import sys
import threading
import time
from http.client import HTTPConnection, HTTPException

import pytest

from scripted import Upstream, in_thread, json_reply

KILLS = 50
SENDERS = 4
WITHIN = 30.0
ANSWER = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1700000000,
    "model": "m",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "x"}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13},
}
BODY = json.dumps({"model": "desk:m", "messages": [{"role": "user", "content": "Hello"}]})


class Endpoint:
    """`pointsman serve`, and who asks it as fast as it answers."""

    def __init__(self, home):
        self._file = home / "port"
        self.answered = 0
        """Whole answers that somebody got."""
        self.ended = []
        """When they did, in monotonic seconds."""
        command = [sys.executable, "-m", "pointsman", "serve", "--port", "0", "--port-file", str(self._file)]
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        self.pid = self._process.pid
        self._senders = [threading.Thread(target=self._send) for _ in range(SENDERS)]
        self._lock = threading.Lock()

    def begin(self):
        limit = time.monotonic() + WITHIN
        while not self._file.exists() or not self._file.read_text().strip():
            assert self._process.poll() is None, "it ended by itself"
            assert time.monotonic() < limit, "it does not listen"
            select_nothing(0.01)
        self._port = int(self._file.read_text())
        for each in self._senders:
            each.start()

    def _send(self):
        connection = HTTPConnection("127.0.0.1", self._port, timeout=5)
        headers = {"content-type": "application/json"}
        try:
            while True:
                connection.request("POST", "/v1/chat/completions", BODY, headers)
                answer = connection.getresponse()
                answer.read()
                assert answer.status == 200
                with self._lock:
                    self.answered += 1
                    self.ended.append(time.monotonic())
        except (OSError, HTTPException):
            connection.close()

    def kill(self):
        """What was known a second before."""
        self._process.send_signal(signal.SIGKILL)
        killed = time.monotonic()
        self._process.wait()
        for each in self._senders:
            each.join()
        return sum(when < killed - 1.0 for when in self.ended)

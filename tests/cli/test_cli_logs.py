"""What a running `serve` tells of each request: on standard error, in its log file, and what SIGHUP means."""

import json
import os
import pty
import signal
import subprocess
import sys
import termios
import threading
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from scripted import sse

CHAT = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m1"}
WITHIN = 20
"""Seconds for anything here."""
HEARD = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)}
"""Whoever runs the tests may have been started by `nohup`."""
KEY = "canary-of-the-account-1234"


def chunk(text, finish=None):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return json.dumps({**CHAT, "choices": [choice]}).encode()


def hello(text="Hello"):
    return sse(chunk(text), chunk("", "stop"), b"[DONE]")


class Served:
    """A `serve` of its own session, and its port."""

    def __init__(self, folder, arguments, **more):
        file = folder / f"port-{len(list(folder.iterdir()))}"
        command = ["serve", "--port", "0", "--port-file", str(file), "--no-discover", *arguments]
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        started = {"start_new_session": True, **HEARD, **streams, **more}
        self.process = subprocess.Popen([sys.executable, "-m", "pointsman", *command], **started)
        until(lambda: file.exists() or self.process.poll() is not None)
        self.port = int(file.read_text())

    def ask(self, model="m1", path="/v1/chat/completions", key=None):
        body = {"model": model, "stream": True, "messages": [{"role": "user", "content": f"Is {KEY} yours?"}]}
        headers = {"content-type": "application/json", "user-agent": "a-test"}
        if key is not None:
            headers["authorization"] = f"Bearer {key}"
        request = Request(f"http://127.0.0.1:{self.port}{path}", json.dumps(body).encode(), headers)
        try:
            with urlopen(request, timeout=WITHIN) as answer:
                return answer.status, answer.read()
        except HTTPError as error:
            return error.code, error.read()

    def end(self):
        """What it wrote on its streams."""
        self.process.send_signal(signal.SIGTERM)
        out, err = self.process.communicate(timeout=WITHIN)
        return out.decode(), err.decode()

    def is_over(self):
        return self.process.poll() is not None


@pytest.fixture
def serve(config, threaded_upstream, tmp_path):
    config(
        'version = 1\n[backends.desk]\nprovider = "openai-compatible"\nmodels = ["m1"]\n'
        f'key_env = "DESK_KEY"\nbase_url = "{threaded_upstream.url}/v1"\n'
    )
    begun = []

    def call(*arguments, **more):
        given = {**os.environ, "DESK_KEY": KEY, **more.pop("environment", {})}
        begun.append(Served(tmp_path, arguments, env=given, **more))
        return begun[-1]

    yield call
    for each in begun:
        each.process.kill()
        each.process.wait()
        for stream in (each.process.stdout, each.process.stderr):
            if stream is not None:
                stream.close()


def until(condition):
    end = time.monotonic() + WITHIN
    while not condition():
        assert time.monotonic() < end
        threading.Event().wait(0.02)


def lines(path):
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def models(path):
    return [line["model"] for line in lines(path)]


def test_v_tells_each_request_on_standard_error_and_nothing_of_its_content(serve, threaded_upstream):
    threaded_upstream.then(hello())
    served = serve("-v")
    served.ask()
    served.ask("nothing")

    _, err = served.end()

    first, second = err.splitlines()
    assert " 200 POST /v1/chat/completions m1, account desk/default, api, " in first
    assert " 404 POST /v1/chat/completions nothing, error " in second
    assert "Hello" not in err
    assert "\x1b" not in err


def test_without_v_standard_error_stays_empty(serve, threaded_upstream):
    threaded_upstream.then(hello())
    served = serve()
    served.ask()

    assert served.end()[1] == ""


def test_a_request_that_was_not_let_in_is_told_by_its_header_and_never_by_its_value(serve):
    served = serve("-vv", environment={"POINTSMAN_API_KEY": "canary-of-the-endpoint"})
    served.ask(key="canary-that-is-wrong")

    _, err = served.end()

    assert "401 POST /v1/chat/completions, rejected, looked at: authorization" in err
    assert "canary" not in err


def test_vv_shows_both_bodies_without_any_credential(serve, threaded_upstream):
    threaded_upstream.then(hello(f"{KEY} and sk-ant-canary-0123456789 and canary-of-the-endpoint"))
    served = serve("-vv", environment={"POINTSMAN_API_KEY": "canary-of-the-endpoint"})
    _, answer = served.ask(key="canary-of-the-endpoint")

    _, err = served.end()

    assert b"canary" in answer
    assert "Is … yours?" in err
    assert '"content":"… and … and …"' in err.replace('": "', '":"')
    assert "canary" not in err


def test_vv_shows_eight_kilobytes_of_a_body_at_most(serve, threaded_upstream):
    threaded_upstream.then(hello("x" * 100_000 + KEY))
    served = serve("-vv")
    served.ask()

    _, err = served.end()

    assert 7_000 < err.count("x") < 8_400
    assert "answer, 100,3" in err


def test_each_request_is_a_line_of_the_log_file_which_is_its_owners_alone(serve, threaded_upstream, tmp_path):
    threaded_upstream.then(hello())
    path = tmp_path / "log.jsonl"
    served = serve("--log-file", str(path))

    served.ask()
    until(lambda: lines(path))

    (line,) = lines(path)
    assert (line["model"], line["status"], line["backend"], line["mode"]) == ("m1", 200, "desk", "relay")
    assert path.stat().st_mode & 0o777 == 0o600
    assert "canary" not in path.read_text()


def test_a_log_file_that_was_moved_is_begun_anew_without_a_signal(serve, tmp_path):
    path, old = tmp_path / "log.jsonl", tmp_path / "log.jsonl.1"
    served = serve("--log-file", str(path))
    served.ask("one")
    until(lambda: models(path) == ["one"])

    path.rename(old)
    served.ask("two")

    until(lambda: models(path) == ["two"])
    assert models(old) == ["one"]


def test_sighup_opens_the_log_file_anew_and_the_endpoint_goes_on(serve, tmp_path):
    path, old = tmp_path / "log.jsonl", tmp_path / "log.jsonl.1"
    served = serve("--log-file", str(path))
    served.ask("one")
    until(lambda: models(path) == ["one"])
    path.rename(old)

    served.process.send_signal(signal.SIGHUP)
    until(path.exists)
    served.ask("two")

    until(lambda: models(path) == ["two"])
    assert models(old) == ["one"]
    assert not served.is_over()


def test_a_log_file_in_no_folder_is_told_once_and_requests_are_answered(serve, threaded_upstream, tmp_path):
    threaded_upstream.then(hello(), hello())
    served = serve("--log-file", str(tmp_path / "none" / "log.jsonl"))

    statuses = [served.ask()[0], served.ask()[0]]
    with urlopen(f"http://127.0.0.1:{served.port}/status", timeout=WITHIN) as answer:
        warnings = json.loads(answer.read())["warnings"]
    _, err = served.end()

    assert statuses == [200, 200]
    assert err.count("cannot be written: No such file or directory") == 1
    assert any("log.jsonl cannot be written" in each for each in warnings)


def test_a_terminal_that_was_stopped_keeps_nothing_else_waiting(serve, threaded_upstream, tmp_path):
    """Nobody reads standard error, which is full after some requests."""
    threaded_upstream.always = hello("x" * 20_000)
    path = tmp_path / "log.jsonl"
    served = serve("-vv", "--log-file", str(path))

    statuses = [served.ask()[0] for _ in range(30)]

    until(lambda: len(lines(path)) == 30)
    assert statuses == [200] * 30
    served.process.send_signal(signal.SIGTERM)
    until(served.is_over)
    assert served.process.returncode == 0


def test_sighup_does_not_end_an_endpoint_without_a_terminal(serve):
    served = serve()

    served.process.send_signal(signal.SIGHUP)

    assert served.ask("nothing")[0] == 404
    assert not served.is_over()


def on_terminal():
    """Makes the terminal that is standard input the new session's own."""
    import fcntl

    signal.signal(signal.SIGHUP, signal.SIG_DFL)
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


@pytest.fixture
def terminal():
    master, slave = pty.openpty()
    ends = {"master": master, "slave": slave}
    yield ends
    for each in ends.values():
        os.close(each)


@pytest.mark.parametrize("plain", [{}, {"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=["", "NO_COLOR", "dumb"])
def test_a_terminal_shows_colours_unless_they_are_not_wanted(serve, terminal, plain):
    served = serve("-v", stderr=terminal["slave"], environment={"TERM": "xterm", **plain})
    served.ask("nothing")

    shown = b""
    while b"\n" not in shown:
        shown += os.read(terminal["master"], 4096)

    assert b"404" in shown
    assert (b"\x1b" in shown) is (not plain)


@pytest.mark.parametrize("logs", [False, True])
def test_an_endpoint_ends_when_its_terminal_is_closed(serve, terminal, tmp_path, logs):
    more = ("--log-file", str(tmp_path / "log.jsonl")) if logs else ()
    served = serve(*more, stdin=terminal["slave"], preexec_fn=on_terminal)

    os.close(terminal.pop("slave"))
    os.close(terminal.pop("master"))

    until(served.is_over)
    assert served.process.returncode == 0


@pytest.mark.parametrize("logs", [False, True])
def test_sighup_on_a_terminal_ends_an_endpoint_without_a_log_file_only(serve, terminal, tmp_path, logs):
    path = tmp_path / "log.jsonl"
    more = ("--log-file", str(path)) if logs else ()
    served = serve(*more, stdin=terminal["slave"], preexec_fn=on_terminal)
    path.unlink(missing_ok=True)

    served.process.send_signal(signal.SIGHUP)

    until(path.exists if logs else served.is_over)
    assert served.is_over() is not logs

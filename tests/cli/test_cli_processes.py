"""Real processes: `serve`, other commands that find it, Ctrl-C, and pipes that close."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest

from scripted import HANG, Reply, json_reply, sse

CHAT = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m1"}
WITHIN = 20
"""Seconds for anything here."""


def chunk(text, finish=None):
    choice = {"index": 0, "delta": {"content": text}, "finish_reason": finish}
    return json.dumps({**CHAT, "choices": [choice]}).encode()


HELLO = sse(chunk("Hello"), chunk("", "stop"), b"[DONE]")


@pytest.fixture
def desk(config, threaded_upstream):
    config(
        'version = 1\n[backends.desk]\nprovider = "openai-compatible"\nmodels = ["m1"]\n'
        f'base_url = "{threaded_upstream.url}/v1"\n'
    )
    return threaded_upstream


@pytest.fixture
def start():
    """Starts a command line as a process of its own; what still runs at the end is ended."""
    begun = []

    def call(*arguments, **more):
        streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        process = subprocess.Popen([sys.executable, "-m", "pointsman", *arguments], **{**streams, **more})
        begun.append(process)
        return process

    yield call
    for process in begun:
        process.kill()
        process.communicate()


@pytest.fixture
def served(start, desk, tmp_path):
    """A running `serve`, and its port."""
    file = tmp_path / "port"
    # Whoever runs the tests may have been started by `nohup`.
    heard = {"preexec_fn": lambda: signal.signal(signal.SIGHUP, signal.SIG_DFL)}
    process = start("serve", "--port", "0", "--port-file", str(file), "--no-discover", **heard)
    return process, int(appeared(file, process))


def appeared(file, process):
    deadline = time.monotonic() + WITHIN
    while not file.exists():
        assert process.poll() is None, process.stderr.read()
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)
    return file.read_text()


def test_commands_find_the_endpoint_that_runs(cli, served, desk, monkeypatch):
    monkeypatch.setenv("POINTSMAN_DISCOVER", "false")
    desk.then(HELLO)
    process, port = served

    asked = cli("ask", "Hi")
    status = cli("status")
    facts = json.loads(cli("status", "--json").out)
    listed = json.loads(cli("models", "--json").out)

    assert asked.out == "Hello\n"
    assert f"runs at http://localhost:{port}" in status.out
    assert f"export OPENAI_BASE_URL=http://localhost:{port}/v1" in status.out
    assert (facts["running"], facts["pid"], facts["traffic"]["requests"]) == (True, process.pid, 1)
    assert listed["running"] is True
    assert "no endpoint" not in cli("explain", "m1").err


def test_status_knows_of_an_endpoint_whose_key_it_lacks(cli, start, desk, tmp_path, monkeypatch):
    file = tmp_path / "port"
    monkeypatch.setenv("POINTSMAN_API_KEY", "canary-endpoint-key")
    process = start("serve", "--port", "0", "--port-file", str(file), "--no-discover")
    appeared(file, process)
    with_key = cli("status")
    monkeypatch.delenv("POINTSMAN_API_KEY")

    without = cli("status")

    assert "ANTHROPIC_API_KEY=$POINTSMAN_API_KEY" in with_key.out
    assert without.status == 0
    assert "runs at" in without.out
    assert "POINTSMAN_API_KEY" in without.out
    assert "canary" not in with_key.out + without.out


def test_a_backend_that_is_added_is_there_at_once(cli, served):
    added = cli("backend", "add", "more", "--provider", "ollama", "--model", "m9")

    found = json.loads(cli("explain", "m9", "--json").out)

    assert "has taken it in" in added.out
    assert found["backend"] == "more"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (json_reply({"ok": True}), "does not list its models as expected"),
        (Reply(200, (("content-type", "text/html"),), b"<html></html>"), "does not list its models as"),
        (json_reply({}, 404), "name its models in the backend's `models`"),
        (None, "nothing listens there"),
    ],
    ids=["no list", "a page", "404", "dead"],
)
def test_status_says_what_is_wrong_with_a_backend_that_lists_no_models(
    cli, served, config, threaded_upstream, reply, words
):
    threaded_upstream.always = reply
    port = 9 if reply is None else threaded_upstream.port
    config(f'[backends.odd]\nprovider = "openai-compatible"\nbase_url = "http://127.0.0.1:{port}/v1"\n')

    end = time.monotonic() + WITHIN
    while words not in (told := cli("status").out) and time.monotonic() < end:
        pass

    assert words in told
    assert f"127.0.0.1:{port}" in told


def test_a_broken_edit_is_shown_by_status_while_the_endpoint_goes_on(cli, served, config):
    config("prot = 1\n")

    result = cli("status")

    assert result.status == 2
    assert "runs at" in result.out
    assert result.out.count("the nearest one is `port`") == 1


def test_a_second_one_at_the_same_port_says_whose_it_is(cli, served):
    process, port = served

    result = cli("serve", "--port", str(port), "--no-discover")

    assert result.status == 3
    assert f"runs on port {port} already, as process {process.pid}: `pointsman status`" in result.err


def test_one_at_the_same_port_that_status_does_not_know_is_told_apart(cli, served, tmp_path, monkeypatch):
    _, port = served
    monkeypatch.setenv("POINTSMAN_HOME", str(tmp_path / "other"))

    result = cli("serve", "--port", str(port), "--no-discover")

    assert result.status == 3
    assert f"runs on port {port} already, with a POINTSMAN_HOME or a user of its own" in result.err


def test_an_old_port_file_is_gone_before_the_port_is_tried(cli, served, tmp_path):
    _, port = served
    old = tmp_path / "old"
    old.write_text("1\n")

    result = cli("serve", "--port", str(port), "--port-file", str(old), "--no-discover")

    assert result.status == 3
    assert not old.exists()


def test_nothing_is_fetched_for_an_endpoint_whose_port_is_taken(cli, served, monkeypatch):
    _, port = served
    monkeypatch.setattr("pointsman.cli.embedded.provide", lambda *_: pytest.fail("fetched"))

    assert cli("serve", "--port", str(port), "--no-discover").status == 3


def test_serving_brings_an_older_file_up_to_date_and_says_so(start, config, home, tmp_path):
    text = '# mine\n[aliases]\nfast = "local"\n'
    config(text)
    file = tmp_path / "port"
    process = start("serve", "--port", "0", "--port-file", str(file), "--no-discover")
    appeared(file, process)

    process.send_signal(signal.SIGTERM)
    out, _ = process.communicate(timeout=WITHIN)

    assert config().startswith("# mine\nversion = 1\n")
    assert (home / "config.toml.v0").read_text() == text
    assert b"config.toml.v0" in out


def test_a_second_endpoint_leaves_the_first_announced(cli, start, served, tmp_path, home):
    process, port = served
    file = tmp_path / "second"
    second = start("serve", "--port", "0", "--port-file", str(file), "--no-discover")
    second_port = int(appeared(file, second))
    both = cli("status")
    second.send_signal(signal.SIGTERM)
    second.communicate(timeout=WITHIN)

    after = cli("status")

    for status in (both, after):
        assert f"runs at http://localhost:{port} (process {process.pid}" in status.out
    assert f"http://localhost:{second_port}" in both.out
    assert f"http://localhost:{second_port}" not in after.out
    assert [path.name for path in (home / "run").glob("endpoint*.json")] == ["endpoint.json"]


def test_a_second_endpoint_is_found_when_the_first_has_ended(cli, start, served, tmp_path):
    process, _ = served
    file = tmp_path / "second"
    second = start("serve", "--port", "0", "--port-file", str(file), "--no-discover")
    port = appeared(file, second).strip()

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=WITHIN)

    assert f"runs at http://localhost:{port} (process {second.pid}" in cli("status").out


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_ends_cleanly_and_takes_its_record_back(served, home, tmp_path, number):
    process, _ = served

    process.send_signal(number)
    out, err = process.communicate(timeout=WITHIN)

    assert (process.returncode, err) == (0, b"")
    assert b"Point your tools here" in out
    assert not (home / "run" / "endpoint.json").exists()
    assert not (tmp_path / "port").exists()


def test_nohup_has_it_go_on_when_its_terminal_closes(start, desk, tmp_path, cli):
    file = tmp_path / "port"
    line = ("serve", "--port", "0", "--port-file", str(file), "--no-discover")
    process = start(*line, preexec_fn=lambda: signal.signal(signal.SIGHUP, signal.SIG_IGN))
    port = appeared(file, process).strip()

    process.send_signal(signal.SIGHUP)

    assert f"runs at http://localhost:{port}" in cli("status").out
    assert process.poll() is None


def test_ctrl_c_ends_a_question_within_a_moment(start, desk):
    desk.then(sse(chunk("Hel"), HANG))
    process = start("ask", "Hi")
    first = process.stdout.read(3)

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=WITHIN)

    assert (first, process.returncode) == (b"Hel", 130)
    assert out == b"\n"
    assert b"Traceback" not in err


def test_a_reader_that_leaves_ends_the_question_quietly(start, desk):
    desk.then(sse(chunk("one\n"), *[chunk("more\n")] * 50, chunk("", "stop"), b"[DONE]"))
    read, write = os.pipe()
    os.close(read)
    process = start("ask", "Hi", stdout=write)
    os.close(write)

    _, err = process.communicate(timeout=WITHIN)

    assert process.returncode != 0
    assert err == b""


def test_a_prompt_that_is_long_in_coming_is_waited_for_aloud(start, desk):
    desk.then(HELLO)
    process = start("ask", stdin=subprocess.PIPE)
    heard = process.stderr.readline()

    out, _ = process.communicate(b"Hi", timeout=WITHIN)

    assert b"standard input" in heard
    assert out == b"Hello\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="no full disk to write to")
@pytest.mark.parametrize(
    "arguments", [("--help",), ("status",), ("config", "--json"), ("ask", "x", "-m", "desk:m1")]
)
def test_an_output_that_cannot_be_written_is_told_in_one_line(start, desk, arguments):
    desk.then(HELLO)
    with open("/dev/full", "wb") as full:
        process = start(*arguments, stdout=full)
        _, err = process.communicate(timeout=WITHIN)

    assert process.returncode == 1
    assert err.startswith(b"error: ")
    assert len(err.splitlines()) == 1


@pytest.mark.skipif(os.name == "nt", reason="a POSIX shell")
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-"])
def test_an_output_that_is_closed_keeps_nobody_from_asking(start, desk, closed):
    desk.then(HELLO)
    line = f"{sys.executable} -m pointsman ask x -m desk:m1 {closed}"

    process = subprocess.run(["sh", "-c", line], capture_output=True, timeout=WITHIN, check=False)

    assert process.returncode == 0
    assert b"Traceback" not in process.stderr


def respond(port, text, **fields):
    """One request to the Responses API; the answer."""
    body = json.dumps({"model": "desk:m1", "input": text, **fields}).encode()
    asked = Request(
        f"http://127.0.0.1:{port}/v1/responses", body, {"content-type": "application/json"}, method="POST"
    )
    with urlopen(asked, timeout=WITHIN) as answer:
        return json.load(answer)


SAID = {
    "id": "c1",
    "object": "chat.completion",
    "created": 1,
    "model": "m1",
    "choices": [{"index": 0, "message": {"role": "assistant", "content": "Teal."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2},
}


@pytest.mark.skipif(os.name == "nt", reason="a signal of POSIX")
def written(port, response):
    """Returns once an endpoint has a response in its store: it is written behind the answer."""
    deadline = time.monotonic() + WITHIN
    while not is_shown(port, response):
        assert time.monotonic() < deadline
        threading.Event().wait(0.02)


def is_shown(port, response):
    """Whether an endpoint knows a response."""
    try:
        with urlopen(f"http://127.0.0.1:{port}/v1/responses/{response}", timeout=WITHIN):
            return True
    except HTTPError:
        return False


def test_a_conversation_outlives_an_endpoint_that_is_killed_and_goes_on_at_another(
    start, served, desk, tmp_path
):
    desk.always = json_reply(SAID)
    process, port = served
    second = tmp_path / "second"
    other = start("serve", "--port", "0", "--port-file", str(second), "--no-discover")
    other_port = int(appeared(second, other))
    first = respond(port, "What colour?")
    written(other_port, first["id"])
    beside = respond(other_port, "Why?", previous_response_id=first["id"])
    written(port, beside["id"])

    process.send_signal(signal.SIGKILL)
    process.wait(WITHIN)
    third = tmp_path / "third"
    again = start("serve", "--port", "0", "--port-file", str(third), "--no-discover")
    after = respond(int(appeared(third, again)), "And then?", previous_response_id=beside["id"])

    assert after["previous_response_id"] == beside["id"]
    turns = [turn["content"] for turn in desk.requests[-1].json()["messages"]]
    assert turns == ["What colour?", "Teal.", "Why?", "Teal.", "And then?"]

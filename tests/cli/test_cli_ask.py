"""`pointsman ask`: one prompt there, the answer back, and what the exit status says."""

import io
import json
import sys

import pytest

from pointsman.dialects.registry import SERVED
from scripted import RESET, json_reply, sse

CHAT = {"id": "c1", "object": "chat.completion.chunk", "created": 1, "model": "m1"}


def chunk(text=None, finish=None):
    delta = {} if text is None else {"role": "assistant", "content": text}
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    return json.dumps({**CHAT, "choices": [choice]}).encode()


USAGE = json.dumps(
    {
        **CHAT,
        "choices": [],
        "usage": {
            "prompt_tokens": 3,
            "completion_tokens": 2,
            "total_tokens": 5,
            "prompt_tokens_details": {"cached_tokens": 1},
        },
    }
).encode()
HELLO = sse(chunk("Hel"), chunk("lo"), chunk(finish="stop"), USAGE, b"[DONE]")


@pytest.fixture(autouse=True)
def desk(config, threaded_upstream, monkeypatch):
    """The only backend, which a scripted server stands for."""
    monkeypatch.setenv("POINTSMAN_DISCOVER", "false")
    config(
        'version = 1\n[backends.desk]\nprovider = "openai-compatible"\nmodels = ["m1"]\n'
        f'base_url = "{threaded_upstream.url}/v1"\n'
    )
    return threaded_upstream


def test_the_answer_is_printed_and_nothing_else(cli, desk):
    desk.then(HELLO)

    result = cli("ask", "Say hello")

    assert (result.status, result.out, result.err) == (0, "Hello\n", "")
    assert desk.requests[0].json()["messages"] == [{"role": "user", "content": "Say hello"}]


@pytest.mark.parametrize("api", SERVED)
def test_json_holds_text_model_and_usage(cli, desk, api):
    desk.then(HELLO)

    result = cli("ask", "Say hello", "-m", "desk:m1", "--api", api, "--json")

    answer = json.loads(result.out)
    assert result.status == 0
    assert (answer["text"], answer["api"], answer["stop"]) == ("Hello", api, "end")
    assert answer["usage"].items() >= {"input": 2, "cache_read": 1, "output": 2}.items()


def test_instructions_and_standard_input_go_along(cli, desk):
    desk.then(HELLO)

    cli("ask", "Summarise", "--system", "Be brief", given="the text\n")

    assert [each["content"] for each in desk.requests[0].json()["messages"]] == [
        "Be brief",
        "Summarise\n\nthe text",
    ]


def test_without_a_prompt_it_is_a_usage_error(cli, desk):
    assert cli("ask").status == 2
    assert desk.requests == []


def test_a_name_that_nothing_serves_fails_with_advice(cli):
    result = cli("ask", "Hi", "-m", "claude-opus-9")

    assert result.status == 1
    assert result.out == ""
    assert "ANTHROPIC_API_KEY" in result.err


def test_the_backends_refusal_fails_with_its_words(cli, desk):
    desk.then(json_reply({"error": {"message": "the prompt is improper"}}, status=400))

    result = cli("ask", "Hi")

    assert result.status == 1
    assert "the prompt is improper" in result.err


def test_an_answer_that_breaks_off_fails_after_what_came(cli, desk):
    desk.then(sse(chunk("Hel"), RESET))

    result = cli("ask", "Hi")

    assert result.status == 1
    assert result.out == "Hel\n"
    assert result.err.startswith("error: ")


def test_an_endpoint_of_its_own_is_announced_to_nobody(cli, desk, home):
    desk.then(HELLO)

    cli("ask", "Hi")

    assert not (home / "run" / "endpoint.json").exists()


def test_an_endpoint_of_its_own_listens_on_loopback_whatever_others_may_reach(cli, desk, config, monkeypatch):
    config(config().replace("version = 1\n", 'version = 1\nhost = "0.0.0.0"\n'))
    monkeypatch.setenv("POINTSMAN_API_KEY", "ours")
    desk.then(HELLO)

    assert cli("ask", "Hi").out == "Hello\n"


class Screen(io.StringIO):
    """Standard output on a terminal."""

    def isatty(self):
        return True


def test_control_characters_do_not_reach_a_terminal(cli, desk, monkeypatch):
    desk.then(sse(chunk("a\x1b]0;gotcha\x07b\n"), chunk(finish="stop"), b"[DONE]"))
    screen = Screen()
    monkeypatch.setattr(sys, "stdout", screen)

    cli("ask", "Hi")

    assert screen.getvalue() == "a]0;gotchab\n"

"""What the users of the SDKs see where a relayed stream breaks within a frame: an error, not broken JSON."""

import json
import subprocess
import sys
from pathlib import Path

import anthropic
import openai
import pytest
from coding_agents import CLIENTS
from running import clean_environment
from scripted_models import Said

from scripted import CLOSE, Reply

NODE = Path(sys.executable).parent / "node"
HELLO = [{"role": "user", "content": "Hello"}]
PLACES = [1, 4, 7, 20, 34, -90, -60, -40, -20, -9, -5, -3]
"""Where in the third frame, or from its end."""


def breaking(side, place):
    """A stream of the side's upstream that breaks within a frame with text, after another."""

    def broken(seen):
        reply = side.says(Said("Good day to you, é."))(seen)
        frames = b"".join(reply.body).split(b"\n\n")
        second = next(at for at, frame in enumerate(frames) if b'"day t"' in frame)
        kept = b"\n\n".join(frames[:second]) + b"\n\n" + frames[second][:place]
        return Reply(reply.status, reply.headers, [kept, CLOSE], chunked=True)

    side.upstream.then(broken)


@pytest.mark.parametrize("place", PLACES)
def test_the_anthropic_sdk_raises_the_error(to_messages, claude, place):
    breaking(claude, place)

    with (
        pytest.raises(anthropic.APIStatusError) as caught,
        to_messages.messages.stream(model=claude.model, max_tokens=9, messages=HELLO) as stream,
    ):
        list(stream)

    assert caught.value.body["error"]["type"] == "api_error"


@pytest.mark.parametrize("place", PLACES)
def test_the_openai_sdk_raises_the_error(to_chat, chat, place):
    breaking(chat, place)

    with pytest.raises(openai.APIError) as caught:
        list(to_chat.chat.completions.create(model=chat.model, messages=HELLO, stream=True))

    assert caught.value.body["code"] == "upstream_truncated"


@pytest.mark.clients
@pytest.mark.parametrize("client", ["claude", "chat"])
def test_the_sdks_from_npm_raise_the_error(address, client, claude, chat):
    side = {"claude": claude, "chat": chat}[client]
    for place in PLACES:
        breaking(side, place)

    finished = subprocess.run(
        [NODE, Path(__file__).with_name("broken.mjs"), address, side.model, str(len(PLACES))],
        env=clean_environment(CLIENTS=str(CLIENTS), CLIENT=client),
        capture_output=True,
        timeout=60.0,
        check=False,
    )

    assert finished.returncode == 0, finished.stderr.decode()
    assert json.loads(finished.stdout) == ["APIError"] * len(PLACES)

"""The scripted provider over real loopback sockets: the same holds there, in real time."""

import asyncio
import json
import os
import time

import pytest

from pointsman import Gateway
from scripted import Reply, Upstream, run

from .limits import Window, plain
from .provider import Account, Provider
from .tongues import Anthropic, Responses

EACH_TONGUE = pytest.mark.parametrize("tongue", [Anthropic(), Responses()], ids=["anthropic", "responses"])


def answering(provider):
    """What the scripted upstream says to each request; it takes no time."""

    def answer(seen):
        fields = {name.lower(): value for name, value in seen.headers}
        visit = provider.come(provider.set_out(fields), fields, seen.body, time.time())
        visit.leave(time.time())
        return Reply(visit.status, visit.head(time.time()), list(visit.pieces))

    return answer


def configured(provider, upstream, home):
    """The file that leads to it."""
    tongue = provider.tongue
    base = "/v1" if tongue.provider == "openai" else ""
    lines = [
        f"[backends.{tongue.name}]",
        f'provider = "{tongue.provider}"',
        f'base_url = "{upstream.url}{base}"',
        f'dialects = ["{tongue.name}"]',
        f'models = ["{tongue.model}"]',
        f"[backends.{tongue.name}.accounts.default]",
        "enabled = false",
    ]
    for alias in provider.accounts:
        lines += [f"[backends.{tongue.name}.accounts.{alias}]", f'key_env = "KEY_{alias.upper()}"']
    home.mkdir(parents=True, exist_ok=True)
    (home / "config.toml").write_text("\n".join(lines) + "\n")
    return {f"KEY_{each.alias.upper()}": each.key for each in provider.accounts.values()}


async def posted(port, tongue, turns, session):
    """A client's request and its whole answer, as bytes."""
    body = json.dumps(tongue.body(f"{tongue.name}:{tongue.model}", "Be brief.", turns)).encode()
    fields = (*tongue.fields, ("x-session-id", session), ("content-type", "application/json"))
    lines = [f"POST {tongue.path} HTTP/1.1", f"host: 127.0.0.1:{port}", f"content-length: {len(body)}"]
    lines += ["connection: close", *(f"{name}: {value}" for name, value in fields), "", ""]
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write("\r\n".join(lines).encode() + body)
    answer = await reader.read()
    writer.close()
    return answer


def streamed(answer):
    """The body of a chunked answer."""
    head, _, rest = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer
    pieces = []
    while rest:
        size, _, rest = rest.partition(b"\r\n")
        if (length := int(size, 16)) == 0:
            break
        pieces.append(rest[:length])
        rest = rest[length + 2 :]
    return b"".join(pieces)


@EACH_TONGUE
def test_conversations_go_on_past_a_limit_without_a_word_to_their_clients(tongue, home):
    accounts = (
        Account("a", (Window("requests", 6, 600.0),), plain),
        Account("b", (Window("requests", 6, 600.0),), plain),
        Account("c", (Window("requests", 100, 600.0),), plain),
    )
    provider = Provider(accounts, tongue)

    async def scenario():
        async with Upstream(always=answering(provider)) as upstream:
            keys = configured(provider, upstream, home)
            async with Gateway(environment={**os.environ, **keys}, discover=False) as gateway:

                async def converse(number):
                    turns = tongue.say(f"Conversation {number}")
                    for _ in range(6):
                        answer = await posted(gateway.port, tongue, turns, f"session-{number}")
                        heard = tongue.hear(streamed(answer))
                        turns += heard
                        turns += tongue.results(heard, "found") or tongue.say("Go on.")

                await asyncio.gather(*map(converse, range(6)))

    run(scenario())
    assert len(provider.served()) == 36
    assert not provider.strayed
    assert {arrival.account for arrival in provider.served()} == {"a", "b", "c"}
    assert all(refused <= 6 for _, refused, *_ in provider.excesses())

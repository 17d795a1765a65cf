"""What `-vv` shows of bodies: their beginnings, readable, and without any credential that is known."""

import gzip
import json

import pytest
from rig import eventually, rig
from voices import ANTHROPIC, CHAT, SAME

from scripted import Reply, Upstream, run

KEYED = 'key_env = "DESK_KEY"'
HOME = {"DESK_KEY": "canary/of+the account"}


def shown(capsys, voice, reply, *headers, environment=None, backend="", **fields):
    """What standard error shows of one exchange."""

    async def scenario():
        async with Upstream(reply) as upstream:
            given = {**HOME, **(environment or {})}
            upstreams = {voice.name: upstream}
            async with rig(verbose=2, environment=given, backend=backend or KEYED, **upstreams) as gateway:
                answer = await gateway.ask(voice, *headers, **fields)
                await gateway.settled()
                await eventually(lambda: not gateway.app.service.ledger.waiting)
        return answer

    answer = run(scenario())
    return answer, capsys.readouterr().err


def replying(text, **more):
    whole = json.loads(ANTHROPIC.whole().body)
    body = json.dumps({**whole, "content": [{"type": "text", "text": text}]}).encode()
    return Reply(
        200, (("content-type", "application/json"), *more.get("headers", ())), more.get("coded", body)
    )


@SAME
@pytest.mark.parametrize("stream", [False, True])
def test_request_and_answer_are_shown_in_every_dialect(capsys, voice, stream):
    reply = voice.stream() if stream else voice.whole()
    answer, err = shown(capsys, voice, reply, stream=stream)

    assert answer.status == 200
    assert "  request, " in err
    assert f"  answer, {len(answer.body):,} bytes" in err
    assert err.count("\n") > 3


@pytest.mark.parametrize(
    "spelled",
    [
        "canary/of+the account",
        "canary\\/of+the account",
        "canary%2Fof%2Bthe%20account",
        "c\\u0061nary/of+the account",
    ],
)
def test_an_accounts_key_is_masked_however_it_is_spelled(capsys, spelled):
    coded = ANTHROPIC.whole().body.replace(b'"role"', f'"echo": "your key is {spelled}!", "role"'.encode())
    reply = Reply(200, (("content-type", "application/json"),), coded)

    _, err = shown(capsys, ANTHROPIC, reply)

    assert '"your key is …!"' in err
    assert "of+the" not in err


def test_the_clients_own_credentials_are_masked_wherever_they_stand(capsys):
    sent = (("authorization", "Bearer canary-bearer"), ("x-api-key", "canary-x"), ("cookie", "canary-cookie"))
    text = "canary-bearer canary-x canary-cookie"

    _, err = shown(capsys, ANTHROPIC, replying(text), *sent, system=text)

    assert err.count("… … …") == 2
    assert "canary" not in err


def test_keys_in_the_environment_are_masked_before_they_were_ever_used(capsys):
    other = {"SOME_SERVICE_TOKEN": "canary-of-a-service", "ANTHROPIC_API_KEY": "pointsman"}

    _, err = shown(
        capsys, ANTHROPIC, replying("canary-of-a-service at pointsman"), environment=other, backend=KEYED
    )

    assert "… at pointsman" in err
    assert "canary" not in err


@pytest.mark.parametrize("distance", range(0, 30, 3))
def test_a_key_at_the_end_of_what_is_shown_leaves_no_piece_of_itself(capsys, distance):
    text = "x" * (8192 - 130 - distance)

    _, err = shown(capsys, ANTHROPIC, replying(f"{text}{HOME['DESK_KEY']}{'y' * 20_000}"))

    assert "canary" not in err
    assert "canar" not in err


def test_an_answer_that_is_compressed_is_shown_as_it_reads(capsys):
    body = replying("a text to be read " * 2000).body
    reply = replying("", headers=(("content-encoding", "gzip"),), coded=gzip.compress(body))

    answer, err = shown(capsys, ANTHROPIC, reply, ("accept-encoding", "gzip"))

    assert len(answer.body) < 2000
    assert 400 < err.count("a text to be read") < 470


def test_without_vv_no_body_is_kept():
    async def scenario():
        async with Upstream(CHAT.whole()) as upstream, rig(openai_chat=upstream) as gateway:
            reporting = gateway.app.service.reporting
            client = object()

            assert reporting.follow(None, client) is client

    run(scenario())

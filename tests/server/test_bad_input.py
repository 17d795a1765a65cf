"""Bad input gets a clear error in the client's dialect, with a request id, and changes nothing."""

import gzip
import json
import zlib

import brotli
import pytest
import zstandard
from rig import rig
from voices import (
    ANTHROPIC,
    CHAT,
    EVERY_PAIR,
    NAMING_PAIRS,
    OF_MESSAGES,
    OF_MESSAGES_PAIRS,
    SAME,
    VOICES,
)

from scripted import Gate, Reply, Upstream, run, sse

CODINGS = {
    "gzip": gzip.compress,
    "deflate": zlib.compress,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}


async def refused(gateway, voice, answer, status=400):
    """The error's message; the endpoint is as healthy as before."""
    assert answer.status == status, answer
    assert answer.header("content-type") == "application/json"
    assert answer.header("x-pointsman-request-id")
    assert (await gateway.get("/health")).status == 200
    assert gateway.app.service.buffers.held == 0
    return voice.error(answer)["message"]


BROKEN = {
    "empty": (b"", "empty"),
    "not JSON": (b"hello", "not valid JSON"),
    "cut": (b'{"model":"x","messages":[', "not valid JSON"),
    "an array": (b"[]", "object"),
    "a word": (b'"x"', "object"),
    "null": (b"null", "object"),
    "invalid UTF-8": (b'{"model":"x","messages":[{"role":"user","content":"\xff\xfe"}]}', "UTF-8"),
    "UTF-16": ('{"model":"x"}'.encode("utf-16"), "UTF-8"),
    "model twice": (b'{"model":"a","model":"b","messages":[]}', "twice"),
    "model a number": (b'{"model":5,"messages":[]}', "model"),
    "model a list": (b'{"model":["x"],"messages":[]}', "model"),
    "stream a word": (b'{"model":"x","stream":"yes","messages":[]}', "stream"),
    "two objects": (b'{"model":"x"}{"model":"y"}', "not valid JSON"),
    "NaN": (b'{"model":"x","temperature":NaN}', ""),
    "deep nesting": (b'{"model":"x","messages":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "deep"),
}


@SAME
@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_body_is_a_400_that_says_where(voice, case):
    async def scenario():
        body, word = BROKEN[case]
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.post(voice.path, body, *voice.headers)

            assert word in await refused(gateway, voice, answer)
            assert not upstream.requests

    run(scenario())


NOTHING_TO_ANSWER = {"null": None, "a number": 5, "empty": []}


@EVERY_PAIR
@pytest.mark.parametrize("case", NOTHING_TO_ANSWER)
def test_a_request_without_a_conversation_goes_to_nobody(client, upstream, case):
    async def scenario():
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            turns = {client.turns: NOTHING_TO_ANSWER[case]}
            answer = await gateway.ask(client, backend=upstream.name, **turns)

            assert client.turns in await refused(gateway, client, answer)
            assert not server.requests

    run(scenario())


def test_spaces_don_t_make_a_conversation():
    async def scenario():
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            body = b'{"model":"claude-x","messages": [ \n ]}'
            answer = await gateway.post("/v1/messages/count_tokens", body, *ANTHROPIC.headers)

            assert "at least one" in await refused(gateway, ANTHROPIC, answer)
            assert not server.requests

    run(scenario())


@SAME
def test_our_own_errors_carry_an_id_where_the_dialects_clients_look_for_it(voice):
    async def scenario():
        async with rig(**{voice.name: "http://127.0.0.1:9"}) as gateway:
            gateway.hurry()
            broken = await gateway.post(voice.path, b"hello", *voice.headers)
            down = await gateway.ask(voice)

            for answer in (broken, down):
                assert answer.header(voice.id_field) == answer.header("x-pointsman-request-id") is not None

    run(scenario())


WRONG = {
    "no messages": ({"messages": None}, "messages"),
    "messages a word": ({"messages": "hello"}, "messages"),
    "a message a word": ({"messages": ["hello"]}, "messages"),
    "a message a number": ({"messages": [3]}, "messages[0]"),
    "an unknown role": ({"messages": [{"role": "wizard", "content": "x"}]}, "wizard"),
    "no role": ({"messages": [{"content": "x"}]}, "role"),
    "content a number": ({"messages": [{"role": "user", "content": 5}]}, "content"),
    "tools a word": ({"tools": "x"}, "tools"),
    "tools numbers": ({"tools": [3]}, "tools[0]"),
    "tool_choice a number": ({"tool_choice": 5}, "tool_choice"),
    "metadata a list": ({"metadata": []}, "metadata"),
    "stop a list of numbers": ({"stop": [5], "stop_sequences": [5]}, "stop"),
    "content a list of words": ({"messages": [{"role": "user", "content": ["x"]}]}, "content[0]"),
    "max_tokens a word": ({"max_tokens": "many"}, "max_tokens"),
    "max_tokens a fraction": ({"max_tokens": 0.5}, "max_tokens"),
    "temperature a word": ({"temperature": "hot"}, "temperature"),
    "stop a number": ({"stop": 5, "stop_sequences": 5}, "stop"),
}


@pytest.mark.parametrize(("client", "upstream"), [(ANTHROPIC, CHAT), (CHAT, ANTHROPIC)])
def test_a_tool_without_a_name_cannot_be_translated(client, upstream):
    async def scenario():
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            tools = [{"type": "function", "function": {}}]
            answer = await gateway.ask(client, backend=upstream.name, tools=tools)

            assert "tool" in await refused(gateway, client, answer)
            assert not server.requests

    run(scenario())


@OF_MESSAGES_PAIRS
@pytest.mark.parametrize("case", WRONG)
def test_a_wrong_type_is_a_400_that_names_the_field(client, upstream, case):
    async def scenario():
        fields, word = WRONG[case]
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, **fields)

            assert word in await refused(gateway, client, answer)
            assert not server.requests

    run(scenario())


WRONG_IN = {
    "gemini": {
        "a turn a word": ({"contents": ["hello"]}, "contents[0]"),
        "an unknown role": ({"contents": [{"role": "wizard", "parts": []}]}, "wizard"),
        "parts a number": ({"contents": [{"role": "user", "parts": 5}]}, "parts"),
        "a part a word": ({"contents": [{"role": "user", "parts": ["x"]}]}, "parts[0]"),
        "tools a word": ({"tools": "x"}, "tools"),
        "settings a word": ({"generationConfig": "x"}, "generationConfig"),
    },
    "openai_responses": {
        "an item a word": ({"input": ["hello"]}, "input[0]"),
        "an unknown role": ({"input": [{"role": "wizard", "content": "x"}]}, "wizard"),
        "content a number": ({"input": [{"role": "user", "content": 5}]}, "content"),
        "tools a word": ({"tools": "x"}, "tools"),
        "a limit a word": ({"max_output_tokens": "many"}, "max_output_tokens"),
        "reasoning a word": ({"reasoning": "much"}, "reasoning"),
    },
}


@pytest.mark.parametrize("upstream", VOICES.values(), ids=VOICES)
@pytest.mark.parametrize(
    ("client", "case"), [(name, case) for name in WRONG_IN if name in VOICES for case in WRONG_IN[name]]
)
def test_a_wrong_type_is_a_400_in_the_other_dialects_too(client, upstream, case):
    async def scenario():
        voice, (fields, word) = VOICES[client], WRONG_IN[client][case]
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(voice, backend=upstream.name, **fields)

            assert word in await refused(gateway, voice, answer)
            assert not server.requests

    run(scenario())


WRONG_ELSEWHERE = {
    "an input of numbers": ("/v1/embeddings", {"input": 5}, "input"),
    "a prompt in an object": ("/v1/completions", {"prompt": {}}, "prompt"),
    "a limit in words": ("/v1/completions", {"prompt": "x", "max_tokens": "many"}, "max_tokens"),
}


@pytest.mark.parametrize("case", WRONG_ELSEWHERE)
def test_a_wrong_type_is_a_400_where_there_is_no_conversation(case):
    async def scenario():
        path, fields, word = WRONG_ELSEWHERE[case]
        async with Upstream(CHAT.whole()) as upstream, rig(openai_chat=upstream) as gateway:
            answer = await gateway.post(path, {"model": "gpt-x", **fields})

            assert word in await refused(gateway, CHAT, answer)
            assert not upstream.requests

    run(scenario())


@pytest.mark.parametrize("upstream", VOICES.values(), ids=VOICES)
def test_a_message_without_content_is_a_400_where_the_dialect_demands_it(upstream):
    async def scenario():
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend=upstream.name, messages=[{"role": "user"}])

            assert "messages[0].content" in await refused(gateway, ANTHROPIC, answer)
            assert not server.requests

    run(scenario())


@OF_MESSAGES
def test_what_a_newer_upstream_may_know_is_relayed(voice):
    async def scenario():
        fields = {
            "messages": [
                {"role": "user", "content": [{"type": "hologram", "hologram": {"a": 1}}], "mood": 3}
            ],
            "something_new": {"on": True},
            "stop": None,
            "tools": [{"type": "newest_20300101"}],
        }
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, **fields)

            assert answer.status == 200
            sent = upstream.requests[0].json()
            assert {key: sent[key] for key in fields} == fields

    run(scenario())


@EVERY_PAIR
def test_half_a_surrogate_does_no_harm(client, upstream):
    async def scenario():
        body = json.dumps(client.request(upstream.name)).replace("Hello", "a \\ud83d b").encode()
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.post(client.target(upstream.name), body, *client.headers)

            assert answer.status == 200
            assert b"\\ud83d" in server.requests[0].body or "\ufffd" in server.requests[0].body.decode()

    run(scenario())


@SAME
def test_a_model_that_nobody_serves_is_a_404_that_says_what_to_do(voice):
    async def scenario():
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, model="claude-opus-9")

            message = await refused(gateway, voice, answer, 404)
            assert "claude-opus-9" in message
            assert "pointsman backend add" in message or "ANTHROPIC_API_KEY" in message
            assert not upstream.requests

    run(scenario())


@NAMING_PAIRS
@pytest.mark.parametrize("model", [None, "", "default", "auto"])
def test_a_request_that_names_no_model_gets_the_default(client, upstream, model):
    async def scenario():
        body = {**client.request(upstream.name), "model": model}
        if model is None:
            del body["model"]
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.post(client.path, body, *client.headers)

            assert answer.status == 200
            assert upstream.model in server.requests[0].target + server.requests[0].body.decode()

    run(scenario())


@SAME
def test_a_50_megabyte_body_passes(voice):
    async def scenario():
        text = "x" * 50_000_000
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, messages=[{"role": "user", "content": text}])

            assert answer.status == 200
            assert len(upstream.requests[0].body) > 50_000_000
            await gateway.settled()

    run(scenario())


@SAME
def test_a_body_over_the_limit_is_a_413_before_it_is_read(voice):
    async def scenario():
        async with rig(**{voice.name: "http://127.0.0.1:9"}, settings='max_body = "1 MB"') as gateway:
            fields = (*voice.headers, ("content-length", "2000000"))
            async with gateway.call("POST", voice.path, fields) as call:
                answer = await call.rest()

            message = await refused(gateway, voice, answer, 413)
            assert "1 MB" in message
            assert "max_body" in message

    run(scenario())


@SAME
def test_a_chunked_body_over_the_limit_is_a_413(voice):
    async def scenario():
        async with rig(**{voice.name: "http://127.0.0.1:9"}, settings='max_body = "100 KB"') as gateway:
            piece = b"%x\r\n%s\r\n" % (50_000, b" " * 50_000)
            fields = (*voice.headers, ("transfer-encoding", "chunked"))
            answer = await gateway.send("POST", voice.path, fields, piece * 3 + b"0\r\n\r\n")

            message = await refused(gateway, voice, answer, 413)
            assert "larger than 100 KB" in message
            assert "max_body" in message

    run(scenario())


@SAME
@pytest.mark.parametrize("coding", CODINGS)
def test_a_body_that_unpacks_over_the_limit_is_a_413(voice, coding):
    async def scenario():
        bomb = CODINGS[coding](b" " * 30_000_000)
        async with rig(**{voice.name: "http://127.0.0.1:9"}, settings='max_body = "1 MB"') as gateway:
            answer = await gateway.post(voice.path, bomb, *voice.headers, ("content-encoding", coding))

            assert len(bomb) < 100_000
            assert await refused(gateway, voice, answer, 413)

    run(scenario())


@SAME
@pytest.mark.parametrize("coding", CODINGS)
def test_a_coded_body_is_relayed_in_the_clear(voice, coding):
    async def scenario():
        body = json.dumps({**voice.request(), "model": voice.model}).encode()
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            fields = (*voice.headers, ("content-encoding", coding))
            answer = await gateway.post(voice.path, CODINGS[coding](body), *fields)

            assert answer.status == 200
            assert upstream.requests[0].body == body
            assert upstream.requests[0].header("content-encoding") is None

    run(scenario())


@pytest.mark.parametrize(("coding", "status"), [("compress", 415), ("gzip", 400)])
def test_a_coding_that_is_unknown_or_broken_is_an_error(coding, status):
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            answer = await gateway.post(CHAT.path, b"not packed", ("content-encoding", coding))

            assert await refused(gateway, CHAT, answer, status)

    run(scenario())


def test_a_body_beyond_what_all_may_hold_is_a_413_since_it_could_never_come_in():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", settings='max_buffered = "300 KB"') as gateway:
            answer = await gateway.ask(CHAT, user="x" * 400_000)

            assert answer.status == 413
            assert "max_buffered" in answer.json()["error"]["message"]

    run(scenario())


@SAME
def test_more_than_all_requests_may_hold_is_a_503(voice):
    async def scenario():
        gate = Gate()
        slow = voice.whole()
        reply = Reply(slow.status, slow.headers, slow.body, before=(gate,))
        settings = 'max_buffered = "300 KB"'
        big = [{"role": "user", "content": "x" * 200_000}]
        async with Upstream(reply) as upstream, rig(**{voice.name: upstream}, settings=settings) as gateway:
            async with gateway.asking(voice, messages=big) as call:
                await gate.reached.wait()
                second = await gateway.ask(voice, messages=big)
                gate.open()
                first = await call.rest()

            assert (first.status, second.status) == (200, 503)
            assert "max_buffered" in await refused(gateway, voice, second, 503)

    run(scenario())


def large(voice, size=200_000):
    """The voice's answer with much text, as JSON."""
    return json.dumps(voice.answer).replace("Hello there", "x" * size).encode()


JSON = ("content-type", "application/json")
LARGE_ANSWERS = {
    "of known length": lambda voice: Reply(200, (JSON,), large(voice)),
    "of unknown length": lambda voice: Reply(200, (JSON,), [large(voice)]),
    "packed": lambda voice: Reply(200, (JSON, ("content-encoding", "gzip")), gzip.compress(large(voice))),
    "streamed unasked": lambda voice: sse(*voice.frames[:-1], b": " + b"x" * 200_000, *voice.frames[-1:]),
}


@EVERY_PAIR
@pytest.mark.parametrize("answer", LARGE_ANSWERS)
def test_whole_answers_count_among_what_is_held(client, upstream, answer):
    async def scenario():
        replies = (LARGE_ANSWERS[answer](upstream), upstream.whole())
        settings = 'max_buffered = "150 KB"'
        async with (
            Upstream(*replies) as server,
            rig(**{upstream.name: server}, settings=settings) as gateway,
        ):
            first = await gateway.ask(client, backend=upstream.name)
            message = await refused(gateway, client, first, 503)
            second = await gateway.ask(client, backend=upstream.name)

            assert "max_buffered" in message
            assert "stream" in message
            assert second.status == 200
            await gateway.settled()

    run(scenario())


@EVERY_PAIR
def test_a_stream_is_not_held_and_not_counted(client, upstream):
    async def scenario():
        at = next(at for at, frame in enumerate(upstream.frames) if b" there" in frame)
        frames = [upstream.frames[at].replace(b" there", b"x" * 50_000)] * 8
        reply = sse(*upstream.frames[:at], *frames, *upstream.frames[at:])
        settings = 'max_buffered = "150 KB"'
        async with Upstream(reply) as server, rig(**{upstream.name: server}, settings=settings) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.whole
            assert len(client.text(answer)) > 400_000

    run(scenario())


PAGES = {
    "HTML": Reply(200, (("content-type", "text/html"),), b"<html><title>Sign in</title></html>"),
    "HTML called JSON": Reply(200, (("content-type", "application/json"),), b"<html>hello</html>"),
    "a list": Reply(200, (("content-type", "application/json"),), b"[1]"),
    "nothing": Reply(204),
    "an image": Reply(200, (("content-type", "image/png"),), b"\x89PNG"),
}


@EVERY_PAIR
@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_is_not_an_answer_is_a_502_and_asked_for_once(client, upstream, page, stream):
    async def scenario():
        async with Upstream(always=PAGES[page]) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=stream)

            assert await refused(gateway, client, answer, 502)
            assert len(server.requests) == 1

    run(scenario())


@EVERY_PAIR
def test_a_page_for_people_as_an_error_becomes_a_sentence_in_the_clients_dialect(client, upstream):
    async def scenario():
        page = Reply(500, (("content-type", "text/html"),), b"<html><title>Bad day</title><p>x</p></html>")
        async with Upstream(always=page) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name)

            assert answer.status == 500
            assert answer.header("content-type") == "application/json"
            message = client.error(answer)["message"]
            assert "Bad day" in message
            assert "<" not in message

    run(scenario())


@SAME
def test_an_embedded_model_that_was_never_fetched_is_told_with_the_command(voice, tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    async def scenario():
        async with rig() as gateway:
            answer = await gateway.ask(voice, model="local")

            message = await refused(gateway, voice, answer, 502)
            assert "`pointsman weights fetch`" in message
            assert "correct the path" not in message

    run(scenario())

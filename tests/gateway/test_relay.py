"""Law 6, transparency: what a relay changes, and that it changes nothing else."""

import gzip
import json

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, GEMINI, OF_MESSAGES, SAME

from scripted import Reply, Upstream, run

JSON = ("content-type", "application/json")

TURN = b'"messages":[{"role":"user","content":"x"}]'
ODD_BODIES = {
    "odd whitespace": b' {\n\t"model"\t: %s ,\r\n "messages" : [ {"role":"user","content":"a"} ] }\n ',
    "key order": b'{"zeta":1,"max_tokens":5,"model":%s,"alpha":2,' + TURN + b"}",
    "duplicate keys": b'{"max_tokens":1,"model":%s,"max_tokens":2,'
    b'"messages":[{"role":"a","role":"user","content":""}]}',
    "unicode escapes": b'{"model":%s,"messages":[{"role":"user","content":"\\u00e9\\ud83d\\ude00\xc3\xa9"}]}',
    "model inside": b'{"messages":[{"role":"user","content":"{\\"model\\":\\"x\\"}"}],'
    b'"metadata":{"model":"y"},"model":%s}',
    "odd numbers": b'{"model":%s,"temperature":1.0e+0,"max_tokens":100000000000000000000,'
    b'"messages":[{"role":"user","content":"","x":-0.0}]}',
    "half a surrogate": b'{"model":%s,"messages":[{"role":"user","content":"\\ud83d"}]}',
    "unknown fields": b'{"model":%s,"messages":[{"role":"user","content":""}],'
    b'"context_management":{"edits":[]},"new":[null,true]}',
}


@OF_MESSAGES
@pytest.mark.parametrize("shape", ODD_BODIES)
def test_a_relayed_request_changes_in_the_span_of_the_models_name_only(voice, shape):
    async def scenario():
        asked = f'"{voice.name}:{voice.model}"'.encode()
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.post(voice.path, ODD_BODIES[shape] % asked, *voice.headers)

            assert answer.status == 200
            assert upstream.requests[0].body == ODD_BODIES[shape] % f'"{voice.model}"'.encode()

    run(scenario())


@OF_MESSAGES
def test_a_body_whose_model_needs_no_change_goes_as_it_is_however_its_name_is_escaped(voice):
    async def scenario():
        body = (
            b'{ "model" : "%s", "messages": [ {"role" :"user", "content": ""} ] }'
            % voice.model.replace("-", "\\u002d").encode()
        )
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            await gateway.post(voice.path, body, *voice.headers)

            assert upstream.requests[0].body == body

    run(scenario())


@SAME
def test_the_query_is_kept_without_its_key(voice):
    async def scenario():
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            target = voice.path + "?beta=true&key=sk-canary&x=%3A%2F&x&%6Bey=sk-canary&y=a+b"
            await gateway.post(target, voice.request(), *voice.headers)

            assert upstream.requests[0].target == voice.upstream_path + "?beta=true&x=%3A%2F&x&y=a+b"

    run(scenario())


CLIENT_FIELDS = (
    ("user-agent", "claude-cli/2.1.330 (external, cli)"),
    ("accept", "application/json"),
    ("content-type", "application/json; charset=utf-8"),
    ("x-custom", "one"),
    ("x-custom", "two"),
    ("x-stainless-retry-count", "0"),
    ("x-claude-code-session-id", "abc"),
    ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ("anthropic-version", "2026-10-21"),
    ("anthropic-beta", "a-2026-01-01,b-2026-02-02"),
    ("accept-encoding", "gzip, br"),
    ("cache-control", "no-cache"),
)
DROPPED_FIELDS = (
    ("cookie", "session=1"),
    ("origin", "http://localhost:5173"),
    ("forwarded", "for=1.2.3.4"),
    ("x-forwarded-for", "1.2.3.4"),
    ("x-forwarded-proto", "https"),
    ("x-pointsman-anything", "1"),
    ("connection", "keep-alive, x-hop"),
    ("x-hop", "1"),
    ("te", "trailers"),
    ("keep-alive", "timeout=5"),
    ("proxy-authorization", "Basic eA=="),
    ("authorization", "Bearer sk-client"),
    ("x-api-key", "sk-client"),
    ("x-goog-api-key", "sk-client"),
    ("api-key", "sk-client"),
)


@SAME
def test_a_relayed_requests_fields_are_the_clients_except_those_that_end_here(voice):
    async def scenario():
        body = json.dumps(voice.request()).encode()
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            sent = (*CLIENT_FIELDS, *DROPPED_FIELDS)
            assert (await gateway.send("POST", voice.path, sent, body)).status == 200

            seen = [(name.lower(), value) for name, value in upstream.requests[0].headers]
            via = f"1.1 pointsman-{gateway.parts.instance}"
            length = ("content-length", str(len(upstream.requests[0].body)))
            expected = {("host", upstream.url.removeprefix("http://")), ("via", via), length}
            assert set(seen) == {*CLIENT_FIELDS, *expected}
            assert [value for name, value in seen if name == "x-custom"] == ["one", "two"]

    run(scenario())


def test_an_expectation_of_the_client_ends_at_the_gateway():
    async def scenario():
        body = json.dumps(CHAT.request()).encode()
        async with Upstream(CHAT.whole()) as upstream, rig(openai_chat=upstream) as gateway:
            fields = (JSON, ("expect", "100-continue"))
            async with gateway.call("POST", CHAT.path, fields, body) as call:
                first = await call.reader.readuntil(b"\r\n\r\n")
                answer = await call.rest()

            assert first.startswith(b"HTTP/1.1 100")
            assert answer.status == 200
            assert upstream.requests[0].header("expect") is None

    run(scenario())


@SAME
def test_a_stream_is_asked_for_without_content_coding(voice):
    async def scenario():
        async with Upstream(voice.stream()) as upstream, rig(**{voice.name: upstream}) as gateway:
            await gateway.ask(voice, ("accept-encoding", "gzip"), stream=True)

            assert [upstream.requests[0].header("accept-encoding")] == ["identity"]

    run(scenario())


@SAME
def test_the_leased_key_takes_the_place_of_the_clients_own(voice):
    async def scenario():
        environment = {"UP_KEY": "sk-upstream"}
        lines = 'key_env = "UP_KEY"'
        async with (
            Upstream(voice.whole()) as upstream,
            rig(**{voice.name: upstream}, backend=lines, environment=environment) as gateway,
        ):
            await gateway.ask(voice, ("authorization", "Bearer sk-client"), ("x-goog-api-key", "sk-client"))

            fields = upstream.requests[0].headers
            assert "sk-client" not in str(fields)
            assert "pointsman" not in [value for _, value in fields]
            assert str(fields).count("sk-upstream") == 1

    run(scenario())


@SAME
def test_a_relayed_answer_is_byte_identical_with_its_odd_fields(voice):
    async def scenario():
        body = b' {"odd" :  1.0, ' + json.dumps({**voice.answer, "new": "\u00e9"}).encode()[1:] + b"\n"
        headers = (
            ("content-type", "application/json; charset=utf-8"),
            ("request-id", "req_up"),
            ("x-request-id", "req_up"),
            ("anthropic-ratelimit-requests-remaining", "5"),
            ("x-multi", "a"),
            ("x-multi", "b"),
            ("set-cookie", "a=b"),
            ("alt-svc", 'h3=":443"'),
            ("strict-transport-security", "max-age=1"),
            ("connection", "keep-alive, x-private"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
        )
        async with (
            Upstream(Reply(200, headers, body)) as upstream,
            rig(**{voice.name: upstream}) as gateway,
        ):
            answer = await gateway.ask(voice)

            assert answer.body == body
            assert answer.header("content-type") == "application/json; charset=utf-8"
            assert answer.header("request-id") == "req_up"
            assert answer.all("x-multi") == ["a", "b"]
            assert answer.header("anthropic-ratelimit-requests-remaining") == "5"
            assert len(answer.header("x-pointsman-request-id")) > 10
            gone = {"set-cookie", "alt-svc", "strict-transport-security", "x-private", "keep-alive"}
            assert not gone & {name for name, _ in answer.headers}

    run(scenario())


@SAME
def test_a_relayed_stream_is_byte_identical_however_odd_its_frames_are(voice):
    async def scenario():
        odd = (b": a comment\r\n\r\n", b"retry: 3\n\n", b'event: brand_new\ndata: {"type": "brand_new"}\n\n')
        if voice is CHAT:
            odd = odd[:2]
        frames = [voice.frames[0], *odd, *voice.frames[1:]]
        whole = b"".join(frames)
        pieces = [whole[start : start + 37] for start in range(0, len(whole), 37)]
        reply = Reply(200, (("content-type", "text/event-stream"),), pieces, chunked=True)
        async with Upstream(reply) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, stream=True)

            assert answer.whole
            assert answer.body == whole

    run(scenario())


@SAME
def test_the_content_coding_of_a_relayed_answer_is_kept(voice):
    async def scenario():
        packed = gzip.compress(json.dumps(voice.answer).encode())
        reply = Reply(200, (JSON, ("content-encoding", "gzip")), packed)
        async with Upstream(reply) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, ("accept-encoding", "gzip"))
            await gateway.settled()

            assert answer.header("content-encoding") == "gzip"
            assert answer.body == packed
            assert gateway.tally.backends[voice.name].output_tokens == 4

    run(scenario())


@SAME
def test_a_stream_that_is_coded_though_nobody_asked_is_relayed_and_understood(voice):
    async def scenario():
        packed = gzip.compress(b"".join(voice.frames))
        fields = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
        reply = Reply(200, fields, [packed[:20], packed[20:]], chunked=True)
        async with Upstream(reply) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, stream=True)
            await gateway.settled()

            assert answer.whole
            assert answer.body == packed
            assert gateway.tally.backends[voice.name].output_tokens == 4

    run(scenario())


CLOUDS_ERRORS = {
    "amazon": b'{"message": "messages.0: bad"}',
    "google": b'{"error": {"code": 429, "message": "messages.0: bad", "status": "RESOURCE_EXHAUSTED"}}',
}


@pytest.mark.parametrize("cloud", CLOUDS_ERRORS)
def test_an_error_in_the_envelope_of_a_cloud_is_told_in_the_clients_own(cloud):
    async def scenario():
        reply = Reply(400, (JSON,), CLOUDS_ERRORS[cloud])
        async with Upstream(reply) as upstream, rig(anthropic=upstream) as gateway:
            answer = await gateway.ask(ANTHROPIC)

            assert answer.status == 400
            assert ANTHROPIC.error(answer)["message"] == "messages.0: bad"

    run(scenario())


@SAME
@pytest.mark.parametrize("status", [400, 404, 422, 500])
def test_an_error_of_the_upstream_goes_on_unchanged(voice, status):
    async def scenario():
        kind = "INTERNAL" if voice is GEMINI else "api_error"
        envelope = voice.envelope(status, kind, "capability_rejected: x")
        body = b" " + json.dumps({**envelope, "z": 1}).encode() + b"\n"
        reply = Reply(status, (JSON, ("request-id", "req_9"), ("x-should-retry", "false")), body)
        async with Upstream(reply) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice, stream=True)

            assert answer.status == status
            assert answer.body == body
            assert answer.header("request-id") == "req_9"
            assert answer.header("x-should-retry") == "false"
            assert len(upstream.requests) == 1

    run(scenario())


@SAME
@pytest.mark.parametrize("number", [b"1e400", b"-1E+999", b"7" * 6000], ids=["large", "small", "long"])
def test_a_relayed_answer_passes_whatever_its_numbers_hold(voice, number):
    async def scenario():
        body = b'{"id": "x", "odd": ' + number + b"}"
        async with Upstream(Reply(200, (JSON,), body)) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice)

            assert (answer.status, answer.body) == (200, body)

    run(scenario())


def test_an_error_keeps_its_content_coding():
    async def scenario():
        packed = gzip.compress(b'{"type":"error","error":{"type":"invalid_request_error","message":"no"}}')
        reply = Reply(400, (JSON, ("content-encoding", "gzip")), packed)
        async with Upstream(reply) as upstream, rig(anthropic=upstream) as gateway:
            answer = await gateway.ask(ANTHROPIC, ("accept-encoding", "gzip"))

            assert (answer.header("content-encoding"), answer.body) == ("gzip", packed)

    run(scenario())


def test_an_error_in_a_broken_coding_is_not_taken_for_the_clients_fault():
    async def scenario():
        reply = Reply(500, (JSON, ("content-encoding", "gzip")), b"\x1f\x8bnot gzip")
        async with Upstream(reply) as upstream, rig(anthropic=upstream) as gateway:
            assert (await gateway.ask(ANTHROPIC)).status == 500

    run(scenario())


@SAME
def test_retry_after_passes_unchanged(voice):
    async def scenario():
        fields = (("retry-after", "Wed, 21 Oct 2099 07:28:00 GMT"),)
        reply = voice.refusal(429, "rate_limit_error", "slow", fields)
        async with Upstream(reply) as upstream, rig(**{voice.name: upstream}) as gateway:
            answer = await gateway.ask(voice)

            assert answer.status == 429
            assert answer.all("retry-after") == ["Wed, 21 Oct 2099 07:28:00 GMT"]

    run(scenario())


def test_a_chain_of_gateways_is_written_into_via():
    async def scenario():
        async with Upstream(CHAT.whole()) as upstream, rig(openai_chat=upstream) as gateway:
            await gateway.ask(CHAT, ("via", "1.1 corporate"))

            fields = [value for name, value in upstream.requests[0].headers if name.lower() == "via"]
            assert fields == ["1.1 corporate", f"1.1 pointsman-{gateway.parts.instance}"]

    run(scenario())


@SAME
def test_a_request_that_comes_back_is_a_508(voice):
    async def scenario():
        async with Upstream(voice.whole()) as upstream, rig(**{voice.name: upstream}) as gateway:
            via = ("via", f"1.1 other, 1.1 pointsman-{gateway.parts.instance}")
            answer = await gateway.ask(voice, via)

            assert answer.status == 508
            assert "base_url" in voice.error(answer)["message"]
            assert not upstream.requests

    run(scenario())


@SAME
def test_a_redirect_is_not_followed(voice):
    async def scenario():
        async with Upstream(always=voice.whole()) as other:
            reply = Reply(307, (("location", other.url + voice.upstream_path),), b"")
            async with Upstream(always=reply) as upstream, rig(**{voice.name: upstream}) as gateway:
                answer = await gateway.ask(voice)

                assert answer.status == 502
                assert "redirect" in voice.error(answer)["message"]
                assert answer.header("location") is None
                assert len(upstream.requests) == 1
                assert not other.requests

    run(scenario())

"""What is tried again, how often, and what the client gets when nothing helped."""

import json
import socket

import pytest
from rig import Patience, rig
from voices import ANTHROPIC, CHAT, EVERY_PAIR, SAME

from scripted import CLOSE, RESET, Reply, Upstream, json_reply, run, sse

STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
KEY = "sk-canary-0123456789/+=\u00e9"[:-1]


@EVERY_PAIR
@pytest.mark.parametrize("status", [502, 503, 504, 529])
def test_an_upstream_that_is_down_for_a_moment_is_asked_once_more(client, upstream, status):
    async def scenario():
        failing = upstream.refusal(status, "overloaded_error", "Overloaded")
        async with Upstream(failing, upstream.stream()) as server, rig(**{upstream.name: server}) as gateway:
            waited = gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert client.text(answer) == "Hello there"
            assert len(server.requests) == 2
            assert len(waited) == 1

    run(scenario())


@EVERY_PAIR
def test_an_upstream_that_stays_overloaded_is_asked_twice_and_its_error_passed_on(client, upstream):
    async def scenario():
        failing = upstream.refusal(529, "overloaded_error", "Overloaded")
        async with Upstream(always=failing) as server, rig(**{upstream.name: server}) as gateway:
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.status == 529
            assert client.error(answer)["message"] == "Overloaded"
            assert len(server.requests) == 2

    run(scenario())


@EVERY_PAIR
@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 429, 500])
def test_other_errors_are_not_repeated(client, upstream, status):
    async def scenario():
        failing = upstream.refusal(status, "some_error", "no")
        async with Upstream(always=failing) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name)

            assert answer.status == status
            assert "no" in client.error(answer)["message"]
            assert len(server.requests) == 1

    run(scenario())


@EVERY_PAIR
@STREAMED
def test_a_connection_that_breaks_before_the_head_is_tried_once_more(client, upstream, stream):
    async def scenario():
        reply = upstream.stream() if stream else upstream.whole()
        async with (
            Upstream(Reply(before=(RESET,)), reply) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=stream)

            assert client.text(answer) == "Hello there"
            assert len(server.requests) == 2

    run(scenario())


@EVERY_PAIR
@STREAMED
def test_a_backend_where_nothing_listens_is_a_502_that_names_its_address(client, upstream, stream):
    async def scenario():
        # Held, so that nobody else is given the port meanwhile, and nobody listens on it.
        with socket.socket() as held:
            held.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{held.getsockname()[1]}"
            await ask(url)

    async def ask(url):
        async with rig(**{upstream.name: url}) as gateway:
            waited = gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=stream)

            assert answer.status == 502
            assert url.removeprefix("http://") in client.error(answer)["message"]
            assert answer.header("x-pointsman-request-id")
            assert len(waited) == 1
            assert (await gateway.get("/health")).status == 200

    run(scenario())


@EVERY_PAIR
def test_an_error_before_the_content_of_a_stream_is_judged_and_tried_again(client, upstream):
    async def scenario():
        failing = upstream.before_content(upstream.overloaded)
        async with Upstream(failing, upstream.stream()) as server, rig(**{upstream.name: server}) as gateway:
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert client.text(answer) == "Hello there"
            assert len(server.requests) == 2

    run(scenario())


@EVERY_PAIR
def test_an_error_before_the_content_that_stays_is_a_response_with_its_own_status(client, upstream):
    async def scenario():
        failing = upstream.before_content(upstream.overloaded)
        async with Upstream(always=failing) as server, rig(**{upstream.name: server}) as gateway:
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.status in (503, 529)
            assert answer.header("content-type") == "application/json"
            assert client.error(answer)["message"] == "Overloaded"
            assert len(server.requests) == 2

    run(scenario())


@EVERY_PAIR
def test_an_error_in_a_whole_200_is_an_error(client, upstream):
    async def scenario():
        body = json.loads(upstream.overloaded.decode().partition("data: ")[2])
        async with Upstream(always=json_reply(body)) as server, rig(**{upstream.name: server}) as gateway:
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name)

            assert answer.status in (503, 529)
            assert client.error(answer)["message"] == "Overloaded"

    run(scenario())


@EVERY_PAIR
def test_nothing_is_replayed_after_the_first_content(client, upstream):
    async def scenario():
        frames = upstream.frames[: upstream.content + 2]
        async with (
            Upstream(sse(*frames, upstream.overloaded), upstream.stream()) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.status == 200
            assert "Hello" in client.text(answer)
            assert client.stream_error(answer)["message"] == "Overloaded"
            assert len(server.requests) == 1

    run(scenario())


@SAME
def test_problem_25_a_limit_that_resets_soon_is_waited_for_once(voice):
    async def scenario():
        limited = voice.refusal(429, "rate_limit_error", "slow", (("retry-after", "7"),))
        async with Upstream(limited, voice.whole()) as server, rig(**{voice.name: server}) as gateway:
            waited = gateway.hurry()
            answer = await gateway.ask(voice)

            assert answer.status == 200
            assert waited == [pytest.approx(7, abs=3)]
            assert len(server.requests) == 2

    run(scenario())


@SAME
def test_problem_25_a_limit_that_stays_is_one_429_after_one_wait(voice):
    async def scenario():
        limited = voice.refusal(429, "rate_limit_error", "slow", (("retry-after", "7"),))
        async with Upstream(always=limited) as server, rig(**{voice.name: server}) as gateway:
            waited = gateway.hurry()
            answer = await gateway.ask(voice)

            assert (answer.status, answer.header("retry-after")) == (429, "7")
            assert len(waited) == 1
            assert len(server.requests) == 2

    run(scenario())


@EVERY_PAIR
@pytest.mark.parametrize("after", ["3600", "Wed, 21 Oct 2099 07:28:00 GMT", "90"])
def test_problem_25_a_limit_that_resets_late_passes_at_once(client, upstream, after):
    async def scenario():
        limited = upstream.refusal(429, "rate_limit_error", "slow", (("retry-after", after),))
        async with Upstream(always=limited) as server, rig(**{upstream.name: server}) as gateway:
            waited = gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name)

            assert (answer.status, answer.all("retry-after")) == (429, [after])
            assert waited == []
            assert len(server.requests) == 1

    run(scenario())


def test_the_queue_timeout_of_the_configuration_decides_how_long_is_worth_waiting():
    async def scenario():
        limited = CHAT.refusal(429, "rate_limit_error", "slow", (("retry-after", "2"),))
        async with (
            Upstream(always=limited) as server,
            rig(openai_chat=server, settings="queue_timeout = 1") as gateway,
        ):
            waited = gateway.hurry()

            assert (await gateway.ask(CHAT)).status == 429
            assert waited == []

    run(scenario())


def test_a_round_never_exceeds_the_attempts_that_are_allowed():
    async def scenario():
        failing = CHAT.refusal(503, "server_error", "down")
        async with Upstream(always=failing) as server, rig(openai_chat=server) as gateway:
            gateway.hurry()
            gateway.parts.patience = Patience(max_attempts=1)
            await gateway.ask(CHAT)

            assert len(server.requests) == 1

    run(scenario())


@EVERY_PAIR
@pytest.mark.parametrize("status", [401, 403])
def test_a_refusal_of_our_key_names_backend_and_account_and_hides_the_key(client, upstream, status):
    async def scenario():
        said = f"invalid key {KEY}"
        failing = upstream.refusal(
            status, "authentication_error", said, (("x-echo", KEY), ("request-id", "r1"))
        )
        async with (
            Upstream(always=failing) as server,
            rig(**{upstream.name: server}, backend='key_env = "UP"', environment={"UP": KEY}) as gateway,
        ):
            answer = await gateway.ask(client, backend=upstream.name)

            message = client.error(answer)["message"]
            assert answer.status == status
            assert f"backend {upstream.name}" in message
            assert "account default" in message
            assert f"`pointsman backend test {upstream.name}`" in message
            assert "invalid key" in message
            assert KEY not in str(answer)
            assert answer.header("request-id") == "r1"
            assert len(server.requests) == 1

    run(scenario())


def test_a_backend_that_wants_a_key_that_nobody_gave_says_so():
    async def scenario():
        failing = CHAT.refusal(401, "authentication_error", "no key")
        async with Upstream(always=failing) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(CHAT)

            assert "pointsman has none" in CHAT.error(answer)["message"]
            assert "`pointsman backend add openai_chat`" in CHAT.error(answer)["message"]

    run(scenario())


def test_a_backend_whose_variable_is_not_set_is_a_401_that_names_the_variable():
    async def scenario():
        async with (
            Upstream(CHAT.whole()) as server,
            rig(openai_chat=server, backend='key_env = "UNSET_KEY"') as gateway,
        ):
            answer = await gateway.ask(CHAT)

            assert answer.status == 401
            assert "UNSET_KEY is not set" in CHAT.error(answer)["message"]
            assert "refused" not in CHAT.error(answer)["message"]
            assert not server.requests

    run(scenario())


LEAKS = {
    "error body": lambda voice: voice.refusal(400, "invalid_request_error", f"you sent {KEY}"),
    "escaped error body": lambda voice: Reply(
        500,
        (("content-type", "application/json"),),
        json.dumps({"error": {"message": KEY}}).replace("/", "\\/").encode(),
    ),
    "error page": lambda voice: Reply(500, (("content-type", "text/html"),), f"<p>{KEY}</p>".encode()),
    "error field": lambda voice: voice.refusal(
        400, "invalid_request_error", "no", (("x-debug", f"Bearer {KEY}"),)
    ),
    "error in a stream": lambda voice: voice.before_content(
        voice.overloaded.replace(b"Overloaded", KEY.encode())
    ),
    "redirect": lambda voice: Reply(302, (("location", f"http://127.0.0.1:1/?key={KEY}"),), b""),
}


@EVERY_PAIR
@pytest.mark.parametrize("leak", LEAKS)
def test_problem_29_a_key_that_an_upstream_repeats_reaches_no_client(client, upstream, leak, capfd):
    async def scenario():
        async with (
            Upstream(always=LEAKS[leak](upstream)) as server,
            rig(**{upstream.name: server}, backend='key_env = "UP"', environment={"UP": KEY}) as gateway,
        ):
            gateway.hurry()
            answer = await gateway.ask(client, backend=upstream.name, stream=True)
            pages = [await gateway.get(path) for path in ("/status", "/explain/x", "/v1/models")]

            assert KEY in str(server.requests[0].headers)
            assert answer.status >= 400
            for shown in (answer, *pages):
                assert KEY not in str(shown)
                assert KEY.replace("/", "\\/") not in shown.body.decode()
            assert KEY not in str(gateway.gateway.status())

    run(scenario())
    assert KEY not in "".join(capfd.readouterr())


def test_problem_29_a_credential_among_the_configured_fields_is_hidden_too():
    async def scenario():
        failing = CHAT.refusal(401, "authentication_error", f"bad {KEY}")
        lines = f'headers = {{ Authorization = "Bearer {KEY}" }}'
        async with Upstream(always=failing) as server, rig(openai_chat=server, backend=lines) as gateway:
            answer = await gateway.ask(CHAT)

            assert server.requests[0].header("authorization") == f"Bearer {KEY}"
            assert KEY not in str(answer)

    run(scenario())


@EVERY_PAIR
def test_problem_29_a_key_in_an_error_after_the_content_of_a_translated_stream_is_hidden(client, upstream):
    async def scenario():
        if client is upstream:
            return
        frames = upstream.frames[: upstream.content + 2]
        leak = upstream.overloaded.replace(b"Overloaded", KEY.encode())
        async with (
            Upstream(sse(*frames, leak)) as server,
            rig(**{upstream.name: server}, backend='key_env = "UP"', environment={"UP": KEY}) as gateway,
        ):
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert client.stream_error(answer)["message"] == "…"
            assert KEY.encode() not in answer.body

    run(scenario())


def unsupported(name, message=None, code="unsupported_parameter"):
    text = message or f"Unsupported parameter: '{name}' is not supported with this model."
    return json_reply(
        {"error": {"message": text, "type": "invalid_request_error", "param": name, "code": code}}, 400
    )


def test_problem_22_a_parameter_that_is_refused_by_name_is_left_out_once_and_reported():
    async def scenario():
        async with (
            Upstream(unsupported("temperature"), CHAT.whole()) as server,
            rig(openai_chat=server) as gateway,
        ):
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", temperature=0.2)

            assert answer.status == 200
            assert server.requests[0].json()["temperature"] == 0.2
            assert "temperature" not in server.requests[1].json()
            assert "dropped temperature" in answer.header("x-pointsman-losses")

    run(scenario())


def test_problem_22_a_token_limit_is_sent_under_its_other_name():
    async def scenario():
        other = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}

        def refuse(seen):
            return unsupported(next(name for name in other if name in seen.json()))

        async with Upstream(refuse, CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", max_tokens=77)

            first, second = (request.json() for request in server.requests)
            name = next(name for name in other if name in first)
            assert answer.status == 200
            assert second[other[name]] == 77
            assert name not in second

    run(scenario())


def test_problem_22_the_same_refusal_twice_is_the_clients_to_know():
    async def scenario():
        async with Upstream(always=unsupported("temperature")) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", temperature=0.2)

            assert answer.status == 400
            assert len(server.requests) == 2

    run(scenario())


@pytest.mark.parametrize(
    "refusal",
    [
        unsupported("temperature", "temperature must be at most 2", "decimal_above_max_value"),
        unsupported("messages", "Unsupported value in messages"),
        unsupported("tools"),
        unsupported(None, "Unsupported something"),
    ],
)
def test_problem_22_what_is_wrong_or_carries_meaning_is_not_left_out(refusal):
    async def scenario():
        tools = [{"name": "t", "input_schema": {"type": "object"}}]
        async with Upstream(always=refusal) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", temperature=0.2, tools=tools)

            assert answer.status == 400
            assert len(server.requests) == 1

    run(scenario())


def test_problem_22_a_relayed_refusal_is_the_clients_to_act_on():
    async def scenario():
        async with Upstream(always=unsupported("temperature")) as server, rig(openai_chat=server) as gateway:
            assert (await gateway.ask(CHAT, temperature=0.2)).status == 400
            assert len(server.requests) == 1

    run(scenario())


def test_problem_33_an_overflow_is_worded_as_the_client_knows_it():
    async def scenario():
        chat = json_reply(
            {
                "error": {
                    "message": "maximum context length is 8192",
                    "code": "context_length_exceeded",
                    "type": "invalid_request_error",
                }
            },
            400,
        )
        theirs = ANTHROPIC.refusal(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")
        async with (
            Upstream(always=chat) as other,
            Upstream(always=theirs) as anthropic,
            rig(openai_chat=other, anthropic=anthropic) as gateway,
        ):
            to_anthropic = await gateway.ask(ANTHROPIC, backend="openai_chat")
            to_chat = await gateway.ask(CHAT, backend="anthropic")

            assert "prompt is too long" in ANTHROPIC.error(to_anthropic)["message"]
            assert ANTHROPIC.error(to_anthropic)["type"] == "invalid_request_error"
            assert CHAT.error(to_chat)["code"] == "context_length_exceeded"

    run(scenario())


@STREAMED
def test_a_stale_connection_is_replaced_without_a_word(stream):
    async def scenario():
        first = Reply(200, (("content-type", "application/json"),), json.dumps(CHAT.answer).encode())
        reply = CHAT.stream() if stream else CHAT.whole()
        async with (
            Upstream(first, Reply(before=(CLOSE,)), reply) as server,
            rig(openai_chat=server) as gateway,
        ):
            gateway.hurry()
            await gateway.ask(CHAT)
            answer = await gateway.ask(CHAT, stream=stream)

            assert answer.status == 200
            assert len(server.requests) == 3

    run(scenario())

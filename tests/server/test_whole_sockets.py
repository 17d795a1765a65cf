"""Responses over a WebSocket, through the whole gateway to scripted upstreams that are asked over HTTP."""

import asyncio
import contextlib
import json

import pytest
from kept import MODELS, PATH, frames, kept_rig, response, said_to, says
from rig import eventually
from voices import ANTHROPIC
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from pointsman.server.session import MOST_WAITING
from scripted import HANG, RESET, Gate, Upstream, json_reply, run, run_jumping, sse

BETA = {"OpenAI-Beta": "responses_websockets=2026-02-06"}


@contextlib.asynccontextmanager
async def socket_to(gateway, **headers):
    async with connect(
        f"ws://127.0.0.1:{gateway.port}{PATH}", additional_headers={**BETA, **headers}, max_size=None
    ) as socket:
        yield socket


async def create(socket, text, backend="forgetful", **fields):
    body = {"type": "response.create", "model": MODELS[backend], "input": text, "store": False, **fields}
    await socket.send(json.dumps(body))


async def turn(socket):
    """The messages of one turn, to its end."""
    messages = []
    while True:
        messages.append(json.loads(await socket.recv()))
        if messages[-1]["type"] in {"response.completed", "response.failed", "error"}:
            return messages


async def asked(socket, text, backend="forgetful", **fields):
    await create(socket, text, backend, **fields)
    return await turn(socket)


def test_a_turn_is_the_events_of_its_stream():
    whole = response("resp_1")

    async def scenario():
        async with Upstream(sse(*frames(whole))) as up, kept_rig(forgetful=up) as gateway:
            async with socket_to(gateway) as socket:
                messages = await asked(socket, "a")
            await gateway.settled()
            return messages, up.requests[0], gateway.tally.requests

    messages, seen, counted = run(scenario())

    assert [message["type"] for message in messages] == [
        step.split(b"\n")[0].removeprefix(b"event: ").decode() for step in frames(whole)
    ]
    assert messages[-1]["response"] == whole
    assert seen.json() == {"model": "gpt-x", "input": "a", "store": False, "stream": True}
    assert (seen.method, seen.header("content-type")) == ("POST", "application/json")
    assert seen.header("openai-beta") is None
    assert not [name for name, _ in seen.headers if name.lower().startswith(("sec-websocket", "upgrade"))]
    assert counted == 1


@pytest.mark.parametrize("backend", ["forgetful", "keeper", "claude"])
def test_what_nobody_keeps_goes_on_from_the_connection_s_memory(backend):
    replies = [ANTHROPIC.stream()] * 2 if backend == "claude" else [says("One."), says("Two.")]

    async def scenario():
        # The one that keeps state has no WebSocket here: it answers the handshake with an error.
        refused = [json_reply({}, 404)] if backend == "keeper" else []
        async with Upstream(*refused, *replies) as up, kept_rig(**{backend: up}) as gateway:
            async with socket_to(gateway) as socket:
                first = (await asked(socket, "a", backend))[-1]["response"]
                await asked(socket, "b", backend, previous_response_id=first["id"])
                last = up.requests[-1]
            shown = await gateway.get(f"{PATH}/{first['id']}")
            return first, last, shown.status

    _, last, shown = run(scenario())

    if backend == "claude":
        assert [each["role"] for each in last.json()["messages"]] == ["user", "assistant", "user"]
    else:
        assert said_to(last) == [("user", "a"), ("assistant", "One."), ("user", "b")]
    assert shown == 404


def test_only_the_latest_answer_is_remembered():
    async def scenario():
        async with (
            Upstream(says("One."), says("Two.")) as up,
            kept_rig(forgetful=up) as gateway,
            socket_to(gateway) as socket,
        ):
            first = (await asked(socket, "a"))[-1]["response"]["id"]
            await asked(socket, "b")
            return first, await asked(socket, "c", previous_response_id=first)

    first, messages = run(scenario())

    assert [message["type"] for message in messages] == ["error"]
    error = messages[0]
    assert error["status"] == 400
    assert error["error"]["code"] == "previous_response_not_found"
    assert first in error["error"]["message"]


def test_what_is_to_be_kept_is_kept_beyond_the_connection():
    async def scenario():
        async with Upstream(says("One."), says("Two.")) as up, kept_rig(forgetful=up) as gateway:
            async with socket_to(gateway) as socket:
                first = (await asked(socket, "a", store=True))[-1]["response"]["id"]
            async with socket_to(gateway) as socket:
                await asked(socket, "b", previous_response_id=first)
            return said_to(up.requests[1])

    assert run(scenario()) == [("user", "a"), ("assistant", "One."), ("user", "b")]


def test_a_remembered_conversation_may_be_kept_from_some_turn_on():
    async def scenario():
        async with (
            Upstream(says("One."), says("Two."), says("Three.")) as up,
            kept_rig(forgetful=up) as gateway,
        ):
            async with socket_to(gateway) as socket:
                first = (await asked(socket, "a"))[-1]["response"]["id"]
                kept = (await asked(socket, "b", store=True, previous_response_id=first))[-1]["response"][
                    "id"
                ]
            async with socket_to(gateway) as socket:
                await asked(socket, "c", previous_response_id=kept)
            return [text for _, text in said_to(up.requests[2])]

    assert run(scenario()) == ["a", "One.", "b", "Two.", "c"]


def test_a_failed_turn_lets_go_of_what_it_was_to_continue():
    error = {"error": {"message": "no", "type": "invalid_request_error", "param": "tools", "code": "bad"}}

    async def scenario():
        async with (
            Upstream(says("One."), json_reply(error, 400)) as up,
            kept_rig(forgetful=up) as gateway,
            socket_to(gateway) as socket,
        ):
            first = (await asked(socket, "a"))[-1]["response"]["id"]
            failed = await asked(socket, "b", previous_response_id=first)
            return failed, await asked(socket, "c", previous_response_id=first)

    failed, again = run(scenario())

    assert failed == [
        {
            "type": "error",
            "status": 400,
            "error": {"type": "invalid_request_error", "code": "bad", "message": "no", "param": "tools"},
        }
    ]
    assert again[0]["error"]["code"] == "previous_response_not_found"


def test_a_request_without_generation_is_answered_here_and_can_be_continued():
    async def scenario():
        async with Upstream(says("One.")) as up, kept_rig(forgetful=up) as gateway:
            async with socket_to(gateway) as socket:
                prepared = await asked(
                    socket, [{"role": "developer", "content": "Be brief."}], generate=False
                )
                early = len(up.requests)
                found = prepared[-1]["response"]
                await asked(socket, "a", previous_response_id=found["id"])
            return prepared, early, said_to(up.requests[0]), up.requests[0].json()

    prepared, early, said, body = run(scenario())

    assert [message["type"] for message in prepared] == [
        "response.created",
        "response.in_progress",
        "response.completed",
    ]
    assert prepared[-1]["response"]["output"] == []
    assert early == 0
    assert said == [("developer", "Be brief."), ("user", "a")]
    assert "generate" not in body


def test_lanes_go_on_side_by_side_and_turns_of_one_lane_one_after_the_other():
    async def scenario():
        gates = [Gate(), Gate()]
        slow = [
            sse(*frames(response(f"resp_{n}", str(n)))[:4], gate, *frames(response(f"resp_{n}", str(n)))[4:])
            for n, gate in enumerate(gates)
        ]
        async with (
            Upstream(*slow, says("after")) as up,
            kept_rig(forgetful=up) as gateway,
            socket_to(gateway) as socket,
        ):
            await create(socket, "a", stream_id="one")
            await gates[0].reached.wait()
            await create(socket, "b", stream_id="one")
            await create(socket, "c", stream_id="two")
            await gates[1].reached.wait()
            side_by_side = [seen.json()["input"] for seen in up.requests]
            gates[1].open()
            first_done = await ended(socket)
            gates[0].open()
            return (
                side_by_side,
                first_done,
                await ended(socket),
                await ended(socket),
                up.requests[2].json(),
            )

    async def ended(socket):
        while (message := json.loads(await socket.recv()))["type"] != "response.completed":
            assert message["stream_id"] in {"one", "two"}
        return message["stream_id"], message["response"]["output"][0]["content"][0]["text"]

    side_by_side, *done, last = run(scenario())

    assert side_by_side == ["a", "c"]
    assert done == [("two", "1"), ("one", "0"), ("one", "after")]
    assert last["input"] == "b"


def test_an_answer_may_be_forked_to_another_lane():
    async def scenario():
        async with (
            Upstream(says("One."), says("Two."), says("Three.")) as up,
            kept_rig(forgetful=up) as gateway,
        ):
            async with socket_to(gateway) as socket:
                first = (await asked(socket, "a", stream_id="main"))[-1]["response"]["id"]
                await asked(socket, "b", stream_id="critic", previous_response_id=first)
                await asked(socket, "c", stream_id="main", previous_response_id=first)
            return said_to(up.requests[1]), said_to(up.requests[2])

    critic, main = run(scenario())

    assert critic == [("user", "a"), ("assistant", "One."), ("user", "b")]
    assert main == [("user", "a"), ("assistant", "One."), ("user", "c")]


def test_a_connection_has_only_so_many_lanes():
    async def scenario():
        async with (
            Upstream(always=says()) as up,
            kept_rig(forgetful=up) as gateway,
            socket_to(gateway) as socket,
        ):
            for number in range(32):
                await asked(socket, "a", stream_id=f"lane_{number}")
            crowded = await asked(socket, "a", stream_id="lane_33")
            again = await asked(socket, "a", stream_id="lane_3")
            nameless = await asked(socket, "a")
            return crowded, again[-1]["type"], nameless[-1]["type"]

    crowded, again, nameless = run(scenario())

    assert crowded[0]["error"]["code"] == "websocket_stream_limit_reached"
    assert crowded[0]["status"] == 400
    assert again == nameless == "response.completed"


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ("no json", None),
        ("[]", None),
        ('{"type": "response.cancel"}', "type"),
        (
            '{"type": "response.create", "model": "forgetful:gpt-x", "input": "a", "stream_id": ""}',
            "stream_id",
        ),
        (
            '{"type": "response.create", "model": "forgetful:gpt-x", "input": "a", "background": true}',
            "background",
        ),
        ('{"type": "response.create", "model": 7, "input": "a"}', "model"),
        ('{"type": "response.create", "model": "forgetful:gpt-x", "input": 7}', "input"),
    ],
)
def test_a_message_that_is_wrong_is_answered_and_the_connection_goes_on(message, param):
    async def scenario():
        async with Upstream(says()) as up, kept_rig(forgetful=up) as gateway, socket_to(gateway) as socket:
            await socket.send(message)
            [error] = await turn(socket)
            return error, (await asked(socket, "a"))[-1]["type"]

    error, after = run(scenario())

    assert error["status"] == 400
    assert error["error"]["message"]
    assert param is None or error["error"]["param"] == param
    assert after == "response.completed"


def test_a_model_that_nobody_has_is_an_error_of_the_turn():
    async def scenario():
        async with Upstream() as up, kept_rig(forgetful=up) as gateway, socket_to(gateway) as socket:
            return await asked(socket, "a", model="nobody"), await asked(
                socket, "a", model="nobody", generate=False
            )

    for [error] in run(scenario()):
        assert error["status"] == 404
        assert error["error"]["code"] == "model_not_found"


def test_a_turn_is_tried_again_like_any_request():
    overloaded = json_reply({"error": {"message": "busy", "type": "server_error", "code": None}}, 503)

    async def scenario():
        async with Upstream(overloaded, says("One.")) as up, kept_rig(forgetful=up) as gateway:
            gateway.hurry()
            async with socket_to(gateway) as socket:
                return (await asked(socket, "a"))[-1]["type"], len(up.requests)

    assert run(scenario()) == ("response.completed", 2)


def test_a_limit_says_when_to_come_back():
    limited = json_reply(
        {"error": {"message": "slow", "type": "rate_limit_error", "code": "rate_limit_exceeded"}},
        429,
        [("retry-after", "900")],
    )

    async def scenario():
        async with Upstream(limited) as up, kept_rig(forgetful=up) as gateway, socket_to(gateway) as socket:
            return await asked(socket, "a")

    [error] = run(scenario())

    assert (error["status"], error["headers"]) == (429, {"retry-after": "900"})
    assert error["error"]["code"] == "rate_limit_exceeded"


def test_an_answer_that_breaks_off_is_an_error_of_its_turn():
    async def scenario():
        broken = sse(*frames(response("resp_1"))[:5], end=[RESET])
        async with (
            Upstream(broken, says("One.")) as up,
            kept_rig(forgetful=up) as gateway,
            socket_to(gateway) as socket,
        ):
            return await asked(socket, "a"), (await asked(socket, "b"))[-1]["type"]

    messages, after = run(scenario())

    assert messages[-1]["type"] == "error"
    assert messages[-1]["status"] >= 500
    assert after == "response.completed"


@pytest.mark.parametrize("properly", [True, False], ids=["closes", "vanishes"])
@pytest.mark.parametrize("begun", [True, False], ids=["in its answer", "before its first byte"])
def test_a_client_that_leaves_stops_its_turns_upstream_within_a_second(properly, begun):
    async def scenario():
        reply = sse(*frames(response("resp_1"))[:5], HANG) if begun else sse(HANG)
        async with Upstream(reply) as up, kept_rig(forgetful=up) as gateway:
            async with socket_to(gateway) as socket:
                await create(socket, "a")
                await create(socket, "never asked")
                seen = await up.request()
                if begun:
                    await socket.recv()
                if properly:
                    await socket.close()
                else:
                    socket.transport.abort()
                async with asyncio.timeout(1):
                    await seen.gone.wait()
            await gateway.settled()
            return len(up.requests), gateway.app.service.buffers.held

    assert run(scenario()) == (1, 0)


def test_turns_that_wait_are_bounded():
    async def scenario():
        async with Upstream(sse(HANG)) as up, kept_rig(forgetful=up) as gateway, socket_to(gateway) as socket:
            await create(socket, "a")
            await up.request()
            for number in range(MOST_WAITING + 1):
                await create(socket, str(number))
            return await turn(socket)

    [error] = run(scenario())

    assert error["status"] == 503
    assert str(MOST_WAITING) in error["error"]["message"]


def test_a_message_over_the_limit_of_bodies_ends_the_connection():
    async def scenario():
        settings = 'max_body = "10 kB"'
        async with (
            Upstream() as up,
            kept_rig(forgetful=up, settings=settings) as gateway,
            socket_to(gateway) as socket,
        ):
            await create(socket, "x" * 20_000)
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
            return caught.value.rcvd.code, up.requests

    assert run(scenario()) == (1009, [])


def test_after_an_hour_the_client_is_told_to_connect_anew():
    async def scenario(loop):
        async with (
            Upstream(says()) as up,
            kept_rig(forgetful=up) as gateway,
            connect(f"ws://127.0.0.1:{gateway.port}{PATH}", ping_interval=None) as socket,
        ):
            await asked(socket, "a")
            loop.jump(3600)
            [error] = await turn(socket)
            with pytest.raises(ConnectionClosed) as caught:
                await socket.recv()
            return error, caught.value.rcvd.code

    error, code = run_jumping(scenario)

    assert error["error"]["code"] == "websocket_connection_limit_reached"
    assert (error["status"], code) == (400, 1000)


def test_a_turn_under_way_at_the_limit_comes_to_its_end():
    async def scenario(loop):
        gate = Gate()
        steps = frames(response("resp_1"))
        reply = sse(*steps[:5], gate, *steps[5:])
        async with (
            Upstream(reply) as up,
            kept_rig(forgetful=up) as gateway,
            connect(f"ws://127.0.0.1:{gateway.port}{PATH}", ping_interval=None) as socket,
        ):
            await create(socket, "a")
            await gate.reached.wait()
            loop.jump(3600)
            await create(socket, "too late", stream_id="b")
            early = []
            while not early or early[-1]["type"] != "error":
                early.append(json.loads(await socket.recv()))
            gate.open()
            rest = await turn(socket)
            return early[-1], rest[-1]["type"], (await turn(socket))[-1]

    refused, ended, last = run_jumping(scenario)

    assert refused["error"]["code"] == last["error"]["code"] == "websocket_connection_limit_reached"
    assert ended == "response.completed"


def test_an_endpoint_that_ends_lets_turns_end_and_closes():
    async def scenario():
        gate = Gate()
        steps = frames(response("resp_1"))
        async with (
            Upstream(sse(*steps[:5], gate, *steps[5:])) as up,
            kept_rig(forgetful=up) as gateway,
            socket_to(gateway) as socket,
            socket_to(gateway) as idle,
        ):
            await create(socket, "a")
            await gate.reached.wait()
            gateway.gateway.stop()
            with pytest.raises(ConnectionClosed) as caught:
                await idle.recv()
            gate.open()
            messages = await turn(socket)
            return caught.value.rcvd.code, messages[-1]["type"]

    assert run(scenario()) == (1001, "response.completed")


def test_an_endpoint_that_does_not_wait_says_so_to_turns_under_way():
    async def scenario():
        async with (
            Upstream(sse(*frames(response("resp_1"))[:5], HANG)) as up,
            kept_rig(forgetful=up) as gateway,
            socket_to(gateway) as socket,
        ):
            await create(socket, "a")
            for _ in range(5):
                await socket.recv()
            gateway.gateway.stop(now=True)
            return (await turn(socket))[-1]

    told = run(scenario())

    assert told["type"] == "error"
    assert "shutting down" in told["error"]["message"]


@pytest.mark.parametrize(
    ("name", "headers", "status"),
    [
        ("evil.example", {}, 403),
        ("127.0.0.1", {"Origin": "https://evil.example"}, 403),
        ("127.0.0.1", {}, 401),
    ],
    ids=["host", "origin", "key"],
)
def test_who_may_not_come_in_gets_no_socket(name, headers, status):
    async def scenario():
        key = {"POINTSMAN_API_KEY": "secret"}
        async with Upstream() as up, kept_rig(forgetful=up, environment=key) as gateway:
            address = f"ws://{name}:{gateway.port}{PATH}"
            with pytest.raises(InvalidStatus) as caught:
                async with connect(address, host="127.0.0.1", additional_headers=headers):
                    pass
            return caught.value.response

    answer = run(scenario())

    assert answer.status_code == status
    assert json.loads(answer.body)["error"]["message"]


@pytest.mark.parametrize("path", ["/responses", "/v1/responses", "/v1/v1/responses"])
def test_the_socket_is_there_with_and_without_the_version_and_with_the_key(path):
    async def scenario():
        key = {"POINTSMAN_API_KEY": "secret"}
        async with Upstream(says()) as up, kept_rig(forgetful=up, environment=key) as gateway:
            address = f"ws://127.0.0.1:{gateway.port}{path}"
            async with connect(address, additional_headers={"Authorization": "Bearer secret"}) as socket:
                return (await asked(socket, "a"))[-1]["type"]

    assert run(scenario()) == "response.completed"


@pytest.mark.parametrize("path", ["/v1/messages", "/v1/chat/completions", "/nowhere"])
def test_where_no_dialect_has_one_the_wish_for_a_socket_is_passed_over(path):
    async def scenario():
        async with Upstream() as up, kept_rig(forgetful=up) as gateway:
            with pytest.raises(InvalidStatus) as caught:
                async with connect(f"ws://127.0.0.1:{gateway.port}{path}"):
                    pass
            return caught.value.response.status_code

    assert run(scenario()) == 404


def test_what_is_remembered_counts_among_what_the_endpoint_holds():
    async def scenario():
        async with Upstream(always=says("x" * 50_000)) as up, kept_rig(forgetful=up) as gateway:
            buffers = gateway.app.service.buffers
            async with socket_to(gateway) as socket:
                await asked(socket, "a")
                await eventually(lambda: 50_000 < buffers.held < 60_000)
                await asked(socket, "b")
                await eventually(lambda: 50_000 < buffers.held < 60_000)
            await eventually(lambda: buffers.held == 0)

    run(scenario())

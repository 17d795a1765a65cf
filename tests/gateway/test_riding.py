"""Riding: turns of a WebSocket client over the upstream's own WebSocket, and what becomes without it."""

import asyncio
import contextlib
import json

import pytest
from kept import KEYS, MODELS, PATH, events, frames, kept_rig, response, said_to, says
from msgspec import structs
from rig import eventually
from socket_upstream import CUT, SocketUpstream
from websockets.asyncio.client import connect

from pointsman.upstream.seat import RENEWED
from pointsman.wire.envelope import PREFIX
from scripted import Upstream, json_reply, run, run_jumping, sse

BETA = ("OpenAI-Beta", "responses_websockets=2026-02-06")


@contextlib.asynccontextmanager
async def riding(*script, **options):
    """An upstream with WebSockets, a gateway before it, and a client's own to that."""
    async with (
        SocketUpstream(*script) as up,
        kept_rig(keeper=up, **options) as gateway,
        connect(
            f"ws://127.0.0.1:{gateway.port}{PATH}", additional_headers=[BETA], ping_interval=None
        ) as socket,
    ):
        yield up, gateway, socket


async def asked(socket, text, **fields):
    body = {"type": "response.create", "model": MODELS["keeper"], "input": text, "store": False, **fields}
    await socket.send(json.dumps(body))
    messages = []
    while not messages or messages[-1]["type"] not in {"response.completed", "error"}:
        messages.append(json.loads(await socket.recv()))
    return messages


def error(code, status=400, **fields):
    told = {"type": "invalid_request_error", "code": code, "message": f"it is {code}", "param": None}
    return {"type": "error", "status": status, "error": told, **fields}


def test_a_turn_goes_over_the_upstream_s_own_socket_and_comes_back_as_it_is():
    whole = response("resp_1")

    async def scenario():
        async with riding(events(whole)) as (up, gateway, socket):
            messages = await asked(socket, "a", stream_id="main")
            await eventually(lambda: not gateway.tally.in_flight)
            return messages, up, gateway.tally.backends["keeper"]

    messages, up, counts = run(scenario())

    assert messages == [{"stream_id": "main", **event} for event in events(whole)]
    assert up.messages == [(0, {"type": "response.create", "model": "gpt-x", "input": "a", "store": False})]
    assert up.heads[0]["authorization"] == f"Bearer {KEYS['KEEPER_KEY']}"
    assert up.heads[0]["openai-beta"] == BETA[1]
    assert up.heads[0]["via"]
    assert counts.output_tokens == 2


def test_what_the_upstream_remembers_is_continued_by_its_id_alone():
    async def scenario():
        async with riding(events(response("resp_1")), events(response("resp_2"))) as (up, _, socket):
            await asked(socket, "a")
            await asked(socket, "b", previous_response_id="resp_1")
            return up

    up = run(scenario())

    (first, _), (second, message) = up.messages
    assert first == second == 0
    assert (message["previous_response_id"], message["input"]) == ("resp_1", "b")


def test_each_lane_has_a_socket_of_its_own_and_a_fork_takes_the_conversation_along():
    async def scenario():
        script = [events(response(f"resp_{number}", f"{number}.")) for number in (1, 2, 3)]
        async with riding(*script) as (up, _, socket):
            await asked(socket, "a", stream_id="main")
            await asked(socket, "b", stream_id="critic", previous_response_id="resp_1")
            await asked(socket, "c", stream_id="main", previous_response_id="resp_1")
            return up

    up = run(scenario())

    assert [number for number, _ in up.messages] == [0, 1, 0]
    fork, main = up.messages[1][1], up.messages[2][1]
    assert "previous_response_id" not in fork
    assert [item["role"] for item in fork["input"]] == ["user", "assistant", "user"]
    assert main["previous_response_id"] == "resp_1"


def test_a_socket_that_has_gone_means_the_conversation_is_sent_whole():
    async def scenario():
        script = [[*events(response("resp_1", "One.")), CUT], events(response("resp_2"))]
        async with riding(*script) as (up, _, socket):
            await asked(socket, "a")
            await up.all_gone.wait()
            messages = await asked(socket, "b", previous_response_id="resp_1")
            return messages, up

    messages, up = run(scenario())

    assert messages[-1]["type"] == "response.completed"
    number, message = up.messages[1]
    assert number == 1
    assert "previous_response_id" not in message
    assert [item.get("role") for item in message["input"]] == ["user", "assistant", "user"]


@pytest.mark.parametrize("code", ["websocket_connection_limit_reached", "previous_response_not_found"])
def test_an_upstream_that_lets_go_of_its_socket_is_asked_over_a_new_one(code):
    async def scenario():
        script = [events(response("resp_1")), [error(code)], events(response("resp_2"))]
        async with riding(*script) as (up, gateway, socket):
            gateway.hurry()
            await asked(socket, "a")
            messages = await asked(socket, "b", previous_response_id="resp_1")
            return messages, up

    messages, up = run(scenario())

    assert messages[-1]["response"]["id"] == "resp_2"
    assert [number for number, _ in up.messages] == [0, 0, 1]
    assert "previous_response_id" not in up.messages[2][1]


def test_an_answer_that_the_upstream_does_not_know_is_said_as_it_is_and_the_latest_one_stays():
    async def scenario():
        unknown = error("previous_response_not_found")
        script = [events(response("resp_1")), [unknown], events(response("resp_2"))]
        async with riding(*script) as (up, _, socket):
            await asked(socket, "a")
            refused = await asked(socket, "b", previous_response_id="resp_nope")
            again = await asked(socket, "c", previous_response_id="resp_1")
            return refused[-1], again[-1], [number for number, _ in up.messages]

    refused, again, connections = run(scenario())

    assert (refused["status"], refused["error"]["code"]) == (400, "previous_response_not_found")
    assert again["type"] == "response.completed"
    assert connections == [0, 0, 0]


def test_an_upstreams_error_comes_with_all_that_it_says():
    limits = {"plan_type": "pro", "resets_in_seconds": 100}

    async def scenario():
        limited = error("usage", 429, headers={"x-codex-primary-used-percent": "100"})
        limited["error"] |= {"type": "usage_limit_reached", **limits}
        async with riding([limited]) as (_, _, socket):
            return (await asked(socket, "a"))[-1]

    told = run(scenario())

    assert told["status"] == 429
    assert told["error"].items() >= {"type": "usage_limit_reached", **limits}.items()
    assert told["headers"]["x-codex-primary-used-percent"] == "100"


def test_a_socket_is_renewed_before_the_upstream_ends_it():
    async def scenario(loop):
        script = [events(response("resp_1")), events(response("resp_2"))]
        async with riding(*script) as (up, _, socket):
            await asked(socket, "a")
            loop.jump(RENEWED + 1)
            await asked(socket, "b")
            return [number for number, _ in up.messages]

    assert run_jumping(scenario) == [0, 1]


def test_an_error_of_the_upstream_s_is_an_error_of_the_turn_and_the_socket_goes_on():
    async def scenario():
        limited = error("invalid_prompt", 400, headers={"retry-after": "900"})
        script = [[limited], events(response("resp_2"))]
        async with riding(*script) as (up, _, socket):
            return await asked(socket, "a"), await asked(socket, "b"), [number for number, _ in up.messages]

    failed, after, connections = run(scenario())

    assert failed[-1]["status"] == 400
    assert failed[-1]["error"]["code"] == "invalid_prompt"
    assert failed[-1]["headers"] == {"retry-after": "900"}
    assert after[-1]["type"] == "response.completed"
    assert connections == [0, 0]


def test_an_overload_is_tried_again():
    async def scenario():
        script = [[error("server_is_overloaded", 503)], events(response("resp_2"))]
        async with riding(*script) as (up, gateway, socket):
            gateway.hurry()
            return (await asked(socket, "a"))[-1]["type"], len(up.messages)

    assert run(scenario()) == ("response.completed", 2)


def test_an_error_that_repeats_our_key_loses_it():
    async def scenario():
        said = error("bad")
        said["error"]["message"] = f"what is {KEYS['KEEPER_KEY']}?"
        async with riding([said]) as (_, _, socket):
            return await asked(socket, "a")

    [told] = run(scenario())

    assert told["status"] == 400
    assert KEYS["KEEPER_KEY"] not in json.dumps(told)


def test_an_answer_that_breaks_off_is_an_error_and_the_next_turn_has_a_new_socket():
    async def scenario():
        script = [[*events(response("resp_1"))[:6], CUT], events(response("resp_2"))]
        async with riding(*script) as (up, _, socket):
            return await asked(socket, "a"), await asked(socket, "b"), [number for number, _ in up.messages]

    broken, after, connections = run(scenario())

    assert broken[-1]["type"] == "error"
    assert broken[-1]["status"] >= 500
    assert after[-1]["type"] == "response.completed"
    assert connections == [0, 1]


@pytest.mark.parametrize("begun", [True, False], ids=["in its answer", "before its first word"])
def test_a_client_that_leaves_ends_the_upstream_s_socket_within_a_second(begun):
    async def scenario():
        never = asyncio.Event()
        async with riding([*events(response("resp_1"))[: 6 if begun else 0], never]) as (up, gateway, socket):
            body = {"type": "response.create", "model": MODELS["keeper"], "input": "a", "store": False}
            await socket.send(json.dumps(body))
            await up.arrived.wait()
            if begun:
                await socket.recv()
            socket.transport.abort()
            connection = up.open[0]
            async with asyncio.timeout(1):
                await connection.wait_closed()
            never.set()
            await gateway.settled()

    run(scenario())


def test_a_client_that_leaves_between_turns_leaves_no_socket_behind():
    async def scenario():
        async with riding(events(response("resp_1"))) as (up, _, socket):
            await asked(socket, "a")
            await socket.close()
            async with asyncio.timeout(2):
                await up.all_gone.wait()

    run(scenario())


def test_an_upstream_that_refuses_the_handshake_is_asked_over_http_and_not_for_a_socket_again():
    async def scenario():
        replies = [json_reply({}, 404), says("One."), says("Two.")]
        async with (
            Upstream(*replies) as up,
            kept_rig(keeper=up) as gateway,
            connect(f"ws://127.0.0.1:{gateway.port}{PATH}") as socket,
        ):
            first = (await asked(socket, "a"))[-1]["response"]["id"]
            await asked(socket, "b", previous_response_id=first)
            return up.requests

    requests = run(scenario())

    assert [seen.method for seen in requests] == ["GET", "POST", "POST"]
    assert said_to(requests[2]) == [("user", "a"), ("assistant", "One."), ("user", "b")]


def test_a_request_that_has_to_be_rewritten_goes_whole_and_over_http():
    async def scenario():
        whole = response("resp_2")
        async with (
            SocketUpstream(events(response("resp_1", "One."))) as riding_up,
            Upstream(sse(*frames(whole))) as plain,
            kept_rig(keeper=riding_up) as gateway,
            connect(f"ws://127.0.0.1:{gateway.port}{PATH}") as socket,
        ):
            await asked(socket, "a")
            network = gateway.parts.transport
            sent = network.send

            async def elsewhere(outgoing):
                # The same host speaks HTTP as well; here it is another port.
                url = outgoing.url.replace(riding_up.url, plain.url)
                return await sent(outgoing if outgoing.ride else structs.replace(outgoing, url=url))

            network.send = elsewhere
            messages = await asked(socket, f"{PREFIX}x", previous_response_id="resp_1")
            return messages, plain.requests[0].json()

    messages, body = run(scenario())

    assert messages[-1]["type"] == "response.completed"
    assert "previous_response_id" not in body
    assert [item.get("role") for item in body["input"]] == ["user", "assistant", "user"]


def test_a_kept_conversation_goes_on_over_a_socket_by_its_id():
    async def scenario():
        script = [events(response("resp_1")), events(response("resp_2"))]
        async with riding(*script) as (up, gateway, socket):
            await asked(socket, "a", store=True)
            await eventually(lambda: gateway.parts.responses.database.trouble is None)
            async with connect(f"ws://127.0.0.1:{gateway.port}{PATH}") as other:
                await asked(other, "b", store=True, previous_response_id="resp_1")
            return up.messages[1]

    number, message = run(scenario())

    assert number == 1
    assert (message["previous_response_id"], message["input"]) == ("resp_1", "b")


def test_http_clients_are_served_over_http_as_before():
    async def scenario():
        whole = response("resp_1")
        async with Upstream(sse(*frames(whole))) as up, kept_rig(keeper=up) as gateway:
            answer = await gateway.post(PATH, {"model": MODELS["keeper"], "input": "a", "stream": True})
            return answer.events[-1]["response"] == whole, up.requests[0].method

    assert run(scenario()) == (True, "POST")

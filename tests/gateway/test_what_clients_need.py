"""What follows from how current clients connect: each line of it, end to end."""

import json

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, EVERY_PAIR, RESPONSES

from scripted import Reply, Upstream, json_reply, run

BEARER_ONLY = (("authorization", "Bearer pointsman"), ("anthropic-version", "2026-10-21"))
TOOLS = [{"name": "t", "input_schema": {"type": "object"}}]


def crossing(**fields):
    """A request of an Anthropic client to a Chat upstream: the answer, and what the upstream saw."""

    async def scenario():
        async with Upstream(CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", **fields)
            return answer, [request.json() for request in server.requests]

    return run(scenario())


@EVERY_PAIR
def test_a_stream_request_is_never_answered_with_a_200_in_json(client, upstream):
    async def scenario():
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.header("content-type").startswith("text/event-stream")
            assert client.ended(answer)
            if client is ANTHROPIC:
                assert all(
                    name == data["type"] for (name, _), data in zip(answer.frames, answer.events, strict=True)
                )
                assert answer.events[-2]["usage"]["output_tokens"] == 4
            elif client is RESPONSES:
                assert [name for name, _ in answer.frames] == [data["type"] for data in answer.events]
                assert answer.events[-1]["response"]["usage"]["output_tokens"] == 4
            else:
                reasons = [
                    data["choices"][0]["finish_reason"] for data in answer.events[:-1] if data["choices"]
                ]
                assert reasons[-1] == "stop"

    run(scenario())


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_an_anthropic_request_with_a_bearer_alone_is_an_anthropic_request(stream):
    async def scenario():
        reply = ANTHROPIC.stream() if stream else ANTHROPIC.whole()
        environment = {"UP": "sk-up", "POINTSMAN_API_KEY": "pointsman"}
        async with (
            Upstream(reply) as server,
            rig(anthropic=server, backend='key_env = "UP"', environment=environment) as gateway,
        ):
            answer = await gateway.post("/v1/messages", ANTHROPIC.request(stream=stream), *BEARER_ONLY)
            models = await gateway.get("/v1/models?limit=1000", *BEARER_ONLY)

            assert ANTHROPIC.text(answer) == "Hello there"
            assert server.requests[0].header("anthropic-version") == "2026-10-21"
            assert server.requests[0].header("x-api-key") == "sk-up"
            assert server.requests[0].header("authorization") is None
            assert "has_more" in models.json()

    run(scenario())


def test_an_error_for_an_anthropic_request_with_a_bearer_alone_is_in_its_dialect():
    async def scenario():
        async with rig(anthropic="http://127.0.0.1:9") as gateway:
            answer = await gateway.post("/v1/messages", {"model": "nobody"}, *BEARER_ONLY)

            assert ANTHROPIC.error(answer)["type"] == "not_found_error"

    run(scenario())


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
def test_a_thread_is_relayed_to_an_upstream_that_has_it(thread):
    async def scenario():
        beta = ("anthropic-beta", "message-threads-2026-08-12")
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, beta, thread=thread)

            assert answer.status == 200
            assert server.requests[0].json()["thread"] == thread
            assert server.requests[0].header("anthropic-beta") == beta[1]

    run(scenario())


@pytest.mark.parametrize("thread", [{"type": "create"}, {"type": "continue", "previous_message_id": "msg_1"}])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_thread_that_would_have_to_be_translated_is_refused_in_the_clients_words(thread, stream):
    answer, seen = crossing(thread=thread, stream=stream)

    assert answer.status == 400
    assert ANTHROPIC.error(answer)["details"]["error_code"] == "thread_unsupported_request"
    assert seen == []


SYSTEM_ENTRIES = {
    "a string": "Be brief.",
    "a list": [{"type": "text", "text": "Be brief."}],
    "nothing": [],
}


def conversation(entry):
    return [
        {"role": "user", "content": "one"},
        {"role": "user", "content": [{"type": "text", "text": "two"}]},
        {"role": "system", "content": entry, "output_config": {"effort": "low"}},
        {"role": "assistant", "content": "three"},
        {"role": "user", "content": "four"},
    ]


@pytest.mark.parametrize("entry", SYSTEM_ENTRIES)
def test_system_entries_among_the_messages_go_to_anthropic_as_they_are(entry):
    async def scenario():
        messages = conversation(SYSTEM_ENTRIES[entry])
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            await gateway.ask(ANTHROPIC, messages=messages)

            assert server.requests[0].json()["messages"] == messages

    run(scenario())


@pytest.mark.parametrize("entry", SYSTEM_ENTRIES)
def test_problem_19_system_entries_among_the_messages_keep_their_place_in_chat(entry):
    answer, seen = crossing(messages=conversation(SYSTEM_ENTRIES[entry]))
    texts = [(message["role"], json.dumps(message["content"])) for message in seen[0]["messages"]]
    at = next((place for place, (_, text) in enumerate(texts) if "Be brief." in text), None)

    assert answer.status == 200
    if entry == "nothing":
        assert at is None
    else:
        assert texts[at][0] in ("system", "developer", "user")
        assert any("two" in text for _, text in texts[:at])
        assert "three" in texts[at + 1][1]
    assert "four" in texts[-1][1]


def test_deferred_tools_are_no_reason_to_fail():
    tools = [
        *TOOLS,
        {"name": "DeferredToolPlaceholder", "input_schema": {"type": "object"}, "defer_loading": True},
    ]
    answer, seen = crossing(tools=tools)

    assert answer.status == 200
    assert "t" in [tool["function"]["name"] for tool in seen[0]["tools"]]
    assert "defer_loading" not in json.dumps(seen[0])


@pytest.mark.parametrize(
    "agent", ["claude-cli/0.24.4 (external, cli)", "claude-cli/2.1.330 (external, cli)", "curl/8", ""]
)
def test_a_user_agent_proves_nothing(agent):
    async def scenario():
        fields = (("user-agent", agent), ("x-app", "cli"))
        async with Upstream(always=ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            first = await gateway.ask(ANTHROPIC, *fields)
            second = await gateway.ask(CHAT, *fields, backend="anthropic")

            assert ANTHROPIC.text(first) == CHAT.text(second) == "Hello there"
            assert server.requests[0].header("user-agent") == (agent or None) or agent == ""

    run(scenario())


def test_a_request_as_claude_code_sends_it_reaches_a_chat_upstream():
    fields = {
        "system": [
            {"type": "text", "text": "x-anthropic-billing-header: cc_version=2.1.330; cc_entrypoint=sdk-cli"},
            {"type": "text", "text": "You are an agent.", "cache_control": {"type": "ephemeral"}},
        ],
        "metadata": {"user_id": '{"device_id":"d","account_uuid":"","session_id":"s"}'},
        "max_tokens": 128000,
        "thinking": {"type": "adaptive", "display": "omitted"},
        "context_management": {"edits": [{"type": "clear_thinking_20251015", "keep": "all"}]},
        "output_config": {"effort": "high"},
        "tools": [
            {
                **TOOLS[0],
                "input_schema": {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"},
            }
        ],
    }
    answer, seen = crossing(**fields)

    assert answer.status == 200
    assert "You are an agent." in json.dumps(seen[0]["messages"][:2])
    assert "context_management" not in seen[0]
    assert "cache_control" not in json.dumps(seen[0])


def test_a_tool_result_that_is_an_array_of_parts_is_understood():
    async def scenario():
        call = {"id": "call_1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
        messages = [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": None, "tool_calls": [call]},
            {"role": "tool", "tool_call_id": "call_1", "content": [{"type": "text", "text": "done"}]},
        ]
        tools = [{"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}]
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            answer = await gateway.ask(CHAT, backend="anthropic", messages=messages, tools=tools)

            assert answer.status == 200
            assert "done" in json.dumps(server.requests[0].json()["messages"][-1])

    run(scenario())


THINKING = {"type": "thinking", "thinking": "hm", "signature": "EqQBCgIYAhIM+/=="}
REDACTED = {"type": "redacted_thinking", "data": "EmwKAhgBEgy+/=="}


def turn(*blocks):
    return [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [*blocks, {"type": "text", "text": "b"}]},
        {"role": "user", "content": "c"},
    ]


def test_problem_08_thinking_goes_back_to_its_own_provider_byte_by_byte():
    async def scenario():
        messages = turn(THINKING, REDACTED)
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            await gateway.ask(ANTHROPIC, messages=messages)

            assert server.requests[0].json()["messages"] == messages

    run(scenario())


def test_problem_08_foreign_thinking_carries_no_signature_elsewhere():
    answer, seen = crossing(messages=turn(THINKING, REDACTED))

    assert answer.status == 200
    assert THINKING["signature"] not in json.dumps(seen[0])
    assert REDACTED["data"] not in json.dumps(seen[0])


def test_problem_08_a_signature_travels_through_chat_and_comes_back_byte_by_byte():
    async def scenario():
        use = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": {}}
        first = {**ANTHROPIC.answer, "content": [THINKING, REDACTED, use], "stop_reason": "tool_use"}
        tools = [{"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}]
        fields = {"tools": tools, "reasoning_effort": "high", "max_tokens": 9000}
        async with Upstream(json_reply(first), ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            answer = await gateway.ask(CHAT, backend="anthropic", **fields)
            said = answer.json()["choices"][0]["message"]
            result = {"role": "tool", "tool_call_id": said["tool_calls"][0]["id"], "content": "ok"}
            messages = [{"role": "user", "content": "Hello"}, said, result]
            await gateway.ask(CHAT, backend="anthropic", messages=messages, **fields)

            replayed = server.requests[1].json()["messages"][1]["content"]
            assert replayed[:2] == [THINKING, REDACTED]
            assert THINKING["signature"] not in said["tool_calls"][0]["id"]

    run(scenario())


def test_problem_10_reasoning_is_sent_back_to_a_backend_that_demands_it():
    async def scenario():
        call = {"id": "call_1", "type": "function", "function": {"name": "t", "arguments": "{}"}}
        message = {"role": "assistant", "content": None, "reasoning_content": "hm", "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        first = json_reply({**CHAT.answer, "choices": [choice]})
        traits = 'traits = { echo_reasoning = "tool_calls" }'
        async with (
            Upstream(first, CHAT.whole()) as server,
            rig(openai_chat=server, backend=traits) as gateway,
        ):
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", tools=TOOLS)
            blocks = answer.json()["content"]
            result = {"type": "tool_result", "tool_use_id": blocks[-1]["id"], "content": "ok"}
            messages = [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": blocks},
                {"role": "user", "content": [result]},
            ]
            await gateway.ask(ANTHROPIC, backend="openai_chat", tools=TOOLS, messages=messages)

            assert server.requests[1].json()["messages"][1]["reasoning_content"] == "hm"

    run(scenario())


def test_problem_17_empty_text_is_left_out_for_anthropic_and_an_orphan_result_is_named():
    async def scenario():
        messages = [
            {"role": "user", "content": "a"},
            {"role": "assistant", "content": ""},
            {"role": "user", "content": [{"type": "text", "text": ""}, {"type": "text", "text": "b"}]},
        ]
        orphan = [{"role": "tool", "tool_call_id": "call_9", "content": "x"}]
        async with Upstream(always=ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            await gateway.ask(CHAT, backend="anthropic", messages=messages)
            answer = await gateway.ask(CHAT, backend="anthropic", messages=[messages[0], *orphan])

            assert '"text": ""' not in json.dumps(server.requests[0].json())
            assert answer.status == 400
            assert "call_9" in CHAT.error(answer)["message"]
            assert len(server.requests) == 1

    run(scenario())


def test_small_pieces_carriage_returns_and_missing_event_names_are_read():
    async def scenario():
        plain = b"".join(
            frame.partition(b"\n")[2] if frame.startswith(b"event") else frame for frame in ANTHROPIC.frames
        )
        whole = plain.replace(b"\n", b"\r\n")
        pieces = [whole[start : start + 7] for start in range(0, len(whole), 7)]
        reply = Reply(200, (("content-type", "text/event-stream"),), pieces, chunked=True)
        async with Upstream(reply) as server, rig(anthropic=server) as gateway:
            answer = await gateway.ask(CHAT, backend="anthropic", stream=True)

            assert CHAT.text(answer) == "Hello there"

    run(scenario())

"""Every pair of dialects, whole and streamed: who asks, who answers, and what is said about the way."""

import json

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, EVERY_PAIR, GEMINI, NAMING_PAIRS, RESPONSES, chunk, event

from scripted import Reply, Upstream, json_reply, run, sse

CROSSED = [(ANTHROPIC, CHAT), (CHAT, ANTHROPIC)]
BOTH_WAYS = pytest.mark.parametrize(
    ("client", "upstream"), CROSSED, ids=["chat upstream", "anthropic upstream"]
)
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
TOOL = {"name": "get_weather", "description": "x", "parameters": {"type": "object", "properties": {}}}


@EVERY_PAIR
@STREAMED
def test_each_pair_answers(client, upstream, stream):
    async def scenario():
        reply = upstream.stream() if stream else upstream.whole()
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=stream)

            form = "relay" if client is upstream else "translate"
            kind = "text/event-stream" if stream else "application/json"
            assert (answer.status, answer.whole) == (200, True)
            assert client.text(answer) == "Hello there"
            assert answer.header("content-type").startswith(kind)
            assert answer.header("x-pointsman-form") == form
            assert answer.header("x-pointsman-backend") == upstream.name
            assert not stream or client.is_last(answer.events[-1])
            assert upstream.asked_to_stream(server.requests[0]) is stream

    run(scenario())


@NAMING_PAIRS
@STREAMED
@pytest.mark.parametrize("named", [{}, {"model": None}, {"model": ""}], ids=["left out", "null", "empty"])
def test_an_answer_to_a_request_that_names_no_model_names_the_one_that_answers(
    client, upstream, stream, named
):
    async def scenario():
        body = {name: value for name, value in client.request().items() if name != "model"}
        body |= {**named, "stream": stream}
        reply = upstream.stream() if stream else upstream.whole()
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.post(client.path, body, *client.headers)

            assert answer.status == 200
            assert f'"model":"{upstream.model}"'.encode() in answer.body.replace(b'": "', b'":"')

    run(scenario())


@EVERY_PAIR
def test_a_whole_answer_where_a_stream_was_asked_becomes_a_stream(client, upstream):
    async def scenario():
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.header("content-type").startswith("text/event-stream")
            assert client.text(answer) == "Hello there"
            assert client.is_last(answer.events[-1])

    run(scenario())


@EVERY_PAIR
def test_a_stream_where_a_whole_answer_was_asked_is_gathered(client, upstream):
    async def scenario():
        async with Upstream(upstream.stream()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name)

            assert answer.header("content-type") == "application/json"
            assert client.text(answer) == "Hello there"

    run(scenario())


def test_a_stream_made_of_a_whole_answer_ends_with_usage_where_the_client_asked_for_it():
    async def scenario():
        async with Upstream(CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(CHAT, stream=True, stream_options={"include_usage": True})

            assert answer.events[-2]["usage"]["completion_tokens"] == 4

    run(scenario())


@BOTH_WAYS
def test_every_frame_of_an_anthropic_stream_is_named(client, upstream):
    async def scenario():
        async with Upstream(upstream.stream()) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            names = {name for name, _ in answer.frames}
            assert (None in names) is (client is CHAT)

    run(scenario())


@BOTH_WAYS
def test_a_translated_request_carries_the_user_agent_and_no_other_field_of_the_client(client, upstream):
    async def scenario():
        fields = (
            ("user-agent", "mine/1"),
            ("x-stainless-lang", "js"),
            ("cookie", "a=b"),
            ("traceparent", "00-1-2-01"),
        )
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            await gateway.post(
                f"{client.path}?beta=true", client.request(upstream.name), *client.headers, *fields
            )

            seen = {name.lower(): value for name, value in server.requests[0].headers}
            expected = {
                "host",
                "user-agent",
                "traceparent",
                "content-type",
                "content-length",
                "via",
                "accept-encoding",
            }
            assert seen.keys() - {"anthropic-version"} == expected
            assert seen["user-agent"] == "mine/1"
            assert server.requests[0].target == upstream.upstream_path

    run(scenario())


@BOTH_WAYS
@STREAMED
def test_a_translated_answer_carries_an_id_where_the_dialects_clients_look_for_it(client, upstream, stream):
    async def scenario():
        reply = upstream.stream() if stream else upstream.whole()
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=stream)

            field = {"anthropic": "request-id", "openai_chat": "x-request-id"}[client.name]
            assert answer.header(field) == answer.header("x-pointsman-request-id") is not None

    run(scenario())


@BOTH_WAYS
def test_the_answer_names_the_model_and_keeps_the_upstreams_request_id(client, upstream):
    async def scenario():
        async with (
            Upstream(upstream.whole(("request-id", "req_up"))) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            answer = await gateway.ask(client, backend=upstream.name)

            assert answer.header("request-id") == "req_up"
            assert answer.header("x-pointsman-request-id")
            assert answer.json()["model"]

    run(scenario())


@BOTH_WAYS
@STREAMED
def test_what_a_translation_loses_stands_in_a_header(client, upstream, stream):
    async def scenario():
        extra = {"top_k": 5} if client is ANTHROPIC else {"seed": 5, "logit_bias": {"1": 2}}
        reply = upstream.stream() if stream else upstream.whole()
        async with Upstream(reply) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=stream, **extra)

            assert all(name in answer.header("x-pointsman-losses") for name in extra)
            assert not extra.keys() & server.requests[0].json().keys()

    run(scenario())


def test_more_than_one_choice_is_refused_by_an_upstream_that_gives_one():
    async def scenario():
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            answer = await gateway.ask(CHAT, backend="anthropic", n=2)

            assert answer.status == 400
            assert "n" in CHAT.error(answer)["message"]
            assert not server.requests

    run(scenario())


def tool_frames(*fragments):
    call = {
        "index": 0,
        "id": "call_1",
        "type": "function",
        "function": {"name": "get_weather", "arguments": ""},
    }
    yield chunk({"role": "assistant", "tool_calls": [call]})
    for fragment in fragments:
        yield chunk({"tool_calls": [{"index": 0, "function": {"arguments": fragment}}]})
    yield chunk({}, finish="tool_calls")
    yield b"data: [DONE]\n\n"


def test_problem_01_streamed_tool_arguments_arrive_fragment_by_fragment():
    async def scenario():
        fragments = ['{"ci', 'ty": "Pa', 'ris"}']
        async with Upstream(sse(*tool_frames(*fragments))) as server, rig(openai_chat=server) as gateway:
            tool = {"name": "get_weather", "input_schema": {"type": "object"}}
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", stream=True, tools=[tool])

            deltas = [data["delta"] for data in answer.events if data["type"] == "content_block_delta"]
            assert [delta["partial_json"] for delta in deltas if delta.get("partial_json")] == fragments
            assert answer.events[-2]["delta"]["stop_reason"] == "tool_use"

    run(scenario())


def test_problem_02_text_beside_an_empty_list_of_tool_calls_is_text():
    async def scenario():
        frames = [
            chunk({"role": "assistant", "content": "Hello", "tool_calls": calls}) for calls in ([], None)
        ]
        frames += [chunk({}, finish="stop"), b"data: [DONE]\n\n"]
        async with Upstream(sse(*frames)) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", stream=True)

            assert ANTHROPIC.text(answer) == "HelloHello"
            assert answer.events[-2]["delta"]["stop_reason"] == "end_turn"

    run(scenario())


def test_problem_03_interleaved_parallel_calls_become_blocks_one_after_the_other():
    async def scenario():
        def piece(index, **fields):
            return chunk({"tool_calls": [{"index": index, **fields}]})

        def named(index, name):
            return piece(index, id=f"call_{name}", type="function", function={"name": name, "arguments": ""})

        def more(index, text):
            return piece(index, function={"arguments": text})

        frames = [
            named(0, "a"),
            named(1, "b"),
            more(0, '{"x"'),
            more(1, '{"y"'),
            more(0, ":1}"),
            more(1, ":2}"),
        ]
        end = [chunk({}, finish="tool_calls"), b"data: [DONE]\n\n"]
        async with Upstream(sse(*frames, *end)) as server, rig(openai_chat=server) as gateway:
            tools = [{"name": name, "input_schema": {"type": "object"}} for name in "ab"]
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", stream=True, tools=tools)

            kinds = [(data["type"], data["index"]) for data in answer.events if "index" in data]
            order = [pair for pair in kinds if pair[0] != "content_block_delta"]
            assert order == [
                ("content_block_start", 0),
                ("content_block_stop", 0),
                ("content_block_start", 1),
                ("content_block_stop", 1),
            ]
            joined = ["", ""]
            for data in answer.events:
                if data["type"] == "content_block_delta":
                    joined[data["index"]] += data["delta"]["partial_json"]
            assert [json.loads(text) for text in joined] == [{"x": 1}, {"y": 2}]

    run(scenario())


def test_problem_04_a_tool_name_that_had_to_change_comes_back_as_it_was():
    async def scenario():
        name = "mcp.server/" + "x" * 80
        settings = 'traits = { tool_name_limit = 64, tool_name_charset = "a-zA-Z0-9_-" }'

        def answer_with_its_name(seen):
            sent = seen.json()["tools"][0]["function"]["name"]
            call = {"id": "call_1", "type": "function", "function": {"name": sent, "arguments": "{}"}}
            message = {"role": "assistant", "content": None, "tool_calls": [call]}
            choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
            return json_reply({**CHAT.answer, "choices": [choice]})

        async with (
            Upstream(answer_with_its_name) as server,
            rig(openai_chat=server, backend=settings) as gateway,
        ):
            fields = {"tools": [{"type": "function", "function": {**TOOL, "name": name}}]}
            answer = await gateway.ask(CHAT, **fields)

            sent = server.requests[0].json()["tools"][0]["function"]["name"]
            assert len(sent) <= 64
            assert answer.json()["choices"][0]["message"]["tool_calls"][0]["function"]["name"] == name
            assert answer.header("x-pointsman-form") == "translate"

    run(scenario())


def test_problem_12_a_marked_prefix_reaches_anthropic_byte_by_byte():
    async def scenario():
        mark = '"cache_control":{"type":"ephemeral","ttl":"1h"}'
        body = (
            '{"model":"anthropic:claude-x","max_tokens":5,"system":[{"type":"text","text":"a"},{"text":"b","type":"text",'
            + mark
            + '}],"tools":[{"name":"t","input_schema":{"type":"object"},'
            + mark
            + '}],"messages":[{"role":"user","content":[{"type":"text","text":"x",'
            + mark
            + "}]}]}"
        ).encode()
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            await gateway.post(ANTHROPIC.path, body, *ANTHROPIC.headers)

            assert server.requests[0].body == body.replace(b"anthropic:claude-x", b"claude-x")

    run(scenario())


@STREAMED
def test_problem_13_cached_tokens_are_counted_once_in_each_dialects_way(stream):
    async def scenario():
        usage = {
            "input_tokens": 5,
            "cache_read_input_tokens": 100,
            "cache_creation_input_tokens": 20,
            "output_tokens": 7,
        }
        answer = {**ANTHROPIC.answer, "usage": usage}
        start = {"type": "message_start", "message": {**answer, "content": [], "stop_reason": None}}
        frames = [
            b"event: message_start\ndata: " + json.dumps(start).encode() + b"\n\n",
            *ANTHROPIC.frames[1:],
        ]
        reply = sse(*frames) if stream else json_reply(answer)
        async with Upstream(reply) as server, rig(anthropic=server) as gateway:
            fields = {"stream": stream} | ({"stream_options": {"include_usage": True}} if stream else {})
            got = await gateway.ask(CHAT, backend="anthropic", **fields)
            await gateway.settled()

            seen = got.events[-2]["usage"] if stream else got.json()["usage"]
            assert seen["prompt_tokens"] == 125
            assert seen["prompt_tokens_details"]["cached_tokens"] == 100
            assert seen["total_tokens"] == seen["prompt_tokens"] + seen["completion_tokens"]
            assert gateway.tally.backends["anthropic"].input_tokens == 125

    run(scenario())


def test_problem_14_a_translated_stream_begins_with_an_estimate_and_ends_with_true_numbers():
    async def scenario():
        async with Upstream(CHAT.stream()) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", stream=True)

            start, end = answer.events[0]["message"]["usage"], answer.events[-2]["usage"]
            assert server.requests[0].json()["stream_options"] == {"include_usage": True}
            assert start["input_tokens"] > 0
            assert (end["input_tokens"], end["output_tokens"]) == (9, 4)

    run(scenario())


def test_a_chat_client_that_did_not_ask_for_usage_sees_none_of_it():
    async def scenario():
        async with Upstream(ANTHROPIC.stream()) as server, rig(anthropic=server) as gateway:
            answer = await gateway.ask(CHAT, backend="anthropic", stream=True)

            assert not any(data["usage"] for data in answer.events[:-1] if "usage" in data)
            assert all(data["choices"] for data in answer.events[:-1])

    run(scenario())


def test_problem_16_images_and_text_beside_a_tool_result_arrive():
    async def scenario():
        image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}}
        use = {"type": "tool_use", "id": "toolu_1", "name": "shot", "input": {}}
        result = {
            "type": "tool_result",
            "tool_use_id": "toolu_1",
            "content": [{"type": "text", "text": "done"}, image],
        }
        messages = [
            {"role": "user", "content": "go"},
            {"role": "assistant", "content": [use]},
            {"role": "user", "content": [result, {"type": "text", "text": "and now?"}]},
        ]
        async with Upstream(CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            tools = [{"name": "shot", "input_schema": {"type": "object"}}]
            await gateway.ask(ANTHROPIC, backend="openai_chat", messages=messages, tools=tools)

            sent = server.requests[0].json()["messages"]
            roles = [message["role"] for message in sent]
            assert roles[:3] == ["user", "assistant", "tool"]
            assert "done" in json.dumps(sent[2])
            assert "data:image/png;base64,aGk=" in json.dumps(sent[3:])
            assert "and now?" in json.dumps(sent[3:])

    run(scenario())


def test_problem_18_a_length_stop_is_a_length_stop_in_the_other_dialect():
    async def scenario():
        frames = [chunk({"content": "cut"}), chunk({}, finish="length"), b"data: [DONE]\n\n"]
        async with Upstream(sse(*frames)) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat", stream=True)

            ends = [data for data in answer.events if data["type"] == "message_stop"]
            assert answer.events[-2]["delta"]["stop_reason"] == "max_tokens"
            assert len(ends) == 1

    run(scenario())


def test_problem_20_betas_and_their_fields_pass_to_anthropic_together_and_to_others_not_at_all():
    async def scenario():
        beta = ("anthropic-beta", "context-management-2025-06-27,brand-new-2027-01-01")
        fields = {"context_management": {"edits": [{"type": "clear_thinking_20251015"}]}}
        async with (
            Upstream(ANTHROPIC.whole()) as theirs,
            Upstream(CHAT.whole()) as other,
            rig(anthropic=theirs, openai_chat=other) as gateway,
        ):
            await gateway.ask(ANTHROPIC, beta, **fields)
            crossed = await gateway.ask(ANTHROPIC, beta, backend="openai_chat", **fields)

            assert theirs.requests[0].header("anthropic-beta") == beta[1]
            assert theirs.requests[0].json()["context_management"] == fields["context_management"]
            assert other.requests[0].header("anthropic-beta") is None
            assert "context_management" not in other.requests[0].json()
            assert "context_management" in crossed.header("x-pointsman-losses")

    run(scenario())


def test_problem_21_a_schema_for_the_answer_is_carried_both_ways():
    async def scenario():
        schema = {
            "type": "object",
            "properties": {"a": {"type": "string"}},
            "required": ["a"],
            "additionalProperties": False,
        }
        wanted = {"format": {"type": "json_schema", "schema": schema}}
        chat = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema, "strict": True}}
        async with (
            Upstream(ANTHROPIC.whole()) as theirs,
            Upstream(CHAT.whole()) as other,
            rig(anthropic=theirs, openai_chat=other) as gateway,
        ):
            await gateway.ask(ANTHROPIC, backend="openai_chat", output_config=wanted)
            await gateway.ask(CHAT, backend="anthropic", response_format=chat)

            assert other.requests[0].json()["response_format"]["json_schema"]["schema"] == schema
            assert theirs.requests[0].json()["output_config"]["format"]["schema"] == schema

    run(scenario())


@pytest.mark.parametrize("streams", [False, True], ids=["whole", "gathered"])
def test_arguments_that_are_no_json_are_kept_and_named_in_a_whole_answer(streams):
    """The client asked for no stream, and reads an object: the text stands in one member of it."""

    async def scenario():
        function = {"name": "get_weather", "arguments": '{"town": "Ul'}
        part = {"id": "call_1", "type": "function", "function": function}
        message = {"role": "assistant", "content": None, "tool_calls": [part]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        whole = json_reply({**CHAT.answer, "choices": [choice]})
        delta = {"role": "assistant", "tool_calls": [{"index": 0, **part}]}
        streamed = sse(chunk(delta), chunk({}, finish="tool_calls"), b"data: [DONE]\n\n")
        async with Upstream(streamed if streams else whole) as server, rig(openai_chat=server) as gateway:
            answer = await gateway.ask(ANTHROPIC, backend="openai_chat")

            (block,) = answer.json()["content"]
            assert block["input"] == {"malformed_arguments": '{"town": "Ul'}
            assert "approximated tool_call.arguments" in answer.header("x-pointsman-losses")

    run(scenario())


@STREAMED
def test_a_client_of_functions_reads_a_function_call(stream):
    function = {"name": "get_weather", "parameters": {"type": "object", "properties": {}}}
    used = {"type": "tool_use", "id": "toolu_1", "name": "get_weather", "input": {}}

    async def scenario():
        head = {"type": "content_block_start", "index": 0, "content_block": used}
        closing = {
            "type": "message_delta",
            "delta": {"stop_reason": "tool_use"},
            "usage": {"output_tokens": 4},
        }
        events = [head, {"type": "content_block_stop", "index": 0}, closing, {"type": "message_stop"}]
        whole = json_reply({**ANTHROPIC.answer, "content": [used], "stop_reason": "tool_use"})
        streamed = sse(ANTHROPIC.frames[0], *map(event, events))
        async with Upstream(streamed if stream else whole) as server, rig(anthropic=server) as gateway:
            answer = await gateway.ask(CHAT, backend="anthropic", stream=stream, functions=[function])

            choices = (
                [each["choices"][0] for each in answer.events[:-1]] if stream else answer.json()["choices"]
            )
            said = [choice["delta" if stream else "message"] for choice in choices]
            assert choices[-1]["finish_reason"] == "function_call"
            assert any(each.get("function_call", {}).get("name") == "get_weather" for each in said)
            assert not any("tool_calls" in each for each in said)

    run(scenario())


def test_the_head_of_a_stream_names_what_is_known_to_be_lost_by_then():
    async def scenario():
        given = {**CHAT.answer, "system_fingerprint": "fp_1"}
        streamed = sse(
            chunk({"role": "assistant", "content": "Hi"}, system_fingerprint="fp_1"), *CHAT.frames[-2:]
        )
        async with Upstream(json_reply(given), streamed) as server, rig(openai_chat=server) as gateway:
            for _ in range(2):
                answer = await gateway.ask(ANTHROPIC, backend="openai_chat", stream=True)

                assert answer.events[-1] == ANTHROPIC.last
                assert "dropped system_fingerprint" in answer.header("x-pointsman-losses")

    run(scenario())


@pytest.mark.parametrize("client", [CHAT, RESPONSES, GEMINI], ids=lambda client: client.name)
def test_numbers_in_a_whole_answer_s_tool_arguments_stay_as_they_were_written(client):
    arguments = b'{"price":1.10,"exact":3.14159265358979323846,"far":1E5}'
    call = {"type": "tool_use", "id": "toolu_1", "name": "buy", "input": "HERE"}
    reply = json_reply({**ANTHROPIC.answer, "content": [call], "stop_reason": "tool_use"})
    body = reply.body.replace(b'"HERE"', arguments)

    async def scenario():
        answer = Reply(200, (("content-type", "application/json"),), [body])
        async with Upstream(answer) as server, rig(anthropic=server) as gateway:
            return await gateway.ask(client, backend="anthropic")

    told = run(scenario()).body.replace(b"\\", b"")

    assert b'"price":1.10' in told
    assert b'"exact":3.14159265358979323846' in told
    assert b'"far":1E5' in told


@pytest.mark.parametrize("upstream", [ANTHROPIC, CHAT, RESPONSES], ids=lambda voice: voice.name)
def test_a_conversation_without_a_form_for_the_target_is_refused(upstream):
    async def scenario():
        body = {"contents": [{"role": "user", "parts": [{"bogusPart": {}}]}]}
        async with Upstream() as server, rig(**{upstream.name: server}) as gateway:
            path = f"/v1beta/models/{upstream.model}:generateContent"
            answer = await gateway.post(path, body, *GEMINI.headers)

            assert answer.status == 400
            assert b"content to answer" in answer.body or b"nothing of the conversation" in answer.body
            assert server.requests == []

    run(scenario())

"""What goes wrong in systems like this one, as whole exchanges: what of it has no test elsewhere."""

import json

import pytest
from rig import eventually, rig
from voices import ANTHROPIC, CHAT, SAME, chunk, event

from scripted import Gate, Upstream, json_reply, run, sse

ARGUMENTS = {"city": "Paris", "days": [1, 2], "note": 'say "hé"'}
DONE = b"data: [DONE]\n\n"
CHAT_TOOL = {"type": "function", "function": {"name": "t", "parameters": {"type": "object"}}}
TOOL = {"name": "t", "input_schema": {"type": "object"}}


def crossing(upstream, reply, **fields):
    """A request of the other dialect's client: the answer, and the bodies that the upstream saw."""
    client = CHAT if upstream is ANTHROPIC else ANTHROPIC

    async def scenario():
        async with Upstream(always=reply) as server, rig(**{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, **fields)
            return answer, [seen.json() for seen in server.requests]

    return run(scenario())


def called(text=None, **function):
    call = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "t", **function}}
    return {"role": "assistant", "content": text, "tool_calls": [call]}


WHOLE_CALLS = {
    "in one chunk": [chunk(called(arguments=json.dumps(ARGUMENTS)))],
    "at the end only": [
        chunk(called()),
        chunk({}),
        chunk({"tool_calls": [{"index": 0, "function": {"arguments": json.dumps(ARGUMENTS)}}]}),
    ],
    "piece by piece": [
        chunk(called(arguments="")),
        *(
            chunk({"tool_calls": [{"index": 0, "function": {"arguments": letter}}]})
            for letter in json.dumps(ARGUMENTS)
        ),
    ],
}


@pytest.mark.parametrize("form", WHOLE_CALLS)
def test_problem_01_streamed_arguments_are_those_of_the_whole_answer(form):
    streamed, _ = crossing(
        CHAT, sse(*WHOLE_CALLS[form], chunk({}, finish="tool_calls"), DONE), stream=True, tools=[TOOL]
    )
    whole, _ = crossing(
        CHAT,
        json_reply(
            {
                **CHAT.answer,
                "choices": [
                    {
                        "index": 0,
                        "message": called(arguments=json.dumps(ARGUMENTS)),
                        "finish_reason": "tool_calls",
                    }
                ],
            }
        ),
        tools=[TOOL],
    )
    joined = "".join(
        data["delta"]["partial_json"] for data in streamed.events if data["type"] == "content_block_delta"
    )

    assert json.loads(joined) == whole.json()["content"][0]["input"] == ARGUMENTS


def test_problem_01_arguments_that_came_with_the_blocks_start_arrive():
    block = {"type": "tool_use", "id": "toolu_1", "name": "t", "input": ARGUMENTS}
    frames = [
        ANTHROPIC.frames[0],
        event({"type": "content_block_start", "index": 0, "content_block": block}),
        event({"type": "content_block_stop", "index": 0}),
        event({"type": "message_delta", "delta": {"stop_reason": "tool_use"}, "usage": {"output_tokens": 4}}),
        event({"type": "message_stop"}),
    ]
    answer, _ = crossing(ANTHROPIC, sse(*frames), stream=True, tools=[CHAT_TOOL])
    deltas = [data["choices"][0]["delta"] for data in answer.events[:-1] if data["choices"]]
    calls = [
        call["function"].get("arguments", "") for delta in deltas for call in delta.get("tool_calls", ())
    ]

    assert json.loads("".join(calls)) == ARGUMENTS


@pytest.mark.parametrize(
    "calls", [{}, {"tool_calls": None}, {"tool_calls": []}], ids=["missing", "null", "empty"]
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_problem_02_missing_null_and_empty_calls_are_the_same(calls, stream):
    said = {"role": "assistant", "content": "Hello", **calls}
    choice = {"index": 0, "message": said, "finish_reason": "stop"}
    whole = json_reply({**CHAT.answer, "choices": [choice]})
    reply = sse(chunk(said), chunk(calls, finish="stop"), DONE) if stream else whole
    answer, _ = crossing(CHAT, reply, stream=stream)

    assert ANTHROPIC.text(answer) == "Hello"
    assert b'"type":"tool_use"' not in answer.body


def test_problem_03_a_new_id_at_the_same_index_is_a_new_call():
    def call(name):
        function = {"name": name, "arguments": json.dumps({"n": name})}
        return chunk(
            {"tool_calls": [{"index": 0, "id": f"call_{name}", "type": "function", "function": function}]}
        )

    reply = sse(call("a"), call("b"), chunk({}, finish="tool_calls"), DONE)
    answer, _ = crossing(CHAT, reply, stream=True, tools=[{**TOOL, "name": name} for name in "ab"])
    starts = [data["content_block"] for data in answer.events if data["type"] == "content_block_start"]
    joined = ["", ""]
    for data in answer.events:
        if data["type"] == "content_block_delta":
            joined[data["index"]] += data["delta"]["partial_json"]

    assert [(start["id"], start["name"]) for start in starts] == [("call_a", "a"), ("call_b", "b")]
    assert [json.loads(text) for text in joined] == [{"n": "a"}, {"n": "b"}]


def test_problem_04_a_changed_name_is_the_same_in_the_history_and_in_the_choice():
    names = ["mcp.server/" + "x" * 80, "mcp.server/" + "x" * 80 + "y"]
    history = [
        {"role": "user", "content": "go"},
        {"role": "assistant", "content": [{"type": "tool_use", "id": "a", "name": names[0], "input": {}}]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "a", "content": "ok"}]},
    ]
    _, seen = crossing(
        CHAT,
        CHAT.whole(),
        messages=history,
        tools=[{**TOOL, "name": name} for name in names],
        tool_choice={"type": "tool", "name": names[0]},
    )
    sent = [tool["function"]["name"] for tool in seen[0]["tools"]]

    assert all(len(name) <= 64 and name.replace("_", "").replace("-", "").isalnum() for name in sent)
    assert len(set(sent)) == 2
    assert seen[0]["messages"][1]["tool_calls"][0]["function"]["name"] == sent[0]
    assert seen[0]["tool_choice"]["function"]["name"] == sent[0]


@pytest.mark.parametrize("tool", ["web_search_20250305", "code_execution_20250825", "brand_new_20300101"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_problem_07_a_server_tool_that_the_upstream_lacks_is_refused_before_anything_is_sent(tool, stream):
    answer, seen = crossing(CHAT, CHAT.whole(), tools=[TOOL, {"type": tool, "name": "hidden"}], stream=stream)

    assert answer.status == 400
    assert tool in ANTHROPIC.error(answer)["message"]
    assert not seen


def test_problem_07_a_search_that_only_chat_upstreams_have_is_refused_elsewhere():
    answer, seen = crossing(ANTHROPIC, ANTHROPIC.whole(), web_search_options={})

    assert answer.status == 400
    assert "web_search_options" in CHAT.error(answer)["message"]
    assert not seen


def test_problem_10_no_effort_is_asked_of_thinking_that_is_off():
    fields = {"thinking": {"type": "disabled"}, "output_config": {"effort": "high"}}
    answer, seen = crossing(CHAT, CHAT.whole(), **fields)

    assert answer.status == 200
    assert seen[0].get("reasoning_effort") in (None, "none", "minimal")


def test_problem_12_no_mark_is_invented_and_none_is_sent_to_who_does_not_know_it():
    mark = {"cache_control": {"type": "ephemeral"}}
    system = [{"type": "text", "text": "a", **mark}]
    _, to_chat = crossing(CHAT, CHAT.whole(), system=system, tools=[{**TOOL, **mark}])
    _, to_anthropic = crossing(ANTHROPIC, ANTHROPIC.whole(), tools=[CHAT_TOOL])

    assert "cache_control" not in json.dumps(to_chat)
    assert "cache_control" not in json.dumps(to_anthropic)


STOPS = {
    "a call that stops": (called(arguments="{}"), "stop", "tool_use"),
    "calls that are none": ({"content": "Hello"}, "tool_calls", "end_turn"),
    "a filter": ({"content": "Hel"}, "content_filter", "refusal"),
    "an unknown word": ({"content": "Hello"}, "something_new", "end_turn"),
}


@pytest.mark.parametrize("case", STOPS)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_problem_18_the_stop_reason_says_what_is_there_and_is_said_once(case, stream):
    said, finish, expected = STOPS[case]
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **said}, "finish_reason": finish}
    whole = json_reply({**CHAT.answer, "choices": [choice]})
    streamed = sse(chunk(said), chunk({}, finish=finish), chunk({}, finish=finish), DONE)
    answer, _ = crossing(CHAT, streamed if stream else whole, stream=stream, tools=[TOOL])

    if not stream:
        assert answer.json()["stop_reason"] == expected
        return
    ends = [data["type"] for data in answer.events if data["type"] in ("message_delta", "message_stop")]
    assert ends == ["message_delta", "message_stop"]
    assert answer.events[-2]["delta"]["stop_reason"] == expected


def test_problem_19_system_entries_pass_to_anthropic_with_their_beta():
    async def scenario():
        beta = ("anthropic-beta", "mid-conversation-system-2026-04-07")
        messages = [{"role": "user", "content": "a"}, {"role": "system", "content": "Be brief."}]
        async with Upstream(ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            await gateway.ask(ANTHROPIC, beta, messages=messages)

            assert server.requests[0].json()["messages"] == messages
            assert server.requests[0].header("anthropic-beta") == beta[1]

    run(scenario())


@SAME
def test_problem_28_each_frame_of_a_relay_arrives_before_the_next_is_sent(voice):
    async def scenario():
        gates = [Gate() for _ in voice.frames]
        steps = [step for pair in zip(voice.frames, gates, strict=True) for step in pair]
        async with (
            Upstream(sse(*steps)) as server,
            rig(**{voice.name: server}) as gateway,
            gateway.asking(voice, stream=True) as call,
        ):
            for number, gate in enumerate(gates):
                await gate.reached.wait()
                if number >= voice.content:
                    await call.until(b"".join(voice.frames[: number + 1]))
                gate.open()

            assert (await call.rest()).body == b"".join(voice.frames)

    run(scenario())


def test_problem_33_the_windows_of_models_are_told_as_they_are():
    async def scenario():
        listed = {"data": [{"id": "gpt-x", "context_window": 131_072, "max_completion_tokens": 8_192}]}
        async with (
            Upstream(always=json_reply(listed)) as server,
            rig(openai_chat=server, backend="models = []") as gateway,
        ):
            await eventually(lambda: gateway.parts.router.snapshot.catalogs.get("openai_chat"))
            answer = await gateway.get("/v1/models?client_version=1.0.0")

            assert b"131072" in answer.body

    run(scenario())

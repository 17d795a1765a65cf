"""The chats of Google's SDKs keep each response of a stream as a turn: to others they are one turn again."""

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, GEMINI, RESPONSES, chunk

from pointsman.wire.json import encode
from scripted import Upstream, json_reply, run, sse

SIGNED = {"type": "thinking", "thinking": "Which town? Ulm.", "signature": "EqQB+/sig=="}
ITEM = {
    "type": "reasoning",
    "id": "rs_1",
    "summary": [{"type": "summary_text", "text": "Ulm."}],
    "encrypted_content": "gAAA+/==",
}
LOOK = {"name": "look", "arguments": "{}"}
CALL = {"id": "call_1", "type": "function", "function": LOOK}
TOOLS = [{"functionDeclarations": [{"name": "look"}]}]


def kept(answer):
    """The turns that the SDK's chat keeps of a stream."""
    return [each["candidates"][0]["content"] for each in answer.events]


def response(id):
    return {"functionResponse": {"id": id, "name": "look", "response": {"output": "sunny"}}}


def user(*parts):
    return {"role": "user", "parts": list(parts)}


def model(*parts):
    return {"role": "model", "parts": list(parts)}


async def second_request(voice, first, id):
    """What the upstream gets with a tool's result, after a first answer that was streamed."""
    async with (
        Upstream(first, always=voice.whole()) as server,
        rig(**{voice.name: server}) as at,
    ):
        fields = {"backend": voice.name, "tools": TOOLS}
        answer = await at.ask(GEMINI, stream=True, **fields)
        turns = kept(answer)
        assert len(turns) > 2
        contents = [user({"text": "Hello"}), *turns, user(response(id))]
        again = await at.ask(GEMINI, contents=contents, **fields)
        assert again.status == 200
        return server.requests[1].json()


def test_chat_gets_one_message_with_its_calls_and_the_results_right_behind():
    frames = [chunk({"content": text}) for text in ("Let me ", "look.")]
    frames += [chunk({"tool_calls": [{"index": 0, **CALL}]}), chunk({}, finish="tool_calls")]

    sent = run(second_request(CHAT, sse(*frames, b"data: [DONE]\n\n"), "call_1"))

    assert sent["messages"] == [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": "Let me look.", "tool_calls": [CALL]},
        {"role": "tool", "tool_call_id": "call_1", "content": "sunny"},
    ]


def test_claude_gets_its_thinking_once():
    used = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    said = {"type": "text", "text": "Let me look."}
    answer = {**ANTHROPIC.answer, "content": [SIGNED, said, used], "stop_reason": "tool_use"}

    sent = run(second_request(ANTHROPIC, json_reply(answer), "toolu_1"))

    assert [turn["role"] for turn in sent["messages"]] == ["user", "assistant", "user"]
    assert sent["messages"][1]["content"] == [SIGNED, said, used]


def test_openai_gets_each_item_of_reasoning_once():
    call = {"type": "function_call", "id": "fc_1", "call_id": "call_1", **LOOK, "status": "completed"}
    answer = {**RESPONSES.answer, "output": [ITEM, *RESPONSES.answer["output"], call]}

    sent = run(second_request(RESPONSES, json_reply(answer), "call_1"))

    kinds = [item.get("type", "message") for item in sent["input"]]
    assert kinds == ["message", "reasoning", "message", "function_call", "function_call_output"]
    assert sent["input"][1] == ITEM


def test_parallel_calls_that_are_kept_as_a_turn_each_are_answered_together():
    calls = [model({"functionCall": {"id": f"call_{at}", "name": "look", "args": {}}}) for at in (1, 2)]
    answers = [user(response("call_1")), user(response("call_2"))]
    contents = [user({"text": "Hello"}), *calls, model({"text": ""}), *answers]

    async def scenario():
        async with Upstream(CHAT.whole()) as server, rig(openai_chat=server) as at:
            await at.ask(GEMINI, backend="openai_chat", contents=contents, tools=TOOLS)
            _, asked, *results = server.requests[0].json()["messages"]
            assert [call["id"] for call in asked["tool_calls"]] == ["call_1", "call_2"]
            assert [(each["role"], each["tool_call_id"]) for each in results] == [
                ("tool", "call_1"),
                ("tool", "call_2"),
            ]

    run(scenario())


@pytest.mark.parametrize("voice", [CHAT, ANTHROPIC, RESPONSES], ids=lambda voice: voice.name)
def test_a_result_that_gemini_cli_sends_twice_reaches_others_once(voice):
    asks = model({"functionCall": {"id": "call_1", "name": "look", "args": {}}})
    contents = [user({"text": "Hello"}), asks, user(response("call_1"), response("call_1"))]

    async def scenario():
        async with Upstream(voice.whole()) as server, rig(**{voice.name: server}) as at:
            answer = await at.ask(GEMINI, backend=voice.name, contents=contents, tools=TOOLS)
            assert server.requests[0].body.count(b"sunny") == 1
            assert "tool_result" not in (answer.header("x-pointsman-losses") or "")

    run(scenario())


def test_what_led_to_a_call_comes_back_though_a_result_before_it_is_sent_twice():
    def asks(number):
        return {"functionCall": {"id": f"toolu_{number}", "name": "look", "args": {}}}

    used = {"type": "tool_use", "id": "toolu_2", "name": "look", "input": {}}
    answer = {**ANTHROPIC.answer, "content": [SIGNED, used], "stop_reason": "tool_use"}
    twice = [user({"text": "Hello"}), model(asks(1)), user(response("toolu_1"), response("toolu_1"))]
    once = [*twice[:2], user(response("toolu_1"))]

    async def scenario(first, then):
        async with (
            Upstream(json_reply(answer), always=ANTHROPIC.whole()) as server,
            rig(anthropic=server) as at,
        ):
            fields = {"backend": "anthropic", "tools": TOOLS}
            await at.ask(GEMINI, contents=first, **fields)
            await at.ask(GEMINI, contents=[*then, model(asks(2)), user(response("toolu_2"))], **fields)
            assert server.requests[1].json()["messages"][3]["content"] == [SIGNED, used]

    for first, then in ((twice, twice), (once, twice), (twice, once)):
        run(scenario(first, then))


def test_of_two_results_that_differ_the_last_is_sent_and_the_loss_is_told():
    call = {"type": "tool_use", "id": "toolu_1", "name": "look", "input": {}}
    told = [{"type": "tool_result", "tool_use_id": "toolu_1", "content": text} for text in ("rain", "sunny")]
    messages = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [call]},
        {"role": "user", "content": told},
    ]

    async def scenario():
        async with Upstream(CHAT.whole()) as server, rig(openai_chat=server) as at:
            answer = await at.ask(ANTHROPIC, backend="openai_chat", messages=messages)
            assert [each.get("content") for each in server.requests[0].json()["messages"]][2:] == ["sunny"]
            assert "dropped tool_result" in answer.header("x-pointsman-losses")

    run(scenario())


@pytest.mark.parametrize(
    "parts", [[{"text": ""}], [{"text": "Fine"}, {"text": ""}]], ids=["empty", "in pieces"]
)
def test_google_gets_the_pieces_as_the_client_keeps_them(parts):
    contents = [user({"text": "Hello"}), *(model(part) for part in parts), user({"text": "And now?"})]

    async def scenario():
        async with Upstream(GEMINI.whole()) as server, rig(gemini=server) as at:
            body = encode({"contents": contents, "more": 1})
            await at.post(f"/v1beta/models/{GEMINI.model}:generateContent", body)
            assert server.requests[0].body == body

    run(scenario())

"""Problem 8: opaque state comes back to who issued it, byte by byte, and to nobody else."""

import pytest

from matrix.opaque import (
    Client,
    Upstream,
    from_chunks,
    from_chunks_as_they_came,
    from_completion,
    from_message,
    from_message_events,
)
from pointsman.dialects.registry import DIALECTS

USAGE = {"input_tokens": 1, "output_tokens": 1}
SIGNATURE = "EqQBCgIYAhIMéΩ+/=="
REDACTED = "EmwKAhgBEgy3va3pzpix/+=="
THOUGHT = [
    {"type": "thinking", "thinking": "Two calls. Grüezi 🚂", "signature": SIGNATURE},
    {"type": "redacted_thinking", "data": REDACTED},
]


def message(*content, stop="tool_use"):
    """An answer of Messages."""
    head = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "usage": USAGE}
    return {**head, "content": list(content), "stop_reason": stop, "stop_sequence": None}


def use(id, city):
    return {"type": "tool_use", "id": id, "name": "weather", "input": {"city": city}}


def completion(**said):
    """An answer of Chat Completions."""
    choice = {"index": 0, "message": {"role": "assistant", "content": None, **said}, "finish_reason": "stop"}
    return {"id": "c1", "object": "chat.completion", "created": 1, "model": "m", "choices": [choice]}


def call(id, city):
    return {
        "id": id,
        "type": "function",
        "function": {"name": "weather", "arguments": f'{{"city":"{city}"}}'},
    }


FIRST = message(
    *THOUGHT, {"type": "text", "text": "Looking."}, use("toolu_1", "Bern"), use("toolu_2", "Thun")
)
SECOND = message({"type": "thinking", "thinking": "", "signature": "c2Vjb25k"}, use("toolu_3", "Biel"))
LAST = message({"type": "text", "text": "Fine."}, stop="end_turn")

CHAT_CLIENTS = pytest.mark.parametrize(
    ("keep", "stream"),
    [(from_completion, False), (from_chunks, True), (from_chunks_as_they_came, True)],
    ids=["whole", "streamed", "streamed and kept in pieces"],
)
MESSAGES_CLIENTS = pytest.mark.parametrize(
    ("keep", "stream"), [(from_message, False), (from_message_events, True)], ids=["whole", "streamed"]
)


def answered(*ids):
    """Results of tools, as Chat clients send them."""
    return [{"role": "tool", "tool_call_id": id, "content": "12 °C"} for id in ids]


def results(*ids):
    """Results of tools, as Messages clients send them."""
    content = [{"type": "tool_result", "tool_use_id": id, "content": "12 °C"} for id in ids]
    return {"role": "user", "content": content}


def chat_history(keep, stream, upstream, last=None, answer=LAST):
    """Three turns with tools between a Chat client and a Messages upstream."""
    client = Client("openai_chat", keep, stream=stream)
    client.say({"role": "user", "content": "Weather?"})
    client.ask(upstream, FIRST)
    client.say(*answered("toolu_1", "toolu_2"))
    client.ask(upstream, SECOND)
    client.say(*answered("toolu_3"))
    client.ask(last or upstream, answer)
    return client


def without(blocks, *names):
    return [{key: value for key, value in block.items() if key not in names} for block in blocks]


@CHAT_CLIENTS
def test_signed_and_redacted_thinking_comes_back_through_a_chat_client(keep, stream):
    upstream = Upstream("anthropic", "anthropic")

    chat_history(keep, stream, upstream)

    turns = [turn["content"] for turn in upstream.bodies[2]["messages"] if turn["role"] == "assistant"]
    assert [without(turn, "caller") for turn in turns] == [FIRST["content"], SECOND["content"]]
    assert upstream.losses[2] == set()


@CHAT_CLIENTS
def test_the_ids_of_tool_calls_carry_nothing_but_themselves(keep, stream):
    client = chat_history(keep, stream, Upstream("anthropic", "anthropic"))

    calls = [each["id"] for turn in client.messages for each in turn.get("tool_calls", [])]
    assert calls == ["toolu_1", "toolu_2", "toolu_3"]


@CHAT_CLIENTS
@pytest.mark.parametrize("issuer", ["bedrock", "vertex"])
def test_another_issuer_gets_no_state_and_the_loss_is_reported(keep, stream, issuer):
    other = Upstream("anthropic", issuer)

    chat_history(keep, stream, Upstream("anthropic", "anthropic"), other)

    turns = [turn["content"] for turn in other.bodies[0]["messages"] if turn["role"] == "assistant"]
    assert [[block["type"] for block in turn] for turn in turns] == [
        ["text", "tool_use", "tool_use"],
        ["tool_use"],
    ]
    assert {what for what in other.losses[0] if what.startswith("messages[1]")} == {
        "messages[1].content[0]",
        "messages[1].content[1]",
    }


@CHAT_CLIENTS
def test_a_chat_upstream_gets_no_state_of_anthropics_and_the_loss_is_reported(keep, stream):
    other = Upstream("openai_chat", "openai")

    chat_history(keep, stream, Upstream("anthropic", "anthropic"), other, completion(content="Fine."))

    turns = [turn for turn in other.bodies[0]["messages"] if turn["role"] == "assistant"]
    assert all("reasoning_details" not in turn and "signature" not in str(turn) for turn in turns)
    assert other.losses[0] & {"thinking", "thinking.signature"}


def messages_history(keep, stream, upstream, first, last=None):
    """Two turns with a tool between a Messages client and a Chat upstream."""
    client = Client("anthropic", keep, stream=stream)
    client.say({"role": "user", "content": "Weather?"})
    client.ask(upstream, first)
    client.say(results("call_1", "call_2"))
    client.ask(last or upstream, completion(content="Fine."))
    return client


@MESSAGES_CLIENTS
@pytest.mark.parametrize("echo", ["tool_calls", "all"])
def test_reasoning_content_comes_back_through_a_messages_client(keep, stream, echo):
    upstream = Upstream("openai_chat", "deepseek", echo_reasoning=echo)
    thought = completion(
        reasoning_content="Zwei Städte. 🚂", tool_calls=[call("call_1", "Bern"), call("call_2", "Thun")]
    )

    messages_history(keep, stream, upstream, thought)

    turn = upstream.bodies[1]["messages"][1]
    assert turn["reasoning_content"] == "Zwei Städte. 🚂"
    assert [each["id"] for each in turn["tool_calls"]] == ["call_1", "call_2"]
    assert upstream.losses[1] == set()


@MESSAGES_CLIENTS
def test_reasoning_that_nobody_asks_for_again_is_left_out_and_reported(keep, stream):
    upstream = Upstream("openai_chat", "deepseek")
    thought = completion(reasoning_content="Hm.", tool_calls=[call("call_1", "Bern"), call("call_2", "Thun")])

    messages_history(keep, stream, upstream, thought)

    assert "reasoning_content" not in upstream.bodies[1]["messages"][1]
    assert upstream.losses[1] == {"thinking"}


DETAILS = [
    {
        "type": "reasoning.text",
        "text": "Hm.",
        "signature": "c2ln",
        "format": "anthropic-claude-v1",
        "index": 0,
    },
    {
        "type": "reasoning.encrypted",
        "data": "ZW5j",
        "format": "openai-responses-v1",
        "index": 1,
        "id": "rs_1",
    },
]
DETAILED = completion(
    reasoning="Hm.", reasoning_details=DETAILS, tool_calls=[call("call_1", "Bern"), call("call_2", "Thun")]
)


@MESSAGES_CLIENTS
def test_reasoning_details_come_back_through_a_messages_client(keep, stream):
    upstream = Upstream(
        "openai_chat", "openrouter", echo_reasoning="all", reasoning_field="reasoning_details"
    )

    messages_history(keep, stream, upstream, DETAILED)

    assert upstream.bodies[1]["messages"][1]["reasoning_details"] == DETAILS
    assert upstream.losses[1] == set()


@MESSAGES_CLIENTS
@pytest.mark.parametrize("issuer", ["deepseek", "openai"])
def test_details_go_to_no_other_issuer(keep, stream, issuer):
    other = Upstream("openai_chat", issuer, echo_reasoning="all")
    upstream = Upstream("openai_chat", "openrouter")

    messages_history(keep, stream, upstream, DETAILED, other)

    turn = other.bodies[0]["messages"][1]
    assert turn["reasoning_content"] == "Hm."
    assert "c2ln" not in str(turn)
    assert "ZW5j" not in str(turn)
    assert "thinking.signature" in other.losses[0]


@MESSAGES_CLIENTS
def test_foreign_thinking_never_reaches_anthropic_with_a_made_up_signature(keep, stream):
    other = Upstream("anthropic", "anthropic")
    client = Client("anthropic", keep, stream=stream)
    client.say({"role": "user", "content": "Weather?"})
    client.ask(Upstream("openai_chat", "openrouter"), DETAILED)
    client.say(results("call_1", "call_2"))

    client.ask(other, LAST)

    assert [block["type"] for block in other.bodies[0]["messages"][1]["content"]] == ["tool_use", "tool_use"]
    assert {"messages[1].content[0]", "messages[1].content[1]"} <= other.losses[0]


@MESSAGES_CLIENTS
def test_a_conversation_that_went_abroad_keeps_its_own_signatures(keep, stream):
    home = Upstream("anthropic", "anthropic")
    client = Client("anthropic", keep, stream=stream)
    client.say({"role": "user", "content": "Weather?"})
    client.ask(home, FIRST)
    client.say(results("toolu_1", "toolu_2"))
    client.ask(Upstream("openai_chat", "deepseek"), completion(reasoning_content="Hm.", content="12."))
    client.say({"role": "user", "content": "And now?"})

    client.ask(home, LAST)

    turns = [turn["content"] for turn in home.bodies[1]["messages"] if turn["role"] == "assistant"]
    assert turns == [FIRST["content"], [{"type": "text", "text": "12.", "citations": None}]]
    assert home.losses[1] == {"messages[3].content[0]"}


def test_every_dialect_relays_no_envelope():
    body = b'{"messages":[{"role":"assistant","content":"pointsman.1.a.b.c"}]}'

    for dialect in DIALECTS.values():
        assert dialect.rewrite_reason({"messages": None}, body, Upstream(dialect.name, "x").target.traits)

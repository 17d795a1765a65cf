"""Thinking that a client drops: kept here for a while, and given back to who signed it."""

from dataclasses import replace

import pytest
from msgspec import structs
from rig import rig
from voices import ANTHROPIC, CHAT, chunk, event

from pointsman.canon.blocks import Native, Text, Thinking, ToolCall, ToolResult
from pointsman.canon.events import BlockStart, NativeDelta, ThinkingDelta
from pointsman.canon.request import Message, Request
from pointsman.gateway.keepsakes import DISPUTED, Bounds, Keeper, Keepsake, Keepsakes, restore
from pointsman.gateway.place import places
from scripted import Upstream, json_reply, run, sse

SIGNED = {"type": "thinking", "thinking": "Which town? Ulm.", "signature": "EqQB+/sig=="}
REDACTED = {"type": "redacted_thinking", "data": "EmwK+/data=="}
TOOL = {"type": "function", "function": {"name": "look", "parameters": {"type": "object", "properties": {}}}}
KNOWN_TO_CHAT = {"role", "content", "tool_calls", "refusal"}


def use(number):
    return {"type": "tool_use", "id": f"toolu_{number}", "name": "look", "input": {"turn": number}}


def message(*content):
    reason = "tool_use" if content[-1]["type"] == "tool_use" else "end_turn"
    return {**ANTHROPIC.answer, "content": list(content), "stop_reason": reason}


def whole(*content):
    return json_reply(message(*content))


def streamed(*content):
    frames = [ANTHROPIC.frames[0]]
    for index, block in enumerate(content):
        head, delta = opened(block)
        frames += [event({"type": "content_block_start", "index": index, "content_block": head})]
        frames += [event({"type": "content_block_delta", "index": index, "delta": each}) for each in delta]
        frames += [event({"type": "content_block_stop", "index": index})]
    reason = {"stop_reason": message(*content)["stop_reason"], "stop_sequence": None}
    frames += [event({"type": "message_delta", "delta": reason, "usage": {"output_tokens": 4}})]
    return sse(*frames, event({"type": "message_stop"}))


def opened(block):
    if block["type"] == "thinking":
        halves = block["thinking"][:5], block["thinking"][5:]
        words = [{"type": "thinking_delta", "thinking": half} for half in halves]
        sign = {"type": "signature_delta", "signature": block["signature"]}
        return {**block, "thinking": "", "signature": ""}, [*words, sign]
    if block["type"] == "tool_use":
        return {**block, "input": {}}, [{"type": "input_json_delta", "partial_json": '{"turn":1}'}]
    return block, []


def said(answer):
    """The assistant's message as a client keeps it that knows no field but the dialect's own."""
    if answer.header("content-type") == "application/json":
        message = answer.json()["choices"][0]["message"]
        return {key: value for key, value in message.items() if key in KNOWN_TO_CHAT}
    deltas = [each["choices"][0]["delta"] for each in answer.events[:-1] if each["choices"]]
    calls = [call for delta in deltas for call in delta.get("tool_calls", ())]
    arguments = "".join(call["function"].get("arguments", "") for call in calls)
    call = {**calls[0], "function": {**calls[0]["function"], "arguments": arguments}}
    return {"role": "assistant", "content": None, "tool_calls": [call]}


@pytest.mark.parametrize("thinking", [SIGNED, REDACTED], ids=["signed", "redacted"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_client_without_extension_fields_gets_its_thinking_back_to_who_signed_it(thinking, stream):
    async def scenario():
        reply = streamed if stream else whole
        later = {**thinking, **({"signature": "second"} if "signature" in thinking else {"data": "second"})}
        text = {"type": "text", "text": "Sunny."}
        replies = (reply(thinking, use(1)), reply(later, use(2)), whole(text))
        async with Upstream(*replies) as server, rig(anthropic=server) as gateway:
            history = [{"role": "user", "content": "The weather?"}]
            for number in (1, 2):
                fields = {"messages": history, "tools": [TOOL], "stream": stream}
                answer = await gateway.ask(CHAT, backend="anthropic", reasoning_effort="high", **fields)
                call_id = f"toolu_{number}"
                history += [said(answer), {"role": "tool", "tool_call_id": call_id, "content": "sunny"}]
            await gateway.ask(CHAT, backend="anthropic", messages=history, tools=[TOOL])

            second, third = (seen.json()["messages"] for seen in server.requests[1:])
            assert [block["type"] for block in second[1]["content"]] == [thinking["type"], "tool_use"]
            assert second[1]["content"][0] == thinking
            assert [turn["content"][0] for turn in third if turn["role"] == "assistant"] == [thinking, later]

    run(scenario())


def test_thinking_that_a_client_sends_itself_is_left_as_it_is():
    async def scenario():
        async with (
            Upstream(whole(SIGNED, use(1)), always=whole(use(2))) as server,
            rig(anthropic=server) as at,
        ):
            answer = await at.ask(CHAT, backend="anthropic", tools=[TOOL])
            kept = answer.json()["choices"][0]["message"]
            result = {"role": "tool", "tool_call_id": "toolu_1", "content": "sunny"}
            history = [{"role": "user", "content": "Hello"}, kept, result]
            await at.ask(CHAT, backend="anthropic", tools=[TOOL], messages=history)

            assert server.requests[1].json()["messages"][1]["content"][0] == SIGNED
            assert len(server.requests[1].json()["messages"][1]["content"]) == 2

    run(scenario())


def kept(name, size=10, issuer="anthropic", answer="r"):
    return Keepsake((Thinking("t" * size, Native("anthropic", issuer, {"signature": name})),), answer=answer)


QUESTION = Message("user", (Text("?"),))


def calling(*blocks):
    return Request("openai_chat", "m", (QUESTION, Message("assistant", blocks)))


def asked_by(who="me", *messages):
    *_, place = places(Request("openai_chat", "m", messages or (QUESTION,)), who)
    return place


def keepsakes(**bounds):
    now = [0.0]
    return Keepsakes(lambda: now[0], Bounds(**bounds)), now


def test_what_was_not_asked_for_the_longest_goes_first():
    store, _ = keepsakes(entries=2)
    store.keep("a", kept("a"))
    store.keep("b", kept("b"))
    store.recall("a")
    store.keep("c", kept("c"))

    assert [store.recall(name) for name in "abc"] == [kept("a"), DISPUTED, kept("c")]


def test_the_bytes_held_are_bounded():
    store, _ = keepsakes(size=4000)
    for number in range(20):
        store.keep(str(number), kept("x", 1000))
    store.keep("too much", kept("x", 5000))

    assert store.size <= 4000
    assert len(store) == 3
    assert store.recall("too much") == DISPUTED


def test_what_nobody_asks_for_goes_with_time():
    store, now = keepsakes(age=60)
    store.keep("a", kept("a"))
    now[0] = 50
    store.recall("a")
    now[0] = 100

    assert store.recall("a") == kept("a")

    now[0] = 161
    assert store.recall("a") == DISPUTED
    assert (store.size, len(store)) == (0, 0)


def test_text_of_thinking_without_its_signature_gets_it_back():
    store, _ = keepsakes()
    store.keep(asked_by() + "a", kept("a"))
    (signed,) = kept("a").blocks
    bare = structs.replace(signed, native=None)

    restored = restore(calling(bare, ToolCall("a", "look")), store, "me")
    other = calling(Thinking("something else"), ToolCall("a", "look"))

    assert restored == calling(signed, ToolCall("a", "look"))
    assert restore(other, store, "me") is other


def test_thinking_between_calls_stands_before_its_own_call_again():
    store, _ = keepsakes()
    keeper = Keeper(store, asked_by, "r")
    native = Native("anthropic", "anthropic", {"signature": "s"})
    blocks = (Thinking("one"), ToolCall("a", "look"), Thinking("two"), ToolCall("b", "look"))
    for index, block in enumerate(blocks):
        keeper.note(BlockStart(index, block))
        if isinstance(block, Thinking):
            keeper.note(ThinkingDelta(index, "!"))
            keeper.note(NativeDelta(index, native))

    restored = restore(calling(Text("Look:"), blocks[1], blocks[3]), store, "me")

    one, two = Thinking("one!", native), Thinking("two!", native)
    assert restored == calling(one, Text("Look:"), blocks[1], two, blocks[3])


def signed_by(name):
    return {**SIGNED, "thinking": f"I am {name}.", "signature": f"EqQB+/{name}=="}


def last_thinking(server):
    content = server.requests[-1].json()["messages"][1]["content"]
    return [block for block in content if block["type"] == "thinking"]


@pytest.mark.parametrize("apart", ["by their words", "by their keys"])
def test_two_conversations_whose_calls_have_the_same_id_get_their_own(apart):
    async def scenario():
        replies = (whole(signed_by("one"), use(1)), whole(signed_by("two"), use(1)))
        async with Upstream(*replies, always=whole(use(9))) as server, rig(anthropic=server) as gateway:
            questions = ("Ulm?", "Bonn?") if apart == "by their words" else ("Ulm?", "Ulm?")
            keys = ("pointsman", "pointsman") if apart == "by their words" else ("sk-a", "sk-b")
            voices = [replace(CHAT, headers=(("authorization", f"Bearer {key}"),)) for key in keys]
            asked = [{"messages": [{"role": "user", "content": each}], "tools": [TOOL]} for each in questions]
            answers = [
                await gateway.ask(voice, backend="anthropic", **fields)
                for voice, fields in zip(voices, asked, strict=True)
            ]
            for name, voice, fields, answer in zip(("one", "two"), voices, asked, answers, strict=True):
                result = {"role": "tool", "tool_call_id": "toolu_1", "content": "sunny"}
                history = [*fields["messages"], said(answer), result]
                await gateway.ask(voice, backend="anthropic", tools=[TOOL], messages=history)

                assert last_thinking(server) == [signed_by(name)]

    run(scenario())


def test_what_two_answers_of_one_place_claim_goes_to_neither():
    store, _ = keepsakes()
    for answer, name in (("1", "one"), ("2", "two"), ("1", "one"), ("3", "three")):
        store.keep("a", kept(name, answer=answer))

    assert store.recall("a") == DISPUTED


def test_the_same_answer_twice_is_no_dispute():
    store, _ = keepsakes()
    for answer in ("1", "2"):
        store.keep("a", kept("one", answer=answer))

    assert store.recall("a").blocks == kept("one").blocks


def test_what_two_issuers_say_of_like_calls_goes_back_to_each():
    store, _ = keepsakes()
    one, two = kept("one", issuer="first", answer="1"), kept("two", issuer="second", answer="2")
    store.keep("a", one)
    store.keep("a", two)

    assert (store.recall("a", "first"), store.recall("a", "second")) == (one, two)


CALLED = Message("assistant", (Thinking("hm"), Text("Look:"), ToolCall("a", "look", '{"a": 1}')))
ANSWERED = Message("tool", (ToolResult("a", (Text("sunny"),)),))
LIKE = [
    (Message("system", (Text("It is noon."),)), QUESTION, CALLED, ANSWERED),
    (QUESTION, Message("assistant", (ToolCall("a", "look", '{"a":1}'),)), ANSWERED),
    (QUESTION, CALLED, Message("tool", (ToolResult("a", (Text("[cleared]"),)),))),
]
UNLIKE = [
    (QUESTION,),
    (QUESTION, ANSWERED),
    (Message("user", (Text("??"),)), CALLED, ANSWERED),
    (QUESTION, CALLED, ANSWERED, Message("user", (Text("and"),))),
    (QUESTION, CALLED, Message("tool", (ToolResult("b", (Text("sunny"),)),))),
]


@pytest.mark.parametrize("messages", LIKE)
def test_a_place_is_known_again_whatever_clients_drop_or_cut_short(messages):
    assert asked_by("me", *messages) == asked_by("me", QUESTION, CALLED, ANSWERED)


@pytest.mark.parametrize("messages", UNLIKE)
def test_another_place_is_another(messages):
    assert asked_by("me", *messages) != asked_by("me", QUESTION, CALLED, ANSWERED)


GOOGLE = {"google": {"thought_signature": "c2lnbmVk"}}
"""What signs a call at Google's compatible endpoint, which refuses the next turn without it."""


def signing(stream):
    function = {"name": "look", "arguments": '{"turn":1}'}
    call = {"id": "call_1", "type": "function", "function": function, "extra_content": GOOGLE}
    if stream:
        part = {"tool_calls": [{"index": 0, "id": "call_1", "function": function}]}
        late = {"tool_calls": [{"index": 0, "extra_content": GOOGLE}]}
        return sse(chunk(part), chunk(late), chunk({}, finish="tool_calls"), b"data: [DONE]\n\n")
    answer = CHAT.answer["choices"][0]
    message = {"role": "assistant", "content": None, "tool_calls": [call]}
    return json_reply(
        {**CHAT.answer, "choices": [{**answer, "message": message, "finish_reason": "tool_calls"}]}
    )


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_what_signs_a_call_goes_back_for_clients_that_have_no_field_for_it(stream):
    tool = {"name": "look", "input_schema": {"type": "object", "properties": {}}}
    used = {"type": "tool_use", "id": "call_1", "name": "look", "input": {"turn": 1}}
    result = {"type": "tool_result", "tool_use_id": "call_1", "content": "sunny"}
    history = [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": [used]},
        {"role": "user", "content": [result]},
    ]

    async def scenario():
        async with Upstream(signing(stream), always=CHAT.whole()) as server, rig(openai_chat=server) as at:
            first = await at.ask(ANTHROPIC, backend="openai_chat", tools=[tool], stream=stream)
            again = await at.ask(ANTHROPIC, backend="openai_chat", tools=[tool], messages=history)

            (call,) = server.requests[1].json()["messages"][1]["tool_calls"]
            assert call["extra_content"] == GOOGLE
            assert again.header("x-pointsman-losses") is None
            assert stream or "tool_call.native" in first.header("x-pointsman-losses")

    run(scenario())


TWO_ACCOUNTS = """
[backends.first]
provider = "{provider}"
base_url = "{url}"
key_env = "OWN_KEY"
models = ["claude-x"]
[backends.second]
provider = "{provider}"
base_url = "{url}"
key_env = "OWN_KEY"
models = ["claude-x"]
"""


@pytest.mark.parametrize("kept_by", ["the client", "the endpoint"])
def test_a_signature_goes_back_to_the_account_that_issued_it_and_to_no_other(kept_by):
    async def scenario():
        async with Upstream(whole(SIGNED, use(1)), always=whole(use(2))) as server:
            settings = TWO_ACCOUNTS.format(provider="anthropic", url=server.url)
            async with rig(settings=settings, environment={"OWN_KEY": "sk-test"}) as at:
                body = {"tools": [TOOL], "model": "first:claude-x"}
                answer = await at.ask(CHAT, backend="anthropic", **body)
                message = answer.json()["choices"][0]["message"] if kept_by == "the client" else said(answer)
                result = {"role": "tool", "tool_call_id": "toolu_1", "content": "sunny"}
                body["messages"] = [{"role": "user", "content": "Hello"}, message, result]
                back = await at.ask(CHAT, backend="anthropic", **body)
                away = await at.ask(CHAT, backend="anthropic", **{**body, "model": "second:claude-x"})

                returned, elsewhere = (seen.json()["messages"][1]["content"] for seen in server.requests[1:])
                assert [block["type"] for block in returned] == ["thinking", "tool_use"]
                assert [block["type"] for block in elsewhere] == ["tool_use"]
                assert "dropped" not in (back.header("x-pointsman-losses") or "")
                assert "dropped messages[1].content[0]" in away.header("x-pointsman-losses")

    run(scenario())


CHAT_LAYER = (
    '[backends.gem]\nprovider = "google"\nbase_url = "{}"\nkey_env = "K"\nmodels = ["gemini-3-pro"]\n'
)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_chat_client_that_drops_the_signature_of_a_call_is_served_by_googles_own_layer(stream):
    async def scenario():
        signature = {"google": {"thought_signature": "c2lnbmVk"}}
        function = {"name": "look", "arguments": "{}"}
        call = {"id": "call_1", "type": "function", "function": function, "extra_content": signature}
        message = {"role": "assistant", "content": None, "tool_calls": [call]}
        choice = {"index": 0, "message": message, "finish_reason": "tool_calls"}
        whole_answer = json_reply({**CHAT.answer, "choices": [choice]})
        delta = {"role": "assistant", "tool_calls": [{"index": 0, **call}]}
        parts = chunk(delta), chunk({}, finish="tool_calls"), b"data: [DONE]\n\n"
        reply = sse(*parts) if stream else whole_answer
        async with Upstream(reply, CHAT.whole()) as server:
            settings = CHAT_LAYER.format(server.url)
            async with rig(settings=settings, environment={"K": "AIza-x"}) as gateway:
                history = [{"role": "user", "content": "The weather?"}]
                asked = {"model": "gem:gemini-3-pro", "messages": history, "tools": [TOOL]}
                await gateway.post(CHAT.path, {**asked, "stream": stream}, *CHAT.headers)
                kept = {"role": "assistant", "content": None}
                kept["tool_calls"] = [{name: call[name] for name in ("id", "type", "function")}]
                history += [kept, {"role": "tool", "tool_call_id": "call_1", "content": "sunny"}]
                await gateway.post(CHAT.path, asked, *CHAT.headers)

            sent = server.requests[1].json()["messages"][1]["tool_calls"][0]
            assert sent["extra_content"] == signature

    run(scenario())

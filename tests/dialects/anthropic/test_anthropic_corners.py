"""What seldom comes, and must not be lost or break anything when it does."""

import pytest

from dialects.anthropic.strategies import wire
from dialects.laws import ASKED, assert_request_identity, events_of, frames_of, rendered
from pointsman.canon.blocks import (
    SPELLING,
    Base64Source,
    CacheMark,
    Document,
    Image,
    Native,
    Refusal,
    Text,
    Thinking,
    ToolCall,
)
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    MessageEnd,
    MessageStart,
    NativeDelta,
    Ping,
    Stop,
    TextDelta,
    UnknownEvent,
    UsageReport,
)
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from pointsman.canon.traits import Target, Traits
from pointsman.canon.usage import Usage
from pointsman.dialects.anthropic import DIALECT
from pointsman.dialects.gather import gather
from pointsman.wire.envelope import seal

HELLO = [{"role": "user", "content": "hi"}]
GREETING = (Text("hi"),)


def own(body, **traits):
    target = Target("claude", "them", Traits(**traits))
    return DIALECT.encode_request(DIALECT.decode_request({"model": "m", "messages": HELLO, **body}), target)


def foreign(blocks=GREETING, traits=None, **fields):
    fields = {"max_tokens": 9, **fields}
    request = Request("elsewhere", "m", (Message("user", tuple(blocks)),), **fields)
    return DIALECT.encode_request(request, Target("claude", "them", Traits(**(traits or {}))))


def lost(encoded):
    return [loss.what for loss in encoded.losses]


def content(*blocks, role="user"):
    return {"model": "m", "messages": [{"role": role, "content": list(blocks)}]}


@pytest.mark.parametrize(
    "body",
    [
        content({"type": "image", "source": {"type": "tomorrow"}}),
        content({"type": "document", "source": {"type": "tomorrow"}}),
        content({"type": "search_result", "source": "x", "title": "t", "content": "all in one"}),
        content({"type": "search_result", "source": "x", "content": [{"type": "text", "text": "a"}]}),
        content({"type": "tool_use", "id": "t", "name": "f"}, role="assistant"),
        content({"type": "tool_use", "id": "t", "name": "f", "input": [1, "a"]}, role="assistant"),
        content(
            {"type": "tool_use", "id": "t", "name": "f", "input": {"malformed_arguments": "{"}},
            role="assistant",
        ),
        content(
            {"type": "tool_use", "id": "t", "name": "f", "input": {"malformed_arguments": 1}},
            role="assistant",
        ),
        {"model": "m", "messages": [], "output_config": {"format": {"type": "grammar", "rules": "x"}}},
        {"model": "m", "messages": [], "tool_choice": {"type": "tomorrow"}},
        {"model": "m", "messages": [], "cache_control": {"type": "tomorrow"}},
    ],
)
def test_what_has_no_canonical_place_survives_its_own_dialect(body):
    assert_request_identity(DIALECT, body)


def test_malformed_arguments_come_back_as_the_text_they_were():
    block = {"type": "tool_use", "id": "t", "name": "f", "input": {"malformed_arguments": "{half"}}
    request = DIALECT.decode_request(content(block, role="assistant"))

    assert request.messages[0].content[0].arguments == "{half"


def test_marks_on_blocks_that_stay_whole_are_counted_too():
    marked = {"type": "container_upload", "file_id": "f", "cache_control": {"type": "ephemeral"}}
    encoded = own(content(marked), refused_fields=("cache",))

    assert encoded.body["messages"][0]["content"] == [{"type": "container_upload", "file_id": "f"}]
    assert lost(encoded) == ["cache_control"]


def test_foreign_fields_of_turns_tools_and_blocks_are_named():
    encoded = foreign(
        [Text("hi", extra={"mood": "good", "odd": None})], tools=(Tool("f", extra={"icon": "x"}),)
    )

    assert lost(encoded) == ["messages[0].content[0].mood", "tools[0].icon"]


def test_a_mark_on_an_empty_text_goes_with_it():
    assert lost(foreign([Text("", cache=CacheMark()), Text("hi")])) == [
        "messages[0].content[0].cache_control"
    ]


def test_a_text_document_that_is_no_text_is_refused():
    for data in ("%%%", "gICA"):
        with pytest.raises(UnsupportedError, match="base64 of UTF-8"):
            foreign([Document(Base64Source("text/plain", data))])


def test_instructions_that_are_no_text_are_named():
    picture = Message("system", (Image(Base64Source("image/png", "aGk=")), Text("be brief")))

    encoded = foreign(system=(picture,))

    assert encoded.body["system"] == "be brief"
    assert lost(encoded) == ["system[0]"]


def test_the_instruction_for_json_stands_alone_or_behind_the_others():
    wanted = OutputFormat("json_object")
    marked = Message("system", (Text("a", cache=CacheMark()),))

    assert foreign(output_format=wanted).body["system"].startswith("Answer with")
    assert len(foreign(output_format=wanted, system=(marked,)).body["system"]) == 2


def test_two_tools_that_would_have_one_name_are_refused():
    with pytest.raises(UnsupportedError, match="patch__free_text"):
        foreign(tools=(Tool("patch", kind="custom"), Tool("patch__free_text")))


def test_targets_without_tools_or_their_switches_are_told_nothing_of_them():
    tool = Tool("f", strict=True)
    with pytest.raises(UnsupportedError, match="no tools"):
        foreign(tools=(tool,), traits={"tools": False})
    none = foreign(tools=(tool,), tool_choice=ToolChoice("none"), traits={"tool_choice": ("auto",)})
    loose = foreign(tools=(tool, Tool("g", strict=False)), traits={"strict_tools": False})
    serial = foreign(tools=(Tool("f"),), parallel_tool_calls=False, traits={"parallel_tool_calls": False})
    free = foreign(tools=(Tool("f"),), tool_choice=ToolChoice("auto"), traits={"tool_choice": ()})
    still = own(
        {"tools": [], "tool_choice": {"type": "auto", "disable_parallel_tool_use": False}},
        parallel_tool_calls=False,
    )

    assert "tools" not in none.body
    assert lost(none) == ["tool_choice"]
    assert lost(loose) == ["tools[0].strict"]
    assert lost(serial) == ["parallel_tool_calls"]
    assert "tool_choice" not in free.body
    assert still.body["tool_choice"] == {"type": "auto"}
    assert still.losses == ()


@pytest.mark.parametrize(
    ("reasoning", "traits", "thinking", "effort", "losses"),
    [
        (Reasoning(effort="none"), {"reasoning": "none"}, None, None, []),
        (Reasoning("other", native={"type": "x"}), {}, None, None, ["thinking"]),
        (Reasoning("on", budget=2000), {"thinking_modes": ("off",)}, None, None, ["thinking"]),
        (Reasoning(budget=2000), {}, {"type": "enabled", "budget_tokens": 2000}, None, []),
        (Reasoning(budget=100), {"thinking_modes": ("adaptive",)}, {"type": "adaptive"}, "low", []),
        (
            Reasoning("on"),
            {"thinking_modes": ("adaptive",)},
            {"type": "adaptive"},
            None,
            ["thinking.budget_tokens"],
        ),
        (Reasoning(), {}, None, None, []),
        (Reasoning(effort="low"), {"efforts": ("low",)}, {"type": "adaptive"}, "low", []),
        (Reasoning(effort="low"), {"thinking_modes": ("off",)}, None, "low", []),
        (Reasoning(effort="low"), {"thinking_modes": ("off",), "efforts": ()}, None, None, ["effort"]),
        (Reasoning("on"), {}, {"type": "enabled", "budget_tokens": 16384}, None, []),
        (Reasoning(effort="odd"), {}, {"type": "adaptive"}, "medium", ["effort"]),
    ],
)
def test_odd_wishes_for_thinking_are_settled(reasoning, traits, thinking, effort, losses):
    encoded = foreign(reasoning=reasoning, traits=traits, max_tokens=99_999)

    assert encoded.body.get("thinking") == thinking
    assert encoded.body.get("output_config", {}).get("effort") == effort
    assert lost(encoded) == losses


def test_a_setting_of_tomorrow_keeps_its_effort_in_its_own_dialect():
    encoded = own({"thinking": {"type": "between_tools"}, "output_config": {"effort": "low"}})

    assert encoded.body["thinking"] == {"type": "between_tools"}
    assert encoded.body["output_config"] == {"effort": "low"}


def test_settings_that_the_target_does_not_take_are_named():
    crowded = foreign(
        stop=("a", "b"), user="u", service_tier="flex", traits={"stop_limit": 1, "metadata": False}
    )
    both = foreign(temperature=0.5, top_p=0.5)
    described = foreign(output_format=OutputFormat("json_schema", {}, description="x"))

    assert crowded.body["stop_sequences"] == ["a"]
    assert lost(crowded) == ["stop", "metadata", "service_tier"]
    assert lost(both) == ["top_p"]
    assert lost(described) == ["response_format.description"]
    with pytest.raises(UnsupportedError, match="form"):
        foreign(output_format=OutputFormat("other", native={}))


def test_numbers_that_are_none_do_not_stop_a_relay():
    body = b'{"temperature": 1e, "messages": []}'

    assert DIALECT.rewrite_reason({"temperature": 1}, body, Traits(temperature_max=1.0)) is None


def test_values_that_fit_do_not_stop_a_relay():
    traits = Traits(extra_fields={"x": 1}, efforts=("low",), service_tiers=("auto",), tool_name_limit=9)
    body = (
        b'{"x":1,"output_config":{"effort":"low"},"service_tier":"auto","tools":[{"name":{}},{"name":"f"}]}'
    )

    assert (
        DIALECT.rewrite_reason(dict.fromkeys(["x", "output_config", "service_tier", "tools"]), body, traits)
        is None
    )


def said(*middle, own=True):
    return [MessageStart(id="m", model="x", dialect="anthropic" if own else ""), *middle]


def names(events):
    return [name for name, _ in frames_of(rendered(DIALECT, events))]


def test_an_own_answer_keeps_its_order_behind_the_last_delta():
    stop = Stop("end", "end_turn", extra={SPELLING: {"delta": {"stop_reason": "end_turn"}, "event": {}}})
    unknown = UnknownEvent("anthropic", "x", {"type": "x"})
    events = said(stop, UsageReport(Usage()), Ping(), unknown, MessageEnd())

    assert names(events) == ["message_start", "message_delta", "ping", "x", "message_stop"]


def test_an_own_answer_without_a_reason_still_ends_as_clients_expect():
    told = frames_of(rendered(DIALECT, said(MessageEnd())))
    whole = DIALECT.fold(gather(said(MessageEnd())), ASKED)

    assert told[1][1]["delta"]["stop_reason"] == "end_turn"
    assert "usage" not in told[0][1]["message"]
    assert whole["content"] == []


def test_other_choices_and_events_of_other_dialects_are_left_out():
    other = UnknownEvent("elsewhere", "x", {})
    events = said(BlockStart(0, Text("a"), choice=1), BlockEnd(0), other, MessageEnd(), own=False)

    assert names(events) == ["message_start", "message_delta", "message_stop"]


def test_deltas_of_blocks_that_never_began_are_passed_over():
    events = said(TextDelta(7, "x"), BlockEnd(7), BlockStart(0, Text("a")), TextDelta(7, "x"), BlockEnd(7))
    events += [Stop("end", choice=1), BlockEnd(0), MessageEnd()]

    assert names(events).count("content_block_delta") == 1


def test_redacted_thinking_without_its_state_says_nothing():
    empty = said(
        BlockStart(0, Thinking("", redacted=True)), TextDelta(0, "x"), BlockEnd(0), MessageEnd(), own=False
    )

    assert "content_block_start" not in names(empty)
    assert DIALECT.fold(gather(empty), ASKED)["content"] == []


def test_free_text_of_a_call_is_wrapped_once_it_is_whole():
    call = [
        BlockStart(0, ToolCall("t", "p", kind="custom")),
        ArgumentsDelta(0, "*** a"),
        ArgumentsDelta(0, '"'),
        BlockEnd(0),
    ]
    events = said(*call, MessageEnd(), own=False)
    told = [data for _, data in frames_of(rendered(DIALECT, events))]

    assert told[2]["delta"]["partial_json"] == '{"input":"*** a\\""}'
    assert DIALECT.fold(gather(events), ASKED)["content"][0]["input"] == {"input": '*** a"'}


def test_a_signature_of_the_dialect_stays_plain_in_an_answer_of_another():
    native = Native("anthropic", "them", {"signature": "EqQB"})
    events = said(BlockStart(0, Thinking("hm", native)), BlockEnd(0), MessageEnd(), own=False)
    odd = Thinking("hm", Native("anthropic", "them", {"signature": 1}))

    assert DIALECT.fold(gather(events), ASKED)["content"][0]["signature"] == "EqQB"
    assert (
        DIALECT.fold(gather(said(BlockStart(0, odd), MessageEnd(), own=False)), ASKED)["content"][0][
            "signature"
        ]
        == ""
    )


def test_opaque_state_has_no_place_on_a_call_and_is_named():
    native = Native("elsewhere", "", {"x": 1})
    call = BlockStart(0, ToolCall("t", "f", native=native))

    assert [loss.what for loss in DIALECT.answer_losses(call)] == ["tool_call.native"]
    assert DIALECT.answer_losses(BlockStart(0, Refusal("no")))[0].kind == "approximated"
    assert (
        names(said(call, NativeDelta(0, native), BlockEnd(0), MessageEnd(), own=False)).count(
            "content_block_delta"
        )
        == 1
    )


def test_a_delta_for_a_block_of_another_kind_is_kept_as_it_is():
    start = {"type": "message_start", "message": {"id": "m", "content": []}}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    delta = {
        "type": "content_block_delta",
        "index": 0,
        "delta": {"type": "input_json_delta", "partial_json": "{}"},
    }
    events = events_of(
        DIALECT, wire([start, block, delta, {"type": "message_delta"}, {"type": "message_stop"}])
    )

    assert events[2].data == delta["delta"]


def test_an_envelope_from_nobody_is_no_state():
    block = {"type": "redacted_thinking", "data": seal(Native("", "", {}))}

    assert DIALECT.decode_request(content(block, role="assistant")).messages[0].content == (
        Thinking("", redacted=True),
    )


def test_the_form_of_an_envelope_is_no_loss():
    thinking = Thinking(
        "hm", Native("anthropic", "them", {"signature": "s"}), extra={"format": "pointsman.1"}
    )
    turns = (Message("assistant", (thinking,)), Message("user", (Text("hi"),)))
    request = Request("elsewhere", "m", turns, max_tokens=9)

    assert DIALECT.encode_request(request, Target("claude", "them")).losses == ()

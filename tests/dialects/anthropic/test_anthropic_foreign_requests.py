"""Requests of another dialect, as an Anthropic upstream gets them."""

import pytest

from pointsman.canon.blocks import (
    Audio,
    Base64Source,
    CacheMark,
    Citation,
    Document,
    FileSource,
    Image,
    Native,
    Refusal,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    UrlSource,
)
from pointsman.canon.errors import MalformedError, UnsupportedError
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.anthropic import DIALECT

HELLO = (Message("user", (Text("hi"),)),)
CALL = Message("assistant", (ToolCall("call_1", "f", '{"a":1}'),))
RESULT = Message("tool", (ToolResult("call_1", (Text("ok"),)),))


def encode(messages=HELLO, traits=None, **fields):
    request = Request(dialect="elsewhere", model="m", messages=tuple(messages), **fields)
    return DIALECT.encode_request(request, Target("claude", "them", traits or Traits()))


def lost(encoded, kind=None):
    return [loss.what for loss in encoded.losses if kind in (None, loss.kind)]


def user(*blocks):
    return Message("user", blocks)


def system(text):
    return Message("system", (Text(text),))


def roles(encoded):
    return [message["role"] for message in encoded.body["messages"]]


def test_a_limit_is_demanded_and_made_up():
    plain, profiled = encode(), encode(traits=Traits(max_output=99))

    assert plain.body == {
        "model": "claude",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 4096,
    }
    assert profiled.body["max_tokens"] == 99
    assert lost(plain, "approximated") == ["max_tokens"]


def test_leading_instructions_become_the_system_prompt():
    one = encode(system=(system("be brief"),), max_tokens=9)
    two = encode(system=(system("a"), Message("developer", (Text("b"), Text(" ")))), max_tokens=9)

    assert one.body["system"] == "be brief"
    assert two.body["system"] == [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]
    assert one.losses == two.losses == ()


MARKED = "<system-reminder>\nnow\n</system-reminder>"


def test_a_system_message_behind_a_user_turn_stays_there():
    encoded = encode(
        [*HELLO, system("now"), Message("assistant", (Text("yes"),)), user(Text("go"))], max_tokens=9
    )

    assert roles(encoded) == ["user", "system", "assistant", "user"]
    assert encoded.losses == ()


@pytest.mark.parametrize("before", [HELLO, [*HELLO, Message("assistant", (Text("yes"),))]])
def test_a_system_message_ahead_of_a_users_text_keeps_its_place_as_a_marked_text(before):
    encoded = encode([*before, system("now"), user(Text("go"))], max_tokens=9)

    last = encoded.body["messages"][-1]
    assert last["role"] == "user"
    assert [block["text"] for block in last["content"]][-2:] == [MARKED, "go"]
    assert "system" not in roles(encoded)
    assert lost(encoded, "approximated") == [f"messages[{len(before)}]"]


def test_system_messages_in_a_row_become_one():
    encoded = encode([*HELLO, system("a"), system("b")], max_tokens=9)

    assert encoded.body["messages"][1] == {
        "role": "system",
        "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}],
    }


@pytest.mark.parametrize("placing", ["user", "own"])
def test_a_target_without_such_system_messages_gets_a_users_text(placing):
    encoded = encode([*HELLO, system("now")], Traits(mid_system=placing), max_tokens=9)

    assert roles(encoded) == ["user"]
    assert encoded.body["messages"][0]["content"][1] == {"type": "text", "text": MARKED}
    assert lost(encoded) == ["messages[1]"]


def test_a_system_message_between_call_and_result_waits_for_the_result():
    encoded = encode([*HELLO, CALL, system("now"), RESULT], max_tokens=9)

    assert roles(encoded) == ["user", "assistant", "user", "system"]
    assert encoded.body["messages"][2]["content"][0]["type"] == "tool_result"


def test_turns_of_one_role_become_one():
    encoded = encode(
        [*HELLO, *HELLO, Message("assistant", (Text("a"),)), Message("assistant", (Text("b"),))], max_tokens=9
    )

    assert roles(encoded) == ["user", "assistant"]


def test_results_come_first_and_their_siblings_stay():
    image = Image(Base64Source("image/png", "aGk="))
    encoded = encode(
        [
            *HELLO,
            Message("assistant", (ToolCall("a", "f"), ToolCall("b", "f", "{}"))),
            Message("tool", (ToolResult("a", (Text("one"), image)),)),
            user(Text("beside")),
            Message("tool", (ToolResult("b", (), is_error=True),)),
        ],
        max_tokens=9,
    )

    assert [wire["input"] for wire in encoded.body["messages"][1]["content"]] == [{}, {}]
    assert encoded.body["messages"][2]["content"] == [
        {
            "type": "tool_result",
            "tool_use_id": "a",
            "content": [
                {"type": "text", "text": "one"},
                {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": "aGk="}},
            ],
        },
        {"type": "tool_result", "tool_use_id": "b", "is_error": True},
        {"type": "text", "text": "beside"},
    ]


@pytest.mark.parametrize(
    ("messages", "code"),
    [
        ([*HELLO, CALL], "unanswered_tool_call"),
        ([*HELLO, CALL, user(Text("so?"))], "unanswered_tool_call"),
        ([*HELLO, RESULT], "orphan_tool_result"),
        ([*HELLO, CALL, RESULT, Message("assistant", (Text("a"),)), RESULT], "orphan_tool_result"),
    ],
)
def test_calls_and_results_that_do_not_match_are_a_named_error(messages, code):
    with pytest.raises(MalformedError, match="call_1") as caught:
        encode(messages)

    assert caught.value.code == code


def test_empty_texts_are_left_out_and_a_request_of_them_is_refused():
    encoded = encode([user(Text(""), Text(" \n"), Text("x"))], max_tokens=9)

    assert encoded.body["messages"] == [{"role": "user", "content": "x"}]
    with pytest.raises(MalformedError, match="messages"):
        encode([user(Text(""))])


def test_malformed_arguments_are_sent_as_one_member_and_named():
    call = Message("assistant", (ToolCall("call_1", "f", "{half"),))
    encoded = encode([*HELLO, call, RESULT], max_tokens=9)

    assert encoded.body["messages"][1]["content"][0]["input"] == {"malformed_arguments": "{half"}
    assert lost(encoded, "approximated") == ["messages[1].content[0].arguments"]


def test_only_the_targets_own_thinking_is_replayed():
    def history(native):
        return [*HELLO, Message("assistant", (Thinking("hm", native), Text("yes"))), user(Text("go"))]

    own = encode(history(Native("anthropic", "them", {"signature": "s"})), max_tokens=9)
    others = [
        None,
        Native("anthropic", "else", {"signature": "s"}),
        Native("elsewhere", "them", {"signature": "s"}),
    ]

    assert own.body["messages"][1]["content"][0] == {"type": "thinking", "thinking": "hm", "signature": "s"}
    for native in others:
        encoded = encode(history(native), max_tokens=9)
        assert encoded.body["messages"][1]["content"] == "yes"
        assert lost(encoded, "dropped") == ["messages[1].content[0]"]


def test_a_target_that_wants_its_reasoning_back_gets_the_text():
    messages = [*HELLO, Message("assistant", (Thinking("hm"), Text("yes"))), user(Text("go"))]
    encoded = encode(messages, Traits(echo_reasoning="all"), max_tokens=9)

    assert encoded.body["messages"][1]["content"][0] == {"type": "thinking", "thinking": "hm"}


def test_pictures_and_documents_are_opened():
    encoded = encode(
        [
            user(
                Image(UrlSource("data:image/png;base64,aGk="), detail="high"),
                Image(UrlSource("https://example.com/a.png")),
                Document(Base64Source("text/plain", "aGk="), title="a.txt"),
                Document(Base64Source("application/pdf", "aGk=")),
            )
        ],
        max_tokens=9,
    )
    sources = [wire["source"] for wire in encoded.body["messages"][0]["content"]]

    assert sources == [
        {"type": "base64", "media_type": "image/png", "data": "aGk="},
        {"type": "url", "url": "https://example.com/a.png"},
        {"type": "text", "media_type": "text/plain", "data": "hi"},
        {"type": "base64", "media_type": "application/pdf", "data": "aGk="},
    ]
    assert lost(encoded) == ["messages[0].content[0].detail"]


@pytest.mark.parametrize(
    ("block", "traits"),
    [
        (Audio("aGk=", "wav"), None),
        (Document(FileSource("file-1")), None),
        (Document(Base64Source("application/zip", "aGk=")), None),
        (Image(UrlSource("https://example.com")), Traits(images=False)),
        (Image(UrlSource("https://example.com")), Traits(image_urls=False)),
        (Document(UrlSource("https://example.com")), Traits(documents=False)),
    ],
)
def test_what_the_target_cannot_see_is_refused(block, traits):
    with pytest.raises(UnsupportedError, match=r"messages\[0\]"):
        encode([user(block)], traits)


def test_history_without_a_form_here_is_left_out_and_named():
    foreign = Native("elsewhere", "", {})
    blocks = (
        Text("a", citations=(Citation(url="https://example.com"),)),
        Refusal("no"),
        ServerTool("call", "s", "web_search", foreign),
        Unknown("elsewhere", {"type": "x"}),
    )
    encoded = encode([*HELLO, Message("assistant", blocks, name="bob"), user(Text("go"))], max_tokens=9)

    assert [wire["text"] for wire in encoded.body["messages"][1]["content"]] == ["a", "no"]
    assert len(encoded.losses) == 5


def test_cache_marks_stay_where_they_are():
    marked = [user(Text("a", cache=CacheMark("1h")), Text("b", cache=CacheMark("30m", {"mode": "explicit"})))]
    encoded = encode(marked, max_tokens=9)
    refused = encode(marked, Traits(refused_fields=("cache",)), max_tokens=9)

    assert [wire["cache_control"] for wire in encoded.body["messages"][0]["content"]] == [
        {"type": "ephemeral", "ttl": "1h"},
        {"type": "ephemeral"},
    ]
    assert lost(encoded, "approximated") == ["messages[0].content[1].cache_control"]
    assert lost(refused, "dropped") == ["cache_control"]


def test_tools_and_names_fit_and_can_be_turned_back():
    odd = "mcp.files/" + "x" * 150
    encoded = encode(
        [*HELLO, Message("assistant", (ToolCall("a", odd),)), Message("tool", (ToolResult("a"),))],
        tools=(Tool(odd, schema={"properties": {}}, strict=True), Tool("f")),
        tool_choice=ToolChoice("tool", odd),
        parallel_tool_calls=False,
        max_tokens=9,
    )
    sent = encoded.body["tools"][0]["name"]

    assert len(sent) == 128
    assert encoded.names == {sent: odd}
    assert encoded.body["tools"][0]["input_schema"] == {"type": "object", "properties": {}}
    assert encoded.body["tools"][1] == {"name": "f", "input_schema": {"type": "object", "properties": {}}}
    assert encoded.body["tool_choice"] == {"type": "tool", "name": sent, "disable_parallel_tool_use": True}
    assert encoded.body["messages"][1]["content"][0]["name"] == sent


def test_a_free_text_tool_is_sent_as_a_function_with_one_string():
    encoded = encode(
        [
            *HELLO,
            Message("assistant", (ToolCall("a", "patch", "*** diff", kind="custom"),)),
            Message("tool", (ToolResult("a"),)),
        ],
        tools=(Tool("patch", kind="custom"),),
        tool_choice=ToolChoice("tool", "patch", kind="custom"),
        max_tokens=9,
    )

    assert encoded.names == {"patch__free_text": "patch"}
    assert encoded.body["tools"][0]["input_schema"]["required"] == ["input"]
    assert encoded.body["tool_choice"]["name"] == "patch__free_text"
    assert encoded.body["messages"][1]["content"][0]["input"] == {"input": "*** diff"}


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"type": "auto"}),
        (ToolChoice("any"), {"type": "any"}),
        (ToolChoice("none"), {"type": "none"}),
        (ToolChoice("allowed", names=("f",), required=True), {"type": "any"}),
        (None, None),
    ],
)
def test_every_choice_among_tools_has_a_form(choice, expected):
    encoded = encode(tools=(Tool("f"), Tool("g")), tool_choice=choice, max_tokens=9)

    assert encoded.body.get("tool_choice") == expected


def test_parallel_calls_are_switched_off_without_a_choice_too():
    assert encode(tools=(Tool("f"),), parallel_tool_calls=False).body["tool_choice"] == {
        "type": "auto",
        "disable_parallel_tool_use": True,
    }
    assert "tool_choice" not in encode(parallel_tool_calls=False).body


def test_a_choice_that_the_target_does_not_take_is_refused():
    with pytest.raises(UnsupportedError, match="tool_choice"):
        encode(tools=(Tool("f"),), tool_choice=ToolChoice("any"), traits=Traits(tool_choice=("auto", "none")))


def test_the_providers_tools_of_another_are_refused():
    with pytest.raises(UnsupportedError, match="web_search"):
        encode(tools=(Tool("web_search", kind="server", type="web_search"),))


@pytest.mark.parametrize(
    ("reasoning", "traits", "thinking", "effort"),
    [
        (Reasoning(effort="high"), {}, {"type": "adaptive"}, "high"),
        (Reasoning(effort="minimal"), {}, {"type": "adaptive"}, "low"),
        (Reasoning(effort="none"), {}, {"type": "disabled"}, None),
        (Reasoning(effort="none"), {"thinking_off": "between_tools"}, {"type": "between_tools"}, None),
        (Reasoning(effort="none"), {"thinking_modes": ("adaptive",)}, None, None),
        (Reasoning(effort="max"), {"efforts": ("low", "high")}, {"type": "adaptive"}, "high"),
        (
            Reasoning(effort="low"),
            {"thinking_modes": ("on", "off"), "efforts": (), "effort_budgets": {"low": 2000}},
            {"type": "enabled", "budget_tokens": 2000},
            None,
        ),
        (Reasoning("on", budget=5000), {}, {"type": "enabled", "budget_tokens": 5000}, None),
        (Reasoning("on", budget=9000), {"thinking_modes": ("adaptive",)}, {"type": "adaptive"}, "medium"),
        (
            Reasoning("adaptive"),
            {"thinking_modes": ("on",)},
            {"type": "enabled", "budget_tokens": 16384},
            None,
        ),
        (Reasoning(effort="high"), {"reasoning": "none"}, None, None),
    ],
)
def test_thinking_is_asked_for_in_the_targets_way(reasoning, traits, thinking, effort):
    body = encode(reasoning=reasoning, max_tokens=50_000, traits=Traits(**traits)).body

    assert body.get("thinking") == thinking
    assert body.get("output_config", {}).get("effort") == effort


def test_thinking_gives_way_to_what_the_api_refuses_beside_it():
    forced = encode(
        reasoning=Reasoning(effort="high"), tools=(Tool("f"),), tool_choice=ToolChoice("any"), max_tokens=9
    )
    warm = encode(reasoning=Reasoning(effort="high"), temperature=0.2, top_p=1.0, max_tokens=9)
    tight = encode(reasoning=Reasoning("on", budget=9999), max_tokens=2500)
    tighter = encode(reasoning=Reasoning("on", budget=9999), max_tokens=100)
    unnamed = encode(reasoning=Reasoning("on", budget=9999))

    assert "thinking" not in forced.body
    assert "temperature" not in warm.body
    assert "top_p" not in warm.body
    assert lost(warm) == ["temperature"]
    assert lost(forced) == ["thinking"]
    assert lost(forced, "dropped") == ["thinking"]
    assert tight.body["thinking"]["budget_tokens"] == 1250
    assert "thinking" not in tighter.body
    assert unnamed.body["max_tokens"] == 9999 + 4096


@pytest.mark.parametrize(
    ("fields", "budget", "limit", "losses"),
    [
        ({"max_tokens": 4000}, 2000, 4000, [("approximated", "reasoning_effort")]),
        ({"max_tokens": 2048}, 1024, 2048, [("approximated", "reasoning_effort")]),
        ({"max_tokens": 2047}, None, 2047, [("dropped", "thinking")]),
        ({"max_tokens": 40_000}, 16384, 40_000, [("approximated", "reasoning_effort")]),
        ({}, 16384, 16384 + 4096, [("approximated", "max_tokens"), ("approximated", "reasoning_effort")]),
    ],
)
def test_a_budget_that_stands_for_an_effort_leaves_half_of_the_limit_to_the_answer(
    fields, budget, limit, losses
):
    traits = Traits(thinking_modes=("on", "off"), efforts=())
    encoded = encode(reasoning=Reasoning(effort="high"), traits=traits, **fields)

    assert encoded.body.get("thinking", {}).get("budget_tokens") == budget
    assert encoded.body["max_tokens"] == limit
    assert sorted((loss.kind, loss.what) for loss in encoded.losses) == losses


@pytest.mark.parametrize("signed_by", [None, "elsewhere"])
def test_a_step_without_the_targets_thinking_goes_on_without_a_budget_for_it(signed_by):
    thought = Thinking("hm", native=None if signed_by is None else Native(signed_by, "x", {"signature": "s"}))
    step = (*HELLO, Message("assistant", (thought, *CALL.content)), RESULT)
    traits = Traits(thinking_modes=("on", "off"), efforts=())
    budget = {"reasoning": Reasoning("on", budget=2000), "max_tokens": 9000}

    encoded = encode(step, traits, **budget)

    assert "thinking" not in encoded.body
    assert ("dropped", "thinking") in [(loss.kind, loss.what) for loss in encoded.losses]
    told = (*step, Message("assistant", (Text("done"),)), user(Text("and now?")))
    assert encode(told, traits, **budget).body["thinking"]["type"] == "enabled"


def test_a_step_that_began_with_the_targets_thinking_keeps_its_budget():
    thought = Thinking("hm", native=Native("anthropic", "them", {"signature": "s"}))
    step = (*HELLO, Message("assistant", (thought, *CALL.content)), RESULT)
    traits = Traits(thinking_modes=("on", "off"), efforts=())

    encoded = encode(step, traits, reasoning=Reasoning("on", budget=2000), max_tokens=9000)

    assert encoded.body["thinking"]["budget_tokens"] == 2000


def test_an_adaptive_target_thinks_on_in_any_step():
    encoded = encode((*HELLO, CALL, RESULT), reasoning=Reasoning(effort="high"), max_tokens=9000)

    assert encoded.body["thinking"] == {"type": "adaptive"}


def test_a_budget_that_the_client_named_is_kept_below_the_limit():
    encoded = encode(reasoning=Reasoning("on", budget=3000), max_tokens=4000)

    assert encoded.body["thinking"]["budget_tokens"] == 3000
    assert encoded.losses == ()


def test_settings_are_fitted_dropped_or_mapped():
    encoded = encode(
        temperature=1.7,
        stop=("a", " "),
        user="u",
        service_tier="default",
        seed=1,
        frequency_penalty=0.0,
        presence_penalty=0.5,
        verbosity="high",
        metadata={"team": "x"},
        stream=True,
        extra={"logit_bias": {"1": 2}, "store": None, "logprobs": False},
        max_tokens=9,
    )

    assert encoded.body == {
        "model": "claude",
        "messages": [{"role": "user", "content": "hi"}],
        "max_tokens": 9,
        "temperature": 1.0,
        "stop_sequences": ["a"],
        "metadata": {"user_id": "u"},
        "service_tier": "standard_only",
        "stream": True,
    }
    assert sorted(lost(encoded)) == [
        "logit_bias",
        "metadata",
        "presence_penalty",
        "seed",
        "stop",
        "temperature",
        "verbosity",
    ]


def test_structured_output_is_kept_or_refused():
    schema = OutputFormat("json_schema", {"type": "object"}, name="x", strict=True)
    kept = encode(output_format=schema, max_tokens=9)
    loose = encode(output_format=OutputFormat("json_object"), system=(system("be brief"),), max_tokens=9)

    assert kept.body["output_config"] == {"format": {"type": "json_schema", "schema": {"type": "object"}}}
    assert loose.body["system"].startswith("be brief\n\nAnswer with a single valid JSON object")
    assert lost(loose, "approximated") == ["response_format"]
    with pytest.raises(UnsupportedError, match="JSON Schema"):
        encode(output_format=schema, traits=Traits(output_formats=()))


@pytest.mark.parametrize(
    "fields",
    [
        {"choices": 2},
        {"extra": {"web_search_options": {}}},
        {"extra": {"logprobs": True}},
        {"extra": {"modalities": ["text", "audio"]}},
        {"extra": {"previous_response_id": "r"}},
    ],
)
def test_what_would_change_the_answer_is_refused(fields):
    with pytest.raises(UnsupportedError):
        encode(**fields)


def test_what_the_target_refuses_is_dropped_and_named_and_what_it_needs_is_added():
    traits = Traits(refused_fields=("temperature", "seed"), extra_fields={"enable": True, "model": "never"})
    encoded = encode(temperature=0.5, traits=traits, max_tokens=9)

    assert "temperature" not in encoded.body
    assert encoded.body["enable"] is True
    assert encoded.body["model"] == "claude"
    assert lost(encoded) == ["temperature"]

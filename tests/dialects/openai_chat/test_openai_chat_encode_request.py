"""Requests of another dialect, written for Chat Completions upstreams."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.blocks import (
    Base64Source,
    BlocksSource,
    CacheMark,
    Document,
    FileSource,
    Image,
    Native,
    ServerTool,
    Text,
    TextSource,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    UrlSource,
)
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.openai_chat import DIALECT

OTHER = "elsewhere"
PICTURE = Image(Base64Source("image/png", "iVBO"))
SIGNED = Thinking("Hm.", Native(OTHER, "them", {"signature": "c2ln"}))
HELLO = Message("user", (Text("Hello"),))
PAIR = Message("assistant", (ToolCall("a", "f"), ToolCall("b", "f")))
TOOL = Tool("get_weather", "w", {"type": "object", "properties": {}})


def encode(messages=(HELLO,), traits=None, **fields):
    request = Request(dialect=OTHER, model="asked", messages=messages, **fields)
    return DIALECT.encode_request(request, Target("sent", "them", traits or Traits()))


def own(body, **traits):
    return DIALECT.encode_request(
        DIALECT.decode_request(body), Target(body.get("model", "m"), "", Traits(**traits))
    )


def losses(encoded):
    return {loss.what: loss.kind for loss in encoded.losses}


def test_system_blocks_become_one_message():
    system = (Message("system", (Text("One.", cache=CacheMark()), Text("Two."))),)

    encoded = encode(system=system)

    assert encoded.body["messages"][0] == {"role": "system", "content": "One.\n\nTwo."}
    assert losses(encoded) == {"system.content": "approximated", "cache_control": "dropped"}


def test_results_come_first_then_their_pictures_then_the_rest():
    turn = Message(
        "user",
        (
            Text("And now?"),
            ToolResult("a", (Text("seen"), PICTURE)),
            ToolResult("b", (Text("broken"),), is_error=True),
        ),
    )

    messages = encode((HELLO, PAIR, turn)).body["messages"][2:]

    assert [message["role"] for message in messages] == ["tool", "tool", "user"]
    assert messages[0] == {"role": "tool", "tool_call_id": "a", "content": "seen"}
    assert messages[1]["content"] == "[tool error] broken"
    assert [part["type"] for part in messages[2]["content"]] == ["text", "image_url", "text"]
    assert messages[2]["content"][2]["text"] == "And now?"


def test_pictures_of_separate_tool_messages_wait_for_the_last_result():
    turns = tuple(Message("tool", (ToolResult(id, (PICTURE,)),)) for id in ("a", "b"))

    messages = encode((HELLO, PAIR, *turns, Message("assistant", (Text("ok"),)))).body["messages"][2:]

    assert [message["role"] for message in messages] == ["tool", "tool", "user", "assistant"]


def test_text_and_calls_share_one_message_and_thinking_stays_behind():
    turn = Message("assistant", (SIGNED, Text("Let me see."), ToolCall("t1", "f", "")))

    encoded = encode((HELLO, turn, Message("user", (ToolResult("t1"),))))

    assert encoded.body["messages"][1] == {
        "role": "assistant",
        "content": "Let me see.",
        "tool_calls": [{"id": "t1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
    }
    assert losses(encoded) == {"thinking": "dropped"}


@pytest.mark.parametrize("field", ["reasoning_content", "reasoning"])
def test_thinking_is_echoed_where_the_target_demands_it(field):
    turns = (
        HELLO,
        Message("assistant", (SIGNED, ToolCall("t1", "f"))),
        Message("user", (ToolResult("t1"),)),
        Message("assistant", (SIGNED, Text("Done"))),
        Message("assistant", (ToolCall("t2", "f"),)),
        Message("user", (ToolResult("t2"),)),
    )

    messages = encode(turns, Traits(echo_reasoning="tool_calls", reasoning_field=field)).body["messages"]

    assert [message.get(field) for message in messages] == [None, "Hm.", None, None, " ", None]


def test_own_opaque_state_goes_back_to_its_issuer_only():
    details = [{"type": "reasoning.text", "text": "Hm.", "signature": "c2ln"}]
    block = Thinking("Hm.", Native("openai_chat", "them", {"type": "reasoning.text", "signature": "c2ln"}))
    traits = Traits(echo_reasoning="all", reasoning_field="reasoning_details")

    kept = encode((HELLO, Message("assistant", (block,)), HELLO), traits)
    moved = DIALECT.encode_request(
        Request(OTHER, "m", (HELLO, Message("assistant", (block,)), HELLO)), Target("m", "another", traits)
    )

    assert kept.body["messages"][1]["reasoning_details"] == details
    assert "signature" not in moved.body["messages"][1]["reasoning_details"][0]
    assert losses(moved) == {"thinking.signature": "dropped"}


def test_a_sealed_state_never_reaches_an_upstream():
    from pointsman.wire.envelope import seal

    piece = {"type": "reasoning.text", "text": "Hm.", "signature": seal(SIGNED.native), "index": 0}
    said = {"role": "assistant", "content": "x", "reasoning_content": "Hm.", "reasoning_details": [piece]}
    encoded = own({"model": "m", "messages": [{"role": "user", "content": "a"}, said]})

    assert encoded.body["messages"][1] == {"role": "assistant", "content": "x"}
    assert losses(encoded) == {"thinking": "dropped"}


def test_past_thinking_stays_away_from_a_target_that_refuses_its_field():
    said = {"role": "assistant", "content": "x", "reasoning_content": "Hm.", "reasoning": "Hm."}
    body = {"model": "m", "messages": [{"role": "user", "content": "a"}, said]}

    some = own(body, refused_reasoning=("reasoning_content",))
    none = own(body, refused_reasoning=("reasoning_content", "reasoning"))

    assert some.body["messages"][1] == {"role": "assistant", "content": "x", "reasoning": "Hm."}
    assert none.body["messages"][1] == {"role": "assistant", "content": "x"}
    assert losses(none) == {"thinking": "dropped"}


def test_documents_are_files_and_text_stands_inline():
    turn = Message(
        "user",
        (
            Document(Base64Source("application/pdf", "JVBE"), title="a.pdf"),
            Document(TextSource("plain"), title="T"),
            Document(BlocksSource((Text("inner"),))),
        ),
    )

    encoded = encode((turn,))

    parts = encoded.body["messages"][0]["content"]
    assert parts[0] == {
        "type": "file",
        "file": {"filename": "a.pdf", "file_data": "data:application/pdf;base64,JVBE"},
    }
    assert [part.get("text") for part in parts[1:]] == ["Document: T", "plain", "inner"]
    assert losses(encoded) == {"messages.document": "approximated"}


@pytest.mark.parametrize(
    ("block", "traits"),
    [
        (Document(UrlSource("https://example.com/a.pdf")), Traits()),
        (Document(FileSource("file_1")), Traits()),
        (Document(Base64Source("application/pdf", "JVBE")), Traits(documents=False)),
        (Image(FileSource("file_1")), Traits()),
        (PICTURE, Traits(images=False)),
        (Image(UrlSource("https://example.com/a.png")), Traits(image_urls=False)),
    ],
)
def test_what_the_target_cannot_see_is_refused(block, traits):
    with pytest.raises(UnsupportedError):
        encode((Message("user", (block,)),), traits)


def test_a_providers_own_tool_is_refused_by_name():
    with pytest.raises(UnsupportedError, match="web_search_20250305"):
        encode(tools=(Tool("web_search", kind="server", type="web_search_20250305"),))


def test_a_tool_of_a_provider_that_the_client_runs_is_refused_as_such():
    with pytest.raises(UnsupportedError, match=r"bash_20250124.*only its provider's models know.*you run it"):
        encode(tools=(Tool("bash", kind="server", type="bash_20250124", client_run=True),))


def test_a_providers_own_tool_in_the_history_is_reported():
    turn = Message(
        "assistant",
        (
            Text("x"),
            ServerTool("call", "s1", "web_search", Native(OTHER, "", {})),
            Unknown(OTHER, {"type": "odd"}),
        ),
    )

    assert losses(encode((HELLO, turn))) == {
        "assistant.web_search": "dropped",
        "assistant.odd": "dropped",
        "prefill": "approximated",
    }


def test_long_names_are_mapped_everywhere_and_back():
    name = "mcp__" + "x" * 90
    turns = (HELLO, Message("assistant", (ToolCall("t", name),)), Message("user", (ToolResult("t"),)))

    encoded = encode(
        turns,
        Traits(tool_name_limit=64, tool_name_charset="a-zA-Z0-9_-"),
        tools=(Tool(name),),
        tool_choice=ToolChoice("tool", name),
    )

    sent = encoded.body["tools"][0]["function"]["name"]
    assert len(sent) == 64
    assert encoded.body["messages"][1]["tool_calls"][0]["function"]["name"] == sent
    assert encoded.body["tool_choice"] == {"type": "function", "function": {"name": sent}}
    assert dict(encoded.names) == {sent: name}


def test_names_keep_to_the_dialects_own_limits_where_the_target_states_none():
    long, dotted = "x" * 65, "a.b"

    foreign = encode(tools=(Tool(long), Tool(dotted), Tool("fine")))
    tools = [{"type": "function", "function": {"name": dotted}}]
    same = own({"messages": [{"role": "user", "content": "a"}], "model": "m", "tools": tools})

    assert [len(tool["function"]["name"]) for tool in foreign.body["tools"]] == [64, 12, 4]
    assert set(foreign.names.values()) == {long, dotted}
    assert same.body["tools"][0]["function"]["name"] == dotted


def test_a_forced_choice_without_tools_is_reported_and_a_free_one_is_not():
    assert losses(encode(tool_choice=ToolChoice("any"))) == {"tool_choice": "dropped"}
    assert losses(encode(tool_choice=ToolChoice("auto"))) == {}


@pytest.mark.parametrize(
    ("mode", "style", "kind"),
    [
        ("off", "none", "dropped"),
        ("off", "effort", "dropped"),
        ("adaptive", "effort", "approximated"),
        ("adaptive", "reasoning_object", "approximated"),
    ],
)
def test_a_setting_for_thinking_that_the_target_lacks_is_reported_once(mode, style, kind):
    encoded = encode(reasoning=Reasoning(mode), traits=Traits(reasoning=style))

    assert [(loss.kind, loss.what) for loss in encoded.losses] == [(kind, "thinking")]


def test_ids_are_mapped_alike_in_calls_and_results():
    turns = (
        HELLO,
        Message("assistant", (ToolCall("toolu_1", "f"),)),
        Message("user", (ToolResult("toolu_1"),)),
    )

    messages = encode(turns, Traits(tool_id_limit=9, tool_id_charset="a-zA-Z0-9")).body["messages"]

    assert len(messages[2]["tool_call_id"]) == 9
    assert messages[1]["tool_calls"][0]["id"] == messages[2]["tool_call_id"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice("auto"), "auto"),
        (ToolChoice("any"), "required"),
        (ToolChoice("none"), "none"),
        (ToolChoice("tool", "get_weather"), {"type": "function", "function": {"name": "get_weather"}}),
    ],
)
def test_each_choice_has_its_form(choice, sent):
    assert encode(tools=(TOOL,), tool_choice=choice).body["tool_choice"] == sent


def test_a_choice_that_the_target_lacks_is_approximated():
    encoded = encode(
        tools=(TOOL, Tool("b")),
        tool_choice=ToolChoice("tool", "b"),
        traits=Traits(tool_choice=("auto", "any")),
    )

    assert encoded.body["tool_choice"] == "required"
    assert [tool["function"]["name"] for tool in encoded.body["tools"]] == ["b"]
    assert losses(encoded) == {"tool_choice": "approximated"}


@pytest.mark.parametrize(
    ("reasoning", "traits", "sent"),
    [
        (Reasoning(effort="high"), {}, {"reasoning_effort": "high"}),
        (Reasoning("on", budget=9000), {}, {"reasoning_effort": "medium"}),
        (Reasoning("adaptive"), {}, {}),
        (Reasoning("off"), {}, {}),
        (Reasoning("off"), {"efforts": ("none", "low")}, {"reasoning_effort": "none"}),
        (Reasoning("off"), {"efforts": ("low", "high")}, {"reasoning_effort": "low"}),
        (Reasoning(effort="max"), {"efforts": ("low", "high")}, {"reasoning_effort": "high"}),
        (Reasoning(effort="low"), {"efforts": ("none", "high")}, {"reasoning_effort": "high"}),
        (Reasoning(effort="low"), {"efforts": ("none", "default")}, {"reasoning_effort": "default"}),
        (Reasoning(effort="none"), {"efforts": ("none", "default")}, {"reasoning_effort": "none"}),
        (Reasoning(effort="low"), {"efforts": ()}, {}),
        (Reasoning("on", budget=9000), {"reasoning": "thinking"}, {"thinking": {"type": "enabled"}}),
        (Reasoning("off", effort="high"), {"reasoning": "thinking"}, {"thinking": {"type": "disabled"}}),
        (
            Reasoning("on", budget=9000),
            {"reasoning": "reasoning_object"},
            {"reasoning": {"max_tokens": 9000}},
        ),
        (
            Reasoning(effort="low"),
            {"reasoning": "enable_thinking", "effort_budgets": {"low": 2000}},
            {"enable_thinking": True, "thinking_budget": 2000},
        ),
        (Reasoning("on", budget=9000), {"reasoning": "none"}, {}),
    ],
)
def test_thinking_is_asked_for_in_one_field_only(reasoning, traits, sent):
    body = encode(reasoning=reasoning, traits=Traits(**traits)).body

    fields = ("reasoning_effort", "thinking", "reasoning", "enable_thinking", "thinking_budget")
    assert {key: body[key] for key in fields if key in body} == sent


def test_a_thread_is_refused_with_the_code_that_clients_understand():
    with pytest.raises(UnsupportedError) as caught:
        encode(extra={"thread": {"type": "create"}})

    assert caught.value.details["error_code"] == "thread_unsupported_request"


def test_fields_of_another_dialect_are_dropped_and_named():
    encoded = encode(extra={"user_profile_id": "us", "speed": "fast", "diagnostics": None}, top_k=5)

    assert losses(encoded) == {"user_profile_id": "dropped", "speed": "dropped", "top_k": "dropped"}
    assert encode(top_k=5, traits=Traits(top_k=True)).body["top_k"] == 5


def test_usage_is_always_asked_for_in_a_translated_stream():
    assert encode(stream=True).body["stream_options"] == {"include_usage": True}
    assert "stream_options" not in encode(stream=True, traits=Traits(stream_options=False)).body
    assert "stream_options" not in encode(stream=False).body


def test_a_long_user_is_hashed():
    user = '{"device_id":"' + "d" * 80 + '"}'

    encoded = encode(user=user, traits=Traits(user_field="safety_identifier"))

    assert len(encoded.body["safety_identifier"]) == 64
    assert losses(encoded) == {"user": "approximated"}


def test_refused_fields_and_limits_are_kept_to():
    encoded = encode(
        temperature=1.5,
        seed=1,
        stop=("a", "b", "c"),
        max_tokens=128_000,
        service_tier="standard_only",
        traits=Traits(
            refused_fields=("seed",),
            temperature_max=1.0,
            stop_limit=2,
            max_output=8192,
            token_limit_field="max_completion_tokens",
            extra_fields={"safe": True},
        ),
    )

    del encoded.body["messages"]
    assert encoded.body == {
        "model": "sent",
        "temperature": 1.0,
        "stop": ["a", "b"],
        "max_completion_tokens": 8192,
        "service_tier": "default",
        "safe": True,
    }
    assert set(losses(encoded)) == {"seed", "temperature", "stop", "max_tokens"}


def test_structured_output_is_strict_where_its_schema_is():
    schema = {
        "type": "object",
        "properties": {"a": {"type": "string"}},
        "required": ["a"],
        "additionalProperties": False,
    }

    sent = encode(output_format=OutputFormat("json_schema", schema)).body["response_format"]

    assert sent == {
        "type": "json_schema",
        "json_schema": {"schema": schema, "name": "answer", "strict": True},
    }
    with pytest.raises(UnsupportedError):
        encode(
            output_format=OutputFormat("json_schema", schema), traits=Traits(output_formats=("json_object",))
        )


@pytest.mark.parametrize(
    ("marks", "member"),
    [
        ("cache_control", {"cache_control": {"type": "ephemeral", "ttl": "1h"}}),
        ("prompt_cache_breakpoint", {"prompt_cache_breakpoint": {"mode": "explicit"}}),
    ],
)
def test_cache_marks_stay_on_their_block(marks, member):
    turn = Message("user", (Text("a", cache=CacheMark("1h")), Text("b")))

    parts = encode((turn,), Traits(cache_marks=marks)).body["messages"][0]["content"]

    assert parts == [{"type": "text", "text": "a", **member}, {"type": "text", "text": "b"}]


def test_a_developer_and_a_late_system_message_go_where_the_target_takes_them():
    body = {
        "model": "m",
        "messages": [{"role": "developer", "content": "a"}, {"role": "user", "content": "b"}],
    }

    assert own(body, developer_role=False).body["messages"][0]["role"] == "system"
    late = (HELLO, Message("system", (Text("Late."),)), Message("system", ()))
    assert [message["role"] for message in encode(late).body["messages"]] == ["user", "system"]
    moved = encode(late, Traits(mid_system="user"))
    assert [message["role"] for message in moved.body["messages"]] == ["user", "user", "user"]


def test_quirks_apply_to_the_dialects_own_requests():
    body = {
        "model": "m",
        "messages": [{"role": "user", "content": "a"}],
        "max_completion_tokens": 5,
        "logprobs": True,
        "stream": True,
        "stream_options": {"include_usage": True},
    }

    encoded = own(body, token_limit_field="max_tokens", stream_options=False, refused_fields=("logprobs",))

    assert encoded.body == {"model": "m", "messages": body["messages"], "max_tokens": 5, "stream": True}
    assert losses(encoded) == {"logprobs": "dropped"}


@given(st.text(max_size=200))
def test_any_text_of_a_user_arrives_unchanged(text):
    message = Message("user", (Text(text),))

    assert encode((message,)).body["messages"] == [{"role": "user", "content": text}]


@pytest.mark.parametrize(
    ("wanted", "mode", "sent", "kind"),
    [
        ("high", "none", "none", "approximated"),
        ("none", "none", "none", None),
        (None, "none", "none", "approximated"),
        ("high", "absent", None, "dropped"),
        (None, "absent", None, None),
        ("high", "any", "high", None),
    ],
)
def test_a_target_that_thinks_only_without_tools_gets_the_tools(wanted, mode, sent, kind):
    reasoning = None if wanted is None else Reasoning(effort=wanted)
    said = {} if wanted is None else {"reasoning_effort": wanted}
    body = {"messages": [{"role": "user", "content": "?"}], "functions": [{"name": "f"}], **said}
    traits = Traits(effort_with_tools=mode)

    for encoded in (
        encode(traits=traits, tools=(TOOL,), reasoning=reasoning),
        own(body, effort_with_tools=mode),
    ):
        assert encoded.body.get("reasoning_effort") == sent
        assert losses(encoded).get("effort") == kind
    assert (
        encode(traits=Traits(effort_with_tools=mode, efforts=("none", "high")), reasoning=reasoning).body.get(
            "reasoning_effort"
        )
        == wanted
    )


def test_a_strict_tool_is_held_to_its_schema_only_where_that_can_be():
    closed = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
    encoded = encode(
        tools=(Tool("a", schema=closed, strict=True), Tool("b", schema={"type": "object"}, strict=True))
    )

    assert [tool["function"].get("strict") for tool in encoded.body["tools"]] == [True, None]
    loose = encode(traits=Traits(strict_tools=False), tools=(Tool("a", schema=closed, strict=True),))

    assert losses(encoded) == losses(loose) == {"tools.strict": "dropped"}
    assert "strict" not in loose.body["tools"][0]["function"]


def test_an_answer_that_cannot_be_held_to_its_schema_is_named():
    encoded = encode(output_format=OutputFormat("json_schema", {"type": "object", "properties": {"a": {}}}))

    assert losses(encoded) == {"response_format.strict": "approximated"}

"""Requests of the Responses API as canonical ones, and what an upstream of it gets."""

import json

import pytest
from msgspec.structs import replace

from pointsman.canon.blocks import (
    Base64Source,
    Document,
    FileSource,
    Image,
    Native,
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
from pointsman.dialects.names import joined
from pointsman.dialects.openai_responses import DIALECT

USER = {"role": "user", "content": "x"}
CLOSED = {"type": "object", "properties": {}, "required": [], "additionalProperties": False}
CALL = {"type": "function_call", "call_id": "c1", "name": "now", "arguments": "{}"}


def decoded(**fields):
    return DIALECT.decode_request({"model": "m", "input": "x", **fields})


def sent(request, **traits):
    return DIALECT.encode_request(request, Target("sent", "maker", Traits(**traits)))


def own(traits=None, **fields):
    return sent(decoded(**fields), **(traits or {}))


def foreign(*messages, **fields):
    said = messages or (Message("user", (Text("x"),)),)
    return Request("elsewhere", "m", said, **fields)


def whats(encoded):
    return [loss.what for loss in encoded.losses]


# To canonical ones


def test_a_turn_of_the_models_is_one_message_whatever_items_it_has():
    items = [
        USER,
        {"type": "reasoning", "id": "rs_1", "summary": [{"type": "summary_text", "text": "Hm."}]},
        {"role": "assistant", "content": "So."},
        CALL,
        {"type": "web_search_call", "id": "ws_1"},
        {"type": "function_call_output", "call_id": "c1", "output": "7"},
        USER,
    ]

    asked, turn, answered, again = decoded(input=items).messages

    assert (asked.role, turn.role, answered.role, again.role) == ("user", "assistant", "tool", "user")
    assert [type(block) for block in turn.content] == [Thinking, Text, ToolCall, ServerTool]
    assert answered.content[0] == ToolResult("c1", (Text("7"),))


def test_instructions_and_what_stands_ahead_are_the_system():
    request = decoded(instructions="Be brief.", input=[{"role": "developer", "content": "Metric."}, USER])

    assert [(message.role, message.content[0].text) for message in request.system] == [
        ("system", "Be brief."),
        ("developer", "Metric."),
    ]
    assert len(request.messages) == 1


def test_media_have_their_sources():
    parts = [
        {"type": "input_image", "image_url": "data:image/png;base64,aGk=", "detail": "low"},
        {"type": "input_image", "file_id": "file-1"},
        {"type": "input_file", "file_url": "https://example.com/a.pdf"},
        {"type": "input_file", "filename": "a.pdf", "file_data": "JVBERi0="},
        {"type": "input_hologram"},
    ]

    blocks = decoded(input=[{"role": "user", "content": parts}]).messages[0].content

    assert [getattr(block, "source", None) for block in blocks] == [
        Base64Source("image/png", "aGk="),
        FileSource("file-1"),
        UrlSource("https://example.com/a.pdf"),
        Base64Source("application/pdf", "JVBERi0="),
        None,
    ]
    assert (blocks[0].detail, blocks[3].title) == ("low", "a.pdf")
    assert isinstance(blocks[4], Unknown)


def test_built_in_tools_of_the_clients_are_calls_and_results():
    items = [
        {"type": "local_shell_call", "id": "l1", "call_id": "c1", "status": "completed", "action": {"a": 1}},
        {"type": "local_shell_call_output", "id": "c1", "output": "ok"},
        {"type": "apply_patch_call", "call_id": "c2", "status": "completed", "operation": {"type": "x"}},
        {"type": "apply_patch_call_output", "call_id": "c2", "status": "failed", "output": "no"},
    ]

    first, result, second, failed = decoded(input=items).messages

    assert (first.content[0].name, first.content[0].arguments) == ("local_shell", '{"action":{"a":1}}')
    assert result.content[0].call_id == "c1"
    assert second.content[0].name == "apply_patch"
    assert failed.content[0].is_error is True


def test_a_tool_in_a_namespace_has_a_name_of_its_own():
    inner = {"type": "function", "name": "now", "parameters": {}}
    request = decoded(
        tools=[{"type": "namespace", "name": "a", "description": "A.", "tools": [inner]}, inner],
        tool_choice={"type": "function", "name": "now", "namespace": "a"},
    )

    assert [tool.name for tool in request.tools] == [joined("a", "now"), "now"]
    assert request.tool_choice.name == joined("a", "now")


@pytest.mark.parametrize(
    ("type", "client_run"),
    [("local_shell", True), ("apply_patch", True), ("shell", True), ("web_search", False), ("mcp", False)],
)
def test_a_tool_that_the_client_runs_is_told_from_one_that_its_provider_runs(type, client_run):
    (tool,) = decoded(tools=[{"type": type}]).tools

    assert (tool.kind, tool.client_run) == ("server", client_run)


def test_a_shell_in_a_container_is_the_providers():
    (tool,) = decoded(tools=[{"type": "shell", "environment": {"type": "container_auto"}}]).tools

    assert tool.client_run is False


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"model": "m"}, "input"),
        ({"model": "m", "input": 7}, "input"),
        ({"model": "m", "input": ["x"]}, "input[0]"),
        ({"model": "m", "input": [{"role": "nobody", "content": "x"}]}, "input[0].role"),
        ({"model": "m", "input": [{"role": "user", "content": 7}]}, "input[0].content"),
        ({"model": "m", "input": [{"type": 7}]}, "input[0].type"),
        ({"model": "m", "input": [{**CALL, "call_id": None}]}, "input[0].call_id"),
        ({"model": "m", "input": [{**CALL, "arguments": 7}]}, "input[0].arguments"),
        ({"model": "m", "input": "x", "tools": [{"type": "function"}]}, "tools[0].name"),
        ({"model": "m", "input": "x", "tool_choice": 7}, "tool_choice"),
        ({"model": "m", "input": "x", "text": {"format": {}}}, "text.format.type"),
        ({"model": "m", "input": "x", "reasoning": "high"}, "reasoning"),
    ],
)
def test_what_is_wrong_is_named_by_its_place(body, param):
    with pytest.raises(MalformedError) as refused:
        DIALECT.decode_request(body)

    assert refused.value.param == param


@pytest.mark.parametrize("field", ["previous_response_id", "conversation", "prompt"])
def test_a_conversation_that_stands_elsewhere_needs_no_input(field):
    assert DIALECT.decode_request({"model": "m", field: "x"}).messages == ()


# To an upstream, for clients of this dialect


@pytest.mark.parametrize(
    ("traits", "fields", "kept", "lost"),
    [
        ({"refused_fields": ("temperature",)}, {"temperature": 1}, {}, ["temperature"]),
        ({"refused_fields": ("max_tokens",)}, {"max_output_tokens": 9}, {}, ["max_tokens"]),
        ({"refused_fields": ("store",)}, {"store": True}, {}, ["store"]),
        ({"refused_fields": ("include",)}, {"include": ["reasoning.encrypted_content"]}, {}, ["include"]),
        ({"temperature_max": 1.0}, {"temperature": 2}, {"temperature": 1.0}, ["temperature"]),
        ({"service_tiers": ("auto",)}, {"service_tier": "flex"}, {}, ["service_tier"]),
        ({"user_field": "none"}, {"user": "u"}, {}, ["user"]),
        ({"metadata": False}, {"metadata": {"a": 1}}, {}, ["metadata"]),
        ({"reasoning": "none"}, {"reasoning": {"effort": "high"}}, {}, ["reasoning"]),
        (
            {"efforts": ("low", "high")},
            {"reasoning": {"effort": "max", "summary": "auto"}},
            {"reasoning": {"effort": "high", "summary": "auto"}},
            ["effort"],
        ),
    ],
)
def test_what_the_target_refuses_is_changed_or_left_out_and_told(traits, fields, kept, lost):
    encoded = own(traits, **fields)

    assert encoded.body == {"model": "sent", "input": "x", **kept}
    assert whats(encoded) == lost


@pytest.mark.parametrize(
    ("choice", "named"),
    [
        ({"type": "function", "name": "leave"}, "n\x1fleave"),
        ({"type": "function", "name": "now"}, "now"),
        ({"type": "function", "name": "other"}, "other"),
        ({"type": "allowed_tools", "tools": [{"type": "function", "name": "leave"}]}, "n\x1fleave"),
    ],
)
def test_a_choice_finds_a_tool_without_naming_its_namespace_where_only_one_is_meant(choice, named):
    inner = {"type": "function", "name": "now", "parameters": CLOSED}
    group = {"type": "namespace", "name": "n", "tools": [inner, {**inner, "name": "leave"}]}

    found = decoded(tools=[group, inner], tool_choice=choice).tool_choice

    assert (found.name, *found.names) in {(named,), (None, named)}
    assert own(tools=[group, inner], tool_choice=choice).body["tool_choice"] == choice


def test_names_that_the_target_refuses_are_changed_within_their_namespaces():
    tool = {"type": "function", "name": "a.b", "parameters": {}}
    items = [{**CALL, "name": "a.b", "namespace": "n"}]

    encoded = own(
        {"tool_name_charset": "a-z_0-9"},
        input=items,
        tools=[{"type": "namespace", "name": "n", "description": "N.", "tools": [tool]}],
        tool_choice={"type": "function", "name": "a.b", "namespace": "n"},
    )

    ((name, original),) = encoded.names.items()
    assert original == "a.b"
    assert encoded.body["tools"][0]["tools"][0]["name"] == name
    assert encoded.body["input"] == [{**items[0], "name": name}]
    assert encoded.body["tool_choice"] == {"type": "function", "name": name, "namespace": "n"}


def test_a_target_without_namespaces_gets_their_tools_by_names_of_their_own():
    inner = {"type": "function", "name": "now", "parameters": {}}
    items = [{**CALL, "namespace": "n"}, CALL]

    encoded = own(
        {"tool_namespaces": False},
        input=items,
        tools=[{"type": "namespace", "name": "n", "description": "N.", "tools": [inner]}, inner],
        tool_choice={"type": "function", "name": "now", "namespace": "n"},
    )

    ((name, original),) = encoded.names.items()
    assert original == joined("n", "now")
    assert [tool["name"] for tool in encoded.body["tools"]] == [name, "now"]
    assert encoded.body["input"] == [{**CALL, "name": name}, CALL]
    assert encoded.body["tool_choice"] == {"type": "function", "name": name}
    assert whats(encoded) == ["tools.namespace"]


def test_a_target_without_developers_gets_system_messages():
    items = [{"role": "developer", "content": "x"}, USER]

    assert own({"developer_role": False}, input=items).body["input"][0] == {"role": "system", "content": "x"}


def test_media_that_the_target_does_not_take_are_refused():
    part = {"type": "input_image", "image_url": "https://example.com/a.png"}

    with pytest.raises(UnsupportedError):
        own({"images": False}, input=[{"role": "user", "content": [part]}])


# To an upstream, for clients of another dialect


def test_one_instruction_goes_into_its_field_and_several_into_a_message():
    one = foreign(system=(Message("system", (Text("Be brief."),)),))
    two = foreign(system=(Message("developer", (Text("Be brief."), Text("Be kind."))),))

    assert sent(one).body["instructions"] == "Be brief."
    assert "instructions" not in sent(two).body
    assert sent(two).body["input"][0] == {
        "type": "message",
        "role": "developer",
        "content": [
            {"type": "input_text", "text": "Be brief."},
            {"type": "input_text", "text": "Be kind."},
        ],
    }
    assert sent(two).losses == ()


def test_nothing_is_kept_upstream_and_opaque_reasoning_is_asked_for():
    body = sent(foreign()).body

    assert (body["store"], body["include"]) == (False, ["reasoning.encrypted_content"])
    assert "include" not in sent(foreign(), reasoning="none").body
    assert "store" not in sent(foreign(), refused_fields=("store",)).body


def test_a_tool_that_does_not_say_so_is_not_strict():
    tools = (
        Tool("a", schema={"type": "object"}),
        Tool("b", schema=CLOSED, strict=True),
        Tool("c", schema={"type": "object"}, strict=True),
    )

    encoded = sent(foreign(tools=tools))

    assert [tool["strict"] for tool in encoded.body["tools"]] == [False, True, False]
    assert whats(encoded) == ["tools.strict"]


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("any"), "required"),
        (ToolChoice("none"), "none"),
        (ToolChoice("tool", "a"), {"type": "function", "name": "a"}),
        (
            ToolChoice("allowed", names=("a",), required=True),
            {"type": "allowed_tools", "mode": "required", "tools": [{"type": "function", "name": "a"}]},
        ),
    ],
)
def test_a_choice_has_the_dialects_form(choice, wire):
    assert sent(foreign(tools=(Tool("a"),), tool_choice=choice)).body["tool_choice"] == wire


def test_results_keep_their_pictures_and_their_errors():
    call = Message("assistant", (ToolCall("c1", "look", "{}"), ToolCall("c2", "patch", "raw", "custom")))
    results = Message(
        "user",
        (
            ToolResult("c1", (Text("Seen."), Image(Base64Source("image/png", "aGk="))), is_error=True),
            ToolResult("c2", (Text("Done."),)),
            Text("Well?"),
        ),
    )

    encoded = sent(foreign(Message("user", (Text("x"),)), call, results))

    first, second, said = encoded.body["input"][-3:]
    assert first["output"] == [
        {"type": "input_text", "text": "[tool error] Seen."},
        {"type": "input_image", "detail": "auto", "image_url": "data:image/png;base64,aGk="},
    ]
    assert second == {"type": "custom_tool_call_output", "call_id": "c2", "output": "Done."}
    assert said["content"][0]["text"] == "Well?"
    assert whats(encoded) == ["tool_result.is_error"]


def test_a_document_by_its_address_goes_as_such():
    blocks = (
        Document(UrlSource("https://example.com/a.pdf")),
        Document(Base64Source("application/pdf", "JQ==")),
    )

    encoded = sent(foreign(Message("user", blocks)))

    address, data = encoded.body["input"][0]["content"]
    assert address == {"type": "input_file", "file_url": "https://example.com/a.pdf"}
    assert data["filename"] == "document.pdf"
    assert whats(encoded) == ["messages.document"]


def test_reasoning_goes_back_to_its_issuer_only():
    item = {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "e"}
    turn = Message("assistant", (Thinking("", Native("openai_responses", "maker", item)), Text("So.")))
    request = foreign(Message("user", (Text("x"),)), turn, Message("user", (Text("y"),)))

    there = sent(request)
    elsewhere = DIALECT.encode_request(request, Target("sent", "other", Traits()))

    assert there.body["input"][1] == item
    assert all(each["type"] == "message" for each in elsewhere.body["input"])
    assert whats(elsewhere) == ["thinking.signature", "thinking"]


def test_thinking_is_echoed_where_the_target_wants_it():
    turn = Message("assistant", (Thinking("Hm."), ToolCall("c1", "now")))
    result = Message("tool", (ToolResult("c1"),))

    body = sent(foreign(Message("user", (Text("x"),)), turn, result), echo_reasoning="all").body

    assert body["input"][1]["content"] == [{"type": "reasoning_text", "text": "Hm."}]


@pytest.mark.parametrize(
    ("wanted", "traits", "wire", "lost"),
    [
        (Reasoning(effort="high"), {}, {"effort": "high"}, []),
        (Reasoning("on", budget=4096), {}, {"effort": "low"}, ["thinking.budget_tokens"]),
        (Reasoning("adaptive", display="summarized"), {}, {"summary": "auto"}, ["thinking"]),
        (Reasoning("off"), {"efforts": ("none", "high")}, {"effort": "none"}, []),
        (Reasoning("off"), {"efforts": ("low", "high")}, {"effort": "low"}, ["thinking"]),
        (Reasoning("off"), {}, None, ["thinking"]),
        (Reasoning("adaptive", display="omitted"), {}, None, ["thinking", "thinking.display"]),
        (Reasoning(effort="high"), {"efforts": ()}, None, ["reasoning"]),
    ],
)
def test_thinking_is_asked_for_by_effort(wanted, traits, wire, lost):
    encoded = sent(foreign(reasoning=wanted), **traits)

    assert encoded.body.get("reasoning") == wire
    assert whats(encoded) == lost


def test_a_schema_goes_into_text_format():
    encoded = sent(foreign(output_format=OutputFormat("json_schema", CLOSED), verbosity="low"))

    assert encoded.body["text"] == {
        "format": {"type": "json_schema", "name": "answer", "schema": CLOSED, "strict": True},
        "verbosity": "low",
    }


@pytest.mark.parametrize(
    ("fields", "lost"),
    [
        ({"max_tokens": 1}, "max_tokens"),
        ({"stop": ("x",)}, "stop"),
        ({"top_k": 3}, "top_k"),
        ({"seed": 3}, "seed"),
        ({"metadata": {"a": 1}}, "metadata"),
        ({"user": "u" * 65}, "user"),
    ],
)
def test_what_the_dialect_lacks_is_told(fields, lost):
    assert whats(sent(foreign(**fields))) == [lost]


def test_several_answers_at_once_are_refused():
    with pytest.raises(UnsupportedError):
        sent(foreign(choices=2))


# Relays


@pytest.mark.parametrize(
    ("traits", "fields"),
    [
        ({"refused_fields": ("max_tokens",)}, {"max_output_tokens": 9}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": True}),
        ({"user_field": "none"}, {"safety_identifier": "u"}),
        ({"extra_fields": {"store": False}}, {}),
        ({"schema_subset": "plain"}, {"tools": []}),
        ({"efforts": ()}, {"reasoning": {"effort": "low"}}),
        ({"developer_role": False}, {"input": [{"role": "developer", "content": "x"}]}),
        ({"custom_tools": False}, {"tools": [{"type": "custom", "name": "a"}]}),
        ({"tool_namespaces": False}, {"tools": [{"type": "namespace", "name": "n", "tools": []}]}),
        ({"images": False}, {"input": [{"role": "user", "content": [{"type": "input_image"}]}]}),
        ({"tool_name_limit": 3}, {"tools": [{"type": "function", "name": "long"}]}),
        ({"tool_name_charset": "a-z"}, {"input": [{**CALL, "name": "A"}]}),
        (
            {"tool_name_limit": 3},
            {"tools": [{"type": "namespace", "name": "n", "tools": [{"type": "custom", "name": "long"}]}]},
        ),
    ],
)
def test_what_the_target_does_not_take_is_no_relay(traits, fields):
    body = {"model": "m", "input": "x", **fields}

    assert DIALECT.rewrite_reason(body, json.dumps(body).encode(), Traits(**traits))
    assert DIALECT.rewrite_reason(body, json.dumps(body).encode(), Traits()) is None


def test_problem_11_reasoning_that_another_account_made_is_left_out_of_an_own_conversation():
    items = [
        USER,
        {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "theirs"},
        {"type": "reasoning", "id": "rs_2", "summary": [], "encrypted_content": "ours"},
        {"role": "assistant", "content": "So."},
    ]
    request = decoded(input=items)
    turn = request.messages[1]
    theirs = replace(turn.content[0], native=replace(turn.content[0].native, issuer="another"))
    known = replace(turn, content=(theirs, *turn.content[1:]))

    encoded = sent(replace(request, messages=(request.messages[0], known)))

    assert encoded.body["input"] == [items[0], *items[2:]]
    assert whats(encoded) == ["reasoning"]

"""Requests of other dialects' clients, as Converse takes them: fitted, lost or refused."""

import pytest
from msgspec import structs

from pointsman.canon.blocks import (
    Audio,
    Base64Source,
    BlocksSource,
    CacheMark,
    Citation,
    Document,
    FileSource,
    Image,
    Native,
    Refusal,
    ServerTool,
    Text,
    TextSource,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
    UrlSource,
)
from pointsman.canon.errors import MalformedError, UnsupportedError
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.bedrock_converse import DIALECT

HELLO = Message("user", (Text("Hello"),))
TOOL = Tool("look", "Looks.", {"type": "object"})


def ask(*messages, **fields):
    return Request("elsewhere", "m", messages or (HELLO,), **fields)


def encoded(request, issuer="maker", **traits):
    return DIALECT.encode_request(request, Target("sent", issuer, Traits(**traits)))


def body(*messages, traits=None, **fields):
    return encoded(ask(*messages, **fields), **(traits or {})).body


def losses(*messages, traits=None, **fields):
    made = encoded(ask(*messages, **fields), **(traits or {})).losses
    return [f"{loss.kind} {loss.what}" for loss in made]


def content(*blocks, role="user", **traits):
    messages = (Message(role, blocks),) if role == "user" else (HELLO, Message(role, blocks), HELLO)
    made = encoded(ask(*messages), **traits)
    return made.body["messages"][0 if role == "user" else 1]["content"], made.losses


# Conversation


def test_turns_of_one_role_become_one_and_results_stand_first():
    call = ToolCall("c1", "look", "{}")
    result = ToolResult("c1", (Text("found"),), cache=CacheMark())

    messages = body(
        HELLO,
        Message("assistant", (Text("a"),)),
        Message("assistant", (call,)),
        Message("user", (Text("before"),)),
        Message("tool", (result,)),
        tools=(TOOL,),
    )["messages"]

    assert [message["role"] for message in messages] == ["user", "assistant", "user"]
    assert messages[2]["content"] == [
        {"toolResult": {"toolUseId": "c1", "content": [{"text": "found"}]}},
        {"cachePoint": {"type": "default"}},
        {"text": "before"},
    ]


def test_calls_of_one_id_are_told_apart_with_their_results():
    turns = [
        Message("assistant", (ToolCall("c", "look"), ToolCall("c", "look"))),
        Message("tool", (ToolResult("c", (Text("1"),)),)),
        Message("tool", (ToolResult("c", (Text("2"),)),)),
        Message("assistant", (ToolCall("c", "look"),)),
        Message("tool", (ToolResult("c", (Text("3"),)),)),
    ]

    _, first, results, second, last = body(HELLO, *turns, tools=(TOOL,))["messages"]

    assert [block["toolUse"]["toolUseId"] for block in first["content"]] == ["c", "c_2"]
    assert [block["toolResult"]["toolUseId"] for block in results["content"]] == ["c", "c_2"]
    assert [block["toolResult"]["content"] for block in results["content"]] == [
        [{"text": "1"}],
        [{"text": "2"}],
    ]
    assert second["content"][0]["toolUse"]["toolUseId"] == "c_3"
    assert last["content"][0]["toolResult"]["toolUseId"] == "c_3"


def test_a_call_without_a_result_and_a_result_without_a_call_are_refused():
    call, result = Message("assistant", (ToolCall("c", "look"),)), Message("tool", (ToolResult("c"),))

    with pytest.raises(MalformedError, match="not answered"):
        body(HELLO, call, HELLO)
    with pytest.raises(MalformedError, match="answers no call"):
        body(HELLO, result)


def test_nothing_to_answer_is_refused():
    with pytest.raises(MalformedError, match="no content"):
        body(Message("user", (Text(" "),)))


def test_a_system_message_in_mid_conversation_keeps_its_place_or_is_marked():
    turns = (HELLO, Message("system", (Text("Be brief."),)), Message("assistant", (Text("Hi"),)), HELLO)

    kept = body(*turns)["messages"]
    marked = body(*turns, traits={"mid_system": "user"})["messages"]

    assert kept[1] == {"role": "system", "content": [{"text": "Be brief."}]}
    assert marked[0]["content"] == [
        {"text": "Hello"},
        {"text": "<system-reminder>\nBe brief.\n</system-reminder>"},
    ]
    assert losses(*turns, traits={"mid_system": "user"}) == ["approximated messages[1]"]


def test_names_and_pictures_of_the_system_are_lost_and_named():
    named = Message("system", (Text("x"), Image(UrlSource("https://x"))), name="ada")

    assert losses(HELLO, system=(named,)) == ["dropped system[0].name", "dropped system[0]"]


# Blocks


def test_citations_and_refusals_are_text():
    cited = Text("a", (Citation(url="https://x"),))

    wires, lost = content(cited, Refusal("No."), Refusal(" "), role="assistant")

    assert wires == [{"text": "a"}, {"text": "No."}]
    assert [loss.what for loss in lost] == [
        "messages[1].content[0].citations",
        "messages[1].content[1]",
        "messages[1].content[2]",
    ]


def test_thinking_goes_back_to_its_issuer_alone():
    own = Thinking("a", Native(DIALECT.name, "maker", {"signature": "s"}))
    redacted = Thinking("", Native(DIALECT.name, "", {"redactedContent": "cg=="}), redacted=True)
    others = Thinking("b", Native(DIALECT.name, "other", {"signature": "s"}))

    wires, lost = content(own, redacted, others, role="assistant")

    assert wires == [
        {"reasoningContent": {"reasoningText": {"text": "a", "signature": "s"}}},
        {"reasoningContent": {"redactedContent": "cg=="}},
    ]
    assert [loss.what for loss in lost] == ["messages[1].content[2]"]


def test_thinking_is_echoed_unsigned_where_the_model_wants_it():
    foreign = Thinking("a", Native("elsewhere", "other", {"x": 1}))
    empty = Thinking("", Native("elsewhere", "other", {"x": 1}), redacted=True)

    wires, lost = content(foreign, empty, Text("b"), role="assistant", echo_reasoning="all")

    assert wires[0] == {"reasoningContent": {"reasoningText": {"text": "a"}}}
    assert [loss.kind for loss in lost] == ["approximated", "dropped"]


def test_pictures_are_sent_as_bytes_of_a_known_format():
    inside = Image(UrlSource("data:image/jpg;base64,aGk="), detail="high")

    wires, lost = content(inside)

    assert wires == [{"image": {"format": "jpeg", "source": {"bytes": "aGk="}}}]
    assert [loss.what for loss in lost] == ["messages[0].content[0].detail"]


@pytest.mark.parametrize(
    ("block", "traits", "why"),
    [
        (Image(UrlSource("https://x/a.png")), {}, "fetches no addresses"),
        (Image(UrlSource("data:,plain")), {}, "fetches no addresses"),
        (Image(FileSource("file_1")), {}, "has no file"),
        (Image(Base64Source("image/tiff", "aGk=")), {}, "image/tiff"),
        (Image(Base64Source("image/png", "aGk=")), {"images": False}, "no images"),
        (Document(Base64Source("application/zip", "aGk=")), {}, "application/zip"),
        (Document(Base64Source("application/pdf", "aGk=")), {"documents": False}, "no documents"),
        (Document(BlocksSource((Image(FileSource("f")),))), {}, "hold no pictures"),
        (Document(BlocksSource((Image(FileSource("f")),), "search_result")), {}, "holds text alone"),
        (Audio("aGk=", "midi"), {}, "midi"),
        (Audio("aGk=", "wav"), {"audio": False}, "no sound"),
    ],
)
def test_media_that_cannot_be_sent_are_refused(block, traits, why):
    with pytest.raises(UnsupportedError, match=why):
        content(block, **traits)


def test_documents_get_names_that_the_api_takes_and_no_two_the_same():
    pdf = Base64Source("application/pdf", "aGk=")
    blocks = (
        Document(pdf, title="My_report (1).pdf"),
        Document(pdf, title="My report (1) pdf", context="c", citations={"enabled": True}),
        Document(TextSource("Grüezi")),
        Document(BlocksSource((Text("a"), Text("b")))),
    )

    wires, lost = content(*blocks)

    assert [wire["document"]["name"] for wire in wires] == [
        "My report (1) pdf",
        "My report (1) pdf 2",
        "Document",
        "Document 2",
    ]
    assert wires[1]["document"]["context"] == "c"
    assert wires[2]["document"]["source"] == {"bytes": "R3LDvGV6aQ=="}
    assert wires[3]["document"]["format"] == "txt"
    assert {loss.kind for loss in lost} == {"approximated"}


def test_search_results_and_sounds_have_their_own_blocks():
    found = Document(BlocksSource((Text("a"),), "search_result", {"source": "https://x"}), title="X")

    wires, _ = content(found, Audio("aGk=", "wav"))

    assert wires == [
        {"searchResult": {"title": "X", "source": "https://x", "content": [{"text": "a"}]}},
        {"audio": {"format": "wav", "source": {"bytes": "aGk="}}},
    ]


def test_what_only_another_provider_knows_is_dropped_and_named():
    server = ServerTool("call", "s1", "web_search", Native("elsewhere", "", {"type": "x"}))
    unknown = Unknown("elsewhere", {"type": "tomorrow"})

    wires, lost = content(server, unknown, Text("a"), role="assistant")

    assert wires == [{"text": "a"}]
    assert [loss.what for loss in lost] == ["messages[1].content[0]", "messages[1].content[1]"]


def test_arguments_that_are_no_object_are_kept_in_one_member():
    calls = (
        ToolCall("a", "look", "[1]"),
        ToolCall("b", "look", "{half"),
        ToolCall("c", "look", "free", "custom"),
    )
    results = tuple(ToolResult(id) for id in "abc")
    custom = structs.replace(TOOL, kind="custom")

    made = encoded(ask(HELLO, Message("assistant", calls), Message("tool", results), tools=(TOOL, custom)))

    sent = [block["toolUse"] for block in made.body["messages"][1]["content"]]
    assert [call["input"] for call in sent] == [
        {"malformed_arguments": "[1]"},
        {"malformed_arguments": "{half"},
        {"input": "free"},
    ]
    assert made.names == {"look__free_text": "look"}


def test_opaque_state_of_a_call_has_no_place():
    call = ToolCall("a", "look", native=Native("elsewhere", "other", {"x": 1}))
    turns = (HELLO, Message("assistant", (call,)), Message("tool", (ToolResult("a"),)))

    assert losses(*turns, tools=(TOOL,)) == ["dropped messages[1].content[0].native"]


def test_marks_of_a_lifetime_that_is_not_known_and_those_without_a_place_are_named():
    odd = Text("a", cache=CacheMark("2h"))
    nowhere = Text(" ", cache=CacheMark("5m"))

    wires, lost = content(odd, nowhere)
    refused, none = content(odd, refused_fields=("cache",))

    assert wires == [{"text": "a"}, {"cachePoint": {"type": "default"}}]
    assert [loss.what for loss in lost] == ["messages[0].content[0].cache_control", "cache_control"]
    assert refused == [{"text": "a"}]
    assert [loss.what for loss in none] == ["cache_control"]


# Tools


def test_tools_are_told_with_their_marks_and_what_they_lack():
    tools = (structs.replace(TOOL, cache=CacheMark("1h"), strict=True), Tool("bare", ""))

    made = encoded(ask(tools=tools), strict_tools=False)

    assert made.body["toolConfig"]["tools"] == [
        {"toolSpec": {"name": "look", "description": "Looks.", "inputSchema": {"json": {"type": "object"}}}},
        {"cachePoint": {"type": "default", "ttl": "1h"}},
        {"toolSpec": {"name": "bare", "inputSchema": {"json": {"type": "object", "properties": {}}}}},
    ]
    assert [loss.what for loss in made.losses] == ["tools[0].strict", "tools[1]"]


def test_a_schema_is_cut_down_to_what_the_target_takes():
    odd = structs.replace(TOOL, schema={"properties": {"a": {"type": "string", "format": "uri"}}})

    made = encoded(ask(tools=(odd,)), schema_subset="plain")

    (tool,) = made.body["toolConfig"]["tools"]
    assert tool["toolSpec"]["inputSchema"]["json"] == {
        "type": "object",
        "properties": {"a": {"type": "string"}},
    }
    assert [loss.what for loss in made.losses] == ["tools[0].schema"]


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        (ToolChoice("auto"), {"auto": {}}),
        (ToolChoice("any"), {"any": {}}),
        (ToolChoice("tool", "look"), {"tool": {"name": "look"}}),
        (ToolChoice("allowed", names=("look",), required=True), {"any": {}}),
        (ToolChoice("allowed", names=("look",)), {"auto": {}}),
        (None, None),
    ],
)
def test_a_choice_among_tools_is_sent(choice, sent):
    assert body(tools=(TOOL, Tool("other")), tool_choice=choice)["toolConfig"].get("toolChoice") == sent


def test_no_tool_may_be_called_where_none_is_sent_which_a_history_of_calls_forbids():
    none = ToolChoice("none")
    history = (HELLO, Message("assistant", (ToolCall("c", "look"),)), Message("tool", (ToolResult("c"),)))

    assert "toolConfig" not in body(tools=(TOOL,), tool_choice=none)
    assert len(body(*history, tools=(TOOL,), tool_choice=none)["toolConfig"]["tools"]) == 1
    assert losses(tools=(TOOL,), tool_choice=none) == ["approximated tool_choice"]


def test_the_tools_of_a_history_are_declared_where_the_client_sends_none():
    history = (HELLO, Message("assistant", (ToolCall("c", "look"),)), Message("tool", (ToolResult("c"),)))

    config = body(*history)["toolConfig"]

    assert [tool["toolSpec"]["name"] for tool in config["tools"]] == ["look"]
    assert "toolChoice" not in config
    assert losses(*history) == ["approximated tools[0]"]


def test_what_the_target_cannot_do_with_tools_is_refused_or_dropped():
    with pytest.raises(UnsupportedError, match="no tools"):
        body(tools=(TOOL,), traits={"tools": False})
    with pytest.raises(UnsupportedError, match="does not run"):
        body(tools=(Tool("web", kind="server", type="web_1"),))
    with pytest.raises(UnsupportedError, match="told to use a tool"):
        body(tools=(TOOL,), tool_choice=ToolChoice("any"), traits={"tool_choice": ("auto",)})
    assert (
        "toolChoice"
        not in body(tools=(TOOL,), tool_choice=ToolChoice("auto"), traits={"tool_choice": ()})["toolConfig"]
    )
    assert losses(tool_choice=ToolChoice("any")) == ["dropped tool_choice"]
    assert losses(tools=(TOOL,), parallel_tool_calls=False) == ["dropped parallel_tool_calls"]


def test_a_free_text_tool_that_would_take_a_functions_name_is_refused():
    clash = (Tool("look__free_text"), Tool("look", kind="custom"))

    with pytest.raises(UnsupportedError, match="one name"):
        body(tools=clash)


# Settings


def test_settings_are_sent_within_the_targets_limits():
    made = encoded(
        ask(max_tokens=9000, temperature=1.5, top_p=0.5, top_k=7, stop=("a", " ", "b", "c"), seed=1),
        max_output=4096,
        stop_limit=2,
        top_k=True,
    )

    assert made.body["inferenceConfig"] == {
        "maxTokens": 4096,
        "temperature": 1.0,
        "topP": 0.5,
        "stopSequences": ["a", "b"],
    }
    assert made.body["additionalModelRequestFields"] == {"top_k": 7}
    assert [loss.what for loss in made.losses] == ["max_tokens", "temperature", "stop", "stop", "seed"]


def test_only_blank_stop_sequences_are_none():
    assert "inferenceConfig" not in body(stop=(" ",))


def test_what_the_dialect_lacks_is_dropped_and_named():
    assert losses(top_k=3, user="u", verbosity="low", cache=CacheMark(), frequency_penalty=1) == [
        "dropped top_k",
        "dropped frequency_penalty",
        "dropped verbosity",
        "dropped user",
        "dropped cache_control",
    ]
    with pytest.raises(UnsupportedError, match="one answer"):
        body(choices=2)


def test_tiers_and_labels_are_sent_if_the_target_has_them():
    assert body(service_tier="standard_only")["serviceTier"] == {"type": "default"}
    assert losses(service_tier="auto") == ["dropped service_tier"]
    assert body(metadata={"team": "rails"})["requestMetadata"] == {"team": "rails"}
    for odd in ({"a": 1}, {"a": "{}"}, {str(n): "x" for n in range(17)}):
        assert losses(metadata=odd) == ["dropped metadata"]


def test_a_schema_for_the_answer_is_text():
    wanted = OutputFormat("json_schema", {"type": "object"}, "city", "A city.", strict=True)

    config = body(output_format=wanted)["outputConfig"]

    assert config == {
        "textFormat": {
            "type": "json_schema",
            "structure": {
                "jsonSchema": {"schema": '{"type":"object"}', "name": "city", "description": "A city."}
            },
        }
    }


def test_forms_that_the_target_lacks_are_refused_or_asked_for_in_words():
    with pytest.raises(UnsupportedError, match="no counterpart"):
        body(output_format=OutputFormat("other", native={}))
    with pytest.raises(UnsupportedError, match="JSON Schema"):
        body(output_format=OutputFormat("json_schema", {}), traits={"output_formats": ()})
    assert body(output_format=OutputFormat("json_object"))["system"][0]["text"].startswith("Answer with")
    assert "outputConfig" not in body(output_format=OutputFormat("text"))
    fitted = losses(
        output_format=OutputFormat("json_schema", {"type": "object", "format": "x"}),
        traits={"schema_subset": "plain"},
    )
    assert fitted == ["approximated response_format.schema"]


def test_fields_that_the_target_refuses_are_left_out_and_those_that_it_needs_are_added():
    made = encoded(ask(temperature=0.5), refused_fields=("temperature",), extra_fields={"x": 1})

    assert "inferenceConfig" not in made.body
    assert made.body["x"] == 1
    assert [loss.what for loss in made.losses] == ["temperature"]


# Thinking

THINKS = {"reasoning": "thinking"}


@pytest.mark.parametrize(
    ("wanted", "traits", "thinking", "effort", "lost"),
    [
        (
            Reasoning("on", budget=2048, display="x"),
            THINKS,
            {"type": "enabled", "budget_tokens": 2048, "display": "x"},
            None,
            [],
        ),
        (Reasoning("adaptive", "high"), THINKS, {"type": "adaptive"}, "high", []),
        (Reasoning(effort="minimal"), THINKS, {"type": "adaptive"}, "low", ["approximated effort"]),
        (Reasoning("off"), THINKS, {"type": "disabled"}, None, []),
        (Reasoning("off"), {**THINKS, "thinking_modes": ("on",)}, None, None, ["dropped thinking"]),
        (
            Reasoning("on", budget=9000),
            {**THINKS, "thinking_modes": ("adaptive",)},
            {"type": "adaptive"},
            "medium",
            ["approximated thinking.budget_tokens"],
        ),
        (
            Reasoning(effort="high"),
            {**THINKS, "thinking_modes": ("on",)},
            {"type": "enabled", "budget_tokens": 16384},
            None,
            ["approximated reasoning_effort"],
        ),
        (Reasoning(effort="high"), {}, None, "high", []),
        (Reasoning(effort="high", budget=5), {}, None, "high", ["dropped thinking.budget_tokens"]),
        (Reasoning("on", budget=500), {}, None, "low", ["approximated thinking.budget_tokens"]),
        (
            Reasoning("on", budget=9000, display="x"),
            {},
            None,
            "medium",
            ["dropped thinking.display", "approximated thinking.budget_tokens"],
        ),
        (Reasoning("adaptive"), {}, None, None, ["dropped thinking"]),
        (Reasoning(effort="none"), {}, None, None, ["dropped thinking"]),
        (Reasoning(effort="max"), {"efforts": ("low", "high")}, None, "high", ["approximated effort"]),
        (Reasoning(effort="odd"), {"efforts": ("xhigh",)}, None, "xhigh", ["approximated effort"]),
        (Reasoning(effort="high"), {"efforts": ()}, None, None, ["dropped effort"]),
        (Reasoning(effort="high"), {"reasoning": "none"}, None, None, ["dropped thinking"]),
        (Reasoning("off"), {"reasoning": "none"}, None, None, []),
        (Reasoning(display="x"), THINKS, None, None, ["dropped thinking.display"]),
        (Reasoning(), {}, None, None, []),
        (Reasoning("other", native={"x": 1}), {}, None, None, ["dropped thinking"]),
    ],
)
def test_thinking_is_asked_for_as_the_target_takes_it(wanted, traits, thinking, effort, lost):
    made = encoded(ask(reasoning=wanted), **traits)

    assert made.body.get("additionalModelRequestFields", {}).get("thinking") == thinking
    assert made.body.get("outputConfig", {}).get("effort") == effort
    assert [f"{loss.kind} {loss.what}" for loss in made.losses] == lost

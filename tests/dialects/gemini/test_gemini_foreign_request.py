"""Requests of other dialects on their way to a Gemini upstream."""

import json

import pytest
from msgspec import structs

from pointsman.canon.blocks import (
    Base64Source,
    CacheMark,
    Document,
    FileSource,
    Image,
    Native,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    UrlSource,
)
from pointsman.canon.errors import RequestError, UnsupportedError
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.gemini import DIALECT

HI = Message("user", (Text("Hi"),))
OURS = Native("gemini", "maker", {"thoughtSignature": "YQ=="})
THEIRS = Native("gemini", "else", {"thoughtSignature": "Yg=="})


def encoded(*messages, traits=None, **members):
    request = Request("elsewhere", "m", messages or (HI,), **members)
    return DIALECT.encode_request(request, Target("sent", "maker", traits or Traits()))


def config(**members):
    return encoded(**members).body.get("generationConfig", {})


def losses(result):
    return [(loss.kind, loss.what) for loss in result.losses]


def called(*calls, content=()):
    """A turn of calls and the turn that answers them."""
    results = tuple(ToolResult(call.id, (Text(f"of {call.id}"),)) for call in calls)
    return HI, Message("assistant", (*content, *calls)), Message("user", results)


def test_turns_of_one_role_become_one_and_instructions_stand_apart():
    body = encoded(
        HI,
        Message("user", (Text("there"),)),
        Message("assistant", (Text("Yes?"),)),
        Message("user", (Text("Go"),)),
        system=(Message("system", (Text("Be brief."),)), Message("developer", (Text("Be kind."),))),
    ).body

    assert [turn["role"] for turn in body["contents"]] == ["user", "model", "user"]
    assert body["contents"][0]["parts"] == [{"text": "Hi"}, {"text": "there"}]
    assert body["systemInstruction"] == {"parts": [{"text": "Be brief."}, {"text": "Be kind."}]}
    assert "model" not in body
    assert "stream" not in body


def test_instructions_in_mid_conversation_keep_their_place():
    result = encoded(HI, Message("system", (Text("Careful."),)), Message("user", (Text("Go"),)))

    assert result.body["contents"][0]["parts"][1]["text"] == "<system-reminder>\nCareful.\n</system-reminder>"
    assert losses(result) == [("approximated", "messages[1]")]


def test_instructions_alone_are_asked_as_a_user_would():
    request = Request("elsewhere", "m", (), system=(Message("system", (Text("Go."),)),))

    result = DIALECT.encode_request(request, Target("sent", "maker"))

    assert result.body == {"contents": [{"role": "user", "parts": [{"text": "Go."}]}]}
    assert losses(result) == [("approximated", "messages.role")]


def test_a_request_that_says_nothing_is_refused():
    with pytest.raises(RequestError):
        encoded(Message("user", (Text(""),)))


def test_results_come_first_with_their_functions_names():
    body = encoded(
        HI,
        Message("assistant", (Text("Looking."), ToolCall("c1", "f", '{"a":1}'), ToolCall("c2", "g"))),
        Message("tool", (ToolResult("c2", (Text("two"),)),)),
        Message("user", (Text("And?"), ToolResult("c1", (Text("one"), Text("more")), is_error=True))),
    ).body

    assert body["contents"][1]["parts"][1:] == [
        {"functionCall": {"id": "c1", "name": "f", "args": {"a": 1}}},
        {"functionCall": {"id": "c2", "name": "g", "args": {}}},
    ]
    assert body["contents"][2]["parts"] == [
        {"functionResponse": {"id": "c2", "name": "g", "response": {"output": "two"}}},
        {"functionResponse": {"id": "c1", "name": "f", "response": {"error": "one\n\nmore"}}},
        {"text": "And?"},
    ]


def test_ids_that_were_made_here_are_not_sent_and_responses_stand_in_the_order_of_calls():
    calls = [ToolCall(f"call_unnamed_{at}", "f") for at in range(2)]
    results = tuple(ToolResult(call.id, (Text(call.id),)) for call in reversed(calls))

    body = encoded(HI, Message("assistant", tuple(calls)), Message("user", results)).body

    assert [part["functionCall"] for part in body["contents"][1]["parts"]] == [{"name": "f", "args": {}}] * 2
    told = [part["functionResponse"] for part in body["contents"][2]["parts"]]
    assert [response["response"]["output"] for response in told] == [call.id for call in calls]
    assert all("id" not in response for response in told)


def test_pictures_stand_within_a_result_or_behind_it():
    picture = Image(Base64Source("image/png", "aGk="))
    turns = (HI, Message("assistant", (ToolCall("c", "f"),)), Message("user", (ToolResult("c", (picture,)),)))
    part = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}

    within = encoded(*turns).body["contents"][2]["parts"]
    behind = encoded(*turns, traits=Traits(result_media=False))

    assert within[0]["functionResponse"]["parts"] == [part]
    assert behind.body["contents"][2]["parts"][1:] == [
        {"text": "Attached to the result of tool call c:"},
        part,
    ]
    assert losses(behind) == [("approximated", "messages[2].content[0].content[0]")]


def test_problem_9_a_signature_goes_back_on_the_part_that_it_came_with():
    answer = {
        "candidates": [
            {
                "content": {
                    "parts": [
                        {"text": "Hm.", "thought": True, "thoughtSignature": "YQ=="},
                        {"text": "So.", "thoughtSignature": "Yg=="},
                        {"functionCall": {"id": "c", "name": "f", "args": {}}, "thoughtSignature": "Yw=="},
                        {"text": "", "thoughtSignature": "ZA=="},
                    ],
                    "role": "model",
                },
                "finishReason": "STOP",
            }
        ]
    }
    told = gather(DIALECT.whole(answer, Origin(issuer="maker")))
    turn = Message("assistant", told.choices[0].blocks)

    body = encoded(HI, turn, Message("user", (ToolResult("c", (Text("x"),)),))).body

    assert body["contents"][1]["parts"] == answer["candidates"][0]["content"]["parts"]


def test_problem_9_the_stand_in_is_sent_only_where_a_signature_is_unknown_and_demanded():
    skip = Traits(unsigned_call="skip")
    call, other = ToolCall("c", "f"), ToolCall("d", "f")
    signed = structs.replace(call, native=OURS)

    def signatures(*calls, traits=skip):
        parts = encoded(*called(*calls), traits=traits).body["contents"][1]["parts"]
        return [part.get("thoughtSignature") for part in parts]

    assert signatures(call, other) == ["skip", None]
    assert signatures(signed, other) == ["YQ==", None]
    assert signatures(structs.replace(call, native=THEIRS)) == ["skip"]
    assert signatures(call, traits=Traits()) == [None]
    assert signatures(call, structs.replace(other, native=OURS)) == ["skip", "YQ=="]


@pytest.mark.parametrize("place", ["", "part"], ids=["a thought", "a text"])
def test_problem_9_the_stand_in_is_sent_though_another_part_of_the_step_is_signed(place):
    signed = Thinking("" if place else "Hm.", structs.replace(OURS, data={**OURS.data, "": place}))
    turns = called(ToolCall("c", "f"), content=(Text("So."), signed))

    parts = encoded(*turns, traits=Traits(unsigned_call="skip")).body["contents"][1]["parts"]

    assert [part["thoughtSignature"] for part in parts if "functionCall" in part] == ["skip"]
    assert any(part.get("thoughtSignature") == "YQ==" for part in parts)


def test_state_of_another_issuer_is_left_out_and_named():
    thought = Thinking("Hm.", THEIRS)

    result = encoded(*called(structs.replace(ToolCall("c", "f"), native=THEIRS), content=(thought,)))

    assert "thoughtSignature" not in json.dumps(result.body)
    assert losses(result) == [
        ("dropped", "messages[1].content[0]"),
        ("dropped", "messages[1].content[1].native"),
    ]


def test_a_signature_whose_text_is_gone_sits_on_an_empty_part():
    lost = Thinking("", Native("gemini", "maker", {"thoughtSignature": "YQ==", "": "part"}))

    body = encoded(HI, Message("assistant", (lost, Text("So."))), HI).body

    assert body["contents"][1]["parts"] == [{"text": "", "thoughtSignature": "YQ=="}, {"text": "So."}]


def test_problem_5_a_schema_is_sent_whole_or_cut_down_at_schema_positions():
    schema = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "type": "object",
        "properties": {
            "title": {"$ref": "#/$defs/T", "$comment": "x"},
            "format": {"oneOf": [{"const": "a"}, {"type": ["string", "null"]}]},
        },
        "additionalProperties": False,
        "$defs": {"T": {"type": "string"}},
    }
    tools = (Tool("f", "F.", schema), Tool("g", None, {"type": "object", "properties": {}}))

    whole = encoded(tools=tools).body["tools"][0]["functionDeclarations"]
    cut = encoded(tools=tools, traits=Traits(schema_subset="openapi"))

    assert whole[0]["parametersJsonSchema"] == schema
    assert cut.body["tools"][0]["functionDeclarations"] == [
        {
            "name": "f",
            "description": "F.",
            "parameters": {
                "type": "OBJECT",
                "properties": {
                    "title": {"type": "STRING"},
                    "format": {"anyOf": [{"enum": ["a"]}, {"type": "STRING", "nullable": True}]},
                },
            },
        },
        {"name": "g"},
    ]
    assert losses(cut) == [("approximated", "tools[0].schema")]


def test_all_of_a_schema_is_merged_where_only_the_apis_own_form_is_taken():
    schema = {"properties": {"a": {"allOf": [{"type": "object", "properties": {"b": {"type": "integer"}}}]}}}

    body = encoded(tools=(Tool("f", None, schema),), traits=Traits(schema_subset="openapi")).body

    (function,) = body["tools"][0]["functionDeclarations"]
    assert function["parameters"]["properties"]["a"]["properties"] == {"b": {"type": "INTEGER"}}


def test_tools_that_take_free_text_come_back_as_such():
    tool = Tool("apply patch", "Patches.", kind="custom")
    choice = ToolChoice("tool", "apply patch", "custom")
    turns = (HI, Message("assistant", (ToolCall("c", "apply patch", "*** Begin", "custom"),)))

    result = encoded(*turns, Message("user", (ToolResult("c"),)), tools=(tool,), tool_choice=choice)

    (declared,) = result.body["tools"][0]["functionDeclarations"]
    (call,) = result.body["contents"][1]["parts"]
    allowed = result.body["toolConfig"]["functionCallingConfig"]["allowedFunctionNames"]
    assert result.names == {declared["name"]: "apply patch"}
    assert (call["functionCall"]["name"], allowed) == (declared["name"], [declared["name"]])
    assert call["functionCall"]["args"] == {"input": "*** Begin"}
    answer = {"candidates": [{"content": {"parts": [call]}, "finishReason": "STOP"}]}
    (told,) = gather(DIALECT.whole(answer, Origin(names=result.names))).choices[0].blocks
    assert (told.name, told.kind, told.arguments) == ("apply patch", "custom", "*** Begin")


@pytest.mark.parametrize("name", ["21st_magic", "-x", "ünder", "a b", "x" * 129, "mcp.tool:do-it"])
def test_problem_4_names_begin_with_a_letter_and_are_restored(name):
    result = encoded(tools=(Tool(name), Tool("_21st_magic")))

    sent = [each["name"] for each in result.body["tools"][0]["functionDeclarations"]]
    assert len(set(sent)) == 2
    assert all((each[0].isalpha() or each[0] == "_") and each.isascii() and len(each) <= 128 for each in sent)
    assert result.names.get(sent[0], sent[0]) == name


@pytest.mark.parametrize(
    ("choice", "wire"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("any"), {"mode": "ANY"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("tool", "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (ToolChoice("allowed", names=("f",)), {"mode": "VALIDATED", "allowedFunctionNames": ["f"]}),
        (ToolChoice("allowed", names=("f",), required=True), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
    ],
)
def test_the_choice_among_tools(choice, wire):
    body = encoded(tools=(Tool("f"), Tool("g")), tool_choice=choice).body

    assert body["toolConfig"] == {"functionCallingConfig": wire}


def test_a_choice_that_the_target_lacks_becomes_fewer_tools():
    choice = ToolChoice("allowed", names=("f",), required=True)

    result = encoded(
        tools=(Tool("f"), Tool("g")), tool_choice=choice, traits=Traits(tool_choice=("auto", "any"))
    )
    none = encoded(tools=(Tool("f"),), tool_choice=ToolChoice("none"), traits=Traits(tool_choice=("auto",)))

    assert [each["name"] for each in result.body["tools"][0]["functionDeclarations"]] == ["f"]
    assert result.body["toolConfig"] == {"functionCallingConfig": {"mode": "ANY"}}
    assert "tools" not in none.body


LEVELS = Traits(efforts=("low", "medium", "high"))
BUDGETS = Traits(reasoning="thinking", effort_budgets={"low": 1000})


@pytest.mark.parametrize(
    ("wanted", "traits", "sent", "lost"),
    [
        (Reasoning(effort="high"), LEVELS, {"thinkingLevel": "HIGH", "includeThoughts": True}, []),
        (
            Reasoning(effort="max"),
            LEVELS,
            {"thinkingLevel": "HIGH", "includeThoughts": True},
            ["reasoning_effort"],
        ),
        (
            Reasoning(effort="minimal"),
            LEVELS,
            {"thinkingLevel": "LOW", "includeThoughts": True},
            ["reasoning_effort"],
        ),
        (Reasoning(effort="none"), LEVELS, {"thinkingLevel": "LOW"}, ["thinking"]),
        (
            Reasoning("on", budget=9000),
            LEVELS,
            {"thinkingLevel": "MEDIUM", "includeThoughts": True},
            ["thinking.budget_tokens"],
        ),
        (Reasoning("adaptive", display="omitted"), LEVELS, {"includeThoughts": False}, ["thinking"]),
        (Reasoning("on", budget=9000), BUDGETS, {"thinkingBudget": 9000, "includeThoughts": True}, []),
        (
            Reasoning("on", budget=60_000),
            structs.replace(BUDGETS, effort_budgets={"max": 24_576}),
            {"thinkingBudget": 24_576, "includeThoughts": True},
            ["thinking.budget_tokens"],
        ),
        (Reasoning("on"), BUDGETS, {"thinkingBudget": -1, "includeThoughts": True}, ["thinking"]),
        (
            Reasoning(effort="low"),
            BUDGETS,
            {"thinkingBudget": 1000, "includeThoughts": True},
            ["reasoning_effort"],
        ),
        (Reasoning("off"), BUDGETS, {"thinkingBudget": 0}, []),
        (Reasoning("off"), structs.replace(BUDGETS, thinking_modes=("on",)), None, ["thinking"]),
        (Reasoning("adaptive"), Traits(reasoning="none"), None, ["thinking"]),
        (Reasoning("other", native={}), LEVELS, None, ["thinking"]),
    ],
)
def test_thinking_is_a_level_or_a_budget(wanted, traits, sent, lost):
    result = encoded(reasoning=wanted, traits=traits)

    assert result.body.get("generationConfig", {}).get("thinkingConfig") == sent
    assert [loss.what for loss in result.losses] == lost


def test_settings_have_their_places():
    body = encoded(
        max_tokens=9,
        temperature=0.5,
        top_p=0.9,
        top_k=5,
        seed=1,
        choices=2,
        frequency_penalty=0.1,
        presence_penalty=0.2,
        stop=("a",),
        service_tier="priority",
    ).body

    assert body["generationConfig"] == {
        "maxOutputTokens": 9,
        "temperature": 0.5,
        "topP": 0.9,
        "topK": 5,
        "seed": 1,
        "candidateCount": 2,
        "frequencyPenalty": 0.1,
        "presencePenalty": 0.2,
        "stopSequences": ["a"],
    }
    assert body["serviceTier"] == "priority"


def test_what_has_no_place_is_named():
    result = encoded(
        user="u",
        metadata={"a": "b"},
        verbosity="low",
        parallel_tool_calls=False,
        tools=(Tool("f", strict=True, cache=CacheMark()),),
        service_tier="scale",
        stop=tuple("abcdef"),
        extra={"logit_bias": {"1": 2}},
        traits=Traits(stop_limit=5, refused_fields=("seed",)),
        seed=1,
    )

    assert {what for _, what in losses(result)} == {
        *("user", "metadata", "verbosity", "parallel_tool_calls", "tools[0].strict", "cache_control"),
        *("service_tier", "stop", "logit_bias", "seed"),
    }


@pytest.mark.parametrize(
    ("subset", "member"),
    [("full", "responseJsonSchema"), ("openapi", "responseSchema"), ("plain", "responseJsonSchema")],
)
def test_a_form_for_the_answer(subset, member):
    schema = {"type": "object", "properties": {"a": {"type": "string"}}}

    sent = config(output_format=OutputFormat("json_schema", schema, "n"), traits=Traits(schema_subset=subset))

    assert sent["responseMimeType"] == "application/json"
    assert json.dumps(sent[member]).lower() == json.dumps(schema)
    assert config(output_format=OutputFormat("json_object")) == {"responseMimeType": "application/json"}
    assert config(output_format=OutputFormat("text")) == {}


@pytest.mark.parametrize(
    "members",
    [
        {"output_format": OutputFormat("other", native={})},
        {"output_format": OutputFormat("json_object"), "traits": Traits(output_formats=())},
        {"tools": (Tool("web_search", kind="server", type="web_search"),)},
        {"tools": (Tool("bash", kind="server", type="bash_1", client_run=True),)},
        {"tools": (Tool("f"),), "traits": Traits(tools=False)},
        {"tools": (Tool("f__free_text"), Tool("f", kind="custom"))},
    ],
)
def test_what_the_target_cannot_do_is_refused(members):
    with pytest.raises(UnsupportedError):
        encoded(**members)


@pytest.mark.parametrize(
    ("block", "traits"),
    [
        (Image(FileSource("file-1")), Traits()),
        (Image(Base64Source("image/png", "")), Traits(images=False)),
        (Image(UrlSource("https://example.com/a.png")), Traits(image_urls=False)),
        (Document(Base64Source("application/pdf", "")), Traits(documents=False)),
    ],
)
def test_media_that_the_target_cannot_see_are_refused(block, traits):
    with pytest.raises(UnsupportedError):
        encoded(Message("user", (block,)), traits=traits)


def test_addresses_and_data_urls_are_what_they_hold():
    body = encoded(
        Message(
            "user",
            (Image(UrlSource("https://example.com/a.webp")), Image(UrlSource("data:image/png;base64,aGk="))),
        )
    ).body

    assert body["contents"][0]["parts"] == [
        {"fileData": {"fileUri": "https://example.com/a.webp", "mimeType": "image/webp"}},
        {"inlineData": {"mimeType": "image/png", "data": "aGk="}},
    ]


def test_arguments_that_are_no_object_are_one_member():
    result = encoded(*called(ToolCall("c", "f", "{broken")))

    (part,) = result.body["contents"][1]["parts"]
    assert part["functionCall"]["args"] == {"malformed_arguments": "{broken"}
    assert losses(result) == [("approximated", "messages[1].content[0].arguments")]

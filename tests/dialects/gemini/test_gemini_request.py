"""What a Gemini client's request means."""

import pytest

from pointsman.canon.blocks import (
    Audio,
    Base64Source,
    Document,
    FileSource,
    Image,
    Native,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    UrlSource,
)
from pointsman.canon.errors import MalformedError
from pointsman.canon.request import ToolChoice
from pointsman.canon.traits import Target
from pointsman.dialects.gemini import DIALECT
from pointsman.dialects.gemini.signature import ALONE, ON_PART, PLACE

HELLO = {"parts": [{"text": "Hello"}]}


def decoded(**members):
    return DIALECT.decode_request({"contents": [HELLO], **members})


def blocks_of(*parts, role="user"):
    return DIALECT.decode_request({"contents": [{"role": role, "parts": list(parts)}]}).messages[0].content


def test_both_spellings_of_a_name_say_the_same():
    camel = decoded(
        systemInstruction=HELLO,
        generationConfig={"maxOutputTokens": 5, "thinkingConfig": {"thinkingBudget": 9}},
        toolConfig={"functionCallingConfig": {"mode": "ANY"}},
    )
    snake = decoded(
        system_instruction=HELLO,
        generation_config={"max_output_tokens": 5, "thinking_config": {"thinking_budget": 9}},
        tool_config={"function_calling_config": {"mode": "ANY"}},
    )

    for request in (camel, snake):
        assert request.system[0].content == (Text("Hello"),)
        assert (request.max_tokens, request.reasoning.budget, request.tool_choice.mode) == (5, 9, "any")


def test_one_object_stands_for_an_array_of_one():
    request = DIALECT.decode_request(
        {"contents": {"parts": {"text": "Hello"}}, "tools": {"functionDeclarations": {"name": "f"}}}
    )

    assert request.messages[0].content == (Text("Hello"),)
    assert [tool.name for tool in request.tools] == ["f"]


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": "Hello"}, "contents"),
        ({"contents": [{"role": "wizard"}]}, "contents[0].role"),
        ({"contents": [{"parts": [5]}]}, "contents[0].parts[0]"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "contents[0].parts[0].text"),
        ({"contents": [{"parts": [{"inlineData": {}}]}]}, "contents[0].parts[0].inlineData.data"),
        (
            {"contents": [HELLO], "tools": [{"functionDeclarations": [{}]}]},
            "tools[0].functionDeclarations[0].name",
        ),
        (
            {"contents": [HELLO], "toolConfig": {"functionCallingConfig": {"mode": "SOME"}}},
            "toolConfig.functionCallingConfig.mode",
        ),
        ({"contents": [HELLO], "generationConfig": {"topK": "many"}}, "generationConfig.topK"),
    ],
)
def test_what_is_no_request_is_named_by_its_path(body, param):
    with pytest.raises(MalformedError) as caught:
        DIALECT.decode_request(body)

    assert caught.value.param == param


def test_media_become_what_they_are():
    stored = "https://generativelanguage.googleapis.com/v1beta/files/abc"

    found = blocks_of(
        {"inlineData": {"mimeType": "image/png", "data": "_-8="}},
        {"inlineData": {"mimeType": "audio/mpeg", "data": "SUQz"}},
        {"inline_data": {"mime_type": "application/pdf", "data": "JVBERi0=", "display_name": "a.pdf"}},
        {"fileData": {"fileUri": "https://example.com/a.png?x=1"}},
        {"fileData": {"fileUri": stored, "mimeType": "application/pdf"}},
        {"fileData": {"fileUri": "gs://bucket/a.png", "mimeType": "image/png"}},
    )

    assert [type(block) for block in found] == [Image, Audio, Document, Image, Document, Image]
    assert found[0].source == Base64Source("image/png", "/+8=")
    assert (found[1].format, found[2].title) == ("mp3", "a.pdf")
    assert found[3].source == UrlSource("https://example.com/a.png?x=1")
    assert (found[4].source, found[5].source) == (FileSource(stored), FileSource("gs://bucket/a.png"))


def test_calls_and_responses_without_ids_find_each_other_by_name_and_order():
    request = DIALECT.decode_request(
        {
            "contents": [
                {"role": "model", "parts": [{"functionCall": {"name": name}} for name in ("f", "g", "f")]},
                {"parts": [{"functionResponse": {"name": name, "response": {}}} for name in ("g", "f", "f")]},
                {"role": "model", "parts": [{"functionCall": {"name": "f"}}]},
                {"role": "function", "parts": [{"functionResponse": {"name": "f", "response": {}}}]},
            ]
        }
    )

    calls = [call.id for message in request.messages[::2] for call in message.content]
    results = [result.call_id for message in request.messages[1::2] for result in message.content]
    assert len(set(calls)) == 4
    assert results == [calls[1], calls[0], calls[2], calls[3]]
    assert request.messages[3].role == "tool"


def test_a_made_id_is_none_that_a_call_has():
    taken = {"id": "call_unnamed_0", "name": "f"}

    request = DIALECT.decode_request(
        {"contents": [{"role": "model", "parts": [{"functionCall": {"name": "f"}}, {"functionCall": taken}]}]}
    )

    assert len({call.id for call in request.messages[0].content}) == 2


@pytest.mark.parametrize(
    ("response", "text", "failed"),
    [
        ({"output": "done"}, "done", None),
        ({"output": {"a": 1}}, '{"a":1}', None),
        ({"error": "no such file"}, "no such file", True),
        ({"result": 5}, '{"result":5}', None),
        ({"output": "x", "error": "y"}, '{"output":"x","error":"y"}', None),
        ({}, "{}", None),
    ],
)
def test_a_functions_response_is_what_it_said(response, text, failed):
    (result,) = blocks_of({"functionResponse": {"id": "1", "name": "f", "response": response}})

    assert (result.content, result.is_error) == ((Text(text),), failed)


def test_media_in_a_functions_response_belong_to_the_result():
    picture = {"inlineData": {"mimeType": "image/png", "data": "aGk="}}

    (result,) = blocks_of({"functionResponse": {"id": "1", "name": "f", "response": {}, "parts": [picture]}})

    assert [type(block) for block in result.content] == [Text, Image]


def test_thoughts_and_signatures_wherever_they_sit():
    found = blocks_of(
        {"text": "Hm.", "thought": True, "thoughtSignature": "YQ=="},
        {"text": "So.", "thoughtSignature": "Yg=="},
        {"functionCall": {"name": "f", "args": {"a": 1}}, "thought_signature": "Yw=="},
        {"text": "", "thoughtSignature": "ZA=="},
        role="model",
    )

    assert [type(block) for block in found] == [Thinking, Text, Thinking, ToolCall, Thinking]
    assert found[0].native == Native("gemini", "", {"thoughtSignature": "YQ=="})
    assert found[2].native.data == {"thoughtSignature": "Yg==", PLACE: ON_PART}
    assert found[3].native.data == {"thought_signature": "Yw=="}
    assert (found[4].text, found[4].native.data[PLACE]) == ("", ALONE)


def test_what_the_provider_ran_itself_is_no_clients_tool():
    found = blocks_of(
        {"executableCode": {"language": "PYTHON", "code": "1", "id": "c"}},
        {"codeExecutionResult": {"outcome": "OUTCOME_OK"}},
        {"toolCall": {"toolType": "GOOGLE_SEARCH_WEB", "id": "s"}},
        role="model",
    )

    assert all(isinstance(block, ServerTool) for block in found)
    assert [(block.part, block.id, block.name) for block in found] == [
        ("call", "c", "code_execution"),
        ("result", "", "code_execution"),
        ("call", "s", "google_search_web"),
    ]


@pytest.mark.parametrize(
    ("mode", "names", "choice"),
    [
        ("AUTO", [], ToolChoice("auto")),
        ("any", [], ToolChoice("any")),
        ("NONE", [], ToolChoice("none")),
        ("ANY", ["f"], ToolChoice("tool", "f")),
        ("ANY", ["f", "g"], ToolChoice("allowed", names=("f", "g"), required=True)),
        ("VALIDATED", ["f"], ToolChoice("allowed", names=("f",))),
        ("VALIDATED", [], ToolChoice("auto")),
    ],
)
def test_the_choice_among_tools(mode, names, choice):
    config = {"mode": mode, **({"allowedFunctionNames": names} if names else {})}

    assert decoded(toolConfig={"functionCallingConfig": config}).tool_choice == choice


def test_that_calls_shall_be_validated_is_left_for_its_own_dialect():
    request = decoded(toolConfig={"functionCallingConfig": {"mode": "VALIDATED"}})

    assert request.extra == {"toolConfig": {"functionCallingConfig": {"mode": "VALIDATED"}}}


def test_numbers_may_be_written_as_texts_and_go_on_as_they_were():
    config = {"maxOutputTokens": "50", "temperature": "0.5", "thinkingConfig": {"thinkingBudget": "9"}}
    request = decoded(generationConfig=config)

    assert (request.max_tokens, request.temperature, request.reasoning.budget) == (50, 0.5, 9)
    sent = DIALECT.encode_request(request, Target("m", "")).body["generationConfig"]
    assert (sent["maxOutputTokens"], sent["temperature"]) == ("50", "0.5")


@pytest.mark.parametrize("text", ["", "x", "1x", "0x10", "1e999", "9" * 40])
def test_a_text_that_is_no_number_is_refused(text):
    with pytest.raises(MalformedError):
        decoded(generationConfig={"maxOutputTokens": text})


@pytest.mark.parametrize(
    ("config", "mode", "effort", "budget", "display"),
    [
        ({"thinkingBudget": 0, "includeThoughts": True}, "off", None, None, None),
        ({"thinkingBudget": -1}, "adaptive", None, None, None),
        ({"thinkingBudget": 512, "includeThoughts": False}, "on", None, 512, "omitted"),
        ({"thinkingLevel": "HIGH", "includeThoughts": True}, "unset", "high", None, "summarized"),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, "unset", None, None, None),
    ],
)
def test_settings_of_thinking(config, mode, effort, budget, display):
    reasoning = decoded(generationConfig={"thinkingConfig": config}).reasoning

    assert (reasoning.mode, reasoning.effort, reasoning.budget) == (mode, effort, budget)
    assert reasoning.display == display


def test_problem_5_schemas_in_capitals_become_json_schema_at_schema_positions_only():
    own = {
        "type": "OBJECT",
        "properties": {
            "title": {"type": "STRING", "nullable": True, "enum": ["a"]},
            "type": {"type": "STRING", "format": "enum", "description": "a STRING"},
            "any_of": {"any_of": [{"type": "INTEGER"}, {"type": "NULL"}]},
            "list": {"type": "ARRAY", "min_items": "2", "items": {"ref": "#/defs/One"}},
        },
        "required": ["title"],
        "propertyOrdering": ["type", "title"],
        "defs": {"One": {"type": "NUMBER", "example": 1}},
        "default": {"type": "STRING"},
    }

    request = decoded(tools=[{"functionDeclarations": [{"name": "f", "parameters": own}]}])

    assert request.tools[0].schema == {
        "type": "object",
        "properties": {
            "title": {"type": ["string", "null"], "enum": ["a", None]},
            "type": {"type": "string", "description": "a STRING"},
            "any_of": {"anyOf": [{"type": "integer"}, {"type": "null"}]},
            "list": {"type": "array", "minItems": 2, "items": {"$ref": "#/$defs/One"}},
        },
        "required": ["title"],
        "$defs": {"One": {"type": "number"}},
        "default": {"type": "STRING"},
    }


@pytest.mark.parametrize("key", ["responseSchema", "responseJsonSchema", "response_json_schema"])
def test_the_classifier_of_gemini_cli_asks_for_json_by_a_schema_in_capitals(key):
    schema = {"type": "OBJECT", "properties": {"model_choice": {"type": "STRING"}}}

    wanted = decoded(generationConfig={"responseMimeType": "application/json", key: schema}).output_format

    assert wanted.kind == "json_schema"
    assert wanted.schema == {"type": "object", "properties": {"model_choice": {"type": "string"}}}


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"responseMimeType": "application/json"}, "json_object"),
        ({"responseMimeType": "text/plain"}, "text"),
        ({"responseMimeType": "text/x.enum", "responseSchema": {"type": "STRING"}}, "other"),
        ({"responseSchema": {"type": "STRING"}}, "json_schema"),
    ],
)
def test_forms_of_the_answer(config, kind):
    assert decoded(generationConfig=config).output_format.kind == kind


@pytest.mark.parametrize(
    ("tier", "canonical"), [("standard", "default"), ("flex", "flex"), ("SERVICE_TIER_PRIORITY", "priority")]
)
def test_tiers_in_everybodys_words(tier, canonical):
    assert decoded(serviceTier=tier).service_tier == canonical


def test_a_count_of_tokens_may_wrap_the_request():
    request = DIALECT.decode_request({"generateContentRequest": {"model": "models/x", "contents": [HELLO]}})

    assert request.messages[0].content == (Text("Hello"),)
    assert request.model == ""
    assert DIALECT.count_answer(31) == {"totalTokens": 31}


def test_turns_in_pieces_are_one_and_a_signature_keeps_its_place():
    signed = {"text": "Look", "thoughtSignature": "YWJj"}
    pieces = [{"text": "Let "}, {"text": "me. "}, signed, {"text": "ing"}, {"text": ""}]
    turns = [{"role": "model", "parts": [piece]} for piece in pieces]
    request = DIALECT.decode_request(
        {"contents": [{"parts": [{"text": "a"}]}, {"parts": [{"text": "b"}]}, *turns]}
    )

    asked, told = DIALECT.joined(request).messages

    assert [block.text for block in asked.content] == ["a", "b"]
    assert [block.text for block in told.content] == ["Let me. Look", "", "ing"]
    assert told.content[1].native.data["thoughtSignature"] == "YWJj"


def test_a_conversation_that_says_nothing_stays_as_it_is():
    request = DIALECT.decode_request({"contents": [{"role": "model", "parts": [{"text": ""}]}]})

    assert DIALECT.joined(request) is request

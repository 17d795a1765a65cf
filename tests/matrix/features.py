"""The features of the fidelity page: each as what it adds to a plain request, or as a plain answer's content.

They are canonical where the canonical model has a place for them, else said in the words of the dialects that
have them.
"""

from collections.abc import Mapping

from msgspec import Struct, structs

from pointsman.canon.blocks import (
    Audio,
    Base64Source,
    CacheMark,
    Citation,
    Document,
    Image,
    Refusal,
    Text,
    TextSource,
    Thinking,
    ToolCall,
    ToolResult,
    UrlSource,
)
from pointsman.canon.events import Answer, Choice, Stop
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from pointsman.canon.usage import Usage

SCHEMA = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = Tool("weather", "Tells the weather.", SCHEMA)
CLOCK = Tool("clock", "Tells the time.", SCHEMA)
PICTURE = Base64Source("image/png", "aGk=")
ASKED = Message("user", (Text("What is the weather in Oslo?"),), form="text")
PLAIN = Request("elsewhere", "m", (ASKED,), max_tokens=1000)
WITH_TOOLS = structs.replace(PLAIN, tools=(WEATHER, CLOCK))
ROOMY = structs.replace(PLAIN, max_tokens=9000)


QUESTION = {"role": "user", "content": "What is the weather in Oslo?"}


def _user(block: Mapping[str, object]) -> Mapping[str, object]:
    """A user's turn of one block, in the APIs that have `messages`."""
    return {"messages": [{"role": "user", "content": [block]}]}


class Feature(Struct, frozen=True):
    """Something that a client may ask for, or send."""

    name: str
    request: Request | None = None
    """Where the canonical model has a place for it."""
    base: Request = PLAIN
    """The same without it."""
    native: Mapping[str, Mapping[str, object]] = {}
    """By dialect, the members that it adds to the base, where it has no canonical place."""


class Told(Struct, frozen=True):
    """Something that an answer may hold."""

    name: str
    answer: Answer | None = None
    """Where the canonical model has a place for it."""
    native: Mapping[str, Mapping[str, object]] = {}
    """By dialect, a whole answer with it, where only dialects have a place for it."""


def _set(name: str, base: Request = PLAIN, **fields: object) -> Feature:
    return Feature(name, structs.replace(base, **fields), base)


def _with(*blocks: object) -> Request:
    """The base with more in the user's turn."""
    return structs.replace(PLAIN, messages=(Message("user", (*ASKED.content, *blocks), form="blocks"),))


def _said(name: str, *blocks: object) -> Feature:
    """More in the user's turn."""
    return _set(name, messages=_with(*blocks).messages)


def _turns(name: str, *messages: Message, base: Request = PLAIN) -> Feature:
    return _set(name, base, messages=(ASKED, *messages))


def _called(name: str, *content: object, is_error: bool | None = None, calls: int = 1) -> Feature:
    """A call in the history and its results; the first has this content."""
    made = [ToolCall(f"call_{at}", "weather", '{"city":"Oslo"}') for at in range(calls)]
    results = [ToolResult(each.id, (Text("rain"),), form="blocks") for each in made]
    results[0] = structs.replace(results[0], content=content or (Text("rain"),), is_error=is_error)
    answered = [Message("tool", (each,)) for each in results]
    return _turns(name, Message("assistant", tuple(made), form="blocks"), *answered, base=WITH_TOOLS)


PDF = Document(Base64Source("application/pdf", "JVBERi0="))
ASKED_FOR = (
    _set("instructions", system=(Message("system", (Text("Be brief."),), form="text"),)),
    _turns(
        "instructions in mid-conversation",
        Message("assistant", (Text("Rain."),), form="text"),
        Message("system", (Text("Be brief."),), form="text"),
        Message("user", (Text("And tomorrow?"),), form="text"),
    ),
    Feature(
        "prefill (an assistant's turn at the end)",
        native={"anthropic": {"messages": [QUESTION, {"role": "assistant", "content": "It is"}]}},
    ),
    _said("picture, in the request", Image(PICTURE)),
    _said("picture, by address", Image(UrlSource("https://example.com/a.png"))),
    Feature(
        "picture, by file id",
        native={
            "anthropic": _user({"type": "image", "source": {"type": "file", "file_id": "file_1"}}),
            "openai_responses": {
                "input": [{"role": "user", "content": [{"type": "input_image", "file_id": "file_1"}]}]
            },
            "gemini": {
                "contents": [
                    {"role": "user", "parts": [{"fileData": {"fileUri": "files/1", "mimeType": "image/png"}}]}
                ]
            },
        },
    ),
    _said("picture's level of detail", Image(PICTURE, detail="low")),
    _said("PDF, in the request", PDF),
    _said("PDF, by address", Document(UrlSource("https://example.com/a.pdf"))),
    _set("title of a document", _with(PDF), messages=_with(structs.replace(PDF, title="a.pdf")).messages),
    Feature(
        "document, by file id",
        native={
            "anthropic": _user({"type": "document", "source": {"type": "file", "file_id": "file_1"}}),
            "openai_chat": _user({"type": "file", "file": {"file_id": "file_1"}}),
            "openai_responses": {
                "input": [{"role": "user", "content": [{"type": "input_file", "file_id": "file_1"}]}]
            },
        },
    ),
    _said("plain-text document", Document(TextSource("Rails are long."))),
    _said("document to cite from", Document(TextSource("Rails."), citations={"enabled": True})),
    _said("sound", Audio("aGk=", "wav")),
    _set("tools", tools=(WEATHER, CLOCK)),
    _set("strict tools", tools=(structs.replace(WEATHER, strict=True),)),
    _set("free-text tool", tools=(Tool("patch", "Applies a patch.", kind="custom"),)),
    _set(
        "free-text tool with a grammar",
        tools=(Tool("patch", kind="custom", grammar={"syntax": "lark", "definition": 'start: "x"'}),),
    ),
    Feature(
        "free-text tool with a grammar",
        native={
            "openai_chat": {
                "tools": [
                    {
                        "type": "custom",
                        "custom": {
                            "name": "patch",
                            "format": {
                                "type": "grammar",
                                "grammar": {"syntax": "lark", "definition": 'start: "x"'},
                            },
                        },
                    }
                ]
            },
            "openai_responses": {
                "tools": [
                    {
                        "type": "custom",
                        "name": "patch",
                        "format": {"type": "grammar", "syntax": "lark", "definition": 'start: "x"'},
                    }
                ]
            },
        },
    ),
    Feature(
        "tools in a namespace",
        native={
            "openai_responses": {
                "tools": [
                    {
                        "type": "namespace",
                        "name": "sky",
                        "description": "Of the sky.",
                        "tools": [
                            {"type": "function", "name": "weather", "parameters": SCHEMA, "strict": False}
                        ],
                    }
                ]
            }
        },
    ),
    Feature(
        "web search by the provider",
        native={
            "anthropic": {"tools": [{"type": "web_search_20250305", "name": "web_search"}]},
            "openai_chat": {"web_search_options": {}},
            "openai_responses": {"tools": [{"type": "web_search"}]},
            "gemini": {"tools": [{"googleSearch": {}}]},
        },
    ),
    Feature(
        "code run by the provider",
        native={
            "anthropic": {"tools": [{"type": "code_execution_20250825", "name": "code_execution"}]},
            "openai_responses": {"tools": [{"type": "code_interpreter", "container": {"type": "auto"}}]},
            "gemini": {"tools": [{"codeExecution": {}}]},
        },
    ),
    _set("choice: some tool", WITH_TOOLS, tool_choice=ToolChoice("any")),
    _set("choice: no tool", WITH_TOOLS, tool_choice=ToolChoice("none")),
    _set("choice: this tool", WITH_TOOLS, tool_choice=ToolChoice("tool", "clock")),
    _set("choice: some of these", WITH_TOOLS, tool_choice=ToolChoice("allowed", names=("clock",))),
    _set("one call at a time", WITH_TOOLS, parallel_tool_calls=False),
    _called("call and result"),
    _called("several calls at once", calls=2),
    _called("picture in a result", Text("See."), Image(PICTURE)),
    _called("result that is an error", is_error=True),
    Feature(
        "past thinking of another provider",
        native={
            "anthropic": {
                "messages": [
                    QUESTION,
                    {
                        "role": "assistant",
                        "content": [
                            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
                            {"type": "text", "text": "Rain."},
                        ],
                    },
                    {"role": "user", "content": "And tomorrow?"},
                ]
            },
            "openai_chat": {
                "messages": [
                    QUESTION,
                    {"role": "assistant", "content": "Rain.", "reasoning_content": "Hm."},
                    {"role": "user", "content": "And tomorrow?"},
                ]
            },
            "openai_responses": {
                "input": [
                    QUESTION,
                    {
                        "type": "reasoning",
                        "id": "rs_1",
                        "summary": [{"type": "summary_text", "text": "Hm."}],
                        "encrypted_content": "c2ln",
                    },
                    {"role": "assistant", "content": "Rain."},
                    {"role": "user", "content": "And tomorrow?"},
                ]
            },
        },
    ),
    _set("effort of thinking", reasoning=Reasoning(effort="low")),
    _set(
        "budget of thinking", structs.replace(PLAIN, max_tokens=9000), reasoning=Reasoning("on", budget=2048)
    ),
    _set("no thinking", reasoning=Reasoning("off")),
    _set("answer by a schema", output_format=OutputFormat("json_schema", SCHEMA, "city")),
    _set("answer in JSON", output_format=OutputFormat("json_object")),
    _set("stop sequences", stop=("END",)),
    _set("temperature", temperature=0.5),
    _set("top_p", top_p=0.5),
    _set("top_k", top_k=5),
    _set("seed", seed=7),
    _set("frequency and presence penalty", frequency_penalty=0.5, presence_penalty=0.5),
    _set("several answers", choices=2),
    _set("verbosity", verbosity="low"),
    _set("user's identifier", user="u1"),
    Feature(
        "labels (metadata)",
        native={
            "openai_chat": {"metadata": {"team": "x"}},
            "openai_responses": {"metadata": {"team": "x"}},
            "gemini": {"labels": {"team": "x"}},
        },
    ),
    _set("service tier", service_tier="default"),
    _said("cache breakpoint", Text("Long.", cache=CacheMark())),
    _set("key of the prompt cache", prompt_cache_key="k"),
    Feature(
        "log probabilities",
        native={
            "openai_chat": {"logprobs": True, "top_logprobs": 2},
            "openai_responses": {"top_logprobs": 2, "include": ["message.output_text.logprobs"]},
            "gemini": {"generationConfig": {"responseLogprobs": True, "logprobs": 2}},
        },
    ),
    Feature(
        "history kept by the provider",
        native={
            "anthropic": {"thread": {"type": "create"}},
            "openai_responses": {"previous_response_id": "resp_1"},
        },
    ),
    Feature("content kept by the provider", native={"gemini": {"cachedContent": "cachedContents/1"}}),
    Feature("answer in the background", native={"openai_responses": {"background": True, "store": True}}),
    Feature(
        "safety settings",
        native={
            "gemini": {
                "safetySettings": [{"category": "HARM_CATEGORY_HARASSMENT", "threshold": "BLOCK_ONLY_HIGH"}]
            }
        },
    ),
)
"""What requests may hold."""

END = Stop("end")
COUNTED = Usage(input=10, output=5)


def _answers(name: str, *blocks: object, stop: Stop = END, usage: Usage = COUNTED) -> Told:
    return Told(name, Answer("a1", "m", 1_700_000_000, (Choice(tuple(blocks), stop),), usage))


RAIN = Text("Rain.")
NOTHING = _answers("text", RAIN)
CALL = ToolCall("call_1", "weather", '{"city":"Oslo"}')
USES = Stop("tool_use")

SIGNED = {
    "anthropic": {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": "m",
        "content": [
            {"type": "thinking", "thinking": "Hm.", "signature": "c2ln"},
            {"type": "text", "text": "Rain."},
        ],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": {"input_tokens": 10, "output_tokens": 5},
    },
    "openai_responses": {
        "id": "resp_1",
        "object": "response",
        "created_at": 1_700_000_000,
        "status": "completed",
        "model": "m",
        "output": [
            {"type": "reasoning", "id": "rs_1", "summary": [], "encrypted_content": "c2ln"},
            {
                "type": "message",
                "id": "msg_1",
                "role": "assistant",
                "status": "completed",
                "content": [{"type": "output_text", "text": "Rain.", "annotations": []}],
            },
        ],
        "usage": {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15},
    },
}
"""Thinking that its provider has signed or encrypted."""

SIGNED_CALL = {
    "gemini": {
        "candidates": [
            {
                "content": {
                    "role": "model",
                    "parts": [
                        {
                            "functionCall": {"name": "weather", "args": {"city": "Oslo"}},
                            "thoughtSignature": "c2ln",
                        }
                    ],
                },
                "finishReason": "STOP",
                "index": 0,
            }
        ],
        "usageMetadata": {"promptTokenCount": 10, "candidatesTokenCount": 5, "totalTokenCount": 15},
        "modelVersion": "m",
        "responseId": "r1",
    }
}
"""A call that its provider has signed."""


def _candidate(*parts: object, **members: object) -> Mapping[str, object]:
    """A whole answer of Gemini's that says `Rain.` behind these parts."""
    said = {
        "content": {"role": "model", "parts": [*parts, {"text": "Rain."}]},
        "finishReason": "STOP",
        "index": 0,
    }
    body = {**SIGNED_CALL["gemini"], "candidates": [{**said, **members}]}
    return {"gemini": body}


PICTURED = _candidate({"inlineData": {"mimeType": "image/png", "data": "aGk="}})
RUN = _candidate(
    {"executableCode": {"language": "PYTHON", "code": "print(4)"}},
    {"codeExecutionResult": {"outcome": "OUTCOME_OK", "output": "4"}},
)
GROUNDED = _candidate(
    groundingMetadata={
        "webSearchQueries": ["weather"],
        "groundingChunks": [{"web": {"uri": "https://example.com", "title": "Weather"}}],
        "groundingSupports": [
            {"segment": {"startIndex": 0, "endIndex": 5, "text": "Rain."}, "groundingChunkIndices": [0]}
        ],
    }
)
RATED = _candidate(safetyRatings=[{"category": "HARM_CATEGORY_HARASSMENT", "probability": "NEGLIGIBLE"}])
ANSWERED = (
    _answers("thinking", Thinking("Hm."), RAIN),
    Told("signed or encrypted thinking", native=SIGNED),
    _answers("call", CALL, stop=USES),
    _answers("several calls", CALL, structs.replace(CALL, id="call_2"), stop=USES),
    Told("signed call", native=SIGNED_CALL),
    _answers("free-text call", ToolCall("call_1", "patch", "x", kind="custom"), stop=USES),
    _answers("citation of an address", Text("Rain.", (Citation("https://example.com", "Weather"),))),
    Told("picture", native=PICTURED),
    Told("code that the provider ran, and its result", native=RUN),
    Told("grounding: sources, and what was searched for", native=GROUNDED),
    Told("safety ratings", native=RATED),
    _answers("refusal", Refusal("No."), stop=Stop("refusal")),
    _answers("end by the limit", RAIN, stop=Stop("max_tokens")),
    _answers("end by a stop sequence", RAIN, stop=Stop("stop_sequence", sequence="END")),
    Told(
        "several answers",
        structs.replace(NOTHING.answer, choices=(Choice((RAIN,), END), Choice((Text("Sun."),), END))),
    ),
    _answers("tokens read from the cache", RAIN, usage=Usage(input=10, cache_read=4, output=5)),
    _answers("tokens written to the cache", RAIN, usage=Usage(input=10, cache_write_5m=4, output=5)),
    _answers("tokens of thinking", RAIN, usage=Usage(input=10, output=5, reasoning=3)),
)
"""What answers may hold, beside their text."""

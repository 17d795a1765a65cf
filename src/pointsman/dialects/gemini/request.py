"""Requests: to canonical ones. What has no canonical place stays in `extra`, nulls included.

Fields: ai.google.dev, "GenerateContentRequest". The model and whether to stream stand in the path. A count of
tokens may hold the request in `generateContentRequest`.
"""

from typing import Any, cast

from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Message, Request, ToolChoice
from pointsman.dialects.gemini.config import decode_format, decode_settings, decode_thinking
from pointsman.dialects.gemini.contents import decode_contents, decode_instruction
from pointsman.dialects.gemini.spelling import Members
from pointsman.dialects.gemini.tools import decode_choice, decode_tools
from pointsman.dialects.gemini.words import NAME

CONTENTS = "contents"
INSTRUCTION = "systemInstruction"
TOOLS = "tools"
TOOL_CONFIG = "toolConfig"
CONFIG = "generationConfig"
TIER = "serviceTier"
WRAPPED = "generateContentRequest"

SPELLED = "spelled"
"""The member of a request's form that says which names came in snake_case; `generationConfig` has its own."""
ODD = "odd"
"""The same for numbers that are spelled another way."""
AS_SENT = "as_sent"
"""The same for members that are said again as a whole."""

_TIERS = {"standard": "default", "unspecified": "auto"}


def decode_request(body: Json) -> Request:
    """The request in nobody's dialect. Raises MalformedError, naming the field."""
    outer = Members(body)
    wrapped = outer.object(WRAPPED)
    fields = outer if wrapped is None else Members(wrapped, WRAPPED)
    as_sent: dict[str, Any] = {} if wrapped is None else {WRAPPED: outer.rest}
    config = Members(_take(fields, CONFIG, as_sent) or {}, CONFIG)
    settings, odd = decode_settings(config)
    reasoning, output_format = decode_thinking(config), decode_format(config)
    messages, system = _turns(fields, as_sent)
    _take(fields, "model", as_sent)
    tools, tier = _take(fields, TOOLS, as_sent), _take(fields, TIER, as_sent)
    choice, rest = _choice(_take(fields, TOOL_CONFIG, as_sent))
    labels = fields.object("labels")
    left = config.left()
    extra = {**fields.left(), **rest, **({CONFIG: left} if left else {})}
    return Request(
        dialect=NAME,
        model="",
        messages=messages,
        system=system,
        tools=None if tools is None else decode_tools(tools, TOOLS),
        tool_choice=choice,
        reasoning=reasoning,
        output_format=output_format,
        service_tier=_tier(tier),
        metadata=labels,
        form={
            SPELLED: {**outer.spelled, **fields.spelled},
            CONFIG: config.spelled,
            ODD: odd,
            AS_SENT: as_sent,
        },
        extra=extra,
        **settings,
    )


def _take(fields: Members, key: str, as_sent: dict[str, Any]) -> Any:
    """A member, which is kept as it was sent."""
    value = fields.take(key)
    if value is not None:
        as_sent[key] = value
    return value


def _turns(fields: Members, as_sent: dict[str, Any]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """(the conversation, the instructions ahead of it)."""
    contents: object = fields.take(CONTENTS)
    if contents is None:
        raise MalformedError(f"`{CONTENTS}` is required: an array of turns", param=CONTENTS)
    if isinstance(contents, dict):
        as_sent[CONTENTS] = "object"
    instruction = fields.take(INSTRUCTION)
    system = () if instruction is None else decode_instruction(instruction, INSTRUCTION)
    return decode_contents(cast("object", contents), CONTENTS), system


def _choice(value: object) -> tuple[ToolChoice | None, dict[str, Any]]:
    """(choice, what is left of `toolConfig`)."""
    if value is None:
        return None, {}
    fields = Members(value, TOOL_CONFIG)
    choice, rest = decode_choice(fields)
    left = fields.left()
    if rest:
        left["functionCallingConfig"] = rest
    return choice, {TOOL_CONFIG: left} if left else {}


def _tier(value: object) -> str | None:
    if not isinstance(value, str):
        return None
    word = value.lower().removeprefix("service_tier_")
    return _TIERS.get(word, word)

"""Requests: to canonical ones (developers.openai.com, "Create a model response").

A null field counts as absent and stays in `extra`, as does every field without a canonical place. What asks
for something that every dialect gives anyway stays in `form`.
"""

from typing import Any, Literal

from pointsman.canon.blocks import SPELLING, Text
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request
from pointsman.dialects.openai_responses.items import decode_input
from pointsman.dialects.openai_responses.tools import take_choice, take_tools
from pointsman.dialects.openai_responses.words import ENCRYPTED, NAME
from pointsman.wire.fields import Fields, as_array

INSTRUCTIONS = "instructions"
"""The field, and the form of the message that came in it."""
HISTORY = ("previous_response_id", "conversation", "prompt")
"""Fields in whose presence the conversation, or a part of it, stands elsewhere."""
OPTIONS = "stream_options"
OBFUSCATION = "include_obfuscation"
SUMMARIZED = "summarized"
"""How a summary of the thinking is asked for in canonical terms."""

_INSTRUCTING = frozenset({"system", "developer"})


def decode_request(body: Json) -> Request:
    """The request in `body`. Raises MalformedError, naming the field."""
    fields = Fields(body)
    form: dict[str, Any] = {}
    system, messages = _conversation(fields, form)
    output_format, verbosity = _text(fields)
    tools = take_tools(fields)
    asked = {**_include(fields, form), **_options(fields, form)}
    return Request(
        dialect=NAME,
        model=fields.text("model") or "",
        system=system,
        messages=messages,
        tools=tools,
        tool_choice=take_choice(fields, tools),
        parallel_tool_calls=fields.boolean("parallel_tool_calls"),
        max_tokens=fields.integer("max_output_tokens"),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        reasoning=_reasoning(fields),
        output_format=output_format,
        verbosity=verbosity,
        service_tier=fields.text("service_tier"),
        user=_user(fields, form),
        metadata=fields.object("metadata"),
        prompt_cache_key=fields.text("prompt_cache_key"),
        stream=fields.boolean("stream"),
        extra={**fields.rest, **asked},
        form=form,
    )


def _conversation(fields: Fields, form: dict[str, Any]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """(the instructions ahead of the conversation, the conversation)."""
    instructions = fields.text(INSTRUCTIONS)
    given = fields.take("input")
    if given is None and not any(fields.rest.get(name) is not None for name in HISTORY):
        raise MalformedError("`input` is required: a text or an array of items", param="input")
    form["input"] = "absent" if given is None else "text" if isinstance(given, str) else "items"
    messages = () if given is None else decode_input(given)
    ahead = next((at for at, each in enumerate(messages) if each.role not in _INSTRUCTING), len(messages))
    told = () if instructions is None else (Message("system", (Text(instructions),), form=INSTRUCTIONS),)
    return (*told, *messages[:ahead]), messages[ahead:]


def _text(fields: Fields) -> tuple[OutputFormat | None, str | None]:
    """The form and the length of the answer; what else `text` holds is kept."""
    value = fields.object("text")
    if value is None:
        return None, None
    inner = Fields(value, "text")
    wanted, verbosity = inner.object("format"), inner.text("verbosity")
    if inner.rest or not value:
        fields.rest["text"] = inner.rest
    return None if wanted is None else _format(wanted), verbosity


def _format(wanted: Json) -> OutputFormat:
    fields = Fields(wanted, "text.format")
    kind = fields.required_text("type")
    if kind == "json_schema":
        schema, name = fields.object("schema"), fields.text("name")
        description, strict = fields.text("description"), fields.boolean("strict")
        return OutputFormat("json_schema", schema, name, description, strict, extra=fields.rest)
    if kind in {"text", "json_object"}:
        plain: Literal["text", "json_object"] = "text" if kind == "text" else "json_object"
        return OutputFormat(plain, extra=fields.rest)
    return OutputFormat("other", native=wanted)


def _reasoning(fields: Fields) -> Reasoning | None:
    value = fields.object("reasoning")
    if value is None:
        return None
    inner = Fields(value, "reasoning")
    effort = inner.text("effort")
    summary = inner.text("summary") or inner.text("generate_summary")
    return Reasoning(
        mode="off" if effort == "none" else "unset",
        effort=effort,
        display=None if summary is None else SUMMARIZED,
        extra={**inner.rest, SPELLING: value},
    )


def _user(fields: Fields, form: dict[str, Any]) -> str | None:
    for name in ("user", "safety_identifier"):
        user = fields.text(name)
        if user is not None:
            form["user"] = name
            return user
    return None


def _include(fields: Fields, form: dict[str, Any]) -> Json:
    """`include`: what it asks for beside opaque reasoning, which is always given."""
    value = fields.take("include")
    if value is None:
        return {}
    form["include"] = value
    wanted = [name for name in as_array(value, "include") if name != ENCRYPTED]
    return {"include": wanted} if wanted else {}


def _options(fields: Fields, form: dict[str, Any]) -> Json:
    """`stream_options`: nothing here obfuscates, so that only asking for it is worth a word."""
    value = fields.object(OPTIONS)
    if value is None:
        return {}
    form[OPTIONS] = value
    wanted = {name: each for name, each in value.items() if name != OBFUSCATION or each is True}
    return {OPTIONS: wanted} if wanted else {}

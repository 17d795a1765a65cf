"""Requests as clients send them → canonical requests.

Fields: platform.openai.com, "Create chat completion", and what compatible servers added. A null field counts
as absent and stays in `extra`, as does every field without a canonical place.
"""

from typing import Any, cast

from pointsman.canon.blocks import CacheMark
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request
from pointsman.dialects.openai_chat.blocks import CONTROL, take_mark
from pointsman.dialects.openai_chat.messages import LEGACY, decode_messages
from pointsman.dialects.openai_chat.reasoning import take_reasoning
from pointsman.dialects.openai_chat.tools import LEGACY as FUNCTIONS
from pointsman.dialects.openai_chat.tools import take_choice, take_tools
from pointsman.dialects.openai_chat.words import NAME
from pointsman.dialects.spelling import unlike
from pointsman.wire.fields import Fields, as_array, as_text, wrong

INSTRUCTIONS = frozenset({"system", "developer"})
USAGE = "include_usage"
OPTIONS = "stream_options"
PARALLEL = "parallel_tool_calls"
IMPLIED = "implied"
"""The form of a setting that the client did not send, but that follows from what it did."""


def decode_request(body: Json) -> Request:
    """The request in `body`. Raises MalformedError, naming the field."""
    fields = Fields(body)
    system, messages = _split(decode_messages(_messages(fields)))
    form: dict[str, Any] = {}
    reasoning = _reasoning(fields, form)
    tools = _tools(fields, form)
    legacy = bool(tools) and all(tool.form == FUNCTIONS for tool in tools)
    return Request(
        dialect=NAME,
        model=fields.text("model") or "",
        system=system,
        messages=messages,
        tools=tools,
        tool_choice=take_choice(fields),
        parallel_tool_calls=_parallel(fields, form, legacy=legacy),
        max_tokens=_token_limit(fields, form),
        stop=_stop(fields, form),
        temperature=fields.number("temperature"),
        top_p=fields.number("top_p"),
        top_k=fields.integer("top_k"),
        frequency_penalty=fields.number("frequency_penalty"),
        presence_penalty=fields.number("presence_penalty"),
        seed=fields.integer("seed"),
        choices=fields.integer("n"),
        reasoning=reasoning,
        output_format=_output_format(fields),
        verbosity=fields.text("verbosity"),
        service_tier=fields.text("service_tier"),
        user=_user(fields, form),
        metadata=fields.object("metadata"),
        cache=_cache(fields),
        prompt_cache_key=fields.text("prompt_cache_key"),
        call_form=LEGACY if legacy else "",
        stream=fields.boolean("stream"),
        include_usage=_include_usage(fields, form),
        form=form,
        extra=fields.rest,
    )


def _reasoning(fields: Fields, form: dict[str, Any]) -> Reasoning | None:
    reasoning, spelled = take_reasoning(fields)
    if spelled:
        form["reasoning"] = spelled
    return reasoning


def _messages(fields: Fields) -> object:
    messages = fields.take("messages")
    if messages is None:
        raise MalformedError("`messages` is required", param="messages")
    if messages == []:
        raise MalformedError("`messages` must hold at least one message", param="messages")
    return messages


def _split(messages: tuple[Message, ...]) -> tuple[tuple[Message, ...], tuple[Message, ...]]:
    """The instructions ahead of the conversation, and the conversation."""
    for at, message in enumerate(messages):
        if message.role not in INSTRUCTIONS:
            return messages[:at], messages[at:]
    return messages, ()


def _tools(fields: Fields, form: dict[str, Any]) -> Any:
    for name in ("tools", "functions"):
        if fields.rest.get(name) == []:
            form[name] = "empty"
    return take_tools(fields)


def _parallel(fields: Fields, form: dict[str, Any], *, legacy: bool) -> bool | None:
    """Whoever reads `function_call` reads one call, so it asks for no more without saying so."""
    parallel = fields.boolean("parallel_tool_calls")
    if parallel is None and legacy:
        form[PARALLEL] = IMPLIED
        return False
    return parallel


def _token_limit(fields: Fields, form: dict[str, Any]) -> int | None:
    limit = fields.integer("max_completion_tokens")
    if limit is None:
        return fields.integer("max_tokens")
    form["max_tokens"] = "max_completion_tokens"
    return limit


def _stop(fields: Fields, form: dict[str, Any]) -> tuple[str, ...] | None:
    stop = fields.take("stop")
    if stop is None:
        return None
    if isinstance(stop, str):
        form["stop"] = "text"
        return (stop,)
    if not isinstance(stop, list):
        raise wrong("stop", "a string or an array of strings", cast("object", stop))
    return tuple(
        as_text(each, f"stop[{at}]") for at, each in enumerate(as_array(cast("object", stop), "stop"))
    )


def _user(fields: Fields, form: dict[str, Any]) -> str | None:
    user = fields.text("user")
    if user is None:
        user = fields.text("safety_identifier")
        if user is not None:
            form["user"] = "safety_identifier"
    return user


def _cache(fields: Fields) -> CacheMark | None:
    return take_mark(fields) if CONTROL in fields.rest else None


def _include_usage(fields: Fields, form: dict[str, Any]) -> bool:
    options = fields.object(OPTIONS)
    if options is None:
        return False
    form[OPTIONS] = options
    return Fields(options, OPTIONS).boolean(USAGE) or False


def _output_format(fields: Fields) -> OutputFormat | None:
    value = fields.object("response_format")
    if value is None:
        return None
    outer = Fields(value, "response_format")
    kind = outer.required_text("type")
    if kind == "json_schema" and isinstance(value.get("json_schema"), dict):
        return _schema_format(outer)
    if kind in {"text", "json_object"}:
        return OutputFormat("text" if kind == "text" else "json_object", extra=outer.rest)
    return OutputFormat("other", native=value)


def _schema_format(outer: Fields) -> OutputFormat:
    inner = Fields(outer.take("json_schema"), "response_format.json_schema")
    schema, name = inner.object("schema"), inner.text("name")
    description, strict = inner.text("description"), inner.boolean("strict")
    extra = unlike(outer.rest, {})
    if inner.rest:
        extra["json_schema"] = inner.rest
    return OutputFormat("json_schema", schema, name, description, strict, extra=extra)

"""Chat and text completion requests as the engine takes them.

The engine is always asked to stream and to report the progress of a prompt: it notices only when it writes
that nobody is there any more. A request that wants a whole answer gets it folded together here.
"""

from collections.abc import Sequence
from typing import Any, cast

from msgspec import Struct

from pointsman.canon.errors import MalformedError, UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.upstream.engine_schema import fitted
from pointsman.upstream.engine_tools import Forced, forced_tools
from pointsman.wire.fields import as_array, as_object
from pointsman.wire.json import encode

_TOOL_FIELDS = ("tools", "tool_choice", "parallel_tool_calls", "functions", "function_call")
_ROLES = frozenset({"system", "developer", "user", "assistant", "tool", "function"})


_DEEPEST = 64
"""Levels of a schema; JSON Schemas of real programs have a dozen."""

_MOST_OPTIONAL = 400
"""Members of one object that may be left out; the grammar keeps a place for each."""


class AnswerSchema(Struct, frozen=True):
    """The JSON Schema that an answer is held to."""

    given: Json
    path: str
    """Where it stands in the request."""
    losses: tuple[Loss, ...]
    """What the request's `response_format` does not enforce of it."""


class EngineRequest(Struct, frozen=True):
    """What is sent to the engine, and how its answer is to be read."""

    body: Json
    streaming: bool
    """Whether the client wants a stream."""
    forced: Forced | None = None
    losses: tuple[Loss, ...] = ()
    schema: AnswerSchema | None = None


def text_request(request: Json) -> EngineRequest:
    """For `/v1/completions`."""
    return EngineRequest(_asking(request), streaming=request.get("stream") is True)


def chat_request(request: Json, *, knows_tools: bool) -> EngineRequest:
    """For `/v1/chat/completions`; `knows_tools` says whether the model's template has a place for tools.

    Raises MalformedError, and UnsupportedError for what the engine cannot do.
    """
    messages = _messages(request)
    forced = forced_tools(request)
    body = dict(request)
    losses: list[Loss] = []
    if forced is not None:
        messages = _instructed(messages, forced.instruction())
        losses += _lost(body, ("response_format",), "the forced tool call decides the form of the answer")
        body["response_format"] = {"type": "json_schema", "json_schema": {"schema": forced.schema()}}
    if forced is not None or not knows_tools:
        lost = _lost(body, _TOOL_FIELDS, "the embedded model calls tools only where `tool_choice` forces one")
        losses += [] if forced is not None else lost
    schema = _fit_format(body, "tools" if forced is not None else "response_format")
    losses += schema.losses if schema is not None else ()
    body["messages"] = messages if knows_tools else [_flat(message) for message in messages]
    streaming = request.get("stream") is True
    return EngineRequest(_asking(body), streaming, forced, tuple(losses), schema)


def _asking(request: Json) -> Json:
    """The request as a stream with progress; usage is asked for where the answer is folded."""
    body = {**request, "stream": True, "return_progress": True}
    if request.get("stream") is not True:
        body["stream_options"] = {"include_usage": True}
    return body


def _lost(body: dict[str, Any], names: Sequence[str], why: str) -> list[Loss]:
    """Takes members out of `body`; those that asked for something are losses."""
    taken = {name: body.pop(name, None) for name in names}
    if not taken.get("tools") and taken.get("tool_choice") in (None, "auto", "none"):
        taken["tool_choice"] = None
    return [Loss("dropped", name, why) for name, value in taken.items() if value not in (None, [], "none")]


def _fit_format(body: dict[str, Any], path: str) -> AnswerSchema | None:
    """Puts the schema of the answer's format into the words of the engine's grammar."""
    form = _object(body.get("response_format"))
    described = _object(form.get("json_schema"))
    given: object = described.get("schema")
    if not (given is None or given is True or isinstance(given, dict)):
        raise MalformedError(f"the JSON Schema in `{path}` is no object", param=path)
    schema = _object(described.get("schema"))
    if not schema:
        return None
    _check_size(schema, path)
    fit, losses = fitted(schema, path)
    body["response_format"] = {**form, "json_schema": {**described, "schema": fit}}
    return AnswerSchema(schema, path, losses)


def _check_size(schema: Json, path: str) -> None:
    """Raises UnsupportedError for a schema that no grammar could hold."""
    level: list[object] = [schema]
    for _ in range(_DEEPEST * 2):  # a schema, and the member that holds it
        objects = [cast("Json", part) for part in level if isinstance(part, dict)]
        lists = [cast("list[object]", part) for part in level if isinstance(part, list)]
        if any(_optional(part) > _MOST_OPTIONAL for part in objects):
            reason = f"an object of it has more than {_MOST_OPTIONAL} members that may be left out"
            break
        level = [value for part in objects for value in part.values()] + [
            one for part in lists for one in part
        ]
        if not level:
            return
    else:
        reason = f"it has more than {_DEEPEST} levels"
    raise UnsupportedError(
        f"the embedded model cannot be held to the schema in `{path}`: {reason}; use another backend",
        param=path,
    )


def _optional(schema: Json) -> int:
    members, needed = schema.get("properties"), schema.get("required")
    all_members = len(cast("Json", members)) if isinstance(members, dict) else 0
    return all_members - (len(cast("list[object]", needed)) if isinstance(needed, list) else 0)


def _object(value: object) -> Json:
    """`value` if it is an object; what is not is the engine's to refuse."""
    return cast("Json", value) if isinstance(value, dict) else {}


def _messages(request: Json) -> list[Json]:
    """The messages, checked as far as the engine would take nonsense for a prompt."""
    items = as_array(request.get("messages"), "messages")
    if not items:
        raise MalformedError("`messages` is empty", param="messages")
    messages: list[Json] = []
    for index, item in enumerate(items):
        message = as_object(item, f"messages[{index}]")
        role = message.get("role")
        if role not in _ROLES:
            raise MalformedError(
                f"`messages[{index}].role` is none of the known roles: {role}", param="messages"
            )
        _only_text(message.get("content"), f"messages[{index}].content")
        # Chat templates know no developer.
        messages.append({**message, "role": "system"} if role == "developer" else message)
    return messages


def _only_text(content: object, path: str) -> None:
    if not isinstance(content, list):
        return
    for index, item in enumerate(cast("list[object]", content)):
        kind = as_object(item, f"{path}[{index}]").get("type")
        if kind not in ("text", "refusal"):
            raise UnsupportedError(
                f"the embedded model reads text only, and `{path}[{index}]` is of type `{kind}`; "
                "send it to a backend with a model that takes it",
                param=f"{path}[{index}]",
            )


def _instructed(messages: Sequence[Json], text: str) -> list[Json]:
    """The messages with `text` at the end of the system prompt."""
    first = messages[0]
    if first.get("role") != "system":
        return [{"role": "system", "content": text}, *messages]
    return [{**first, "content": f"{_text(first.get('content'))}\n\n{text}"}, *messages[1:]]


def _flat(message: Json) -> Json:
    """A message with tool calls or results as text, for a template that would leave them out."""
    calls = message.get("tool_calls")
    if calls:
        said = [_text(message.get("content")), *(_call(call) for call in cast("list[Json]", calls))]
        return {"role": "assistant", "content": "\n".join(part for part in said if part)}
    if message.get("role") in ("tool", "function"):
        return {"role": "user", "content": f"Result of the function call: {_text(message.get('content'))}"}
    return message


def _call(call: Json) -> str:
    function: Json = as_object(call, "tool_calls").get("function") or {}
    return encode({"name": function.get("name"), "arguments": function.get("arguments")}).decode()


def _text(content: object) -> str:
    if isinstance(content, list):
        return "\n".join(str(part.get("text") or "") for part in cast("list[Json]", content))
    return str(content or "")

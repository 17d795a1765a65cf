"""Lists of models as the providers spell them, read into ours.

The spellings differ in the name of the list and of its members, not in kind: one reader with tables does.

    {"object": "list", "data": [{"id": …}]}   Chat Completions and its kin, llama.cpp, vLLM, SGLang, LM Studio
    {"data": [{"id": …}], "has_more": …}      Messages, in pages
    {"models": [{"name": "models/…"}]}        Gemini, in pages; Ollama's own list
    {"models": [{"slug": …, "visibility": …}]}  what a ChatGPT plan includes
    [{"id": …}]                               Together, GitHub Models
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, TypeAlias, cast

import msgspec
from msgspec import Struct

from pointsman.canon.errors import GarbledError
from pointsman.routing.snapshot import Model

MAX_MODELS = 20_000
"""Of one list; the longest known has about a thousand."""

Path: TypeAlias = tuple[str, ...]

_LISTS = ("data", "models")
_IDS = ("id", "key", "model", "slug")
_COLLECTION = "models/"
"""Before each name in Gemini's own list (ai.google.dev/api/models); elsewhere it is a folder of that name."""
_TITLES = ("display_name", "displayName", "title", "name")
_TIMES = ("created", "created_at")

_CONTEXT: tuple[Path, ...] = (
    ("meta", "n_ctx"),  # llama.cpp and its kin: what the server was started with
    ("loaded_context_length",),  # LM Studio, /api/v0/models
    ("max_model_len",),  # vLLM, SGLang
    ("context_length",),  # OpenRouter, Together, Fireworks, Moonshot
    ("context_window",),  # Groq
    ("max_context_length",),  # Mistral, LM Studio
    ("max_input_tokens",),  # Anthropic
    ("limits", "max_input_tokens"),  # GitHub Models
    ("inputTokenLimit",),  # Gemini
    ("top_provider", "context_length"),  # OpenRouter
    ("meta", "n_ctx_train"),  # llama.cpp: what the model was trained for
)
"""Where a context window may stand; what is served before what would be possible."""

_OUTPUT: tuple[Path, ...] = (
    ("max_completion_tokens",),  # Groq
    ("top_provider", "max_completion_tokens"),  # OpenRouter
    ("max_output_tokens",),
    ("limits", "max_output_tokens"),  # GitHub Models
    ("outputTokenLimit",),  # Gemini
    ("max_tokens",),  # Anthropic
)

_RETIRED = ("lifecycle", "retired")
"""Anthropic lists models for the record that no request may name any longer."""

_SHOWN = "list"
"""The `visibility` of what a person may choose, in lists of slugs; others are for the provider's programs.
(https://developers.openai.com/siwc/token-sharing-open-source/models-and-inference)"""


class Page(Struct, frozen=True):
    """One answer to the question for models."""

    models: tuple[Model, ...]
    next: tuple[str, str] | None = None
    """The query parameter that asks for the page after this one."""
    declared: bool = False
    """Whether the answer itself says that it is a list, by `"object": "list"` or `has_more`."""


def read_page(body: bytes, prefix: str = "") -> Page:
    """A list of models in any of the known spellings. Raises GarbledError for anything else.

    `prefix` is what the provider puts before its ids, which is no part of them.
    """
    try:
        data = msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError) as error:
        raise _no_list("it is not JSON") from error
    entries = _entries(data)
    if len(entries) > MAX_MODELS:
        raise _no_list(f"it has {len(entries)} entries")
    read = [_model(entry, prefix) for entry in entries]
    if read and not any(read):
        raise _no_list("no entry has an id")
    named = ((model, entry) for model, entry in zip(read, entries, strict=True) if model is not None)
    current = _once(model for model, entry in named if not (_retired(entry) or _hidden(entry)))
    return Page(current, _next(data), _declared(data))


def _no_list(why: str) -> GarbledError:
    return GarbledError(f"the answer is not a list of models, {why}")


def _entries(data: Any) -> Sequence[Any]:
    if isinstance(data, list):
        return cast("list[Any]", data)
    members = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    for name in _LISTS:
        value = members.get(name)
        if isinstance(value, list):
            return cast("list[Any]", value)
    # A server without any model: `{"object": "list", "data": null}` from Ollama.
    if members.get("object") == "list" and members.get("data", 0) is None:
        return ()
    raise _no_list("it has no such member")


def _declared(data: Any) -> bool:
    return _at(data, ("object",)) == "list" or _at(data, ("has_more",)) is not None


def _model(entry: Any, prefix: str) -> Model | None:
    if not isinstance(entry, dict):
        return None
    members = cast("dict[str, Any]", entry)
    name = _first_text(members, _IDS)
    id = name.removeprefix(prefix) if name is not None else _resource(members)
    if not id:
        return None
    title = _first_text(members, _TITLES)
    return Model(
        id=id,
        created=_time(members),
        title=None if title in {id, _COLLECTION + id} else title,
        context_window=_first_count(members, _CONTEXT),
        max_output=_first_count(members, _OUTPUT),
    )


def _resource(members: Mapping[str, Any]) -> str | None:
    """The id in a name that stands alone: Gemini's, after the collection that it is in."""
    name = _first_text(members, ("name",))
    return name and name.removeprefix(_COLLECTION)


def _retired(entry: Mapping[str, Any]) -> bool:
    member, value = _RETIRED
    return entry.get(member) == value


def _hidden(entry: Mapping[str, Any]) -> bool:
    return "slug" in entry and entry.get("visibility", _SHOWN) != _SHOWN


def _once(models: Iterable[Model]) -> tuple[Model, ...]:
    return tuple({model.id: model for model in models}.values())


def _first_text(members: Mapping[str, Any], names: Iterable[str]) -> str | None:
    values = (members.get(name) for name in names)
    return next((value for value in values if isinstance(value, str) and value), None)


def _first_count(members: Mapping[str, Any], paths: Iterable[Path]) -> int | None:
    values = (_at(members, path) for path in paths)
    return next((value for value in values if type(value) is int and value > 0), None)


def _at(value: Any, path: Path) -> Any:
    for name in path:
        if not isinstance(value, dict):
            return None
        value = cast("dict[str, Any]", value).get(name)
    return value


def _time(members: Mapping[str, Any]) -> int | None:
    """Seconds since the epoch, from a number or an ISO 8601 date."""
    times = (_seconds(members.get(name)) for name in _TIMES)
    return next((time for time in times if time is not None and time > 0), None)


def _seconds(value: Any) -> int | None:
    try:
        if isinstance(value, str):
            return int(datetime.fromisoformat(value).timestamp())
        return int(value) if isinstance(value, int | float) else None
    except (ValueError, OverflowError, OSError):
        return None


def _next(data: Any) -> tuple[str, str] | None:
    members = cast("dict[str, Any]", data) if isinstance(data, dict) else {}
    token, last = members.get("nextPageToken"), members.get("last_id")
    if isinstance(token, str) and token:
        return ("pageToken", token)
    if members.get("has_more") is True and isinstance(last, str) and last:
        return ("after_id", last)
    return None

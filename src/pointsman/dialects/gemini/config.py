"""`generationConfig`: to canonical settings. What has no canonical place stays in `rest`."""

from typing import Any, Literal

from pointsman.canon.request import OutputFormat, Reasoning
from pointsman.dialects.gemini.schemas import to_json_schema
from pointsman.dialects.gemini.spelling import Members, member
from pointsman.wire.fields import as_object, as_text

INTEGERS = {"max_tokens": "maxOutputTokens", "top_k": "topK", "seed": "seed", "choices": "candidateCount"}
NUMBERS = {
    "temperature": "temperature",
    "top_p": "topP",
    "frequency_penalty": "frequencyPenalty",
    "presence_penalty": "presencePenalty",
}
FIELDS = {**INTEGERS, **NUMBERS, "stop": "stopSequences"}
"""Canonical settings → members."""

THINKING = "thinkingConfig"
MEDIA_TYPE = "responseMimeType"
SCHEMA = "responseSchema"
JSON_SCHEMA = "responseJsonSchema"
JSON = "application/json"

SHOWN, HIDDEN = "summarized", "omitted"
"""What `includeThoughts` says in canonical words."""


def decode_settings(config: Members) -> tuple[dict[str, Any], dict[str, Any]]:
    """(canonical settings by name, values that are spelled in another way). Raises MalformedError."""
    settings: dict[str, Any] = {}
    odd: dict[str, Any] = {}
    for name, key in INTEGERS.items():
        given = member(config.rest, key)
        settings[name] = config.integer(key)
        if isinstance(given, float | str):
            odd[key] = given
    for name, key in NUMBERS.items():
        given = member(config.rest, key)
        settings[name] = config.number(key)
        if isinstance(given, str):
            odd[key] = given
    stops = config.array("stopSequences")
    if stops is not None:
        settings["stop"] = tuple([as_text(each, config.at("stopSequences")) for each in stops])
    return settings, odd


def decode_thinking(config: Members) -> Reasoning | None:
    """`thinkingConfig`. Raises MalformedError."""
    value = config.object(THINKING)
    if value is None:
        return None
    fields = Members(value, config.at(THINKING))
    level, budget = fields.text("thinkingLevel"), fields.integer("thinkingBudget")
    shown = fields.boolean("includeThoughts")
    effort = None if level is None or level.upper().endswith("UNSPECIFIED") else level.lower()
    mode = _mode(budget)
    return Reasoning(
        mode,
        effort,
        budget if budget is not None and budget > 0 else None,
        None if shown is None or mode == "off" else SHOWN if shown else HIDDEN,
        value,
        fields.rest,
    )


def _mode(budget: int | None) -> Literal["on", "off", "adaptive", "unset"]:
    if budget is None:
        return "unset"
    return "on" if budget > 0 else "adaptive" if budget < 0 else "off"


def decode_format(config: Members) -> OutputFormat | None:
    """`responseMimeType` and a schema, which its own dialect says as it was. Raises MalformedError."""
    before = dict(config.rest)
    media_type = config.text(MEDIA_TYPE)
    own, schema = config.object(SCHEMA), config.take(JSON_SCHEMA)
    native = {key: value for key, value in before.items() if key not in config.rest}
    if own is None and schema is not None:
        own = as_object(schema, config.at(JSON_SCHEMA))
    if media_type in (None, JSON) and own is not None:
        return OutputFormat("json_schema", to_json_schema(own), native=native)
    if media_type is None:
        return None
    return OutputFormat(_KINDS.get(media_type, "other"), native=native)


_KINDS: dict[str, Literal["json_object", "text"]] = {JSON: "json_object", "text/plain": "text"}


def encode_thoughts(reasoning: Reasoning) -> dict[str, bool]:
    """Whether thoughts are shown: unless somebody wants them hidden."""
    return {"includeThoughts": reasoning.display != HIDDEN}

"""Grammars of llguidance, which xllamacpp's builds carry: the engine held to a JSON Schema.

They take nearly all of JSON Schema and cost the same for a list of 50,000 values as for one of two, where
llama.cpp's own grammars stop the engine for minutes. But a schema that they cannot take is passed over
without a word, so each one is tried first, with a mark before it that only the grammar can put there.
The language: https://github.com/guidance-ai/llguidance/blob/main/docs/json_schema.md
"""

from collections.abc import Iterator, Mapping
from typing import Any, cast

import msgspec

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.upstream.engine_request import AnswerSchema, EngineRequest
from pointsman.upstream.engine_schema import fitted
from pointsman.wire.json import encode

HEAD = "%llguidance"
"""How such a grammar begins; what the engine's own converter writes tells whether it knows them."""

_MARK = "\u00a7"
_TIGHT: Json = {
    "whitespace_flexible": False,
    "item_separator": ", ",
    "key_separator": ": ",
    "coerce_one_of": True,
}
"""A small model fills the space between values without end where it may."""

_LARGEST_ENUM = 1000
"""Values; llama.cpp's own grammars take a tenth of a second a token for them, and grow with the square."""

_ELSEWHERE = frozenset({"additionalProperties", "unevaluatedProperties", "patternProperties", "$ref"})
_SPLIT = frozenset({"allOf", "anyOf", "oneOf"})


def forms(schema: AnswerSchema) -> Iterator[tuple[str, tuple[Loss, ...]]]:
    """Grammars for a schema, each with what it does not enforce: the exact one, then one of what is known."""
    if any(_circular(part, schema.given) for part in _parts(schema.given)):
        return  # the engine would take it for no schema at all
    yield _grammar(schema.given), ()
    fit, losses = fitted(schema.given, schema.path)
    if losses:
        yield _grammar(fit), losses


def trial(grammar: str) -> Json:
    """The request that shows whether the engine takes a grammar."""
    marked = grammar.replace("start: ", f'start: "{_MARK}" ', 1)
    return {"prompt": "x", "n_predict": 3, "grammar": marked, "cache_prompt": False}


def taken(answer: Json) -> bool:
    """Whether the answer to a trial says so."""
    # The mark alone: there is nothing that may follow it.
    return len(str(answer.get("content")).partition(_MARK)[2]) > 0


def refused(schema: AnswerSchema) -> UnsupportedError:
    """For a schema of which no form is taken."""
    return UnsupportedError(
        f"the embedded model cannot be held to the schema in `{schema.path}`: it is no valid JSON Schema, "
        "nothing satisfies it, or it has a reference, a keyword or a pattern that its grammar does not know; "
        "simplify it, or use another backend",
        param=schema.path,
    )


def with_grammar(asked: EngineRequest, grammar: str, losses: tuple[Loss, ...]) -> EngineRequest:
    """The request with a grammar in place of the form of its answer."""
    body = {key: value for key, value in asked.body.items() if key != "response_format"}
    fitting = asked.schema.losses if asked.schema is not None else ()
    others = tuple(loss for loss in asked.losses if loss not in fitting)
    return msgspec.structs.replace(asked, body={**body, "grammar": grammar}, losses=(*others, *losses))


def check_enums(schema: AnswerSchema) -> None:
    """For an engine without these grammars. Raises UnsupportedError for a list that would stop it."""
    for part in _parts(schema.given):
        values: object = part.get("enum")
        if isinstance(values, list) and len(cast("list[Any]", values)) > _LARGEST_ENUM:
            raise UnsupportedError(
                f"an `enum` of the schema in `{schema.path}` has more than {_LARGEST_ENUM} values, which the "
                "embedded model's grammar cannot hold; shorten it, or use another backend",
                param=schema.path,
            )


def _grammar(schema: Json) -> str:
    divided = any("allOf" in part for part in _parts(schema))
    closed: Json = schema if divided else _closed(schema)
    # A dialect of JSON Schema that it does not know would be one more reason to refuse.
    members = {key: value for key, value in closed.items() if key != "$schema"}
    return f"{HEAD} {{}}\nstart: %json {encode({**members, 'x-guidance': _TIGHT}).decode()}"


def _closed(schema: Any) -> Any:
    """Objects without members that nobody described: a small model would add them without end."""
    if isinstance(schema, list):
        return [_closed(item) for item in cast("list[Any]", schema)]
    if not isinstance(schema, Mapping):
        return schema
    members = cast("Json", schema)
    closed = {key: value if key in ("enum", "const") else _closed(value) for key, value in members.items()}
    if isinstance(members.get("properties"), Mapping) and not (_ELSEWHERE | _SPLIT) & members.keys():
        closed["additionalProperties"] = False
    return closed


def _circular(part: Json, root: Json) -> bool:
    """Whether a reference leads to nothing but itself, over others or at once."""
    seen: set[str] = set()
    reference: object = part.get("$ref")
    while isinstance(reference, str) and reference not in seen:
        seen.add(reference)
        place: Any = root
        for name in reference.lstrip("#").split("/")[1:]:
            place = cast("Json", place).get(name) if isinstance(place, Mapping) else None
        reference = cast("Json", place).get("$ref") if isinstance(place, Mapping) else None
    return reference in seen


def _parts(schema: Any) -> Iterator[Json]:
    """Every object in a schema."""
    waiting = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, list):
            waiting += cast("list[Any]", part)
        elif isinstance(part, Mapping):
            yield cast("Json", part)
            waiting += cast("Json", part).values()

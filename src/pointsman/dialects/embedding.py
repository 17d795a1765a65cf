"""Embeddings in a dialect: how they are asked for and answered, beside the form that most servers know.

That form is OpenAI's `input` and `data` (developers.openai.com, "Create embeddings"); a dialect of another
form says here how the two become one another.
"""

import struct
from base64 import b64encode
from collections.abc import Callable, Sequence
from typing import cast

from msgspec import Struct

from pointsman.canon.errors import GarbledError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.canon.usage import count_in
from pointsman.wire.fields import as_object

Translated = tuple[Json, tuple[Loss, ...]]


class Embedding(Struct, frozen=True):
    """One dialect's form. Requests raise MalformedError and UnsupportedError, answers GarbledError."""

    named: Callable[[Json, str], Json]
    """(request, model) → the same for that model."""
    asked: Callable[[Json, str], Translated]
    """(a client's request, model) → the request with `input`."""
    asking: Callable[[Json, str], Translated]
    """(a request with `input`, model) → the request for an upstream."""
    answered: Callable[[Json, str], Json]
    """(an upstream's answer, model) → the answer with `data`."""
    answering: Callable[[Json, Json], Json]
    """(an answer with `data`, the client's request) → the answer for that client."""
    counted: Callable[[Json], int | None]
    """An upstream's answer → the tokens that it read; None where it doesn't say."""


def told_in(answer: Json, usage: str, tokens: str) -> int | None:
    """A count that stands in a member of an answer."""
    told: object = answer.get(usage)
    return count_in(cast("Json", told), tokens) if isinstance(told, dict) else None


def _named(request: Json, model: str) -> Json:
    return {**request, "model": model}


def packed(numbers: Sequence[float]) -> str:
    """The numbers as clients take them that ask for `base64`: single precision, little-endian.

    Raises GarbledError for what are no numbers.
    """
    try:
        return b64encode(struct.pack(f"<{len(numbers)}f", *numbers)).decode()
    except (struct.error, TypeError) as error:
        raise GarbledError("the upstream's embedding is not made of numbers") from error


def _answering(answer: Json, request: Json) -> Json:
    """The official SDK asks for `base64` unless its user chose otherwise."""
    data = answer.get("data")
    if request.get("encoding_format") != "base64" or not isinstance(data, list):
        return answer
    items = [as_object(each, "data") for each in cast("list[object]", data)]
    return {**answer, "data": [{**each, "embedding": _coded(each.get("embedding"))} for each in items]}


def _coded(embedding: object) -> object:
    return packed(cast("list[float]", embedding)) if isinstance(embedding, list) else embedding


PLAIN = Embedding(
    named=_named,
    asked=lambda request, model: (_named(request, model), ()),
    asking=lambda request, model: (_named(request, model), ()),
    answered=lambda answer, _: answer,
    answering=_answering,
    counted=lambda answer: told_in(answer, "usage", "prompt_tokens"),
)
"""The form that most servers know."""

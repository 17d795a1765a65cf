"""Embeddings: `:embedContent` and `:batchEmbedContents`, and the request and answer that most servers know.

Here: `content` with options and `embedding`, or `requests` of that kind and `embeddings` (ai.google.dev,
"Embeddings"). There: `input`, `dimensions` and `data` (platform.openai.com, "Create embeddings").
"""

import struct
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Sequence
from typing import Any, cast

from pointsman.canon.errors import GarbledError, MalformedError, UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.dialects.embedding import Embedding, told_in
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.gemini.spelling import Members, member, repeated
from pointsman.wire.fields import Fields, as_object, as_text

REQUESTS = "requests"
_FLOAT = 4
"""Bytes of a number in base64: little-endian, single precision."""


def is_batch(body: Json) -> bool:
    """Whether the body asks for several embeddings at once, and so gets `embeddings`."""
    return member(body, REQUESTS) is not None


def embed_to_input(body: Json, model: str) -> tuple[Json, tuple[Loss, ...]]:
    """The request with `input` for one of this dialect's. Raises MalformedError, UnsupportedError."""
    losses: list[Loss] = []
    wires = repeated(member(body, REQUESTS), REQUESTS) if is_batch(body) else (body,)
    if not wires:
        raise MalformedError(f"`{REQUESTS}` must hold at least one request", param=REQUESTS)
    read = [_one(wire, f"{REQUESTS}[{at}]", losses) for at, wire in enumerate(wires)]
    sizes = {size for _, size in read}
    if len(sizes) > 1:
        raise UnsupportedError(
            "the target gives all embeddings one size; ask for one `outputDimensionality` at a time",
            param="outputDimensionality",
        )
    size = sizes.pop()
    asked: dict[str, Any] = {"model": model, "input": [text for text, _ in read], "encoding_format": "float"}
    return {**asked, **({} if size is None else {"dimensions": size})}, tuple(dict.fromkeys(losses))


def _one(wire: Json, path: str, losses: list[Loss]) -> tuple[str, int | None]:
    """(the text, how many numbers) of one request."""
    fields = Members(wire, path)
    fields.take("model")
    content = Members(fields.take("content"), fields.at("content"))
    size = fields.integer("outputDimensionality")
    parts = repeated(content.take("parts") or [], content.at("parts"))
    for name in unsaid(fields.left()):
        losses.append(Loss("dropped", name, "the target has no such field"))  # noqa: PERF401 - reads as it is told
    return "".join([_text(part, content.at("parts")) for part in parts]), size


def _text(part: Json, path: str) -> str:
    text = part.get("text")
    if not isinstance(text, str):
        raise UnsupportedError(f"the target embeds text alone; leave out what is no text: {path}", param=path)
    return text


def embeddings_from_data(answer: Json, *, batch: bool) -> Json:
    """The answer of this dialect for one with `data`. Raises GarbledError."""
    data = answer.get("data")
    if not isinstance(data, list) or not data:
        raise GarbledError("the upstream's answer has no `data`, so it holds no embeddings")
    items = [as_object(each, "data") for each in cast("list[object]", data)]
    items.sort(key=lambda each: each["index"] if isinstance(each.get("index"), int) else 0)
    found = [{"values": _values(each.get("embedding"))} for each in items]
    usage = answer.get("usage")
    count = cast("Json", usage).get("prompt_tokens") if isinstance(usage, dict) else None
    counted = {"usageMetadata": {"promptTokenCount": count}} if isinstance(count, int) else {}
    return {**({"embeddings": found} if batch else {"embedding": found[0]}), **counted}


def _values(embedding: object) -> Sequence[float]:
    """The numbers, also of a server that says them in base64. Raises GarbledError."""
    if isinstance(embedding, list):
        return cast("list[float]", embedding)
    try:
        data = b64decode(as_text(embedding, "embedding"), validate=True)
        return struct.unpack(f"<{len(data) // _FLOAT}f", data)
    except (MalformedError, Base64Error, struct.error) as error:
        raise GarbledError("the upstream's embedding is neither numbers nor base64 of them") from error


def input_to_embed(body: Json, model: str) -> tuple[Json, tuple[Loss, ...]]:
    """The request for `:batchEmbedContents` for one with `input`. Raises MalformedError, UnsupportedError."""
    fields = Fields(body)
    fields.take("model")
    fields.take("encoding_format")
    size = fields.integer("dimensions")
    options = {} if size is None else {"outputDimensionality": size}
    requests = [
        {"model": f"models/{model}", "content": {"parts": [{"text": text}]}, **options}
        for text in _texts(fields.take("input"))
    ]
    lost = [Loss("dropped", name, "the target has no such field") for name in unsaid(fields.rest)]
    return {REQUESTS: requests}, tuple(lost)


def _texts(value: object) -> Sequence[str]:
    if isinstance(value, str):
        return (value,)
    texts = cast("list[object]", value) if isinstance(value, list) else []
    if not texts:
        raise MalformedError("`input` must be a string or an array of at least one", param="input")
    if not all(isinstance(text, str) for text in texts):
        raise UnsupportedError(
            "the target embeds text, not tokens; send strings in `input`, or choose another backend",
            param="input",
        )
    return cast("list[str]", texts)


def data_from_embeddings(answer: Json, model: str) -> Json:
    """The answer with `data` for one of this dialect. Raises GarbledError."""
    found = answer.get("embeddings") or [answer.get("embedding")]
    if not isinstance(found, list) or not all(isinstance(each, dict) for each in cast("list[object]", found)):
        raise GarbledError("the upstream's answer has no `embeddings`")
    data = [
        {"object": "embedding", "index": at, "embedding": _numbers(each.get("values"))}
        for at, each in enumerate(cast("list[Json]", found))
    ]
    tokens = _tokens(answer) or 0
    counted = {"prompt_tokens": tokens, "total_tokens": tokens}
    return {"object": "list", "data": data, "model": model, "usage": counted}


def _tokens(answer: Json) -> int | None:
    return told_in(answer, "usageMetadata", "promptTokenCount")


def _numbers(values: object) -> list[float]:
    if not isinstance(values, list):
        raise GarbledError("the upstream's embedding has no `values`")
    return cast("list[float]", values)


def _named(body: Json, model: str) -> Json:
    """The same for another model: in a batch each request names it (ai.google.dev/api/embeddings)."""
    if not is_batch(body):
        return {**body, "model": f"models/{model}"}
    wires = repeated(member(body, REQUESTS), REQUESTS)
    return {REQUESTS: [{**wire, "model": f"models/{model}"} for wire in wires]}


EMBEDDING = Embedding(
    named=_named,
    asked=embed_to_input,
    asking=input_to_embed,
    answered=data_from_embeddings,
    answering=lambda answer, request: embeddings_from_data(answer, batch=is_batch(request)),
    counted=_tokens,
)

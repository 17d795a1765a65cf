"""Counting tokens: `:countTokens` (ai.google.dev/api/tokens)."""

from pointsman.canon.json import Json


def count_request(body: Json, model: str) -> Json:
    """A request for an answer, as the one that counts it whole: instructions and tools, too."""
    return {"generateContentRequest": {"model": f"models/{model}", **body}}


def count_answer(tokens: int) -> Json:
    """A count as a client reads it."""
    return {"totalTokens": tokens}


def read_count(answer: Json) -> int | None:
    """The count in an answer."""
    tokens = answer.get("totalTokens")
    return tokens if isinstance(tokens, int) else None

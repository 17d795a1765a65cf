"""Counting tokens: what the request for it takes, and where the answer has the count.

Source: https://docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_CountTokens.html.
"""

from pointsman.canon.json import Json
from pointsman.dialects.bedrock_converse.request import MORE
from pointsman.dialects.bedrock_converse.usage import count

_COUNTED = ("messages", "system", "toolConfig", MORE)


def count_request(body: Json, model: str) -> Json:
    """What of a request for an answer counts, as `ConverseTokensRequest` has it."""
    return {"input": {"converse": {name: body[name] for name in _COUNTED if name in body}}}


def count_answer(tokens: int) -> Json:
    """A count as a client reads it."""
    return {"inputTokens": tokens}


def read_count(answer: Json) -> int | None:
    """The count in an answer."""
    return count(answer, "inputTokens")

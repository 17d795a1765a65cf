"""What functions answered: `functionResponse`, to a tool's result and back.

The response is an object: `output` holds what the function said, `error` what went wrong; without either the
whole object is the output (ai.google.dev, "FunctionResponse").
"""

from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import Block, Text, ToolResult
from pointsman.canon.json import Json
from pointsman.dialects.gemini.spelling import Members, repeated
from pointsman.wire.json import encode

OUTPUT = "output"
ERROR = "error"


def decode_result(fields: Members, beside: Json, media: Callable[[Json, str], Block]) -> ToolResult:
    """The result; `beside` is what its part says besides, `media` reads the parts in it.

    Raises MalformedError.
    """
    id = fields.text("id") or ""
    fields.text("name")
    response = fields.object("response")
    path = fields.at("parts")
    shown = fields.take("parts")
    attached = () if shown is None else repeated(shown, path)
    text, failed = _said(response)
    content = (*(() if text is None else (Text(text),)), *(media(part, path) for part in attached))
    return ToolResult(id, content, failed, extra={**fields.rest, **beside})


def _said(response: Json | None) -> tuple[str | None, bool | None]:
    """(what the function said, whether that is an error)."""
    if response is None:
        return None, None
    for key, failed in ((OUTPUT, None), (ERROR, True)):
        if key in response and len(response) == 1:
            value = response[key]
            return (value if isinstance(value, str) else encode(value).decode()), failed
    return encode(response).decode(), None


def encode_response(text: str, *, failed: bool) -> dict[str, Any]:
    """The `response` that says so."""
    return {ERROR if failed else OUTPUT: text}

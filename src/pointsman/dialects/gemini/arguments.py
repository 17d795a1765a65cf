"""Tool arguments: canonically text, here an object called `args`."""

from typing import Any

from pointsman.canon.blocks import ToolCall
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.dialects.gemini.words import MALFORMED
from pointsman.wire.json import decode_object, encode


def arguments_text(value: Json) -> str:
    """The arguments as text; the text itself where it came here malformed."""
    text = value.get(MALFORMED)
    if isinstance(text, str) and len(value) == 1:
        return text
    return encode(value).decode()


def parse_arguments(text: str) -> dict[str, Any] | None:
    """The arguments as an object; no text means none. None if the text is not an object."""
    if not text or text.isspace():
        return {}
    try:
        return dict(decode_object(text.encode("utf-8", "surrogatepass")))
    except MalformedError:
        return None


def arguments_object(text: str) -> dict[str, Any]:
    """The arguments as `args`; text that is not an object is kept in one member."""
    parsed = parse_arguments(text)
    return {MALFORMED: text} if parsed is None else parsed


def arguments_of(call: ToolCall, text: str) -> tuple[dict[str, Any], bool]:
    """(`args` of a call with this text, whether the text was an object); free text is one string."""
    if call.kind == "custom":
        return {"input": text}, True
    parsed = parse_arguments(text)
    return ({MALFORMED: text}, False) if parsed is None else (parsed, True)


def unwrapped(arguments: str) -> str:
    """The free text in the arguments of a function that stands for a tool which takes it."""
    parsed = parse_arguments(arguments)
    text = None if parsed is None else parsed.get("input", "")
    return text if isinstance(text, str) else arguments

"""Tool arguments: canonically text, here an object called `input`."""

from typing import Any, cast

from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.dialects.anthropic.words import MALFORMED
from pointsman.wire.json import decode_object, encode


def arguments_text(value: object) -> str:
    """The arguments as text; the text itself where it came here malformed."""
    if isinstance(value, dict):
        members = cast("Json", value)
        text = members.get(MALFORMED)
        if isinstance(text, str) and len(members) == 1:
            return text
    return encode(cast("object", value)).decode()


def parse_arguments(text: str) -> dict[str, Any] | None:
    """The arguments as an object; no text means none. None if the text is not an object."""
    if not text or text.isspace():
        return {}
    try:
        return dict(decode_object(text.encode("utf-8", "surrogatepass")))
    except MalformedError:
        return None


def arguments_object(text: str) -> dict[str, Any]:
    """The arguments as `input`; text that is not an object is kept in one member."""
    parsed = parse_arguments(text)
    return {MALFORMED: text} if parsed is None else parsed


def raw_input(text: str) -> Any:
    """The `input` of a call whose form is `raw`, as it was; text that is no JSON is kept in one member."""
    try:
        return decode_object(b'{"input":%b}' % text.encode("utf-8", "surrogatepass"))["input"]
    except MalformedError:
        return {MALFORMED: text}


def input_of(block: Json) -> tuple[str, str]:
    """(text, form) of a tool call's `input`; the form is `absent` or `raw` where it is no object."""
    if block.get("input") is None:
        return "", "absent"
    value = block["input"]
    return arguments_text(value), "" if isinstance(value, dict) else "raw"

"""Tool arguments: canonically text, here any JSON value called `input`."""

from typing import Any, cast

from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.dialects.bedrock_converse.words import MALFORMED
from pointsman.wire.json import decode_value, encode


def arguments_text(value: object) -> str:
    """The arguments as text; the text itself where it came here malformed."""
    if isinstance(value, dict):
        members = cast("Json", value)
        text = members.get(MALFORMED)
        if isinstance(text, str) and len(members) == 1:
            return text
    return encode(cast("object", value)).decode()


def parse_arguments(text: str) -> Any:
    """The arguments as a value; no text means none. Raises MalformedError."""
    if not text or text.isspace():
        return {}
    return decode_value(text.encode("utf-8", "surrogatepass"))


def is_object(text: str) -> bool:
    """Whether the arguments are a JSON object, as models are asked for."""
    try:
        return isinstance(parse_arguments(text), dict)
    except MalformedError:
        return False


def input_of(text: str, *, own: bool) -> Any:
    """The arguments as `input`: of a foreign call always an object; text that is no JSON in one member."""
    try:
        value = parse_arguments(text)
    except MalformedError:
        return {MALFORMED: text}
    return cast("Any", value) if own or isinstance(value, dict) else {MALFORMED: text}

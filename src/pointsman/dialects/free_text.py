"""Tools that take free text, where the API has none: functions with one string, `input`.

Such a function's sent name ends in a mark that no other sent name has, so that whoever restores the name
knows to unwrap the call's arguments as well.
"""

from collections.abc import Iterable, Mapping

from pointsman.canon.errors import MalformedError, UnsupportedError
from pointsman.canon.json import Json
from pointsman.dialects.names import map_names
from pointsman.wire.json import decode_object, encode

FREE_TEXT = "__free_text"
"""Ends the sent name of such a function."""

SCHEMA: Json = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The tool's input, as free text."}},
    "required": ["input"],
}

Kinded = tuple[str, str]
"""A tool's kind and name."""


def map_kinds(named: Iterable[Kinded], limit: int | None, charset: str | None) -> dict[Kinded, str]:
    """The sent name of each tool. Raises UnsupportedError where two tools would have one."""
    known = list(named)
    functions = map_names((name for kind, name in known if kind != "custom"), limit, charset)
    short = None if limit is None else limit - len(FREE_TEXT)
    customs = map_names((name for kind, name in known if kind == "custom"), short, charset)
    sent: dict[Kinded, str] = {("custom", name): mapped + FREE_TEXT for name, mapped in customs.items()}
    clash = set(sent.values()) & set(functions.values())
    if clash:
        raise UnsupportedError(f"two tools would have one name at the target; rename: {min(clash)}")
    return {**sent, **{("function", name): mapped for name, mapped in functions.items()}}


def is_wrapped(sent: str, names: Mapping[str, str]) -> bool:
    """Whether a call by this name carries free text in a function's arguments; `names`: sent → original."""
    return sent.endswith(FREE_TEXT) and sent in names


def wrapped(text: str) -> str:
    """Free text as a function's arguments."""
    return encode({"input": text}).decode()


def unwrapped(arguments: str) -> str:
    """The free text in a function's arguments; the arguments themselves where the model kept to no form."""
    if not arguments or arguments.isspace():
        return ""
    try:
        text = decode_object(arguments.encode("utf-8", "surrogatepass")).get("input", "")
    except MalformedError:
        return arguments
    return text if isinstance(text, str) else arguments

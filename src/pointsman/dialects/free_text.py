"""Tools that take free text, where the API has none: functions with one string, `input`.

Such a function's sent name ends in a mark that no other sent name has, so that whoever restores the name
knows to unwrap the call's arguments as well.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pointsman.canon.errors import MalformedError, UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.request import Tool
from pointsman.dialects.names import map_names
from pointsman.wire.json import decode_object, encode

FREE_TEXT = "__free_text"
"""Ends the sent name of such a function."""

SCHEMA: Json = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The tool's input, as free text."}},
    "required": ["input"],
}

GRAMMAR_TOLD = "the target holds free text to no grammar; its description tells it"
"""The loss of a grammar."""

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


def take_grammar(format: object, inner: str | None = None) -> Json | None:
    """The grammar in a free-text tool's `format`, whose rules may stand in a member of their own.

    None for what is no grammar, or more than one.
    """
    told: Any = format
    if not isinstance(told, dict) or cast("Json", told).get("type") != "grammar":
        return None
    rules: Any = {key: value for key, value in cast("Json", told).items() if key != "type"}
    if inner is not None:
        rules = rules.get(inner) if set(rules) == {inner} else None
    if not isinstance(rules, dict) or set(cast("Json", rules)) != {"syntax", "definition"}:
        return None
    found = cast("Json", rules)
    return found if all(isinstance(value, str) for value in found.values()) else None


def description_with_grammar(tool: Tool) -> str | None:
    """A tool's description, with the grammar of its text for a target that cannot be held to one."""
    if tool.grammar is None:
        return tool.description
    told = f"The input must match this {tool.grammar['syntax']} grammar:\n{tool.grammar['definition']}"
    return f"{tool.description}\n\n{told}" if tool.description else told


def wrapped(text: str) -> str:
    """Free text as a function's arguments."""
    return encode({"input": text}).decode()


def unwrapped(arguments: str) -> str:
    """The free text in a function's arguments; the arguments themselves where the model kept to no form."""
    if not arguments or arguments.isspace():
        return ""
    try:
        members = decode_object(arguments.encode("utf-8", "surrogatepass"))
    except MalformedError:
        return arguments
    text = members.get("input", arguments if members else "")
    return text if isinstance(text, str) else arguments

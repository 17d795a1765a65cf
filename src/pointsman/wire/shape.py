"""The shape of a request, seen without decoding it: the kinds of its members, and who speaks in its turns.

Only what no reader of a dialect could take is refused: a kind that its page rules out, a turn that is no
object or that nobody speaks. Whatever else is in a body is for its reader, who may know more than this page.
"""

import re
from collections.abc import Collection, Mapping
from itertools import product
from typing import Any, cast

import msgspec
from msgspec import Struct

from pointsman.canon.errors import MalformedError
from pointsman.canon.intent import Span
from pointsman.wire.fields import as_array, as_object, as_text, wrong
from pointsman.wire.json import decode_value

_KINDS: dict[str, tuple[bytes, str]] = {
    "string": (b'"', "a string"),
    "array": (b"[", "an array"),
    "object": (b"{", "an object"),
    "boolean": (b"tf", "true or false"),
    "number": (b"-0123456789", "a number"),
    "integer": (b"-0123456789", "a whole number"),
    "objects": (b"[", "an array of objects"),
    "strings": (b"[", "an array of strings"),
}
"""What a value begins with, and how it is called."""
_EMPTY = re.compile(rb"\[[ \t\r\n]*\]")
_FIRST_ITEM = {
    "objects": re.compile(rb"\[[ \t\r\n]*[{\]]"),
    "strings": re.compile(rb"\[[ \t\r\n]*[\"\]]"),
}
"""What an array begins with, as far as its first item tells."""


_NULL = msgspec.Raw(b"null")
_PLAIN = {
    (text, optional, single): b'"' * text + b"n" * optional + b"{" * single
    for text, optional, single in product((False, True), repeat=3)
}
"""What may stand for an array of objects: a text, null, one object."""


class TurnRules(Struct, frozen=True):
    """What a dialect's turns are like."""

    roles: Collection[str] = ()
    """Who may speak; nothing is looked at where it is empty."""
    content: str = "content"
    """The member that holds what is said: `content` or `parts`."""
    content_text: bool = True
    """Whether what is said may be a text; else it is an array of objects."""
    content_required: bool = False
    role_required: bool = True
    """An empty role is none."""
    single: bool = False
    """Whether one object may stand where an array is meant: the turns, and what is said in one."""


class _Turn(Struct, gc=False):
    """As much of a turn as is looked at; a tenth of a millisecond for a hundred kilobytes."""

    role: str | None = None
    content: msgspec.Raw = _NULL
    parts: msgspec.Raw = _NULL
    tool_calls: msgspec.Raw = _NULL


_turns = msgspec.json.Decoder(list[_Turn])


def check_kinds(body: bytes, members: Mapping[str, Span], kinds: Mapping[str, str]) -> None:
    """Each member in `kinds` (name → its kinds, apart by `|`) is of one of them or null.

    Raises MalformedError.
    """
    for name, span in members.items():
        allowed = kinds.get(name)
        if allowed is None or body.startswith(b"null", span.start):
            continue
        value = body[span.start : span.end]
        kinds_allowed = allowed.split("|")
        if not any(_is(value, kind) for kind in kinds_allowed):
            raise _other(name, kinds_allowed, decode_value(value))


def _other(name: str, kinds: list[str], value: object) -> MalformedError:
    """The error for a member of none of these kinds."""
    item = next((kind for kind in kinds if kind in _FIRST_ITEM), None)
    if item is not None and isinstance(value, list):
        return wrong(f"{name}[0]", _KINDS[item.removesuffix("s")][1], cast("list[Any]", value)[0])
    return wrong(name, " or ".join(_KINDS[kind][1] for kind in kinds), value)


def _is(value: bytes, kind: str) -> bool:
    if value[:1] not in _KINDS[kind][0]:
        return False
    if kind == "integer":
        return value.lstrip(b"-").isdigit() or float(value).is_integer()
    first = _FIRST_ITEM.get(kind)
    return first is None or first.match(value) is not None


def says(body: bytes, members: Mapping[str, Span], name: str) -> bool:
    """Whether a member is there and not null."""
    span = members.get(name)
    return span is not None and not body.startswith(b"null", span.start)


def check_turns(body: bytes, members: Mapping[str, Span], name: str, rules: TurnRules) -> None:
    """The member called `name` holds at least one turn, and each is as the rules have it.

    Raises MalformedError.
    """
    span = members.get(name)
    if span is None:
        raise MalformedError(f"`{name}` is missing; send an array of at least one message", param=name)
    turns = body[span.start : span.end]
    if rules.single and turns.startswith(b"{"):
        turns = b"[%b]" % turns
    if not turns.startswith(b"["):
        raise MalformedError(f"`{name}` must be an array", param=name)
    if _EMPTY.match(turns):
        raise MalformedError(f"`{name}` must hold at least one message", param=name)
    if rules.roles and not _fits(turns, rules):
        _find_fault(turns, name, rules)


def _fits(turns: bytes, rules: TurnRules) -> bool:
    """Whether all is as it must be, at a glance; False where a closer look is needed."""
    try:
        read = _turns.decode(turns)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    plain = _PLAIN[rules.content_text, not rules.content_required, rules.single]
    for turn in read:
        if turn.role not in rules.roles and (turn.role or rules.role_required):
            return False
        if not _begins(turn.parts if rules.content == "parts" else turn.content, plain):
            return False
        if turn.tool_calls is not _NULL and not _begins(turn.tool_calls, b"n"):
            return False
    return True


def _begins(value: msgspec.Raw, plain: bytes) -> bool:
    """Whether it begins with one of `plain`, or is an array whose first item is an object."""
    seen = memoryview(value)
    return seen[0] in plain or _FIRST_ITEM["objects"].match(seen) is not None


def _find_fault(turns: bytes, name: str, rules: TurnRules) -> None:
    """Names the first turn that is wrong. Raises MalformedError."""
    for at, turn in enumerate(as_array(decode_value(turns), name)):
        path = f"{name}[{at}]"
        fields = as_object(turn, path)
        _check_role(fields.get("role"), f"{path}.role", rules)
        said = fields.get(rules.content)
        if rules.single and isinstance(said, dict):
            continue
        if said is None and rules.content_required:
            raise MalformedError(f"`{path}.{rules.content}` is required", param=f"{path}.{rules.content}")
        if said is not None and not isinstance(said, (str, list) if rules.content_text else list):
            kinds = "a string or an array" if rules.content_text else "an array"
            raise wrong(f"{path}.{rules.content}", kinds, said)
        for key in (rules.content, "tool_calls"):
            _check_objects(fields.get(key), f"{path}.{key}")


def _check_role(value: object, path: str, rules: TurnRules) -> None:
    if value in (None, ""):
        if rules.role_required:
            raise MalformedError(f"`{path}` is required", param=path)
        return
    role = as_text(value, path)
    if role not in rules.roles:
        known = ", ".join(f"`{role}`" for role in rules.roles)
        raise MalformedError(f"`{path}` must be one of {known}, not: {role}", param=path)


def _check_objects(value: object, path: str) -> None:
    if value is None or (isinstance(value, str) and path.endswith(".content")):
        return
    for at, item in enumerate(as_array(value, path)):
        as_object(item, f"{path}[{at}]")

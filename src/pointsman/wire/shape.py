"""The shape of a request, seen without decoding it: the kinds of its members, and who speaks in its turns.

Only what no reader of a dialect could take is refused: a kind that its page rules out, a turn that is no
object or that nobody speaks. Whatever else is in a body is for its reader, who may know more than this page.
"""

import re
from collections.abc import Collection, Mapping
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
}
"""What a value begins with, and how it is called."""
_EMPTY = re.compile(rb"\[[ \t\r\n]*\]")
_LIST_OF_OBJECTS = re.compile(rb"\[[ \t\r\n]*[{\]]")


class _Turn(Struct, gc=False):
    """As much of a turn as is looked at; a tenth of a millisecond for a hundred kilobytes."""

    role: str
    content: msgspec.Raw = msgspec.Raw(b"null")


_turns = msgspec.json.Decoder(list[_Turn])


def check_kinds(body: bytes, members: Mapping[str, Span], kinds: Mapping[str, str]) -> None:
    """Each member in `kinds` (name → its kinds, apart by `|`) is of one of them or null.

    Raises MalformedError.
    """
    for name, span in members.items():
        allowed = kinds.get(name)
        if allowed is None or body.startswith(b"null", span.start):
            continue
        first = body[span.start : span.start + 1]
        fitting = [kind for kind in allowed.split("|") if first in _KINDS[kind][0]]
        if not fitting or (fitting == ["integer"] and not _is_whole(body[span.start : span.end])):
            expected = " or ".join(_KINDS[kind][1] for kind in allowed.split("|"))
            raise wrong(name, expected, decode_value(body[span.start : span.end]))


def _is_whole(number: bytes) -> bool:
    return number.lstrip(b"-").isdigit() or float(number).is_integer()


def check_turns(body: bytes, members: Mapping[str, Span], name: str, roles: Collection[str]) -> None:
    """The member called `name` holds at least one turn; each is spoken in one of `roles`, if any are given.

    Raises MalformedError.
    """
    span = members.get(name)
    if span is None:
        raise MalformedError(f"`{name}` is missing; send an array of at least one message", param=name)
    if not body.startswith(b"[", span.start):
        raise MalformedError(f"`{name}` must be an array", param=name)
    if _EMPTY.match(body, span.start):
        raise MalformedError(f"`{name}` must hold at least one message", param=name)
    if roles and not _fits(memoryview(body)[span.start : span.end], roles):
        _find_fault(body[span.start : span.end], name, roles)


def _fits(turns: memoryview, roles: Collection[str]) -> bool:
    """Whether all is as it must be, at a glance; False where a closer look is needed."""
    try:
        read = _turns.decode(turns)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    return all(turn.role in roles and _is_content(memoryview(turn.content)) for turn in read)


def _is_content(value: memoryview) -> bool:
    """Text, null, or a list whose first item is an object."""
    first = value[:1].tobytes()
    return first in b'"n' or (first == b"[" and _LIST_OF_OBJECTS.match(value) is not None)


def _find_fault(turns: bytes, name: str, roles: Collection[str]) -> None:
    """Names the first turn that is wrong. Raises MalformedError."""
    for at, turn in enumerate(as_array(decode_value(turns), name)):
        path = f"{name}[{at}]"
        fields = as_object(turn, path)
        if fields.get("role") is None:
            raise MalformedError(f"`{path}.role` is required", param=f"{path}.role")
        role = as_text(fields["role"], f"{path}.role")
        if role not in roles:
            known = ", ".join(f"`{role}`" for role in roles)
            raise MalformedError(f"`{path}.role` must be one of {known}, not: {role}", param=f"{path}.role")
        _check_content(fields.get("content"), f"{path}.content")


def _check_content(content: object, path: str) -> None:
    if isinstance(content, list):
        for at, part in enumerate(cast("list[Any]", content)):
            as_object(part, f"{path}[{at}]")
    elif content is not None and not isinstance(content, str):
        raise wrong(path, "a string or an array", content)

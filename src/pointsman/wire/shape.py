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


class _Turn(Struct, gc=False):
    """As much of a turn as is looked at; a tenth of a millisecond for a hundred kilobytes."""

    role: str
    content: msgspec.Raw = _NULL
    tool_calls: msgspec.Raw = _NULL


_turns = msgspec.json.Decoder(list[_Turn])
_loose_turns = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


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


def check_turns(
    body: bytes,
    members: Mapping[str, Span],
    name: str,
    roles: Collection[str],
    *,
    content: bool = False,
    parts: str = "",
) -> None:
    """The member called `name` holds at least one turn; each is spoken in one of `roles`, if any are given,
    and has content, if that is demanded. Raises MalformedError.

    `parts`: the member of a turn that holds what was said, in a dialect that reads one object as an array of
    one, and in which a turn need not say who speaks.
    """
    span = members.get(name)
    if span is None:
        raise MalformedError(f"`{name}` is missing; send an array of at least one message", param=name)
    if parts:
        _check_loosely(body[span.start : span.end], name, roles, parts)
        return
    if not body.startswith(b"[", span.start):
        raise MalformedError(f"`{name}` must be an array", param=name)
    if _EMPTY.match(body, span.start):
        raise MalformedError(f"`{name}` must hold at least one message", param=name)
    if roles and not _fits(memoryview(body)[span.start : span.end], roles, content):
        _find_fault(body[span.start : span.end], name, roles, content)


def _check_loosely(turns: bytes, name: str, roles: Collection[str], parts: str) -> None:
    """The same where one object may stand for an array. Raises MalformedError."""
    if _EMPTY.fullmatch(turns):
        raise MalformedError(f"`{name}` must hold at least one message", param=name)
    known = [b'"%b"' % role.encode() for role in roles]
    try:
        read = _loose_turns.decode(turns if turns.startswith(b"[") else b"[%b]" % turns)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        read = None
    if read is None or not all(_fits_loosely(turn, known, parts) for turn in read):
        _find_loose_fault(decode_value(turns), name, roles, parts)


def _fits_loosely(turn: Mapping[str, msgspec.Raw], roles: Collection[bytes], parts: str) -> bool:
    role, said = bytes(turn.get("role", _NULL)), memoryview(turn.get(parts, _NULL))
    spoken = not roles or role in roles or role in (b"null", b'""')
    return spoken and (said[:1].tobytes() in b"n{" or _begins(said, b"n"))


def _find_loose_fault(turns: object, name: str, roles: Collection[str], parts: str) -> None:
    """Names the first turn that is wrong. Raises MalformedError."""
    listed = as_array(turns, name) if isinstance(turns, list) else [as_object(turns, name)]
    for at, turn in enumerate(listed):
        path = f"{name}[{at}]"
        fields = as_object(turn, path)
        role = "" if fields.get("role") is None else as_text(fields["role"], f"{path}.role")
        if role and role not in roles:
            raise _unknown_role(path, role, roles)
        said = fields.get(parts)
        if said is not None and not isinstance(said, dict):
            _check_objects(cast("object", said), f"{path}.{parts}")


def _unknown_role(path: str, role: str, roles: Collection[str]) -> MalformedError:
    known = ", ".join(f"`{each}`" for each in roles)
    return MalformedError(f"`{path}.role` must be one of {known}, not: {role}", param=f"{path}.role")


def _fits(turns: memoryview, roles: Collection[str], content: bool) -> bool:
    """Whether all is as it must be, at a glance; False where a closer look is needed."""
    try:
        read = _turns.decode(turns)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return False
    plain = b'"' if content else b'"n'
    return all(
        turn.role in roles
        and _begins(memoryview(turn.content), plain)
        and (turn.tool_calls is _NULL or _begins(memoryview(turn.tool_calls), b"n"))
        for turn in read
    )


def _begins(value: memoryview, plain: bytes) -> bool:
    """Whether it begins with one of `plain`, or is an array whose first item is an object."""
    first = value[:1].tobytes()
    return first in plain or (first == b"[" and _FIRST_ITEM["objects"].match(value) is not None)


def _find_fault(turns: bytes, name: str, roles: Collection[str], content: bool) -> None:
    """Names the first turn that is wrong. Raises MalformedError."""
    for at, turn in enumerate(as_array(decode_value(turns), name)):
        path = f"{name}[{at}]"
        fields = as_object(turn, path)
        if fields.get("role") is None:
            raise MalformedError(f"`{path}.role` is required", param=f"{path}.role")
        role = as_text(fields["role"], f"{path}.role")
        if role not in roles:
            raise _unknown_role(path, role, roles)
        said = fields.get("content")
        if said is None and content:
            raise MalformedError(f"`{path}.content` is required", param=f"{path}.content")
        if said is not None and not isinstance(said, str | list):
            raise wrong(f"{path}.content", "a string or an array", said)
        for key in ("content", "tool_calls"):
            _check_objects(fields.get(key), f"{path}.{key}")


def _check_objects(value: object, path: str) -> None:
    if value is None or (isinstance(value, str) and path.endswith(".content")):
        return
    for at, item in enumerate(as_array(value, path)):
        as_object(item, f"{path}[{at}]")

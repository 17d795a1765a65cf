"""Tool calls in a stream: which call a fragment belongs to.

The dialect says `index`, but servers leave it out, use 0 for every call, repeat id and name in every
fragment, or give no id at all. A call begins where the id changes, or where a name comes although the call
of that index is complete; a fragment without any of these continues the last call. A call is told of once its
name is known; a missing id is made from the answer's own, so that it is the same at every reading.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Any, cast

from pointsman.canon.blocks import Native, ToolCall
from pointsman.canon.events import ArgumentsDelta, BlockEnd, BlockStart, Event, NativeDelta
from pointsman.canon.json import Json
from pointsman.dialects.free_text import is_wrapped, unwrapped
from pointsman.dialects.openai_chat.messages import INNER, LEGACY, arguments_text, call_extra, take_native
from pointsman.dialects.openai_chat.words import NAME
from pointsman.wire.json import encode
from pointsman.wire.surrogates import SurrogateJoiner

_KNOWN = frozenset({"index", "id", "type", "function", "custom"})
_INNER = INNER | {"name"}

_MARK = re.compile(r'\\.|["{}\[\]]', re.DOTALL)
"""What bears on whether brackets are closed: an escape, a quote, a bracket."""
_STEPS = {"{": 1, "[": 1, "}": -1, "]": -1}
"""How far each bracket leads in."""


class Brackets:
    """Whether JSON that comes in pieces is a whole object by its brackets; each piece is looked at once.

    Of text that is an object it says the same as a parser; of text that is none, only whether it might be.
    """

    def __init__(self) -> None:
        self._seen = 0
        """How many pieces."""
        self._depth = 0
        self._quoted = False
        self._first = ""
        """The first character that is not blank."""
        self._escape = ""
        """A backslash whose character is still to come."""

    def closed(self, pieces: Sequence[str]) -> bool:
        """Whether `pieces`, the first of which were given before, end their object."""
        text = self._escape + "".join(pieces[self._seen :])
        self._seen = len(pieces)
        self._first = self._first or text.lstrip()[:1]
        end = 0
        for token in _MARK.finditer(text):
            end = token.end()
            self._read(token[0])
        self._escape = "\\" if text.endswith("\\", end) else ""
        return not self._depth and not self._quoted and self._first == "{"

    def torn(self, pieces: Sequence[str]) -> bool:
        """Whether `pieces` begin an object that they do not end."""
        return not self.closed(pieces) and self._first == "{"

    def _read(self, mark: str) -> None:
        if mark == '"':
            self._quoted = not self._quoted
        elif not self._quoted:
            self._depth += _STEPS.get(mark, 0)


class Call:
    """One call as far as it has come."""

    def __init__(self, id: str, kind: str) -> None:
        self.id = id
        self.kind = kind
        self.name = ""
        self.index = -1
        """Of its block; -1 until the name is known."""
        self.arguments: list[str] = []
        """In the pieces in which they came: a text that grew by each would be copied each time."""
        self.brackets = Brackets()
        self.joiner = SurrogateJoiner()
        self.native: Native | None = None
        self.extra: dict[str, Any] = {}
        self.form = ""
        self.wrapped = False
        """Whether its arguments hold a custom tool's free text; it is unwrapped once it is whole."""


class Calls:
    """The calls of one choice."""

    def __init__(self, issuer: str, names: Mapping[str, str], *, whole: bool) -> None:
        self._issuer = issuer
        self._whole = whole
        self._known = _KNOWN - {"index"} if whole else _KNOWN
        self._names = names
        self._slots: dict[int | str, Call] = {}
        self._open: list[Call] = []
        self._last: Call | None = None

    def __bool__(self) -> bool:
        return bool(self._open)

    def find(self, fragment: Json) -> Call | None:
        """The call that a fragment of a stream continues; None if it begins one."""
        id, index = fragment.get("id"), fragment.get("index")
        if not isinstance(index, int):
            known = self._slots.get(id) if isinstance(id, str) and id else None
            return known or (None if id or _inner(fragment).get("name") else self._last)
        call = self._slots.get(index)
        if call is None or (id and call.id and id != call.id):
            return None
        name = _inner(fragment).get("name")
        if not id and isinstance(name, str) and name and self._is_other(call, name):
            return None
        return call

    def _is_other(self, call: Call, name: str) -> bool:
        """Whether a fragment that names a function, without an id, begins a call of its own."""
        return bool(call.name) and (self._restored(name) != call.name or call.brackets.closed(call.arguments))

    def begin(self, fragment: Json) -> Call:
        """A new call; its id is empty where the fragment has none."""
        id, index = fragment.get("id"), fragment.get("index")
        call = Call(id if isinstance(id, str) else "", "custom" if "custom" in fragment else "function")
        self._slots[index if isinstance(index, int) else call.id or f"#{len(self._open)}"] = call
        self._open.append(call)
        self._last = call
        return call

    def begin_legacy(self) -> Call:
        """The call of the deprecated `function_call`; there is only one."""
        call = self._slots.get(LEGACY)
        if call is None:
            call = self._slots[LEGACY] = Call("", "function")
            call.form = LEGACY
            self._open.append(call)
        return call

    def take(self, call: Call, fragment: Json) -> str:
        """What a fragment adds to a call: its name, its state, and the arguments that are returned."""
        self._last = call
        inner = _inner(fragment)
        name = inner.get("name")
        if not call.name and isinstance(name, str):
            call.name, call.wrapped = self._restored(name), is_wrapped(name, self._names)
        outer = self._unknown(fragment, self._known)
        native = take_native(outer, self._issuer)
        if native is not None:
            call.native = native
        within = {**call.extra.get("function", {}), **self._unknown(inner, _INNER)}
        call.extra |= call_extra(outer, within, {})
        return _arguments(call, inner)

    def _unknown(self, members: Json, known: frozenset[str]) -> dict[str, Any]:
        """What has no canonical place; null ones count only in a whole answer."""
        unknown = {key: members[key] for key in members if key not in known}
        return unknown if self._whole else {key: each for key, each in unknown.items() if each is not None}

    def _restored(self, name: str) -> str:
        return self._names.get(name, name)

    def end(self, events: list[Event], choice: int, next_index: int, seed: str) -> int:
        """Ends every call, told of or not; returns the next block's index."""
        for number, call in enumerate(self._open):
            if call.index < 0:
                next_index = tell(call, events, choice, next_index, made_id(seed, choice, number))
            rest = call.joiner.close()
            if call.wrapped:
                rest = unwrapped("".join(call.arguments) + rest)
            if rest:
                events.append(ArgumentsDelta(call.index, rest))
            events.append(BlockEnd(call.index))
        return next_index

    def torn(self) -> bool:
        """Whether a call's arguments break off."""
        return any(call.kind == "function" and call.brackets.torn(call.arguments) for call in self._open)

    def number(self, call: Call) -> int:
        """How many calls began before it."""
        return self._open.index(call)


def tell(call: Call, events: list[Event], choice: int, index: int, id: str) -> int:
    """The start of a call whose name is known, with the arguments that came before it."""
    call.index = index
    call.id = call.id or id
    kind = "custom" if call.kind == "custom" or call.wrapped else "function"
    block = ToolCall(call.id, call.name, "", kind, call.native, form=call.form, extra=call.extra)
    events.append(BlockStart(index, block, choice, NAME))
    if call.arguments and not call.wrapped:
        events.append(ArgumentsDelta(index, "".join(call.arguments)))
    return index + 1


def more(call: Call, text: str, native: Native | None, events: list[Event]) -> None:
    """More of a call that was told of."""
    if native is not None:
        events.append(NativeDelta(call.index, native, "call"))
    if text and not call.wrapped:
        events.append(ArgumentsDelta(call.index, text))


def made_id(seed: str, choice: int, number: int) -> str:
    """The id for a call whose upstream gave none."""
    return "call_" + sha256(f"{seed}:{choice}:{number}".encode("utf-8", "replace")).hexdigest()[:24]


def _inner(fragment: Json) -> Json:
    inner = fragment.get("function") or fragment.get("custom")
    return cast("Json", inner) if isinstance(inner, dict) else {}


def _arguments(call: Call, inner: Json) -> str:
    value = inner.get("input") if call.kind == "custom" else inner.get("arguments")
    if value is None or value == "":
        return ""
    if not isinstance(value, str):
        value = (
            encode(value).decode() if not isinstance(value, dict) else arguments_text(cast("Any", value), "")
        )
    text = call.joiner.feed(value)
    if text:
        call.arguments.append(text)
    return text

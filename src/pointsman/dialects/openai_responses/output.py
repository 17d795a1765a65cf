"""The output items of an answer: their events, and each item at its end, become blocks.

An item is told of as early as it can be: calls when they are added, texts with their part, thinking with its
first words, all others when they are whole. A closing event adds what no earlier one has said, since some
servers say a call's arguments, or a whole item, only there.
"""

from collections.abc import Callable, Mapping
from typing import Any, cast

from pointsman.canon.blocks import Native, Thinking, Unknown
from pointsman.canon.events import ArgumentsDelta, BlockEnd, BlockStart, Event, NativeDelta, ThinkingDelta
from pointsman.canon.json import Json
from pointsman.dialects.dialect import Origin
from pointsman.dialects.openai_responses.items import decode_client_call, hosted
from pointsman.dialects.openai_responses.reasoning_items import APART, decode_reasoning
from pointsman.dialects.openai_responses.said import Said, SaidCall, start_call, start_part
from pointsman.dialects.openai_responses.state import Opened
from pointsman.dialects.openai_responses.words import (
    CLIENT_CALLS,
    HOSTED_CALLS,
    HOSTED_RESULTS,
    NAME,
    OUTPUT_TEXT,
)
from pointsman.wire.fields import Fields

Key = tuple[str, int]
"""A part of an item: which list of it, and where in it."""

_PARTS = ("output_text", "refusal")


class Item:
    """One item as far as it has come."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.wire: Json = {}
        self.parts: dict[Key, Said] = {}
        self.whole: Said | None = None
        """The block of an item that is one."""
        self.latest: Key | None = None
        self.done = False


class Output:
    """All items of one answer."""

    def __init__(self, origin: Origin) -> None:
        self.names: Mapping[str, str] = origin.names
        self.issuer = origin.issuer
        self.called = False
        """Whether the client has something to run."""
        self._items: dict[int, Item] = {}
        self._next = 0
        self._signed: dict[str, Native] = {}
        self._calls: dict[str, SaidCall] = {}

    def wires(self) -> list[Json]:
        """The items that are whole, in their order."""
        return [self._items[number].wire for number in sorted(self._items) if self._items[number].done]

    def take(self) -> int:
        """The next block's index."""
        self._next += 1
        return self._next - 1

    def item(self, number: int) -> Item:
        """The item of this number; one that was not added has said nothing of itself yet."""
        found = self._items.get(number)
        if found is None:
            found = self._items[number] = Item(number)
        return found

    def add(self, number: int, wire: Json, events: list[Event]) -> None:
        """An item begins."""
        item = self.item(number)
        item.wire = wire
        open_item = _OPEN.get(str(wire.get("type")))
        if open_item is not None and item.whole is None and not item.done:
            open_item(self, item, wire, events)

    def finish(self, number: int, wire: Json, events: list[Event]) -> None:
        """An item is whole."""
        item = self.item(number)
        if item.done:
            return
        self.add(number, wire, events)
        _CLOSE.get(str(wire.get("type")), Output.close_unknown)(self, item, wire, events)
        item.done = True

    def end(self, events: list[Event]) -> None:
        """The answer is over; whatever is open ends."""
        for item in self._items.values():
            for said in (*item.parts.values(), *([] if item.whole is None else [item.whole])):
                said.end(events)

    # Parts of messages

    def part(self, number: int, at: int, part: Json, events: list[Event]) -> Said:
        """The block of a message's part; it begins where it has not."""
        item = self.item(number)
        said = item.parts.get((OUTPUT_TEXT, at))
        if said is None:
            said = start_part(self.take(), part, item.wire, events, first=not item.parts)
            item.parts[OUTPUT_TEXT, at] = said
        return said

    def finish_part(self, number: int, at: int, part: Json, events: list[Event]) -> None:
        """A message's part is whole."""
        if part.get("type") not in _PARTS:
            self._finish_odd_part(number, at, part, events)
            return
        said = self.part(number, at, part, events)
        if said.ended:
            return
        text = part.get("refusal" if part["type"] == "refusal" else "text")
        said.complete(text, events, part.get("logprobs"))
        said.complete_citations(part.get("annotations"), self.issuer, events)
        said.end(events)

    def _finish_odd_part(self, number: int, at: int, part: Json, events: list[Event]) -> None:
        """A part of a kind that is not known; a reasoning item's is no block of its own."""
        item = self.item(number)
        if item.wire.get("type") == "reasoning" or (OUTPUT_TEXT, at) in item.parts:
            return
        index = self.take()
        events.append(BlockStart(index, Unknown(NAME, part), dialect=NAME))
        said = item.parts[OUTPUT_TEXT, at] = Said(index, ArgumentsDelta)
        said.end(events)

    def close_message(self, item: Item, wire: Json, events: list[Event]) -> None:
        for at, part in enumerate(_objects(wire.get("content"))):
            self.finish_part(item.number, at, part, events)
        for said in item.parts.values():
            said.end(events)

    # Thinking

    def think(self, number: int, key: Key, text: str, extra: Json, events: list[Event]) -> None:
        """More of a reasoning item's text; its parts stand apart."""
        item = self.item(number)
        if item.whole is None:
            item.whole = self._start_thinking(Thinking(""), events)
        if item.latest not in (None, key) and item.whole.said and text:
            item.whole.say(APART, {}, events)
        if text:
            item.latest = key
        item.whole.say(text, extra, events)

    def _start_thinking(self, block: Thinking, events: list[Event]) -> Said:
        index = self.take()
        events.append(BlockStart(index, block, dialect=NAME))
        return Said(index, ThinkingDelta)

    def close_reasoning(self, item: Item, wire: Json, events: list[Event]) -> None:
        decoded = decode_reasoning(wire, self.issuer)
        if isinstance(decoded, Opened):
            self._sign(decoded, events)
            return
        if item.whole is None and not decoded.text and decoded.native is None:
            return
        if item.whole is None:
            head = Thinking("", None, decoded.redacted, extra=decoded.extra)
            item.whole = self._start_thinking(head, events)
            item.whole.complete(decoded.text, events)
        if decoded.native is not None:
            events.append(NativeDelta(item.whole.index, decoded.native))
        item.whole.end(events)

    def _sign(self, opened: Opened, events: list[Event]) -> None:
        """State that belongs to a call, which may have come before it or comes behind it."""
        call_id, native = opened.call_id or "", opened.native
        if native is None:
            return
        self._signed[call_id] = native
        if call_id in self._calls:
            self._calls[call_id].sign(native, events)

    # Calls

    def open_call(self, item: Item, wire: Json, events: list[Event]) -> None:
        self.called = True
        call_id = str(wire.get("call_id") or "")
        call = start_call(self.take(), wire, self.names, self._signed.get(call_id), events)
        item.whole = self._calls[call_id] = call

    def close_call(self, item: Item, wire: Json, events: list[Event]) -> None:
        if item.whole is not None:
            custom = wire.get("type") == "custom_tool_call"
            item.whole.complete(wire.get("input" if custom else "arguments"), events)
            item.whole.end(events)

    def close_client_call(self, item: Item, wire: Json, events: list[Event]) -> None:
        """A built-in tool's call says at its end what is to be done."""
        self.called = True
        index = self.take()
        call = decode_client_call(Fields({"call_id": wire.get("id") or "", **wire}, "item"), wire)
        events += [BlockStart(index, call, dialect=NAME), BlockEnd(index)]

    # Everything else

    def close_hosted(self, item: Item, wire: Json, events: list[Event]) -> None:
        index = self.take()
        events += [BlockStart(index, hosted(wire, self.issuer), dialect=NAME), BlockEnd(index)]

    def close_unknown(self, item: Item, wire: Json, events: list[Event]) -> None:
        index = self.take()
        events += [BlockStart(index, Unknown(NAME, wire), dialect=NAME), BlockEnd(index)]


_Step = Callable[[Output, Item, Json, list[Event]], None]
_OPEN: dict[str, _Step] = {
    "function_call": Output.open_call,
    "custom_tool_call": Output.open_call,
}
_CLOSE: dict[str, _Step] = {
    "message": Output.close_message,
    "reasoning": Output.close_reasoning,
    "function_call": Output.close_call,
    "custom_tool_call": Output.close_call,
    **dict.fromkeys(CLIENT_CALLS, Output.close_client_call),
    **dict.fromkeys(HOSTED_CALLS | HOSTED_RESULTS, Output.close_hosted),
}


def _objects(value: object) -> list[Json]:
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in found if isinstance(each, dict)]

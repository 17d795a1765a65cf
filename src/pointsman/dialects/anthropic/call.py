"""One tool call of an answer, as its arguments come in.

Names that were changed on the way out are restored. A tool that takes free text was sent as a function with
one string; its arguments are unwrapped once they are whole. Arguments that stand in the block's start alone
become one delta. A provider's own tool gets its whole input as native data at the end, for whoever gathers.
"""

from typing import Any

from msgspec import structs

from pointsman.canon.blocks import Native, ServerTool, ToolCall
from pointsman.canon.events import ArgumentsDelta, Event, NativeDelta
from pointsman.canon.json import Json
from pointsman.dialects.anthropic.arguments import parse_arguments
from pointsman.dialects.anthropic.words import NAME
from pointsman.dialects.dialect import Origin
from pointsman.dialects.free_text import is_wrapped, unwrapped
from pointsman.wire.json import encode
from pointsman.wire.surrogates import SurrogateJoiner


class CallReader:
    """The arguments of one call."""

    def __init__(self, index: int, block: ToolCall | ServerTool, origin: Origin) -> None:
        self._index = index
        self._initial = ""
        self._parts: list[str] = []
        self._joiner = SurrogateJoiner()
        self._wrapped = False
        self.start: ToolCall | ServerTool = block
        """The block as it starts."""
        if isinstance(block, ToolCall):
            self._open_call(block, origin)
        else:
            self._open_server_tool(block)

    def feed(self, text: str, extra: Json) -> list[Event]:
        """More of the arguments; `extra` is what the dialect says beside them."""
        text = self._joiner.feed(text)
        if self._wrapped or isinstance(self.start, ServerTool):
            self._parts.append(text)
        self._initial = self._initial if not text else ""
        return [] if self._wrapped else [ArgumentsDelta(self._index, text, extra, NAME)]

    def close(self) -> list[Event]:
        """What is left to say before the call ends."""
        events: list[Event] = []
        rest = self._joiner.close() or self._initial
        self._parts.append(rest)
        if self._wrapped:
            events.append(ArgumentsDelta(self._index, unwrapped("".join(self._parts))))
        elif rest:
            events.append(ArgumentsDelta(self._index, rest))
        if isinstance(self.start, ServerTool) and any(self._parts):
            data = {"input": parse_arguments("".join(self._parts)) or {}}
            events.append(NativeDelta(self._index, structs.replace(self.start.native, data=data), "call"))
        return events

    def _open_call(self, block: ToolCall, origin: Origin) -> None:
        name = origin.names.get(block.name, block.name)
        self._wrapped = is_wrapped(block.name, origin.names)
        self._initial = "" if block.arguments == "{}" else block.arguments
        kind = "custom" if self._wrapped else "function"
        self.start = structs.replace(block, name=name, arguments="", kind=kind)

    def _open_server_tool(self, block: ServerTool) -> None:
        given: Any = block.native.data.get("input")
        if block.part == "call" and given:
            self._initial = encode(given).decode()
            native = Native(block.native.dialect, block.native.issuer, {**block.native.data, "input": {}})
            self.start = structs.replace(block, native=native)

"""Items that are one block each: reasoning, calls, and a provider's own tools; written as they come in.

What a provider attached to a call travels in a reasoning item ahead of it; where it came after the call had
begun, behind it. What the dialect cannot say is left out here and named by `losses`.
"""

from typing import Any

from pointsman.canon.blocks import Block, Native, ServerTool, Thinking, ToolCall, Unknown
from pointsman.canon.events import ArgumentsDelta, NativeDelta, ThinkingDelta
from pointsman.dialects.gather import merge_native
from pointsman.dialects.names import parted
from pointsman.dialects.openai_responses.reasoning_items import encode_reasoning, summary_part
from pointsman.dialects.openai_responses.state import seal_call
from pointsman.dialects.openai_responses.words import NAME
from pointsman.dialects.openai_responses.writer import Wire, Writer, before_piece


class OpenItem:
    """One item; this one is for a block that the dialect cannot say."""

    def __init__(self, writer: Writer, block: Any, *, own: bool) -> None:
        self.writer = writer
        self.block = block
        self.own = own

    def start(self) -> bytes:
        """The item begins."""
        return b""

    def add(self, event: Any) -> bytes:
        """More of it."""
        return b""

    def end(self) -> bytes:
        """The item is over."""
        return b""


class OpenReasoning(OpenItem):
    """Thinking: its text as a summary, its opaque state at its end."""

    def start(self) -> bytes:
        thinking: Thinking = self.block
        self._native: Native | None = thinking.native
        self._texts: list[str] = []
        self._place = self.writer.place()
        self._id = self.writer.id("rs", self._place)
        self._where: Wire = {"item_id": self._id, "output_index": self._place, "summary_index": 0}
        self._before = before_piece("response.reasoning_summary_text.delta", self._where)
        begun = self.writer.added(self._place, {"type": "reasoning", "id": self._id, "summary": []})
        return begun + (self._say(thinking.text) if thinking.text else b"")

    def add(self, event: Any) -> bytes:
        if isinstance(event, NativeDelta):
            self._native = merge_native(self._native, event.native)
        return self._say(event.text) if isinstance(event, ThinkingDelta) and event.text else b""

    def _say(self, text: str) -> bytes:
        """A piece of the summary; what is redacted is told at the end, since its pieces don't say that."""
        begun = b""
        if self.block.redacted:
            self._texts.append(text)
            return b""
        if not self._texts:
            part = {**self._where, "part": summary_part("")}
            begun = self.writer.frame("response.reasoning_summary_part.added", part)
        self._texts.append(text)
        return begun + self.writer.piece(self._before, text)

    def end(self) -> bytes:
        text, said = "".join(self._texts), b""
        if self._texts and not self.block.redacted:
            said = self.writer.frame("response.reasoning_summary_text.done", {**self._where, "text": text})
            part = {**self._where, "part": summary_part(text)}
            said += self.writer.frame("response.reasoning_summary_part.done", part)
        item = encode_reasoning(Thinking(text, self._native, self.block.redacted), self._id)
        if self.own and self._native is None:
            del item["encrypted_content"]
        rest: Wire = dict(self.block.extra) if self.own else {}
        return said + self.writer.done(self._place, {**rest, **item})


class OpenCall(OpenItem):
    """A call of a function or of a custom tool."""

    def start(self) -> bytes:
        call: ToolCall = self.block
        ahead = b"" if call.native is None else self._signed(call.native)
        self._late: Native | None = None
        self._texts: list[str] = []
        self._custom = call.kind == "custom"
        self._place = self.writer.place()
        self._id = self.writer.id("ctc" if self._custom else "fc", self._place)
        self._call_id = call.id or self.writer.id("call", self._place)
        self._where: Wire = {"item_id": self._id, "output_index": self._place}
        name = "custom_tool_call_input" if self._custom else "function_call_arguments"
        self._event = f"response.{name}"
        self._before = before_piece(f"{self._event}.delta", self._where)
        begun = ahead + self.writer.added(self._place, self._item("", "in_progress"))
        return begun + (self._say(call.arguments) if call.arguments else b"")

    def add(self, event: Any) -> bytes:
        if isinstance(event, NativeDelta):
            self._late = merge_native(self._late, event.native)
        return self._say(event.text) if isinstance(event, ArgumentsDelta) and event.text else b""

    def end(self) -> bytes:
        written = b"" if self._texts or self._custom or self.own else self._say("{}")
        text = "".join(self._texts)
        whole = {**self._where, "input" if self._custom else "arguments": text}
        written += self.writer.frame(f"{self._event}.done", whole)
        written += self.writer.done(self._place, self._item(text, "completed"))
        return written + (b"" if self._late is None else self._signed(self._late))

    def _say(self, text: str) -> bytes:
        self._texts.append(text)
        return self.writer.piece(self._before, text)

    def _item(self, text: str, status: str) -> Wire:
        namespace, name = parted(self.block.name)
        within = {} if namespace is None else {"namespace": namespace}
        rest: Wire = dict(self.block.extra) if self.own else {}
        head: Wire = {**rest, "id": self._id, "call_id": self._call_id, "name": name, **within}
        if self._custom:
            return {**head, "type": "custom_tool_call", "input": text}
        return {**head, "type": "function_call", "arguments": text, "status": status}

    def _signed(self, native: Native) -> bytes:
        """The reasoning item that carries the call's state."""
        place = self.writer.place()
        call_id = self.block.id or self._call_id
        item: Wire = {"type": "reasoning", "id": self.writer.id("rs", place), "summary": []}
        whole = {**item, "encrypted_content": seal_call(native, call_id)}
        return self.writer.added(place, item) + self.writer.done(place, whole)


class OpenWhole(OpenItem):
    """An item of this dialect that nobody else has: as it is."""

    def start(self) -> bytes:
        self._item: Wire = dict(
            self.block.native.data if isinstance(self.block, ServerTool) else self.block.data
        )
        self._place = self.writer.place()
        return self.writer.added(self._place, self._item)

    def add(self, event: Any) -> bytes:
        if isinstance(event, NativeDelta):
            self._item |= event.native.data
        return b""

    def end(self) -> bytes:
        return self.writer.done(self._place, self._item)


def open_item(writer: Writer, block: Block, *, own: bool) -> OpenItem:
    """The writer for a block that is an item of its own."""
    if isinstance(block, Thinking):
        return OpenReasoning(writer, block, own=own)
    if isinstance(block, ToolCall):
        return OpenCall(writer, block, own=own)
    ours = isinstance(block, ServerTool) and block.native.dialect == NAME
    if ours or (isinstance(block, Unknown) and block.dialect == NAME):
        return OpenWhole(writer, block, own=own)
    return OpenItem(writer, block, own=own)

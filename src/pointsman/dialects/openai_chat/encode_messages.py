"""Messages for an upstream.

Messages that came in this dialect are said again as they were. Others are put in its order: results of tools
first, each a message of its own; their images and documents, and what else the user said, in one user message
behind them; text blocks become one string.
"""

from collections.abc import Sequence
from typing import Any

from pointsman.canon.blocks import (
    Block,
    Refusal,
    ServerTool,
    Text,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from pointsman.canon.request import Message
from pointsman.dialects.foreign import TOOL_ERROR
from pointsman.dialects.free_text import wrapped
from pointsman.dialects.openai_chat.blocks import is_part
from pointsman.dialects.openai_chat.calls_out import inner_extra, outer_extra
from pointsman.dialects.openai_chat.draft import Draft
from pointsman.dialects.openai_chat.encode_parts import ASSISTANT, content_of, parts_of
from pointsman.dialects.openai_chat.encode_thinking import thinking_members
from pointsman.dialects.openai_chat.messages import LEGACY
from pointsman.dialects.openai_chat.words import NAME
from pointsman.dialects.pairing import check_messages, results_first

ATTACHED = "Attached to the result of tool call"

_BESIDE = (ToolCall, Thinking, Refusal)


def put_messages(draft: Draft) -> None:
    """`messages`: the instructions, then the conversation. Raises MalformedError."""
    conversation = _Conversation(draft)
    if draft.own:
        for message in draft.request.system:
            conversation.add_own(message)
    else:
        check_messages(draft.request.messages)
        conversation.instruct()
    messages = draft.request.messages if draft.own else results_first(draft.request.messages)
    for message in messages:
        (conversation.add_own if draft.own else conversation.add)(message)
    conversation.settle()
    if not draft.own and conversation.written and conversation.written[-1]["role"] == "assistant":
        draft.approximated("prefill", "the target answers behind the last turn instead of going on with it")
    draft.body["messages"] = conversation.written


def _only_foreign(blocks: Sequence[Block]) -> bool:
    """Whether nothing in it can be said here."""
    return bool(blocks) and all(isinstance(block, Unknown | ServerTool) for block in blocks)


class _Conversation:
    """The messages as far as they are written."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._attached: list[dict[str, Any]] = []
        self.written: list[dict[str, Any]] = []

    def instruct(self) -> None:
        """The instructions ahead of the conversation, as one message."""
        blocks = [block for message in self._draft.request.system for block in message.content]
        roles = {message.role for message in self._draft.request.system}
        content = content_of(self._draft, blocks, "system", "\n\n")
        if content:
            self._write(self._role("developer" if roles == {"developer"} else "system"), content=content)

    def settle(self) -> None:
        """Writes what tools attached to their results, for which the dialect has no place in a result."""
        if self._attached:
            self.written.append({"role": "user", "content": self._attached})
            self._attached = []

    def add(self, message: Message) -> None:
        """A message of another dialect."""
        results = [block for block in message.content if isinstance(block, ToolResult)]
        others = [block for block in message.content if not isinstance(block, ToolResult)]
        if message.role == "assistant":
            self.settle()
            self._assistant(message, others)
            return
        if not results:
            self._say(message, others)
            return
        for result in results:
            self._result(result)
        if message.role != "tool" or others:
            self._follow(message, others)
        self._drop_extra(message)

    def _say(self, message: Message, blocks: Sequence[Block]) -> None:
        instructs = message.role in {"system", "developer"}
        kept = ("keep", "own") if self._draft.own else ("keep",)
        if instructs and self._draft.traits.mid_system in kept:
            content = content_of(self._draft, blocks, "system", "\n\n")
            if content:
                self.settle()
                self._write(self._role(message.role), content=content)
        else:
            if instructs:
                self._draft.count(
                    "approximated", "messages.role", "instructions in mid-conversation as a user's text"
                )
            self._follow(message, blocks)
        self._drop_extra(message)

    def _follow(self, message: Message, blocks: Sequence[Block]) -> None:
        """A user's message, with what the tools before it attached."""
        if not self._attached:
            content = content_of(self._draft, blocks, "messages", "\n\n")
            if content or not (self._follows_result() or _only_foreign(blocks)):
                self._write("user", content=content, name=message.name)
            return
        parts = [*self._attached, *parts_of(self._draft, blocks, "messages")]
        self._attached = []
        self._write("user", content=parts, name=message.name)

    def _follows_result(self) -> bool:
        return bool(self.written) and self.written[-1]["role"] == "tool"

    def _result(self, result: ToolResult) -> None:
        self._draft.dropped_extra(result.extra, "tool_result")
        shown = [block for block in result.content if not isinstance(block, Text)]
        text = content_of(
            self._draft, [b for b in result.content if isinstance(b, Text)], "tool_result", "\n\n"
        )
        if result.is_error:
            self._draft.count(
                "approximated", "tool_result.is_error", f"`{TOOL_ERROR.strip()}` before its text"
            )
            if isinstance(text, str):
                text = TOOL_ERROR + text
            else:
                text = [{"type": "text", "text": TOOL_ERROR.strip()}, *text]
        attached = parts_of(self._draft, shown, "tool_result")
        if attached:
            self._draft.count(
                "approximated", "tool_result.content", "its attachments in a user message behind it"
            )
            self._attached += [
                {"type": "text", "text": f"{ATTACHED} {self._draft.id(result.call_id)}:"},
                *attached,
            ]
        mark = self._draft.mark(result.cache)
        self.written.append(
            {"role": "tool", "tool_call_id": self._draft.id(result.call_id), "content": text, **mark}
        )

    def _assistant(self, message: Message, blocks: Sequence[Block]) -> None:
        calls = [self._call(block) for block in blocks if isinstance(block, ToolCall)]
        refusals = [block.text for block in blocks if isinstance(block, Refusal)]
        said = [block for block in blocks if not isinstance(block, _BESIDE)]
        content = content_of(self._draft, said, ASSISTANT, "")
        self._note_order(blocks)
        written: dict[str, Any] = {"content": content or (None if calls or refusals else "")}
        if refusals:
            written["refusal"] = "".join(refusals)
        if calls:
            written["tool_calls"] = calls
        self._write("assistant", name=message.name, **written, **thinking_members(self._draft, message))
        self._drop_extra(message)

    def _note_order(self, blocks: Sequence[Block]) -> None:
        """Calls stand behind all text here."""
        kinds = [type(block) for block in blocks if isinstance(block, ToolCall | Text)]
        if ToolCall in kinds and Text in kinds[kinds.index(ToolCall) :]:
            self._draft.count("approximated", "assistant.content", "text behind a tool call stands before it")

    def add_own(self, message: Message) -> None:
        """A message of this dialect."""
        if message.role == "tool":
            self._own_result(message)
            return
        written: dict[str, Any] = {"role": self._role(message.role)}
        said = [block for block in message.content if not self._beside(block)]
        written |= self._own_content(said, message.form)
        if message.name is not None:
            written["name"] = message.name
        if message.role == "assistant":
            written |= self._own_beside(message)
        self.written.append({**written, **message.extra})

    def _beside(self, block: Block) -> bool:
        """Whether it stands beside `content`; a refusal may stand in it, too."""
        return isinstance(block, _BESIDE) and not (isinstance(block, Refusal) and is_part(block))

    def _own_content(self, blocks: Sequence[Block], form: str) -> dict[str, Any]:
        if not blocks:
            empty: dict[str, Any] = {"null": None, "text": "", "blocks": []}
            return {"content": empty[form]} if form in empty else {}
        if form == "text" and all(isinstance(block, Text) for block in blocks):
            return {"content": "".join(block.text for block in blocks if isinstance(block, Text))}
        return {"content": parts_of(self._draft, blocks, "messages")}

    def _own_beside(self, message: Message) -> dict[str, Any]:
        members = thinking_members(self._draft, message)
        calls = [block for block in message.content if isinstance(block, ToolCall)]
        refusals = [b.text for b in message.content if isinstance(b, Refusal) and self._beside(b)]
        if refusals:
            members["refusal"] = "".join(refusals)
        modern = [self._call(call) for call in calls if call.form != LEGACY]
        if modern:
            members["tool_calls"] = modern
        for call in calls:
            if call.form == LEGACY:
                members[LEGACY] = self._inner(call)
        return members

    def _own_result(self, message: Message) -> None:
        written: dict[str, Any] = {"role": "tool"}
        for result in message.content:
            if isinstance(result, ToolResult):
                if message.form == LEGACY:
                    written["role"] = "function"
                else:
                    written["tool_call_id"] = self._draft.id(result.call_id)
                written |= self._own_content(result.content, result.form) | self._draft.mark(result.cache)
        if message.name is not None:
            written["name"] = self._draft.name(message.name)
        self.written.append({**written, **message.extra})

    def _call(self, call: ToolCall) -> dict[str, Any]:
        free = call.kind == "custom" and self._draft.free_text
        member = "custom" if free else "function"
        kind = {} if self._draft.own and call.form == "untyped" else {"type": member}
        written = {"id": self._draft.id(call.id), **kind, member: self._inner(call), **self._native(call)}
        if self._draft.own:
            written |= outer_extra(call)
        else:
            self._draft.dropped_extra(call.extra, "tool_calls")
        return written | self._draft.mark(call.cache)

    def _inner(self, call: ToolCall) -> dict[str, Any]:
        name, text = self._draft.name(call.name, call.kind), call.arguments
        if call.kind == "custom" and not self._draft.free_text:
            return {"name": name, "arguments": wrapped(text)}
        key = "input" if call.kind == "custom" else "arguments"
        if not self._draft.own and call.kind == "function":
            text = text or "{}"
        odd = inner_extra(call) if self._draft.own else {}
        return {"name": name, key: text, **odd}

    def _native(self, call: ToolCall) -> dict[str, Any]:
        if call.native is None:
            return {}
        if call.native.dialect == NAME and call.native.issuer in {"", self._draft.target.issuer}:
            return dict(call.native.data)
        self._draft.count("dropped", "tool_calls.signature", "only the provider that issued it can read it")
        return {}

    def _role(self, role: str) -> str:
        if role == "developer" and not self._draft.traits.developer_role:
            return "system"
        return role

    def _write(self, role: str, **members: Any) -> None:
        said = {key: value for key, value in members.items() if key == "content" or value is not None}
        self.written.append({"role": role, **said})

    def _drop_extra(self, message: Message) -> None:
        self._draft.dropped_extra(message.extra, "messages")

"""The turns of a request that came in another dialect.

Turns of one role that follow each other become one. Responses of functions stand first in theirs, in the
order of the calls that they answer; each call is answered in the next turn. Instructions in
mid-conversation, for which the API has no role, are a marked text of the user's turn in the same place. A
model's calls that came from elsewhere have no signature: where the target demands one, its documented
stand-in goes with the first.
"""

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from pointsman.canon.blocks import Text, ToolCall, ToolResult
from pointsman.canon.json import Json
from pointsman.canon.request import Message
from pointsman.dialects.gemini.draft import Draft
from pointsman.dialects.gemini.encode_parts import encode_block, encode_parts
from pointsman.dialects.gemini.parts import Part
from pointsman.dialects.gemini.results import encode_response
from pointsman.dialects.gemini.stand_in import with_stand_ins
from pointsman.dialects.gemini.words import MADE
from pointsman.dialects.pairing import check_messages

_RESPONSE = "functionResponse"
_REMINDER = "<system-reminder>\n{}\n</system-reminder>"
"""The mark that Claude Code puts round instructions within a user turn; other dialects here use it, too."""
ATTACHED = "Attached to the result of tool call"


class _Turn(Struct):
    role: str
    parts: list[Part]


def encode_contents(draft: Draft) -> list[Json]:
    """`contents`. Raises MalformedError for calls and results that don't match."""
    messages = draft.request.messages
    check_messages(messages)
    building = _Building(draft)
    for number, message in enumerate(messages, len(draft.request.system)):
        building.add(message, f"messages[{number}]")
    turns = building.finish()
    if turns and turns[-1].role == "model":
        draft.approximated("prefill", "the target answers behind the last turn instead of going on with it")
    said: list[Json] = [{"role": turn.role, "parts": turn.parts} for turn in turns]
    stand_in = draft.traits.unsigned_call
    return with_stand_ins(said, stand_in) if stand_in else said


def instruction_parts(draft: Draft) -> list[Part]:
    """The parts of the instructions ahead of the conversation."""
    parts: list[Part] = []
    for number, message in enumerate(draft.request.system):
        draft.dropped_extra(message.extra, f"system[{number}]")
        parts += encode_parts(message.content, f"system[{number}].content", draft)
    return parts


class _Building:
    """The turns as far as they are written."""

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self._turns: list[_Turn] = []
        self._names: dict[str, tuple[int, str]] = {}
        """The last calls by their ids: number, and the function's name as it is sent."""
        self._ranks: dict[int, int] = {}
        """Of each response, by its identity: the number of its call."""

    def add(self, message: Message, path: str) -> None:
        """One message, by its role."""
        draft = self._draft
        draft.dropped_extra(message.extra, path)
        if message.name is not None and message.role != "tool":
            draft.dropped(f"{path}.name", "participants have no names here")
        if message.role == "assistant":
            parts = encode_parts(message.content, f"{path}.content", draft)
            self._note_calls(message)
            self._append("model", parts)
        elif message.role in ("system", "developer"):
            parts = encode_parts(message.content, f"{path}.content", draft)
            if parts:
                draft.approximated(path, "instructions in mid-conversation go as a user's text, marked")
            self._append("user", [_marked(part) for part in parts])
        else:
            self._append("user", list(self._user(message, path)))

    def finish(self) -> list[_Turn]:
        """All turns, responses first in each."""
        for turn in self._turns:
            if turn.role == "user":
                turn.parts.sort(key=lambda part: _RESPONSE not in part)
                self._order(turn.parts)
        return self._turns

    def _order(self, parts: list[Part]) -> None:
        """Puts responses without ids, which are told apart by name and order, in the order of their calls."""
        by_name: dict[str, list[int]] = {}
        for at, part in enumerate(parts):
            if _RESPONSE in part and "id" not in part[_RESPONSE]:
                by_name.setdefault(part[_RESPONSE]["name"], []).append(at)
        for places in by_name.values():
            ordered = sorted([parts[at] for at in places], key=lambda part: self._ranks.get(id(part), 0))
            for at, part in zip(places, ordered, strict=True):
                parts[at] = part

    def _note_calls(self, message: Message) -> None:
        found = [block for block in message.content if isinstance(block, ToolCall)]
        calls = {call.id: self._draft.name(call.name, call.kind) for call in found}
        following = bool(self._turns) and self._turns[-1].role == "model"
        known = self._names if following else {}
        fresh = {id: (len(known) + at, name) for at, (id, name) in enumerate(calls.items())}
        self._names = {**known, **fresh}

    def _append(self, role: str, parts: list[Part]) -> None:
        if not parts:
            return
        if self._turns and self._turns[-1].role == role:
            self._turns[-1].parts += parts
        else:
            self._turns.append(_Turn(role, parts))

    def _user(self, message: Message, path: str) -> Iterator[Part]:
        """The parts of a user's turn."""
        for number, block in enumerate(message.content):
            place = f"{path}.content[{number}]"
            if isinstance(block, ToolResult):
                yield from self._response(block, place)
            else:
                yield from encode_block(block, place, self._draft)

    def _response(self, result: ToolResult, path: str) -> Iterator[Part]:
        draft = self._draft
        draft.count_mark(result)
        draft.dropped_extra(result.extra, path)
        text = _text(result, path, draft)
        attached = [
            part
            for number, block in enumerate(result.content)
            if not isinstance(block, Text)
            for part in encode_block(block, f"{path}.content[{number}]", draft)
        ]
        inner: dict[str, Any] = {} if result.call_id.startswith(MADE) else {"id": result.call_id}
        rank, name = self._names.get(result.call_id, (0, ""))
        inner |= {"name": name, "response": encode_response(text, failed=bool(result.is_error))}
        if attached and draft.traits.result_media:
            inner["parts"] = attached
        part: Part = {_RESPONSE: inner}
        self._ranks[id(part)] = rank
        yield part
        if attached and not draft.traits.result_media:
            draft.approximated(f"{path}.content[0]", "its attachments stand behind the result")
            yield {"text": f"{ATTACHED} {result.call_id}:"}
            yield from attached


def _text(result: ToolResult, path: str, draft: Draft) -> str:
    """What the function said, in one piece."""
    texts = [block for block in result.content if isinstance(block, Text)]
    for number, block in enumerate(result.content):
        if isinstance(block, Text):
            draft.count_mark(block)
            draft.dropped_extra(block.extra, f"{path}.content[{number}]")
    if len(texts) > 1:
        draft.approximated(f"{path}.content[{result.content.index(texts[0])}]", "texts are joined into one")
    return "\n\n".join(block.text for block in texts)


def _marked(part: Part) -> Part:
    return {**part, "text": _REMINDER.format(part["text"])} if "text" in part else part

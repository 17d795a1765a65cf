"""The turns of a request that came in another dialect.

Tool results become blocks of a user turn, ahead of their siblings; turns of one role that follow each other
become one. A system message in mid-conversation may only stand behind a user turn, and before an assistant's
turn or at the end, never beside another one (platform.claude.com, "Mid-conversation system messages"; it asks
for no beta header). Elsewhere, and where the target takes none, it is a marked text of the user turn, so that
what was said keeps its order; only tool results, which must stand first, may pass it. Each tool call must be
answered in the next turn, and each result must answer one. Ids that come again, as those of
servers that count their calls in each turn, are made different.
"""

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from pointsman.canon.blocks import Text
from pointsman.canon.request import Message
from pointsman.dialects.anthropic.crossing import Crossing
from pointsman.dialects.anthropic.encode_blocks import Wire, encode_blocks
from pointsman.dialects.pairing import check_pair

_RESULT = "tool_result"
_REMINDER = "<system-reminder>\n{}\n</system-reminder>"
"""The mark that Claude Code puts round instructions within a user turn, which the models know."""


class _Turn(Struct):
    role: str
    blocks: list[Wire]
    path: str


def encode_conversation(messages: Iterable[Message], crossing: Crossing, first: int = 0) -> list[Wire]:
    """The `messages`, the first of which the client counts as number `first`.

    Raises MalformedError for calls and results that don't match.
    """
    building = _Building(crossing)
    for number, message in enumerate(messages, first):
        building.add(message, f"messages[{number}]")
    turns = building.finish()
    _check_results(turns)
    _tell_apart(turns)
    if turns and turns[-1].role == "assistant":
        crossing.approximated("prefill", "the target goes on with the last turn instead of answering it")
    return [_wire(turn) for turn in turns]


class _Building:
    """The turns so far, and the system messages that wait for the user turn to be complete."""

    def __init__(self, crossing: Crossing) -> None:
        self._crossing = crossing
        self._turns: list[_Turn] = []
        self._waiting: list[tuple[list[Wire], str, _Turn | None]] = []
        """Of each: its blocks, its path, and the turn behind which it came."""

    def add(self, message: Message, path: str) -> None:
        """One message, by its role."""
        blocks = encode_blocks(message.content, f"{path}.content", self._crossing)
        if message.name is not None and message.role != "tool":
            self._crossing.dropped(f"{path}.name", "participants have no names here")
        self._crossing.dropped_extra(message.extra, path)
        if not blocks:
            return
        if message.role in ("system", "developer"):
            self._add_system(blocks, path)
        elif message.role == "assistant":
            self._release()
            self._append("assistant", blocks, path)
        else:
            if any(_is_sibling(block) for block in blocks):
                self._remind("the API has no place for a system message here")
            self._append("user", blocks, path)

    def finish(self) -> list[_Turn]:
        """All turns, results first in each."""
        self._release()
        for turn in self._turns:
            turn.blocks.sort(key=_is_sibling)
        return self._turns

    def _add_system(self, blocks: list[Wire], path: str) -> None:
        self._waiting.append((blocks, path, self._turns[-1] if self._turns else None))
        if self._crossing.traits.mid_system != "keep":
            self._remind("the target takes no system message in mid-conversation")

    def _append(self, role: str, blocks: list[Wire], path: str) -> None:
        if self._turns and self._turns[-1].role == role:
            self._turns[-1].blocks.extend(blocks)
        else:
            self._turns.append(_Turn(role, list(blocks), path))

    def _remind(self, why: str) -> None:
        """What waited becomes part of the user turn, in the place where it was said."""
        waiting, self._waiting = self._waiting, []
        for blocks, path, _ in waiting:
            self._crossing.approximated(path, f"{why}; sent in its place as a user's text, marked")
            self._append("user", [_marked(block) for block in blocks], path)

    def _release(self) -> None:
        """The user turn is complete: what waited is placed behind it."""
        if not self._turns or self._turns[-1].role != "user":
            self._remind("the API has no place for a system message here")
        waiting, self._waiting = self._waiting, []
        for _, path, behind in waiting:
            if behind is not self._turns[-1]:
                self._crossing.approximated(path, "tool results come first; the system message follows them")
        merged = [block for blocks, _, _ in waiting for block in blocks]
        if merged:
            self._append("system", merged, waiting[0][1])


def _marked(wire: Wire) -> Wire:
    return {**wire, "text": _REMINDER.format(wire["text"])} if wire["type"] == "text" else wire


def _is_sibling(wire: Wire) -> bool:
    return wire["type"] != _RESULT


def _wire(turn: _Turn) -> Wire:
    only = turn.blocks[0] if len(turn.blocks) == 1 else {}
    content: Any = only["text"] if only.keys() == {"type", "text"} else turn.blocks
    return {"role": turn.role, "content": content}


def _check_results(turns: list[_Turn]) -> None:
    """Raises MalformedError for a call without a result in the next turn, or a result without a call."""
    asked: list[str] = []
    for turn in turns:
        if turn.role == "system":
            continue
        answered = [wire["tool_use_id"] for wire in turn.blocks if wire["type"] == _RESULT]
        check_pair(asked, answered, turn.path)
        asked = [wire["id"] for wire in turn.blocks if wire["type"] == "tool_use"]
    check_pair(asked, [], turns[-1].path if turns else "messages")


def _tell_apart(turns: list[_Turn]) -> None:
    """Calls of one id get different ones, and their results with them, in their order."""
    used: set[str] = set()
    renamed: dict[str, list[str]] = {}
    for turn in turns:
        if turn.role == "assistant":
            renamed = {}
            for wire in turn.blocks:
                if wire["type"] == "tool_use":
                    id = wire["id"]
                    wire["id"] = _unused(id, used)
                    renamed.setdefault(id, []).append(wire["id"])
        for wire in turn.blocks:
            if wire["type"] == _RESULT:
                sent = renamed[wire["tool_use_id"]]
                wire["tool_use_id"] = sent.pop(0) if len(sent) > 1 else sent[0]


def _unused(id: str, used: set[str]) -> str:
    found, number = id, 1
    while found in used:
        number += 1
        found = f"{id}_{number}"
    used.add(found)
    return found


def encode_system(messages: Iterable[Message], crossing: Crossing) -> str | list[Wire] | None:
    """The top-level `system`: one text as a string, else blocks; None without any text."""
    blocks: list[Wire] = []
    for number, message in enumerate(messages):
        path = f"system[{number}]"
        if message.name is not None:
            crossing.dropped(f"{path}.name", "participants have no names here")
        crossing.dropped_extra(message.extra, path)
        for block in message.content:
            if not isinstance(block, Text):
                crossing.dropped(path, "system instructions are text here")
        blocks += encode_blocks(
            (block for block in message.content if isinstance(block, Text)), path, crossing
        )
    if len(blocks) == 1 and blocks[0].keys() == {"type", "text"}:
        return blocks[0]["text"]
    return blocks or None

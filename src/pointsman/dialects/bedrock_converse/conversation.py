"""The turns of a request that came in another dialect.

Turns alternate between user and assistant, so those of one role that follow each other become one; results
stand first in a user's turn. A system message in mid-conversation stays in its place where the target takes
one; else it is a marked text of the user's turn. Each call must be answered in the next turn, each result
must answer one, and an id may come but once.
"""

from collections.abc import Iterable

from msgspec import Struct

from pointsman.canon.blocks import Text
from pointsman.canon.request import Message
from pointsman.dialects.bedrock_converse.crossing import Crossing
from pointsman.dialects.bedrock_converse.encode_blocks import Wire, encode_blocks
from pointsman.dialects.pairing import check_pair

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
    turns: list[_Turn] = []
    for number, message in enumerate(messages, first):
        _add(turns, message, f"messages[{number}]", crossing)
    for turn in turns:
        turn.blocks = _results_first(turn.blocks)
    _check_results(turns)
    _tell_apart(turns)
    if turns and turns[-1].role == "assistant":
        crossing.approximated("prefill", "the target goes on with the last turn instead of answering it")
    return [{"role": turn.role, "content": turn.blocks} for turn in turns]


def encode_system(messages: Iterable[Message], crossing: Crossing) -> list[Wire]:
    """The top-level `system`."""
    wires: list[Wire] = []
    for number, message in enumerate(messages):
        path = f"system[{number}]"
        _note(message, path, crossing)
        texts = [block for block in message.content if isinstance(block, Text)]
        if len(texts) < len(message.content):
            crossing.dropped(path, "system instructions are text here")
        wires += encode_blocks(texts, path, crossing)
    return wires


def _add(turns: list[_Turn], message: Message, path: str, crossing: Crossing) -> None:
    blocks = encode_blocks(message.content, f"{path}.content", crossing)
    _note(message, path, crossing)
    if not blocks:
        return
    role = "assistant" if message.role == "assistant" else "user"
    if message.role in ("system", "developer"):
        if crossing.traits.mid_system == "keep" and turns and turns[-1].role == "user":
            role = "system"
        else:
            crossing.approximated(
                path, "the target takes no system message here; sent as a user's text, marked"
            )
            blocks = [_marked(block) for block in blocks]
    if turns and turns[-1].role == role:
        turns[-1].blocks += blocks
    else:
        turns.append(_Turn(role, blocks, path))


def _note(message: Message, path: str, crossing: Crossing) -> None:
    if message.name is not None and message.role != "tool":
        crossing.dropped(f"{path}.name", "participants have no names here")
    crossing.dropped_extra(message.extra, path)


def _marked(wire: Wire) -> Wire:
    return {"text": _REMINDER.format(wire["text"])} if "text" in wire else wire


def _results_first(blocks: list[Wire]) -> list[Wire]:
    """Results ahead of their siblings, each with the cache points behind it."""
    groups: list[list[Wire]] = []
    for block in blocks:
        if "cachePoint" in block and groups:
            groups[-1].append(block)
        else:
            groups.append([block])
    groups.sort(key=lambda group: "toolResult" not in group[0])
    return [block for group in groups for block in group]


def _check_results(turns: list[_Turn]) -> None:
    """Raises MalformedError for a call without a result in the next turn, or a result without a call."""
    asked: list[str] = []
    for turn in turns:
        if turn.role == "system":
            continue
        check_pair(asked, _ids(turn, "toolResult"), turn.path)
        asked = _ids(turn, "toolUse")
    check_pair(asked, [], turns[-1].path if turns else "messages")


def _ids(turn: _Turn, kind: str) -> list[str]:
    return [block[kind]["toolUseId"] for block in turn.blocks if kind in block]


def _tell_apart(turns: list[_Turn]) -> None:
    """Calls of one id get different ones, and their results with them, in their order."""
    used: set[str] = set()
    renamed: dict[str, list[str]] = {}
    for turn in turns:
        if turn.role == "assistant":
            renamed = {}
        for block in turn.blocks:
            if "toolUse" in block:
                id = block["toolUse"]["toolUseId"]
                block["toolUse"]["toolUseId"] = _unused(id, used)
                renamed.setdefault(id, []).append(block["toolUse"]["toolUseId"])
            elif "toolResult" in block:
                sent = renamed[block["toolResult"]["toolUseId"]]
                block["toolResult"]["toolUseId"] = sent.pop(0) if len(sent) > 1 else sent[0]


def _unused(id: str, used: set[str]) -> str:
    found, number = id, 1
    while found in used:
        number += 1
        found = f"{id}_{number}"
    used.add(found)
    return found

"""Tool calls and their results: each call is answered in the next turn, and each result answers one."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from msgspec import structs

from pointsman.canon.blocks import Block, ToolCall, ToolResult
from pointsman.canon.errors import MalformedError
from pointsman.canon.loss import Loss
from pointsman.canon.request import Message


def check_pair(asked: Sequence[str], answered: Sequence[str], path: str) -> None:
    """The ids of a turn's calls, and of the results behind it, at `path`. Raises MalformedError."""
    missing = [id for id in asked if id not in answered]
    if missing:
        advice = "send a tool result for each call in the next message"
        raise MalformedError(
            f"a tool call is not answered ({advice}): {missing[0]}", code="unanswered_tool_call", param=path
        )
    orphans = [id for id in answered if id not in asked]
    if orphans:
        advice = "each must answer a call of the assistant's turn before it"
        raise MalformedError(
            f"a tool result answers no call ({advice}): {orphans[0]}", code="orphan_tool_result", param=path
        )


def check_messages(messages: Iterable[Message]) -> None:
    """All of a conversation, consecutive messages of one side as one turn. Raises MalformedError."""
    asked: list[str] = []
    answered: list[str] = []
    side, path = "user", "messages"
    for number, message in enumerate(messages):
        if message.role in ("system", "developer"):
            continue
        speaker = "assistant" if message.role == "assistant" else "user"
        if speaker != side:
            if speaker == "assistant":
                check_pair(asked, answered, path)
                asked, answered = [], []
            side, path = speaker, f"messages[{number}]"
        asked += [block.id for block in message.content if isinstance(block, ToolCall)]
        answered += [block.call_id for block in message.content if isinstance(block, ToolResult)]
    check_pair(asked, answered, path)


def results_first(messages: Sequence[Message]) -> tuple[Message, ...]:
    """The messages with the results of calls right behind the turn that made them."""
    ordered: list[Message] = []
    held: list[Message] = []
    waiting: set[str] = set()
    for message in messages:
        if message.role == "assistant":
            ordered += [*held, message]
            held = []
            waiting = {block.id for block in message.content if isinstance(block, ToolCall)}
            continue
        answered = {block.call_id for block in message.content if isinstance(block, ToolResult)}
        if waiting and not answered:
            held.append(message)
            continue
        ordered.append(message)
        waiting -= answered
        if not waiting:
            ordered += held
            held = []
    return (*ordered, *held)


_OTHERWISE = Loss("dropped", "tool_result", "a call is answered twice, not alike; the last answer is sent")


def answered_once(messages: Sequence[Message]) -> tuple[tuple[Message, ...], tuple[Loss, ...]]:
    """(the messages with one result for each call, what was lost by that).

    Some clients send a result twice when they take a conversation up again, as Gemini CLI does. The first
    place stays, the last word holds. Calls that share an id keep their results.
    """
    kept: list[Message] = []
    losses: dict[Loss, None] = {}
    asked: Counter[str] = Counter()
    for speaks, group in groupby(messages, lambda message: message.role == "assistant"):
        turn = list(group)
        if speaks:
            blocks = [block for message in turn for block in message.content]
            asked = Counter(block.id for block in blocks if isinstance(block, ToolCall))
            kept += turn
            continue
        repeated = {id: found for id, found in _results(turn).items() if len(found) > 1 and asked[id] < 2}
        if any(not _is_like(each, found[-1]) for found in repeated.values() for each in found):
            losses[_OTHERWISE] = None
        kept += _once(turn, {id: found[-1] for id, found in repeated.items()}) if repeated else turn
    return tuple(kept), tuple(losses)


def _results(turn: Iterable[Message]) -> dict[str, list[ToolResult]]:
    found: dict[str, list[ToolResult]] = {}
    for message in turn:
        for block in message.content:
            if isinstance(block, ToolResult):
                found.setdefault(block.call_id, []).append(block)
    return found


def _is_like(one: ToolResult, other: ToolResult) -> bool:
    return (one.content, bool(one.is_error)) == (other.content, bool(other.is_error))


def _once(turn: Iterable[Message], last: Mapping[str, ToolResult]) -> Iterator[Message]:
    """The messages with each of these results in its first place alone."""
    left = dict(last)
    for message in turn:
        content: list[Block] = []
        for block in message.content:
            if not isinstance(block, ToolResult) or block.call_id not in last:
                content.append(block)
            elif block.call_id in left:
                content.append(left.pop(block.call_id))
        if content or not message.content:
            yield structs.replace(message, content=tuple(content))

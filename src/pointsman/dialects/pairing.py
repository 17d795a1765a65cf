"""Tool calls and their results: each call is answered in the next turn, and each result answers one."""

from collections.abc import Iterable, Sequence

from pointsman.canon.blocks import ToolCall, ToolResult
from pointsman.canon.errors import MalformedError
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

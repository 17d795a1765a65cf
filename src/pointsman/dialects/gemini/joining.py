"""A conversation as clients keep it in pieces, put together for other dialects.

The chats of Google's SDKs keep each response of a stream as a turn, so one answer comes back as several turns
of the model, its text in pieces, and an empty piece that only said why it ended. Elsewhere that would be
several messages, in which nobody finds a call's results or the thinking that led to it. This dialect's own
upstreams read the pieces as they are.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any

from msgspec import structs

from pointsman.canon.blocks import Block, Text
from pointsman.canon.request import Message, Request
from pointsman.dialects.foreign import unsaid


def joined(request: Request) -> Request:
    """The request with one message for each turn; as it is where nothing would be left to say."""
    messages = _turns(filter(None, map(_saying, request.messages)))
    return structs.replace(request, messages=messages) if messages else request


def _saying(message: Message) -> Message | None:
    """The message without the model's empty texts; None where it says nothing else."""
    if message.role != "assistant":
        return message
    content = tuple([block for block in message.content if not _is_empty(block)])
    if not content and not any(unsaid(message.extra)):
        return None
    return message if len(content) == len(message.content) else structs.replace(message, content=content)


def _is_empty(block: Block) -> bool:
    return isinstance(block, Text) and not block.text and not any(unsaid(block.extra))


def _turns(messages: Iterable[Message]) -> tuple[Message, ...]:
    return tuple([_turn(tuple(group)) for _, group in groupby(messages, lambda message: message.role)])


def _turn(messages: Sequence[Message]) -> Message:
    """Messages of one role as one; what users say stays apart, since nobody cut that in pieces."""
    blocks: Iterable[Block] = [block for message in messages for block in message.content]
    extra: dict[str, Any] = {}
    for message in messages:
        extra |= message.extra
    if messages[0].role == "assistant":
        blocks = _with_whole_texts(blocks)
    return structs.replace(messages[0], content=tuple(blocks), form="", extra=extra)


def _with_whole_texts(blocks: Iterable[Block]) -> Iterator[Block]:
    """Texts in a row as one. A signature stands behind the text that it signs, and so between two."""
    for is_text, group in groupby(blocks, lambda block: isinstance(block, Text)):
        if is_text:
            yield _whole([block for block in group if isinstance(block, Text)])
        else:
            yield from group


def _whole(texts: Sequence[Text]) -> Text:
    extra: dict[str, Any] = {}
    for text in texts:
        extra |= text.extra
    return Text("".join([text.text for text in texts]), extra=extra)

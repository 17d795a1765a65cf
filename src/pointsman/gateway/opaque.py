"""Opaque state of the backend's own dialect: whose it is, where the client sent it back as it came.

Only the pool's makers know, by digests. A request that holds the state of another issuer than the one it goes
to is written anew, and the encoder leaves out what may not go there.
"""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Any, cast

from msgspec import structs

from pointsman.accounts.makers import SEEN, SHORTEST, Makers, digest
from pointsman.canon.blocks import Block, Native, ServerTool, Thinking, ToolCall
from pointsman.canon.events import BlockStart, Event, NativeDelta
from pointsman.canon.request import Message, Request
from pointsman.dialects.dialect import Dialect

OF_ANOTHER = "it holds opaque state of another account"


@lru_cache(maxsize=16)
def _pattern(names: tuple[str, ...]) -> re.Pattern[bytes]:
    wanted = "|".join(map(re.escape, names)).encode()
    return re.compile(rb'"(?:%b)"[ \t\r\n]*:[ \t\r\n]*"([^"\\]{%d,%d})' % (wanted, SHORTEST, SEEN))


def pieces(body: bytes, dialect: Dialect) -> Iterator[bytes]:
    """The digest of each piece of opaque state in a request or an answer, in order."""
    if dialect.opaque:
        for match in _pattern(tuple(dialect.opaque)).finditer(body):
            yield digest(match[1])


def maker(body: bytes, dialect: Dialect, makers: Makers) -> str | None:
    """Who made the latest piece that is known."""
    found = [made for each in pieces(body, dialect) if (made := makers.of(each)) is not None]
    return found[-1] if found else None


def has_foreign(body: bytes, dialect: Dialect, makers: Makers, issuer: str) -> bool:
    """Whether a piece is known to be another issuer's."""
    return any(makers.of(each) not in {None, issuer} for each in pieces(body, dialect))


def of_events(events: Sequence[Event]) -> list[bytes]:
    """The digests of what these events bring."""
    found: list[bytes] = []
    for event in events:
        if isinstance(event, NativeDelta):
            found += _digests(event.native)
        elif isinstance(event, BlockStart) and isinstance(event.block, Thinking | ToolCall | ServerTool):
            found += _digests(event.block.native)
    return found


def _digests(native: Native | None) -> list[bytes]:
    return [] if native is None else [digest(text.encode()) for text in _texts(native.data)]


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        if len(value) >= SHORTEST and value.isascii():
            yield value
    elif isinstance(value, dict):
        for item in cast("dict[str, object]", value).values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _texts(item)


def attributed(request: Request, makers: Makers) -> Request:
    """The request in which state that says nothing of its issuer has the one who made it, where known."""
    return structs.replace(
        request, messages=tuple([_attributed(message, makers) for message in request.messages])
    )


def _attributed(message: Message, makers: Makers) -> Message:
    content = tuple([_block(block, makers) for block in message.content])
    if all(new is old for new, old in zip(content, message.content, strict=True)):
        return message
    return structs.replace(message, content=content)


def _block(block: Block, makers: Makers) -> Block:
    native: Any = getattr(block, "native", None)
    if not isinstance(native, Native) or native.issuer:
        return block
    made = next((made for each in _digests(native) if (made := makers.of(each)) is not None), None)
    if made is None:
        return block
    return structs.replace(cast("Any", block), native=structs.replace(native, issuer=made))

"""Places in conversations: what tells a turn of one conversation from a like turn of another.

A place is known by who asks and by what was said before: the user's words, and which calls were made and
answered. What clients drop, cut short or spell anew between two requests does not count: system prompts,
thinking, the model's own words, arguments and results.
"""

from collections.abc import Iterator
from hashlib import blake2b

from pointsman.accounts.lease import CREDENTIAL_FIELDS
from pointsman.canon.blocks import Block, Text, ToolCall, ToolResult
from pointsman.canon.request import Request
from pointsman.wire.headers import Headers

_LENGTH = 16
_PASSED_OVER = frozenset({"system", "developer"})


def caller(headers: Headers) -> str:
    """Who asks, as far as the credentials in a request's head tell."""
    found = [f"{name}:{value}" for name, value in headers if name in CREDENTIAL_FIELDS]
    return "\0".join(sorted(found))


def places(request: Request, who: str) -> Iterator[str]:
    """The place before each message, and last the one behind all of them."""
    digest = blake2b(who.encode("utf-8", "replace"), digest_size=_LENGTH)
    made: list[str] = []
    for message in request.messages:
        yield digest.hexdigest()
        if message.role == "assistant":
            made += [block.id for block in message.content if isinstance(block, ToolCall)]
        elif message.role not in _PASSED_OVER:
            # One turn may come as one message or as several: its calls count once it is over.
            for item in (*(f"call {each}" for each in made), *map(_said, message.content)):
                digest.update(item.encode("utf-8", "replace") + b"\0")
            made = []
    yield digest.hexdigest()


def _said(block: Block) -> str:
    if isinstance(block, Text):
        return f"text {block.text.strip()}"
    return f"result {block.call_id}" if isinstance(block, ToolResult) else type(block).__name__

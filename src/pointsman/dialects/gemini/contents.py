"""The turns of a conversation: `contents` and `systemInstruction`, to messages.

Calls and responses may come without ids. A call gets one by its number, a response that of the first call of
its name that has no answer yet. Thoughts that a client cut in pieces are put together where the last piece
holds another dialect's opaque state, which signs all of them.
"""

from collections.abc import Iterator, Sequence
from typing import cast

from msgspec import structs

from pointsman.canon.blocks import SPELLING, Block, Text, Thinking, ToolCall, ToolResult
from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json
from pointsman.canon.request import Message, Role
from pointsman.dialects.gemini.parts import ENDS_UNSIGNED, decode_part
from pointsman.dialects.gemini.signature import place_of
from pointsman.dialects.gemini.spelling import Members, member, repeated
from pointsman.dialects.gemini.words import MADE, NAME

ROLES: dict[str, Role] = {"user": "user", "model": "assistant", "function": "tool"}
WORDS: dict[str, str] = {role: word for word, role in ROLES.items()}
ABSENT = "absent"
"""The form of what was not said: a turn's role, its parts."""


def decode_contents(value: object, path: str) -> tuple[Message, ...]:
    """The turns. Raises MalformedError."""
    turns = repeated(value, path)
    if not turns:
        raise MalformedError(f"`{path}` must hold at least one turn", param=path)
    messages = [_message(turn, f"{path}[{at}]") for at, turn in enumerate(turns)]
    return tuple(_Pairing(messages).all())


def decode_instruction(value: object, path: str) -> tuple[Message, ...]:
    """The instructions ahead of the conversation; a plain string stands for text. Raises MalformedError."""
    if isinstance(value, str):
        return (Message("system", (Text(value),), form="text"),)
    fields = Members(value, path)
    role = fields.take("role")
    said: Json = {} if role is None else {SPELLING: {"role": role}}
    content, form = _parts(fields)
    return (Message("system", content, form=form, extra={**fields.rest, **said}),)


def _message(turn: Json, path: str) -> Message:
    fields = Members(turn, path)
    word = fields.text("role")
    role = ROLES.get(word or "user")
    if role is None:
        known = ", ".join(f"`{name}`" for name in ROLES)
        raise MalformedError(f"`{path}.role` must be one of {known}, not: {word}", param=f"{path}.role")
    content, form = _parts(fields)
    said: Json = {} if word else {SPELLING: {"role": ABSENT}}
    return Message(role, content, form=form, extra={**fields.rest, **said})


def _parts(fields: Members) -> tuple[tuple[Block, ...], str]:
    """(blocks, form); the form is `absent`, `object` or nothing."""
    value = fields.take("parts")
    if value is None:
        return (), ABSENT
    path = fields.at("parts")
    parts = repeated(value, path)
    blocks = [block for at, part in enumerate(parts) for block in decode_part(part, f"{path}[{at}]")]
    return tuple(_joined(blocks)), "object" if isinstance(value, dict) else ""


def _joined(blocks: Sequence[Block]) -> Iterator[Block]:
    """The blocks, the pieces of a thought that another dialect signed made one."""
    pieces: list[Thinking] = []
    for block in blocks:
        if isinstance(block, Thinking) and block.form == ENDS_UNSIGNED:
            yield from pieces
            pieces = []
            continue
        if not isinstance(block, Thinking) or place_of(block.native) or block.redacted:
            yield from pieces
            pieces = []
            yield block
            continue
        pieces.append(block)
        if block.native is None:
            continue
        if block.native.dialect == NAME:
            yield from pieces
        else:
            yield structs.replace(block, text="".join(piece.text for piece in pieces))
        pieces = []
    yield from pieces


class _Pairing:
    """Gives ids to calls and results that have none."""

    def __init__(self, messages: Sequence[Message]) -> None:
        self._messages = messages
        blocks = [block for message in messages for block in message.content]
        self._taken = {block.id for block in blocks if isinstance(block, ToolCall)}
        self._made = 0
        self._open: dict[str, str] = {}
        """The calls that have no answer: id → name."""

    def all(self) -> Iterator[Message]:
        """The messages, every call and result with its id."""
        for message in self._messages:
            named = tuple([self._named(block) for block in message.content])
            same = all(new is old for new, old in zip(named, message.content, strict=True))
            yield message if same else structs.replace(message, content=named)

    def _named(self, block: Block) -> Block:
        if isinstance(block, ToolCall):
            call = block if block.id else structs.replace(block, id=self._make())
            self._open[call.id] = call.name
            return call
        if not isinstance(block, ToolResult):
            return block
        if block.call_id:
            self._open.pop(block.call_id, None)
            return block
        name = response_name(block)
        id = next((id for id, called in self._open.items() if called == name), None)
        if id is None:
            return structs.replace(block, call_id=self._make())
        del self._open[id]
        return structs.replace(block, call_id=id)

    def _make(self) -> str:
        while f"{MADE}{self._made}" in self._taken:
            self._made += 1
        self._made += 1
        return f"{MADE}{self._made - 1}"


def response_name(result: ToolResult) -> str:
    """The function that a result of this dialect names."""
    said = member(result.extra.get(SPELLING, {}), "functionResponse")
    name = cast("Json", said).get("name") if isinstance(said, dict) else None
    return name if isinstance(name, str) else ""

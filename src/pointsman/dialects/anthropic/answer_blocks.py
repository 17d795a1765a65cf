"""Blocks of answers: from canonical ones, for a client of this dialect.

Opaque state of another dialect goes out as an envelope in the signature's place; thinking that came without
any is marked as unsigned. What the dialect cannot say is left out here and named by `losses`.
"""

from collections.abc import Callable, Sequence
from typing import Any

from msgspec import structs

from pointsman.canon.blocks import Block, Native, Refusal, ServerTool, Text, Thinking, ToolCall, Unknown
from pointsman.dialects.anthropic.arguments import arguments_object, raw_input
from pointsman.dialects.anthropic.blocks import DIRECT, UNSIGNED
from pointsman.dialects.anthropic.citations import encode_citations
from pointsman.dialects.anthropic.words import NAME, NAME_CHARSET
from pointsman.dialects.dialect import Asked
from pointsman.dialects.foreign import laid_out
from pointsman.dialects.names import map_ids
from pointsman.wire.envelope import seal

Wire = dict[str, Any]


def encode_answer_block(block: Block, own: bool, asked: Asked, number: int) -> Wire | None:
    """A whole block; None for one that the dialect cannot say. `own`: the answer came in this dialect."""
    encode = _ENCODE.get(type(block))
    return None if encode is None else encode(block, own, asked, number)


def signature(native: Native | None) -> str:
    """What stands in the signature's place: the dialect's own, an envelope, or the mark of the unsigned."""
    if native is None:
        return UNSIGNED
    if native.dialect != NAME:
        return seal(native)
    own = native.data.get("signature", "")
    return own if isinstance(own, str) else ""


def call_id(id: str, asked: Asked, number: int) -> str:
    """A tool call's id as the dialect wants it; made up where the upstream gave none."""
    return map_ids([id or f"toolu_{asked.message_id}_{number}"], None, NAME_CHARSET).popitem()[1]


def apart(block: Block, seen: dict[str, int]) -> Block:
    """A tool call whose id another one of the answer has, with an id of its own; `seen` counts them."""
    if not isinstance(block, ToolCall) or not block.id:
        return block
    times = seen[block.id] = seen.get(block.id, 0) + 1
    return block if times == 1 else structs.replace(block, id=f"{block.id}_{times}")


def is_silent(block: Block) -> bool:
    """Whether it is thinking that says nothing, such as a signature that sat on text."""
    return isinstance(block, Thinking) and not block.redacted and not block.text


def shown(blocks: Sequence[Block]) -> int:
    """How many blocks of a foreign answer its client sees: thinking that says nothing is never the last.

    No answer of the API's own ends so, and clients take the last block for the result.
    """
    said = [at for at, block in enumerate(blocks) if _can_say(block)]
    while len(said) > 1 and is_silent(blocks[said[-1]]):
        said.pop()
    return said[-1] + 1 if said else 0


def _can_say(block: Block) -> bool:
    if isinstance(block, Thinking):
        return not block.redacted or block.native is not None
    return isinstance(block, Text | Refusal | ToolCall)


def redacted(block: Thinking, native: Native | None, own: bool) -> Wire | None:
    """A block of redacted thinking; None without opaque state, since then it says nothing."""
    if native is None:
        return None
    data = native.data if native.dialect == NAME else {"data": seal(native)}
    return {**(block.extra if own else {}), "type": "redacted_thinking", **data}


def tool_use(block: ToolCall, own: bool, asked: Asked, number: int, arguments: Any) -> Wire:
    """A tool call's block with these arguments."""
    head: Wire = {"type": "tool_use", "id": block.id, "name": block.name}
    if own:
        return {**laid_out(block.extra), **head, **({} if block.form == "absent" else {"input": arguments})}
    return {**head, "id": call_id(block.id, asked, number), "input": arguments, "caller": DIRECT}


def _text(block: Text, own: bool, asked: Asked, number: int) -> Wire:
    citations = encode_citations(block.citations)
    cited = {"citations": citations} if citations else ({} if own else {"citations": None})
    return {**(block.extra if own else {}), "type": "text", "text": block.text, **cited}


def _refusal(block: Refusal, own: bool, asked: Asked, number: int) -> Wire:
    return {"type": "text", "text": block.text, "citations": None}


def _thinking(block: Thinking, own: bool, asked: Asked, number: int) -> Wire | None:
    if block.redacted:
        return redacted(block, block.native, own)
    head: Wire = {"type": "thinking", "thinking": block.text}
    if own and block.native is not None and block.native.dialect == NAME:
        return {**block.extra, **head, **block.native.data}
    return {**head, "signature": signature(block.native)}


def _tool_call(block: ToolCall, own: bool, asked: Asked, number: int) -> Wire:
    if block.kind == "custom":
        given: Any = {"input": block.arguments}
    elif own and block.form == "raw":
        given = raw_input(block.arguments)
    else:
        given = arguments_object(block.arguments)
    return tool_use(block, own, asked, number, given)


def _server_tool(block: ServerTool, own: bool, asked: Asked, number: int) -> Wire | None:
    return dict(block.native.data) if block.native.dialect == NAME else None


def _unknown(block: Unknown, own: bool, asked: Asked, number: int) -> Wire | None:
    return dict(block.data) if block.dialect == NAME else None


_ENCODE: dict[type, Callable[[Any, bool, Asked, int], Wire | None]] = {
    Text: _text,
    Refusal: _refusal,
    Thinking: _thinking,
    ToolCall: _tool_call,
    ServerTool: _server_tool,
    Unknown: _unknown,
}

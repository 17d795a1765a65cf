"""Thinking in messages and answers: `reasoning_content`, `reasoning` and `reasoning_details`.

The dialect itself has no field for it. `reasoning_content` is what DeepSeek, Qwen, vLLM, SGLang and llama.cpp
send; `reasoning` is vLLM's later name; `reasoning_details` is OpenRouter's list of pieces with opaque state
(openrouter.ai/docs, "Reasoning tokens"). Opaque state of another dialect stands in a piece's `signature` (or
`data`, where the thinking is redacted) as an envelope. A block's `form` names the fields that carried it.
"""

from collections.abc import Sequence
from typing import Any, cast

from pointsman.canon.blocks import SPELLING, Native, Thinking
from pointsman.canon.json import Json
from pointsman.dialects.openai_chat.words import NAME
from pointsman.wire.envelope import seal, unseal

CONTENT = "reasoning_content"
PLAIN = "reasoning"
DETAILS = "reasoning_details"
FORMAT = "pointsman.1"
"""What a piece that holds an envelope says in `format`."""

_ENCRYPTED = "reasoning.encrypted"
_OPAQUE = ("signature", "data")


def take_thinking(rest: dict[str, Any], issuer: str = "") -> tuple[Thinking, ...]:
    """The thinking among a message's members; what only repeats another field goes into the form."""
    details = rest.get(DETAILS)
    if (
        isinstance(details, list)
        and details
        and all(isinstance(piece, dict) for piece in cast("list[Any]", details))
    ):
        del rest[DETAILS]
        blocks = [decode_detail(piece, issuer) for piece in _put_together(cast("list[Json]", details))]
        form = "+".join([DETAILS, *_take_repeats(rest, "".join(block.text for block in blocks))])
        return tuple(with_form(block, form) for block in blocks)
    for name in (CONTENT, PLAIN):
        text = rest.get(name)
        if isinstance(text, str) and text:
            return (Thinking(text, form="+".join(_take_repeats(rest, text))),)
    return ()


def _put_together(pieces: list[Json]) -> list[Json]:
    """The pieces, those of ours that a client only strung together as they came made one."""
    whole: list[Json] = []
    for piece in pieces:
        last = whole[-1] if whole else {}
        if piece.get("format") == FORMAT and _place(last) == _place(piece):
            said = [each["text"] for each in (last, piece) if isinstance(each.get("text"), str)]
            whole[-1] = {**last, **piece, **({"text": "".join(said)} if said else {})}
        else:
            whole.append(piece)
    return whole


def _place(piece: Json) -> tuple[Any, ...]:
    return piece.get("format"), piece.get("type"), piece.get("index")


def _take_repeats(rest: dict[str, Any], text: str) -> list[str]:
    names = [name for name in (CONTENT, PLAIN) if rest.get(name) == text]
    for name in names:
        del rest[name]
    return names


def with_form(block: Thinking, form: str) -> Thinking:
    """The block, said to have come in these fields."""
    return Thinking(block.text, block.native, block.redacted, block.cache, block.extra, form)


def text_key(piece: Json) -> str:
    """The member of a piece that holds its text."""
    return "summary" if piece.get("type") == "reasoning.summary" else "text"


def decode_detail(piece: Json, issuer: str) -> Thinking:
    """One piece of `reasoning_details`."""
    key = text_key(piece)
    text = piece.get(key)
    rest = dict(piece)
    if isinstance(text, str) and text:
        del rest[key]
    else:
        text = ""
    redacted = piece.get("type") == _ENCRYPTED
    native = _take_native(rest, issuer)
    extra: Json = {} if native is not None and native.dialect == NAME else {SPELLING: rest}
    return Thinking(text, native, redacted, None, extra)


def _take_native(rest: dict[str, Any], issuer: str) -> Native | None:
    """Opaque state: unwrapped where it is an envelope, else the piece itself."""
    for name in _OPAQUE:
        value = rest.get(name)
        if isinstance(value, str) and value:
            native = unseal(value)
            if native is None:
                return Native(NAME, issuer, rest)
            del rest[name]
            return native
    return None


def encode_detail(block: Thinking, number: int) -> dict[str, Any]:
    """The piece for one block."""
    native = block.native
    if native is not None and native.dialect == NAME:
        piece = dict(native.data)
    elif DETAILS in block.form:
        piece = {**head_of(block), **_sealed(block)}
    else:
        piece = {**detail_head(block, number), **_sealed(block)}
    return {**piece, text_key(piece): block.text} if block.text else piece


def head_of(block: Thinking) -> Json:
    """What each piece of a block of this dialect says beside its text and its opaque state."""
    return cast("Json", block.extra.get(SPELLING, {}))


def detail_head(block: Thinking, number: int) -> dict[str, Any]:
    """The same for a block of another dialect."""
    kind = _ENCRYPTED if block.redacted else "reasoning.text"
    return {"type": kind, "format": FORMAT, "index": number}


def _sealed(block: Thinking) -> dict[str, Any]:
    if block.native is None:
        return {}
    return {"data" if block.redacted else "signature": seal(block.native)}


def encode_thinking(blocks: Sequence[Thinking]) -> dict[str, Any]:
    """A message's members for a client: the fields that carried them, else the two that clients know."""
    if not blocks:
        return {}
    form = blocks[0].form.split("+") if blocks[0].form else _default_form(blocks)
    text = "".join(block.text for block in blocks)
    members: dict[str, Any] = {name: text for name in (CONTENT, PLAIN) if name in form}
    if DETAILS in form:
        members[DETAILS] = [encode_detail(block, number) for number, block in enumerate(blocks)]
    return members


def _default_form(blocks: Sequence[Thinking]) -> list[str]:
    form = [CONTENT] if any(block.text for block in blocks) else []
    told_apart = len(blocks) > 1 or any(block.native is not None for block in blocks)
    return [*form, DETAILS] if told_apart else form

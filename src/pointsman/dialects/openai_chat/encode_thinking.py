"""Past thinking for an upstream: sent only where the target must have it back.

What its own clients sent stays as it was, unless it holds another provider's opaque state. Where the target
demands the field on turns whose thinking is gone, a blank stands in for it (else Moonshot and DeepSeek
answer with a 400).
"""

from collections.abc import Sequence
from typing import Any

from msgspec import structs

from pointsman.canon.blocks import Thinking, ToolCall
from pointsman.canon.request import Message
from pointsman.dialects.openai_chat.draft import Draft
from pointsman.dialects.openai_chat.thinking import DETAILS, encode_detail, encode_thinking
from pointsman.dialects.openai_chat.words import NAME

BLANK = " "


def thinking_members(draft: Draft, message: Message) -> dict[str, Any]:
    """The members of an assistant's message that carry its thinking."""
    blocks = [block for block in message.content if isinstance(block, Thinking)]
    field = draft.traits.reasoning_field
    wanted = _wanted(draft, message)
    if draft.own and not any(_foreign(block) for block in blocks):
        members = _taken(draft, encode_thinking(blocks))
        if not wanted or field in members or field in message.extra:
            return members
    if not wanted:
        for _ in blocks:
            draft.count("dropped", "thinking", "the target takes no past thinking back")
        return {}
    return _in_field(draft, blocks)


def _taken(draft: Draft, members: dict[str, Any]) -> dict[str, Any]:
    """The client's own members, without those that the target answers with an error."""
    kept = {name: value for name, value in members.items() if name not in draft.traits.refused_reasoning}
    if len(kept) < len(members):
        draft.count("dropped", "thinking", "the target takes no past thinking back")
    return kept


def _wanted(draft: Draft, message: Message) -> bool:
    echo = draft.traits.echo_reasoning
    if echo == "tool_calls":
        return any(isinstance(block, ToolCall) for block in message.content)
    return echo == "all"


def _foreign(block: Thinking) -> bool:
    return block.native is not None and block.native.dialect != NAME


def _in_field(draft: Draft, blocks: Sequence[Thinking]) -> dict[str, Any]:
    field = draft.traits.reasoning_field
    kept = [_stripped(draft, block) for block in blocks]
    if field == DETAILS:
        pieces = [encode_detail(b, at) for at, b in enumerate(kept) if b.text or b.native is not None]
        return {DETAILS: pieces} if pieces else {}
    return {field: "".join(block.text for block in kept) or BLANK}


def _stripped(draft: Draft, block: Thinking) -> Thinking:
    """The block without opaque state that the target cannot read."""
    native = block.native
    if native is None:
        return structs.replace(block, form="", extra={})
    readable = native.dialect == NAME and native.issuer in {"", draft.target.issuer}
    if readable and draft.traits.reasoning_field == DETAILS:
        return block
    draft.count("dropped", "thinking.signature", "only the provider that issued it can read it")
    return structs.replace(block, native=None, form="", extra={})

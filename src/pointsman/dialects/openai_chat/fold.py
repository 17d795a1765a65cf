"""A gathered answer → the completion for a client that did not ask for a stream."""

from typing import Any

from pointsman.canon.blocks import Block, Citation, Refusal, Text, ToolCall, Unknown
from pointsman.canon.events import Answer, Choice, MessageStart, Stop
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import Asked
from pointsman.dialects.openai_chat.calls_out import call_members
from pointsman.dialects.openai_chat.choice import joined
from pointsman.dialects.openai_chat.messages import LEGACY
from pointsman.dialects.openai_chat.placing import placed_thinking
from pointsman.dialects.openai_chat.thinking import encode_thinking
from pointsman.dialects.openai_chat.usage import encode_usage, own_usage
from pointsman.dialects.openai_chat.words import FINISHES, NAME, REASONS

_TIERS = {"standard": "default", "priority": "priority", "default": "default", "flex": "flex"}
"""A tier as an upstream of another dialect reports it → this dialect's word."""


def fold(answer: Answer, asked: Asked) -> dict[str, Any]:
    """The completion."""
    own = answer.dialect == NAME
    start = MessageStart(answer.id, answer.model, answer.created, None, answer.extra, answer.dialect)
    folded = answer_head(start, asked, "chat.completion")
    folded["choices"] = [
        _choice(number, choice, asked, own=own) for number, choice in enumerate(answer.choices)
    ]
    if answer.usage is not None:
        folded["usage"] = own_usage(answer.usage) if own else encode_usage(answer.usage)
        if not own:
            folded |= tier_members(answer.usage)
    return folded


def answer_head(start: MessageStart, asked: Asked, kind: str) -> dict[str, Any]:
    """What a completion, or each chunk of it, says of the whole answer."""
    own = start.dialect == NAME
    return {
        "id": start.id if own and start.id else f"chatcmpl-{asked.message_id}",
        "object": kind,
        "created": start.created or asked.created,
        "model": start.model or asked.model,
        **(start.extra if own else {}),
    }


def tier_members(usage: Usage) -> dict[str, Any]:
    """The tier that served an answer of another dialect."""
    tier = _TIERS.get(usage.service_tier or "")
    return {} if tier is None else {"service_tier": tier}


def finish_word(stop: Stop) -> str:
    """`finish_reason` of an answer of this dialect: the upstream's own word where it says the same."""
    if stop.raw is not None and REASONS.get(stop.raw, "other") == stop.reason:
        return stop.raw
    return FINISHES[stop.reason]


def foreign_finish(stop: Stop, asked: Asked, *, called: bool) -> str:
    """`finish_reason` of a foreign answer: a call implies `tool_calls`, and only a call does."""
    if stop.reason in {"end", "other", "tool_use"}:
        return (asked.call_form or FINISHES["tool_use"]) if called else FINISHES["end"]
    return FINISHES[stop.reason]


def explanation(stop: Stop) -> str | None:
    """Why a foreign model declined, where its stop says it: it becomes the text of `refusal`."""
    said = (stop.details or {}).get("explanation") if stop.reason == "refusal" else None
    return said if isinstance(said, str) and said else None


def annotation(citation: Citation, start: int, end: int) -> dict[str, Any] | None:
    """One of `annotations`, None without a URL; `start` and `end` are those of the text it stands for."""
    if citation.native is not None and citation.native.dialect == NAME:
        return dict(citation.native.data)
    if citation.url is None:
        return None
    inner = {
        "url": citation.url,
        "title": citation.title or citation.url,
        "start_index": start if citation.start is None else citation.start,
        "end_index": end if citation.end is None else citation.end,
    }
    return {"type": "url_citation", "url_citation": inner}


def _choice(number: int, choice: Choice, asked: Asked, *, own: bool) -> dict[str, Any]:
    stop = choice.stop or Stop("other")
    extra: dict[str, Any] = dict(stop.extra) if own else {"logprobs": None}
    odd: dict[str, Any] = extra.pop("message", {})
    logprobs = _logprobs(choice.blocks, extra.get("logprobs")) if own else None
    if logprobs is not None:
        extra["logprobs"] = logprobs
    message = _message(choice.blocks, own=own)
    if not own and asked.call_form == LEGACY and "tool_calls" in message:
        first = message.pop("tool_calls")[0]
        message[LEGACY] = first[first["type"]]
    if not own and message["refusal"] is None:
        message["refusal"] = explanation(stop)
    message |= {key: value for key, value in odd.items() if value or not message.get(key)}
    called = any(isinstance(block, ToolCall) for block in choice.blocks)
    word = finish_word(stop) if own else foreign_finish(stop, asked, called=called)
    return {"index": number, "message": message, **extra, "finish_reason": word}


def _logprobs(blocks: tuple[Block, ...], beside: Any) -> Any:
    found = None
    for block in blocks:
        if isinstance(block, Text | Refusal) and "logprobs" in block.extra:
            found = joined(found, block.extra["logprobs"])
    return joined(found, beside)


def _message(blocks: tuple[Block, ...], *, own: bool) -> dict[str, Any]:
    texts = [block for block in blocks if isinstance(block, Text)]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(text.text for text in texts) or None}
    refusals = [block.text for block in blocks if isinstance(block, Refusal)]
    if refusals or not own:
        message["refusal"] = "".join(refusals) or None
    message |= encode_thinking(placed_thinking(blocks))
    annotations = _annotations(texts)
    if annotations:
        message["annotations"] = annotations
    return message | _calls(blocks, own=own) | _audio(blocks)


def _annotations(texts: list[Text]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    begun = 0
    for text in texts:
        end = begun + len(text.text)
        found += [each for each in (annotation(c, begun, end) for c in text.citations) if each is not None]
        begun = end
    return found


def _calls(blocks: tuple[Block, ...], *, own: bool) -> dict[str, Any]:
    members: dict[str, Any] = {}
    calls: list[dict[str, Any]] = []
    for block in blocks:
        if not isinstance(block, ToolCall):
            continue
        call = call_members(block, own=own)
        if own and block.form == LEGACY:
            members[LEGACY] = call["function"]
            continue
        if not own and block.kind == "function" and not block.arguments:
            call["function"]["arguments"] = "{}"
        calls.append(call)
    return {**members, "tool_calls": calls} if calls else members


def _audio(blocks: tuple[Block, ...]) -> dict[str, Any]:
    for block in blocks:
        if isinstance(block, Unknown) and block.dialect == NAME and block.data.get("type") == "audio":
            return {"audio": {key: value for key, value in block.data.items() if key != "type"}}
    return {}

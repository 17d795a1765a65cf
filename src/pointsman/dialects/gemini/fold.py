"""A gathered answer → the response for a client that did not ask for a stream."""

from typing import Any

from pointsman.canon.blocks import SPELLING, Refusal, Text
from pointsman.canon.events import Answer, Choice, Stop
from pointsman.canon.json import Json
from pointsman.dialects.dialect import Asked
from pointsman.dialects.foreign import laid_out
from pointsman.dialects.gemini.answer_parts import add_block
from pointsman.dialects.gemini.decode import PROMPT
from pointsman.dialects.gemini.grounding import Cited
from pointsman.dialects.gemini.parts import Part
from pointsman.dialects.gemini.usage import encode_usage
from pointsman.dialects.gemini.words import FINISHES, NAME


def fold(answer: Answer, asked: Asked) -> Json:
    """The response."""
    if answer.dialect == NAME:
        return _own(answer)
    candidates = [_candidate(number, choice) for number, choice in enumerate(answer.choices)]
    folded: dict[str, Any] = {"candidates": candidates or [_empty()]}
    if answer.usage is not None:
        folded["usageMetadata"] = encode_usage(answer.usage)
    return {**folded, **head_of(answer.id, asked)}


def head_of(id: str | None, asked: Asked) -> dict[str, str]:
    """What each response says of the whole answer."""
    return {"modelVersion": asked.model, "responseId": id or asked.message_id}


def finish_word(stop: Stop | None, *, declined: bool) -> str:
    """`finishReason` of an answer of another dialect; a refusal in words implies its reason."""
    if stop is None or (stop.reason == "other" and not stop.raw):
        return FINISHES["refusal" if declined else "end"]
    return FINISHES["refusal" if declined and stop.reason in ("end", "other") else stop.reason]


def finish_members(stop: Stop | None, *, declined: bool) -> dict[str, Any]:
    """How a candidate of another dialect ended, and what a refusal says for itself."""
    explained = None if stop is None else (stop.details or {}).get("explanation")
    message = {"finishMessage": explained} if isinstance(explained, str) and explained else {}
    return {"finishReason": finish_word(stop, declined=declined), **message}


def _empty() -> dict[str, Any]:
    return {"content": {"parts": [{"text": ""}], "role": "model"}, "finishReason": "STOP", "index": 0}


def _candidate(number: int, choice: Choice) -> dict[str, Any]:
    parts: list[Part] = []
    cited = Cited()
    for block in choice.blocks:
        add_block(parts, block, own=False)
        if isinstance(block, Text):
            cited.add(block.citations, block.text)
    declined = any(isinstance(block, Refusal) for block in choice.blocks)
    return {
        "content": {"parts": parts or [{"text": ""}], "role": "model"},
        **finish_members(choice.stop, declined=declined),
        "index": number,
        **cited.members(),
    }


def _own(answer: Answer) -> dict[str, Any]:
    """An answer that came in this dialect, as it came."""
    folded: dict[str, Any] = {}
    candidates = [own_candidate(choice) for choice in answer.choices if not _is_prompt(choice)]
    if candidates:
        folded["candidates"] = candidates
    if answer.usage is not None:
        folded["usageMetadata"] = answer.usage.extra or encode_usage(answer.usage)
    named = (("modelVersion", answer.model), ("responseId", answer.id))
    folded |= {key: value for key, value in named if value is not None}
    return {**folded, **laid_out(answer.extra)}


def _is_prompt(choice: Choice) -> bool:
    """Whether it only says that the prompt was blocked."""
    return choice.stop is not None and PROMPT in choice.stop.extra.get(SPELLING, {})


def own_candidate(choice: Choice) -> dict[str, Any]:
    """A candidate that came in this dialect, as it came."""
    parts: list[Part] = []
    for block in choice.blocks:
        add_block(parts, block, own=True)
    said = dict(laid_out(choice.stop.extra)) if choice.stop is not None else {}
    if not parts:
        return said
    content = said.get("content")
    return {**said, "content": {**(content if isinstance(content, dict) else {}), "parts": parts}}

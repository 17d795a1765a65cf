"""OpenAI Responses (developers.openai.com, "Responses", "Streaming events").

Deltas carry `obfuscation`, as the API's do unless a client declines it, and the last event the whole answer.
"""

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from typing import Any

from bench.voices.voice import (
    CREATED,
    INPUT_TOKENS,
    MAX_TOKENS,
    MODEL_ID,
    OUTPUT_TOKENS,
    TEXT,
    Turn,
    Voice,
    messages,
    named,
    words,
    written,
)

_PATH = "/v1/responses"
_USAGE = {
    "input_tokens": INPUT_TOKENS,
    "input_tokens_details": {"cache_write_tokens": 0, "cached_tokens": 0},
    "output_tokens": OUTPUT_TOKENS,
    "output_tokens_details": {"reasoning_tokens": 0},
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
_RESPONSE: dict[str, Any] = {
    "id": "resp_bench",
    "object": "response",
    "created_at": CREATED,
    "status": "in_progress",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": MAX_TOKENS,
    "max_tool_calls": None,
    "model": MODEL_ID,
    "output": [],
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "reasoning": {"effort": None, "summary": None},
    "safety_identifier": None,
    "service_tier": "default",
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}, "verbosity": "medium"},
    "tool_choice": "auto",
    "tools": [],
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": None,
    "user": None,
    "metadata": {},
}
_ITEM = "msg_bench"
_AT_ITEM = {"output_index": 0}
_AT_PART = {"item_id": _ITEM, "output_index": 0, "content_index": 0}


def _body(model: str, turns: Sequence[Turn], stream: bool) -> Mapping[str, Any]:
    # Not stored, as Codex asks: what a store costs is no part of a translation.
    return {
        "model": model,
        "max_output_tokens": MAX_TOKENS,
        "store": False,
        "stream": stream,
        "input": messages(turns),
    }


def _whole() -> bytes:
    return written(_completed(TEXT))


@lru_cache
def _events(count: int) -> tuple[bytes, ...]:
    said = words(count)
    events = [*_opening(), *map(_delta, said), *_ending("".join(said))]
    frames = [named({**event, "sequence_number": number}) for number, event in enumerate(events)]
    first, last = len(list(_opening())), len(list(_ending("")))
    return (b"".join(frames[:first]), *frames[first:-last], b"".join(frames[-last:]))


def _opening() -> Iterator[dict[str, Any]]:
    yield {"type": "response.created", "response": _RESPONSE}
    yield {"type": "response.in_progress", "response": _RESPONSE}
    yield {"type": "response.output_item.added", **_AT_ITEM, "item": _item("in_progress")}
    yield {"type": "response.content_part.added", **_AT_PART, "part": _part("")}


def _delta(word: str) -> dict[str, Any]:
    padding = "1WdXNn8cUzr4jQ"[: 16 - len(word) % 16]
    return {
        "type": "response.output_text.delta",
        **_AT_PART,
        "delta": word,
        "logprobs": [],
        "obfuscation": padding,
    }


def _ending(text: str) -> Iterator[dict[str, Any]]:
    yield {"type": "response.output_text.done", **_AT_PART, "text": text, "logprobs": []}
    yield {"type": "response.content_part.done", **_AT_PART, "part": _part(text)}
    yield {"type": "response.output_item.done", **_AT_ITEM, "item": _item("completed", _part(text))}
    yield {"type": "response.completed", "response": _completed(text)}


def _completed(text: str) -> dict[str, Any]:
    output = [_item("completed", _part(text))]
    return {
        **_RESPONSE,
        "status": "completed",
        "completed_at": CREATED + 1,
        "output": output,
        "usage": _USAGE,
    }


def _item(status: str, *content: dict[str, Any]) -> dict[str, Any]:
    return {"id": _ITEM, "type": "message", "status": status, "content": content, "role": "assistant"}


def _part(text: str) -> dict[str, Any]:
    return {"type": "output_text", "annotations": [], "logprobs": [], "text": text}


VOICE = Voice(
    dialect="openai_responses",
    path=_PATH,
    stream_path=_PATH,
    fields="authorization: Bearer sk-bench\r\nuser-agent: OpenAI/Python 2.0\r\n",
    body=_body,
    whole=_whole,
    events=_events,
    last=b'"response.completed"',
    provider="responses-compatible",
    base="/v1",
)

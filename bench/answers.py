"""What the mock upstream answers, in both dialects: a short answer, and streams of any length.

A model's name says which: `plain`, `burst-N` (N events at once), `paced-N` (N events, 100 a second), `held`
(ten events, then silence).
"""

import json
from functools import lru_cache

PACE = 0.01
"""Seconds between two events of a paced stream."""
HELD = 10
"""Events of a held stream."""
PLAIN, HOLD = "plain", "held"

_USAGE = {"input_tokens": 12, "output_tokens": 40}
_CHAT_USAGE = {"prompt_tokens": 12, "completion_tokens": 40, "total_tokens": 52}
_TEXT = "The points are set, and the train takes its own line."
_MESSAGE = {"id": "msg_bench", "type": "message", "role": "assistant", "model": "bench"}
_CHUNK = {
    "id": "chatcmpl-bench",
    "object": "chat.completion.chunk",
    "created": 1_760_000_000,
    "model": "bench",
}


def anthropic_whole() -> bytes:
    """An answer of Anthropic Messages that is not streamed."""
    content = [{"type": "text", "text": _TEXT}]
    stop = {"stop_reason": "end_turn", "stop_sequence": None, "usage": _USAGE}
    return _json({**_MESSAGE, "content": content, **stop})


def chat_whole() -> bytes:
    """An answer of Chat Completions that is not streamed."""
    choice = {
        "index": 0,
        "message": {"role": "assistant", "content": _TEXT, "refusal": None},
        "logprobs": None,
        "finish_reason": "stop",
    }
    return _json({**_CHUNK, "object": "chat.completion", "choices": [choice], "usage": _CHAT_USAGE})


@lru_cache
def anthropic_events(count: int) -> tuple[bytes, ...]:
    """A stream of Anthropic Messages: `count` deltas between what opens and what ends it."""
    start = {**_MESSAGE, "content": [], "stop_reason": None, "stop_sequence": None, "usage": _USAGE}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    opening = _event({"type": "message_start", "message": start}) + _event(block)
    deltas = (
        _event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": word}})
        for word in _words(count)
    )
    stop = {"stop_reason": "end_turn", "stop_sequence": None}
    ending = (
        _event({"type": "content_block_stop", "index": 0})
        + _event({"type": "message_delta", "delta": stop, "usage": {"output_tokens": count}})
        + _event({"type": "message_stop"})
    )
    return (opening, *deltas, ending)


@lru_cache
def chat_events(count: int) -> tuple[bytes, ...]:
    """A stream of Chat Completions: `count` chunks between what opens and what ends it."""
    opening = _chunk({"role": "assistant", "content": ""})
    deltas = (_chunk({"content": word}) for word in _words(count))
    usage = {**_CHUNK, "choices": [], "usage": _CHAT_USAGE}
    ending = _chunk({}, "stop") + b"data: " + _json(usage) + b"\n\ndata: [DONE]\n\n"
    return (opening, *deltas, ending)


def _words(count: int) -> list[str]:
    return [f" word{number}" for number in range(count)]


def _json(value: object) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()


def _event(event: dict[str, object]) -> bytes:
    return b"event: %s\ndata: %s\n\n" % (str(event["type"]).encode(), _json(event))


def _chunk(delta: dict[str, object], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return b"data: " + _json({**_CHUNK, "choices": [choice]}) + b"\n\n"

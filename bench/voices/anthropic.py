"""Anthropic Messages (platform.claude.com, "Streaming messages")."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any

from bench.voices.voice import (
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

_PATH = "/v1/messages"
_MESSAGE = {"id": "msg_bench", "type": "message", "role": "assistant", "model": MODEL_ID}
_USAGE = {"input_tokens": INPUT_TOKENS, "output_tokens": OUTPUT_TOKENS}
_STOP = {"stop_reason": "end_turn", "stop_sequence": None}


def _body(model: str, turns: Sequence[Turn], stream: bool) -> Mapping[str, Any]:
    return {"model": model, "max_tokens": MAX_TOKENS, "stream": stream, "messages": messages(turns)}


def _whole() -> bytes:
    return written({**_MESSAGE, "content": [{"type": "text", "text": TEXT}], **_STOP, "usage": _USAGE})


@lru_cache
def _events(count: int) -> tuple[bytes, ...]:
    start = {**_MESSAGE, "content": [], "stop_reason": None, "stop_sequence": None, "usage": _USAGE}
    block = {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}
    ending = (
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": _STOP, "usage": {"output_tokens": count}},
        {"type": "message_stop"},
    )
    return (
        named({"type": "message_start", "message": start}) + named(block),
        *map(_delta, words(count)),
        b"".join(map(named, ending)),
    )


def _delta(word: str) -> bytes:
    delta = {"type": "text_delta", "text": word}
    return named({"type": "content_block_delta", "index": 0, "delta": delta})


VOICE = Voice(
    dialect="anthropic",
    path=_PATH,
    stream_path=_PATH,
    fields="anthropic-version: 2023-06-01\r\nx-api-key: sk-bench\r\nuser-agent: Anthropic/Python 1.0\r\n",
    body=_body,
    whole=_whole,
    events=_events,
    last=b'"message_stop"',
    provider="anthropic-compatible",
    base="",
)

"""OpenAI Chat Completions (developers.openai.com, "Chat")."""

from collections.abc import Mapping, Sequence
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
    words,
    written,
)

_PATH = "/v1/chat/completions"
_USAGE = {
    "prompt_tokens": INPUT_TOKENS,
    "completion_tokens": OUTPUT_TOKENS,
    "total_tokens": INPUT_TOKENS + OUTPUT_TOKENS,
}
_CHUNK = {"id": "chatcmpl-bench", "object": "chat.completion.chunk", "created": CREATED, "model": MODEL_ID}


def _body(model: str, turns: Sequence[Turn], stream: bool) -> Mapping[str, Any]:
    return {"model": model, "max_tokens": MAX_TOKENS, "stream": stream, "messages": messages(turns)}


def _whole() -> bytes:
    message = {"role": "assistant", "content": TEXT, "refusal": None}
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": "stop"}
    return written({**_CHUNK, "object": "chat.completion", "choices": [choice], "usage": _USAGE})


@lru_cache
def _events(count: int) -> tuple[bytes, ...]:
    usage = {**_CHUNK, "choices": [], "usage": _USAGE}
    ending = _chunk({}, "stop") + b"data: " + written(usage) + b"\n\ndata: [DONE]\n\n"
    deltas = (_chunk({"content": word}) for word in words(count))
    return (_chunk({"role": "assistant", "content": ""}), *deltas, ending)


def _chunk(delta: dict[str, object], reason: str | None = None) -> bytes:
    choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": reason}
    return b"data: " + written({**_CHUNK, "choices": [choice]}) + b"\n\n"


VOICE = Voice(
    dialect="openai_chat",
    path=_PATH,
    stream_path=_PATH,
    fields="authorization: Bearer sk-bench\r\nuser-agent: OpenAI/Python 2.0\r\n",
    body=_body,
    whole=_whole,
    events=_events,
    last=b"[DONE]",
    provider="openai-compatible",
    base="/v1",
)

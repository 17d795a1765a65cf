"""Gemini generateContent (ai.google.dev, "Generating content").

A stream has CRLF line ends, and every chunk tells the usage so far, as the API's do.
"""

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
    words,
    written,
)

_PATH = "/v1beta/models/{model}"


def _body(model: str, turns: Sequence[Turn], stream: bool) -> Mapping[str, Any]:
    contents = [{"parts": [{"text": text}], "role": "user" if user else "model"} for user, text in turns]
    return {"contents": contents, "generationConfig": {"maxOutputTokens": MAX_TOKENS}}


def _whole() -> bytes:
    return written(_answer(TEXT, OUTPUT_TOKENS, "STOP"))


@lru_cache
def _events(count: int) -> tuple[bytes, ...]:
    chunks = (_answer(word, number + 1) for number, word in enumerate(words(count)))
    return (*map(_frame, chunks), _frame(_answer("", OUTPUT_TOKENS, "STOP")))


def _answer(text: str, tokens: int, reason: str | None = None) -> dict[str, Any]:
    ended = {"finishReason": reason} if reason else {}
    candidate = {"content": {"parts": [{"text": text}], "role": "model"}, **ended, "index": 0}
    return {
        "candidates": [candidate],
        "usageMetadata": _usage(tokens),
        "modelVersion": MODEL_ID,
        "responseId": "bench",
    }


def _usage(tokens: int) -> dict[str, Any]:
    return {
        "promptTokenCount": INPUT_TOKENS,
        "candidatesTokenCount": tokens,
        "totalTokenCount": INPUT_TOKENS + tokens,
        "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT_TOKENS}],
    }


def _frame(chunk: dict[str, Any]) -> bytes:
    return b"data: %s\r\n\r\n" % written(chunk)


VOICE = Voice(
    dialect="gemini",
    path=_PATH + ":generateContent",
    stream_path=_PATH + ":streamGenerateContent?alt=sse",
    fields="x-goog-api-key: sk-bench\r\nuser-agent: google-genai-sdk/2.0 gl-python/3.11\r\n",
    body=_body,
    whole=_whole,
    events=_events,
    last=b'"finishReason"',
    provider="gemini-compatible",
    base="",
)

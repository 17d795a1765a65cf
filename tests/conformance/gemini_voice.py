"""Answers of Gemini's generateContent, as events, an array or one object (ai.google.dev/api)."""

import json
from collections.abc import Callable
from typing import Any

from clients.scripted_models import CACHED, INPUT, OUTPUT, REASONING, Said, pieces
from scripted import Reply, Seen, json_reply

SIGNATURE = "CikBVKhc7scripted"


def gemini_says(said: Said) -> Callable[[Seen], Reply]:
    """An answer, as a function of the request."""

    def answer(seen: Seen) -> Reply:
        path, _, query = seen.target.partition("?")
        place, _, method = path.rpartition(":")
        model = place.rpartition("/")[2]
        if not method.startswith("stream"):
            return json_reply(_chunk(_parts(said), model, last=True))
        chunks = [json.dumps(each) for each in _chunks(said, model)]
        if "alt=sse" not in query:
            return json_reply([json.loads(each) for each in chunks])
        body = "".join(f"data: {each}\r\n\r\n" for each in chunks).encode()
        return Reply(200, (("content-type", "text/event-stream"),), [body], chunked=True)

    return answer


def _parts(said: Said) -> list[dict[str, Any]]:
    parts: list[dict[str, Any]] = []
    if said.thinking is not None:
        parts.append({"text": said.thinking, "thought": True})
    if said.text is not None:
        parts.append({"text": said.text})
    for call in said.calls:
        called = {"id": call.id, "name": call.name, "args": call.arguments}
        parts.append({"functionCall": called, "thoughtSignature": SIGNATURE})
    return parts


def _chunks(said: Said, model: str) -> list[dict[str, Any]]:
    """Text comes in pieces, a call at once; the last chunk says why the answer ends."""
    split: list[dict[str, Any]] = []
    for part in _parts(said):
        split += [{**part, "text": piece} for piece in pieces(part["text"])] if "text" in part else [part]
    return [_chunk([part], model, last=part is split[-1]) for part in split]


def _chunk(parts: list[dict[str, Any]], model: str, *, last: bool) -> dict[str, Any]:
    candidate: dict[str, Any] = {"content": {"parts": parts, "role": "model"}, "index": 0}
    return {
        "candidates": [{**candidate, "finishReason": "STOP"} if last else candidate],
        "usageMetadata": {
            "promptTokenCount": INPUT,
            "cachedContentTokenCount": CACHED,
            "candidatesTokenCount": OUTPUT - REASONING,
            "thoughtsTokenCount": REASONING,
            "totalTokenCount": INPUT + OUTPUT,
            "promptTokensDetails": [{"modality": "TEXT", "tokenCount": INPUT}],
        },
        "modelVersion": model,
        "responseId": "scripted",
    }

"""Answers of a scripted model in Gemini's generateContent, streamed where the path asks for it."""

import json

from scripted_models import CACHED, INPUT, OUTPUT, REASONING, pieces

from scripted import Reply, json_reply

THOUGHT_SIGNATURE = "c2lnbmVkIGJ5IGdlbWluaQ=="


def gemini_says(said):
    """An answer of generateContent, as a function of the request."""

    def answer(seen):
        path, _, query = seen.target.partition("?")
        model = path.rpartition("/")[2].partition(":")[0]
        if ":streamGenerateContent" not in path:
            return json_reply(_chunk(model, _parts(said), "STOP"))
        chunks = list(_chunks(said, model))
        if "alt=sse" in query:
            body = "".join(f"data: {json.dumps(chunk)}\r\n\r\n" for chunk in chunks)
            return Reply(200, (("content-type", "text/event-stream"),), [body.encode()], chunked=True)
        return Reply(
            200, (("content-type", "application/json"),), [json.dumps(chunks).encode()], chunked=True
        )

    return answer


def _parts(said):
    parts = []
    if said.thinking is not None:
        parts.append({"text": said.thinking, "thought": True})
    if said.text is not None:
        parts.append({"text": said.text})
    for at, call in enumerate(said.calls):
        part = {"functionCall": {"id": call.id, "name": call.name, "args": call.arguments}}
        parts.append({**part, "thoughtSignature": THOUGHT_SIGNATURE} if at == 0 else part)
    return parts


def _chunks(said, model):
    for part in _parts(said):
        for piece in _pieces(part):
            yield _chunk(model, [piece], None)
    yield _chunk(model, [{"text": ""}], "STOP")


def _pieces(part):
    if "text" not in part:
        return [part]
    return [{**part, "text": piece} for piece in pieces(part["text"])]


def _chunk(model, parts, finish):
    candidate = {"content": {"parts": parts, "role": "model"}, "index": 0}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": {
            "promptTokenCount": INPUT,
            "cachedContentTokenCount": CACHED,
            "candidatesTokenCount": OUTPUT - REASONING,
            "thoughtsTokenCount": REASONING,
            "totalTokenCount": INPUT + OUTPUT,
        },
        "modelVersion": model,
        "responseId": "scripted",
    }

"""Answers of scripted models in either dialect, streamed where the request asks for it.

upstream.then(claude_says(Said("Hello")), chat_says(Said(calls=(Call("c1", "now", {}),))))
"""

import json
from dataclasses import dataclass
from typing import Any

from scripted import CLOSE, Reply, json_reply

INPUT, CACHED, OUTPUT, REASONING = 25, 10, 7, 3
"""Tokens of every answer: all input, that of it which was cached, output, and thinking in it."""
SIGNATURE = "EqQBCgIYAhIM1gbcDa9GJwZA2b3h"


@dataclass(frozen=True)
class Call:
    """A tool call."""

    id: str
    name: str
    arguments: Any


@dataclass(frozen=True)
class Said:
    """What a model says, in nobody's dialect."""

    text: str | None = None
    calls: tuple[Call, ...] = ()
    thinking: str | None = None
    stop: str | None = None
    """In the dialect's own word; None: what follows from the rest."""


def pieces(text, size=5):
    """The text in fragments, as a stream brings it."""
    return [text[at : at + size] for at in range(0, len(text), size)]


def claude_says(said):
    """An answer of Anthropic Messages, as a function of the request."""

    def answer(seen):
        asked = seen.json()
        headers = [("request-id", "req_scripted")]
        if asked.get("stream"):
            body = b"".join(_claude_frame(event) for event in claude_events(said, asked["model"]))
            return Reply(200, (("content-type", "text/event-stream"), *headers), [body], chunked=True)
        return json_reply(_claude_message(said, asked["model"]), headers=headers)

    return answer


def claude_events(said, model):
    """The events of a stream."""
    message = _claude_message(said, model)
    usage = message["usage"]
    begun = {**message, "content": [], "stop_reason": None, "usage": {**usage, "output_tokens": 1}}
    events = [{"type": "message_start", "message": begun}, {"type": "ping"}]
    for index, block in enumerate(message["content"]):
        start, deltas = _CLAUDE_DELTAS[block["type"]](block)
        events.append({"type": "content_block_start", "index": index, "content_block": start})
        events += [{"type": "content_block_delta", "index": index, "delta": delta} for delta in deltas]
        events.append({"type": "content_block_stop", "index": index})
    end = {name: message[name] for name in ("stop_reason", "stop_sequence", "stop_details", "container")}
    return [*events, {"type": "message_delta", "delta": end, "usage": usage}, {"type": "message_stop"}]


def _claude_frame(event):
    return f"event: {event['type']}\ndata: {json.dumps(event)}\n\n".encode()


def _claude_message(said, model):
    blocks = []
    if said.thinking is not None:
        blocks.append({"type": "thinking", "thinking": said.thinking, "signature": SIGNATURE})
    if said.text is not None:
        blocks.append({"type": "text", "text": said.text, "citations": None})
    called = {"type": "tool_use", "caller": {"type": "direct"}}
    blocks += [{**called, "id": c.id, "name": c.name, "input": c.arguments} for c in said.calls]
    return {
        "id": "msg_scripted",
        "type": "message",
        "role": "assistant",
        "model": model,
        "content": blocks,
        "stop_reason": said.stop or ("tool_use" if said.calls else "end_turn"),
        "stop_sequence": None,
        "stop_details": None,
        "container": None,
        "usage": {
            "input_tokens": INPUT - CACHED,
            "cache_creation_input_tokens": 0,
            "cache_read_input_tokens": CACHED,
            "output_tokens": OUTPUT,
            "output_tokens_details": {"thinking_tokens": REASONING},
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0},
            "server_tool_use": None,
            "service_tier": "standard",
            "inference_geo": "global",
        },
    }


_CLAUDE_DELTAS = {
    "text": lambda block: (
        {**block, "text": ""},
        [{"type": "text_delta", "text": piece} for piece in pieces(block["text"])],
    ),
    "thinking": lambda block: (
        {"type": "thinking", "thinking": "", "signature": ""},
        [
            *({"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"])),
            {"type": "signature_delta", "signature": block["signature"]},
        ],
    ),
    "tool_use": lambda block: (
        {**block, "input": {}},
        [{"type": "input_json_delta", "partial_json": p} for p in pieces(json.dumps(block["input"]))],
    ),
}


def chat_says(said):
    """An answer of Chat Completions, as a function of the request."""

    def answer(seen):
        asked = seen.json()
        headers = [("x-request-id", "req_scripted")]
        if asked.get("stream"):
            usage = (asked.get("stream_options") or {}).get("include_usage")
            frames = [json.dumps(chunk) for chunk in _chunks(said, asked["model"], usage)] + ["[DONE]"]
            body = "".join(f"data: {frame}\n\n" for frame in frames).encode()
            return Reply(200, (("content-type", "text/event-stream"), *headers), [body], chunked=True)
        return json_reply(_completion(said, asked["model"]), headers=headers)

    return answer


def _finish(said):
    return said.stop or ("tool_calls" if said.calls else "stop")


def _completion(said, model):
    message = {"role": "assistant", "content": said.text, "refusal": None}
    if said.thinking is not None:
        message["reasoning_content"] = said.thinking
    if said.calls:
        message["tool_calls"] = [
            {
                "id": c.id,
                "type": "function",
                "function": {"name": c.name, "arguments": json.dumps(c.arguments)},
            }
            for c in said.calls
        ]
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": _finish(said)}
    return {**_chat_head(model, "chat.completion"), "choices": [choice], "usage": _chat_usage()}


def _chunks(said, model, usage):
    deltas = [{"role": "assistant", "content": None}]
    deltas += [{"reasoning_content": piece} for piece in pieces(said.thinking or "")]
    deltas += [{"content": piece} for piece in pieces(said.text or "")]
    for index, call in enumerate(said.calls):
        function = {"name": call.name, "arguments": ""}
        deltas.append(
            {"tool_calls": [{"index": index, "id": call.id, "type": "function", "function": function}]}
        )
        deltas += [
            {"tool_calls": [{"index": index, "function": {"arguments": piece}}]}
            for piece in pieces(json.dumps(call.arguments))
        ]
    head = _chat_head(model, "chat.completion.chunk")
    for delta, finish in [*((delta, None) for delta in deltas), ({}, _finish(said))]:
        yield {**head, "choices": [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]}
    if usage:
        yield {**head, "choices": [], "usage": _chat_usage()}


def _chat_head(model, kind):
    return {"id": "chatcmpl-scripted", "object": kind, "created": 1795300000, "model": model}


def _chat_usage():
    return {
        "prompt_tokens": INPUT,
        "completion_tokens": OUTPUT,
        "total_tokens": INPUT + OUTPUT,
        "prompt_tokens_details": {"cached_tokens": CACHED},
        "completion_tokens_details": {"reasoning_tokens": REASONING},
    }


def breaks_after(answer, frames):
    """The same stream, cut off after so many frames."""

    def broken(seen):
        reply = answer(seen)
        kept = b"".join(frame + b"\n\n" for frame in b"".join(reply.body).split(b"\n\n")[:frames])
        return Reply(reply.status, reply.headers, [kept, CLOSE], chunked=True)

    return broken

"""The dialects as a client speaks them and an upstream answers: the smallest of each that is complete."""

import itertools
import json
from dataclasses import dataclass

import pytest

from scripted import json_reply, sse


def event(data):
    """A named frame, as Anthropic sends it."""
    return b"event: %s\ndata: %s\n\n" % (data["type"].encode(), json.dumps(data).encode())


def chunk(delta, **fields):
    """A chunk of a Chat stream."""
    choice = {"index": 0, "delta": delta, "finish_reason": fields.pop("finish", None)}
    data = {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1700000000,
        "model": "gpt-x",
        "choices": [choice],
        **fields,
    }
    return b"data: " + json.dumps(data).encode() + b"\n\n"


@dataclass(frozen=True)
class Voice:
    """One dialect."""

    name: str
    path: str
    upstream_path: str
    """Where it arrives at a scripted upstream."""
    model: str
    headers: tuple
    answer: dict
    """Not streamed; the text is `Hello there`."""
    frames: tuple
    """Streamed, to the end."""
    content: int
    """The first frame that carries content."""
    overloaded: bytes
    """A frame that reports an overload."""
    ping: bytes
    last: object
    """The last event of a proper stream."""
    turns: str = "messages"
    """The member of a request that holds the conversation."""
    error_events: int = 1
    """How many events tell that a stream failed."""

    def request(self, backend=None, **fields):
        body = {
            "model": f"{backend or self.name}:{VOICES[backend or self.name].model}",
            ("max_output_tokens" if self.name == "openai_responses" else "max_tokens"): 64,
            self.turns: [{"role": "user", "content": "Hello"}],
            **fields,
        }
        return body

    def stream(self, *, upto=None, end=(), headers=()):
        """A reply that streams the answer, or its first frames."""
        return sse(*self.frames[:upto], end=end, headers=headers)

    def before_content(self, *steps, end=()):
        """A reply that sends what comes before the content, and then the steps."""
        return sse(*self.frames[: self.content], *steps, end=end)

    def whole(self, *headers):
        return json_reply(self.answer, headers=headers)

    def refusal(self, status, kind, message, headers=()):
        """An error in the dialect's envelope."""
        if self.name == "anthropic":
            data = {"type": "error", "error": {"type": kind, "message": message}}
        else:
            data = {"error": {"message": message, "type": kind, "param": None, "code": None}}
        return json_reply(data, status, headers)

    def text(self, answer):
        """The words in an answer, streamed or whole."""
        if answer.header("content-type").startswith("text/event-stream"):
            return "".join(itertools.chain.from_iterable(map(self._delta, answer.events)))
        if self.name == "anthropic":
            return "".join(block.get("text", "") for block in answer.json()["content"])
        if self.name == "openai_responses":
            return answer.json()["output"][0]["content"][0]["text"]
        return answer.json()["choices"][0]["message"]["content"]

    def _delta(self, data):
        if self.name == "anthropic":
            yield data.get("delta", {}).get("text", "")
        elif self.name == "openai_responses":
            yield data.get("delta", "")
        elif isinstance(data, dict):
            for choice in data.get("choices", ()):
                yield choice["delta"].get("content") or ""

    def error(self, answer):
        """The error of a response, checked to have the dialect's form."""
        return self.checked_error(answer.json())

    def is_last(self, data):
        """Whether it is the last event of a proper stream."""
        return data == self.last or (isinstance(data, dict) and data.get("type") == self.last)

    def checked_error(self, data):
        if data.get("type") == "response.failed":
            data = {"error": {"type": "server_error", "param": None, **data["response"]["error"]}}
        error = data["error"]
        assert isinstance(error["message"], str)
        assert error["message"]
        if self.name == "anthropic":
            assert data["type"] == "error"
            assert isinstance(error["type"], str)
        else:
            assert {"message", "type", "param", "code"} <= error.keys()
        return error

    def stream_error(self, answer):
        """The error that ended a stream: after it nothing came, and the body broke."""
        name, data = answer.frames[-1]
        if self.name == "anthropic":
            assert name == "error"
        assert not self.ended(answer)
        if self.name == "openai_responses":
            assert name in ("response.failed", "error")
            (name, data), *_ = [frame for frame in answer.frames[-2:] if frame[0] == "error"]
        return self.checked_error(json.loads(data))

    def ended(self, answer):
        """Whether the stream came to the dialect's own end."""
        if self.name == "anthropic":
            return any(
                isinstance(data, dict) and data.get("type") == "message_stop" for data in answer.events
            )
        if self.name == "openai_responses":
            return any(data.get("type") == "response.completed" for data in answer.events)
        return "[DONE]" in answer.events


_MESSAGE = {
    "id": "msg_01",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "Hello there"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 4},
}
ANTHROPIC = Voice(
    name="anthropic",
    path="/v1/messages",
    upstream_path="/v1/messages",
    model="claude-x",
    headers=(("anthropic-version", "2023-06-01"), ("x-api-key", "pointsman")),
    answer=_MESSAGE,
    frames=(
        event({"type": "message_start", "message": {**_MESSAGE, "content": [], "stop_reason": None}}),
        event({"type": "ping"}),
        event({"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}}),
        event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Hello"}}),
        event({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": " there"}}),
        event({"type": "content_block_stop", "index": 0}),
        event(
            {
                "type": "message_delta",
                "delta": {"stop_reason": "end_turn", "stop_sequence": None},
                "usage": {"output_tokens": 4},
            }
        ),
        event({"type": "message_stop"}),
    ),
    content=2,
    overloaded=event({"type": "error", "error": {"type": "overloaded_error", "message": "Overloaded"}}),
    ping=b'event: ping\ndata: {"type":"ping"}\n\n',
    last={"type": "message_stop"},
)
_USAGE = {"prompt_tokens": 9, "completion_tokens": 4, "total_tokens": 13}
CHAT = Voice(
    name="openai_chat",
    path="/v1/chat/completions",
    upstream_path="/v1/chat/completions",
    model="gpt-x",
    headers=(("authorization", "Bearer pointsman"),),
    answer={
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1700000000,
        "model": "gpt-x",
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": "Hello there", "refusal": None},
                "logprobs": None,
                "finish_reason": "stop",
            }
        ],
        "usage": _USAGE,
    },
    frames=(
        chunk({"role": "assistant", "content": ""}),
        b": waiting\n\n",
        chunk({"content": "Hello"}),
        chunk({"content": " there"}),
        chunk({}, finish="stop"),
        chunk({}, usage=_USAGE).replace(
            b'"choices": [{"index": 0, "delta": {}, "finish_reason": null}]', b'"choices": []'
        ),
        b"data: [DONE]\n\n",
    ),
    content=2,
    overloaded=b'data: {"error": {"message": "Overloaded", "type": "server_error", "param": null,'
    b' "code": 503}}'
    b"\n\n",
    ping=b": ping\n\n",
    last="[DONE]",
)
_SAID = {
    "id": "msg_1",
    "type": "message",
    "status": "completed",
    "role": "assistant",
    "content": [{"type": "output_text", "text": "Hello there", "annotations": []}],
}
_RESPONSE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "completed",
    "model": "gpt-r",
    "output": [_SAID],
    "usage": {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 13,
    },
}
_BEGUN = {**_RESPONSE, "status": "in_progress", "output": [], "usage": None}
_IN_PART = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
RESPONSES = Voice(
    name="openai_responses",
    path="/v1/responses",
    upstream_path="/v1/responses",
    model="gpt-r",
    headers=(("authorization", "Bearer pointsman"),),
    answer=_RESPONSE,
    frames=(
        event({"type": "response.created", "response": _BEGUN}),
        event({"type": "response.in_progress", "response": _BEGUN}),
        event({"type": "response.output_text.delta", **_IN_PART, "delta": "Hello"}),
        event({"type": "response.output_text.delta", **_IN_PART, "delta": " there"}),
        event({"type": "response.output_text.done", **_IN_PART, "text": "Hello there"}),
        event({"type": "response.output_item.done", "output_index": 0, "item": _SAID}),
        event({"type": "response.completed", "response": _RESPONSE}),
    ),
    content=2,
    overloaded=event(
        {
            "type": "error",
            "sequence_number": 2,
            "error": {
                "type": "server_error",
                "code": "server_is_overloaded",
                "message": "Overloaded",
                "param": None,
            },
        }
    ),
    ping=b": ping\n\n",
    last="response.completed",
    turns="input",
    error_events=2,
)
VOICES = {voice.name: voice for voice in (ANTHROPIC, CHAT, RESPONSES)}
PAIRS = [(client, upstream) for client in VOICES.values() for upstream in VOICES.values()]
PAIR_NAMES = [f"{client.name}-to-{upstream.name}" for client, upstream in PAIRS]

EVERY_PAIR = pytest.mark.parametrize(("client", "upstream"), PAIRS, ids=PAIR_NAMES)
"""A test of each client's dialect before each upstream's."""
SAME = pytest.mark.parametrize("voice", VOICES.values(), ids=VOICES)
"""A test of each dialect, spoken on both sides."""

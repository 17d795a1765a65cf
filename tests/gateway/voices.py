"""The dialects as a client speaks them and an upstream answers: the smallest of each that is complete."""

import itertools
import json
from dataclasses import dataclass
from urllib.parse import quote

import pytest

from pointsman.dialects.registry import DIALECTS
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
    said_again: int = 1
    """In how many frames an error is said that ends a stream."""
    turns: str = "messages"
    """The member that holds the conversation."""
    id_field: str = "x-request-id"
    """The header field in which its clients look for an answer's id."""

    def target(self, backend=None, **fields):
        """Where a client asks."""
        return self.path

    def named(self, backend=None):
        """The model's name as a client sends it."""
        return f"{backend or self.name}:{VOICES[backend or self.name].model}"

    def request(self, backend=None, **fields):
        """A body; `fields` are members of it, and stand above these."""
        return {
            "model": self.named(backend),
            "max_tokens": 64,
            "messages": [{"role": "user", "content": "Hello"}],
            **fields,
        }

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
        return json_reply(self.envelope(status, kind, message), status, headers)

    def envelope(self, status, kind, message):
        """An error's body."""
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}

    def text(self, answer):
        """The words in an answer, streamed or whole."""
        if answer.header("content-type").startswith("text/event-stream"):
            return "".join(itertools.chain.from_iterable(map(self.deltas, answer.events)))
        return self.words(answer.json())

    def words(self, data):
        """The words in a whole answer."""
        return data["choices"][0]["message"]["content"]

    def deltas(self, data):
        """The words in an event of a stream."""
        if isinstance(data, dict):
            for choice in data.get("choices", ()):
                yield choice["delta"].get("content") or ""

    def error(self, answer):
        """The error of a response, checked to have the dialect's form."""
        return self.checked_error(answer.json())

    def checked_error(self, data):
        """The error in an envelope."""
        error = data["error"]
        assert isinstance(error["message"], str)
        assert error["message"]
        self.check_form(data)
        return error

    def check_form(self, data):
        """Whether it is the dialect's own envelope."""
        assert {"message", "type", "param", "code"} <= data["error"].keys()

    def stream_error(self, answer):
        """The error that ended a stream: after it nothing came, and the body broke."""
        name, data = answer.frames[-1]
        self.check_name(name)
        assert not self.ended(answer)
        return self.checked_error(json.loads(data))

    def check_name(self, name):
        """Whether an error's event has the name that clients look for."""

    def ended(self, answer):
        """Whether the stream came to the dialect's own end."""
        return any(map(self.is_last, answer.events))

    def is_last(self, data):
        """Whether an event ends a proper stream."""
        return data == self.last

    def asked_to_stream(self, request):
        """Whether a request that arrived asks for a stream."""
        return request.json().get("stream", False)

    def kind_of(self, error):
        """An error's kind in the dialect's word."""
        return error["type"]


class AnthropicVoice(Voice):
    """Anthropic Messages."""

    def envelope(self, status, kind, message):
        return {"type": "error", "error": {"type": kind, "message": message}}

    def words(self, data):
        return "".join(block.get("text", "") for block in data["content"])

    def deltas(self, data):
        yield data.get("delta", {}).get("text", "")

    def check_form(self, data):
        assert data["type"] == "error"
        assert isinstance(data["error"]["type"], str)

    def check_name(self, name):
        assert name == "error"


class GeminiVoice(Voice):
    """Gemini generateContent: the path names the model and the form of the answer."""

    def target(self, backend=None, model=None, stream=False, **fields):
        method = "streamGenerateContent?alt=sse" if stream else "generateContent"
        return f"/v1beta/models/{quote(model or self.named(backend), safe='')}:{method}"

    def request(self, backend=None, model=None, stream=False, **fields):
        return {
            "contents": [{"role": "user", "parts": [{"text": "Hello"}]}],
            "generationConfig": {"maxOutputTokens": 64},
            **fields,
        }

    def envelope(self, status, kind, message):
        return {"error": {"code": status, "message": message, "status": kind}}

    def words(self, data):
        return "".join(self.deltas(data))

    def deltas(self, data):
        for candidate in data.get("candidates", ()):
            for part in candidate.get("content", {}).get("parts", ()):
                yield part.get("text", "")

    def check_form(self, data):
        assert isinstance(data["error"]["code"], int)
        assert isinstance(data["error"]["status"], str)

    def is_last(self, data):
        return any("finishReason" in each for each in data.get("candidates", ()))

    def asked_to_stream(self, request):
        return ":streamGenerateContent" in request.target

    def kind_of(self, error):
        return error["status"]


class ResponsesVoice(Voice):
    """OpenAI Responses."""

    def request(self, backend=None, **fields):
        own = {"input": [{"role": "user", "content": "Hello"}], "store": False, "max_output_tokens": 64}
        return {"model": self.named(backend), **own, **fields}

    def words(self, data):
        parts = [part for item in data["output"] for part in item.get("content") or ()]
        return "".join(part.get("text", "") for part in parts if part["type"] == "output_text")

    def deltas(self, data):
        if isinstance(data, dict) and data["type"] == "response.output_text.delta":
            yield data["delta"]

    def stream_error(self, answer):
        name, data = answer.frames[-1]
        assert not self.ended(answer)
        assert name == json.loads(data)["type"]
        return self.checked_error(json.loads(data))

    def checked_error(self, data):
        if data.get("type") != "response.failed":
            return super().checked_error(data)
        error = data["response"]["error"]
        assert {"message", "code"} == error.keys()
        assert error["message"]
        return error

    def is_last(self, data):
        return isinstance(data, dict) and data["type"] == "response.completed"


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
ANTHROPIC = AnthropicVoice(
    name="anthropic",
    path="/v1/messages",
    upstream_path="/v1/messages",
    model="claude-x",
    headers=(("anthropic-version", "2023-06-01"), ("x-api-key", "pointsman")),
    id_field="request-id",
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


def _response(parts, **candidate):
    return {
        "candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0, **candidate}],
        "usageMetadata": {"promptTokenCount": 9, "candidatesTokenCount": 4, "totalTokenCount": 13},
        "modelVersion": "gemini-x",
        "responseId": "r1",
    }


def response(parts, **candidate):
    """A response in a stream of generateContent."""
    return b"data: " + json.dumps(_response(parts, **candidate)).encode() + b"\n\n"


GEMINI = GeminiVoice(
    name="gemini",
    path="/v1beta/models/gemini-x:generateContent",
    upstream_path="/v1beta/models/gemini-x:generateContent",
    model="gemini-x",
    headers=(("x-goog-api-key", "pointsman"),),
    answer=_response([{"text": "Hello there"}], finishReason="STOP"),
    frames=(
        response([{"text": "Hello"}]),
        response([{"text": " there"}]),
        response([{"text": ""}], finishReason="STOP"),
    ),
    content=0,
    overloaded=b'data: {"error": {"code": 503, "message": "Overloaded", "status": "UNAVAILABLE"}}\n\n',
    ping=b"",
    last=_response([{"text": ""}], finishReason="STOP"),
    turns="contents",
)
_DONE = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1700000000,
    "status": "completed",
    "background": False,
    "error": None,
    "incomplete_details": None,
    "instructions": None,
    "max_output_tokens": 64,
    "model": "gpt-r",
    "output": [
        {
            "id": "msg_1",
            "type": "message",
            "status": "completed",
            "role": "assistant",
            "content": [{"type": "output_text", "text": "Hello there", "annotations": [], "logprobs": []}],
        }
    ],
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "reasoning": {"effort": None, "summary": None},
    "store": False,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "tools": [],
    "top_p": 1.0,
    "truncation": "disabled",
    "usage": {
        "input_tokens": 9,
        "input_tokens_details": {"cached_tokens": 0},
        "output_tokens": 4,
        "output_tokens_details": {"reasoning_tokens": 0},
        "total_tokens": 13,
    },
    "metadata": {},
}
_BEGUN = {**_DONE, "status": "in_progress", "output": [], "usage": None}
_ITEM = _DONE["output"][0]
_PART = _ITEM["content"][0]
_WHERE = {"item_id": "msg_1", "output_index": 0, "content_index": 0}


def _numbered(*pieces):
    """Each piece is what arrives together: one event, or several."""
    numbers = itertools.count()
    return tuple(
        b"".join(event({**data, "sequence_number": next(numbers)}) for data in events) for events in pieces
    )


def _text_delta(text):
    return {"type": "response.output_text.delta", **_WHERE, "delta": text, "logprobs": []}


RESPONSES = ResponsesVoice(
    name="openai_responses",
    path="/v1/responses",
    upstream_path="/v1/responses",
    model="gpt-r",
    headers=(("authorization", "Bearer pointsman"),),
    answer=_DONE,
    frames=_numbered(
        [{"type": "response.created", "response": _BEGUN}],
        [{"type": "response.in_progress", "response": _BEGUN}],
        [
            {
                "type": "response.output_item.added",
                "output_index": 0,
                "item": {**_ITEM, "status": "in_progress", "content": []},
            },
            {"type": "response.content_part.added", **_WHERE, "part": {**_PART, "text": ""}},
        ],
        [_text_delta("Hello")],
        [_text_delta(" there")],
        [
            {"type": "response.output_text.done", **_WHERE, "text": "Hello there", "logprobs": []},
            {"type": "response.content_part.done", **_WHERE, "part": _PART},
            {"type": "response.output_item.done", "output_index": 0, "item": _ITEM},
        ],
        [{"type": "response.completed", "response": _DONE}],
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
    last={"type": "response.completed", "response": _DONE, "sequence_number": 9},
    said_again=2,
    turns="input",
)
_ALL = (ANTHROPIC, CHAT, RESPONSES, GEMINI)
VOICES = {voice.name: voice for voice in _ALL if voice.name in DIALECTS}
PAIRS = [(client, upstream) for client in VOICES.values() for upstream in VOICES.values()]
PAIR_NAMES = [f"{client.name}-to-{upstream.name}" for client, upstream in PAIRS]

EVERY_PAIR = pytest.mark.parametrize(("client", "upstream"), PAIRS, ids=PAIR_NAMES)
"""A test of each client's dialect before each upstream's."""
SAME = pytest.mark.parametrize("voice", VOICES.values(), ids=VOICES)
"""A test of each dialect, spoken on both sides."""


def _each(voices):
    return pytest.mark.parametrize("voice", [pytest.param(voice, id=voice.name) for voice in voices])


def named_pairs(pairs):
    """A test of each of these pairs."""
    named = [pytest.param(client, up, id=f"{client.name}-to-{up.name}") for client, up in pairs]
    return pytest.mark.parametrize(("client", "upstream"), named)


CROSSED = named_pairs([(client, upstream) for client, upstream in PAIRS if client is not upstream])
"""A test of each pair of two dialects."""
NAMING = _each([voice for voice in VOICES.values() if voice is not GEMINI])
"""A test of each dialect whose bodies name the model."""
NAMING_PAIRS = named_pairs([pair for pair in PAIRS if pair[0] is not GEMINI])
PINGED = _each([voice for voice in VOICES.values() if voice.ping])
"""A test of each dialect whose clients can be kept waiting."""
PINGED_PAIRS = named_pairs([pair for pair in PAIRS if pair[0].ping])
OF_MESSAGES = _each([voice for voice in VOICES.values() if voice.turns == "messages"])
"""A test of each dialect whose conversation is `messages`."""
OF_MESSAGES_PAIRS = named_pairs([pair for pair in PAIRS if pair[0].turns == "messages"])

"""The dialects of the scripted provider: how it reads a request and answers, and how its clients do.

Each answer has thinking with opaque state of the account that made it, words, and sometimes a call of a tool.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]
Turns = list[Json]


@dataclass(frozen=True)
class Request:
    """What a provider looks at."""

    model: str
    prefix: tuple[bytes, ...]
    """Instructions and turns, in order: what a prompt's cache goes by."""
    opaque: tuple[str, ...]
    """The state of earlier answers in it."""


@dataclass(frozen=True)
class Said:
    """An answer."""

    number: int
    model: str
    opaque: str
    text: str
    call: str | None
    """A tool call's id."""
    fresh: int
    """Tokens of the prompt that no cache had."""
    read: int
    """Those that it had."""
    output: int


def encode(data: Any) -> bytes:
    """As short as it gets."""
    return json.dumps(data, separators=(",", ":")).encode()


def frame(data: Json) -> bytes:
    """A named event."""
    return b"event: %s\ndata: %s\n\n" % (data["type"].encode(), encode(data))


def events(stream: bytes) -> Iterator[Json]:
    """What a stream's frames hold."""
    for line in stream.split(b"\n"):
        if line.startswith(b"data: {"):
            yield json.loads(line[6:])


class Anthropic:
    """Messages."""

    name = "anthropic"
    provider = "anthropic"
    path = "/v1/messages"
    model = "claude-opus-5-5"
    fields = (("anthropic-version", "2023-06-01"),)
    turns = "messages"

    def key(self, headers: dict[str, str]) -> str:
        return headers.get("x-api-key", "")

    def read(self, body: Json) -> Request:
        turns = body["messages"]
        blocks = (block for turn in turns if isinstance(turn["content"], list) for block in turn["content"])
        opaque = tuple(block["signature"] for block in blocks if block["type"] == "thinking")
        return Request(body["model"], tuple(map(encode, [body.get("system"), *turns])), opaque)

    def frames(self, said: Said) -> Sequence[bytes]:
        """The first says nothing yet."""
        usage = {"cache_read_input_tokens": said.read, "cache_creation_input_tokens": said.fresh}
        message = {
            "id": f"msg_{said.number}",
            "type": "message",
            "role": "assistant",
            "model": said.model,
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {"input_tokens": 0, **usage, "output_tokens": 1},
        }
        stop = "tool_use" if said.call else "end_turn"
        last = {"stop_reason": stop, "stop_sequence": None}
        return (
            frame({"type": "message_start", "message": message}),
            b"".join(self._blocks(said)),
            frame({"type": "message_delta", "delta": last, "usage": {"output_tokens": said.output}})
            + frame({"type": "message_stop"}),
        )

    def _blocks(self, said: Said) -> Iterator[bytes]:
        thinking = [
            {"type": "thinking_delta", "thinking": "Which track?"},
            {"type": "signature_delta", "signature": said.opaque},
        ]
        yield from _block(0, {"type": "thinking", "thinking": "", "signature": ""}, thinking)
        yield from _block(1, {"type": "text", "text": ""}, [{"type": "text_delta", "text": said.text}])
        if said.call:
            call = {"type": "tool_use", "id": said.call, "name": "look", "input": {}}
            yield from _block(2, call, [{"type": "input_json_delta", "partial_json": '{"where":"yard"}'}])

    def whole(self, said: Said) -> Json:
        content = list(self._content(b"".join(self.frames(said))))
        usage = {
            "input_tokens": 0,
            "cache_read_input_tokens": said.read,
            "cache_creation_input_tokens": said.fresh,
            "output_tokens": said.output,
        }
        return {
            "id": f"msg_{said.number}",
            "type": "message",
            "role": "assistant",
            "model": said.model,
            "content": content,
            "stop_reason": "tool_use" if said.call else "end_turn",
            "stop_sequence": None,
            "usage": usage,
        }

    def error(self, kind: str, message: str) -> Json:
        return {"type": "error", "error": {"type": kind, "message": message}}

    def overload(self) -> bytes:
        return frame(self.error("overloaded_error", "Overloaded"))

    # The client's side

    def body(self, model: str, system: str, turns: Turns) -> Json:
        tool = {"name": "look", "description": "Looks.", "input_schema": {"type": "object"}}
        thinking = {"type": "enabled", "budget_tokens": 1024}
        return {
            "model": model,
            "max_tokens": 4096,
            "stream": True,
            "thinking": thinking,
            "system": system,
            "tools": [tool],
            "messages": turns,
        }

    def say(self, text: str) -> Turns:
        return [{"role": "user", "content": text}]

    def hear(self, stream: bytes) -> Turns:
        """The answer, as a client sends it back. Raises AssertionError for a stream that is not whole."""
        assert stream.endswith(frame({"type": "message_stop"})), stream[-300:]
        return [{"role": "assistant", "content": list(self._content(stream))}]

    def _content(self, stream: bytes) -> Iterator[Json]:
        block: Json = {}
        for event in events(stream):
            if event["type"] == "content_block_start":
                block = event["content_block"]
            elif event["type"] == "content_block_delta":
                delta = event["delta"]
                if delta["type"] == "input_json_delta":
                    block["input"] = json.loads(delta["partial_json"])
                else:
                    name = delta["type"].removesuffix("_delta")
                    block[name] += delta[name]
            elif event["type"] == "content_block_stop":
                yield block

    def results(self, heard: Turns, text: str) -> Turns:
        """What the called tools have found."""
        found = [
            {"type": "tool_result", "tool_use_id": block["id"], "content": text}
            for block in heard[-1]["content"]
            if block["type"] == "tool_use"
        ]
        return [{"role": "user", "content": found}] if found else []


def _block(index: int, block: Json, deltas: Iterable[Json]) -> Iterator[bytes]:
    yield frame({"type": "content_block_start", "index": index, "content_block": block})
    for delta in deltas:
        yield frame({"type": "content_block_delta", "index": index, "delta": delta})
    yield frame({"type": "content_block_stop", "index": index})


class Responses:
    """OpenAI Responses; nothing is stored."""

    name = "openai_responses"
    provider = "openai"
    path = "/v1/responses"
    model = "gpt-6-astra"
    fields = ()
    turns = "input"

    def key(self, headers: dict[str, str]) -> str:
        return headers.get("authorization", "").removeprefix("Bearer ")

    def read(self, body: Json) -> Request:
        items = body["input"]
        opaque = tuple(item["encrypted_content"] for item in items if item.get("type") == "reasoning")
        return Request(body["model"], tuple(map(encode, [body.get("instructions"), *items])), opaque)

    def frames(self, said: Said) -> Sequence[bytes]:
        begun = {**self.whole(said), "status": "in_progress", "output": [], "usage": None}
        numbered = [
            {"type": "response.created", "response": begun},
            *self._items(said),
            {"type": "response.completed", "response": self.whole(said)},
        ]
        made = [frame({**data, "sequence_number": number}) for number, data in enumerate(numbered)]
        return made[0], b"".join(made[1:-1]), made[-1]

    def _items(self, said: Said) -> Iterator[Json]:
        for index, item in enumerate(self.whole(said)["output"]):
            bare = {**item, "status": "in_progress"}
            if item["type"] == "message":
                yield {
                    "type": "response.output_item.added",
                    "output_index": index,
                    "item": {**bare, "content": []},
                }
                yield from self._words(item, index, said.text)
            else:
                yield {"type": "response.output_item.added", "output_index": index, "item": bare}
            yield {"type": "response.output_item.done", "output_index": index, "item": item}

    def _words(self, item: Json, index: int, text: str) -> Iterator[Json]:
        where = {"item_id": item["id"], "output_index": index, "content_index": 0}
        part = item["content"][0]
        yield {"type": "response.content_part.added", **where, "part": {**part, "text": ""}}
        yield {"type": "response.output_text.delta", **where, "delta": text, "logprobs": []}
        yield {"type": "response.output_text.done", **where, "text": text, "logprobs": []}
        yield {"type": "response.content_part.done", **where, "part": part}

    def whole(self, said: Said) -> Json:
        reasoning = {"id": f"rs_{said.number}", "type": "reasoning", "summary": []}
        words = {"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}
        message = {"id": f"msg_{said.number}", "type": "message", "role": "assistant", "content": [words]}
        output = [
            {**reasoning, "encrypted_content": said.opaque},
            {**message, "status": "completed"},
        ]
        if said.call:
            call = {"id": f"fc_{said.number}", "type": "function_call", "call_id": said.call, "name": "look"}
            output.append({**call, "arguments": '{"where":"yard"}', "status": "completed"})
        prompt = said.fresh + said.read
        usage = {
            "input_tokens": prompt,
            "input_tokens_details": {"cached_tokens": said.read},
            "output_tokens": said.output,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": prompt + said.output,
        }
        return {
            "id": f"resp_{said.number}",
            "object": "response",
            "created_at": 1,
            "status": "completed",
            "error": None,
            "model": said.model,
            "output": output,
            "usage": usage,
        }

    def error(self, kind: str, message: str) -> Json:
        return {"error": {"message": message, "type": kind, "param": None, "code": None}}

    def overload(self) -> bytes:
        error = {
            "type": "server_error",
            "code": "server_is_overloaded",
            "message": "Overloaded",
            "param": None,
        }
        return frame({"type": "error", "sequence_number": 1, "error": error})

    # The client's side

    def body(self, model: str, system: str, turns: Turns) -> Json:
        tool = {"type": "function", "name": "look", "parameters": {"type": "object"}}
        return {
            "model": model,
            "stream": True,
            "store": False,
            "include": ["reasoning.encrypted_content"],
            "instructions": system,
            "tools": [tool],
            "input": turns,
        }

    def say(self, text: str) -> Turns:
        return [{"role": "user", "content": text}]

    def hear(self, stream: bytes) -> Turns:
        """As above."""
        *_, last = events(stream)
        assert last["type"] == "response.completed", last
        return last["response"]["output"]

    def results(self, heard: Turns, text: str) -> Turns:
        return [
            {"type": "function_call_output", "call_id": item["call_id"], "output": text}
            for item in heard
            if item["type"] == "function_call"
        ]


Tongue = Anthropic | Responses

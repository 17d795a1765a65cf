"""The engine's stream as the client gets it: progress left out, forced calls cut back, folded if need be."""

from typing import Any, cast

from pointsman.canon.errors import TruncatedError
from pointsman.canon.json import Json
from pointsman.upstream.engine_tools import CallWriter, Forced
from pointsman.wire.json import decode_object, encode
from pointsman.wire.sse import Frame, frame

_DONE = b"[DONE]"
_ERROR = b'{"error":'
_NOTHING = b"null"
"""What the engine says between the answers to several prompts."""
_PROGRESS = "prompt_progress"
_TEXTS = ("content", "reasoning_content", "refusal")
_BEGUN = {"role": "assistant", "content": None, "refusal": None}
"""A message before its first delta; the dialect requires each of these."""


class Stream:
    """Frames of the engine, one by one, to frames of the client."""

    def __init__(self, forced: Forced | None) -> None:
        self._calls = None if forced is None else Calls(forced)
        self.over = False
        """Whether the stream has come to its end."""

    def pass_on(self, one: Frame) -> bytes:
        """What the client gets for a frame; empty for none."""
        self.over = self.over or one.data == _DONE or one.data.startswith(_ERROR)
        if self.over or (self._calls is None and _PROGRESS.encode() not in one.data):
            return b"" if one.data == _NOTHING else frame(one.data, one.event)
        chunk = decode_object(one.data)
        if _PROGRESS in chunk:
            return b""
        return frame(encode(chunk if self._calls is None else self._calls.cut(chunk)), one.event)


class Calls:
    """Cuts the text of each choice into the deltas of the tool call that was forced."""

    def __init__(self, forced: Forced) -> None:
        self._forced = forced
        self._writers: dict[int, CallWriter] = {}

    def cut(self, chunk: Json) -> Json:
        """The chunk as it would be from a model that calls tools."""
        if not chunk.get("choices"):
            return chunk
        identity = str(chunk.get("id", "")).removeprefix("chatcmpl-")
        return {**chunk, "choices": [self._choice(choice, identity) for choice in chunk["choices"]]}

    def _choice(self, choice: Json, identity: str) -> Json:
        index = choice.get("index", 0)
        writer = self._writers.setdefault(index, CallWriter(self._forced, f"call_{identity}{index or ''}"))
        delta = dict(choice.get("delta") or {})
        text = delta.pop("content", None)
        calls = list(writer.write(text)) if text else []
        if calls:
            delta["tool_calls"] = _joined(calls)
        elif text is None and "role" in delta:
            delta["content"] = None
        whole = choice.get("finish_reason") == "stop" and writer.begun
        return {
            **choice,
            "delta": delta,
            "finish_reason": "tool_calls" if whole else choice.get("finish_reason"),
        }


def _joined(calls: list[Json]) -> list[Json]:
    """The beginning of a call and its first arguments as one delta."""
    if len(calls) == 1:
        return calls
    function = {**calls[0]["function"], "arguments": calls[1]["function"]["arguments"]}
    return [{**calls[0], "function": function}]


class Fold:
    """Makes a whole answer of the engine's stream."""

    def __init__(self, forced: Forced | None) -> None:
        self._calls = None if forced is None else Calls(forced)
        self._members: dict[str, Any] = {}
        self._choices: dict[int, dict[str, Any]] = {}
        self._done = False
        self.error: Json | None = None
        """The error's object, if the engine ended with one."""

    def add(self, one: Frame) -> None:
        """Takes the next frame."""
        if one.data == _DONE:
            self._done = True
        if one.data in (_DONE, _NOTHING):
            return
        chunk = decode_object(one.data)
        if "error" in chunk:
            self.error = chunk
        if _PROGRESS in chunk or self.error is not None:
            return
        if self._calls is not None:
            chunk = self._calls.cut(chunk)
        self._members |= {key: value for key, value in chunk.items() if key != "choices"}
        for choice in cast("list[Json]", chunk.get("choices") or []):
            self._add_choice(choice)

    def whole(self) -> Json:
        """The answer. Raises TruncatedError if the stream had no end."""
        if not self._done:
            raise TruncatedError("the engine stopped before the end of its answer; ask again")
        choices = [self._choices[index] for index in sorted(self._choices)]
        kind = str(self._members.get("object", "")).removesuffix(".chunk")
        return {**self._members, "object": kind, "choices": choices}

    def _add_choice(self, choice: Json) -> None:
        index = choice.get("index", 0)
        kept = self._choices.setdefault(index, {"index": index, "logprobs": None, "finish_reason": None})
        if "text" in choice:
            kept["text"] = kept.get("text", "") + (choice["text"] or "")
        if "delta" in choice:
            _extend(kept.setdefault("message", dict(_BEGUN)), choice["delta"])
        if choice.get("finish_reason") is not None:
            kept["finish_reason"] = choice["finish_reason"]
        if choice.get("logprobs"):
            kept["logprobs"] = _more(kept["logprobs"], choice["logprobs"])


def _extend(message: dict[str, Any], delta: Json) -> None:
    for name in _TEXTS:
        if delta.get(name) is not None:
            message[name] = (message.get(name) or "") + delta[name]
    for part in cast("list[Json]", delta.get("tool_calls") or []):
        _extend_call(message.setdefault("tool_calls", []), part)


def _extend_call(calls: list[dict[str, Any]], part: Json) -> None:
    index: int = part.get("index", 0)
    function: Json = part.get("function") or {}
    while len(calls) <= index:
        calls.append({"id": None, "type": "function", "function": {"name": "", "arguments": ""}})
    call = calls[index]
    call["id"] = part.get("id") or call["id"]
    call["function"]["name"] += function.get("name") or ""
    call["function"]["arguments"] += function.get("arguments") or ""


def _more(kept: Json | None, more: Json) -> Json:
    """Log probabilities, one list after the other."""
    before: Json = kept or {}
    return {**before, **{name: _appended(before.get(name), value) for name, value in more.items()}}


def _appended(kept: object, more: object) -> object:
    if isinstance(kept, list) and isinstance(more, list):
        return cast("list[object]", kept) + cast("list[object]", more)
    return more

"""Answers of OpenAI's Responses API, streamed where the request asks for it (openai SDK, types)."""

import json
from collections.abc import Callable, Iterator
from typing import Any

from clients.scripted_models import CACHED, INPUT, OUTPUT, REASONING, Said, pieces
from scripted import Reply, Seen, json_reply

SEALED = "gAAAAABscripted"
"""Encrypted thinking."""
ECHOED = {
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "text": {"format": {"type": "text"}},
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
}
"""What an answer repeats of its request, and what it says where the request did not."""

_TOOL = {"description": None, "parameters": None, "strict": True}
"""What a function has that the request did not say."""


def responses_says(said: Said, id: str = "resp_scripted") -> Callable[[Seen], Reply]:
    """An answer, as a function of the request."""

    def answer(seen: Seen) -> Reply:
        asked = seen.json()
        whole = response(said, asked, id)
        if not asked.get("stream"):
            return json_reply(whole)
        frames = [
            f"event: {event['type']}\ndata: {json.dumps({**event, 'sequence_number': number})}\n\n".encode()
            for number, event in enumerate(events(whole))
        ]
        return Reply(200, (("content-type", "text/event-stream"),), [b"".join(frames)], chunked=True)

    return answer


def response(said: Said, asked: Any, id: str) -> dict[str, Any]:
    """The whole answer."""
    output: list[dict[str, Any]] = []
    if said.thinking is not None:
        summary = [{"type": "summary_text", "text": said.thinking}]
        output.append({"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": SEALED})
    if said.text is not None:
        content = [{"type": "output_text", "text": said.text, "annotations": [], "logprobs": []}]
        message = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
        output.append({**message, "phase": "final_answer", "content": content})
    for number, call in enumerate(said.calls):
        head = {"id": f"fc_{number}", "type": "function_call", "status": "completed"}
        output.append(
            {**head, "call_id": call.id, "name": call.name, "arguments": json.dumps(call.arguments)}
        )
    return {
        "id": id,
        "object": "response",
        "created_at": 1795300000,
        "completed_at": 1795300001,
        "status": "completed",
        "background": False,
        "error": None,
        "incomplete_details": None,
        "frequency_penalty": 0,
        "presence_penalty": 0,
        "service_tier": "default",
        **{name: asked[name] if asked.get(name) is not None else value for name, value in ECHOED.items()},
        "tools": [{**_TOOL, **tool} for tool in asked.get("tools") or ()],
        "model": asked["model"],
        "reasoning": {"effort": None, "summary": None, **(asked.get("reasoning") or {})},
        "output": output,
        "usage": {
            "input_tokens": INPUT,
            "input_tokens_details": {"cached_tokens": CACHED},
            "output_tokens": OUTPUT,
            "output_tokens_details": {"reasoning_tokens": REASONING},
            "total_tokens": INPUT + OUTPUT,
        },
    }


def events(whole: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """The events of a stream, without their numbers."""
    begun = {**whole, "status": "in_progress", "output": [], "usage": None, "completed_at": None}
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    for index, item in enumerate(whole["output"]):
        place = {"item_id": item["id"], "output_index": index}
        start, steps = _ITEMS[item["type"]](item, place)
        yield {"type": "response.output_item.added", "output_index": index, "item": start}
        yield from steps
        yield {"type": "response.output_item.done", "output_index": index, "item": item}
    yield {"type": "response.completed", "response": whole}


def _thinking(item: dict[str, Any], place: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    at = {**place, "summary_index": 0}
    [part] = item["summary"]
    kind = "response.reasoning_summary"
    steps = [{"type": f"{kind}_part.added", **at, "part": {**part, "text": ""}}]
    steps += [{"type": f"{kind}_text.delta", **at, "delta": piece} for piece in pieces(part["text"])]
    steps += [{"type": f"{kind}_text.done", **at, "text": part["text"]}]
    return {**item, "summary": []}, [*steps, {"type": f"{kind}_part.done", **at, "part": part}]


def _message(item: dict[str, Any], place: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    at = {**place, "content_index": 0}
    [part] = item["content"]
    text = {"type": "response.output_text.done", **at, "text": part["text"], "logprobs": []}
    steps: list[dict[str, Any]] = [
        {"type": "response.content_part.added", **at, "part": {**part, "text": ""}}
    ]
    steps += [
        {"type": "response.output_text.delta", **at, "delta": piece, "logprobs": []}
        for piece in pieces(part["text"])
    ]
    steps += [text, {"type": "response.content_part.done", **at, "part": part}]
    return {**item, "status": "in_progress", "content": []}, steps


def _call(item: dict[str, Any], place: dict[str, Any]) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    kind, given = "response.function_call_arguments", item["arguments"]
    steps = [{"type": f"{kind}.delta", **place, "delta": piece} for piece in pieces(given)]
    steps.append({"type": f"{kind}.done", **place, "name": item["name"], "arguments": given})
    return {**item, "status": "in_progress", "arguments": ""}, steps


_ITEMS: dict[str, Callable[[Any, Any], tuple[dict[str, Any], list[dict[str, Any]]]]] = {
    "reasoning": _thinking,
    "message": _message,
    "function_call": _call,
}


def compacted(asked: Any) -> dict[str, Any]:
    """A conversation in the form that `/responses/compact` gives it."""
    turns = asked["input"] if isinstance(asked["input"], list) else []
    kept = [
        {
            "id": f"msg_{number}",
            "type": "message",
            "status": "completed",
            "role": "user",
            "content": [{"type": "input_text", "text": json.dumps(turn["content"])}],
        }
        for number, turn in enumerate(turns)
        if turn.get("role") == "user"
    ]
    state = {"id": "cmp_1", "type": "compaction", "encrypted_content": SEALED}
    return {
        "id": "resp_compacted",
        "object": "response.compaction",
        "created_at": 1795300000,
        "output": [*kept, state],
        "usage": response(Said(), asked, "")["usage"],
    }

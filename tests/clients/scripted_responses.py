"""Answers of a scripted model in the Responses API, streamed where the request asks for it."""

import json

from scripted_models import CACHED, INPUT, OUTPUT, REASONING, pieces

from scripted import Reply, json_reply

ENCRYPTED = "gAAAAABo-encrypted-reasoning"


def responses_says(said):
    """An answer of the Responses API, as a function of the request."""

    def answer(seen):
        asked = seen.json()
        headers = [("x-request-id", "req_scripted")]
        if asked.get("stream"):
            frames = [_frame(number, event) for number, event in enumerate(_events(said, asked))]
            stream = (("content-type", "text/event-stream"), *headers)
            return Reply(200, stream, [b"".join(frames)], chunked=True)
        return json_reply(_response(said, asked, "completed", _items(said)), headers=headers)

    return answer


def _frame(number, event):
    data = json.dumps({**event, "sequence_number": number})
    return f"event: {event['type']}\ndata: {data}\n\n".encode()


def _response(said, asked, status, output):
    done = status == "completed"
    return {
        "id": "resp_scripted",
        "object": "response",
        "created_at": 1795300000,
        "completed_at": 1795300001 if done else None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": None,
        "instructions": asked.get("instructions"),
        "max_output_tokens": asked.get("max_output_tokens"),
        "max_tool_calls": None,
        "model": asked["model"],
        "output": output,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "prompt_cache_key": None,
        "reasoning": {"effort": "medium", "summary": None},
        "safety_identifier": None,
        "service_tier": "default",
        "store": asked.get("store", True),
        "temperature": 1.0,
        "text": {"format": {"type": "text"}, "verbosity": "medium"},
        "tool_choice": "auto",
        "tools": asked.get("tools", []),
        "top_logprobs": 0,
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": _usage() if done else None,
        "user": None,
        "metadata": {},
    }


def _usage():
    return {
        "input_tokens": INPUT,
        "input_tokens_details": {"cached_tokens": CACHED, "cache_write_tokens": 0},
        "output_tokens": OUTPUT,
        "output_tokens_details": {"reasoning_tokens": REASONING},
        "total_tokens": INPUT + OUTPUT,
    }


def _items(said):
    items = []
    if said.thinking is not None:
        summary = [{"type": "summary_text", "text": said.thinking}]
        items.append({"id": "rs_1", "type": "reasoning", "summary": summary, "encrypted_content": ENCRYPTED})
    if said.text is not None:
        part = {"type": "output_text", "annotations": [], "logprobs": [], "text": said.text}
        items.append(
            {
                "id": "msg_1",
                "type": "message",
                "status": "completed",
                "role": "assistant",
                "content": [part],
            }
        )
    return items + [_call(call) for call in said.calls]


def _call(call):
    common = {"id": f"fc_{call.id}", "status": "completed", "call_id": call.id, "name": call.name}
    if isinstance(call.arguments, str):
        return {"type": "custom_tool_call", **common, "input": call.arguments}
    return {"type": "function_call", **common, "arguments": json.dumps(call.arguments)}


def _events(said, asked):
    begun = _response(said, asked, "in_progress", [])
    yield {"type": "response.created", "response": begun}
    yield {"type": "response.in_progress", "response": begun}
    items = _items(said)
    for at, item in enumerate(items):
        yield from _ITEM_EVENTS[item["type"]](at, item)
    yield {"type": "response.completed", "response": _response(said, asked, "completed", items)}


def _reasoning(at, item):
    where = {"item_id": item["id"], "output_index": at}
    part = {**where, "summary_index": 0}
    text = item["summary"][0]["text"]
    yield {
        "type": "response.output_item.added",
        "output_index": at,
        "item": {**item, "summary": [], "encrypted_content": ""},
    }
    empty = {"type": "summary_text", "text": ""}
    yield {"type": "response.reasoning_summary_part.added", **part, "part": empty}
    for piece in pieces(text):
        yield {"type": "response.reasoning_summary_text.delta", **part, "delta": piece}
    yield {"type": "response.reasoning_summary_text.done", **part, "text": text}
    yield {"type": "response.reasoning_summary_part.done", **part, "part": item["summary"][0]}
    yield {"type": "response.output_item.done", "output_index": at, "item": item}


def _message(at, item):
    part = {"item_id": item["id"], "output_index": at, "content_index": 0}
    [content] = item["content"]
    begun = {**item, "status": "in_progress", "content": []}
    yield {"type": "response.output_item.added", "output_index": at, "item": begun}
    yield {"type": "response.content_part.added", **part, "part": {**content, "text": ""}}
    for piece in pieces(content["text"]):
        yield {"type": "response.output_text.delta", **part, "delta": piece, "logprobs": []}
    yield {"type": "response.output_text.done", **part, "text": content["text"], "logprobs": []}
    yield {"type": "response.content_part.done", **part, "part": content}
    yield {"type": "response.output_item.done", "output_index": at, "item": item}


def _called(field, kind):
    def events(at, item):
        where = {"item_id": item["id"], "output_index": at}
        begun = {**item, "status": "in_progress", field: ""}
        yield {"type": "response.output_item.added", "output_index": at, "item": begun}
        for piece in pieces(item[field]):
            yield {"type": f"response.{kind}.delta", **where, "delta": piece}
        yield {"type": f"response.{kind}.done", **where, field: item[field], "name": item["name"]}
        yield {"type": "response.output_item.done", "output_index": at, "item": item}

    return events


_ITEM_EVENTS = {
    "reasoning": _reasoning,
    "message": _message,
    "function_call": _called("arguments", "function_call_arguments"),
    "custom_tool_call": _called("input", "custom_tool_call_input"),
}

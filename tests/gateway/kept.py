"""Backends of every kind for kept responses, and what a Responses client sends them.

`keeper` keeps responses itself, `forgetful` speaks the same API and keeps none, the others speak others.
"""

import itertools
import json
from contextlib import asynccontextmanager

from rig import rig
from voices import ANTHROPIC, CHAT

from scripted import Reply, json_reply, sse

PATH = "/v1/responses"
KEYS = {"KEEPER_KEY": "sk-keeper-canary", "FORGETFUL_KEY": "sk-forgetful-canary"}
_TABLES = {
    "keeper": 'provider = "openai"\nbase_url = "{url}/v1"\nkey_env = "KEEPER_KEY"\n',
    "forgetful": 'provider = "openrouter"\nbase_url = "{url}/v1"\nkey_env = "FORGETFUL_KEY"\n',
}
_RESPONSES = (
    'dialects = ["openai_responses"]\nmodels = ["gpt-x"]\ntimeouts = { idle = 9000, first_byte = 9000 }\n'
)


def table(name, url):
    return f"[backends.{name}]\n" + _TABLES[name].format(url=url) + _RESPONSES


@asynccontextmanager
async def kept_rig(*, keeper=None, forgetful=None, claude=None, chat=None, settings="", **flags):
    """A gateway before these upstreams; `settings` are further lines of the configuration file."""
    given = {"keeper": keeper, "forgetful": forgetful}
    tables = [table(name, each.url) for name, each in given.items() if each is not None]
    lines = "\n".join((settings, *tables))
    environment = {**KEYS, **flags.pop("environment", {})}
    async with rig(
        anthropic=claude, openai_chat=chat, settings=lines, environment=environment, **flags
    ) as gateway:
        yield gateway


MODELS = {
    "keeper": "keeper:gpt-x",
    "forgetful": "forgetful:gpt-x",
    "claude": f"anthropic:{ANTHROPIC.model}",
    "chat": f"openai_chat:{CHAT.model}",
}


def message(text):
    return {
        "id": "msg_1",
        "type": "message",
        "status": "completed",
        "role": "assistant",
        "content": [{"type": "output_text", "text": text, "annotations": []}],
    }


def response(response_id, text="Hello there", **fields):
    """A whole response as an upstream of the API gives it."""
    return {
        "id": response_id,
        "object": "response",
        "created_at": 1700000000,
        "status": "completed",
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "model": "gpt-x",
        "output": [message(text)],
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "store": True,
        "tool_choice": "auto",
        "tools": [],
        "usage": {
            "input_tokens": 3,
            "input_tokens_details": {"cached_tokens": 0},
            "output_tokens": 2,
            "output_tokens_details": {"reasoning_tokens": 0},
            "total_tokens": 5,
        },
        **fields,
    }


def events(whole):
    """The events of a stream with that response; of its text one delta."""
    begun = {**whole, "status": "in_progress", "output": [], "usage": None}
    item = whole["output"][-1]
    text = item["content"][0]["text"]
    place = {"item_id": item["id"], "output_index": 0, "content_index": 0}
    part = {"type": "output_text", "text": text, "annotations": []}
    steps = [
        {"type": "response.created", "response": begun},
        {"type": "response.in_progress", "response": begun},
        {"type": "response.output_item.added", "output_index": 0, "item": {**item, "content": []}},
        {"type": "response.content_part.added", **place, "part": {**part, "text": ""}},
        {"type": "response.output_text.delta", **place, "delta": text, "logprobs": []},
        {"type": "response.output_text.done", **place, "text": text, "logprobs": []},
        {"type": "response.content_part.done", **place, "part": part},
        {"type": "response.output_item.done", "output_index": 0, "item": item},
        {"type": "response.completed", "response": whole},
    ]
    return [{**step, "sequence_number": number} for number, step in enumerate(steps)]


def frames(whole):
    return [
        b"event: %s\ndata: %s\n\n" % (step["type"].encode(), json.dumps(step).encode())
        for step in events(whole)
    ]


def says(text="Hello there", response_id=None):
    """An upstream's answer in the form that was asked for, with an id of its own or this one."""
    numbers = itertools.count(1)

    def answer(seen) -> Reply:
        whole = response(response_id or f"resp_up_{next(numbers)}_{text[:4].strip()}", text)
        return sse(*frames(whole)) if seen.json().get("stream") else json_reply(whole)

    return answer


def said_to(seen):
    """The texts of the items that reached an upstream of the API, with who said them."""
    found = []
    for item in seen.json()["input"]:
        content = item["content"]
        text = content if isinstance(content, str) else "".join(part["text"] for part in content)
        found.append((item["role"], text))
    return found


async def ask(gateway, backend, text, *headers, **fields):
    """One request of a Responses client."""
    body = {"model": MODELS[backend], "input": text, **fields}
    return await gateway.post(PATH, body, *headers)


def answer_of(answer):
    """The whole response in an answer, streamed or not."""
    if answer.header("content-type").startswith("text/event-stream"):
        return answer.events[-1]["response"]
    return answer.json()

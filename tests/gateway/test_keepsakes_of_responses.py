"""Encrypted reasoning of Responses upstreams, through clients that drop it and clients that send it back."""

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, GEMINI, RESPONSES, event

from scripted import Upstream, json_reply, run, sse

PARAMETERS = {"type": "object", "properties": {}}
BEGUN = {**RESPONSES.answer, "status": "in_progress", "output": [], "usage": None}


def reasoning(name, text="", copy="1"):
    summary = [{"type": "summary_text", "text": text}] if text else []
    encrypted = f"gAAAAA/{name}+opaque=="
    return {"id": f"rs_{name}{copy}", "type": "reasoning", "summary": summary, "encrypted_content": encrypted}


def call(name):
    item = {"id": f"fc_{name}", "type": "function_call", "status": "completed", "call_id": f"call_{name}"}
    return {**item, "name": "look", "arguments": "{}"}


def text(words):
    part = {"type": "output_text", "text": words, "annotations": [], "logprobs": []}
    head = {"id": "msg_1", "type": "message", "status": "completed", "role": "assistant"}
    return {**head, "content": [part]}


def whole(*items):
    return json_reply({**RESPONSES.answer, "output": list(items)})


def streamed(*items):
    events = [{"type": "response.created", "response": BEGUN}]
    for at, item in enumerate(items):
        where = {"item_id": item["id"], "output_index": at}
        begun = {"summary": [], "encrypted_content": "gAAAAA/not/whole/yet=="}
        head = {**item, **begun} if item["type"] == "reasoning" else item
        events.append({"type": "response.output_item.added", "output_index": at, "item": head})
        for part in item.get("summary", ()):
            said = {**where, "summary_index": 0, "delta": part["text"]}
            events.append({"type": "response.reasoning_summary_text.delta", **said})
        events.append({"type": "response.output_item.done", "output_index": at, "item": item})
    done = {**RESPONSES.answer, "output": list(items)}
    events.append({"type": "response.completed", "response": done})
    return sse(*(event({**each, "sequence_number": number}) for number, each in enumerate(events)))


def turns(copy="1"):
    """What the upstream answers: calls side by side, a call after results, the end."""
    return (
        (reasoning("a", "Ulm or Bonn?", copy), text("I look."), call("a"), call("b")),
        (reasoning("c", copy=copy), call("c")),
        (text("Sunny."),),
    )


def without_ids(items):
    """Reasoning and calls, by what tells them from others."""
    known = [item for item in items if item.get("type") in {"reasoning", "function_call"}]
    return [item.get("encrypted_content") or item["call_id"] for item in known]


class Dropping:
    """A Chat client that knows a message's role, content and calls, and no other field."""

    voice = CHAT

    def __init__(self, stream):
        self.stream = stream
        self.history = [{"role": "user", "content": "The weather?"}]

    def fields(self):
        function = {"type": "function", "function": {"name": "look", "parameters": PARAMETERS}}
        return {"messages": self.history, "tools": [function], "stream": self.stream}

    def take(self, answer):
        said, calls = self._streamed(answer) if self.stream else self._whole(answer)
        kept = [{name: each[name] for name in ("id", "type", "function")} for each in calls]
        tools = {"tool_calls": kept} if kept else {}
        self.history.append({"role": "assistant", "content": said, **tools})
        for each in kept:
            self.history.append({"role": "tool", "tool_call_id": each["id"], "content": "sunny"})

    def _whole(self, answer):
        message = answer.json()["choices"][0]["message"]
        return message["content"], message.get("tool_calls", ())

    def _streamed(self, answer):
        deltas = [each["choices"][0]["delta"] for each in answer.events[:-1] if each["choices"]]
        pieces = [piece for delta in deltas for piece in delta.get("tool_calls", ())]
        calls = {}
        for piece in pieces:
            known = calls.setdefault(piece["index"], piece)
            if known is not piece:
                known["function"]["arguments"] += piece["function"]["arguments"]
        return "".join(delta.get("content") or "" for delta in deltas), list(calls.values())


class Stripping:
    """A Gemini client that leaves out thoughts and what is empty, as Gemini CLI does."""

    voice = GEMINI

    def __init__(self, stream):
        self.stream = stream
        self.history = [{"role": "user", "parts": [{"text": "The weather?"}]}]

    def fields(self):
        declared = [{"name": "look", "parametersJsonSchema": PARAMETERS}]
        tools = [{"functionDeclarations": declared}]
        return {"contents": self.history, "tools": tools, "stream": self.stream}

    def take(self, answer):
        told = answer.events if self.stream else [answer.json()]
        parts = [part for each in told for part in each["candidates"][0]["content"]["parts"]]
        kept = [part for part in parts if not part.get("thought") and part != {"text": ""}]
        self.history.append({"role": "model", "parts": kept})
        calls = [part["functionCall"] for part in kept if "functionCall" in part]
        named = [{"id": each["id"], "name": each["name"], "response": {"output": "sunny"}} for each in calls]
        if named:
            results = [{"functionResponse": each} for each in named]
            self.history.append({"role": "user", "parts": results})


class Returning:
    """A Messages client, which sends everything back."""

    voice = ANTHROPIC

    def __init__(self, stream):
        self.stream = stream
        self.history = [{"role": "user", "content": "The weather?"}]

    def fields(self):
        tools = [{"name": "look", "input_schema": PARAMETERS}]
        return {"messages": self.history, "tools": tools, "stream": self.stream}

    def take(self, answer):
        content = self._streamed(answer) if self.stream else answer.json()["content"]
        self.history.append({"role": "assistant", "content": content})
        used = [block["id"] for block in content if block["type"] == "tool_use"]
        results = [{"type": "tool_result", "tool_use_id": each, "content": "sunny"} for each in used]
        if results:
            self.history.append({"role": "user", "content": results})

    def _streamed(self, answer):
        blocks = []
        for each in answer.events:
            if each["type"] == "content_block_start":
                blocks.append(dict(each["content_block"]))
            elif each["type"] == "content_block_delta":
                for name, value in each["delta"].items():
                    if name not in {"type", "partial_json"}:
                        blocks[-1][name] = blocks[-1].get(name, "") + value
        return blocks


async def converse(client, gateway, answers, backend="openai_responses"):
    for _ in answers:
        client.take(await gateway.ask(client.voice, backend=backend, **client.fields()))


def sent_back(server):
    """What the last request has of reasoning and calls."""
    return without_ids(server.requests[-1].json()["input"])


ALL = ["gAAAAA/a+opaque==", "call_a", "call_b", "gAAAAA/c+opaque==", "call_c"]
STREAMS = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
CLIENTS = pytest.mark.parametrize("client", [Dropping, Stripping, Returning])
FORGETFUL = pytest.mark.parametrize("client", [Dropping, Stripping])


@STREAMS
@CLIENTS
def test_reasoning_before_calls_comes_back_once_whatever_the_client_keeps(client, stream):
    async def scenario():
        reply = streamed if stream else whole
        answers = turns()
        async with (
            Upstream(*(reply(*items) for items in answers)) as server,
            rig(openai_responses=server) as at,
        ):
            await converse(client(stream), at, answers)

            assert sent_back(server) == ALL
            first = server.requests[-1].json()["input"][1]
            assert first == reasoning("a", "Ulm or Bonn?")

    run(scenario())


@STREAMS
@FORGETFUL
def test_the_same_conversation_again_is_no_other_one_though_its_items_have_other_names(client, stream):
    async def scenario():
        reply = streamed if stream else whole
        answers = [*turns("1"), *turns("2")]
        async with (
            Upstream(*(reply(*items) for items in answers)) as server,
            rig(openai_responses=server) as at,
        ):
            for _ in range(2):
                await converse(client(stream), at, turns())

                assert sent_back(server) == ALL

    run(scenario())


@STREAMS
@FORGETFUL
def test_a_like_call_that_another_provider_made_contests_nothing(client, stream):
    async def scenario():
        signed = {"type": "thinking", "thinking": "Ulm.", "signature": "EqQB+/signed=="}
        used = {"type": "tool_use", "id": "call_a", "name": "look", "input": {}}
        theirs = {**ANTHROPIC.answer, "content": [signed, used], "stop_reason": "tool_use"}
        reply = streamed if stream else whole
        answers = turns()
        async with (
            Upstream(always=json_reply(theirs)) as other,
            Upstream(*(reply(*items) for items in answers)) as server,
            rig(openai_responses=server, anthropic=other) as at,
        ):
            await converse(client(stream), at, answers[:1], backend="anthropic")
            await converse(client(stream), at, answers)

            assert sent_back(server) == ALL

    run(scenario())


@STREAMS
@FORGETFUL
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "nothing on disk"])
def test_a_restart_forgets_no_reasoning_unless_nothing_may_be_on_disk(client, stream, kept):
    async def scenario():
        reply = streamed if stream else whole
        answers, one = turns(), client(stream)
        settings = f"responses_store = {str(kept).lower()}"
        async with Upstream(*(reply(*items) for items in answers)) as server:
            for answer in answers:
                async with rig(openai_responses=server, settings=settings) as at:
                    await converse(one, at, [answer])

            assert sent_back(server) == (ALL if kept else ["call_a", "call_b", "call_c"])

    run(scenario())


def test_a_restart_forgets_no_signature_of_a_call():
    async def scenario():
        signed = {
            "functionCall": {"id": "call_a", "name": "look", "args": {}},
            "thoughtSignature": "c2lnbmVk",
        }
        content = {"role": "model", "parts": [signed]}
        called = {**GEMINI.answer, "candidates": [{"content": content, "finishReason": "STOP", "index": 0}]}
        client = Returning(stream=False)
        async with Upstream(json_reply(called), GEMINI.whole()) as server:
            for _ in range(2):
                async with rig(gemini=server) as at:
                    await converse(client, at, [None], backend="gemini")

            assert server.requests[-1].json()["contents"][1]["parts"] == [signed]

    run(scenario())

"""The real engine with the real model, behind the transport seam."""

import asyncio
import json
import os
import signal
import stat
import subprocess
import sys
import time
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

from pointsman.canon.errors import UnreachableError
from pointsman.config.paths import platform_cache
from pointsman.upstream.engine import EngineTransport
from pointsman.upstream.fake import FakeReply, FakeTransport
from pointsman.upstream.transport import DROPPED, Outgoing
from pointsman.upstream.weights import find
from pointsman.wire.headers import first

pytestmark = pytest.mark.engine

FREED_WHILE_WRITING = 1.0
FREED_WHILE_READING_THE_PROMPT = 3.0
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {
    "type": "function",
    "function": {"name": "get_weather", "description": "Weather", "parameters": CITY},
}
NOW = {"type": "function", "function": {"name": "now", "description": "The time"}}


@pytest.fixture(scope="session")
def model():
    file = find([platform_cache()])
    if file is None:
        reason = "the embedded model is not fetched; run `pointsman weights fetch`"
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    return str(file)


class Engine:
    """One engine on an event loop of its own."""

    def __init__(self, model):
        self.model = model
        self.runner = asyncio.Runner()
        self.transport = EngineTransport(FakeTransport())

    def run(self, steps):
        return self.runner.run(steps)

    async def send(self, path="/v1/chat/completions", /, method="POST", **body):
        data = json.dumps(body).encode() if body else b""
        url = "http://localhost" + path
        return await self.transport.send(Outgoing(method, url, (), data, engine=self.model))

    async def ask(self, path="/v1/chat/completions", /, **body):
        incoming = await self.send(path, **body)
        return incoming, await rest(incoming)

    def answer(self, path="/v1/chat/completions", /, **body):
        incoming, data = self.run(self.ask(path, **body))
        return incoming.status, json.loads(data)

    def frames(self, **body):
        _, data = self.run(self.ask(stream=True, **body))
        assert data.endswith(b"data: [DONE]\n\n")
        return [json.loads(line[6:]) for line in data.splitlines() if line.startswith(b"data: {")]

    async def seconds_until_free(self):
        """How long the engine goes on with what it was doing."""
        begin = time.monotonic()
        while await self.busy_slots():
            pass
        return time.monotonic() - begin

    async def busy_slots(self):
        slots = json.loads(await rest(await self.send("/slots", method="GET")))
        return sum(slot["is_processing"] for slot in slots)


async def rest(incoming):
    data = b""
    while piece := await incoming.read():
        data += piece
    await incoming.close()
    return data


@pytest.fixture(scope="module")
def engine(model):
    one = Engine(model)
    yield one
    one.run(one.transport.close())
    one.runner.close()


def crowd():
    """How many others want each core: seconds are promised for a machine that is not crowded."""
    load = os.getloadavg()[0] if hasattr(os, "getloadavg") else 0
    return max(1.0, load / (os.cpu_count() or 1))


def user(text):
    return [{"role": "user", "content": text}]


LONG_PROMPT = user(" ".join(f"word{number}" for number in range(900)))


def test_a_request_gets_an_answer_whole_and_as_a_stream(engine):
    request = {"messages": user("Name three fruits."), "temperature": 0, "max_tokens": 12, "model": "local"}

    status, whole = engine.answer(**request)
    frames = engine.frames(**request, stream_options={"include_usage": True})

    text = "".join(frame["choices"][0]["delta"].get("content") or "" for frame in frames if frame["choices"])
    assert status == 200
    assert whole["choices"][0]["message"]["content"] == text != ""
    assert whole["choices"][0]["finish_reason"] == "length"
    assert whole["usage"]["completion_tokens"] == frames[-1]["usage"]["completion_tokens"] == 12
    assert whole["model"] == "smollm2-135m-instruct"


def test_a_text_completion_gets_an_answer(engine):
    status, answer = engine.answer("/v1/completions", prompt="Once upon a", max_tokens=4, temperature=0)

    assert status == 200
    assert answer["object"] == "text_completion"
    assert answer["choices"][0]["text"]


def test_tokens_are_counted_exactly(engine):
    status, answer = engine.answer("/tokenize", content="hello you")

    assert status == 200
    assert len(answer["tokens"]) == 2


@pytest.mark.parametrize(
    "choice", ["required", {"type": "function", "function": {"name": "get_weather"}}], ids=["any", "named"]
)
def test_a_forced_tool_is_called_with_arguments_in_its_schema(engine, choice):
    request = {"messages": user("What is the weather in Paris?"), "tools": [WEATHER], "tool_choice": choice}
    request |= {"temperature": 0, "max_tokens": 60}

    _, whole = engine.answer(**request)
    frames = engine.frames(**request)

    (call,) = whole["choices"][0]["message"]["tool_calls"]
    deltas = [part for frame in frames for part in frame["choices"][0]["delta"].get("tool_calls", [])]
    streamed = "".join(delta["function"]["arguments"] for delta in deltas)
    assert whole["choices"][0]["finish_reason"] == frames[-1]["choices"][0]["finish_reason"] == "tool_calls"
    assert call["function"]["name"] == deltas[0]["function"]["name"] == "get_weather"
    assert list(json.loads(call["function"]["arguments"])) == list(json.loads(streamed)) == ["city"]


def test_among_several_tools_one_is_called(engine):
    request = {"messages": user("What time is it?"), "tools": [WEATHER, NOW], "tool_choice": "required"}

    _, whole = engine.answer(**request, temperature=0, max_tokens=80)

    (call,) = whole["choices"][0]["message"]["tool_calls"]
    assert call["function"]["name"] in {"get_weather", "now"}
    assert isinstance(json.loads(call["function"]["arguments"]), dict)


def test_tools_that_nothing_forces_are_said_to_be_dropped(engine):
    incoming, data = engine.run(engine.ask(messages=user("Hi"), tools=[WEATHER], max_tokens=2))

    assert json.loads(data)["choices"][0]["message"]["content"]
    assert first(incoming.headers, DROPPED) == "tools"


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_json_schema_is_enforced(engine, capfd, stream):
    pattern = {"type": "string", "pattern": r"^\d{3}$"}
    schema = {"type": "object", "properties": {"kind": {"enum": ["zebra"]}, "code": pattern}}
    schema |= {"required": ["kind", "code"], "additionalProperties": False}
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": schema, "strict": True}}
    request = {"messages": user("Tell a joke."), "response_format": form, "max_tokens": 60}

    if stream:
        parts = [frame["choices"][0]["delta"].get("content") or "" for frame in engine.frames(**request)]
        answer = json.loads("".join(parts))
    else:
        answer = json.loads(engine.answer(**request)[1]["choices"][0]["message"]["content"])

    assert answer["kind"] == "zebra"
    assert len(answer["code"]) == 3
    assert answer["code"].isdecimal()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ({"messages": user("word " * 9000)}, "context size"),
        ({"messages": user([{"type": "image_url", "image_url": {"url": "x"}}])}, "reads text only"),
        ({"messages": user("x"), "tools": [WEATHER], "tool_choice": {"function": {"name": "no"}}}, "no such"),
        ({"messages": user("x"), "max_tokens": "many"}, "max_tokens"),
        (
            {
                "messages": user("x"),
                "response_format": {"type": "json_schema", "json_schema": {"schema": {"type": "wat"}}},
            },
            "cannot be held to the schema in `response_format`",
        ),
    ],
)
def test_what_the_engine_cannot_do_is_a_clear_400(engine, body, said):
    status, answer = engine.answer(**body)

    assert status == 400
    assert said in answer["error"]["message"]
    assert answer["error"]["type"] == "invalid_request_error"
    assert not isinstance(answer["error"]["code"], int)


def schema_asked(schema):
    return {"type": "json_schema", "json_schema": {"name": "x", "schema": schema}}


def nested(levels):
    schema = {"type": "string"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    return schema


TREE = {"type": "object", "properties": {"c": {"type": "array", "items": {"$ref": "#"}}}, "required": ["c"]}


@pytest.mark.parametrize(
    ("schema", "accepts"),
    [
        ({"enum": [f"value-{n}" for n in range(20_000)]}, lambda value: value.startswith("value-")),
        ({"enum": [None, 7, {"a": [1]}]}, lambda value: value in (None, 7, {"a": [1]})),
        ({"type": "integer", "minimum": 3, "maximum": 5, "multipleOf": 2}, lambda value: value == 4),
        (
            {"type": "object", "properties": {"größe": {"const": "naïve 😀"}}, "required": ["größe"]},
            lambda value: value == {"größe": "naïve 😀"},
        ),
        (
            {
                "allOf": [{"$ref": "#/$defs/a"}, {"properties": {"z": {"const": 1}}, "required": ["z"]}],
                "$defs": {"a": {"type": "object", "properties": {"y": {"const": 2}}, "required": ["y"]}},
                "additionalProperties": True,
            },
            lambda value: value["y"] == 2 and value["z"] == 1,
        ),
    ],
    ids=["huge enum", "mixed enum", "numbers", "unicode", "allOf"],
)
def test_schemas_that_are_large_or_odd_are_enforced(engine, schema, accepts):
    status, answer = engine.answer(
        messages=user("Answer."), max_tokens=40, stop=["}\n"], response_format=schema_asked(schema)
    )
    text = answer["choices"][0]["message"]["content"]

    assert status == 200
    assert (
        accepts(json.JSONDecoder().raw_decode(text)[0]) if text.count("}") == text.count("{") else "{" in text
    )


def test_a_schema_may_refer_to_itself(engine):
    tool = {"type": "function", "function": {"name": "plant", "parameters": TREE}}
    _, answer = engine.answer(messages=user("Go."), max_tokens=20, tools=[tool], tool_choice="required")

    assert answer["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"].startswith('{"c": [')


@pytest.mark.parametrize("form", ["format", "tool"])
@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "string", "minLength": 5, "maxLength": 2}, "nothing satisfies it"),
        ({"type": "integer", "minimum": 10, "maximum": 5}, "nothing satisfies it"),
        ({"type": "object", "properties": {"x": {"$ref": "#/$defs/no"}}}, "a reference"),
        ({"type": "object", "properties": {"x": {"$ref": "file:///etc/passwd"}}}, "a reference"),
        ({"$ref": "#/$defs/a", "$defs": {"a": {"$ref": "#/$defs/a"}}}, "a reference"),
        ({"type": "object", "properties": {"x": {"type": 5}}}, "no valid JSON Schema"),
        ({"type": "object", "properties": {f"p{n}": {} for n in range(1000)}}, "more than 400 members"),
        (nested(100), "more than 64 levels"),
        (nested(300), "more than 64 levels"),
    ],
    ids=["lengths", "bounds", "no definition", "file", "circle", "type", "members", "deep", "deeper"],
)
def test_a_schema_that_the_grammar_cannot_take_is_a_clear_400_at_once(engine, schema, said, form):
    tool = {"type": "function", "function": {"name": "f", "parameters": schema}}
    if form == "tool":
        asked = {"tools": [tool], "tool_choice": "required"}
    else:
        asked = {"response_format": schema_asked(schema)}

    status, answer = engine.answer(messages=user("Hi"), max_tokens=9, **asked)

    assert status == 400
    assert said in answer["error"]["message"]
    assert ("tools" if form == "tool" else "response_format") in answer["error"]["message"]


def test_what_of_a_schema_is_not_enforced_is_reported_and_nothing_else(engine):
    async def losses(schema):
        incoming = await engine.send(
            messages=user("Hi"), max_tokens=3, stream=True, response_format=schema_asked(schema)
        )
        await rest(incoming)
        return dict(incoming.headers).get(DROPPED)

    assert engine.run(losses({"type": "array", "uniqueItems": True})) == "response_format.uniqueItems"
    assert engine.run(losses({"type": "string", "format": "uri"})) == "response_format.format"
    assert engine.run(losses({"type": "string", "pattern": "a+", "minLength": 1})) is None


def test_embeddings_are_said_to_be_missing(engine):
    status, answer = engine.answer("/v1/embeddings", input="x")

    assert status == 501
    assert "embeddings" in answer["error"]["message"]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_client_that_leaves_while_the_engine_writes_frees_it_within_a_second(engine, stream):
    endless = {
        "messages": user("Write a long story."),
        "max_tokens": 4000,
        "ignore_eos": True,
        "stream": stream,
    }

    async def leave():
        if stream:
            incoming = await engine.send(**endless)
            await incoming.read()
            await incoming.close()
        else:
            with pytest.raises(TimeoutError):
                async with asyncio.timeout(1.0):
                    await engine.send(**endless)
        return await engine.seconds_until_free()

    assert engine.run(leave()) < FREED_WHILE_WRITING * crowd()


async def begin_long_prompt(engine, stream):
    """Leaves after a second, which is not enough for the prompt."""
    async with asyncio.timeout(1.0):
        incoming = await engine.send(messages=LONG_PROMPT, max_tokens=2, stream=stream)
        try:
            await incoming.read()
        finally:
            await incoming.close()


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_client_that_leaves_during_its_prompt_frees_the_engine_within_three_seconds(engine, stream):
    # Another stream goes on beside it: its answers must not keep the engine from noticing.
    async def leave():
        neighbour = await engine.send(
            messages=user("Write a story."), max_tokens=4000, ignore_eos=True, stream=True
        )
        await neighbour.read()
        with pytest.raises(TimeoutError):
            await begin_long_prompt(engine, stream)
        begin = time.monotonic()
        while await engine.busy_slots() > 1:
            await neighbour.read()
        freed = time.monotonic() - begin
        await neighbour.close()
        await engine.seconds_until_free()
        return freed

    assert engine.run(leave()) < FREED_WHILE_READING_THE_PROMPT * crowd()


def test_nobody_else_can_ask_the_engine(engine):
    engine.answer(messages=user("Hi"), max_tokens=1)
    running = engine.run(engine.transport._engine(engine.model))
    socket = Path(running.address.removeprefix("unix://"))

    assert stat.S_IMODE(socket.stat().st_mode) == 0o600
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    assert len(running.key) >= 32


def test_the_engine_takes_no_signal_away(engine):
    engine.answer(messages=user("Hi"), max_tokens=1)
    caught = []
    before = signal.signal(signal.SIGTERM, lambda number, _: caught.append(number))

    os.kill(os.getpid(), signal.SIGTERM)
    signal.signal(signal.SIGTERM, before)

    assert caught == [signal.SIGTERM]


def test_requests_at_once_share_one_engine(model):
    async def ask_twice():
        one = Engine.__new__(Engine)
        one.model, one.transport = model, EngineTransport(FakeTransport())
        asks = [one.ask(messages=user("Hi"), max_tokens=2) for _ in range(3)]
        answers = await asyncio.gather(*asks)
        running = len(one.transport._loading)
        await one.transport.close()
        return [incoming.status for incoming, _ in answers], running

    assert asyncio.run(ask_twice()) == ([200, 200, 200], 1)


def test_a_request_without_a_model_file_goes_to_the_network():
    async def send():
        network = FakeTransport(FakeReply(b"from the network"))
        transport = EngineTransport(network)
        incoming = await transport.send(Outgoing("GET", "http://elsewhere/", ()))
        data = await rest(incoming)
        await transport.close()
        return data

    assert asyncio.run(send()) == b"from the network"


@pytest.mark.parametrize(
    ("content", "said"),
    [(None, "no model file"), (b"no model", "not a whole GGUF"), ("cut", "cannot load")],
    ids=["missing", "other", "cut"],
)
def test_a_broken_model_file_is_a_clear_error_each_time(model, tmp_path, capfd, content, said):
    file = tmp_path / "broken.gguf"
    if content == "cut":
        with open(model, "rb") as whole:
            content = whole.read(3_000_000)
    if content is not None:
        file.write_bytes(content)

    async def ask_twice():
        transport = EngineTransport(FakeTransport())
        for _ in range(2):
            with pytest.raises(UnreachableError, match=said):
                await transport.send(Outgoing("GET", "http://localhost/slots", (), engine=str(file)))
        await transport.close()

    asyncio.run(ask_twice())
    assert capfd.readouterr().err == ""


ABANDON = """
import asyncio, sys
from pointsman.upstream.engine import EngineTransport
from pointsman.upstream.fake import FakeTransport
from pointsman.upstream.transport import Outgoing

async def main():
    transport = EngineTransport(FakeTransport())
    body = b'{"messages":[{"role":"user","content":"Tell me"}],"stream":true,"ignore_eos":true}'
    incoming = await transport.send(
        Outgoing("POST", "http://localhost/v1/chat/completions", (), body, engine=sys.argv[1])
    )
    print((await incoming.read())[:6])
    if sys.argv[2] == "close":
        await transport.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("end", ["close", "abandon"])
def test_the_process_ends_at_once_with_a_request_under_way(model, end):
    ended = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", ABANDON, model, end],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip

    assert ended.returncode == 0
    assert ended.stdout.strip() == "b'data: '"
    assert "llama" not in ended.stderr


def test_without_unix_sockets_a_random_key_guards_a_loopback_port(model, monkeypatch):
    monkeypatch.setattr("pointsman.upstream.engine_server._own_folder", lambda: None)
    one = Engine(model)

    status, _ = one.answer(messages=user("Hi"), max_tokens=1)
    address = one.run(one.transport._engine(model)).address
    with pytest.raises(HTTPError) as refused:
        urlopen(address + "/slots", timeout=5)
    refused.value.close()
    one.run(one.transport.close())
    one.runner.close()

    assert status == 200
    assert address.startswith("http://127.0.0.1:")
    assert refused.value.code == 401

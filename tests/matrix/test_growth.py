"""Large messages: the work for one grows with its size and no faster, and so does the memory that it takes.

Steps are counted, lines of Python and calls of whatever kind, because seconds tell more of the machine.
"""

import json
import sys
import tracemalloc

import pytest
from msgspec import structs

from matrix.crossing import ASKED, ORIGIN, target
from pointsman.canon.blocks import Base64Source, Image, Text, Thinking, ToolCall, ToolResult
from pointsman.canon.errors import PointsmanError
from pointsman.canon.events import (
    Answer,
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    Choice,
    MessageEnd,
    MessageStart,
    Stop,
    TextDelta,
    ThinkingDelta,
)
from pointsman.canon.request import Message, Request, Tool
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.estimate import estimate
from pointsman.wire.json import decode_object, encode

MEGABYTE = 1024 * 1024
MANY = 60
"""Items of the smaller message; the larger one has twice as many."""
LITTLE_MORE = 2.3
"""Twice the work, and what a few odd steps add."""

each_dialect = pytest.mark.parametrize("name", DIALECTS)


def steps_of(run):
    """Lines of Python and calls that it takes."""
    steps = 0

    def trace(frame, event, _):
        nonlocal steps
        steps += 1
        return trace

    def profile(frame, event, _):
        nonlocal steps
        steps += event == "c_call"

    sys.setprofile(profile)
    sys.settrace(trace)
    try:
        run()
    finally:
        sys.settrace(None)
        sys.setprofile(None)
    return steps


def assert_in_proportion(run):
    """Twice the items are twice the work; what is done once is done before."""
    run(2)
    once, twice = steps_of(lambda: run(MANY)), steps_of(lambda: run(2 * MANY))

    assert twice < LITTLE_MORE * once


def turns(count):
    """A conversation with pictures, calls and their results."""
    picture = Image(Base64Source("image/png", "aGk="))
    for number in range(count):
        call = ToolCall(f"call_{number}", f"f_{number % 7}", '{"n":1}')
        yield Message("user", (Text(f"Question {number}"), picture))
        yield Message("assistant", (Thinking("Hm."), Text("So."), call))
        yield Message("tool", (ToolResult(call.id, (Text("One."),)),))


def schema(count):
    return {"type": "object", "properties": {f"p{n}": {"type": "string", "title": "t"} for n in range(count)}}


REQUESTS = {
    "turns": lambda count: {"messages": tuple(turns(count))},
    "tools": lambda count: {"tools": tuple(Tool(f"f.{n}", "does", schema(1)) for n in range(count))},
    "properties": lambda count: {"tools": (Tool("f", "does", schema(count)),)},
    "parts": lambda count: {"messages": (Message("user", tuple(Text(f"p{n}") for n in range(count))),)},
}


def request(name, kind, count):
    """A request of that dialect with so many of something, as its clients would send it."""
    plain = Request("", "m", (Message("user", (Text("Hello"),)),), max_tokens=99)
    return DIALECTS[name].encode_request(structs.replace(plain, **REQUESTS[kind](count)), target()).body


@pytest.mark.parametrize("kind", REQUESTS)
@each_dialect
def test_a_request_with_twice_as_much_is_twice_the_work(name, kind):
    def carry(count):
        body = encode(request(name, kind, count))
        decoded = DIALECTS[name].decode_request(decode_object(body))
        estimate(decoded)
        for to in DIALECTS.values():
            encode(to.encode_request(decoded, target(tool_name_charset="a-z0-9_", tool_name_limit=9)).body)

    assert_in_proportion(carry)


ANSWERS = {
    "texts": lambda number: Text(f"Text {number}."),
    "calls": lambda number: ToolCall(f"call_{number}", "f", '{"n":1}'),
    "thoughts": lambda number: Thinking(f"Thought {number}."),
}


@pytest.mark.parametrize("kind", ANSWERS)
@each_dialect
def test_an_answer_of_twice_as_many_blocks_is_twice_the_work(name, kind):
    def carry(count):
        blocks = tuple(ANSWERS[kind](number) for number in range(count))
        answer = Answer("id", "m", 1, (Choice(blocks, Stop("end")),))
        events = list(DIALECTS[name].whole(DIALECTS[name].fold(answer, ASKED), ORIGIN))
        for to in DIALECTS.values():
            encoder = to.encoder(ASKED)
            stream = b"".join(map(encoder.encode, events)) + encoder.close()
            decoder = to.decoder(ORIGIN)
            to.fold(gather([*decoder.feed(stream), *decoder.close()]), ASKED)

    assert_in_proportion(carry)


PIECES = {
    "text": (Text(""), TextDelta),
    "thinking": (Thinking(""), ThinkingDelta),
    "arguments": (ToolCall("call_1", "f"), ArgumentsDelta),
}


def large(name, kind, size):
    """A stream of that dialect with one event of this size."""
    block, piece = PIECES[kind]
    said = (
        json.dumps({"text": "é" * (size // 2)}, ensure_ascii=False)
        if kind == "arguments"
        else "é" * (size // 2)
    )
    encoder = DIALECTS[name].encoder(ASKED)
    events = [MessageStart("id", "m", 1), BlockStart(0, block), piece(0, said), BlockEnd(0), Stop("end")]
    return b"".join(map(encoder.encode, [*events, MessageEnd()])) + encoder.close()


@pytest.mark.parametrize("kind", PIECES)
@each_dialect
def test_an_event_of_a_megabyte_takes_no_more_steps_than_a_small_one(name, kind):
    def carry(stream):
        decoder = DIALECTS[name].decoder(ORIGIN)
        events = [*decoder.feed(stream), *decoder.close()]
        for to in DIALECTS.values():
            encoder = to.encoder(ASKED)
            for event in events:
                encoder.encode(event)
            encoder.close()

    small, huge = large(name, kind, 8), large(name, kind, MEGABYTE)
    carry(small)

    # Chunks of some size are written and read one by one: a step for each of a few hundred bytes would show.
    assert steps_of(lambda: carry(huge)) < steps_of(lambda: carry(small)) + 3000


@pytest.mark.parametrize("kind", PIECES)
@each_dialect
def test_an_event_of_a_megabyte_takes_memory_in_proportion(name, kind):
    stream = large(name, kind, MEGABYTE)
    decoder = DIALECTS[name].decoder(ORIGIN)
    tracemalloc.start()
    try:
        for at in range(0, len(stream), 65536):
            decoder.feed(stream[at : at + 65536])
        decoder.close()
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 12 * len(stream)


@each_dialect
def test_a_stream_that_says_nothing_for_ever_is_not_kept(name):
    dialect = DIALECTS[name]
    decoder = dialect.decoder(ORIGIN)
    nothing = (b": still here\n\n" + b"\n" * 10 + dialect.ping + b"event: x\n\n") * 500
    decoder.feed(nothing)
    tracemalloc.start()
    try:
        for _ in range(40):
            decoder.feed(nothing)
        kept = tracemalloc.get_traced_memory()[0]
    finally:
        tracemalloc.stop()

    assert kept < 20_000


@each_dialect
def test_a_frame_without_end_is_refused_at_its_limit(name):
    decoder = DIALECTS[name].decoder(ORIGIN)
    piece = b"x" * MEGABYTE

    def feed_for_ever():
        decoder.feed(b'data: {"')
        for _ in range(64):
            decoder.feed(piece)

    with pytest.raises(PointsmanError, match="bytes"):
        feed_for_ever()

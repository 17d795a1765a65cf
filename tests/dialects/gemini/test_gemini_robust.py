"""Long, deep and tiny things take time in proportion to their size, and nothing crashes the reader."""

import json
import sys

import pytest

from dialects.laws import ASKED, events_of
from pointsman.canon.errors import GarbledError, MalformedError, TruncatedError
from pointsman.canon.events import ArgumentsDelta, MessageEnd, TextDelta
from pointsman.canon.traits import Target
from pointsman.dialects.dialect import UNREADABLE, Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.gemini import DIALECT
from pointsman.wire.json import decode_object, encode


def response(parts, **more):
    return {"candidates": [{"content": {"parts": parts, "role": "model"}, "index": 0, **more}]}


def stream(*responses):
    return b"".join(b"data: " + json.dumps(each).encode() + b"\n\n" for each in responses)


def calls_of(function):
    """How many calls it takes."""
    done = 0

    def count(frame, event, argument):
        nonlocal done
        done += event == "call"

    sys.setprofile(count)
    try:
        function()
    finally:
        sys.setprofile(None)
    return done


def test_a_hundred_thousand_tiny_events_are_read_and_written():
    tiny = stream(response([{"text": "x"}]))
    data = tiny * 100_000 + stream(response([{"text": ""}], finishReason="STOP"))
    decoder, encoder = DIALECT.decoder(Origin()), DIALECT.encoder(ASKED)

    events = list(decoder.feed(data))
    written = sum(len(encoder.encode(event)) for event in events)
    events += decoder.close()

    assert sum(type(event) is TextDelta for event in events) == 100_001
    assert written > 100_000 * 60
    assert gather(events).choices[0].blocks[0].text == "x" * 100_000


@pytest.mark.parametrize("form", ["events", "array"])
def test_twice_the_events_are_twice_the_work(form):
    def read(count):
        tiny = json.dumps(response([{"text": "x"}])).encode()
        data = b"data: " + tiny + b"\n\n" if form == "events" else tiny + b","
        decoder = DIALECT.decoder(Origin())
        list(decoder.feed(b"" if form == "events" else b"["))
        for _ in range(count):
            list(decoder.feed(data))

    once, twice = calls_of(lambda: read(200)), calls_of(lambda: read(400))

    assert twice < 2.1 * once


def test_huge_arguments_come_as_one_object():
    arguments = {"text": "line\n" * 200_000}

    events = events_of(
        DIALECT, stream(response([{"functionCall": {"name": "f", "args": arguments}}], finishReason="STOP"))
    )

    told = [event.text for event in events if type(event) is ArgumentsDelta]
    assert json.loads("".join(told)) == arguments


@pytest.mark.parametrize("depth", [50, 400, 900, 5_000, 200_000])
def test_deep_nesting_is_read_or_refused(depth):
    deep = (
        b'{"contents":[{"parts":[{"functionCall":{"name":"f","args":' + b'{"a":' * depth + b"1" + b"}" * depth
    )
    body = deep + b"}}]}]}"

    try:
        request = DIALECT.decode_request(decode_object(body))
        assert encode(DIALECT.encode_request(request, Target("m", "")).body)
    except MalformedError as error:
        assert depth > 50, error  # noqa: PT017 - few are refused


def test_a_deep_schema_stays_as_it_came_below_a_depth():
    schema = {"type": "STRING"}
    for _ in range(150):
        schema = {"type": "OBJECT", "properties": {"a": schema}}
    body = {
        "contents": {"parts": {"text": "x"}},
        "tools": [{"functionDeclarations": [{"name": "f", "parameters": schema}]}],
    }

    tool = DIALECT.decode_request(body).tools[0]

    assert tool.schema["type"] == "object"
    assert "OBJECT" in json.dumps(tool.schema)


@pytest.mark.parametrize(
    "frame",
    [
        {"candidates": 5},
        {"candidates": [5]},
        response("x"),
        response([5]),
        response([{"functionCall": 5}]),
        response([{"text": 5}]),
        [],
    ],
)
def test_a_response_that_is_none_is_garbled_and_passed_over_by_a_tap(frame):
    data = stream(frame)

    with pytest.raises(GarbledError):
        list(DIALECT.decoder(Origin()).feed(data))
    passed = list(DIALECT.decoder(Origin(lenient=True)).feed(data))
    assert [event.name for event in passed if hasattr(event, "name")] == [UNREADABLE]


def test_a_stream_of_nothing_but_blanks_is_cut_and_kept_small():
    decoder = DIALECT.decoder(Origin())
    for _ in range(1000):
        assert list(decoder.feed(b"\n" * 1000)) == []

    with pytest.raises(TruncatedError):
        list(decoder.close())


def test_candidates_may_be_numbered_as_high_as_they_like():
    data = stream(
        {"candidates": [{"index": 2**60, "content": {"parts": [{"text": "x"}]}, "finishReason": "STOP"}]}
    )

    events = events_of(DIALECT, data)

    assert type(events[-1]) is MessageEnd
    assert len(gather(events).choices) == 1

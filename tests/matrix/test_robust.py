"""Whatever comes in, a codec answers with a value or an error of ours, in proportion to its size."""

import sys

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from matrix.crossing import ASKED, ORIGIN, PAIRS, target
from matrix.mutation import bodies, streams
from pointsman.canon.blocks import Text, Thinking, ToolCall
from pointsman.canon.errors import RequestError, UpstreamError
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    Failure,
    MessageEnd,
    MessageStart,
    Stop,
    TextDelta,
    ThinkingDelta,
)
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS
from pointsman.wire.json import encode

each_dialect = pytest.mark.parametrize("name", DIALECTS)
each_pair = pytest.mark.parametrize(("source", "to"), PAIRS)
some = settings(max_examples=40, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))


@each_pair
@some
@given(data=st.data())
def test_a_changed_request_is_translated_or_refused(source, to, data):
    body = data.draw(bodies(source, "requests"))

    try:
        encoded = DIALECTS[to].encode_request(DIALECTS[source].decode_request(body), target())
        encode(encoded.body)
    except RequestError as error:
        assert str(error)  # noqa: PT017 - most are taken


def assert_said(to, events):
    """The events have a form for a client, streamed and whole."""
    encoder = DIALECTS[to].encoder(ASKED)
    for event in events:
        encoder.encode(event)
        DIALECTS[to].answer_losses(event)
    encoder.close()
    if not any(isinstance(event, Failure) for event in events):
        encode(DIALECTS[to].fold(gather(events), ASKED))


@each_pair
@some
@given(data=st.data())
def test_a_changed_answer_is_told_or_refused(source, to, data):
    body = data.draw(bodies(source, "answers"))

    try:
        assert_said(to, list(DIALECTS[source].whole(body, ORIGIN)))
    except UpstreamError as error:
        assert str(error)  # noqa: PT017 - most are taken


@each_pair
@some
@given(data=st.data())
def test_a_changed_stream_is_told_or_refused(source, to, data):
    stream = data.draw(streams(source))
    decoder = DIALECTS[source].decoder(ORIGIN)

    try:
        assert_said(to, [*decoder.feed(stream), *decoder.close()])
    except UpstreamError as error:
        assert str(error)  # noqa: PT017 - most are taken


@each_dialect
@some
@given(pieces=st.lists(st.binary(max_size=40) | st.sampled_from([b"data:", b"\n\n", b"event: ", b"{}"])))
def test_any_bytes_are_read_or_refused(name, pieces):
    decoder = DIALECTS[name].decoder(ORIGIN)

    def read():
        for piece in pieces:
            list(decoder.feed(piece))
        list(decoder.close())

    with pytest.raises(UpstreamError):
        read()


@each_pair
@some
@given(body=st.binary(max_size=60), status=st.integers(100, 599), wait=st.text(max_size=9))
def test_any_body_of_an_error_is_an_error(source, to, body, status, wait):
    headers = (("retry-after", wait), ("date", wait))

    fault = DIALECTS[source].parse_error(status, headers, body)

    assert fault.message
    assert encode(DIALECTS[to].render_error(fault, "req_0"))
    assert DIALECTS[to].error_frame(fault, "").endswith(b"\n\n")


@each_pair
@some
@given(data=st.data())
def test_a_changed_error_is_an_error(source, to, data):
    body = data.draw(bodies("anthropic", "errors"))

    fault = DIALECTS[source].parse_error(500, (), encode(body))

    assert fault.message
    assert encode(DIALECTS[to].render_error(fault, "req_0"))


def long_answer(block, delta, count):
    """An answer of one block in this many pieces."""
    yield MessageStart("id", "m", 1)
    yield BlockStart(0, block)
    yield from (delta(0, "abcdefg ") for _ in range(count))
    yield BlockEnd(0)
    yield Stop("end")
    yield MessageEnd()


def work(source, to, stream):
    """What it takes to translate a stream: calls, and the text that is handed to them."""
    done = 0

    def count(frame, event, argument):
        nonlocal done
        if event == "call":
            given = frame.f_locals.values()
            done += 1 + sum(len(value) for value in given if isinstance(value, bytes | bytearray | str))

    decoder, encoder = DIALECTS[source].decoder(ORIGIN), DIALECTS[to].encoder(ASKED)
    events = []
    sys.setprofile(count)
    try:
        for at in range(0, len(stream), 100):
            for event in decoder.feed(stream[at : at + 100]):
                encoder.encode(event)
                events.append(event)
        gather([*events, *decoder.close()])
    finally:
        sys.setprofile(None)
    return done


BLOCKS = {
    "text": (Text(""), TextDelta),
    "thinking": (Thinking(""), ThinkingDelta),
    "arguments": (ToolCall("call_1", "f"), ArgumentsDelta),
}


@each_pair
@pytest.mark.parametrize("kind", BLOCKS)
def test_twice_the_stream_is_twice_the_work(source, to, kind):
    block, delta = BLOCKS[kind]

    def stream_of(count):
        encoder = DIALECTS[source].encoder(ASKED)
        written = b"".join(encoder.encode(event) for event in long_answer(block, delta, count))
        return written + encoder.close()

    once, twice = work(source, to, stream_of(200)), work(source, to, stream_of(400))

    assert twice < 2.2 * once

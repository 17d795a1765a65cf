"""AWS event streams: read however they are cut, refused where they are damaged, and as server-sent events."""

import base64
import json
import struct
import sys
from datetime import UTC, datetime
from itertools import pairwise
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.canon.errors import GarbledError
from pointsman.wire.event_frames import EventFrames
from pointsman.wire.event_stream import Message, MessageReader, encode_message

some = settings(max_examples=60, deadline=None)
names = st.text("abc:-", min_size=1, max_size=12)
values = st.one_of(
    st.booleans(),
    st.integers(-(2**63), 2**63 - 1),
    st.binary(max_size=20),
    st.text(max_size=20),
    st.integers(0, 2**41).map(lambda ms: datetime.fromtimestamp(ms // 1000, UTC)),
)
messages = st.lists(
    st.builds(Message, st.dictionaries(names, values, max_size=4), st.binary(max_size=200)), max_size=4
)


def written(many):
    return b"".join(encode_message(each.headers, each.payload) for each in many)


def read(data, cuts=(), reader=None):
    reader = reader or MessageReader()
    bounds = [0, *sorted({min(cut, len(data)) for cut in cuts}), len(data)]
    return [message for start, end in pairwise(bounds) for message in reader.feed(data[start:end])]


def event(name, payload, kind="event"):
    return encode_message({f":{kind}-type": name, ":message-type": kind}, payload)


def raw(headers, payload=b""):
    """A message whose headers are bytes as they stand."""
    lengths = struct.pack(">II", 16 + len(headers) + len(payload), len(headers))
    body = lengths + struct.pack(">I", crc32(lengths)) + headers + payload
    return body + struct.pack(">I", crc32(body))


@some
@given(messages, st.lists(st.integers(0, 2000), max_size=6))
def test_messages_are_the_same_however_the_bytes_are_cut(many, cuts):
    reader = MessageReader()

    assert read(written(many), cuts, reader) == many
    assert not reader.begun()


def test_messages_are_the_same_byte_by_byte():
    many = [Message({":event-type": "a", "n": 1, "ö": True}, b"\x00payload"), Message({}, b"")]
    data = written(many)

    assert read(data, range(len(data))) == many


@some
@given(messages.filter(bool), st.data())
def test_no_message_with_a_changed_bit_is_taken_for_whole(many, data):
    stream = bytearray(written(many))
    place = data.draw(st.integers(0, len(stream) - 1))
    stream[place] ^= 1 << data.draw(st.integers(0, 7))

    try:
        found = read(bytes(stream))
    except GarbledError:
        return
    assert len(found) < len(many)
    assert found == many[: len(found)]


@some
@given(messages, st.data())
def test_half_a_message_is_seen_to_have_begun(many, data):
    stream = written([*many, Message({"a": 1}, b"last")])
    last = len(written(many))
    cut = data.draw(st.integers(last + 1, len(stream) - 1))
    reader = MessageReader()

    assert read(stream[:cut], (), reader) == many
    assert reader.begun()


def test_headers_of_every_type_are_read():
    when = struct.pack(">q", 1_700_000_000_000)
    values = [
        (b"\x00", True),
        (b"\x01", False),
        (b"\x02\xff", -1),
        (b"\x03\x01\x00", 256),
        (b"\x04\x00\x00\x00\x07", 7),
        (b"\x05" + struct.pack(">q", -9), -9),
        (b"\x06\x00\x02hi", b"hi"),
        (b"\x07\x00\x03\xc3\xb6!", "ö!"),
        (b"\x08" + when, datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC)),
        (b"\x09" + bytes(range(16)), bytes(range(16))),
    ]
    headers = b"".join(b"\x02h%d" % at + spelled for at, (spelled, _) in enumerate(values))

    (message,) = read(raw(headers))

    assert message.headers == {f"h{at}": value for at, (_, value) in enumerate(values)}


@pytest.mark.parametrize(
    "headers",
    [
        b"\x05abc",
        b"\x01a\x0a",
        b"\x01a\x07\x00\x09short",
        b"\x01a\x04\x00",
        b"\x01a\x09\x00",
        b"\x01a",
        b"\xff",
    ],
)
def test_headers_that_are_broken_are_refused(headers):
    with pytest.raises(GarbledError, match="header"):
        read(raw(headers))


def test_a_message_over_the_bound_is_refused_by_its_prelude_alone():
    prelude = struct.pack(">II", 2000, 0)

    with pytest.raises(GarbledError, match="2000 bytes"):
        MessageReader(max_message=1000).feed(prelude + struct.pack(">I", crc32(prelude)))


def test_a_message_that_is_shorter_than_its_parts_is_refused():
    prelude = struct.pack(">II", 20, 40)

    with pytest.raises(GarbledError, match="shorter"):
        MessageReader().feed(prelude + struct.pack(">I", crc32(prelude)))


def test_a_large_message_in_tiny_pieces_is_linear_work():
    def work(size):
        data, done = encode_message({}, b"x" * size), 0

        def count(frame, kind, argument):
            nonlocal done
            if kind in ("call", "c_call"):
                done += 1 + sum(len(each) for each in frame.f_locals.values() if isinstance(each, bytes))

        reader = MessageReader()
        sys.setprofile(count)
        try:
            for at in range(0, len(data), 50):
                reader.feed(data[at : at + 50])
        finally:
            sys.setprofile(None)
        return done

    assert work(40_000) < 2.3 * work(20_000)


def test_an_event_becomes_a_frame_with_its_name_and_its_payload():
    stream = event("messageStart", b'{"role":"assistant"}') + event(
        "messageStop", b'{\n "stopReason": "x"}\n'
    )

    assert EventFrames().feed(stream) == (
        b'event: messageStart\ndata: {"role":"assistant"}\n\n'
        b'event: messageStop\ndata: {  "stopReason": "x"}\n\n'
    )


def test_a_chunk_becomes_the_event_that_it_holds():
    inner = b'{"type":"content_block_stop","index":0}'
    payload = json.dumps({"bytes": base64.b64encode(inner).decode(), "p": "abcdefgh"}).encode()

    assert EventFrames().feed(event("chunk", payload)) == b"event: content_block_stop\ndata: %b\n\n" % inner


@pytest.mark.parametrize("payload", [b"{}", b"[]", b'{"bytes":"%%"}', b'{"bytes":"aGk="}', b"\xff"])
def test_a_chunk_that_holds_no_event_is_refused(payload):
    with pytest.raises(GarbledError, match="chunk"):
        EventFrames().feed(event("chunk", payload))


FAULT = {":message-type": "error", ":error-code": "Fault", ":error-message": "Broke."}


@pytest.mark.parametrize(
    ("message", "name", "text"),
    [
        (
            event("throttlingException", b'{"message":"Slow down."}', "exception"),
            "throttlingException",
            "Slow down.",
        ),
        (event("odd", b"plain words", "exception"), "odd", "plain words"),
        (
            encode_message(
                {":message-type": "error", ":error-code": "Fault", ":error-message": "Broke."}, b""
            ),
            "Fault",
            "Broke.",
        ),
    ],
)
def test_an_exception_becomes_an_error_event_that_names_it(message, name, text):
    frame = EventFrames().feed(message)

    head, data = frame.decode().strip().split("\n")
    assert head == "event: error"
    assert json.loads(data.removeprefix("data: ")) == {
        "type": "error",
        "error": {"type": name, "message": text},
    }

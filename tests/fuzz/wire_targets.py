"""The readers below the dialects: frames, JSON, envelopes, codings, fields, and the passage of a relay."""

import gzip
import json
import zlib
from collections.abc import Iterator

from fuzz.target import Target, corpus, die, pieces, unless_refused
from pointsman.canon.blocks import Native
from pointsman.canon.errors import GarbledError, MalformedError, RequestError
from pointsman.dialects.dialect import Origin
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.passage import Passage
from pointsman.wire.broken import finish_frame
from pointsman.wire.coding import decode_body
from pointsman.wire.envelope import seal, unseal
from pointsman.wire.headers import retry_after
from pointsman.wire.json import decode_object, decode_part, encode, holds_object, is_json, peek, replace
from pointsman.wire.sse import FrameReader, frame

SMALL = 4096
"""Bytes of a frame or a decoded body in these targets, so that their bounds are reached."""
ERROR = frame(b'{"type":"error","error":{"message":"it broke"}}', "error")


def read_frames(data: bytes) -> None:
    """Cut anywhere the frames are the same; none is larger than allowed."""
    outcomes = []
    for chunks in ([data], pieces(data)):
        reader = FrameReader(SMALL)
        try:
            found = [each for chunk in chunks for each in reader.feed(chunk)]
            outcomes.append(found + reader.close())
        except GarbledError:
            outcomes.append(None)
    assert outcomes[0] == outcomes[1]
    assert all(len(each.data) <= SMALL for each in outcomes[0] or ())


def read_json(data: bytes) -> None:
    """What is peeked at is what is decoded, and stays so when the model's name is replaced."""
    is_json(data)
    value = unless_refused(decode_object, data, by=MalformedError)
    peeked = unless_refused(peek, data, by=MalformedError)
    # A relay passes on numbers that nothing here could hold.
    assert peeked is None or value is not None or holds_object(data)
    if peeked is None or value is None:
        return
    assert list(peeked.members) == list(value)
    for name, span in peeked.members.items():
        member = decode_object(b'{"x":' + data[span.start : span.end] + b"}")["x"]
        assert encode(member) == encode(value[name])
    if "model" in peeked.members:
        replaced = peek(replace(data, peeked.members["model"], "other"))
        assert (replaced.model, list(replaced.members)) == ("other", list(value))
    assert decode_object(encode(value)) == value


def read_part(data: bytes) -> None:
    """One object of a stream, which can be written again."""
    value = unless_refused(decode_part, data, by=MalformedError)
    assert value is None or decode_object(encode(value)) == json.loads(encode(value))


def read_envelope(data: bytes) -> None:
    """A string that may be an envelope; what was in it can be put into one."""
    native = unseal(data.decode("utf-8", "replace"))
    if native is not None:
        assert unseal(seal(native)) == native


def read_coding(data: bytes) -> None:
    """A body in any coding decodes within its bound."""
    coding = die(data).choice(("gzip", "deflate", "br", "zstd", "gzip, deflate", "br,zstd,gzip"))
    assert len(unless_refused(decode_body, data, coding, SMALL, by=RequestError) or b"") <= SMALL


def read_fields(data: bytes) -> None:
    """A field of any text names a time or none."""
    text = data.decode("latin-1")
    for name in ("retry-after", "retry-after-ms"):
        wait = retry_after(((name, text),), 1_790_000_000.0)
        assert wait is None or 0 <= wait < float("inf")


def read_broken(data: bytes) -> None:
    """A stream that breaks off ends in the error, and nothing of what went before changes."""
    reader = FrameReader()
    before = reader.feed(data)
    ending = finish_frame(data, ERROR)
    after = FrameReader().feed(data + ending + b"\n\n" + ERROR)
    assert after[: len(before)] == before
    assert after[-1].event == "error"


def read_passage(data: bytes) -> None:
    """A relayed stream arrives as it was sent, unless it repeats our key in an error."""
    dialect = die(data).choice(list(DIALECTS.values()))
    passage = Passage(("sk-canary-0123456789",), lambda: dialect.decoder(Origin()))
    passed = b"".join([*map(passage.pass_on, pieces(data)), passage.rest()])
    assert passed == data or b"sk-canary" in data
    passage.ending(ERROR)


def _codings() -> Iterator[bytes]:
    plain = b'{"model":"m"}' * 20
    yield from (gzip.compress(plain, mtime=0), zlib.compress(plain), gzip.compress(bytes(99_999), mtime=0))
    yield gzip.compress(b"", mtime=0) * 3


def _envelopes() -> Iterator[bytes]:
    for data in ({"signature": "EqQB"}, {}, {"a": [None, {"b": 1.5}]}):
        yield seal(Native("anthropic", "maker", data)).encode()
    yield b"pointsman.1.a.b.c"


def _fields() -> Iterator[bytes]:
    yield from (b"3", b"1.5", b"Wed, 21 Oct 2026 07:28:00 GMT", b"Wednesday, 21-Oct-26 07:28:00 GMT")
    yield b"Wed Oct 21 07:28:00 2026"


def _streams() -> Iterator[bytes]:
    for name in DIALECTS:
        yield from corpus(name, "streams", "errors", suffix=".sse")()
    yield b'event: error\r\ndata: {"error":\r\ndata: {"message": "sk-canary-0123456789 is wrong"}}\r\n\r\n'


def _requests() -> Iterator[bytes]:
    for name in DIALECTS:
        yield from corpus(name, "requests", suffix=".json")()


def targets() -> Iterator[Target]:
    """One for each reader."""
    yield Target("wire.sse", read_frames, _streams, "stream")
    yield Target("wire.json", read_json, _requests, "json")
    yield Target("wire.part", read_part, _requests, "json")
    yield Target("wire.envelope", read_envelope, _envelopes)
    yield Target("wire.coding", read_coding, _codings)
    yield Target("wire.headers", read_fields, _fields)
    yield Target("wire.broken", read_broken, _streams, "stream")
    yield Target("gateway.passage", read_passage, _streams, "stream")

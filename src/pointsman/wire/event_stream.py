"""AWS event stream: bytes to messages and back, whichever way the bytes are cut.

`application/vnd.amazon.eventstream` (smithy.io, "Amazon Event Stream Specification"): a message is a
prelude (its length, the length of its headers, and the CRC-32 of these eight bytes), headers, a payload,
and the CRC-32 of all that came before it; integers are big-endian. A damaged message ends the stream: where
the next one begins cannot be known.
"""

import struct
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import TypeAlias
from zlib import crc32

from msgspec import Struct

from pointsman.canon.errors import GarbledError

MEDIA_TYPE = "application/vnd.amazon.eventstream"
MAX_MESSAGE = 24 * 1024 * 1024
"""Bytes of one message; the specification allows no more."""
MAX_HEADERS = 128 * 1024
"""Bytes of one message's headers; the same."""

HeaderValue: TypeAlias = bool | int | bytes | str | datetime
"""A UUID is its 16 bytes."""

_PRELUDE = struct.Struct(">III")
_CRC = struct.Struct(">I")
_AROUND = _PRELUDE.size + _CRC.size
"""What a message has beside headers and payload."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Message(Struct, frozen=True):
    """One message."""

    headers: Mapping[str, HeaderValue]
    payload: bytes

    def text(self, name: str) -> str:
        """A header that is a string; empty where there is none."""
        value = self.headers.get(name)
        return value if isinstance(value, str) else ""


class MessageReader:
    """Cuts a byte stream into messages. Each byte is copied a fixed number of times."""

    def __init__(self, max_message: int = MAX_MESSAGE) -> None:
        self._max = max_message
        self._pieces: list[bytes] = []
        self._held = 0
        self._wanted = _PRELUDE.size
        """Bytes until the message, or its prelude, is there."""
        self._damage: GarbledError | None = None

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes.

        Raises GarbledError for a damaged or oversize one; what came before it is given first.
        """
        self.check()
        self._pieces.append(data)
        self._held += len(data)
        if self._held < self._wanted:
            return []
        messages: list[Message] = []
        try:
            self._read(b"".join(self._pieces), messages)
        except GarbledError as error:
            self._damage = error
            if not messages:
                raise
        return messages

    def check(self) -> None:
        """Raises GarbledError if the stream is known to be damaged."""
        if self._damage is not None:
            raise self._damage

    def _read(self, whole: bytes, messages: list[Message]) -> None:
        start = 0
        while len(whole) - start >= _PRELUDE.size:
            length = self._length(whole, start)
            if len(whole) - start < length:
                break
            messages.append(_message(whole, start, length))
            start += length
        self._keep(whole[start:])

    def begun(self) -> bool:
        """Whether part of a message is there whose end is not."""
        return self._held > 0

    def _keep(self, rest: bytes) -> None:
        self._pieces = [rest] if rest else []
        self._held = len(rest)
        whole_prelude = len(rest) >= _PRELUDE.size
        self._wanted = self._length(rest, 0) if whole_prelude else _PRELUDE.size

    def _length(self, data: bytes, start: int) -> int:
        """A message's length, as its prelude says. Raises GarbledError."""
        length, headers, checksum = _PRELUDE.unpack_from(data, start)
        if crc32(data[start : start + _PRELUDE.size - _CRC.size]) != checksum:
            raise GarbledError("the upstream's event stream is damaged: the checksum of a prelude is wrong")
        if length > self._max or headers > MAX_HEADERS:
            raise GarbledError(
                f"the upstream's event stream holds a message of {length} bytes, which no answer needs"
            )
        if length < _AROUND + headers:
            raise GarbledError("the upstream's event stream is damaged: a message is shorter than its parts")
        return length


def encode_message(headers: Mapping[str, HeaderValue], payload: bytes) -> bytes:
    """One message as bytes."""
    head = b"".join(_encode_header(name, value) for name, value in headers.items())
    lengths = struct.pack(">II", _AROUND + len(head) + len(payload), len(head))
    body = lengths + _CRC.pack(crc32(lengths)) + head + payload
    return body + _CRC.pack(crc32(body))


def _message(data: bytes, start: int, length: int) -> Message:
    end = start + length - _CRC.size
    if crc32(memoryview(data)[start:end]) != _CRC.unpack_from(data, end)[0]:
        raise GarbledError("the upstream's event stream is damaged: the checksum of a message is wrong")
    first = start + _PRELUDE.size
    after = first + _PRELUDE.unpack_from(data, start)[1]
    try:
        headers = _headers(data[first:after])
    except (struct.error, IndexError, UnicodeDecodeError, ValueError, OverflowError) as error:
        raise GarbledError("the upstream's event stream is damaged: a header cannot be read") from error
    return Message(headers, data[after:end])


def _headers(data: bytes) -> dict[str, HeaderValue]:
    """Raises any of the errors above where they are broken."""
    headers: dict[str, HeaderValue] = {}
    place = 0
    while place < len(data):
        name, place = _sized(data, place, 1)
        value, place = _VALUES[data[place]](data, place + 1)
        headers[name.decode()] = value
    return headers


def _sized(data: bytes, place: int, width: int) -> tuple[bytes, int]:
    """Bytes ahead of which their length stands, and where they end. Raises ValueError if some are missing."""
    start = place + width
    end = start + int.from_bytes(data[place:start], "big")
    if end > len(data) or start > len(data):
        raise ValueError("a header is cut")
    return data[start:end], end


_Reader: TypeAlias = Callable[[bytes, int], tuple[HeaderValue, int]]


def _integer(form: str) -> _Reader:
    layout = struct.Struct(form)
    return lambda data, place: (layout.unpack_from(data, place)[0], place + layout.size)


def _bytes(data: bytes, place: int) -> tuple[HeaderValue, int]:
    return _sized(data, place, 2)


def _string(data: bytes, place: int) -> tuple[HeaderValue, int]:
    value, end = _sized(data, place, 2)
    return value.decode(), end


def _timestamp(data: bytes, place: int) -> tuple[HeaderValue, int]:
    milliseconds = struct.unpack_from(">q", data, place)[0]
    return _EPOCH + timedelta(milliseconds=milliseconds), place + 8


def _uuid(data: bytes, place: int) -> tuple[HeaderValue, int]:
    if place + 16 > len(data):
        raise ValueError("a header is cut")
    return data[place : place + 16], place + 16


_VALUES: tuple[_Reader, ...] = (
    lambda data, place: (True, place),
    lambda data, place: (False, place),
    _integer(">b"),
    _integer(">h"),
    _integer(">i"),
    _integer(">q"),
    _bytes,
    _string,
    _timestamp,
    _uuid,
)
"""By the number of the type."""


def _encode_header(name: str, value: HeaderValue) -> bytes:
    spelled = name.encode()
    return bytes([len(spelled)]) + spelled + _encode_value(value)


def _encode_value(value: HeaderValue) -> bytes:
    """Whole numbers as 64 bits."""
    match value:
        case bool():
            return b"\x00" if value else b"\x01"
        case int():
            return b"\x05" + struct.pack(">q", value)
        case bytes():
            return b"\x06" + struct.pack(">H", len(value)) + value
        case str():
            text = value.encode()
            return b"\x07" + struct.pack(">H", len(text)) + text
        case datetime():
            return b"\x08" + struct.pack(">q", (value - _EPOCH) // timedelta(milliseconds=1))

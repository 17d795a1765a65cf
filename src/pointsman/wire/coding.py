"""Content codings of HTTP bodies (RFC 9110, section 8.4.1), undone within a bound on what comes out.

A few kilobytes can hold gigabytes, so every step knows how much room is left, and no piece that it is given
can go past that by more than about a megabyte. brotli and zstandard are imported when a body needs them:
zstandard alone takes 25 ms.
"""

import importlib
import zlib
from collections.abc import Callable
from typing import Any, Protocol

from pointsman.canon.errors import MalformedError, TooLargeError, UnsupportedCodingError

_MAX_STEPS = 3
_MAX_STREAMS = 1000
_PIECE = 65536
_SIP = 1024
_ROOM = 2 * 1024 * 1024
"""Bytes that may come out beyond what is wanted: a sip of gzip holds a megabyte at most."""
_ZSTD_RATIO = 32768
"""A zstd block holds at most 128 KB and takes at least 4 bytes (RFC 8878, section 3.1.1.2)."""
_ZSTD_WINDOW = 8 * 1024 * 1024
"""The largest window that the zstd content coding allows (RFC 9659)."""


def as_far_as_readable(data: bytes, coding: str | None, most: int) -> bytes:
    """The beginning of a body without its coding, for people: at most so many bytes, and what is wrong with
    it where nothing of it can be read."""
    if coding is None:
        return data[:most]
    plain = bytearray()
    try:
        decoder = StreamDecoder(coding, most + _ROOM)
        for start in range(0, len(data), _SIP):
            plain += decoder.feed(data[start : start + _SIP])
            if len(plain) >= most:
                break
    except (MalformedError, TooLargeError, UnsupportedCodingError) as error:
        if not plain:
            return f"({error.message})".encode()
    return bytes(plain[:most])


class StreamDecoder:
    """Undoes the codings of a body that comes in pieces; at most `limit` bytes come out."""

    def __init__(self, coding: str, limit: int) -> None:
        """`coding` is the value of Content-Encoding. Raises UnsupportedCodingError."""
        names = [name for part in coding.split(",") if (name := part.strip().lower()) not in _PLAIN]
        unknown = next((name for name in names if name not in _STEPS), None)
        if unknown is not None or len(names) > _MAX_STEPS:
            raise UnsupportedCodingError(
                f"the body comes in the content coding `{unknown or coding}`, which is not known here; "
                "send it as gzip, deflate, br or zstd, or without a coding"
            )
        self._steps = [_STEPS[name]() for name in reversed(names)] or [_Plain()]
        # What is compressed already may grow a little when it is compressed again.
        between = limit + limit // 100 + 1024
        self._room = [between] * (len(self._steps) - 1) + [limit]
        self._limit = limit
        self._fed = False

    def feed(self, data: bytes) -> bytes:
        """What `data` decodes to. Raises MalformedError and TooLargeError."""
        self._fed = self._fed or bool(data)
        for index, step in enumerate(self._steps):
            data = self._run(index, step, data)
        return data

    def close(self) -> None:
        """Raises MalformedError if the data has not come to its end. No data at all is whole."""
        if self._fed and not all(step.whole() for step in self._steps):
            raise MalformedError("the body ends before its content coding does; it was cut on the way")

    def _run(self, index: int, step: "_Step", data: bytes) -> bytes:
        parts: list[bytes] = []
        for start in range(0, len(data), _PIECE):
            parts.append(step.feed(data[start : start + _PIECE], self._room[index]))
            self._room[index] -= len(parts[-1])
            if self._room[index] < 0:
                raise TooLargeError(
                    f"the body is larger than {self._limit / 2**20:.3g} MB ({int(self._limit)} bytes) "
                    "once its content coding is undone; send less, or raise the limit"
                )
        return b"".join(parts)


def decode_body(body: bytes, coding: str, limit: int) -> bytes:
    """A whole body without its content codings.

    Raises UnsupportedCodingError, MalformedError, and TooLargeError past `limit` decoded bytes.
    """
    decoder = StreamDecoder(coding, limit)
    decoded = decoder.feed(body)
    decoder.close()
    return decoded


class _Step(Protocol):
    """One coding being undone."""

    def feed(self, data: bytes, room: int) -> bytes:
        """What `data` decodes to; if that is more than `room` bytes, enough of it to show so."""
        ...

    def whole(self) -> bool:
        """Whether the data has come to its end."""
        ...


class _Stream(Protocol):
    """One compressed stream, in the terms of zlib's decompressors."""

    @property
    def eof(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Plain:
    """No coding."""

    def feed(self, data: bytes, room: int) -> bytes:
        del room
        return data

    def whole(self) -> bool:
        return True


class _Streams:
    """A coding whose data is one compressed stream, or up to `most` that follow each other."""

    def __init__(self, name: str, new: Callable[[], _Stream], error: type[Exception], most: int) -> None:
        self._name = name
        self._new = new
        self._error = error
        self._left = most - 1
        self._stream = new()

    def feed(self, data: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        data = self._begin(data)
        while data and room >= 0:
            try:
                part = self._stream.decompress(data, room + 1)
            except self._error as error:
                raise _broken(self._name, str(error)) from error
            room -= len(part)
            parts.append(part)
            data = self._begin(self._stream.unused_data)
        return b"".join(parts)

    def whole(self) -> bool:
        return self._stream.eof

    def _begin(self, data: bytes) -> bytes:
        """`data`, with a stream that can take it; after an end, zero bytes are padding."""
        if not self._stream.eof:
            return data
        data = data.lstrip(b"\0")
        if data and self._left == 0:
            raise _broken(self._name, "more data follows its end")
        if data:
            self._left -= 1
            self._stream = self._new()
        return data


class _Deflate:
    """`deflate`, which is zlib's format by the standard and bare deflate from some senders."""

    def __init__(self) -> None:
        self._head = b""
        self._streams: _Streams | None = None

    def feed(self, data: bytes, room: int) -> bytes:
        if self._streams is None:
            self._head += data
            if len(self._head) < 2:
                return b""
            data = self._head
            self._streams = _Streams("deflate", self._stream, zlib.error, 1)
        return self._streams.feed(data, room)

    def whole(self) -> bool:
        return self._streams is not None and self._streams.whole()

    def _stream(self) -> _Stream:
        """zlib's two header bytes name method 8 and are a multiple of 31 (RFC 1950, section 2.2)."""
        method, check = self._head[0] & 0x0F, int.from_bytes(self._head[:2], "big") % 31
        return zlib.decompressobj(15 if (method, check) == (8, 0) else -15)


class _Brotli:
    """`br` (RFC 7932)."""

    def __init__(self) -> None:
        self._module: Any = importlib.import_module("brotli")
        self._decompressor = self._module.Decompressor()

    def feed(self, data: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        while room >= 0 and (data or not self._decompressor.can_accept_more_data()):
            try:
                part = self._decompressor.process(data, output_buffer_limit=room + 1)
            except self._module.error as error:
                raise _broken("br", str(error)) from error
            room -= len(part)
            parts.append(part)
            data = b""
        return b"".join(parts)

    def whole(self) -> bool:
        return self._decompressor.is_finished()


class _ZstdFrame:
    """One zstd frame; its input goes in by pieces, since the library bounds no output."""

    def __init__(self, module: Any) -> None:
        self._frame = module.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        self.unused_data = b""

    @property
    def eof(self) -> bool:
        return self._frame.eof

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        parts: list[bytes] = []
        start = 0
        while start < len(data) and max_length > 0 and not self.eof:
            end = start + max(32, max_length // _ZSTD_RATIO)
            parts.append(self._frame.decompress(data[start:end]))
            max_length -= len(parts[-1])
            start = end
        self.unused_data = self._frame.unused_data + data[start:] if self.eof else b""
        return b"".join(parts)


def _gzip() -> _Step:
    return _Streams("gzip", lambda: zlib.decompressobj(31), zlib.error, _MAX_STREAMS)


def _zstd() -> _Step:
    module: Any = importlib.import_module("zstandard")
    return _Streams("zstd", lambda: _ZstdFrame(module), module.ZstdError, _MAX_STREAMS)


def _broken(name: str, why: str) -> MalformedError:
    return MalformedError(f"the body is not what its content coding `{name}` says: {why}")


_PLAIN = frozenset({"", "identity"})
_STEPS: dict[str, Callable[[], _Step]] = {
    "gzip": _gzip,
    "x-gzip": _gzip,
    "deflate": _Deflate,
    "br": _Brotli,
    "zstd": _zstd,
}

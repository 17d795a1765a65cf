"""JSON of the data path: decoded, encoded, and peeked into without decoding it.

msgspec does the work; the standard library takes over, once, where msgspec says no, since it reads what JSON
allows and UTF-8 does not (half a surrogate pair) and says best where a body is broken.
"""

import codecs
import json
import re
from collections.abc import Collection, Mapping
from typing import Any, NoReturn

import msgspec
from msgspec import Struct

from pointsman.canon.errors import MalformedError
from pointsman.canon.intent import Span
from pointsman.canon.json import Json
from pointsman.wire.fields import as_boolean, as_object, as_text
from pointsman.wire.number import Number, as_written
from pointsman.wire.surrogates import join_surrogates, mend_escapes

_values = msgspec.json.Decoder(float_hook=Number)
_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encoder = msgspec.json.Encoder(enc_hook=as_written)
_REFUSED = (msgspec.MsgspecError, ValueError, RecursionError)
"""What msgspec raises for a body that it does not read."""

_STRING = rb'"[^"\\]*(?:\\.[^"\\]*)*"'
_KEY = re.compile(rb"[ \t\r\n,{]*(" + _STRING + rb")[ \t\r\n]*:[ \t\r\n]*", re.DOTALL)
_TOKEN = re.compile(_STRING + rb'|[\[{\]}]|[^ \t\r\n",:\[{\]}]+', re.DOTALL)
_DEPTH = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_PIECE = 65536
_CLOSE = re.compile(rb"[ \t\r\n{]*\}[ \t\r\n]*\Z")


class Peek(Struct, frozen=True):
    """A request's body as far as routing needs it."""

    model: str | None
    """None where the client named none."""
    stream: bool
    members: dict[str, Span]
    """Where the value of each top-level member stands; of several with one name, the last."""


def decode_object(body: bytes) -> Json:
    """The object in `body`; half a surrogate pair becomes U+FFFD. Raises MalformedError."""
    return as_object(_decode(body), "body")


def decode_value(data: bytes) -> Any:
    """Any value. Raises MalformedError."""
    return _decode(data)


def is_json(body: bytes) -> bool:
    """Whether `body` is a JSON object or array, as errors are."""
    try:
        return isinstance(_decode(body), dict | list)
    except MalformedError:
        return False


def holds_object(body: bytes) -> bool:
    """Whether `body` is an object by JSON's grammar, numbers included that nothing here could hold."""
    try:
        value = json.loads(body.decode(), parse_float=str, parse_int=str, parse_constant=_no_number)
    except (ValueError, RecursionError, MalformedError):
        return False
    return isinstance(value, dict)


def decode_part(data: bytes) -> Json:
    """One object of a stream: as `decode_object`, but half a surrogate pair stays in a text, for a
    `SurrogateJoiner`.

    Raises MalformedError.
    """
    try:
        value = _values.decode(data)
    except _REFUSED:
        value = _standard(data)
    return as_object(value, "body")


def encode(value: object) -> bytes:
    """`value` as JSON without spaces, members in order; half a surrogate pair becomes U+FFFD.

    Raises MalformedError for a value that is nested too deeply.
    """
    try:
        return _encoder.encode(value)
    except UnicodeEncodeError:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        return join_surrogates(text).encode()
    except RecursionError as error:
        raise MalformedError("the body is nested too deeply to be written; flatten it") from error


def peek(body: bytes) -> Peek:
    """The model, the form of answer, and where each member of the object in `body` stands.

    Raises MalformedError, also where `model` stands twice: who reads the first and who reads the last would
    not mean the same.
    """
    members = _measure(body) or _scan(body)
    model = _value(body, members, "model")
    stream = _value(body, members, "stream")
    return Peek(
        model=None if model is None else as_text(model, "model"),
        stream=False if stream is None else as_boolean(stream, "stream"),
        members=members,
    )


def replace(body: bytes, span: Span, value: str) -> bytes:
    """`body` with the JSON string `value` in place of `span`; every other byte stays."""
    view = memoryview(body)
    return b"".join((view[: span.start], encode(value), view[span.end :]))


def reform(body: bytes, members: Mapping[str, Span], drop: Collection[str], add: Mapping[str, Any]) -> bytes:
    """`body` without some members, and with others behind; the values that stay do so byte for byte."""
    view = memoryview(body)
    kept = [(name, view[span.start : span.end]) for name, span in members.items() if name not in drop]
    more = [(name, encode(value)) for name, value in add.items()]
    parts = [b"%b:%b" % (encode(name), value) for name, value in (*kept, *more)]
    return b"{" + b",".join(parts) + b"}"


def _decode(body: bytes) -> Any:
    try:
        return _values.decode(body)
    except _REFUSED:
        return _standard(mend_escapes(body))


def _standard(body: bytes) -> Any:
    """The value in `body` by the standard library. Raises MalformedError that says where it is broken."""
    try:
        text = body.decode().removeprefix("\ufeff")
        return json.loads(
            text, parse_float=_float, parse_constant=_no_number, object_pairs_hook=_with_whole_names
        )
    except UnicodeDecodeError as error:
        where = f"byte {error.start} is 0x{body[error.start]:02x}, {error.reason}"
        raise MalformedError(f"the body is not UTF-8 ({where}); send JSON coded in UTF-8") from error
    except json.JSONDecodeError as error:
        if not error.doc.strip():
            raise MalformedError("the body is empty; send a JSON object") from error
        where = f"line {error.lineno}, column {error.colno}"
        raise MalformedError(f"the body is not valid JSON ({where}): {error.msg}") from error
    except RecursionError as error:
        raise MalformedError("the body is nested too deeply to be read; flatten it") from error
    except ValueError as error:
        raise MalformedError("the body holds a number with too many digits to be read") from error


def _with_whole_names(members: list[tuple[str, Any]]) -> dict[str, Any]:
    """An object whose names hold no half of a surrogate pair."""
    return {join_surrogates(name): value for name, value in members}


def _float(text: str) -> float:
    try:
        return Number(text)
    except ValueError:
        _no_number(text)


def _no_number(text: str) -> NoReturn:
    raise MalformedError(f"the body holds a number that JSON cannot carry: `{text[:40]}`")


def _measure(body: bytes) -> dict[str, Span] | None:
    """Where the values stand, by their lengths; None if the body is odd (broken, or a name stands twice)."""
    try:
        _check_utf8(body)
        raws = _members.decode(body)
    except _REFUSED:
        return None
    members: dict[str, Span] = {}
    end = 0
    while key := _KEY.match(body, end):
        name = _name(key[1])
        start, end = key.end(), key.end() + len(raws[name])
        if name in members or not body.startswith(raws[name], start):
            return None
        members[name] = Span(start, end)
    return members if _CLOSE.match(body, end) else None


def _check_utf8(body: bytes) -> None:
    """Raises UnicodeDecodeError; msgspec does not look into the strings that it passes over.

    By pieces that fit a processor's cache, which takes half the time of decoding a megabyte at once.
    """
    view, start, length = memoryview(body), 0, 0 if body.isascii() else len(body)
    while start < length:
        end = start + _PIECE
        start += codecs.utf_8_decode(view[start:end], "strict", end >= length)[1]


def _scan(body: bytes) -> dict[str, Span]:
    """Where the values stand, by walking every token. Raises MalformedError."""
    decode_object(body)
    members: dict[str, Span] = {}
    end = body.index(b"{")
    while key := _KEY.match(body, end):
        name = _name(key[1])
        if name == "model" and name in members:
            raise MalformedError("`model` stands twice in the body; send it once", param="model")
        start, end = key.end(), _value_end(body, key.end())
        members[name] = Span(start, end)
    return members


def _value_end(body: bytes, start: int) -> int:
    """Where the value that begins at `start` ends, in a valid body."""
    depth = 0
    tokens = _TOKEN.finditer(body, start)
    while True:
        token = next(tokens)
        depth += _DEPTH.get(body[token.start()], 0)
        if depth == 0:
            return token.end()


def _name(key: bytes) -> str:
    """A member's name from its quoted form."""
    return join_surrogates(json.loads(key)) if b"\\" in key else key[1:-1].decode()


def _value(body: bytes, members: dict[str, Span], name: str) -> Any:
    span = members.get(name)
    return None if span is None else _decode(body[span.start : span.end])

"""Contents: the bodies of exchanges, where the user wants them kept. Each piece is kept once.

An agent sends its whole history with every request: each turn of it is a piece of its own, found by its
digest. What a request is made of is told by the numbers of its pieces, which follow one another in a
conversation: so a long one takes little more than its last request.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterable
from hashlib import blake2b
from typing import Any, TypeAlias, cast

from msgspec import Struct

from pointsman.canon.errors import RequestError
from pointsman.canon.json import Json
from pointsman.ledger.content import LARGEST, Content
from pointsman.wire.coding import as_far_as_readable
from pointsman.wire.json import decode_object, decode_value, encode

Redact: TypeAlias = Callable[[bytes], bytes]
"""Takes out what nobody may find."""
SMALL = 64
"""Bytes of a member that stands in the list itself."""
AT_ONCE = 2000
"""Pieces that one transaction deletes."""
_PIECE, _PIECES, _VALUE, _WHOLE = "piece", "pieces", "value", ""
"""How a member is told: a piece, a list of them, itself. What is no JSON object has one without a name."""


class Bounds(Struct, frozen=True):
    """How much is kept, and for how long."""

    days: float = 7.0
    size: int = 500 * 1000 * 1000
    """Bytes, compressed."""


class Kept(Struct, frozen=True):
    """One exchange's content, cut into pieces."""

    request_id: str
    at: float
    """Seconds since the epoch."""
    request: Json
    """What it is made of: by member a value, the digest of a piece, or a list of such."""
    answer: bytes
    """A piece's digest."""
    pieces: dict[bytes, bytes]

    @property
    def size(self) -> int:
        """Bytes, about."""
        return sum(len(piece) + len(digest) for digest, piece in self.pieces.items())


def cut(request_id: str, at: float, content: Content, redact: Redact) -> Kept:
    """The content in pieces, without what is secret."""
    answer = as_far_as_readable(content.answer, content.coding, LARGEST)
    pieces: dict[bytes, bytes] = {}
    made = _made_of(redact(content.request), pieces)
    return Kept(request_id, at, made, _piece(redact(answer), pieces), pieces)


def _made_of(request: bytes, pieces: dict[bytes, bytes]) -> Json:
    try:
        members = decode_object(request)
    except RequestError:
        return {_WHOLE: {_PIECE: _piece(request, pieces)}}
    return {name: _member(value, pieces) for name, value in members.items()}


def _member(value: object, pieces: dict[bytes, bytes]) -> Json:
    if isinstance(value, list):
        return {_PIECES: [_piece(encode(item), pieces) for item in cast("list[Any]", value)]}
    plain = encode(value)
    return {_VALUE: value} if len(plain) <= SMALL else {_PIECE: _piece(plain, pieces)}


def _piece(data: bytes, pieces: dict[bytes, bytes]) -> bytes:
    digest = blake2b(data, digest_size=16).digest()
    if digest not in pieces:
        pieces[digest] = zlib.compress(data, 1)
    return digest


def write(connection: sqlite3.Connection, kept: Kept) -> None:
    """Keeps a content; pieces that are there already are only used anew."""
    numbers = {digest: _number(connection, digest, data, kept.at) for digest, data in kept.pieces.items()}
    made = {name: _numbered(member, numbers) for name, member in kept.request.items()}
    request = zlib.compress(encode(made), 1)
    connection.execute(
        "INSERT OR REPLACE INTO contents (request_id, at, request, answer, size) VALUES (?, ?, ?, ?, ?)",
        (kept.request_id, kept.at, request, numbers[kept.answer], len(request) + len(kept.request_id)),
    )


def _number(connection: sqlite3.Connection, digest: bytes, data: bytes, used: float) -> int:
    row: tuple[int] = connection.execute(
        "INSERT INTO pieces (digest, data, size, used) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (digest) DO UPDATE SET used = MAX(used, excluded.used) RETURNING number",
        (digest, data, len(data) + len(digest), used),
    ).fetchone()
    return row[0]


def _numbered(member: Json, numbers: dict[bytes, int]) -> Json:
    if _PIECES in member:
        return {_PIECES: _runs(numbers[digest] for digest in member[_PIECES])}
    return {_PIECE: numbers[member[_PIECE]]} if _PIECE in member else member


def _runs(numbers: Iterable[int]) -> list[tuple[int, int]]:
    """Numbers as runs of such that follow one another: (the first, how many)."""
    runs: list[tuple[int, int]] = []
    for number in numbers:
        first, count = runs[-1] if runs else (0, 0)
        if count and number == first + count:
            runs[-1] = (first, count + 1)
        else:
            runs.append((number, 1))
    return runs


def read(connection: sqlite3.Connection, request_id: str) -> Json | None:
    """What was sent and what came back, as text or JSON; None where no content was kept of it."""
    row = connection.execute(
        "SELECT request, answer FROM contents WHERE request_id = ?", (request_id,)
    ).fetchone()
    if row is None:
        return None
    made, answer = decode_object(zlib.decompress(row[0])), _text(connection, row[1])
    if _WHOLE in made:
        return {"request": _text(connection, made[_WHOLE][_PIECE]), "answer": answer}
    request = {name: _value(connection, cast("Json", member)) for name, member in made.items()}
    return {"request": request, "answer": answer}


def _value(connection: sqlite3.Connection, member: Json) -> object:
    if _PIECES in member:
        numbers = (first + each for first, count in member[_PIECES] for each in range(count))
        return [decode_value(_text(connection, number).encode()) for number in numbers]
    return member[_VALUE] if _VALUE in member else decode_value(_text(connection, member[_PIECE]).encode())


def _text(connection: sqlite3.Connection, number: int) -> str:
    (data,) = connection.execute("SELECT data FROM pieces WHERE number = ?", (number,)).fetchone()
    return zlib.decompress(data).decode("utf-8", "replace")


def tidy(connection: sqlite3.Connection, bounds: Bounds, now: float) -> bool:
    """Deletes what is too old, then what was used the longest ago, until the rest fits; whether there may be
    more."""
    _forget(connection, now - bounds.days * 86_400)
    taken = sum(
        connection.execute(f"SELECT COALESCE(SUM(size), 0) FROM {table}").fetchone()[0]
        for table in ("pieces", "contents")
    )
    if taken <= bounds.size:
        return False
    rows = connection.execute(
        "SELECT used AS at, size FROM pieces UNION ALL SELECT at, size FROM contents ORDER BY at LIMIT ?",
        (AT_ONCE,),
    ).fetchall()
    last = now
    for used, size in rows:
        last = used
        taken -= size
        if taken <= bounds.size:
            break
    _forget(connection, last, with_it=True)
    return taken > bounds.size


def _forget(connection: sqlite3.Connection, last: float, *, with_it: bool = False) -> None:
    """Deletes what was used before a moment. Contents go with their pieces: what is older than a piece that
    is gone may have been made of it."""
    until = "<=" if with_it else "<"
    connection.execute(f"DELETE FROM contents WHERE at {until} ?", (last,))
    connection.execute(f"DELETE FROM pieces WHERE used {until} ?", (last,))

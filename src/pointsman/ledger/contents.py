"""Contents: the bodies of exchanges, where the user wants them kept. Each piece is kept once.

An agent sends its whole history with every request: each turn of it is a piece of its own, found by its
digest, so that a long conversation takes little more than its last request.
"""

import sqlite3
import zlib
from collections.abc import Callable, Iterator
from hashlib import blake2b
from typing import Any, TypeAlias, cast

from msgspec import Struct

from pointsman.canon.errors import RequestError
from pointsman.canon.json import Json
from pointsman.ledger.content import Content
from pointsman.wire.json import decode_object, decode_part, encode

Redact: TypeAlias = Callable[[bytes], bytes]
"""Takes out what nobody may find."""
SMALL = 64
"""Bytes of a member that stands in the list itself."""
AT_ONCE = 2000
"""Pieces that one transaction deletes."""
GONE = "no longer kept"


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
    request: bytes
    """What it is made of, as JSON: by member a value, a piece, or a list of pieces."""
    answer: bytes
    """A piece's digest."""
    pieces: dict[bytes, bytes]

    @property
    def size(self) -> int:
        """Bytes."""
        return len(self.request) + sum(map(len, self.pieces.values()))


def cut(request_id: str, at: float, content: Content, redact: Redact) -> Kept:
    """The content in pieces, without what is secret."""
    request, answer = redact(content.request), redact(content.answer)
    pieces: dict[bytes, bytes] = {}
    made = _made_of(request, pieces)
    return Kept(request_id, at, encode(made), _piece(answer, pieces), pieces)


def _made_of(request: bytes, pieces: dict[bytes, bytes]) -> Json:
    try:
        members = decode_object(request)
    except RequestError:
        return {"": {"piece": _piece(request, pieces).hex()}}
    return {name: _member(value, pieces) for name, value in members.items()}


def _member(value: object, pieces: dict[bytes, bytes]) -> Json:
    if isinstance(value, list):
        each = cast("list[Any]", value)
        return {"pieces": [_piece(encode(item), pieces).hex() for item in each]}
    plain = encode(value)
    return {"value": value} if len(plain) <= SMALL else {"piece": _piece(plain, pieces).hex()}


def _piece(data: bytes, pieces: dict[bytes, bytes]) -> bytes:
    digest = blake2b(data, digest_size=16).digest()
    if digest not in pieces:
        pieces[digest] = zlib.compress(data, 1)
    return digest


def write(connection: sqlite3.Connection, kept: Kept) -> None:
    """Keeps a content; pieces that are there already are only used anew."""
    connection.executemany(
        "INSERT INTO pieces (digest, data, size, used) VALUES (?, ?, ?, ?) "
        "ON CONFLICT (digest) DO UPDATE SET used = MAX(used, excluded.used)",
        [(digest, data, len(data), kept.at) for digest, data in kept.pieces.items()],
    )
    connection.execute(
        "INSERT OR REPLACE INTO contents (request_id, at, request, answer) VALUES (?, ?, ?, ?)",
        (kept.request_id, kept.at, kept.request, kept.answer),
    )


def read(connection: sqlite3.Connection, request_id: str) -> Json | None:
    """What was sent and what came back, as text or JSON; None where no content was kept of it."""
    row = connection.execute(
        "SELECT request, answer FROM contents WHERE request_id = ?", (request_id,)
    ).fetchone()
    if row is None:
        return None
    made = decode_object(row[0])
    if "" in made:
        return {"request": _text(connection, made[""]["piece"]), "answer": _text(connection, row[1].hex())}
    request = {name: _value(connection, cast("Json", member)) for name, member in made.items()}
    return {"request": request, "answer": _text(connection, row[1].hex())}


def _value(connection: sqlite3.Connection, member: Json) -> object:
    if "pieces" in member:
        return [_decoded(_text(connection, each)) for each in member["pieces"]]
    return member["value"] if "value" in member else _decoded(_text(connection, member["piece"]))


def _decoded(text: str) -> object:
    return text if text == GONE else decode_part(text.encode())


def _text(connection: sqlite3.Connection, digest: str) -> str:
    row = connection.execute("SELECT data FROM pieces WHERE digest = ?", (bytes.fromhex(digest),)).fetchone()
    return GONE if row is None else zlib.decompress(row[0]).decode("utf-8", "replace")


def tidy(connection: sqlite3.Connection, bounds: Bounds, now: float) -> None:
    """Deletes what is too old, then what was used the longest ago, until the rest fits."""
    oldest = now - bounds.days * 86_400
    connection.execute("DELETE FROM contents WHERE at < ?", (oldest,))
    connection.execute("DELETE FROM pieces WHERE used < ?", (oldest,))
    connection.executemany("DELETE FROM pieces WHERE number = ?", [*_too_many(connection, bounds.size)])


def _too_many(connection: sqlite3.Connection, most: int) -> Iterator[tuple[int]]:
    (size,) = connection.execute("SELECT COALESCE(SUM(size), 0) FROM pieces").fetchone()
    if size <= most:
        return
    rows = connection.execute("SELECT number, size FROM pieces ORDER BY used, number LIMIT ?", (AT_ONCE,))
    for number, weight in rows.fetchall():
        if size <= most:
            return
        size -= weight
        yield (number,)

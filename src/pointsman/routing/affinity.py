"""Affinity: which conversation a request belongs to, so that it stays with the account that knows it.

Told by the client where it can: a session's header, a member of the body. Else by what does not change as a
conversation grows: its instructions and the first words of its user.
"""

import json
import re
from collections.abc import Iterator, Mapping
from hashlib import blake2b
from typing import Any, cast

from pointsman.canon.errors import MalformedError
from pointsman.canon.intent import Span
from pointsman.dialects.dialect import Dialect
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_value

SESSION_FIELDS = (
    "x-claude-code-session-id",
    "session-id",
    "thread-id",
    "session_id",
    "x-session-id",
    "x-session-affinity",
)
"""Header fields in which clients name their session, the most telling first."""
LONGEST = 512
"""Characters of a name that count."""
SAID_BYTES = 16 * 1024
"""How much of the instructions, and of the first words, tells a conversation from others."""
_LOOKED_AT = 256 * 1024
"""Bytes of the turns in which the user's first is looked for."""
_SESSION = re.compile(r"session_([0-9A-Za-z-]{8,})")
"""Where Claude Code's older user ids name the session: `user_…_account_…_session_…`."""
_PASSED_OVER = frozenset({"cache_control", "id", "type", "role", "signature"})
_SPACE = " \t\r\n,["
_DECODER = json.JSONDecoder()


def session(headers: Headers, body: bytes, members: Mapping[str, Span]) -> str | None:
    """The session that a request names; None where it names none."""
    found: dict[str, str] = {}
    for name, value in headers:
        if name in _FIELD_SET and value:
            found.setdefault(name, value)
    if found:
        return next(f"{name}={found[name][:LONGEST]}" for name in SESSION_FIELDS if name in found)
    key = _text(body, members, "prompt_cache_key")
    if key:
        return f"prompt_cache_key={key[:LONGEST]}"
    return _of_user(body, members)


_FIELD_SET = frozenset(SESSION_FIELDS)


def _text(body: bytes, members: Mapping[str, Span], name: str) -> str | None:
    value = _value(body, members, name)
    return value if isinstance(value, str) else None


def _value(body: bytes, members: Mapping[str, Span], name: str) -> object:
    span = members.get(name)
    if span is None or span.end - span.start > SAID_BYTES:
        return None
    try:
        return decode_value(body[span.start : span.end])
    except MalformedError:
        return None


def _of_user(body: bytes, members: Mapping[str, Span]) -> str | None:
    """The session in `metadata.user_id`: a JSON text with `session_id`, or one that ends in `session_…`."""
    metadata = _value(body, members, "metadata")
    user = cast("Any", metadata).get("user_id") if isinstance(metadata, dict) else None
    if not isinstance(user, str):
        return None
    if user.startswith("{"):
        try:
            told = decode_value(user.encode("utf-8", "replace"))
        except MalformedError:
            return None
        named = cast("Any", told).get("session_id") if isinstance(told, dict) else None
        return f"session={named[:LONGEST]}" if isinstance(named, str) and named else None
    match = _SESSION.search(user)
    return None if match is None else f"session={match[1]}"


def beginning(
    dialect: Dialect, body: bytes, members: Mapping[str, Span], *, instructed: bool = True
) -> bytes:
    """What a conversation begins with, as far as it stays the same; empty where there is nothing."""
    told: list[bytes] = []
    for name in dialect.instructions if instructed else ():
        span = members.get(name)
        if span is not None:
            told.append(body[span.start : min(span.end, span.start + SAID_BYTES)])
    span = members.get(dialect.turns_field)
    if span is not None:
        told.append(first_words(body[span.start : min(span.end, span.start + _LOOKED_AT)]))
    return b"\0".join(told)


def first_words(turns: bytes) -> bytes:
    """The texts up to the first turn of the user's; `turns` is their JSON, or its beginning."""
    return b"\0".join(_first_words(turns))


def _first_words(turns: bytes) -> Iterator[bytes]:
    """The texts up to the first turn of the user's, without what clients change later."""
    text = turns.decode("utf-8", "replace")
    if not text.startswith("["):
        yield _plain(text)[:SAID_BYTES].encode("utf-8", "replace")
        return
    for turn in _turns(text):
        yield "\0".join(_texts(turn))[:SAID_BYTES].encode("utf-8", "replace")
        if not isinstance(turn, dict) or cast("Any", turn).get("role", "user") == "user":
            return


def _plain(text: str) -> str:
    """A conversation that is one text: as it would stand in a turn."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return text
    return value if isinstance(value, str) else text


def _turns(text: str) -> Iterator[object]:
    """The items of the array at the beginning of `text`, as far as they are whole."""
    at = 0
    while True:
        while at < len(text) and text[at] in _SPACE:
            at += 1
        if at >= len(text) or text[at] == "]":
            return
        try:
            item, at = _DECODER.raw_decode(text, at)
        except (ValueError, RecursionError):
            yield text[at : at + SAID_BYTES]
            return
        yield item


def _texts(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:SAID_BYTES]
    elif isinstance(value, list):
        for item in cast("list[object]", value):
            yield from _texts(item)
    elif isinstance(value, dict):
        for name, item in cast("dict[str, object]", value).items():
            if name not in _PASSED_OVER:
                yield from _texts(item)


def conversation(who: str, told: bytes) -> bytes:
    """The conversation of a client's that is told by this."""
    digest = blake2b(who.encode("utf-8", "replace"), digest_size=16)
    digest.update(b"\0" + told)
    return digest.digest()

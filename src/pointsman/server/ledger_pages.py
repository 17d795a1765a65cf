"""The ledger's pages: analytics of a span of time, and usage as `pointsman usage` shows it."""

import sqlite3
from collections.abc import Callable
from urllib.parse import parse_qs

from pointsman.canon.errors import BusyError, RequestError, SetupError
from pointsman.canon.json import Json
from pointsman.ledger.analytics import SECTIONS, Span, analytics
from pointsman.ledger.moments import since_of, span_of
from pointsman.ledger.usage import BY, usage
from pointsman.server.pages import Page
from pointsman.server.service import Service
from pointsman.wire.json import encode

HOUR = 3600.0
_Asked = dict[str, list[str]]
_Query = Callable[[sqlite3.Connection], Json]


async def find(service: Service, method: str, path: str, query: str) -> Page | None:
    """The page at a path, or None. Raises RequestError, BusyError."""
    page = _PAGES.get(path) if method in {"GET", "HEAD"} else None
    if page is None:
        return None
    work = page(parse_qs(query), service.parts.wall())
    try:
        return Page(encode(await service.ledger.ask(work)))
    except SetupError as error:
        raise BusyError(error.message) from error


def _analytics(asked: _Asked, now: float) -> _Query:
    """`window`: how far back (`1h`); `by`: one section, all of them if left out."""
    seconds = _read("window", asked, span_of, HOUR)
    named = asked.get("by")
    sections = SECTIONS if named is None else tuple(named)
    _check("by", sections, SECTIONS)
    return lambda connection: analytics(connection, Span(now - seconds, now), sections)


def _usage(asked: _Asked, now: float) -> _Query:
    since = _read("since", asked, lambda told: since_of(told, now), None)
    by = asked.get("by", [BY[0]])[0]
    _check("by", (by,), BY)
    return lambda connection: usage(connection, since, by)


def _read(name: str, asked: _Asked, reads: Callable[[str], float], otherwise: float | None) -> float:
    """Raises RequestError. None stands for all time."""
    try:
        return reads(asked[name][0]) if name in asked else (otherwise or 0.0)
    except ValueError as error:
        raise RequestError(f"`{name}` {error}", param=name) from error


def _check(name: str, given: tuple[str, ...], known: tuple[str, ...]) -> None:
    for each in given:
        if each not in known:
            raise RequestError(f"`{name}` is one of {', '.join(known)}", param=name)


_PAGES: dict[str, Callable[[_Asked, float], _Query]] = {"/analytics": _analytics, "/usage": _usage}

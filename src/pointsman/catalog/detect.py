"""Which program sends a request: by its user agent, other header fields, and what its prompt says.

A hint for reports, never a proof: every one of these can be said by anybody, and nothing is decided by it.
"""

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache

from pointsman.catalog.client import Client

UNKNOWN = "unknown"
"""The name of a client that no row tells."""
PREFIX = 2048
"""Bytes at the beginning of a body that are looked at."""
_LONGEST = 256
"""Characters of a user agent that are looked at."""
_AGENTS = 256
"""User agents that are remembered."""
_STEM = 8
"""Bytes with which prompts begin alike: one search for many of them."""
_TIMES = 4
"""Places that begin like a prompt and are looked at."""


class Detector:
    """The rows of `clients.toml`, made ready for looking."""

    def __init__(self, clients: Iterable[Client]) -> None:
        rows = tuple(clients)
        self._own = _Agents(row for row in rows if not row.shared)
        self._shared = _Agents(row for row in rows if row.shared)
        self._fields = _fields(rows)
        self._prompts = _Prompts(rows)

    def detect(self, headers: Iterable[tuple[str, str]], body: bytes = b"") -> str:
        """The client's name: of the header fields (names in lower case) and a body, or its beginning.

        A user agent that others send too, an SDK's above all, counts where nothing else tells the client.
        """
        agent, noted = "", None
        for name, value in headers:
            if name == "user-agent":
                agent = value[:_LONGEST]
            elif noted is None and name in self._fields:
                noted = self._told(name, value)
        told = self._own.find(agent) or noted or self._prompts.find(body)
        return told or self._shared.find(agent) or UNKNOWN

    def _told(self, name: str, value: str) -> str | None:
        value = value.lower()
        return next((client for start, client in self._fields[name] if value.startswith(start)), None)


class _Prompts:
    """What programs tell a model of themselves. Whose stands first counts: the rest may quote others."""

    def __init__(self, rows: Iterable[Client]) -> None:
        self._by_stem: dict[bytes, tuple[tuple[bytes, str], ...]] = {}
        for row in rows:
            for text in map(str.encode, row.prompts):
                stem = text[:_STEM]
                self._by_stem[stem] = (*self._by_stem.get(stem, ()), (text, row.name))

    def find(self, body: bytes) -> str | None:
        end, first = PREFIX, None
        for stem, prompts in self._by_stem.items():
            place = body.find(stem, 0, end)
            if place >= 0 and (found := _earliest(body, stem, prompts, place, end)) is not None:
                end, first = found
        return first


def _earliest(
    body: bytes, stem: bytes, prompts: tuple[tuple[bytes, str], ...], place: int, end: int
) -> tuple[int, str] | None:
    """Where the first of the prompts stands that begin with a stem, which is at `place`, and whose it is."""
    for _ in range(_TIMES):
        client = next((client for text, client in prompts if body.startswith(text, place)), None)
        if client is not None:
            return place, client
        place = body.find(stem, place + 1, end)
        if place < 0:
            return None
    return None


class _Agents:
    """Patterns of user agents, tried all at once; where two match, the earlier row's."""

    def __init__(self, rows: Iterable[Client]) -> None:
        pairs = tuple((pattern, row.name) for row in rows for pattern in row.user_agents)
        self._names = tuple(name for _, name in pairs)
        self._any = re.compile("|".join(f"({_expression(pattern)})" for pattern, _ in pairs), re.IGNORECASE)
        # A program sends the same one with every request.
        self.find = lru_cache(maxsize=_AGENTS)(self._find)

    def _find(self, agent: str) -> str | None:
        found = self._any.fullmatch(agent) if agent else None
        return None if found is None or found.lastindex is None else self._names[found.lastindex - 1]


def _expression(pattern: str) -> str:
    return re.escape(pattern).replace(r"\*", ".*")


def _fields(rows: Iterable[Client]) -> dict[str, tuple[tuple[str, str], ...]]:
    """By the name of a header field, what its value begins with and who says so."""
    told: dict[str, tuple[tuple[str, str], ...]] = {}
    for row in rows:
        for name, start in _starts(row):
            told[name] = (*told.get(name, ()), (start, row.name))
    return told


def _starts(row: Client) -> Iterator[tuple[str, str]]:
    yield from ((name, "") for name in row.headers)
    yield from ((name, start) for name, starts in row.values.items() for start in starts)

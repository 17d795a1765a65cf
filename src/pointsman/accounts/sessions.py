"""Sessions of clients that name none: what a client asks without a long pause is one session.

For affinity where nothing else tells a conversation, and for grouping in what is shown of the traffic.
"""

from collections import OrderedDict
from collections.abc import Callable
from hashlib import blake2b

from msgspec import Struct


class Rules(Struct, frozen=True):
    """How long a session lasts, in seconds."""

    idle: float = 900.0
    """Without a request."""
    longest: float | None = None
    """In all; None for no end."""
    clients: int = 1000
    """Whose latest session is remembered; the one that was used the longest ago goes first."""


class _Session(Struct):
    id: str
    began: float
    used: float


class Sessions:
    """One endpoint's; `clock` gives seconds since the epoch."""

    def __init__(self, clock: Callable[[], float], rules: Rules | None = None) -> None:
        self._clock = clock
        self._rules = rules or Rules()
        self._latest: OrderedDict[str, _Session] = OrderedDict()
        self._count = 0

    def __len__(self) -> int:
        return len(self._latest)

    def of(self, client: str) -> str:
        """The id of the session that a client's request belongs to."""
        now = self._clock()
        session = self._latest.get(client)
        if session is None or self._is_over(session, now):
            session = self._latest[client] = _Session(self._made(client, now), now, now)
        session.used = now
        self._latest.move_to_end(client)
        while len(self._latest) > self._rules.clients:
            self._latest.popitem(last=False)
        return session.id

    def _is_over(self, session: _Session, now: float) -> bool:
        longest = self._rules.longest
        return now - session.used > self._rules.idle or (
            longest is not None and now - session.began > longest
        )

    def _made(self, client: str, now: float) -> str:
        """Says nothing of the client."""
        self._count += 1
        told = f"{client}\0{now}\0{self._count}".encode("utf-8", "replace")
        return "auto-" + blake2b(told, digest_size=8).hexdigest()

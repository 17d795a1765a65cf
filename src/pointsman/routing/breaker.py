"""A breaker: after several failures in a row nothing is asked for a while, then one request may try.

States: closed (everybody asks) → open (nobody does, until a time) → half open (one does, the others wait for
its end) → closed, or open for twice as long.
"""

from collections.abc import Callable

from msgspec import Struct

THRESHOLD = 5
"""Failures in a row that open it."""
SHORTEST = 1.0
"""Seconds for which it is open at first."""
LONGEST = 60.0
"""Seconds; jitter comes on top."""
PROBE_SECONDS = 30.0
"""How long a probe may take before another one goes."""


class Breaker(Struct):
    """Of one account, or of one backend. Times are seconds since the epoch."""

    failures: int = 0
    """In a row."""
    opened: int = 0
    """How often in a row it has opened."""
    until: float = 0.0
    """Nobody asks before; a probe sets it to when it is given up."""
    why: str = ""
    """The last failure."""
    probing: bool = False
    """Whether one request is trying."""

    def is_open(self, now: float) -> bool:
        """Whether nobody may ask now."""
        return self.until > now

    def begin(self, now: float) -> None:
        """A request goes out; half open, the others wait for what becomes of it."""
        if self.opened:
            self.probing = True
            self.until = now + PROBE_SECONDS

    def abandon(self, now: float) -> None:
        """The request that tried has ended, and nobody knows how it would have: another one may try."""
        if self.probing:
            self.probing = False
            self.until = now

    def succeed(self) -> None:
        """An answer came."""
        self.failures = self.opened = 0
        self.until, self.probing = 0.0, False

    def fail(self, now: float, why: str, random: Callable[[], float]) -> None:
        """No answer came. `random` gives numbers from 0 to 1."""
        self.failures += 1
        self.why, self.probing = why, False
        if self.failures >= THRESHOLD or self.opened:
            self.opened += 1
            self.until = now + min(LONGEST, SHORTEST * 2.0 ** min(self.opened - 1, 16)) * (1 + random() / 4)

"""An allowance: so much a minute, which fills up again evenly; for budgets of requests and of tokens."""

from math import inf

from msgspec import Struct

MINUTE = 60.0


class Allowance(Struct):
    """`rate` a minute at the most; unspent, it holds a minute's worth. Times are seconds since the epoch."""

    rate: float
    level: float = 0.0
    at: float | None = None
    """When `level` was right; None before the first use, when it is full."""

    def left(self, now: float) -> float:
        """What may be spent now; below zero where more was spent than was there."""
        if self.at is None:
            return self.rate
        return min(self.rate, self.level + max(0.0, now - self.at) * self.rate / MINUTE)

    def spend(self, amount: float, now: float) -> None:
        """Takes from it; what nobody could foresee may go below zero."""
        self.level = self.left(now) - amount
        self.at = now

    def opens(self, amount: float, now: float) -> float:
        """When so much may be spent, `now` if it is there."""
        missing = amount - self.left(now)
        if missing <= 0:
            return now
        return now + missing * MINUTE / self.rate if self.rate > 0 else inf

"""An allowance: so much within any minute; for budgets of requests and of tokens."""

from msgspec import Struct, field

MINUTE = 60.0
GRAIN = 0.1
"""Seconds; what is spent within them is remembered as one."""


TINY = 1e-9
"""Of what is left over by rounding."""


class Allowance(Struct):
    """`rate` within any minute; less than one, then one within as long as that takes. Times are seconds."""

    rate: float
    spent: list[tuple[float, float]] = field(default_factory=list[tuple[float, float]])
    """(when, how much), the oldest first; what has come back is dropped."""

    @property
    def period(self) -> float:
        """Seconds after which what was spent comes back."""
        return MINUTE if self.rate >= 1 else MINUTE / self.rate

    @property
    def most(self) -> float:
        """What may be spent within a period."""
        return max(1.0, self.rate)

    def left(self, now: float) -> float:
        """What may be spent now; below zero where more was spent than was there."""
        return self.most - sum(amount for when, amount in self.spent if when + self.period > now)

    def spend(self, amount: float, now: float) -> None:
        """Takes from it; what nobody could foresee may go below zero."""
        kept = [each for each in self.spent if each[0] + self.period > now]
        if kept and now - kept[-1][0] < GRAIN:
            # The later time stands for both: nothing comes back too early.
            kept[-1] = (max(now, kept[-1][0]), kept[-1][1] + amount)
        else:
            kept.append((now, amount))
        self.spent = kept

    def opens(self, amount: float, now: float) -> float:
        """When so much may be spent, `now` if it is there; more than is ever there waits for all of it."""
        missing, opens = min(amount, self.most) - self.left(now), now
        for when, back in self.spent:
            if missing <= TINY:
                break
            if when + self.period > now:
                missing, opens = missing - back, when + self.period
        return opens

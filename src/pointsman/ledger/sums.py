"""Sums over exchanges, and what is made of them."""

from collections.abc import Callable, Iterable
from operator import add
from typing import TypeAlias

from msgspec import Struct, structs

from pointsman.canon.json import Json
from pointsman.ledger.billing import BILLED, PLAN
from pointsman.ledger.hours import NAMES
from pointsman.ledger.record import NANO

Names: TypeAlias = tuple[str, ...]
"""Whom sums belong to, in the order of `hours.NAMES`."""
Rows: TypeAlias = list[tuple[Names, "Sums"]]


class Sums(Struct, frozen=True):
    """In the order of `hours.SUMS`."""

    requests: int = 0
    errors: int = 0
    input: int = 0
    cache_read: int = 0
    cache_write: int = 0
    output: int = 0
    reasoning: int = 0
    cost: int = 0
    """Billionths of a US dollar, as far as it is known."""
    unpriced: int = 0
    """Exchanges that were billed and whose cost is not known."""

    def __add__(self, other: "Sums") -> "Sums":
        return Sums(*map(add, structs.astuple(self), structs.astuple(other)))

    @property
    def tokens(self) -> int:
        """Of all kinds."""
        return self.input + self.cache_read + self.cache_write + self.output + self.reasoning

    @property
    def dollars(self) -> float | None:
        """What is known of the cost; None where nothing is."""
        return None if self.unpriced and not self.cost else self.cost / NANO


NOTHING = Sums()
BY: dict[str, Callable[[Names], str]] = {
    "model": lambda names: names[NAMES.index("model")] or "-",
    "backend": lambda names: names[NAMES.index("backend")] or "-",
    "account": lambda names: "/".join(names[:2]) if names[0] else "-",
    "client": lambda names: names[NAMES.index("client")],
    "key": lambda names: names[NAMES.index("client_key")] or "-",
    "bucket": lambda names: names[NAMES.index("bucket")],
}
"""What sums are told apart by, and the name of each."""


def grouped(rows: Iterable[tuple[Names, Sums]], by: Callable[[Names], str]) -> dict[str, Sums]:
    """The sums by name, the most tokens first."""
    found: dict[str, Sums] = {}
    for names, sums in rows:
        name = by(names)
        found[name] = found.get(name, NOTHING) + sums
    return dict(sorted(found.items(), key=lambda each: (-each[1].tokens, -each[1].requests, each[0])))


def total(rows: Iterable[tuple[Names, Sums]]) -> Sums:
    """All of them."""
    return sum((sums for _, sums in rows), NOTHING)


def plan_share(rows: Iterable[tuple[Names, Sums]]) -> float | None:
    """Which part of the billed requests a plan has paid, in percent; None where there are none."""
    counts = {True: 0, False: 0}
    for names, sums in rows:
        bucket = names[NAMES.index("bucket")]
        if bucket in BILLED:
            counts[bucket in PLAN] += sums.requests
    billed = sum(counts.values())
    return None if not billed else round(100.0 * counts[True] / billed, 2)


def paid_and_covered(rows: Iterable[tuple[Names, Sums]]) -> tuple[float, float]:
    """US dollars that were spent, and what the API would have asked for what a plan covers."""
    sums = {True: 0, False: 0}
    for names, each in rows:
        sums[names[NAMES.index("bucket")] in PLAN] += each.cost
    return sums[False] / NANO, sums[True] / NANO


def counts(sums: Sums) -> Json:
    """As `pointsman usage --json` has them."""
    return {
        "requests": sums.requests,
        "input_tokens": sums.input,
        "cache_read_tokens": sums.cache_read,
        "cache_write_tokens": sums.cache_write,
        "output_tokens": sums.output,
        "reasoning_tokens": sums.reasoning,
        "cost": sums.dollars,
    }

"""The tally: counts over all exchanges since the start, for the status page and for explanations."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field

from msgspec import structs

from pointsman.canon.loss import Loss
from pointsman.ledger.trace import Trace

MANY = 100
"""Kinds of losses that are kept for a backend and a dialect."""
_PLACE = re.compile(r"\[\d+\]")
_TIMES = re.compile(r" \(\d+ times\)$")


@dataclass(slots=True)
class Counts:
    """What one backend served."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    lost: dict[str, Counter[Loss]] = field(default_factory=dict[str, Counter[Loss]])
    """What translation lost, and in how many exchanges, by the client's dialect."""

    def lose(self, dialect: str, losses: Iterable[Loss]) -> None:
        """Counts the losses of one exchange."""
        kinds = self.lost.setdefault(dialect, Counter())
        for loss in {_kind(each) for each in losses}:
            if loss in kinds or len(kinds) < MANY:
                kinds[loss] += 1


def _kind(loss: Loss) -> Loss:
    """A loss without what differs from one request to the next: its place in a list, how often it came."""
    return structs.replace(loss, what=_PLACE.sub("[]", loss.what), why=_TIMES.sub("", loss.why))


@dataclass(slots=True)
class Tally:
    """Kept in memory; its size depends only on the number of backends and dialects."""

    requests: int = 0
    errors: int = 0
    in_flight: int = 0
    backends: dict[str, Counts] = field(default_factory=dict[str, Counts])

    def add(self, trace: Trace) -> None:
        """Counts a finished exchange."""
        failed = trace.error is not None
        self.requests += 1
        self.errors += failed
        if trace.backend is None:
            return
        counts = self.backends.setdefault(trace.backend, Counts())
        counts.requests += 1
        counts.errors += failed
        if trace.losses and trace.dialect is not None:
            counts.lose(trace.dialect, trace.losses)
        if trace.usage is not None:
            usage = trace.usage
            counts.input_tokens += sum(
                count or 0
                for count in (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
            )
            counts.output_tokens += (usage.output or 0) + (usage.reasoning or 0)

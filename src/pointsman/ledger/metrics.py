"""The metrics: counts over all exchanges since the start, for a Prometheus server.

How many series there are does not depend on what clients send: a model has series of its own once it has
answered, and there are at most so many; backends, accounts and dialects are the configuration's.
"""

import threading
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from pointsman.ledger.exposition import Distribution, Family, Labels, written, written_histogram
from pointsman.ledger.names import OTHER, Names
from pointsman.ledger.record import NANO, Record
from pointsman.ledger.trace import CLIENT_GONE

MOST_MODELS = 200
"""Models with series of their own; the rest is `other`."""
TOKENS = ("input", "cache_read", "cache_write", "output", "reasoning")
OUTCOMES = frozenset({"committed", "refused", "unreachable", "stale", "silent", "out", "unfit"})
FIRST_BYTE = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 25.0, 60.0, 120.0, 300.0)
DURATION = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0)
"""Seconds: an answer of an agent's may take half an hour."""

REQUESTS = Family(
    "pointsman_requests_total",
    "counter",
    "Exchanges that have ended.",
    ("backend", "model", "dialect", "upstream_dialect", "status", "bucket"),
)
SPENT = Family(
    "pointsman_tokens_total", "counter", "Tokens, in disjoint kinds.", ("backend", "model", "bucket", "kind")
)
COST = Family(
    "pointsman_cost_dollars_total",
    "counter",
    "What exchanges cost in US dollars; of a plan's answers, what its API would have asked.",
    ("backend", "model", "bucket"),
)
UNPRICED = Family(
    "pointsman_unpriced_requests_total",
    "counter",
    "Exchanges with tokens whose cost is not known.",
    ("backend", "model", "bucket"),
)
ERRORS = Family(
    "pointsman_errors_total",
    "counter",
    "Exchanges that failed: not let in, answered with an error, left by the client, or broken off.",
    ("backend", "kind"),
)
CLIENTS = Family(
    "pointsman_client_requests_total", "counter", "Exchanges by the program that asked.", ("client",)
)
REJECTED = Family("pointsman_rejected_requests_total", "counter", "Requests that were not let in.")
LOSSES = Family(
    "pointsman_losses_total",
    "counter",
    "What translation could not carry over.",
    ("dialect", "upstream_dialect", "kind"),
)
ATTEMPTS = Family(
    "pointsman_attempts_total",
    "counter",
    "Tries with one account, by how they ended.",
    ("backend", "outcome"),
)
FAILOVERS = Family(
    "pointsman_failovers_total",
    "counter",
    "Exchanges that were served after another try failed.",
    ("backend",),
)
FIRST_BYTES = Family(
    "pointsman_time_to_first_byte_seconds",
    "histogram",
    "From the request to its answer's begin.",
    ("backend",),
)
DURATIONS = Family(
    "pointsman_request_duration_seconds", "histogram", "From the request to its answer's end.", ("backend",)
)


@dataclass(slots=True)
class Cell:
    """The sums of the exchanges that have all labels in common."""

    requests: int = 0
    tokens: list[int] = field(default_factory=lambda: [0] * len(TOKENS))
    cost: int = 0
    """Billionths of a US dollar."""
    unpriced: int = 0

    def add(self, record: Record) -> None:
        """One more."""
        self.requests += 1
        cached = record.written_to_cache
        counts = (record.input, record.cache_read, cached, record.output, record.reasoning)
        for index, count in enumerate(counts):
            self.tokens[index] += count or 0
        self.cost += record.cost or 0
        self.unpriced += record.unpriced


class Metrics:
    """Counted in the ledger's thread, written out in another."""

    def __init__(self) -> None:
        self._cells: dict[Labels, Cell] = {}
        self._errors: Counter[Labels] = Counter()
        self._clients: Counter[Labels] = Counter()
        self._rejected = 0
        self._losses: Counter[Labels] = Counter()
        self._attempts: Counter[Labels] = Counter()
        self._failovers: Counter[Labels] = Counter()
        self._first_bytes: dict[Labels, Distribution] = {}
        self._durations: dict[Labels, Distribution] = {}
        self._models = Names(MOST_MODELS)
        self._busy = threading.Lock()

    def __call__(self, records: Sequence[Record]) -> None:
        """Counts records; a listener of the ledger."""
        for record in records:
            with self._busy:
                self._count(record)

    def _count(self, record: Record) -> None:
        backend, dialects = record.backend or "", (record.dialect or "", record.upstream_dialect or "")
        # The model that answered: a name that was only asked for may be anything.
        model = self._models.told(record.model, admitted=record.answered)
        labels = (backend, model, *dialects, _status(record), record.bucket)
        cell = self._cells.get(labels)
        if cell is None:
            cell = self._cells[labels] = Cell()
        cell.add(record)
        if record.error is not None:
            self._errors[(backend, _failure(record))] += 1
        self._clients[(record.client,)] += 1
        self._rejected += record.reject is not None
        _measure(self._first_bytes, backend, record.first_byte, FIRST_BYTE)
        _measure(self._durations, backend, record.duration, DURATION)
        if record.losses is not None:
            for kind in ("approximated", "dropped"):
                if times := record.losses.count(f'"{kind} '):
                    self._losses[(*dialects, kind)] += times
        if record.attempts:
            self._count_attempts(record, backend)

    def _count_attempts(self, record: Record, backend: str) -> None:
        attempts = record.attempts.split(", ")
        for attempt in attempts:
            words = attempt.split(" ")
            tried = words[0].partition("/")[0] if "/" in words[0] else backend
            self._attempts[(tried, next((word for word in words if word in OUTCOMES), OTHER))] += 1
        if len(attempts) > 1 and attempts[-1].endswith("committed"):
            self._failovers[(backend,)] += 1

    def written(self) -> Iterator[str]:
        """All families' lines."""
        with self._busy:
            yield from self._sums()
            yield from written(ERRORS, self._errors)
            yield from written(CLIENTS, self._clients)
            yield from written(REJECTED, {(): self._rejected})
            yield from written(LOSSES, self._losses)
            yield from written(ATTEMPTS, self._attempts)
            yield from written(FAILOVERS, self._failovers)
            yield from written_histogram(FIRST_BYTES, self._first_bytes)
            yield from written_histogram(DURATIONS, self._durations)

    def _sums(self) -> Iterator[str]:
        yield from written(REQUESTS, {labels: cell.requests for labels, cell in self._cells.items()})
        spent: Counter[Labels] = Counter()
        for (backend, model, *_, bucket), cell in self._cells.items():
            for kind, count in zip(TOKENS, cell.tokens, strict=True):
                if count:
                    spent[(backend, model, bucket, kind)] += count
        yield from written(SPENT, spent)
        cost = self._by_model(lambda cell: cell.cost)
        yield from written(COST, {labels: float(nano / NANO) for labels, nano in cost.items()})
        yield from written(UNPRICED, self._by_model(lambda cell: cell.unpriced))

    def _by_model(self, value: Callable[[Cell], int]) -> Counter[Labels]:
        found: Counter[Labels] = Counter()
        for (backend, model, *_, bucket), cell in self._cells.items():
            if count := value(cell):
                found[(backend, model, bucket)] += count
        return found


def _status(record: Record) -> str:
    return "none" if record.status is None else f"{record.status // 100}xx"


def _failure(record: Record) -> str:
    """One of a few words; the codes of errors are the providers', and many."""
    if record.reject is not None:
        return "rejected"
    if record.error == CLIENT_GONE:
        return CLIENT_GONE
    return _status(record) if (record.status or 0) >= 400 else "broken"


def _measure(
    spreads: dict[Labels, Distribution], backend: str, value: float | None, bounds: tuple[float, ...]
) -> None:
    if value is None:
        return
    spread = spreads.get((backend,))
    if spread is None:
        spread = spreads[(backend,)] = Distribution(bounds)
    spread.add(value)

"""The tally: counts over all exchanges since the start, for the status page."""

from dataclasses import dataclass, field

from pointsman.ledger.trace import Trace


@dataclass(slots=True)
class Counts:
    """What one backend served."""

    requests: int = 0
    errors: int = 0
    input_tokens: int = 0
    output_tokens: int = 0


@dataclass(slots=True)
class Tally:
    """Kept in memory; its size depends only on the number of backends."""

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
        if trace.usage is not None:
            usage = trace.usage
            counts.input_tokens += sum(
                count or 0
                for count in (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
            )
            counts.output_tokens += (usage.output or 0) + (usage.reasoning or 0)

"""A record in the words of OpenTelemetry's conventions for generative AI, by which other tools know it.

The names are those of version 1.41, which dashboards read today
(github.com/open-telemetry/semantic-conventions, v1.41.0, docs/gen-ai), or the newest ones
(github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md), where
`OTEL_SEMCONV_STABILITY_OPT_IN` wants them. What is ours alone begins with `pointsman.`.
"""

from collections.abc import Iterator, Mapping
from typing import TypeAlias

from msgspec import Struct

from pointsman.ledger.log_line import together
from pointsman.ledger.record import NANO, Record
from pointsman.ledger.trace import CLIENT_GONE

Value: TypeAlias = str | int | float | bool | tuple[str, ...]
Attributes: TypeAlias = dict[str, Value]

SECONDS = (0.01, 0.02, 0.04, 0.08, 0.16, 0.32, 0.64, 1.28, 2.56, 5.12, 10.24, 20.48, 40.96, 81.92)
TOKENS = tuple(float(4**power) for power in range(14))
"""The bounds of the buckets, as the conventions want them."""
OURS = "pointsman"
"""The provider of what nobody was asked for."""
_OPERATIONS = {
    "generate": "chat",
    "compact": "chat",
    "embeddings": "embeddings",
    "batch_embeddings": "embeddings",
    "completions": "text_completion",
    "kept response": "fetch_response",
}
INFERENCE = frozenset({"chat", "text_completion"})
_REASONS = {
    "end": "stop",
    "stop_sequence": "stop",
    "max_tokens": "length",
    "context_window": "length",
    "tool_use": "tool_call",
    "refusal": "content_filter",
}


class Measure(Struct, frozen=True):
    """One value for one instrument."""

    name: str
    unit: str
    value: float
    bounds: tuple[float, ...] | None
    """Of a histogram; None for a counter."""
    more: tuple[tuple[str, str], ...] = ()
    """What it has beside the attributes of all."""


def operation_of(record: Record) -> str:
    """What was done, in the conventions' word where they have one."""
    return _OPERATIONS.get(record.operation or "", record.operation or "unknown")


def span_name(record: Record) -> str:
    """What its span is called."""
    return f"{operation_of(record)} {record.asked}" if record.asked else operation_of(record)


def shared(record: Record, provider: str, asked: str, answered: str) -> Attributes:
    """What measures have in common; the names of models come in, since there must not be too many."""
    told = {
        "gen_ai.operation.name": operation_of(record),
        "gen_ai.provider.name": provider,
        "gen_ai.request.model": asked,
        "gen_ai.response.model": answered,
        "error.type": error_type(record) or "",
    }
    return {name: value for name, value in told.items() if value}


def error_type(record: Record) -> str | None:
    """The class of what went wrong: the status where there is one, which are few."""
    if record.answered:
        return None
    if record.status is not None and record.status >= 400:
        return str(record.status)
    return CLIENT_GONE if record.error == CLIENT_GONE else "_OTHER"


def span_attributes(record: Record, provider: str, *, latest: bool) -> Attributes:
    """What its span says. No content, and no credential."""
    write = "write" if latest else "creation"
    told: Mapping[str, Value | None] = {
        **shared(record, provider, record.asked or "", record.model or ""),
        "gen_ai.request.stream": True if record.stream else None,
        "gen_ai.response.finish_reasons": _finish(record),
        "gen_ai.response.time_to_first_chunk": record.first_byte if record.stream else None,
        "gen_ai.usage.input_tokens": input_tokens(record),
        "gen_ai.usage.output_tokens": together(record.output, record.reasoning),
        "gen_ai.usage.cache_read.input_tokens": record.cache_read,
        f"gen_ai.usage.cache_{write}.input_tokens": cache_write(record),
        "gen_ai.usage.reasoning.output_tokens": record.reasoning,
        "http.response.status_code": record.status,
        **_own(record),
    }
    return {name: value for name, value in told.items() if value is not None}


def _own(record: Record) -> Mapping[str, Value | None]:
    return {
        "pointsman.request_id": record.request_id,
        "pointsman.backend": record.backend,
        "pointsman.account": record.account,
        "pointsman.client": record.client,
        "pointsman.session": record.session,
        "pointsman.dialect": record.dialect,
        "pointsman.upstream_dialect": record.upstream_dialect,
        "pointsman.mode": record.form,
        "pointsman.rule": record.rule,
        "pointsman.attempts": tuple(record.attempts.split(", ")) if record.attempts else None,
        "pointsman.bucket": record.bucket,
        "pointsman.claim": record.claim,
        "pointsman.cost_usd": None if record.cost is None else float(record.cost / NANO),
        "pointsman.tokens_estimated": record.estimated or None,
        "pointsman.reject": record.reject,
        "pointsman.error": record.error,
    }


def input_tokens(record: Record) -> int | None:
    """All input, from caches and to them as well."""
    return together(record.input, record.cache_read, cache_write(record))


def cache_write(record: Record) -> int | None:
    """Of whatever lifetime."""
    return together(record.cache_write_5m, record.cache_write_1h)


def measures(record: Record, *, latest: bool) -> Iterator[Measure]:
    """What it adds to the instruments. Our own estimates of tokens are no measures."""
    inference = operation_of(record) in INFERENCE
    family = "gen_ai.client.inference" if latest and inference else "gen_ai.client.operation"
    if record.duration is not None:
        yield Measure(f"{family}.duration", "s", record.duration, SECONDS)
    if record.stream and record.first_byte is not None:
        yield Measure(f"{family}.time_to_first_chunk", "s", record.first_byte, SECONDS)
    if record.estimated or not inference:
        return
    yield from _latest_tokens(record) if latest else _tokens(record)


def _tokens(record: Record) -> Iterator[Measure]:
    counts = {"input": input_tokens(record), "output": together(record.output, record.reasoning)}
    for kind, count in counts.items():
        if count is not None:
            more = (("gen_ai.token.type", kind),)
            yield Measure("gen_ai.client.token.usage", "{token}", count, TOKENS, more)


def _latest_tokens(record: Record) -> Iterator[Measure]:
    """Sums, of which the details are a part, and how they spread."""
    sums = {"input_tokens": input_tokens(record), "output_tokens": together(record.output, record.reasoning)}
    details = {
        "cache_read.input_tokens": record.cache_read,
        "cache_write.input_tokens": cache_write(record),
        "reasoning.output_tokens": record.reasoning,
    }
    modality = (("gen_ai.token.modality", "unknown"),)
    for name, count in {**sums, **details}.items():
        if count is not None:
            yield Measure(f"gen_ai.client.inference.usage.{name}", "{token}", count, None, modality)
    for name, count in sums.items():
        if count is not None:
            yield Measure(f"gen_ai.client.inference.operation.{name}", "{token}", count, TOKENS)


def _finish(record: Record) -> tuple[str, ...] | None:
    if record.stop is not None:
        return (_REASONS.get(record.stop, record.stop),)
    return ("error",) if error_type(record) and record.backend else None

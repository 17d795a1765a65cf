"""A record as a line of the log file: a JSON object with the same keys in every line."""

from collections.abc import Sequence
from datetime import UTC, datetime

from msgspec import Struct

from pointsman.ledger.billing import Bucket
from pointsman.ledger.record import Record
from pointsman.wire.json import decode_value, encode

_LINE_ENDS = {each.encode(): f"\\u{ord(each):04x}".encode() for each in ("\x85", "\u2028", "\u2029")}


class LogLine(Struct, frozen=True):
    """One exchange. docs/observability.md says what each key means."""

    ts: str
    req: str
    method: str
    path: str
    model: str | None
    answered_by: str | None
    status: int | None
    latency_ms: float | None
    ttfb_ms: float | None
    in_tokens: int | None
    out_tokens: int | None
    cache_read: int | None
    cache_write: int | None
    claim: str | None
    bucket: Bucket
    backend: str | None
    account: str | None
    client: str
    stream: bool
    mode: str | None
    losses: Sequence[str]
    reject: str | None
    error: str | None


def log_line(record: Record) -> LogLine:
    """The line of a record."""
    return LogLine(
        ts=_moment(record.at),
        req=record.request_id,
        method=record.method,
        path=record.path,
        model=record.asked,
        answered_by=record.model,
        status=record.status,
        latency_ms=_milliseconds(record.duration),
        ttfb_ms=_milliseconds(record.first_byte),
        in_tokens=record.input,
        out_tokens=together(record.output, record.reasoning),
        cache_read=record.cache_read,
        cache_write=together(record.cache_write_5m, record.cache_write_1h),
        claim=record.claim,
        bucket=record.bucket,
        backend=record.backend,
        account=record.account,
        client=record.client,
        stream=record.stream,
        mode=record.form,
        losses=[] if record.losses is None else decode_value(record.losses.encode()),
        reject=record.reject,
        error=record.error,
    )


def log_bytes(records: Sequence[Record]) -> bytes:
    """The lines of records, each with its end."""
    return b"".join([_escaped(encode(log_line(record))) + b"\n" for record in records])


def _escaped(line: bytes) -> bytes:
    """Without the line ends that JSON knows as plain characters: some readers split lines at them."""
    for plain, escape in _LINE_ENDS.items():
        line = line.replace(plain, escape)
    return line


def together(*counts: int | None) -> int | None:
    """The sum of what was reported; None where nothing was."""
    told = [count for count in counts if count is not None]
    return sum(told) if told else None


def _moment(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _milliseconds(seconds: float | None) -> float | None:
    return None if seconds is None else round(seconds * 1000, 1)

"""A record: what the ledger keeps of one exchange. No content, and no credential."""

import re
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import lru_cache
from http import HTTPStatus
from typing import Any, TypeAlias

from msgspec import Struct, structs

from pointsman.canon.loss import Loss
from pointsman.canon.usage import Usage
from pointsman.ledger.billing import BILLED, Bucket
from pointsman.ledger.trace import Trace
from pointsman.routing.window import Window
from pointsman.wire.json import encode
from pointsman.wire.secrets import mask, mask_forms

NANO = 1_000_000_000
"""Costs are kept in whole billionths of a US dollar, so that sums are exact."""
MOST_COST = 10_000 * NANO
"""Of one exchange. What costs more has a wrong price, and the sum of many would fit no integer of SQLite."""
MICRO = 1_000_000
LONGEST = 200
"""Characters of a name that somebody else made up."""
MOST_LOSSES = 20
_UNCOUNTED = Usage()
_ANSWERS = ("committed", "refused")
"""How attempts begin in which a backend answered."""
_PARENT = re.compile(r"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
"""https://www.w3.org/TR/trace-context/#traceparent-header; other versions begin alike, and are left alone."""


class Record(Struct, frozen=True, kw_only=True):
    """One row. Times are in seconds; tokens are in disjoint buckets, None where nothing was reported."""

    at: float
    """When it began, in seconds since the epoch."""
    request_id: str
    client: str
    client_key: str | None
    method: str
    path: str
    operation: str | None
    dialect: str | None
    upstream_dialect: str | None
    asked: str | None
    model: str | None
    """The one that answered."""
    backend: str | None
    provider: str | None
    """As its row is named."""
    account: str | None
    rule: str | None
    """Why it went there."""
    form: str | None
    attempts: str
    """One word and status for each, behind one another."""
    status: int | None
    stream: bool
    first_byte: float | None
    duration: float | None
    input: int | None = None
    cache_read: int | None = None
    cache_write_5m: int | None = None
    cache_write_1h: int | None = None
    output: int | None = None
    reasoning: int | None = None
    estimated: bool
    cost: int | None
    """Billionths of a US dollar; None where it is not known. Of a plan's answer: what its API would ask."""
    stop: str | None
    losses: str | None
    """A JSON array of `kind what: why`."""
    windows: str | None
    """A JSON object: of each limit how far it was `used`, from 0 to 1, and when it `resets`, in seconds since
    the epoch."""
    claim: str | None
    bucket: Bucket
    session: str | None
    upstream_id: str | None
    traceparent: str | None
    """The client's own trace, as in W3C's Trace Context."""
    reject: str | None
    error: str | None
    """The code of the error that ended it."""

    @property
    def answered(self) -> bool:
        """Whether the client got what it asked for."""
        return self.error is None and self.status is not None and self.status < 400

    @property
    def written_to_cache(self) -> int:
        """Tokens, for whatever lifetime."""
        return (self.cache_write_5m or 0) + (self.cache_write_1h or 0)

    @property
    def unpriced(self) -> bool:
        """Whether somebody was billed for it, and nobody knows how much."""
        if self.cost is not None:
            return False
        # Where nobody knows the claim it is not known to what, but it was.
        claimed = self.claim is not None and self.status == HTTPStatus.OK and self.input is not None
        return self.bucket in BILLED or (self.bucket == "unknown" and claimed)


COLUMNS = Record.__struct_fields__
Told: TypeAlias = Callable[[str | None], str | None]


def record_of(trace: Trace, cost: Decimal | None, bucket: Bucket, told: Told | None = None) -> Record:
    """The record of a finished exchange; `told` gives each name as it may stand in it."""
    told = told or teller(trace.secrets)
    return Record(
        at=trace.started,
        request_id=trace.request_id,
        client=trace.client or "unknown",
        client_key=trace.key,
        method=trace.method,
        path=told(trace.path) or "",
        operation=trace.operation,
        dialect=trace.dialect,
        upstream_dialect=trace.upstream_dialect,
        asked=told(trace.asked),
        model=told(trace.model) if _answered(trace) else None,
        backend=trace.backend,
        provider=trace.issuer,
        account=trace.account,
        rule=trace.rule,
        form=trace.form,
        attempts=", ".join(trace.attempts),
        status=trace.status,
        stream=trace.stream,
        first_byte=_rounded(trace.first_byte),
        duration=_rounded(trace.duration),
        **_counts(trace.usage or _UNCOUNTED),
        estimated=trace.estimated,
        cost=_nano(cost),
        stop=told(trace.stop),
        losses=_losses(trace.losses),
        windows=_windows(trace.windows),
        claim=told(trace.claim),
        bucket=bucket,
        session=told(trace.session),
        upstream_id=told(trace.upstream_id),
        traceparent=_whole(trace.traceparent),
        reject=trace.reject,
        error=told(trace.error),
    )


def row_of(record: Record) -> tuple[Any, ...]:
    """The record's values in the order of the columns."""
    return structs.astuple(record)


def _answered(trace: Trace) -> bool:
    """Whether a backend said anything to it."""
    return trace.first_byte is not None or any(each.startswith(_ANSWERS) for each in trace.attempts)


def _nano(cost: Decimal | None) -> int | None:
    found = None if cost is None else round(cost * NANO)
    return found if found is not None and found <= MOST_COST else None


def _counts(usage: Usage) -> dict[str, int | None]:
    return {
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write_5m": usage.cache_write_5m,
        "cache_write_1h": usage.cache_write_1h,
        "output": usage.output,
        "reasoning": usage.reasoning,
    }


def _short(name: str) -> str:
    if len(name) <= LONGEST and name.isascii():
        return name
    # Half a surrogate pair is text to Python and none to SQLite.
    return name[:LONGEST].encode("utf-8", "replace").decode()


def teller(secrets: Iterable[str]) -> Told:
    """What makes of a name, in which a credential may stand, whosesoever it is, one that may be kept: without
    these, and without what looks like one. Names are said again and again, so each is looked at once."""
    known = tuple(secrets)

    def told(name: str | None) -> str | None:
        if name is None:
            return None
        if any(secret in name for secret in known):
            name = mask(name, known)
        return _short(mask_forms(name))

    return lru_cache(maxsize=4096)(told)


def _whole(parent: str | None) -> str | None:
    return parent if parent is not None and _PARENT.fullmatch(parent) else None


def _rounded(seconds: float | None) -> float | None:
    """To a microsecond."""
    return None if seconds is None else int(seconds * MICRO + 0.5) / MICRO


def _losses(losses: list[Loss]) -> str | None:
    if not losses:
        return None
    return encode([f"{loss.kind} {loss.what}: {loss.why}" for loss in losses[:MOST_LOSSES]]).decode()


def _windows(windows: tuple[Window, ...]) -> str | None:
    if not windows:
        return None
    told = {
        window.name: {"used": round(window.utilisation, 4), "resets": window.resets} for window in windows
    }
    return encode(told).decode()

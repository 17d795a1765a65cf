"""The ledger, and the embedded model: what is on the disk."""

import time
from collections.abc import Iterator
from pathlib import Path

from pointsman.canon.errors import SetupError
from pointsman.cli.checks.finding import Finding
from pointsman.cli.embedded import here
from pointsman.cli.output import age, count
from pointsman.ledger import queries
from pointsman.ledger.reading import reading
from pointsman.upstream.weights import SMOLLM2

MEGA = 1_000_000


def ledger(path: Path) -> Iterator[Finding]:
    """Whether it can be read, how large it is, and what is missing in it."""
    try:
        with reading(path) as connection:
            if connection is None:
                yield Finding("ok", "ledger", f"{path} is made with the first request")
                return
            (number, last) = connection.execute("SELECT COUNT(*), MAX(at) FROM exchanges").fetchone()
            (fine,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            dropped, lost = queries.missing(connection)
    except SetupError as error:
        yield Finding("fail", "ledger", error.message, f"move {path} away; it is then begun anew")
        return
    if fine != "ok":
        yield Finding("fail", "ledger", f"{path} is damaged: {fine}", f"move {path} away")
    size = f"{path.stat().st_size / MEGA:,.1f} MB"
    latest = "" if last is None else f", the last one {age(max(0.0, time.time() - last))} ago"
    facts = {"path": str(path), "records": number, "dropped": dropped, "lost": lost}
    yield Finding("ok", "ledger", f"{count(number, 'record')} in {size}{latest}", facts=facts)
    if dropped or lost:
        yield Finding(
            "warn", "ledger", f"{dropped} exchanges were dropped, {lost} lost with killed processes"
        )


def embedded() -> Finding:
    """Whether its file is there."""
    found = here()
    if found is None:
        said = f"{SMOLLM2.model} is not here; the first request that needs it fetches it"
        return Finding("warn", "embedded model", said, "`pointsman weights fetch`")
    if found.stat().st_size != SMOLLM2.size:
        return Finding(
            "fail", "embedded model", f"{found} has the wrong size", "remove it, `pointsman weights fetch`"
        )
    return Finding("ok", "embedded model", str(found))

"""The table of checks: what `pointsman doctor` looks at, in the report's order."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from pointsman.cli.checks import (
    backends,
    clients,
    configuration,
    embedded_model,
    folders,
    ledger,
    machine,
    overhead,
    pool,
    port,
    real_requests,
    signed_in,
)
from pointsman.cli.checks.finding import Finding
from pointsman.cli.checks.scene import Scene

Check: TypeAlias = Callable[[Scene], Iterable[Finding]]

CHECKS: tuple[tuple[str, Check], ...] = (
    ("this machine", machine.check),
    ("the configuration", configuration.check),
    ("folders", folders.check),
    ("the port", port.check),
    ("backends", backends.check),
    ("sign-ins", signed_in.check),
    ("the pool", pool.check),
    ("the ledger", ledger.check),
    ("the embedded model", embedded_model.check),
    ("the overhead", overhead.check),
    ("clients", clients.check),
)
"""What is looked at, for the progress, and the check."""
PROBE: tuple[str, Check] = ("every backend, with a request", real_requests.probe)
USAGE: tuple[str, Check] = ("every account, with a request", real_requests.usage)

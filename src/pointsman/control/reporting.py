"""Reporting: what tells of exchanges beside the ledger, each a listener of it: the log file, the console,
the metrics.

What they do is done in the ledger's thread, behind the traffic.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import TextIO

from pointsman.config.environment import endpoint_key
from pointsman.config.schema import Settings
from pointsman.gateway.excerpts import Excerpts
from pointsman.gateway.exchange import Client, Exchange
from pointsman.gateway.masking import KnownSecrets
from pointsman.ledger.console import Console
from pointsman.ledger.ledger import Ledger
from pointsman.ledger.log_file import LogFile
from pointsman.ledger.metrics import Metrics

BODIES = 2
"""The verbosity that shows bodies."""


class Reporting:
    """One endpoint's."""

    def __init__(
        self,
        ledger: Ledger,
        settings: Settings,
        folder: Path,
        environment: Mapping[str, str],
        secrets: Callable[[], Iterable[str]],
    ) -> None:
        """`folder` is the configuration's; `secrets` gives the credentials of all accounts."""
        self._own_key = endpoint_key(environment)
        self._secrets = secrets
        self.known = KnownSecrets()
        """What requests were sent with."""
        self.metrics = Metrics()
        ledger.listen(self.metrics)
        self._excerpts = Excerpts(self._known) if settings.verbose >= BODIES else None
        self._log = None if settings.log_file is None else LogFile(_path(settings.log_file, folder))
        if self._log is not None:
            ledger.listen(self._log)
        if settings.verbose:
            ledger.listen(self._console(sys.stderr, environment))

    def _console(self, stream: TextIO, environment: Mapping[str, str]) -> Console:
        plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        colour = stream.isatty() and not plain
        if self._excerpts is None:
            return Console(stream, colour=colour)
        return Console(stream, colour=colour, beside=self._excerpts.take)

    def _known(self) -> Iterable[str]:
        own = () if self._own_key is None else (self._own_key,)
        return (*own, *self.known.all(), *self._secrets())

    def follow(self, exchange: Exchange, client: Client) -> Client:
        """The client that an answer goes to, looked at where bodies are shown."""
        return client if self._excerpts is None else self._excerpts.follow(exchange, client)

    @property
    def has_log(self) -> bool:
        """Whether there is a log file."""
        return self._log is not None

    @property
    def lines_lost(self) -> int:
        """Lines that the log file could not take."""
        return 0 if self._log is None else self._log.lost

    def reopen(self) -> None:
        """The log file was rotated, or is to be made."""
        if self._log is not None:
            self._log.reopen()

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        return () if self._log is None else self._log.warnings()

    def close(self) -> None:
        """Nothing more comes."""
        if self._log is not None:
            self._log.close()


def _path(name: str, folder: Path) -> Path:
    return folder / Path(name).expanduser()

"""Reporting: what tells of exchanges beside the ledger: a log file, a console, metrics, OpenTelemetry.

Each is a listener of the ledger, and does its work behind the traffic.
"""

import sys
from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from pointsman.catalog.provider import Provider
from pointsman.config.environment import endpoint_key
from pointsman.config.schema import Settings
from pointsman.control.log_mask import LogMask
from pointsman.gateway.excerpts import Excerpts
from pointsman.gateway.exchange import Client, Exchange
from pointsman.gateway.masking import KnownSecrets
from pointsman.ledger.aside import Aside
from pointsman.ledger.console import Console
from pointsman.ledger.ledger import Ledger, Listener
from pointsman.ledger.log_file import LogFile
from pointsman.ledger.metrics import Metrics
from pointsman.ledger.otlp import destination, unspoken
from pointsman.wire.secrets import mask, mask_alike

if TYPE_CHECKING:
    from pointsman.ledger.telemetry import Telemetry

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
        self._ledger = ledger
        self._environment = environment
        self._endpoint = settings.otlp_endpoint
        self._telemetry: Telemetry | None = None
        self._untold: str | None = None
        """Why there is no telemetry though it is wanted."""
        self._own_key = endpoint_key(environment)
        self._others = secrets
        self.known = KnownSecrets()
        """What requests were sent with."""
        self._log_mask = LogMask(self.redact)
        self.metrics = Metrics()
        ledger.listen(self.metrics)
        self._excerpts = Excerpts(self.secrets) if settings.verbose >= BODIES else None
        self._log = None if settings.log_file is None else LogFile(_path(settings.log_file, folder))
        self._asides: dict[Listener, Aside] = {}
        if self._log is not None:
            self._tell_aside(self._log)
        if settings.verbose:
            self._tell_aside(self._console(sys.stderr, environment))

    def _tell_aside(self, listener: Listener) -> None:
        aside = self._asides[listener] = Aside(listener)
        self._ledger.listen(aside)

    def begin(self, providers: Mapping[str, Provider], run: str) -> None:
        """Opens what is to be opened; `run` names this run of the endpoint. May take half a second."""
        self.known.note(self.secrets())
        self._log_mask.begin()
        self.reopen()
        there = destination(self._endpoint, self._environment)
        if there is None:
            return
        protocol = unspoken(self._environment)
        if protocol is not None:
            self._untold = (
                f"OTEL_EXPORTER_OTLP_PROTOCOL asks for {protocol}; only http/protobuf is spoken here"
            )
            return
        try:
            from pointsman.ledger.telemetry import Telemetry  # noqa: PLC0415 - an extra
        except ImportError:
            self._untold = (
                "telemetry is asked for (`otlp_endpoint` or OTEL_EXPORTER_OTLP_ENDPOINT), and its library is "
                'not there: install it with `pip install "pointsman[otel]"`'
            )
            return
        try:
            self._telemetry = Telemetry(there, providers, version=version("pointsman"), instance=run)
        except (ValueError, OSError) as error:
            # Without its text: a variable's value may be a credential.
            self._untold = f"OpenTelemetry cannot be set up as its variables say ({type(error).__name__})"
            return
        self._ledger.listen(self._telemetry)

    def _console(self, stream: TextIO, environment: Mapping[str, str]) -> Console:
        plain = environment.get("NO_COLOR") or environment.get("TERM") == "dumb"
        colour = stream.isatty() and not plain
        if self._excerpts is None:
            return Console(stream, colour=colour)
        return Console(stream, colour=colour, beside=self._excerpts.take)

    def secrets(self) -> Iterable[str]:
        """Every credential that is known."""
        own = () if self._own_key is None else (self._own_key,)
        return (*own, *self.known.all(), *self._others())

    def redact(self, data: bytes, more: Iterable[str]) -> bytes:
        """A body without anything that is a credential, or looks like one."""
        text = mask(data, (*self.secrets(), *more)).decode("utf-8", "surrogateescape")
        return mask_alike(text).encode("utf-8", "surrogateescape")

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
        return 0 if self._log is None else self._log.lost + self._asides[self._log].lost

    def reopen(self) -> None:
        """The log file was rotated, or is to be made."""
        if self._log is not None:
            self._log.reopen()

    def warnings(self) -> tuple[str, ...]:
        """What a person should know."""
        said: list[str | None] = [] if self._log is None else [*self._log.warnings()]
        said.append(self._untold)
        if self._telemetry is not None:
            said.append(self._telemetry.outlook.trouble)
        return tuple(filter(None, said))

    def close(self) -> None:
        """Nothing more comes."""
        self._log_mask.end()
        for aside in self._asides.values():
            aside.close()
        if self._log is not None:
            self._log.close()
        if self._telemetry is not None:
            self._telemetry.close()


def _path(name: str, folder: Path) -> Path:
    return folder / Path(name).expanduser()

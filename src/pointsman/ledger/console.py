"""The console: a line for each exchange, for whoever looks at the endpoint's terminal.

200 POST /v1/messages sonnet → claude-sonnet-5-5, account anthropic/work, subscription, 1.24 s
"""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TextIO

from pointsman.ledger.record import Record

_CONTROLS = dict.fromkeys((*range(32), *range(127, 160), 0x2028, 0x2029), "?")
"""What could move the cursor, or begin a line that is none of ours."""
_RESET = "\x1b[0m"
_DIM = "\x1b[2m"
_COLOURS = {2: "\x1b[32m", 4: "\x1b[33m", 5: "\x1b[31m"}
"""By a status's first digit."""


class Console:
    """Writes to a stream; one that is closed is left alone from then on."""

    def __init__(
        self,
        stream: TextIO,
        *,
        colour: bool,
        beside: Callable[[str], Sequence[tuple[str, str]]] = lambda _: (),
    ) -> None:
        """`beside` gives what else to show of an exchange, by its request id: titles and texts."""
        self._stream = stream
        self._colour = colour
        self._beside = beside
        self._closed = False

    def __call__(self, records: Sequence[Record]) -> None:
        """Writes the lines of records; a listener of the ledger."""
        if self._closed:
            return
        text = "".join(self._told(record) for record in records)
        try:
            self._stream.write(text)
            self._stream.flush()
        except (OSError, ValueError):  # nobody looks any longer
            self._closed = True

    def _told(self, record: Record) -> str:
        return f"{self._line(record)}\n" + "".join(
            f"{self._styled(_DIM, f'  {title}')}\n{_indented(text)}"
            for title, text in self._beside(record.request_id)
        )

    def _line(self, record: Record) -> str:
        status = "---" if record.status is None else str(record.status)
        shown = self._styled(_COLOURS.get((record.status or 0) // 100, ""), status)
        clock = datetime.fromtimestamp(record.at, UTC).astimezone().strftime("%H:%M:%S")
        words = f"{record.method} {record.path}{_model(record)}".translate(_CONTROLS)
        facts = ", ".join(_facts(record)).translate(_CONTROLS)
        return f"{self._styled(_DIM, clock)} {shown} {words}, {facts}"

    def _styled(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self._colour and style else text


def _model(record: Record) -> str:
    """What was asked for, and who answered where that is another name."""
    names = [name for name in (record.asked, record.model) if name is not None]
    return f" {' → '.join(dict.fromkeys(names))}" if names else ""


def _facts(record: Record) -> Sequence[str]:
    if record.reject is not None:
        # The name of what was looked at; its value was never kept.
        return [f"rejected, looked at: {record.reject}", _seconds(record.duration)]
    served = record.backend if record.account is None else f"{record.backend}/{record.account}"
    facts = [] if served is None else [f"account {served}", record.bucket]
    failed = [] if record.error is None else [f"error {record.error}"]
    return [*facts, *failed, _seconds(record.duration)]


def _seconds(duration: float | None) -> str:
    return "unfinished" if duration is None else f"{duration:.2f} s"


def _indented(text: str) -> str:
    lines = [line.translate(_CONTROLS) for line in text.split("\n")]
    return "".join(f"    {line}\n" for line in lines)

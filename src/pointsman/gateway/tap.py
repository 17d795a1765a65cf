"""The tap: reads a copy of a relayed answer for its usage. What goes wrong here never touches the stream."""

from collections.abc import Callable
from typing import Any

from pointsman.canon.errors import Fault, PointsmanError, TruncatedError
from pointsman.canon.events import (
    ArgumentsDelta,
    Event,
    Failure,
    MessageStart,
    Stop,
    TextDelta,
    ThinkingDelta,
    UnknownEvent,
    UsageReport,
)
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import UNREADABLE, Decoder
from pointsman.dialects.gather import merge_usage
from pointsman.ledger.trace import Trace
from pointsman.wire.coding import StreamDecoder


class Tap:
    """Follows one answer."""

    def __init__(self, decoder: Decoder, trace: Trace, coding: StreamDecoder | None = None) -> None:
        self.decoder = decoder
        self._coding = coding
        self._trace = trace
        self.running = True
        self.why = ""
        """Why it stopped, for a client."""
        self.fault: Fault | None = None
        """The error that the upstream itself reported in its stream."""

    def feed(self, data: bytes) -> list[Event]:
        """The events in `data`; none once the tap has stopped."""
        if not self.running:
            return []
        try:
            plain = data if self._coding is None else self._coding.feed(data)
            events = list(self.decoder.feed(plain))
        except Exception as error:  # noqa: BLE001 - a border: the answer goes on whatever the tap meets
            self._stop(error)
            return []
        note_usage(events, self._trace)
        for event in events:
            if isinstance(event, Failure):
                self.fault = event.fault
            elif isinstance(event, UnknownEvent) and event.name == UNREADABLE:
                self._trace.tap_stopped = str(event.data[UNREADABLE])[:200]
        return events

    def close(self) -> list[Event]:
        """The last events; the stream has ended. Raises TruncatedError if the answer has not."""
        if not self.running or self.fault is not None:
            return []
        try:
            events = list(self.decoder.close())
        except TruncatedError:
            raise
        except Exception as error:  # noqa: BLE001 - as above
            self._stop(error)
            return []
        note_usage(events, self._trace)
        return events

    def _stop(self, error: Exception) -> None:
        self.running = False
        known = isinstance(error, PointsmanError)
        self._trace.tap_stopped = (error.message if known else f"{type(error).__name__}: {error}")[:200]
        self.why = self._trace.tap_stopped if known else "it holds something that the dialect does not have"


def note_usage(events: list[Event], trace: Trace) -> None:
    """Keeps the model, the counts and the end that events report."""
    for event in events:
        if (note := _NOTES.get(type(event))) is not None:
            note(event, trace)


def _report(event: UsageReport, trace: Trace) -> None:
    trace.usage = merge_usage(trace.usage, event.usage)


def _start(event: MessageStart, trace: Trace) -> None:
    trace.model = event.model or trace.model
    if event.usage is not None:
        trace.usage = merge_usage(trace.usage, event.usage)


def _stop(event: Stop, trace: Trace) -> None:
    trace.stop = (event.raw or event.reason) if event.reason == "other" else event.reason


def _say(event: TextDelta | ThinkingDelta | ArgumentsDelta, trace: Trace) -> None:
    trace.said += len(event.text)


_NOTES: dict[type, Callable[[Any, Trace], None]] = {
    UsageReport: _report,
    MessageStart: _start,
    Stop: _stop,
    TextDelta: _say,
    ThinkingDelta: _say,
    ArgumentsDelta: _say,
}


def note_read(trace: Trace, tokens: int | None) -> None:
    """Keeps how many tokens embeddings took, where the answer says it."""
    if tokens is not None:
        trace.usage = Usage(input=tokens, output=0)

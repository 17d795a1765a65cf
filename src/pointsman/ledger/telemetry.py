"""Telemetry: traces and metrics for an OpenTelemetry collector. Imported only where somebody wants them.

The SDK's own threads send what it queues; its queue is bounded, and drops. What goes wrong there is told once
and nobody waits for it.
"""

import logging
import threading
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.metrics import Meter
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import MetricExportResult, MetricsData, PeriodicExportingMetricReader
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor, SpanExportResult
from opentelemetry.trace import SpanKind, Status, StatusCode, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

from pointsman.catalog.provider import Provider
from pointsman.ledger import gen_ai
from pointsman.ledger.names import Names
from pointsman.ledger.otlp import Destination
from pointsman.ledger.record import Record

LOG = logging.getLogger("pointsman")
MOST_MODELS = 200
CLOSE_SECONDS = 2.0
"""How long the last of it may take at the end."""
_TALKATIVE = (
    "opentelemetry.exporter.otlp.proto.http.trace_exporter",
    "opentelemetry.exporter.otlp.proto.http.metric_exporter",
    "opentelemetry.sdk._shared_internal",
    "opentelemetry.sdk.trace",
    "opentelemetry.sdk.trace.export",
    "opentelemetry.sdk.metrics._internal.export",
)
_NANO = 1_000_000_000


class _Quiet(logging.Filter):
    """Keeps back what the SDK says of our telemetry: it repeats itself, and may quote a URL."""

    def __init__(self) -> None:
        super().__init__()
        self._here = threading.local()

    @contextmanager
    def __call__(self) -> Generator[None]:
        """Around what is ours."""
        self._here.ours = True
        try:
            yield
        finally:
            self._here.ours = False

    def filter(self, record: logging.LogRecord) -> bool:
        """Whether somebody else's telemetry, or something else, is spoken of."""
        return not getattr(self._here, "ours", False)


_QUIET = _Quiet()


class Outlook:
    """Whether the collector takes what is sent."""

    def __init__(self) -> None:
        self.trouble: str | None = None

    def note(self, *, well: bool) -> None:
        """One more try has ended; a change for the worse is told."""
        if well:
            self.trouble = None
        elif self.trouble is None:
            self.trouble = "the OpenTelemetry collector does not take what is sent; it is lost meanwhile"
            LOG.warning(self.trouble)


class _Spans(OTLPSpanExporter):
    """As the SDK's own, but quiet."""

    def __init__(self, url: str, outlook: Outlook) -> None:
        super().__init__(endpoint=url)
        self._outlook = outlook

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        with _QUIET():
            result = super().export(spans)
        self._outlook.note(well=result is SpanExportResult.SUCCESS)
        return result


class _Metrics(OTLPMetricExporter):
    """As the SDK's own, but quiet."""

    def __init__(self, url: str, outlook: Outlook) -> None:
        super().__init__(endpoint=url)
        self._outlook = outlook

    def export(
        self, metrics_data: MetricsData, timeout_millis: float | None = 10_000, **kwargs: Any
    ) -> MetricExportResult:
        whole: Any = super()
        with _QUIET():
            result = whole.export(metrics_data, timeout_millis, **kwargs)
        self._outlook.note(well=result is MetricExportResult.SUCCESS)
        return result


class Telemetry:
    """One endpoint's; a listener of the ledger."""

    def __init__(
        self, there: Destination, providers: Mapping[str, Provider], *, version: str, instance: str
    ) -> None:
        """Starts the SDK's threads; takes a quarter of a second."""
        for name in _TALKATIVE:
            logging.getLogger(name).addFilter(_QUIET)
        self.outlook = Outlook()
        self._latest = there.latest
        self._providers = providers
        self._asked, self._answered = Names(MOST_MODELS), Names(MOST_MODELS)
        self._instruments: dict[str, Any] = {}
        resource = _resource(version, instance)
        self._tracing = _tracing(there, resource, self.outlook)
        self._metering = _metering(there, resource, self.outlook)
        self._tracer: Tracer | None = self._tracing and self._tracing.get_tracer(gen_ai.OURS, version)
        self._meter: Meter | None = self._metering and self._metering.get_meter(gen_ai.OURS, version)

    def __call__(self, records: Sequence[Record]) -> None:
        """Queues what records tell."""
        with _QUIET():
            for record in records:
                self._trace(record)
                self._measure(record)

    def _provider(self, record: Record) -> str:
        row = self._providers.get(record.provider or "")
        return (row and (row.telemetry or row.name)) or gen_ai.OURS

    def _trace(self, record: Record) -> None:
        if self._tracer is None:
            return
        carrier = {} if record.traceparent is None else {"traceparent": record.traceparent}
        began = int(record.at * _NANO)
        span = self._tracer.start_span(
            gen_ai.span_name(record),
            context=TraceContextTextMapPropagator().extract(carrier),
            kind=SpanKind.CLIENT,
            attributes=gen_ai.span_attributes(record, self._provider(record), latest=self._latest),
            start_time=began,
        )
        failed = gen_ai.error_type(record)
        if failed is not None:
            span.set_status(Status(StatusCode.ERROR, record.error))
        span.end(began + int((record.duration or 0.0) * _NANO))

    def _measure(self, record: Record) -> None:
        if self._meter is None:
            return
        # A name that was only asked for may be anything; there must not be too many series.
        asked = self._asked.told(record.asked, admitted=record.answered)
        answered = self._answered.told(record.model, admitted=record.answered)
        attributes = gen_ai.shared(record, self._provider(record), asked, answered)
        for measure in gen_ai.measures(record, latest=self._latest):
            self._add(self._meter, measure, {**attributes, **dict(measure.more)})

    def _add(self, meter: Meter, measure: gen_ai.Measure, attributes: gen_ai.Attributes) -> None:
        instrument = self._instruments.get(measure.name)
        if instrument is None:
            instrument = self._instruments[measure.name] = _instrument(meter, measure)
        add = instrument.add if measure.bounds is None else instrument.record
        add(measure.value, attributes)

    def close(self) -> None:
        """Sends what is left, if the collector is quick."""
        ending = threading.Thread(target=self._shut_down, name="pointsman telemetry", daemon=True)
        ending.start()
        ending.join(CLOSE_SECONDS)

    def _shut_down(self) -> None:
        with _QUIET():
            if self._tracing is not None:
                self._tracing.shutdown()
            if self._metering is not None:
                self._metering.shutdown()


def _resource(version: str, instance: str) -> Resource:
    """What all of it is from; the variables `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say more."""
    own = {"service.name": gen_ai.OURS, "service.version": version, "service.instance.id": instance}
    return Resource(own).merge(OTELResourceDetector().detect())


def _tracing(there: Destination, resource: Resource, outlook: Outlook) -> TracerProvider | None:
    if there.traces is None:
        return None
    provider = TracerProvider(resource=resource, shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(_Spans(there.traces, outlook)))
    return provider


def _metering(there: Destination, resource: Resource, outlook: Outlook) -> MeterProvider | None:
    if there.metrics is None:
        return None
    readers: Iterable[Any] = [PeriodicExportingMetricReader(_Metrics(there.metrics, outlook))]
    return MeterProvider(readers, resource=resource, shutdown_on_exit=False)


def _instrument(meter: Meter, measure: gen_ai.Measure) -> Any:
    if measure.bounds is None:
        return meter.create_counter(measure.name, measure.unit)
    return meter.create_histogram(
        measure.name, measure.unit, explicit_bucket_boundaries_advisory=list(measure.bounds)
    )

"""Where telemetry goes by OTLP, as OpenTelemetry's own variables and a setting say. Imports none of it.

https://opentelemetry.io/docs/specs/otel/protocol/exporter/
"""

from collections.abc import Mapping

from msgspec import Struct

BASE = "OTEL_EXPORTER_OTLP_ENDPOINT"
_OFF = "none"
_LATEST = "gen_ai_latest_experimental"


class Destination(Struct, frozen=True):
    """URLs, each None where nothing is to go. Shown, it says nothing: a URL may hold a password."""

    traces: str | None
    metrics: str | None
    latest: bool = False
    """Whether the newest names of the GenAI conventions are wanted (`OTEL_SEMCONV_STABILITY_OPT_IN`)."""

    def __repr__(self) -> str:
        return "Destination()"


def destination(base: str | None, environment: Mapping[str, str]) -> Destination | None:
    """None where nobody asks for telemetry. `base` is the setting, which goes before the variable."""

    def said(name: str) -> str:
        return environment.get(name, "").strip()

    if said("OTEL_SDK_DISABLED").lower() == "true":
        return None
    root = (base or said(BASE)).rstrip("/")

    def url(signal: str) -> str | None:
        if said(f"OTEL_{signal}_EXPORTER").lower() == _OFF:
            return None
        own = "" if base else said(f"OTEL_EXPORTER_OTLP_{signal}_ENDPOINT")
        return own or (f"{root}/v1/{signal.lower()}" if root else None)

    traces, metrics = url("TRACES"), url("METRICS")
    if traces is None and metrics is None:
        return None
    wanted = said("OTEL_SEMCONV_STABILITY_OPT_IN").split(",")
    return Destination(traces, metrics, _LATEST in [each.strip() for each in wanted])


def unspoken(environment: Mapping[str, str]) -> str | None:
    """The protocol that the variables ask for and that is not spoken here; None where all is well."""
    asked = environment.get("OTEL_EXPORTER_OTLP_PROTOCOL", "").strip().lower()
    return asked if asked not in {"", "http/protobuf"} else None

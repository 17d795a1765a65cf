"""OpenTelemetry: what a collector is sent, by whose names, and what happens when there is none."""

import json
import logging
import subprocess
import sys
import time

import pytest
from rig import eventually, rig
from voices import ANTHROPIC, CHAT

from scripted import HANG, Reply, Upstream, json_reply, run

pytest.importorskip("opentelemetry.sdk")
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
USAGE = {
    "input_tokens": 7,
    "cache_read_input_tokens": 100,
    "cache_creation_input_tokens": 20,
    "output_tokens": 5,
}
ASKED = f"anthropic:{ANTHROPIC.model}"
WHOLE = {**json.loads(ANTHROPIC.whole().body), "usage": USAGE}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """The SDK sends ten times a second."""
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "100")
    monkeypatch.setenv("OTEL_METRIC_EXPORT_INTERVAL", "100")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")


def value_of(value):
    kind = value.WhichOneof("value")
    if kind == "array_value":
        return [value_of(each) for each in value.array_value.values]
    return getattr(value, kind)


def attributes(holder):
    return {each.key: value_of(each.value) for each in holder.attributes}


class Collector(Upstream):
    """Takes what is sent by OTLP, and decodes it."""

    def __init__(self):
        super().__init__()
        self.always = Reply(200, (("content-type", "application/x-protobuf"),), b"")

    def sent(self, path, message):
        decoded = []
        for each in self.requests:
            if each.target == path:
                assert each.header("content-type") == "application/x-protobuf"
                decoded.append(message.FromString(each.body))
        return decoded

    def spans(self):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        sent = self.sent("/v1/traces", ExportTraceServiceRequest)
        resources = [each for request in sent for each in request.resource_spans]
        return [span for each in resources for scope in each.scope_spans for span in scope.spans]

    def resources(self):
        from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

        sent = self.sent("/v1/traces", ExportTraceServiceRequest)
        return [attributes(each.resource) for request in sent for each in request.resource_spans]

    def metrics(self):
        """The latest points of each metric, by its name."""
        from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

        found = {}
        for request in self.sent("/v1/metrics", ExportMetricsServiceRequest):
            for each in request.resource_metrics:
                for scope in each.scope_metrics:
                    for metric in scope.metrics:
                        found[metric.name] = getattr(metric, metric.WhichOneof("data")).data_points
        return found


def asked_of(voice, reply, *headers, environment=None, times=1, **fields):
    """What a collector has once an exchange has ended, and so has the gateway."""

    async def scenario():
        async with Collector() as collector, Upstream(*[reply] * times) as upstream:
            told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, **(environment or {})}
            async with rig(environment=told, **{voice.name: upstream}) as gateway:
                for _ in range(times):
                    await gateway.ask(voice, *headers, **fields)
                await gateway.settled()
                warnings = gateway.app.describe()["warnings"]
            return collector, warnings

    return run(scenario())


def test_an_exchange_is_a_span_by_the_genai_conventions():
    collector, warnings = asked_of(ANTHROPIC, json_reply(WHOLE))

    (span,) = collector.spans()
    told = attributes(span)
    assert span.name == f"chat {ASKED}"
    assert span.kind == span.SPAN_KIND_CLIENT
    assert span.end_time_unix_nano > span.start_time_unix_nano > (time.time() - 60) * 1e9
    assert told["gen_ai.operation.name"] == "chat"
    assert told["gen_ai.provider.name"] == "anthropic-compatible"
    assert told["gen_ai.request.model"] == ASKED
    assert told["gen_ai.response.model"] == ANTHROPIC.model
    assert told["gen_ai.usage.input_tokens"] == 127
    assert told["gen_ai.usage.output_tokens"] == 5
    assert told["gen_ai.usage.cache_read.input_tokens"] == 100
    assert told["gen_ai.usage.cache_creation.input_tokens"] == 20
    assert told["pointsman.backend"] == "anthropic"
    assert told["pointsman.attempts"] == ["committed"]
    assert not [name for name in told if name.startswith("error")]
    assert collector.resources()[0]["service.name"] == "pointsman"
    assert warnings == []


def test_the_clients_trace_is_the_parent():
    collector, _ = asked_of(ANTHROPIC, json_reply(WHOLE), ("traceparent", PARENT))

    (span,) = collector.spans()
    assert span.trace_id.hex() == PARENT.split("-")[1]
    assert span.parent_span_id.hex() == PARENT.split("-")[2]


@pytest.mark.parametrize("parent", ["", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "nonsense", PARENT * 2])
def test_what_is_no_trace_begins_one(parent):
    collector, _ = asked_of(ANTHROPIC, json_reply(WHOLE), ("traceparent", parent))

    (span,) = collector.spans()
    assert span.parent_span_id == b""


def test_a_client_that_does_not_sample_is_followed():
    collector, _ = asked_of(ANTHROPIC, json_reply(WHOLE), ("traceparent", PARENT[:-1] + "0"))

    assert collector.spans() == []
    assert "gen_ai.client.operation.duration" in collector.metrics()


def test_a_failure_is_an_error_of_its_span():
    refusal = json_reply({"type": "error", "error": {"type": "invalid_request_error", "message": "no"}}, 400)
    collector, _ = asked_of(ANTHROPIC, refusal)

    (span,) = collector.spans()
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert attributes(span)["error.type"] == "400"


def test_measures_are_histograms_with_the_bounds_of_the_conventions():
    collector, _ = asked_of(ANTHROPIC, json_reply(WHOLE), times=3)

    found = collector.metrics()
    (duration,) = found["gen_ai.client.operation.duration"]
    assert duration.count == 3
    assert list(duration.explicit_bounds)[:3] == [0.01, 0.02, 0.04]
    tokens = {attributes(point)["gen_ai.token.type"]: point for point in found["gen_ai.client.token.usage"]}
    assert {kind: point.sum for kind, point in tokens.items()} == {"input": 381, "output": 15}
    assert list(tokens["input"].explicit_bounds)[-1] == 67_108_864
    assert attributes(tokens["input"])["gen_ai.request.model"] == ASKED
    assert attributes(tokens["input"])["gen_ai.response.model"] == ANTHROPIC.model
    assert "gen_ai.client.operation.time_to_first_chunk" not in found


def test_a_stream_tells_when_its_first_piece_came():
    collector, _ = asked_of(ANTHROPIC, ANTHROPIC.stream(), stream=True)

    assert collector.metrics()["gen_ai.client.operation.time_to_first_chunk"][0].count == 1
    told = attributes(collector.spans()[0])
    assert told["gen_ai.request.stream"] is True
    assert told["gen_ai.response.finish_reasons"] == ["stop"]


def test_the_newest_names_are_used_where_they_are_wanted():
    newest = {"OTEL_SEMCONV_STABILITY_OPT_IN": "http, gen_ai_latest_experimental"}
    collector, _ = asked_of(ANTHROPIC, json_reply(WHOLE), environment=newest)

    found = collector.metrics()
    usage = "gen_ai.client.inference.usage."
    assert {name: found[usage + name][0].as_int for name in ("input_tokens", "output_tokens")} == {
        "input_tokens": 127,
        "output_tokens": 5,
    }
    assert found[f"{usage}cache_write.input_tokens"][0].as_int == 20
    assert found["gen_ai.client.inference.operation.input_tokens"][0].sum == 127
    assert found["gen_ai.client.inference.duration"][0].count == 1
    assert not [name for name in found if ".client.operation." in name or "token.usage" in name]
    assert attributes(collector.spans()[0])["gen_ai.usage.cache_write.input_tokens"] == 20


def test_names_that_clients_make_up_make_no_series():
    refusal = json_reply({"error": {"message": "no such model"}}, 404)

    async def scenario():
        async with Collector() as collector, Upstream() as upstream:
            upstream.always = refusal
            told = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url}
            async with rig(environment=told, openai_chat=upstream) as gateway:
                for number in range(20):
                    await gateway.ask(CHAT, model=f"openai_chat:made-up-{number}")
                await gateway.settled()
            return collector

    points = run(scenario()).metrics()["gen_ai.client.operation.duration"]
    assert [attributes(point)["gen_ai.request.model"] for point in points] == ["other"]


def test_nothing_that_was_said_and_no_credential_is_sent():
    key = {"POINTSMAN_API_KEY": "canary-of-the-endpoint"}
    collector, _ = asked_of(
        ANTHROPIC,
        json_reply(WHOLE),
        ("x-pointsman-key", "canary-of-the-endpoint"),
        environment=key,
        system="canary-of-the-prompt",
    )

    assert len(collector.spans()) == 1
    assert b"canary" not in b"".join(each.body for each in collector.requests)


def test_the_sdks_own_variables_hold(monkeypatch):
    monkeypatch.setenv("OTEL_SERVICE_NAME", "the-desk")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-tenant=mine")
    collector, _ = asked_of(ANTHROPIC, json_reply(WHOLE), environment={"OTEL_METRICS_EXPORTER": "none"})

    assert collector.resources()[0]["service.name"] == "the-desk"
    assert {each.header("x-tenant") for each in collector.requests} == {"mine"}
    assert collector.metrics() == {}


def test_a_protocol_that_is_not_spoken_is_told():
    collector, warnings = asked_of(
        ANTHROPIC, json_reply(WHOLE), environment={"OTEL_EXPORTER_OTLP_PROTOCOL": "grpc"}
    )

    assert collector.requests == []
    assert any("only http/protobuf is spoken here" in each for each in warnings)


def test_variables_that_make_no_sense_are_told(monkeypatch):
    monkeypatch.setenv("OTEL_BSP_MAX_QUEUE_SIZE", "-1")

    collector, warnings = asked_of(ANTHROPIC, json_reply(WHOLE))

    assert collector.requests == []
    assert any("cannot be set up as its variables say" in each for each in warnings)


def test_a_library_that_is_missing_is_told_and_requests_are_answered(monkeypatch):
    monkeypatch.setitem(sys.modules, "opentelemetry.sdk.trace", None)
    monkeypatch.delitem(sys.modules, "pointsman.ledger.telemetry", raising=False)

    async def scenario():
        async with (
            Upstream(json_reply(WHOLE)) as upstream,
            rig(otlp_endpoint="http://127.0.0.1:9", anthropic=upstream) as gateway,
        ):
            answer = await gateway.ask(ANTHROPIC)
            return answer.status, gateway.app.describe()["warnings"]

    status, warnings = run(scenario())
    assert status == 200
    assert any('pip install "pointsman[otel]"' in each for each in warnings)


@pytest.mark.parametrize("dead", ["nobody listens", "silent"])
def test_a_collector_that_is_dead_costs_no_request_and_is_told_once(caplog, dead):
    caplog.set_level(logging.DEBUG)

    async def scenario():
        async with Collector() as collector, Upstream() as upstream:
            collector.always = Reply(200, (), before=[HANG]) if dead == "silent" else None
            upstream.always = json_reply(WHOLE)
            url = collector.url if dead == "silent" else "http://127.0.0.1:9"
            async with rig(environment={"OTEL_EXPORTER_OTLP_ENDPOINT": url}, anthropic=upstream) as gateway:
                took = []
                for _ in range(50):
                    began = time.perf_counter()
                    assert (await gateway.ask(ANTHROPIC)).status == 200
                    took.append(time.perf_counter() - began)
                await gateway.settled()
                if dead != "silent":
                    await eventually(lambda: _is_lost(gateway.app.describe()["warnings"]))
                ending = time.perf_counter()
            return sorted(took)[25], time.perf_counter() - ending

    median, ending = run(scenario())

    assert median < 0.2
    assert ending < 6
    said = [each.getMessage() for each in caplog.records if each.levelno >= logging.WARNING]
    assert len([each for each in said if "OpenTelemetry" in each]) <= 1
    assert [each for each in said if "OpenTelemetry" not in each] == []


def _is_lost(warnings):
    return any("OpenTelemetry collector does not take" in each for each in warnings)


def test_without_a_wish_for_it_nothing_of_it_is_imported():
    code = (
        "import asyncio, sys\nfrom pointsman import Gateway\n"
        "async def main():\n    async with Gateway(discover=False): pass\n"
        "asyncio.run(main())\nprint([name for name in sys.modules if name.startswith('opentelemetry')])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"

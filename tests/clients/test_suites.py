"""The public conformance suites against pointsman, over a scripted upstream that speaks the other dialect."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from coding_agents import CLIENTS
from running import clean_environment
from scripted_models import Call, Said

BINARIES = Path(sys.executable).parent
TAKES_AT_MOST = 60.0
LENIENT = {"chat-error-handling": ["HTTP 200 (expected [400, 422])"]}
"""It leaves the model out and expects a refusal; here the default backend takes such a request."""


def obliging(says):
    """A model that does as it is told: it calls its tool, fills the schema, thinks and talks."""

    def answer(seen):
        body = seen.json()
        if body.get("tools"):
            tool = body["tools"][0].get("function") or body["tools"][0]
            arguments = example(tool.get("parameters") or tool["input_schema"])
            return says(Said(calls=(Call("call_1", tool["name"], arguments),)))(seen)
        schema = wanted_schema(body)
        text = json.dumps(example(schema)) if schema else "Fine."
        return says(Said(text, thinking="Let me see."))(seen)

    return answer


def wanted_schema(body):
    """The schema of the answer, as the upstream was asked for it; None for free text."""
    if "response_format" in body:
        return body["response_format"]["json_schema"]["schema"]
    return body.get("output_config", {}).get("format", {}).get("schema")


def example(schema):
    """An object that fits a schema of strings."""
    return {name: member.get("enum", ["Paris"])[0] for name, member in schema["properties"].items()}


def report_of(command):
    """What a suite prints as JSON."""
    finished = subprocess.run(
        command, env=clean_environment(), capture_output=True, timeout=TAKES_AT_MOST, check=False
    )
    assert finished.stdout, finished.stderr.decode()
    return json.loads(finished.stdout)


@pytest.mark.parametrize(
    ("suite", "name", "model"),
    [("openai-chat", "claude", "gpt-5-alias"), ("anthropic", "chat", "claude-opus-alias")],
)
def test_llm_comply_finds_nothing_wrong_with_a_translation(address, claude, chat, suite, name, model):
    side = {"claude": claude, "chat": chat}[name]
    side.upstream.always = obliging(side.says)
    place = ("--base-url", f"{address}/v1", "--api-key", "pointsman", "--model", model)

    report = report_of([BINARIES / "llm-comply", "--format", suite, *place, "--json"])

    failed = {each["id"]: each["errors"] for each in report["results"] if each["status"] != "passed"}
    assert report["summary"]["total"] == 9
    assert failed == {test: errors for test, errors in LENIENT.items() if test in failed}


@pytest.mark.clients
def test_compatcanary_finds_nothing_wrong_with_a_translation(address, claude):
    claude.upstream.always = obliging(claude.says)
    canary = (BINARIES / "node", CLIENTS / "node_modules" / ".bin" / "compatcanary", "scan")
    place = ("--base-url", f"{address}/v1", "--api-key", "pointsman", "--model", "claude-haiku-4-5")

    report = report_of([*canary, *place, "--profile", "chat", "--format", "json", "--fail-on", "never"])

    failed = {each["id"]: each["summary"] for each in report["results"] if each["status"] != "pass"}
    assert failed == {}
    assert report["score"] == 100

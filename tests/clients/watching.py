"""A transport for the SDKs that keeps each answer, and holds what pointsman rendered against the schemas."""

import json

import httpx2

from schemas import validate_anthropic_error, validate_anthropic_event, validate_anthropic_message
from schemas_chat import assert_chunk, assert_completion, assert_error
from schemas_responses import assert_event, assert_response


class Watching(httpx2.BaseTransport):
    """Passes everything on unchanged; `answers` holds what came back, in order."""

    def __init__(self):
        self._real = httpx2.HTTPTransport()
        self.answers = []

    def handle_request(self, request):
        response = self._real.handle_request(request)
        answer = Answer(request, response)
        self.answers.append(answer)
        response.stream = answer
        return response

    def close(self):
        self._real.close()


class Answer(httpx2.SyncByteStream):
    """One answer, copied while the client reads it, validated at its end."""

    def __init__(self, request, response):
        self.path = request.url.path
        self.status = response.status_code
        self.headers = response.headers
        self.body = b""
        self._stream = response.stream
        self._whole = False

    def __iter__(self):
        for chunk in self._stream:
            self.body += chunk
            yield chunk
        self._whole = True

    def close(self):
        self._stream.close()
        if self._whole and self.headers.get("x-pointsman-form") != "relay":
            validate(self.path, self.status, self.headers["content-type"], self.body)

    @property
    def losses(self):
        """What pointsman reports as changed or dropped."""
        line = self.headers.get("x-pointsman-losses", "")
        return line.split("; ") if line else []


def validate(path, status, content_type, body):
    """Holds an answer that pointsman rendered against the schema of its dialect; raises AssertionError."""
    if "/models" in path or path.endswith("count_tokens"):
        return
    rules = next((rules for end, rules in _RULES.items() if path.endswith(end)), _CHAT)
    if content_type.startswith("text/event-stream"):
        _validate_stream(body, rules)
    else:
        (rules["error"] if status >= 400 else rules["whole"])(json.loads(body))


def _validate_stream(body, rules):
    text = body.decode()
    assert text.endswith("\n\n")
    for block in text.strip().split("\n\n"):
        lines = dict(line.split(": ", 1) for line in block.splitlines() if not line.startswith(":"))
        if not lines or lines["data"] == "[DONE]":
            continue
        event = json.loads(lines["data"])
        assert rules is _CHAT or lines["event"] == event["type"]
        (rules["error"] if "error" in event else rules["event"])(event)


_MESSAGES = {
    "whole": validate_anthropic_message,
    "event": validate_anthropic_event,
    "error": validate_anthropic_error,
}


def _assert_event(event):
    assert_event(event["type"], event)


_CHAT = {"whole": assert_completion, "event": assert_chunk, "error": assert_error}
_RESPONSES = {"whole": assert_response, "event": _assert_event, "error": assert_error}
_RULES = {"/messages": _MESSAGES, "/responses": _RESPONSES}
"""By what a path ends in; Chat's where it ends in something else."""

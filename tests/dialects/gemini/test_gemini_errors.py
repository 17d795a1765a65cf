"""Google's errors, read and written."""

import json

import pytest

from pointsman.canon.errors import Fault
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gemini import DIALECT

RETRY = {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "38.5s"}
INFO = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": "API_KEY_INVALID"}


def envelope(status, message="Oh.", code=429, **more):
    return {"error": {"code": code, "message": message, "status": status, **more}}


def parsed(body, status=429, headers=()):
    return DIALECT.parse_error(status, headers, json.dumps(body).encode())


@pytest.mark.parametrize("wrap", [lambda body: body, lambda body: [body]])
def test_an_error_says_its_kind_and_when_to_come_back_also_within_an_array(wrap):
    body = envelope("RESOURCE_EXHAUSTED", details=[{"@type": "other"}, RETRY])

    fault = parsed(wrap(body))

    assert (fault.kind, fault.message, fault.status, fault.retry_after) == ("rate_limit", "Oh.", 429, 38.5)
    assert (fault.raw, DIALECT.render_error(fault, "req_1")) == (body, body)


def test_the_header_says_better_when_to_come_back():
    body = envelope("RESOURCE_EXHAUSTED", details=[RETRY])

    assert parsed(body, headers=(("retry-after", "3"),)).retry_after == 3


@pytest.mark.parametrize("delay", ["", "5", "s", "-1s", "1e9s", 5, None])
def test_a_delay_that_is_none_is_passed_over(delay):
    assert (
        parsed(envelope("RESOURCE_EXHAUSTED", details=[{**RETRY, "retryDelay": delay}])).retry_after is None
    )


def test_a_wrong_key_is_one_though_its_status_says_little():
    fault = parsed(envelope("INVALID_ARGUMENT", code=400, details=[INFO]), 400)

    assert (fault.kind, fault.code) == ("authentication", "API_KEY_INVALID")


def test_a_prompt_that_is_too_long_has_the_code_that_other_dialects_know():
    message = "The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)."

    assert parsed(envelope("INVALID_ARGUMENT", message, 400), 400).code == "context_length_exceeded"


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, "authentication"), (403, "permission"), (404, "not_found"), (503, "overloaded"), (504, "timeout")],
)
def test_an_error_in_other_words_has_the_kind_of_its_status(status, kind):
    fault = parsed({"message": "no"}, status)

    assert (fault.kind, fault.message, fault.dialect) == (kind, "no", None)


def test_an_error_of_another_dialect_is_said_in_googles_words():
    fault = Fault("rate_limit", "slow down", 429, "rate_limit_exceeded", retry_after=2.5)

    assert DIALECT.render_error(fault, "req_1") == {
        "error": {
            "code": 429,
            "message": "slow down",
            "status": "RESOURCE_EXHAUSTED",
            "details": [
                {
                    "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                    "reason": "rate_limit_exceeded",
                    "domain": "pointsman",
                },
                {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "2.5s"},
                {"@type": "type.googleapis.com/google.rpc.RequestInfo", "requestId": "req_1"},
            ],
        }
    }
    assert DIALECT.render_error(Fault("api", "x", 200), "") == {
        "error": {"code": 500, "message": "x", "status": "INTERNAL"}
    }


@pytest.mark.parametrize("code", [None, "503", 200, True])
def test_an_error_in_a_stream_has_a_code_that_the_sdks_take_for_one(code):
    body = {"error": {"message": "busy", "status": "UNAVAILABLE", **({} if code is None else {"code": code})}}
    (failure,) = DIALECT.decoder(Origin()).feed(b"data: " + json.dumps(body).encode() + b"\n\n")

    frame = json.loads(DIALECT.error_frame(failure.fault, "").removeprefix(b"data: "))

    assert (failure.fault.kind, frame["error"]["code"]) == ("overloaded", 503)
    assert list(frame) == ["error"]

"""Errors: read from whatever an upstream sends, and told in the dialect."""

import json

import pytest

from dialects.anthropic.strategies import CORPUS
from dialects.laws import frames_of
from pointsman.canon.errors import Fault, UnsupportedError
from pointsman.dialects.anthropic import DIALECT
from pointsman.dialects.foreign import foreign_losses
from schemas import validate_anthropic_error


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (429, b'{"type":"error","error":{"type":"rate_limit_error","message":"slow"}}', "rate_limit", "slow"),
        (400, b'{"type":"error","error":{"type":"billing_error","message":"pay"}}', "billing", "pay"),
        (529, b'{"type":"error","error":{"type":"overloaded_error","message":"busy"}}', "overloaded", "busy"),
        (
            404,
            b'{"error":{"message":"no model","type":"x","code":"model_not_found"}}',
            "not_found",
            "no model",
        ),
        (401, b'{"error":"bad key"}', "authentication", "bad key"),
        (422, b'{"detail":"wrong"}', "invalid_request", "wrong"),
        (502, b"<html><head><title>Bad\n Gateway</title></head></html>", "api", "Bad Gateway"),
        (503, b"", "overloaded", "without a body"),
        (500, b"\xff\xfe", "api", "500"),
        (504, b"upstream timed out", "timeout", "upstream timed out"),
    ],
)
def test_any_body_is_an_error_with_a_kind(status, body, kind, message):
    fault = DIALECT.parse_error(status, (), body)

    assert (fault.kind, fault.status) == (kind, status)
    assert message in fault.message


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((("retry-after", "3"),), 3.0),
        ((("retry-after-ms", "1500"), ("retry-after", "3")), 1.5),
        ((("retry-after", "Sun, 22 Nov 2026 10:00:09 GMT"), ("date", "Sun, 22 Nov 2026 10:00:00 GMT")), 9.0),
        ((("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT"), ("date", "Sun, 22 Nov 2026 10:00:00 GMT")), 0.0),
        ((("retry-after", "soon"), ("date", "now")), None),
        ((("retry-after", "Sun, 22 Nov 2026 09:00:00 GMT"),), None),
        ((), None),
    ],
)
def test_when_to_come_back_is_read_in_every_form(headers, seconds):
    assert DIALECT.parse_error(429, headers, b"{}").retry_after == seconds


@pytest.mark.parametrize("name", ["thread", "rate_limit"])
def test_an_error_of_the_dialect_goes_out_as_it_came(name):
    body = (CORPUS / "errors" / f"{name}.json").read_bytes()

    assert DIALECT.render_error(DIALECT.parse_error(400, (), body), "ours") == json.loads(body)


def test_an_error_without_a_request_id_gets_ours():
    fault = DIALECT.parse_error(500, (), b'{"type":"error","error":{"type":"api_error","message":"x"}}')

    assert DIALECT.render_error(fault, "ours")["request_id"] == "ours"


def test_an_error_of_ours_says_its_code_and_is_valid():
    fault = Fault("not_found", "no backend", 404, code="model_not_found", param="model")
    body = DIALECT.render_error(fault, "req_1")

    validate_anthropic_error(body)
    assert body == {
        "type": "error",
        "error": {
            "type": "not_found_error",
            "message": "no backend",
            "details": {"error_code": "model_not_found", "param": "model"},
        },
        "request_id": "req_1",
    }


def test_a_frame_ends_a_stream_that_failed():
    frames = frames_of(DIALECT.error_frame(Fault("timeout", "late", 504), "req_1"))

    assert frames[0][0] == "error"
    assert frames[0][1]["error"] == {"type": "timeout_error", "message": "late"}


def test_a_prompt_over_the_window_is_said_in_words_that_clients_know():
    fault = Fault("invalid_request", "This model's maximum …", 400, code="context_length_exceeded")

    assert DIALECT.render_error(fault, "r")["error"]["message"].startswith("prompt is too long: This")


def test_a_thread_is_refused_in_words_that_clients_know():
    with pytest.raises(UnsupportedError) as caught:
        foreign_losses({"thread": {"type": "create"}})
    body = DIALECT.render_error(caught.value.fault(), "r")

    assert body["error"]["type"] == "invalid_request_error"
    assert body["error"]["details"]["error_code"] == "thread_unsupported_request"


def test_fields_that_ask_for_nothing_are_no_loss():
    losses = foreign_losses({"audio": None, "logprobs": False, "modalities": ["text"], "store": True})

    assert [loss.what for loss in losses] == ["store"]


def test_a_count_has_its_form():
    assert DIALECT.count_answer(7) == {"input_tokens": 7}

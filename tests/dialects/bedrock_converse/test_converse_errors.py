"""Errors of Bedrock, whichever way they are spelled, and counts of tokens."""

import json

import pytest

from pointsman.canon.errors import Fault
from pointsman.canon.traits import Traits
from pointsman.dialects.bedrock_converse import DIALECT
from pointsman.wire.envelope import PREFIX

SLOW = "Too many requests."


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ((("x-amzn-errortype", "ThrottlingException"),), {"message": SLOW}),
        ((("x-amzn-errortype", "ThrottlingException:http://internal.amazon.com/coral/"),), {"Message": SLOW}),
        ((), {"__type": "com.amazon.coral.service#ThrottlingException", "message": SLOW}),
        ((), {"code": "ThrottlingException", "errorMessage": SLOW}),
    ],
)
def test_an_exception_is_known_by_its_name_wherever_that_stands(headers, body):
    fault = DIALECT.parse_error(400, headers, json.dumps(body).encode())

    assert (fault.kind, fault.code, fault.message) == ("rate_limit", "ThrottlingException", SLOW)
    assert fault.dialect == DIALECT.name
    assert DIALECT.render_error(fault, "r") == body


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [(403, b"", "permission"), (500, b"<html><title>Oops</title>", "api"), (413, b"{}", "too_large")],
)
def test_an_error_of_any_form_has_the_kind_of_its_status(status, body, kind):
    fault = DIALECT.parse_error(status, (("retry-after", "7"),), body)

    assert fault.kind == kind
    assert fault.retry_after == 7
    assert fault.dialect is None


@pytest.mark.parametrize("text", ["Input is too long for requested model.", "prompt is too long: 9 tokens"])
def test_a_prompt_that_is_too_long_has_the_code_that_other_clients_know(text):
    named = (("x-amzn-errortype", "ValidationException"),)

    fault = DIALECT.parse_error(400, named, json.dumps({"message": text}).encode())

    assert fault.code == "context_length_exceeded"


def test_an_error_of_another_dialect_is_named_by_its_kind():
    fault = Fault("overloaded", "Busy.", 529, code="overloaded_error")

    assert DIALECT.render_error(fault, "r") == {
        "__type": "ServiceUnavailableException",
        "message": "Busy.",
        "requestId": "r",
    }
    assert b'"type":"ServiceUnavailableException"' in DIALECT.error_frame(fault, "")


def test_tokens_are_counted_of_what_a_count_takes():
    body = {"messages": [1], "system": [2], "toolConfig": {}, "inferenceConfig": {"maxTokens": 1}}

    assert DIALECT.count_request(body, "m") == {
        "input": {"converse": {"messages": [1], "system": [2], "toolConfig": {}}}
    }
    assert DIALECT.read_count(DIALECT.count_answer(7)) == 7
    assert DIALECT.read_count({"inputTokens": "7"}) is None


def test_a_request_is_not_relayed_with_what_the_target_would_refuse():
    def reason(body, **traits):
        return DIALECT.rewrite_reason({}, body, Traits(**traits))

    assert reason(b'{"cachePoint":1}') is None
    assert "cache points" in reason(b'{"cachePoint":1}', refused_fields=("cache",))
    assert "another provider" in reason(PREFIX.encode())

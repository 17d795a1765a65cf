"""Errors of real servers, and why a request cannot be relayed."""

import json

import pytest

from pointsman.canon.blocks import Native
from pointsman.canon.errors import Fault
from pointsman.canon.traits import Traits
from pointsman.dialects.openai_chat import DIALECT
from pointsman.wire.envelope import seal


def parse(status, body):
    return DIALECT.parse_error(status, (), body if isinstance(body, bytes) else json.dumps(body).encode())


@pytest.mark.parametrize(
    ("status", "body", "kind", "message"),
    [
        (
            401,
            {"error": {"message": "bad key", "type": "invalid_request_error", "code": "invalid_api_key"}},
            "authentication",
            "bad key",
        ),
        (
            429,
            {"error": {"message": "slow", "type": "requests", "code": "rate_limit_exceeded"}},
            "rate_limit",
            "slow",
        ),
        (
            429,
            {"error": {"message": "pay", "type": "insufficient_quota", "code": "insufficient_quota"}},
            "billing",
            "pay",
        ),
        (404, {"error": "model not found"}, "not_found", "model not found"),
        (
            422,
            {"detail": [{"loc": ["body"], "msg": "field required"}]},
            "invalid_request",
            '[{"loc":["body"],"msg":"field required"}]',
        ),
        (
            400,
            {"object": "error", "message": "too big", "type": "BadRequestError", "code": 400},
            "invalid_request",
            "too big",
        ),
        (
            429,
            [{"error": {"code": 429, "message": "quota", "status": "RESOURCE_EXHAUSTED"}}],
            "rate_limit",
            "quota",
        ),
        (402, {"error": {"message": "Insufficient credits", "code": 402}}, "billing", "Insufficient credits"),
        (
            503,
            b"<html><head><title>503 Service Unavailable</title></head></html>",
            "overloaded",
            "503 Service Unavailable",
        ),
        (500, b"", "api", "without a body"),
        (418, b"{broken", "invalid_request", "{broken"),
    ],
)
def test_every_envelope_is_understood(status, body, kind, message):
    fault = parse(status, body)

    assert fault.kind == kind
    assert message in fault.message
    assert fault.status == status


def test_a_context_overflow_keeps_its_wording_and_its_code():
    message = (
        "This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens."
    )
    fault = parse(400, {"error": {"message": message, "type": "invalid_request_error", "code": None}})

    assert (fault.message, fault.code) == (message, "context_length_exceeded")
    foreign = Fault("invalid_request", "prompt is too long: 210000 tokens > 200000 maximum", 400)
    assert DIALECT.render_error(foreign, "")["error"]["code"] == "context_length_exceeded"


def test_an_error_frame_holds_the_request_id_and_no_done():
    frame = DIALECT.error_frame(Fault("overloaded", "busy", 503), "req_1")

    assert b"[DONE]" not in frame
    assert json.loads(frame.removeprefix(b"data: "))["error"]["request_id"] == "req_1"


PLAIN = {"model": "m", "messages": [{"role": "user", "content": "x"}]}
CALL = {
    "role": "assistant",
    "content": None,
    "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f" * 70, "arguments": ""}}],
}
THOUGHT = {"role": "assistant", "content": "x", "reasoning_content": "Hm."}
TOOL = {"type": "function", "function": {"name": "f"}}
SEALED = seal(Native("elsewhere", "them", {"signature": "c2ln"}))


@pytest.mark.parametrize(
    ("fields", "traits"),
    [
        ({"max_completion_tokens": 5}, {"token_limit_field": "max_tokens"}),
        ({"max_tokens": 5}, {"token_limit_field": "max_completion_tokens"}),
        ({"messages": [{"role": "developer", "content": "x"}]}, {"developer_role": False}),
        ({"stream_options": {}}, {"stream_options": False}),
        ({"n": 2}, {"refused_fields": ("choices",)}),
        ({"messages": [CALL]}, {"tool_name_limit": 64}),
        ({"tools": [{"type": "function", "function": {"name": "a b"}}]}, {"tool_name_charset": "a-z"}),
        ({"tools": []}, {"schema_subset": "plain"}),
        ({"messages": [CALL]}, {"echo_reasoning": "tool_calls"}),
        ({"messages": [THOUGHT]}, {"refused_reasoning": ("reasoning", "reasoning_content")}),
        ({"metadata": {"a": "b"}}, {"metadata": False}),
        ({"user": "u"}, {"user_field": "none"}),
        ({"parallel_tool_calls": False}, {"parallel_tool_calls": False}),
        ({"tools": [TOOL], "reasoning_effort": "low"}, {"effort_with_tools": "absent"}),
        ({"functions": [TOOL["function"]], "reasoning_effort": "none"}, {"effort_with_tools": "absent"}),
        ({"tools": [TOOL], "reasoning_effort": "low"}, {"effort_with_tools": "none"}),
        ({"tools": [TOOL]}, {"effort_with_tools": "none"}),
        (
            {
                "messages": [
                    {"role": "assistant", "content": "x", "reasoning_details": [{"signature": SEALED}]}
                ]
            },
            {},
        ),
    ],
)
def test_a_request_that_the_target_would_refuse_is_not_relayed(fields, traits):
    body = {**PLAIN, **fields}

    assert DIALECT.rewrite_reason(body, json.dumps(body).encode(), Traits(**traits)) is not None
    assert DIALECT.rewrite_reason(PLAIN, json.dumps(PLAIN).encode(), Traits(**traits)) is None


@pytest.mark.parametrize(
    ("fields", "mode"),
    [
        ({"tools": [TOOL]}, "absent"),
        ({"reasoning_effort": "low"}, "absent"),
        ({"tools": [TOOL], "reasoning_effort": "none"}, "none"),
        ({"reasoning_effort": "low"}, "none"),
        ({"tools": [TOOL], "reasoning_effort": "low"}, "any"),
    ],
)
def test_an_effort_that_the_target_takes_is_relayed(fields, mode):
    body = {**PLAIN, **fields}

    assert DIALECT.rewrite_reason(body, json.dumps(body).encode(), Traits(effort_with_tools=mode)) is None


def test_names_within_the_limit_are_relayed():
    body = {**PLAIN, "tools": [{"type": "function", "function": {"name": "get_weather"}}]}
    traits = Traits(tool_name_limit=64, tool_name_charset="a-zA-Z0-9_-")

    assert DIALECT.rewrite_reason(body, json.dumps(body).encode(), traits) is None

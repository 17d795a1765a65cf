"""Anthropic requests for Anthropic upstreams that are not all alike: no relay, and what is sent instead."""

import json

import pytest

from dialects.anthropic.strategies import CORPUS
from pointsman.canon.blocks import Native, Text, Thinking
from pointsman.canon.errors import MalformedError
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.anthropic import DIALECT
from pointsman.wire.envelope import seal

CLAUDE_CODE = json.loads((CORPUS / "requests" / "claude_code.json").read_text())
HELLO = [{"role": "user", "content": "hi"}]


def sent(body, issuer="them", **traits):
    target = Target("claude", issuer, Traits(**traits))
    return DIALECT.encode_request(DIALECT.decode_request({"model": "m", **body}), target)


def reason(body, **traits):
    return DIALECT.rewrite_reason(body, json.dumps(body).encode(), Traits(**traits))


def thought(signature):
    block = {"type": "thinking", "thinking": "hm", "signature": signature}
    return [*HELLO, {"role": "assistant", "content": [block, {"type": "text", "text": "yes"}]}, *HELLO]


def test_a_request_of_claude_code_needs_no_rewriting():
    assert reason(CLAUDE_CODE) is None
    assert (
        reason(CLAUDE_CODE, tool_name_limit=128, tool_name_charset="a-zA-Z0-9_-", temperature_max=1.0) is None
    )


@pytest.mark.parametrize(
    ("body", "traits"),
    [
        ({"messages": thought(seal(Native("elsewhere", "", {"x": 1})))}, {}),
        ({"thinking": {"type": "adaptive"}}, {"thinking_modes": ("on", "off")}),
        ({"thinking": {"type": "enabled", "budget_tokens": 1}}, {"thinking_modes": ("adaptive",)}),
        ({"thinking": {"type": "disabled"}}, {"thinking_off": "between_tools"}),
        ({"thinking": {"type": "adaptive"}}, {"reasoning": "none"}),
        ({"output_config": {"effort": "max"}}, {"efforts": ("low",)}),
        ({"messages": [{"role": "system", "content": "x"}]}, {"mid_system": "user"}),
        ({"temperature": 0.5}, {"refused_fields": ("temperature",)}),
        ({"stop_sequences": []}, {"refused_fields": ("stop",)}),
        ({"system": [{"type": "text", "text": "", "cache_control": {}}]}, {"refused_fields": ("cache",)}),
        ({}, {"extra_fields": {"x": 1}}),
        ({"temperature": 1.5}, {"temperature_max": 1.0}),
        ({"max_tokens": 999}, {"max_output": 100}),
        ({"stop_sequences": []}, {"stop_limit": 1}),
        ({"tools": [{"name": "x" * 70}]}, {"tool_name_limit": 64}),
        ({"tools": []}, {"tools": False}),
        ({"tools": [{"strict": True}]}, {"strict_tools": False}),
        ({"tool_choice": {"disable_parallel_tool_use": True}}, {"parallel_tool_calls": False}),
        ({"messages": [{"content": [{"type": "image"}]}]}, {"images": False}),
        ({"messages": [{"content": [{"type": "document"}]}]}, {"documents": False}),
        ({"messages": [{"content": [{"source": {"type": "url"}}]}]}, {"image_urls": False}),
        ({"metadata": {}}, {"metadata": False}),
        ({"service_tier": "auto"}, {"service_tiers": ("standard_only",)}),
        ({"output_config": {"format": {"type": "json_schema"}}}, {"output_formats": ()}),
    ],
)
def test_what_the_target_would_not_take_is_a_reason_to_rewrite(body, traits):
    assert reason(body, **traits)
    assert (
        reason({"messages": HELLO}, **{key: traits[key] for key in traits if key != "extra_fields"}) is None
    )


def test_an_envelope_in_a_signature_is_opened():
    native = Native("elsewhere", "someone", {"encrypted": "x"})
    request = DIALECT.decode_request({"model": "m", "messages": thought(seal(native))})
    redacted = {"type": "redacted_thinking", "data": seal(native)}
    other = DIALECT.decode_request({"model": "m", "messages": [{"role": "assistant", "content": [redacted]}]})

    assert request.messages[1].content[0] == Thinking("hm", native)
    assert other.messages[0].content == (Thinking("", native, redacted=True),)


def test_thinking_of_others_is_stripped_and_a_turn_of_nothing_else_goes_with_it():
    foreign = seal(Native("elsewhere", "", {}))
    kept = sent({"messages": thought(foreign)})
    alone = {"role": "assistant", "content": [{"type": "thinking", "thinking": "", "signature": foreign}]}
    gone = sent({"messages": [*HELLO, alone, *HELLO]})

    assert kept.body["messages"][1]["content"] == [{"type": "text", "text": "yes"}]
    assert [loss.kind for loss in kept.losses] == ["dropped"]
    assert gone.body["messages"] == [*HELLO, *HELLO]


def test_a_signature_of_the_same_provider_is_opened_and_replayed():
    mine = seal(Native("anthropic", "them", {"signature": "EqQB"}))

    assert sent({"messages": thought(mine)}).body["messages"] == thought("EqQB")
    assert len(sent({"messages": thought(mine)}, issuer="others").losses) == 1


def test_settings_are_fitted_to_the_target():
    body = {
        "messages": HELLO,
        "max_tokens": 9000,
        "thinking": {"type": "enabled", "budget_tokens": 5000, "display": "omitted"},
        "output_config": {"effort": "max"},
        "temperature": 0.5,
    }
    encoded = sent(
        body,
        max_output=4000,
        thinking_modes=("adaptive",),
        efforts=("low", "high"),
        refused_fields=("temperature",),
    )

    assert encoded.body == {
        "model": "claude",
        "messages": HELLO,
        "max_tokens": 4000,
        "thinking": {"type": "adaptive", "display": "omitted"},
        "output_config": {"effort": "high"},
    }
    assert sorted(loss.what for loss in encoded.losses) == [
        "effort",
        "max_tokens",
        "temperature",
        "thinking.budget_tokens",
    ]


def test_adaptive_thinking_becomes_a_budget_where_the_target_has_no_other():
    encoded = sent({"messages": HELLO, "thinking": {"type": "adaptive"}}, thinking_modes=("on", "off"))

    assert encoded.body["thinking"] == {"type": "enabled", "budget_tokens": 16384}


def test_system_turns_become_a_users_where_the_target_has_none():
    encoded = sent(CLAUDE_CODE, mid_system="user")
    roles = [message["role"] for message in encoded.body["messages"]]

    assert roles == ["user", "user", "assistant", "user", "user", "user"]
    assert encoded.body["messages"][1] == {"role": "user", "content": "Be careful with files."}
    assert "messages[5].output_config" in [loss.what for loss in encoded.losses]


def test_cache_marks_are_counted_where_the_target_takes_none():
    encoded = sent(CLAUDE_CODE, refused_fields=("cache",))

    assert "cache_control" not in json.dumps(encoded.body)
    assert [(loss.what, loss.why[:15]) for loss in encoded.losses] == [("cache_control", "3 breakpoint(s)")]


def test_names_over_the_targets_limit_are_mapped():
    tool = {"name": "x" * 70, "input_schema": {}}
    encoded = sent({"messages": HELLO, "tools": [tool]}, tool_name_limit=64)

    assert encoded.names == {encoded.body["tools"][0]["name"]: "x" * 70}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "messages"),
        ({"messages": "hi"}, "messages"),
        ({"messages": ["hi"]}, "messages[0]"),
        ({"messages": [{"role": "tool", "content": ""}]}, "messages[0].role"),
        ({"messages": [{"content": ""}]}, "messages[0].role"),
        ({"messages": [{"role": "user", "content": 1}]}, "messages[0].content"),
        ({"messages": [{"role": "user", "content": [{"text": ""}]}]}, "messages[0].content[0].type"),
        ({"messages": [{"role": "user", "content": [{"type": "text"}]}]}, "messages[0].content[0].text"),
        ({"messages": [{"role": "user", "content": [{"type": "image"}]}]}, "messages[0].content[0].source"),
        ({"messages": [], "max_tokens": "9"}, "max_tokens"),
        ({"messages": [], "tools": [{}]}, "tools[0].name"),
        ({"messages": [], "tool_choice": {"type": "tool"}}, "tool_choice.name"),
        ({"messages": [], "thinking": {}}, "thinking.type"),
        ({"messages": [], "stop_sequences": [1]}, "stop_sequences[0]"),
        ({"messages": [], "system": {}}, "system"),
    ],
)
def test_a_wrong_field_is_named_by_its_path(body, path):
    with pytest.raises(MalformedError) as caught:
        DIALECT.decode_request({"model": "m", **body})

    assert caught.value.param == path


def test_a_request_that_names_no_model_can_be_read():
    assert DIALECT.decode_request({"messages": HELLO}).messages[0].content == (Text("hi"),)


@pytest.mark.parametrize(
    ("type", "client"),
    [
        ("bash_20250124", True),
        ("text_editor_20250728", True),
        ("computer_20251124", True),
        ("computer_toolset_20260801", True),
        ("browser_toolset_20260801", True),
        ("memory_20250818", True),
        ("web_search_20250305", False),
        ("code_execution_20250825", False),
        ("mcp_toolset", False),
    ],
)
def test_tools_that_the_client_runs_are_told_from_the_providers(type, client):
    body = {"model": "m", "max_tokens": 9, "messages": HELLO, "tools": [{"type": type, "name": "it"}]}

    assert DIALECT.decode_request(body).tools[0].client_run is client

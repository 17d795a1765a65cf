"""Requests of Gemini clients for a Gemini upstream: relayed, or said again where they must change."""

import json

import pytest

from dialects.laws import as_text
from pointsman.canon.blocks import Native
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.gemini import DIALECT
from pointsman.dialects.gemini.signature import SEALED, signature_member

FOREIGN = signature_member(Native("elsewhere", "them", {"signature": "c2ln"}))
HELLO = {"contents": [{"parts": [{"text": "Hello"}]}]}


def reason(body, **traits):
    return DIALECT.rewrite_reason(body, json.dumps(body).encode(), Traits(**traits))


def again(body, **traits):
    return DIALECT.encode_request(DIALECT.decode_request(body), Target("sent", "maker", Traits(**traits)))


@pytest.mark.parametrize(
    ("body", "traits"),
    [
        (HELLO, {"refused_fields": ("seed",), "tool_name_limit": 5}),
        ({**HELLO, "tools": [{"functionDeclarations": [{"name": "f"}]}]}, {"tool_name_limit": 5}),
        ({**HELLO, "tools": {"function_declarations": {"name": "f"}}}, {"tool_name_charset": "a-z"}),
        ({**HELLO, "tools": [{"googleSearch": {}}]}, {"tool_name_limit": 5, "schema_subset": "openapi"}),
    ],
)
def test_a_request_that_the_target_takes_is_relayed(body, traits):
    assert reason(body, **traits) is None


@pytest.mark.parametrize(
    ("members", "traits", "why"),
    [
        ({"generationConfig": {"seed": 1}}, {"refused_fields": ("seed",)}, "refuses `seed`"),
        ({"generation_config": {"top_k": 1}}, {"refused_fields": ("top_k",)}, "refuses `top_k`"),
        ({"toolConfig": {}}, {"refused_fields": ("tool_choice",)}, "refuses `tool_choice`"),
        ({}, {"extra_fields": {"a": 1}}, "lacks"),
        ({"tools": [{"functionDeclarations": [{"name": "a.b"}]}]}, {"tool_name_charset": "a-z"}, "name"),
    ],
)
def test_a_request_that_must_change_is_not(members, traits, why):
    assert why in reason({**HELLO, **members}, **traits)


def test_state_of_another_provider_is_seen_without_decoding_and_taken_out():
    parts = [
        {"text": "Hm.", "thought": True},
        {"text": "", "thought": True, **FOREIGN},
        {"functionCall": {"name": "f"}, **FOREIGN},
        {"functionCall": {"name": "g"}, "thought_signature": "YQ=="},
    ]
    body = {"contents": [{"role": "model", "parts": parts}]}

    assert "opaque state" in reason(body)
    result = again(body)
    assert result.body["contents"][0]["parts"] == [
        {"functionCall": {"name": "f"}},
        {"functionCall": {"name": "g"}, "thought_signature": "YQ=="},
    ]
    assert {(loss.kind, loss.what) for loss in result.losses} == {("dropped", "thoughtSignature")}
    assert SEALED not in json.dumps(result.body)


def test_what_the_target_refuses_is_left_out_and_the_rest_stays_as_it_was_spelled():
    body = {
        **HELLO,
        "generation_config": {"seed": 1, "top_k": 40.0, "x_new": None},
        "service_tier": "FLEX",
        "new_thing": {"a_b": 1},
    }

    result = again(body, refused_fields=("seed",))

    expected = {**body, "generation_config": {"top_k": 40.0, "x_new": None}}
    assert as_text(result.body) == as_text(expected)
    assert [loss.what for loss in result.losses] == ["seed"]


def test_names_are_changed_wherever_they_stand_and_told_for_the_answer():
    body = {
        "contents": [
            {"role": "model", "parts": [{"function_call": {"name": "a.b", "args": {"name": "a.b"}}}]},
            {"parts": [{"functionResponse": {"name": "a.b", "response": {"name": "a.b"}}}]},
        ],
        "tools": [{"functionDeclarations": [{"name": "a.b"}, {"name": "ok"}], "googleSearch": {}}],
        "toolConfig": {"function_calling_config": {"mode": "ANY", "allowed_function_names": ["a.b", "ok"]}},
    }

    result = again(body, tool_name_charset="a-z_")

    (sent,) = result.names
    assert result.names == {sent: "a.b"}
    declared = result.body["tools"][0]["functionDeclarations"]
    assert [each["name"] for each in declared] == [sent, "ok"]
    call = result.body["contents"][0]["parts"][0]["function_call"]
    response = result.body["contents"][1]["parts"][0]["functionResponse"]
    assert call == {"name": sent, "args": {"name": "a.b"}}
    assert response == {"name": sent, "response": {"name": "a.b"}}
    assert result.body["toolConfig"]["function_calling_config"]["allowed_function_names"] == [sent, "ok"]


ASKS, SIGN = {"functionCall": {"name": "f", "args": {}}}, {"thoughtSignature": "YQ=="}
USER, TOLD = HELLO["contents"][0], {"role": "user", "parts": [{"functionResponse": {"name": "f"}}]}


def model(*parts):
    return {"role": "model", "parts": list(parts)}


@pytest.mark.parametrize(
    ("turns", "wanting"),
    [
        ([model(ASKS), TOLD], True),
        ([model({"text": "So.", **SIGN}, ASKS), TOLD], True),
        ([model({**ASKS, **SIGN}), TOLD, model(ASKS), TOLD], True),
        ([model({"function_call": {"name": "f"}}), TOLD], True),
        ([model({**ASKS, **SIGN}, ASKS), TOLD], False),
        ([model({**ASKS, "thought_signature": "YQ=="}), model(ASKS), TOLD], False),
        ([model(ASKS), TOLD, model({"text": "So."}), USER], False),
    ],
    ids=["none", "on a text", "in a later step", "in snake case", "parallel", "in pieces", "an earlier turn"],
)
def test_problem_9_the_first_call_of_each_step_of_the_current_turn_must_be_signed(turns, wanting):
    body = {"contents": [USER, *turns]}

    assert ("stand-in" in (reason(body, unsigned_call="skip") or "")) is wanting
    assert reason(body) is None


def test_problem_9_the_stand_in_is_all_that_is_added():
    turns = [model({"text": "So.", "new": 1}, {**ASKS, "new": 2}, ASKS), TOLD, model({**ASKS, **SIGN}), TOLD]
    body = {"contents": [USER, *turns], "new": 3}

    sent = again(body, unsigned_call="skip").body

    assert sent["contents"][1]["parts"][1].pop("thoughtSignature") == "skip"
    assert sent == body

"""Summaries that stand in a history for what came before them."""

import pytest

from dialects.laws import assert_answer_identity, assert_request_identity
from pointsman.canon.traits import Target
from pointsman.dialects.anthropic import DIALECT
from pointsman.dialects.openai_chat import DIALECT as CHAT

BLOCK = {"type": "compaction", "content": "They met in Ulm.", "signature": "c2ln"}
TURN = {"role": "user", "content": "And then?"}


def history(block):
    return {"model": "m", "messages": [{"role": "assistant", "content": [block]}, TURN]}


@pytest.mark.parametrize(
    "block",
    [
        BLOCK,
        {**BLOCK, "cache_control": {"type": "ephemeral"}},
        {**BLOCK, "content": None},
        {**BLOCK, "new": 1},
    ],
)
def test_a_summary_goes_back_as_it_came(block):
    assert_request_identity(DIALECT, history(block))


def test_a_summary_is_told_to_another_dialect():
    encoded = CHAT.encode_request(DIALECT.decode_request(history(BLOCK)), Target("m", "them"))

    summary = encoded.body["messages"][0]
    assert summary["role"] == "assistant"
    assert summary["content"].startswith(
        "Document: Summary of the conversation so far\n\nThey met in Ulm.\n\n"
    )
    assert {loss.what for loss in encoded.losses} == {
        "assistant.document",
        "assistant.document.source.signature",
    }


def test_a_summary_in_an_answer_stays_what_it_is():
    usage = {"input_tokens": 1, "output_tokens": 1}
    message = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "usage": usage}

    assert_answer_identity(DIALECT, {**message, "content": [BLOCK], "stop_reason": "compaction"})

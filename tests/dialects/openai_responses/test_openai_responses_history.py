"""A request that goes on from an earlier answer, with its history written into it."""

from pointsman.dialects.openai_responses.history import with_history

EARLIER = [{"role": "user", "content": "Where to?"}]
ANSWER = [{"type": "message", "id": "msg_1", "role": "assistant", "content": []}]


def test_what_was_said_before_stands_ahead():
    body = {
        "model": "m",
        "previous_response_id": "resp_1",
        "input": [{"role": "user", "content": "And now?"}],
    }

    whole = with_history(body, EARLIER, ANSWER)

    assert whole == {"model": "m", "input": [*EARLIER, *ANSWER, {"role": "user", "content": "And now?"}]}
    assert body["previous_response_id"] == "resp_1"


def test_a_text_becomes_a_message():
    whole = with_history({"previous_response_id": "resp_1", "input": "And now?"}, EARLIER, [])

    assert whole["input"] == [*EARLIER, {"type": "message", "role": "user", "content": "And now?"}]


def test_no_input_of_its_own_is_the_history_alone():
    assert with_history({"previous_response_id": "resp_1"}, EARLIER, ANSWER) == {"input": [*EARLIER, *ANSWER]}


def test_a_reference_becomes_the_item_that_it_stands_for():
    asked = [
        {"type": "item_reference", "id": "msg_1"},
        {"id": "msg_1"},
        {"type": "item_reference", "id": "?"},
    ]

    whole = with_history({"previous_response_id": "resp_1", "input": asked}, [], ANSWER)

    assert whole["input"] == [*ANSWER, *ANSWER, *ANSWER, asked[2]]


def test_what_is_no_item_is_left_to_whoever_reads_the_request():
    assert with_history({"input": ["x", 1]}, [], [])["input"] == ["x", 1]


def test_instructions_are_the_requests_own():
    body = {"previous_response_id": "resp_1", "instructions": "Briefly.", "input": "x"}

    assert with_history(body, EARLIER, [])["instructions"] == "Briefly."

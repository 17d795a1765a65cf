"""Responses over a WebSocket: what messages want, what events and errors look like on a lane."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import Fault, RequestError
from pointsman.dialects.openai_responses.socket import SOCKETED


def create(**members):
    return {"type": "response.create", "model": "m", "input": "x", **members}


def test_a_message_is_a_request_without_its_envelope():
    turn = SOCKETED.turn(create(stream_id="a", generate=True, stream=False, background=False, store=False))

    assert (turn.kind, turn.lane) == ("create", "a")
    assert turn.members == {"model": "m", "input": "x", "store": False, "stream": True}


def test_a_request_that_is_not_to_generate_is_prepared():
    assert SOCKETED.turn(create(generate=False)).kind == "prepare"


@pytest.mark.parametrize("lane", ["", "a b", "é", "x" * 257, 7, "a\n"])
def test_a_lane_s_name_has_its_letters(lane):
    with pytest.raises(RequestError) as caught:
        SOCKETED.lane({"stream_id": lane})

    assert (caught.value.code, caught.value.param) == ("invalid_stream_id", "stream_id")


@pytest.mark.parametrize("lane", [None, "a", "Main_1.2-x", "x" * 256])
def test_a_lane_s_name_is_taken_as_it_is(lane):
    assert SOCKETED.lane({"stream_id": lane}) == lane


@pytest.mark.parametrize(
    ("message", "param"),
    [
        ({}, "type"),
        ({"type": 1}, "type"),
        ({"type": "response.cancel"}, "type"),
        (create(background=True), "background"),
        (create(generate="no"), "generate"),
    ],
)
def test_a_message_that_wants_what_is_not_there_is_refused_by_its_field(message, param):
    with pytest.raises(RequestError) as caught:
        SOCKETED.turn(message)

    assert caught.value.param == param


def test_steering_is_answered_as_the_dialect_has_it_and_gives_the_input_back():
    turn = SOCKETED.turn({"type": "response.steer", "previous_response_id": "resp_1", "input": "stop"})

    said = json.loads(turn.answer)
    assert said["type"] == "response.steer.failed"
    assert said["error"]["code"] == "steering_not_supported"
    assert said["steer"] == {"input": "stop", "previous_response_id": "resp_1"}


def test_codex_s_word_that_it_has_read_an_answer_wants_none():
    turn = SOCKETED.turn({"type": "response.processed", "response_id": "resp_1"})

    assert (turn.kind, turn.answer) == ("nothing", b"")


EVENTS = st.dictionaries(st.text(max_size=4), st.text(max_size=9), max_size=3).map(
    lambda more: {"type": "response.output_text.delta", **{f"x{name}": value for name, value in more.items()}}
)


@given(event=EVENTS, lane=st.none() | st.from_regex(r"\A[A-Za-z0-9_.-]{1,9}\Z"), spaces=st.booleans())
def test_an_event_keeps_all_it_has_and_gets_its_lane(event, lane, spaces):
    data = json.dumps(event, separators=None if spaces else (",", ":")).encode()

    said = SOCKETED.event(data, lane)

    assert json.loads(said) == (event if lane is None else {"stream_id": lane, **event})
    assert lane is not None or said == data


@pytest.mark.parametrize(
    ("event", "end"),
    [
        ({"type": "response.completed", "response": {}}, "well"),
        ({"response": {"type": "error"}, "type": "response.incomplete"}, "well"),
        ({"type": "response.failed", "response": {}}, "badly"),
        ({"type": "error", "message": "x"}, "badly"),
        ({"type": "response.output_text.delta", "delta": '"type":"error"'}, None),
        ({"item": {"type": "error"}, "type": "response.output_item.done"}, None),
    ],
)
def test_the_end_of_an_answer_is_told_by_its_type(event, end):
    assert SOCKETED.ends(json.dumps(event).encode()) == end


@given(st.binary(max_size=60))
def test_what_is_no_event_ends_nothing(data):
    assert SOCKETED.ends(data) is None


@pytest.mark.parametrize(
    "event",
    [
        {"type": "error", "code": "server_error", "message": "gone", "param": None, "sequence_number": 3},
        {"type": "error", "error": {"type": "server_error", "code": "server_error", "message": "gone"}},
    ],
    ids=["flat", "nested"],
)
def test_an_error_of_the_stream_gets_the_form_and_the_status_that_clients_look_for(event):
    said = json.loads(SOCKETED.event(json.dumps(event).encode(), "a"))

    assert (said["type"], said["status"], said["stream_id"]) == ("error", 500, "a")
    assert (said["error"]["code"], said["error"]["message"]) == ("server_error", "gone")


def test_an_error_has_its_status_its_code_and_when_to_come_back():
    fault = Fault("rate_limit", "slow down", 429, code="rate_limit_exceeded", retry_after=2.2)

    said = json.loads(SOCKETED.error(fault, None))

    assert said["status"] == 429
    assert said["error"]["code"] == "rate_limit_exceeded"
    assert said["headers"] == {"retry-after": "3"}
    assert "stream_id" not in said


def test_the_word_that_asks_for_a_websocket_goes_no_further():
    headers = (
        ("openai-beta", "responses_websockets=2026-02-06"),
        ("openai-beta", "assistants=v2, responses_websockets=2026-02-06"),
        ("session-id", "s"),
    )

    assert SOCKETED.fields(headers) == (("openai-beta", "assistants=v2"), ("session-id", "s"))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(["type", "stream_id", "generate", "background", "input", "previous_response_id"])
KINDS = st.sampled_from(["response.create", "response.steer", "response.processed", "x"])


@given(message=st.dictionaries(NAMES, JSON, max_size=6), kind=st.none() | KINDS)
def test_any_message_is_a_turn_or_refused(message, kind):
    if kind is not None:
        message["type"] = kind
    try:
        SOCKETED.lane(message)
        turn = SOCKETED.turn(message)
    except RequestError:
        return

    assert turn.kind in {"create", "prepare", "refused", "nothing"}
    assert {"type", "stream_id", "generate", "background"}.isdisjoint(turn.members)


@given(
    event=st.dictionaries(NAMES | st.sampled_from(["status", "error", "headers", "code"]), JSON, max_size=6)
)
def test_any_error_of_an_upstream_becomes_an_answer_with_a_status(event):
    data = json.dumps({**event, "type": "error"}).encode()

    refusal = SOCKETED.refusal(data)

    assert 400 <= refusal.status < 600
    assert "error" in json.loads(refusal.body)
    assert json.loads(SOCKETED.event(data, "a"))["stream_id"] == "a"

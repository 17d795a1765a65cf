"""What the Open Responses compliance suite asks of a server, as behaviour of pointsman over every upstream.

Everything that is received is held against the suite's schema by the fixture; what is checked here goes
further where a gateway can lose something: whether the words arrive, in their order, and pieces add up.
"""

import json

import pytest

from conformance.open_schema import assert_fits

PICTURE = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNk"
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather at a place",
    "parameters": {
        "type": "object",
        "properties": {"location": {"type": "string"}},
        "required": ["location"],
    },
}


def message(role, content, **more):
    return {"type": "message", "role": role, "content": content, **more}


def texts(response):
    """What the model said in a response."""
    said = [item["content"] for item in response["output"] if item["type"] == "message"]
    return [part["text"] for content in said for part in content]


def outcome(events):
    """The error's code, or the last response's status."""
    last = events[-1]
    return last["error"]["code"] if last["type"] == "error" else last["response"]["status"]


def test_a_question_gets_a_whole_response(over):
    response = over.ask([message("user", "Say hello in exactly 3 words.")])

    assert (response["status"], texts(response)) == ("completed", ["Fine."])
    assert response["usage"]["total_tokens"] > 0


def test_earlier_words_of_the_model_may_be_labelled_by_phase(over):
    over.ask(
        [
            message("assistant", "I should answer with the saved number.", phase="commentary"),
            message("assistant", "The number is four.", phase="final_answer"),
            message("user", "Repeat only the number."),
        ]
    )

    places = [over.reached.index(words) for words in ("saved number", "is four", "Repeat only")]
    assert places == sorted(places)


def test_the_phase_of_an_answer_reaches_the_client(relayed):
    response = relayed.ask("Hello")

    assert [item["phase"] for item in response["output"] if item["type"] == "message"] == ["final_answer"]


def test_a_stream_begins_goes_on_and_ends_as_its_response(over):
    events = over.stream([message("user", "Count from 1 to 5.")])

    names = [event["type"] for event in events]
    assert names[:2] == ["response.created", "response.in_progress"]
    assert names[-1] == "response.completed"
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    pieces = [event["delta"] for event in events if event["type"] == "response.output_text.delta"]
    assert ["".join(pieces)] == texts(events[-1]["response"])
    assert events[-1]["response"]["usage"]["output_tokens"] > 0


def test_each_item_of_a_stream_is_added_and_done_once_in_its_place(over):
    events = over.stream([message("user", "Count from 1 to 5.")])

    added = [event["output_index"] for event in events if event["type"] == "response.output_item.added"]
    done = {e["output_index"]: e["item"] for e in events if e["type"] == "response.output_item.done"}
    assert added == list(range(len(added)))
    assert [done[at] for at in added] == events[-1]["response"]["output"]


def test_instructions_reach_the_model_ahead_of_the_question(over):
    over.ask([message("system", "You are a pirate."), message("user", "Say hello.")])

    assert over.reached.index("You are a pirate.") < len(over.reached)
    assert "Say hello." in over.reached


@pytest.mark.parametrize("stream", [False, True])
def test_a_function_is_called_and_its_output_answered(over, stream):
    def asked(input):
        return (
            over.stream(input, tools=[WEATHER])[-1]["response"]
            if stream
            else over.ask(input, tools=[WEATHER])
        )

    question = message("user", "What's the weather like in San Francisco?")

    calls = [item for item in asked([question])["output"] if item["type"] == "function_call"]
    output = {"type": "function_call_output", "call_id": calls[0]["call_id"], "output": "fog at 14 degrees"}
    answer = asked([question, *calls, output])

    assert [(call["name"], json.loads(call["arguments"])) for call in calls] == [
        ("get_weather", {"location": "Paris"})
    ]
    assert "fog at 14 degrees" in over.reached
    assert texts(answer) == ["Fine."]


def test_a_picture_reaches_the_model(over):
    picture = {"type": "input_image", "image_url": PICTURE}

    response = over.ask([message("user", [{"type": "input_text", "text": "What is this?"}, picture])])

    assert response["status"] == "completed"
    assert PICTURE.rpartition(",")[2] in over.reached


def test_a_conversation_arrives_in_its_order(over):
    over.ask(
        [
            message("user", "My name is Alice."),
            message("assistant", "Hello Alice! How can I help you today?"),
            message("user", "What is my name?"),
        ]
    )

    places = [over.reached.index(words) for words in ("name is Alice", "Hello Alice!", "What is my name")]
    assert places == sorted(places)


def test_a_turn_over_a_websocket_is_the_events_of_a_stream(over):
    with over.socket() as socket:
        turn = socket.take([message("user", "Count from 1 to 3.")])

    streamed = over.stream([message("user", "Count from 1 to 3.")])
    assert [event["type"] for event in turn] == [event["type"] for event in streamed]
    assert texts(turn[-1]["response"]) == ["Fine."]


def test_a_websocket_takes_one_turn_after_the_other(over):
    with over.socket() as socket:
        turns = [socket.take(f"Reply with exactly: {word}") for word in ("first", "second")]

    assert [outcome(turn) for turn in turns] == ["completed", "completed"]
    assert len({turn[-1]["response"]["id"] for turn in turns}) == 2


def test_a_websocket_goes_on_from_what_nobody_keeps(over):
    with over.socket() as socket:
        first = socket.take("Remember the code word: cobalt. Reply with OK.")
        second = socket.take("What is it?", previous_response_id=first[-1]["response"]["id"])

    assert outcome(second) == "completed"
    assert "cobalt" in over.reached
    assert "What is it?" in over.reached


def test_what_nobody_keeps_is_gone_with_its_websocket(over):
    with over.socket() as socket:
        first = socket.take("Remember the code word: copper.")

    with over.socket() as socket:
        missed = socket.take("Go on.", previous_response_id=first[-1]["response"]["id"])
        anew = socket.take([message("user", "Start anew.")])

    assert outcome(missed) == "previous_response_not_found"
    assert outcome(anew) == "completed"


def test_a_response_that_never_was_cannot_be_continued(over):
    with over.socket() as socket:
        turn = socket.take("Go on.", previous_response_id="resp_that_never_was")

    assert outcome(turn) == "previous_response_not_found"


def test_a_failed_continuation_lets_go_of_what_it_continued(over):
    output = {"type": "function_call_output", "call_id": "call_that_never_was", "output": "nothing"}

    with over.socket() as socket:
        first = socket.take("Remember the code word: ember.")
        earlier = first[-1]["response"]["id"]
        failed = socket.take([output], previous_response_id=earlier)
        again = socket.take("Go on.", previous_response_id=earlier)

    assert outcome(failed) != "completed"
    assert outcome(again) == "previous_response_not_found"


CONVERSATION = [
    message("user", "We agreed to launch on Tuesday and notify support first."),
    message("assistant", "Understood. The launch is Tuesday."),
]


def test_a_conversation_is_compacted_where_the_backend_can(relayed):
    answer = relayed.post("/v1/responses/compact", input=CONVERSATION, prompt_cache_key="k")

    assert_fits("CompactResource", answer.json())
    assert "compaction" in [item["type"] for item in answer.json()["output"]]


def test_a_compacted_conversation_goes_on_over_a_websocket(relayed):
    compacted = relayed.post("/v1/responses/compact", input=CONVERSATION).json()["output"]

    with relayed.socket() as socket:
        turn = socket.take([*compacted, message("user", "Continue from here.")])

    assert outcome(turn) == "completed"
    assert "We agreed to launch" in relayed.reached


def test_where_no_backend_can_compact_the_error_says_so(over):
    if over.name == "responses":
        pytest.skip("this upstream compacts, as another test shows")

    answer = over.post("/v1/responses/compact", input=CONVERSATION)

    assert answer.status_code == 400
    assert "compact" in answer.json()["error"]["message"]


def test_compacting_needs_a_model(over):
    answer = over.post("/v1/responses/compact", input=CONVERSATION, model=None)

    assert answer.status_code == 400
    assert answer.json()["error"]["message"]

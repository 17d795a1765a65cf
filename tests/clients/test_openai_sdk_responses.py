"""The openai SDK's `responses`, over HTTP and over a WebSocket: kept, continued, shown, listed, deleted."""

import json

import httpx2
import openai
import pytest
from scripted_models import Call, Said

# The SDK opens its WebSocket in a way that the library has deprecated since.
pytestmark = pytest.mark.filterwarnings("ignore:connect:DeprecationWarning")


@pytest.fixture
def sdk(address):
    with openai.OpenAI(
        base_url=f"{address}/v1", api_key="pointsman", max_retries=0, http_client=httpx2.Client()
    ) as client:
        yield client


@pytest.fixture
def to_responses(sdk):
    return sdk.responses


@pytest.fixture(params=["claude", "chat", "gemini"])
def foreign(request, claude, chat, gemini):
    """An upstream of each other dialect, which keeps nothing."""
    return {"claude": claude, "chat": chat, "gemini": gemini}[request.param]


def contents(body):
    """Who said what in a request that reached an upstream."""
    turns = body.get("messages") or body["contents"]
    roles = {"model": "assistant"}
    said = [(turn["role"], turn.get("content") or turn.get("parts")) for turn in turns]
    return [(roles.get(role, role), json.dumps(content)) for role, content in said]


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_conversation_goes_on_by_the_id_of_its_last_response(to_responses, foreign, stream):
    foreign.will(Said("It is teal."), Said("Because of copper."))

    def ask(text, **more):
        if not stream:
            return to_responses.create(model=foreign.model, input=text, **more)
        with to_responses.stream(model=foreign.model, input=text, **more) as events:
            return events.get_final_response()

    first = ask("What colour?")
    second = ask("Why?", previous_response_id=first.id)

    assert (first.output_text, second.output_text) == ("It is teal.", "Because of copper.")
    assert second.previous_response_id == first.id
    turns = contents(foreign.requests[1])
    assert [who for who, _ in turns] == ["user", "assistant", "user"]
    assert "It is teal." in turns[1][1]


def test_a_kept_response_is_retrieved_listed_and_deleted(to_responses, foreign):
    foreign.will(Said("It is teal."), Said("Because of copper."))
    first = to_responses.create(model=foreign.model, input="What colour?")
    second = to_responses.create(model=foreign.model, input="Why?", previous_response_id=first.id)

    shown = to_responses.retrieve(second.id)
    items = list(to_responses.input_items.list(second.id, order="asc", limit=1))
    to_responses.delete(second.id)

    assert shown.to_dict() == second.to_dict()
    assert [item.content[0].text for item in items] == ["What colour?", "It is teal.", "Why?"]
    with pytest.raises(openai.NotFoundError):
        to_responses.retrieve(second.id)
    with pytest.raises(openai.BadRequestError) as caught:
        to_responses.create(model=foreign.model, input="And?", previous_response_id=second.id)
    assert caught.value.code == "previous_response_not_found"
    with pytest.raises(openai.BadRequestError):
        to_responses.cancel(first.id)


def test_a_tool_call_is_answered_by_its_result_alone(to_responses, foreign):
    foreign.will(Said(calls=(Call("call_1", "get_weather", {"city": "Kyiv"}),)), Said("Rain."))
    tool = {
        "type": "function",
        "name": "get_weather",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}},
    }
    first = to_responses.create(model=foreign.model, input="Weather in Kyiv?", tools=[tool])
    [call] = [item for item in first.output if item.type == "function_call"]
    result = {"type": "function_call_output", "call_id": call.call_id, "output": "rain"}

    second = to_responses.create(
        model=foreign.model, input=[result], tools=[tool], previous_response_id=first.id
    )

    assert json.loads(call.arguments) == {"city": "Kyiv"}
    assert second.output_text == "Rain."


def finished(connection):
    """The events of one turn."""
    events = []
    for event in connection:
        events.append(event)
        if event.type in {"response.completed", "response.failed", "error"}:
            return events
    raise AssertionError("the connection ended before the answer did")


def test_a_conversation_over_a_websocket_goes_on_from_the_connection_s_memory(to_responses, foreign):
    foreign.will(Said("It is teal."), Said("Because of copper."))

    with to_responses.connect() as connection:
        connection.response.create(model=foreign.model, input="What colour?", store=False, stream_id="main")
        first = finished(connection)
        last = first[-1].response
        connection.response.create(
            model=foreign.model, input="Why?", store=False, stream_id="main", previous_response_id=last.id
        )
        second = finished(connection)

    said = "".join(event.delta for event in first if event.type == "response.output_text.delta")
    assert said == last.output_text == "It is teal."
    assert second[-1].response.output_text == "Because of copper."
    assert {event.stream_id for event in (*first, *second)} == {"main"}
    assert [who for who, _ in contents(foreign.requests[1])] == ["user", "assistant", "user"]


def test_an_unknown_response_over_a_websocket_is_the_error_that_clients_know(to_responses, foreign):
    with to_responses.connect() as connection:
        connection.response.create(
            model=foreign.model, input="Why?", store=False, previous_response_id="resp_gone"
        )
        [event] = finished(connection)

    assert event.type == "error"
    assert event.status == 400
    assert event.error.code == "previous_response_not_found"
    assert foreign.requests == []


def test_steering_over_a_websocket_fails_as_the_sdk_knows_it(to_responses, foreign):
    with to_responses.connect() as connection:
        connection.response.steer(input="Stop.", previous_response_id="resp_1")
        event = connection.recv()

    assert event.type == "response.steer.failed"
    assert event.error.code == "steering_not_supported"

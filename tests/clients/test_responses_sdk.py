"""The openai SDK's `responses` through a running pointsman, over an upstream of each dialect."""

import json

import openai
import pytest
from openai.types.responses import ResponseCompletedEvent
from pydantic import BaseModel
from scripted_models import CACHED, INPUT, OUTPUT, REASONING, Call, Said, breaks_after

from scripted import json_reply

CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "name": "get_weather",
    "description": "The weather now.",
    "parameters": CITY,
    "strict": True,
}
TWO_CALLS = (Call("call_1", "get_weather", {"city": "Kyiv"}), Call("call_2", "get_weather", {"city": "Lviv"}))


class Colour(BaseModel):
    name: str
    red: int


def test_a_plain_question_gets_its_answer_and_its_usage(to_chat, maker):
    maker.will(Said("Good day to you."))

    answer = to_chat.responses.create(
        model=maker.model, instructions="Be kind.", input="Hello", store=False, max_output_tokens=100
    )

    assert answer.output_text == "Good day to you."
    assert answer.status == "completed"
    assert answer.usage.input_tokens == INPUT
    assert answer.usage.input_tokens_details.cached_tokens == CACHED
    assert answer.usage.output_tokens == OUTPUT
    assert answer.usage.output_tokens_details.reasoning_tokens == REASONING
    assert "Be kind." in json.dumps(maker.request)


def test_the_sdk_accumulates_a_stream(to_chat, maker):
    maker.will(Said("Good day to you.", thinking="Greet."))

    with to_chat.responses.stream(model=maker.model, input="Hello", store=False) as stream:
        events = list(stream)
        answer = stream.get_final_response()

    deltas = [event.delta for event in events if event.type == "response.output_text.delta"]
    assert "".join(deltas) == "Good day to you." == answer.output_text
    assert len(deltas) > 1
    assert events[0].type == "response.created"
    assert isinstance(events[-1], ResponseCompletedEvent)
    assert [event.sequence_number for event in events] == list(range(len(events)))
    assert [item.type for item in answer.output] == ["reasoning", "message"]
    assert answer.output[0].summary[0].text == "Greet."


def test_parallel_calls_arrive_whole_and_their_results_go_back(to_chat, maker):
    maker.will(Said("Let me look.", thinking="Two.", calls=TWO_CALLS), Said("Rain in both."))
    asked = [{"role": "user", "content": "Weather in Kyiv and Lviv?"}]
    options = {"model": maker.model, "tools": [WEATHER], "store": False}

    first = to_chat.responses.create(input=asked, include=["reasoning.encrypted_content"], **options)
    calls = [item for item in first.output if item.type == "function_call"]
    results = [{"type": "function_call_output", "call_id": c.call_id, "output": "rain"} for c in calls]
    turns = [*asked, *(item.to_dict() for item in first.output), *results]
    second = to_chat.responses.create(input=turns, **options)

    assert [(call.name, json.loads(call.arguments)) for call in calls] == [
        ("get_weather", {"city": "Kyiv"}),
        ("get_weather", {"city": "Lviv"}),
    ]
    assert second.output_text == "Rain in both."
    assert json.dumps(maker.requests[-1]).count("rain") == 2


def test_streamed_arguments_are_complete(to_chat, maker):
    maker.will(Said(calls=TWO_CALLS))

    with to_chat.responses.stream(model=maker.model, input="Hi", tools=[WEATHER], store=False) as stream:
        answer = stream.get_final_response()

    calls = [item for item in answer.output if item.type == "function_call"]
    assert [call.parsed_arguments or json.loads(call.arguments) for call in calls] == [
        {"city": "Kyiv"},
        {"city": "Lviv"},
    ]


def test_structured_output_is_asked_for_and_parsed(to_chat, maker):
    maker.will(Said('{"name": "teal", "red": 0}'))

    answer = to_chat.responses.parse(model=maker.model, input="Hi", text_format=Colour, store=False)

    assert answer.output_parsed == Colour(name="teal", red=0)
    assert '"red"' in json.dumps(maker.request)


def test_a_free_text_tool_is_called_with_raw_text(to_chat, claude):
    claude.will(Said(calls=(Call("call_1", "apply_patch__free_text", {"input": "*** Begin Patch"}),)))
    tool = {"type": "custom", "name": "apply_patch", "description": "Applies a patch."}

    answer = to_chat.responses.create(model=claude.model, input="Hi", tools=[tool], store=False)

    [call] = [item for item in answer.output if item.type == "custom_tool_call"]
    assert (call.name, call.input) == ("apply_patch", "*** Begin Patch")


def test_a_limit_is_the_sdk_s_own_error_with_the_wait(to_chat, maker):
    refusal = {"error": {"type": "rate_limit_error", "code": 429, "message": "slow down"}}
    maker.upstream.always = json_reply(refusal, 429, [("retry-after", "90")])

    with pytest.raises(openai.RateLimitError) as caught:
        to_chat.responses.create(model=maker.model, input="Hi", store=False)

    assert caught.value.response.headers["retry-after"] == "90"
    assert "slow down" in str(caught.value)


def test_a_cut_stream_is_no_answer(to_chat, maker):
    maker.upstream.then(breaks_after(maker.says(Said("Good day to you.")), 3))

    with pytest.raises(openai.APIError):
        list(to_chat.responses.create(model=maker.model, input="Hi", stream=True, store=False))

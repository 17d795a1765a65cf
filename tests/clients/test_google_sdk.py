"""The google-genai SDK through a running pointsman, over an upstream of each dialect."""

import json

import pytest
from google import genai
from google.genai import errors, types
from pydantic import BaseModel
from scripted_models import CACHED, INPUT, OUTPUT, REASONING, Call, Said

from scripted import json_reply

TWO_CALLS = (Call("call_1", "get_weather", {"city": "Kyiv"}), Call("call_2", "get_weather", {"city": "Lviv"}))
WEATHER = types.Tool(
    function_declarations=[
        types.FunctionDeclaration(
            name="get_weather",
            description="The weather now.",
            parameters_json_schema={
                "type": "object",
                "properties": {"city": {"type": "string"}},
                "required": ["city"],
            },
        )
    ]
)
STATUS = {"status": "RESOURCE_EXHAUSTED"}
"""What Google's own errors say; other dialects pay no heed to it."""
BY_HAND = types.AutomaticFunctionCallingConfig(disable=True)


class Colour(BaseModel):
    name: str
    red: int


@pytest.fixture
def to_gemini(address):
    """The SDK, pointed at pointsman."""
    with genai.Client(api_key="pointsman", http_options=types.HttpOptions(base_url=address)) as client:
        yield client


def test_a_plain_question_gets_its_answer_and_its_usage(to_gemini, maker):
    maker.will(Said("Good day to you."))
    config = types.GenerateContentConfig(system_instruction="Be kind.", max_output_tokens=100)

    answer = to_gemini.models.generate_content(model=maker.model, contents="Hello", config=config)

    usage = answer.usage_metadata
    assert answer.text == "Good day to you."
    assert answer.candidates[0].finish_reason == types.FinishReason.STOP
    assert (usage.prompt_token_count, usage.cached_content_token_count) == (INPUT, CACHED)
    assert usage.candidates_token_count + usage.thoughts_token_count == OUTPUT
    assert usage.thoughts_token_count == REASONING
    assert "Be kind." in json.dumps(maker.request)


def test_the_sdk_reads_a_stream(to_gemini, maker):
    maker.will(Said("Good day to you.", thinking="Greet."))

    chunks = list(to_gemini.models.generate_content_stream(model=maker.model, contents="Hello"))

    parts = [part for chunk in chunks for each in chunk.candidates or () for part in each.content.parts or ()]
    said = [part.text for part in parts if part.text and not part.thought]
    assert "".join(said) == "Good day to you."
    assert len(said) > 1
    assert "".join(part.text for part in parts if part.thought) == "Greet."
    assert chunks[-1].candidates[0].finish_reason == types.FinishReason.STOP
    assert chunks[-1].usage_metadata.prompt_token_count == INPUT


def test_parallel_calls_arrive_whole_and_their_results_go_back(to_gemini, maker):
    maker.will(Said("Let me look.", thinking="Two.", calls=TWO_CALLS), Said("Rain in both."))
    config = types.GenerateContentConfig(tools=[WEATHER], automatic_function_calling=BY_HAND)
    asked = types.Content(role="user", parts=[types.Part(text="Weather in Kyiv and Lviv?")])

    first = to_gemini.models.generate_content(model=maker.model, contents=[asked], config=config)
    results = [
        types.Part(
            function_response=types.FunctionResponse(id=call.id, name=call.name, response={"output": "rain"})
        )
        for call in first.function_calls
    ]
    turns = [asked, first.candidates[0].content, types.Content(role="user", parts=results)]
    second = to_gemini.models.generate_content(model=maker.model, contents=turns, config=config)

    assert [(call.name, call.args) for call in first.function_calls] == [
        ("get_weather", {"city": "Kyiv"}),
        ("get_weather", {"city": "Lviv"}),
    ]
    assert second.text == "Rain in both."
    assert json.dumps(maker.requests[-1]).count("rain") == 2


def test_structured_output_is_asked_for_and_parsed(to_gemini, maker):
    maker.will(Said('{"name": "teal", "red": 0}'))
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Colour)

    answer = to_gemini.models.generate_content(model=maker.model, contents="Hello", config=config)

    assert answer.parsed == Colour(name="teal", red=0)
    assert '"red"' in json.dumps(maker.request)


def test_a_limit_is_the_sdk_s_own_error(to_gemini, maker):
    refusal = {"error": {"type": "rate_limit_error", "code": 429, "message": "slow down", **STATUS}}
    maker.upstream.always = json_reply(refusal, 429, [("retry-after", "90")])

    with pytest.raises(errors.ClientError) as caught:
        to_gemini.models.generate_content(model=maker.model, contents="Hello")

    assert (caught.value.code, caught.value.status) == (429, "RESOURCE_EXHAUSTED")
    assert "slow down" in caught.value.message


def test_tokens_are_counted(to_gemini, maker):
    maker.upstream.always = json_reply(
        {"input_tokens": 42, "totalTokens": 42, "object": "response.input_tokens"}
    )

    counted = to_gemini.models.count_tokens(model=maker.model, contents="Hello")

    assert counted.total_tokens > 0


def test_models_are_listed_as_google_lists_them(to_gemini, maker):
    listed = {model.name for model in to_gemini.models.list()}

    assert f"models/{maker.model}" in listed
    assert to_gemini.models.get(model=maker.model).name == f"models/{maker.model}"

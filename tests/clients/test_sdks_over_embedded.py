"""The Python SDKs over the embedded model: a real model's real answers, in both dialects."""

import json

import anthropic
import openai
import pytest
from pydantic import BaseModel, Field

pytestmark = [pytest.mark.engine, pytest.mark.xdist_group("embedded")]

FRUITS = [{"role": "user", "content": "Name three fruits."}]
CITY = {"type": "object", "properties": {"city": {"type": "string", "maxLength": 20}}, "required": ["city"]}
PIXEL = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


class Fruit(BaseModel):
    name: str = Field(max_length=20)
    sweet: bool


def test_messages_answers_plainly_and_tells_its_usage(to_messages):
    message = to_messages.messages.create(
        model="local", max_tokens=12, system="Be brief.", messages=FRUITS, extra_body={"temperature": 0}
    )

    assert message.content[0].text
    assert message.stop_reason == "max_tokens"
    assert message.usage.output_tokens == 12
    assert message.usage.input_tokens + message.usage.cache_read_input_tokens > 5
    assert message.model == "local"


def test_chat_answers_plainly_and_tells_its_usage(to_chat):
    answer = to_chat.chat.completions.create(
        model="local", messages=FRUITS, max_completion_tokens=12, temperature=0
    )

    assert answer.choices[0].message.content
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 12
    assert answer.model in {"local", "smollm2-135m-instruct"}


def test_messages_streams_what_it_would_have_answered(to_messages):
    asked = {"model": "local", "max_tokens": 12, "messages": FRUITS, "extra_body": {"temperature": 0}}

    whole = to_messages.messages.create(**asked)
    with to_messages.messages.stream(**asked) as stream:
        texts = list(stream.text_stream)
        message = stream.get_final_message()

    assert len(texts) > 3
    assert message.content[0].text == "".join(texts) == whole.content[0].text
    assert message.usage.output_tokens == whole.usage.output_tokens


def test_chat_streams_what_it_would_have_answered(to_chat):
    asked = {"model": "local", "messages": FRUITS, "max_completion_tokens": 12, "temperature": 0}

    whole = to_chat.chat.completions.create(**asked)
    *chunks, last = to_chat.chat.completions.create(
        **asked, stream=True, stream_options={"include_usage": True}
    )

    deltas = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices[0].delta.content]
    assert len(deltas) > 3
    assert "".join(deltas) == whole.choices[0].message.content
    assert chunks[-1].choices[0].finish_reason == "length"
    assert last.usage.completion_tokens == 12


@pytest.mark.parametrize("prompt", ["Once upon a", ["Once upon a", "There was"]], ids=["one", "several"])
def test_text_completions_are_answered_whole_and_streamed(to_chat, prompt):
    asked = {"model": "local", "prompt": prompt, "max_tokens": 6, "temperature": 0}

    whole = to_chat.completions.create(**asked)
    chunks = list(to_chat.completions.create(**asked, stream=True))

    texts = dict.fromkeys(range(len(whole.choices)), "")
    for choice in (choice for chunk in chunks for choice in chunk.choices):
        texts[choice.index] += choice.text
    assert [choice.text for choice in whole.choices] == list(texts.values())
    assert all(texts.values())
    assert {choice.finish_reason for choice in whole.choices} == {"length"}
    assert whole.usage.completion_tokens >= 6


@pytest.mark.parametrize("choice", [{"type": "any"}, {"type": "tool", "name": "get_weather"}], ids=str)
def test_messages_calls_a_forced_tool_and_takes_its_result(to_messages, choice):
    asked = [{"role": "user", "content": "Weather in Paris?"}]
    tools = [{"name": "get_weather", "description": "The weather.", "input_schema": CITY}]

    with to_messages.messages.stream(
        model="local", max_tokens=60, messages=asked, tools=tools, tool_choice=choice
    ) as stream:
        first = stream.get_final_message()
    [call] = first.content
    result = {"type": "tool_result", "tool_use_id": call.id, "content": "rain"}
    turns = [*asked, {"role": "assistant", "content": first.content}, {"role": "user", "content": [result]}]
    second = to_messages.messages.create(model="local", max_tokens=12, messages=turns, tools=tools)

    assert first.stop_reason == "tool_use"
    assert (call.name, call.input.keys()) == ("get_weather", {"city"})
    assert second.content[0].text


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_chat_calls_a_forced_tool(to_chat, stream):
    tools = [{"type": "function", "function": {"name": "get_weather", "parameters": CITY}}]
    asked = {"model": "local", "messages": FRUITS, "tools": tools, "tool_choice": "required"}

    if stream:
        with to_chat.chat.completions.stream(**asked, max_completion_tokens=60) as answering:
            answer = answering.get_final_completion()
    else:
        answer = to_chat.chat.completions.create(**asked, max_completion_tokens=60)

    [call] = answer.choices[0].message.tool_calls
    assert answer.choices[0].finish_reason == "tool_calls"
    assert json.loads(call.function.arguments).keys() == {"city"}


def test_messages_fills_a_schema(to_messages):
    message = to_messages.messages.parse(model="local", max_tokens=60, messages=FRUITS, output_format=Fruit)

    assert isinstance(message.parsed_output, Fruit)


def test_chat_fills_a_schema(to_chat):
    answer = to_chat.chat.completions.parse(
        model="local", max_completion_tokens=60, messages=FRUITS, response_format=Fruit
    )

    assert isinstance(answer.choices[0].message.parsed, Fruit)


def test_an_image_is_refused_because_the_model_cannot_see(to_messages, to_chat):
    image = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}}
    picture = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}}

    with pytest.raises(anthropic.BadRequestError) as by_messages:
        to_messages.messages.create(
            model="local", max_tokens=9, messages=[{"role": "user", "content": [image]}]
        )
    with pytest.raises(openai.BadRequestError) as by_chat:
        to_chat.chat.completions.create(model="local", messages=[{"role": "user", "content": [picture]}])

    assert "image" in by_messages.value.message
    assert "image" in by_chat.value.message
    assert (by_chat.value.param, by_chat.value.code) == ("messages[0].content[0]", "unsupported_by_target")
    assert_named(by_messages.value, by_chat.value)


def assert_named(by_messages, by_chat):
    """Each error's id stands in its header and in its body."""
    assert by_messages.request_id == by_messages.body["request_id"] == our_id(by_messages)
    assert by_chat.request_id == by_chat.body["request_id"] == our_id(by_chat)


def our_id(error):
    return error.response.headers["x-pointsman-request-id"]


def test_a_prompt_beyond_the_context_is_told_in_the_words_that_clients_know(to_messages, to_chat):
    long = [{"role": "user", "content": "many words here " * 12_000}]

    with pytest.raises(anthropic.BadRequestError) as by_messages:
        to_messages.messages.create(model="local", max_tokens=9, messages=long)
    with pytest.raises(openai.BadRequestError) as by_chat:
        to_chat.chat.completions.create(model="local", messages=long)

    assert "prompt is too long" in by_messages.value.message
    assert by_chat.value.code == "context_length_exceeded"
    assert_named(by_messages.value, by_chat.value)


def test_tokens_are_counted_for_the_embedded_model(to_messages):
    counted = to_messages.messages.count_tokens(model="local", messages=FRUITS)

    assert counted.input_tokens > 3


def test_the_embedded_model_is_listed_under_the_name_that_reaches_it(to_messages, to_chat):
    assert to_messages.models.retrieve("local").id == "local"
    assert to_chat.models.retrieve("local").owned_by == "embedded"

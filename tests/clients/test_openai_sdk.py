"""The openai SDK through a running pointsman: relayed as it is, translated to Anthropic Messages."""

import base64
import json

import openai
import pytest
from pydantic import BaseModel
from scripted_models import CACHED, INPUT, OUTPUT, REASONING, SIGNATURE, Call, Said, breaks_after

from scripted import json_reply

FORCIBLE = "claude-haiku-4-5"
"""Newer models of the family refuse a forced tool."""
HELLO = [{"role": "user", "content": "Hello"}]
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
CITY = {
    "type": "object",
    "properties": {"city": {"type": "string"}},
    "required": ["city"],
    "additionalProperties": False,
}
WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "The weather now.",
        "parameters": CITY,
        "strict": True,
    },
}
TWO_CALLS = (Call("call_1", "get_weather", {"city": "Kyiv"}), Call("call_2", "get_weather", {"city": "Lviv"}))


class Colour(BaseModel):
    name: str
    red: int


def test_a_plain_question_gets_its_answer_and_its_usage(to_chat, side, watching):
    side.will(Said("Good day to you."))

    answer = to_chat.chat.completions.create(
        model=side.model, messages=HELLO, max_completion_tokens=100, stop="END"
    )

    assert answer.choices[0].message.content == "Good day to you."
    assert answer.choices[0].finish_reason == "stop"
    assert answer.model == side.model
    assert answer.usage.prompt_tokens == INPUT
    assert answer.usage.prompt_tokens_details.cached_tokens == CACHED
    assert answer.usage.completion_tokens == OUTPUT
    assert answer.usage.total_tokens == INPUT + OUTPUT
    assert answer.usage.completion_tokens_details.reasoning_tokens == REASONING
    assert watching.answers[0].losses == []


def test_the_sdk_s_body_is_relayed_as_it_is(to_chat, chat, watching):
    chat.will(Said("Hi."))

    to_chat.chat.completions.create(
        model=chat.model,
        messages=HELLO,
        extra_headers={"x-mine": "1"},
        extra_body={"invented": {"b": 1, "a": 2}},
    )

    [seen] = chat.upstream.requests
    assert seen.target == "/v1/chat/completions"
    assert seen.header("authorization") == "Bearer sk-chat-canary"
    assert seen.header("x-mine") == "1"
    assert seen.body.endswith(b'"invented":{"b":1,"a":2}}')
    assert watching.answers[0].headers["x-pointsman-form"] == "relay"


def test_anthropic_messages_get_the_question_in_their_own_words(to_chat, claude, watching):
    claude.will(Said("Hi."))
    turns = [{"role": "system", "content": "Be kind."}, {"role": "developer", "content": "Be brief."}, *HELLO]

    to_chat.chat.completions.create(
        model=claude.model, messages=turns, max_completion_tokens=100, stop=["END", "FIN"]
    )

    [seen] = claude.upstream.requests
    body = seen.json()
    system = body["system"]
    assert seen.target == "/v1/messages"
    assert seen.header("x-api-key") == "sk-ant-canary"
    assert seen.header("authorization") is None
    assert seen.header("anthropic-version")
    assert [block["text"] for block in system] == ["Be kind.", "Be brief."]
    assert [message["role"] for message in body["messages"]] == ["user"]
    assert body["max_tokens"] == 100
    assert body["stop_sequences"] == ["END", "FIN"]
    assert watching.answers[0].headers["x-pointsman-form"] == "translate"


def test_an_answer_without_a_limit_gets_one_where_the_dialect_demands_it(to_chat, claude):
    claude.will(Said("Hi."))

    to_chat.chat.completions.create(model=claude.model, messages=HELLO)

    assert claude.request["max_tokens"] >= 1024


def test_the_sdk_accumulates_a_stream(to_chat, side):
    side.will(Said("Good day to you."))

    with to_chat.chat.completions.stream(model=side.model, messages=HELLO) as stream:
        events = list(stream)
        answer = stream.get_final_completion()

    deltas = [event.delta for event in events if event.type == "content.delta"]
    assert "".join(deltas) == "Good day to you."
    assert len(deltas) > 1
    assert answer.choices[0].message.content == "Good day to you."
    assert answer.choices[0].finish_reason == "stop"
    assert side.request["stream"] is True


@pytest.mark.parametrize("wanted", [True, False], ids=["asked", "not asked"])
def test_a_stream_s_usage_comes_exactly_if_it_was_asked_for(to_chat, side, wanted):
    side.will(Said("Hi."))
    asked = {"stream_options": {"include_usage": True}} if wanted else {}

    chunks = list(to_chat.chat.completions.create(model=side.model, messages=HELLO, stream=True, **asked))

    usages = [chunk.usage for chunk in chunks if chunk.usage]
    assert len(usages) == wanted
    assert not wanted or usages[0].prompt_tokens == INPUT
    assert not wanted or usages[0].prompt_tokens_details.cached_tokens == CACHED
    assert not wanted or chunks[-1].choices == []


def test_parallel_tool_calls_arrive_whole_and_their_results_go_back(to_chat, side):
    side.will(Said("Let me look.", calls=TWO_CALLS), Said("Rain in both."))
    asked = [{"role": "user", "content": "Weather in Kyiv and Lviv?"}]

    first = to_chat.chat.completions.create(model=side.model, messages=asked, tools=[WEATHER])
    message = first.choices[0].message
    results = [{"role": "tool", "tool_call_id": call.id, "content": "rain"} for call in message.tool_calls]
    turns = [*asked, message.to_dict(), *results]
    second = to_chat.chat.completions.create(model=side.model, messages=turns, tools=[WEATHER])

    calls = [(call.function.name, json.loads(call.function.arguments)) for call in message.tool_calls]
    assert calls == [("get_weather", {"city": "Kyiv"}), ("get_weather", {"city": "Lviv"})]
    assert first.choices[0].finish_reason == "tool_calls"
    assert second.choices[0].message.content == "Rain in both."
    assert answered_calls(side) == ["call_1", "call_2"]


def answered_calls(side):
    """Whose results the last request holds."""
    messages = side.requests[-1]["messages"]
    if side.name == "chat":
        return [message["tool_call_id"] for message in messages if message["role"] == "tool"]
    return [block["tool_use_id"] for block in messages[-1]["content"] if block["type"] == "tool_result"]


def test_streamed_tool_arguments_are_complete(to_chat, side):
    side.will(Said(calls=TWO_CALLS))

    with to_chat.chat.completions.stream(model=side.model, messages=HELLO, tools=[WEATHER]) as stream:
        answer = stream.get_final_completion()

    calls = answer.choices[0].message.tool_calls
    assert [call.function.parsed_arguments for call in calls] == [{"city": "Kyiv"}, {"city": "Lviv"}]
    assert [call.id for call in calls] == ["call_1", "call_2"]
    assert answer.choices[0].finish_reason == "tool_calls"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ("auto", {"type": "auto"}),
        ("required", {"type": "any"}),
        ("none", {"type": "none"}),
        (
            {"type": "function", "function": {"name": "get_weather"}},
            {"type": "tool", "name": "get_weather"},
        ),
    ],
    ids=["auto", "required", "none", "named"],
)
def test_each_tool_choice_has_its_counterpart(to_chat, claude, choice, expected):
    claude.will(Said("Hi."))

    to_chat.chat.completions.create(model=FORCIBLE, messages=HELLO, tools=[WEATHER], tool_choice=choice)

    assert claude.request["tool_choice"] == expected
    assert claude.request["tools"][0]["input_schema"] == CITY


def test_a_tool_cannot_be_forced_on_a_model_that_refuses_it(to_chat, claude):
    with pytest.raises(openai.BadRequestError) as caught:
        to_chat.chat.completions.create(
            model=claude.model, messages=HELLO, tools=[WEATHER], tool_choice="required"
        )

    assert caught.value.param == "tool_choice"
    assert claude.requests == []


def test_calls_one_at_a_time_are_asked_for_in_the_upstream_s_words(to_chat, claude):
    claude.will(Said("Hi."))

    to_chat.chat.completions.create(
        model=claude.model, messages=HELLO, tools=[WEATHER], parallel_tool_calls=False
    )

    assert claude.request["tool_choice"]["disable_parallel_tool_use"] is True


def test_images_reach_the_other_side_as_data_and_as_addresses(to_chat, claude):
    claude.will(Said("A dot."))
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{PIXEL}"}},
        {"type": "image_url", "image_url": {"url": "https://example.com/a.png"}},
    ]

    to_chat.chat.completions.create(model=claude.model, messages=[{"role": "user", "content": content}])

    blocks = claude.request["messages"][0]["content"]
    assert [block["type"] for block in blocks] == ["text", "image", "image"]
    assert blocks[1]["source"] == {"type": "base64", "media_type": "image/png", "data": PIXEL}
    assert blocks[2]["source"] == {"type": "url", "url": "https://example.com/a.png"}


def test_structured_output_is_asked_for_and_parsed(to_chat, side):
    side.will(Said('{"name": "teal", "red": 0}'))

    answer = to_chat.chat.completions.parse(model=side.model, messages=HELLO, response_format=Colour)

    assert answer.choices[0].message.parsed == Colour(name="teal", red=0)
    body = side.request
    schema = (
        body["output_config"]["format"]["schema"]
        if side.name == "claude"
        else body["response_format"]["json_schema"]["schema"]
    )
    assert schema["properties"].keys() == {"name", "red"}


def test_thinking_is_asked_for_by_effort_and_shown(to_chat, claude):
    claude.will(Said("27", thinking="3 by 9."))

    answer = to_chat.chat.completions.create(model=claude.model, messages=HELLO, reasoning_effort="low")

    message = answer.choices[0].message
    assert message.content == "27"
    assert message.reasoning_content == "3 by 9."
    assert claude.request["output_config"]["effort"] == "low"


def test_thinking_goes_back_with_its_signature_through_the_sdk_s_own_message(to_chat, claude):
    call = Call("toolu_1", "get_weather", {"city": "Kyiv"})
    claude.will(Said(thinking="Look it up.", calls=(call,)), Said("Rain."))
    asked = {"model": claude.model, "tools": [WEATHER], "reasoning_effort": "low"}

    first = to_chat.chat.completions.create(messages=HELLO, **asked)
    message = first.choices[0].message
    result = {"role": "tool", "tool_call_id": message.tool_calls[0].id, "content": "rain"}
    to_chat.chat.completions.create(messages=[*HELLO, message.to_dict(), result], **asked)

    block = claude.requests[1]["messages"][1]["content"][0]
    assert block == {"type": "thinking", "thinking": "Look it up.", "signature": SIGNATURE}


CLAUDE_ERROR = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
CHAT_ERROR = {
    "error": {"message": "slow down", "type": "requests", "param": None, "code": "rate_limit_exceeded"}
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_rate_limit_keeps_its_retry_after_and_its_class(to_chat, side, stream):
    body = CLAUDE_ERROR if side.name == "claude" else CHAT_ERROR
    side.upstream.always = json_reply(body, 429, [("retry-after", "1200")])

    with pytest.raises(openai.RateLimitError) as caught:
        to_chat.chat.completions.create(model=side.model, messages=HELLO, stream=stream)

    assert caught.value.response.headers["retry-after"] == "1200"
    assert "slow down" in caught.value.message


def test_a_refused_key_names_the_backend_and_never_the_key(to_chat, side):
    key = "sk-ant-canary" if side.name == "claude" else "sk-chat-canary"
    side.upstream.always = json_reply(
        {"error": {"type": "authentication_error", "message": f"bad {key}"}}, 401
    )

    with pytest.raises(openai.AuthenticationError) as caught:
        to_chat.chat.completions.create(model=side.model, messages=HELLO)

    assert side.name in caught.value.message
    assert key not in caught.value.response.text


def test_an_unknown_model_is_not_found_and_the_message_says_what_to_do(to_chat, side):
    with pytest.raises(openai.NotFoundError) as caught:
        to_chat.chat.completions.create(model="gtp-5.2", messages=HELLO)

    assert caught.value.code == "model_not_found"
    assert "gpt-5.2" in caught.value.message
    assert side.requests == []


def test_a_prompt_that_is_too_long_is_told_in_the_code_that_clients_know(to_chat, claude):
    said = {"type": "invalid_request_error", "message": "prompt is too long: 210000 tokens > 200000 maximum"}
    claude.upstream.always = json_reply({"type": "error", "error": said}, 400)

    with pytest.raises(openai.BadRequestError) as caught:
        to_chat.chat.completions.create(model=claude.model, messages=HELLO)

    assert caught.value.code == "context_length_exceeded"


def test_an_overload_is_an_error_of_the_server(to_chat, claude):
    said = {"type": "overloaded_error", "message": "Overloaded"}
    claude.upstream.always = json_reply({"type": "error", "error": said}, 529)

    with pytest.raises(openai.InternalServerError) as caught:
        to_chat.chat.completions.create(model=claude.model, messages=HELLO)

    assert "Overloaded" in caught.value.message


def test_a_stream_that_breaks_is_an_error_and_no_answer(to_chat, side):
    side.upstream.then(breaks_after(side.says(Said("Good day to you.")), 4))

    with (
        pytest.raises(openai.APIError),
        to_chat.chat.completions.stream(model=side.model, messages=HELLO) as stream,
    ):
        stream.until_done()


def test_several_answers_at_once_are_refused_where_the_upstream_gives_one(to_chat, claude):
    with pytest.raises(openai.BadRequestError) as caught:
        to_chat.chat.completions.create(model=claude.model, messages=HELLO, n=2)

    assert caught.value.param == "n"
    assert claude.requests == []


def test_what_the_upstream_does_not_know_is_named_in_a_header(to_chat, claude, watching):
    claude.will(Said("Hi."))

    to_chat.chat.completions.create(model=claude.model, messages=HELLO, seed=7, presence_penalty=0.5)

    assert {"dropped seed", "dropped presence_penalty"} <= set(watching.answers[0].losses)
    assert "seed" not in claude.request


def test_models_are_listed_and_retrieved(to_chat):
    listed = to_chat.models.list()
    one = to_chat.models.retrieve("gpt-5.2")

    assert {"claude-sonnet-5-5", "gpt-5.2", "local"} <= {model.id for model in listed}
    assert (one.id, one.object, one.owned_by) == ("gpt-5.2", "model", "chat")

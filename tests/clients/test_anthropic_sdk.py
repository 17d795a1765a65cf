"""The anthropic SDK through a running pointsman: relayed as it is, translated to Chat Completions."""

import base64

import anthropic
import pytest
from pydantic import BaseModel
from scripted_models import CACHED, INPUT, OUTPUT, REASONING, SIGNATURE, Call, Said, breaks_after

from scripted import json_reply

HELLO = [{"role": "user", "content": "Hello"}]
PIXEL = base64.b64encode(b"\x89PNG\r\n\x1a\n").decode()
CITY = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "get_weather", "description": "The weather now.", "input_schema": CITY}
TWO_CALLS = (Call("call_1", "get_weather", {"city": "Kyiv"}), Call("call_2", "get_weather", {"city": "Lviv"}))


class Colour(BaseModel):
    name: str
    red: int


def test_a_plain_question_gets_its_answer_and_its_usage(to_messages, side, watching):
    side.will(Said("Good day to you."))

    message = to_messages.messages.create(model=side.model, max_tokens=100, system="Be kind.", messages=HELLO)

    assert message.content[0].text == "Good day to you."
    assert message.stop_reason == "end_turn"
    assert message.model == side.model
    assert message.usage.input_tokens == INPUT - CACHED
    assert message.usage.cache_read_input_tokens == CACHED
    assert message.usage.output_tokens == OUTPUT
    assert watching.answers[0].losses == []


def test_the_sdk_s_body_is_relayed_as_it_is(to_messages, claude, watching):
    claude.will(Said("Hi."))

    message = to_messages.messages.create(
        model=claude.model,
        max_tokens=100,
        messages=HELLO,
        extra_headers={"anthropic-beta": "some-beta-2026-01-01"},
        extra_body={"invented": {"b": 1, "a": 2}},
        extra_query={"beta": "true"},
    )

    [seen] = claude.upstream.requests
    assert seen.target == "/v1/messages?beta=true"
    assert seen.header("anthropic-beta") == "some-beta-2026-01-01"
    assert seen.header("anthropic-version")
    assert seen.header("x-api-key") == "sk-ant-canary"
    assert b"pointsman" not in seen.body
    assert seen.body.endswith(b'"invented":{"b":1,"a":2}}')
    assert watching.answers[0].headers["x-pointsman-form"] == "relay"
    assert message._request_id == "req_scripted"


def test_chat_completions_get_the_question_in_their_own_words(to_messages, chat, watching):
    chat.will(Said("Hi."))

    to_messages.messages.create(
        model="chat:gpt-4.1", max_tokens=100, system="Be kind.", messages=HELLO, stop_sequences=["END"]
    )

    [seen] = chat.upstream.requests
    body = seen.json()
    assert seen.target == "/v1/chat/completions"
    assert seen.header("authorization") == "Bearer sk-chat-canary"
    assert seen.header("anthropic-version") is None
    assert body["model"] == "gpt-4.1"
    assert [message["content"] for message in body["messages"]] == ["Be kind.", "Hello"]
    assert body["max_tokens"] == 100
    assert body["stop"] == ["END"]
    assert watching.answers[0].headers["x-pointsman-form"] == "translate"


def test_the_sdk_accumulates_a_stream(to_messages, side):
    side.will(Said("Good day to you.", thinking="Greet them."))

    with to_messages.messages.stream(model=side.model, max_tokens=100, messages=HELLO) as stream:
        events = list(stream)
        message = stream.get_final_message()

    texts = [event.text for event in events if event.type == "text"]
    assert "".join(texts) == "Good day to you."
    assert len(texts) > 1
    assert events[-1].type == "message_stop"
    assert [block.type for block in message.content] == ["thinking", "text"]
    assert message.content[0].thinking == "Greet them."
    assert message.content[1].text == "Good day to you."
    assert message.stop_reason == "end_turn"
    assert message.usage.output_tokens == OUTPUT
    assert side.request["stream"] is True


def test_the_usage_of_a_translated_stream_is_asked_for_and_whole(to_messages, chat):
    chat.will(Said("Hi."))

    with to_messages.messages.stream(model=chat.model, max_tokens=100, messages=HELLO) as stream:
        usage = stream.get_final_message().usage

    assert chat.request["stream_options"] == {"include_usage": True}
    assert (usage.input_tokens, usage.cache_read_input_tokens) == (INPUT - CACHED, CACHED)
    assert usage.output_tokens_details.thinking_tokens == REASONING


def test_parallel_tool_calls_arrive_whole_and_their_results_go_back(to_messages, side):
    side.will(Said("Let me look.", calls=TWO_CALLS), Said("Rain in both."))
    asked = [{"role": "user", "content": "Weather in Kyiv and Lviv?"}]

    first = to_messages.messages.create(model=side.model, max_tokens=100, messages=asked, tools=[WEATHER])
    calls = [block for block in first.content if block.type == "tool_use"]
    results = [{"type": "tool_result", "tool_use_id": call.id, "content": "rain"} for call in calls]
    turns = [*asked, {"role": "assistant", "content": first.content}, {"role": "user", "content": results}]
    second = to_messages.messages.create(model=side.model, max_tokens=100, messages=turns, tools=[WEATHER])

    assert [(call.name, call.input) for call in calls] == [
        ("get_weather", {"city": "Kyiv"}),
        ("get_weather", {"city": "Lviv"}),
    ]
    assert first.stop_reason == "tool_use"
    assert second.content[0].text == "Rain in both."
    assert answered_calls(side) == {"call_1": "rain", "call_2": "rain"}


def answered_calls(side):
    """Tool results in the last request, by the id of their call."""
    messages = side.requests[-1]["messages"]
    if side.name == "chat":
        return {m["tool_call_id"]: m["content"] for m in messages if m["role"] == "tool"}
    return {block["tool_use_id"]: block["content"] for block in messages[-1]["content"]}


def test_streamed_tool_arguments_are_complete(to_messages, side):
    side.will(Said(calls=TWO_CALLS))

    with to_messages.messages.stream(
        model=side.model, max_tokens=100, messages=HELLO, tools=[WEATHER]
    ) as stream:
        message = stream.get_final_message()

    assert [block.input for block in message.content] == [{"city": "Kyiv"}, {"city": "Lviv"}]
    assert [block.id for block in message.content] == ["call_1", "call_2"]
    assert message.stop_reason == "tool_use"


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        ({"type": "auto"}, "auto"),
        ({"type": "any"}, "required"),
        ({"type": "none"}, "none"),
        (
            {"type": "tool", "name": "get_weather"},
            {"type": "function", "function": {"name": "get_weather"}},
        ),
    ],
    ids=["auto", "any", "none", "tool"],
)
def test_each_tool_choice_has_its_counterpart(to_messages, chat, choice, expected):
    chat.will(Said("Hi."))

    to_messages.messages.create(
        model=chat.model, max_tokens=100, messages=HELLO, tools=[WEATHER], tool_choice=choice
    )

    assert chat.request["tool_choice"] == expected
    assert chat.request["tools"][0]["function"]["parameters"] == CITY


def test_calls_one_at_a_time_are_asked_for_in_the_upstream_s_words(to_messages, chat):
    chat.will(Said("Hi."))

    to_messages.messages.create(
        model=chat.model,
        max_tokens=100,
        messages=HELLO,
        tools=[WEATHER],
        tool_choice={"type": "auto", "disable_parallel_tool_use": True},
    )

    assert chat.request["parallel_tool_calls"] is False


def test_images_reach_the_other_side_as_data_and_as_addresses(to_messages, chat):
    chat.will(Said("A dot."))
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PIXEL}},
        {"type": "image", "source": {"type": "url", "url": "https://example.com/a.png"}},
    ]

    to_messages.messages.create(
        model=chat.model, max_tokens=100, messages=[{"role": "user", "content": content}]
    )

    parts = chat.request["messages"][0]["content"]
    assert [part["type"] for part in parts] == ["text", "image_url", "image_url"]
    assert parts[1]["image_url"]["url"] == f"data:image/png;base64,{PIXEL}"
    assert parts[2]["image_url"]["url"] == "https://example.com/a.png"


def test_structured_output_is_asked_for_and_parsed(to_messages, side):
    side.will(Said('{"name": "teal", "red": 0}'))

    message = to_messages.messages.parse(
        model=side.model, max_tokens=100, messages=HELLO, output_format=Colour
    )

    assert message.parsed_output == Colour(name="teal", red=0)
    body = side.request
    schema = (
        body["output_config"]["format"]["schema"]
        if side.name == "claude"
        else body["response_format"]["json_schema"]["schema"]
    )
    assert schema["properties"].keys() == {"name", "red"}


def test_thinking_reaches_the_client_and_goes_back_with_its_signature(to_messages, claude):
    claude.will(Said("27", thinking="3 by 9."), Said("28"))
    thinking = {"type": "adaptive"}

    first = to_messages.messages.create(model=claude.model, max_tokens=100, messages=HELLO, thinking=thinking)
    turns = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": "plus 1?"}]
    to_messages.messages.create(model=claude.model, max_tokens=100, messages=turns, thinking=thinking)

    assert first.content[0].signature == SIGNATURE
    assert claude.requests[1]["messages"][1]["content"][0] == {
        "type": "thinking",
        "thinking": "3 by 9.",
        "signature": SIGNATURE,
    }


def test_thinking_of_a_chat_model_is_shown_and_its_effort_is_asked_for(to_messages, chat):
    chat.will(Said("27", thinking="3 by 9."), Said("28"))
    wanted = {"thinking": {"type": "adaptive"}, "output_config": {"effort": "low"}}

    first = to_messages.messages.create(model=chat.model, max_tokens=100, messages=HELLO, **wanted)
    turns = [*HELLO, {"role": "assistant", "content": first.content}, {"role": "user", "content": "plus 1?"}]
    second = to_messages.messages.create(model=chat.model, max_tokens=100, messages=turns, **wanted)

    assert [block.type for block in first.content] == ["thinking", "text"]
    assert first.content[0].thinking == "3 by 9."
    assert second.content[0].text == "28"
    assert chat.requests[0]["reasoning_effort"] == "low"
    assert chat.requests[1]["messages"][1]["content"] == "27"


CLAUDE_ERROR = {"type": "error", "error": {"type": "rate_limit_error", "message": "slow down"}}
CHAT_ERROR = {
    "error": {
        "message": "slow down",
        "type": "rate_limit_error",
        "param": None,
        "code": "rate_limit_exceeded",
    }
}


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
def test_a_rate_limit_keeps_its_retry_after_and_its_class(to_messages, side, stream):
    body = CLAUDE_ERROR if side.name == "claude" else CHAT_ERROR
    side.upstream.always = json_reply(body, 429, [("retry-after", "1200")])

    with pytest.raises(anthropic.RateLimitError) as caught:
        to_messages.messages.create(model=side.model, max_tokens=9, messages=HELLO, stream=stream)

    assert caught.value.response.headers["retry-after"] == "1200"
    assert "slow down" in caught.value.message
    assert caught.value.body["error"]["type"] == "rate_limit_error"


def test_a_refused_key_names_the_backend_and_never_the_key(to_messages, side):
    key = "sk-ant-canary" if side.name == "claude" else "sk-chat-canary"
    said = {"error": {"type": "authentication_error", "message": f"invalid key {key}"}}
    side.upstream.always = json_reply(said, 401)

    with pytest.raises(anthropic.AuthenticationError) as caught:
        to_messages.messages.create(model=side.model, max_tokens=9, messages=HELLO)

    assert side.name in caught.value.message
    assert key not in caught.value.response.text
    assert caught.value.body["error"]["type"] == "authentication_error"


def test_an_unknown_model_is_not_found_and_the_message_says_what_to_do(to_messages, side):
    with pytest.raises(anthropic.NotFoundError) as caught:
        to_messages.messages.create(model="clade-sonet", max_tokens=9, messages=HELLO)

    assert caught.value.body["error"]["type"] == "not_found_error"
    assert "clade-sonet" in caught.value.message
    assert "claude-sonnet-5-5" in caught.value.message
    assert side.requests == []


def test_a_prompt_that_is_too_long_is_told_in_the_words_that_clients_know(to_messages, chat):
    chat.upstream.always = json_reply(
        {
            "error": {
                "message": "This model's maximum context length is 128000 tokens. However, your messages "
                "resulted in 130000 tokens. Please reduce the length of the messages.",
                "type": "invalid_request_error",
                "param": "messages",
                "code": "context_length_exceeded",
            }
        },
        400,
    )

    with pytest.raises(anthropic.BadRequestError) as caught:
        to_messages.messages.create(model=chat.model, max_tokens=9, messages=HELLO)

    assert caught.value.body["error"]["type"] == "invalid_request_error"
    assert "prompt is too long" in caught.value.message


def test_a_stream_that_breaks_is_an_error_and_no_answer(to_messages, side):
    side.upstream.then(breaks_after(side.says(Said("Good day to you.")), 4))

    with (
        pytest.raises(anthropic.APIError),
        to_messages.messages.stream(model=side.model, max_tokens=9, messages=HELLO) as stream,
    ):
        stream.get_final_message()


def test_tokens_are_counted_by_the_backend_that_can(to_messages, claude):
    claude.upstream.then(json_reply({"input_tokens": 4321}))

    counted = to_messages.messages.count_tokens(model=claude.model, messages=HELLO)

    assert counted.input_tokens == 4321
    assert claude.upstream.requests[0].target == "/v1/messages/count_tokens"


def test_tokens_are_estimated_high_where_no_backend_counts(to_messages, chat, watching):
    few = to_messages.messages.count_tokens(model=chat.model, messages=HELLO)
    more = to_messages.messages.count_tokens(model=chat.model, messages=HELLO, tools=[WEATHER])

    assert 0 < few.input_tokens < more.input_tokens
    assert watching.answers[0].headers["x-pointsman-estimate"] == "true"
    assert chat.requests == []


def test_models_are_listed_and_retrieved(to_messages):
    listed = to_messages.models.list()
    one = to_messages.models.retrieve("claude-sonnet-5-5")

    assert {"claude-sonnet-5-5", "gpt-5.2", "local"} <= {model.id for model in listed}
    assert one.id == "claude-sonnet-5-5"
    assert one.type == "model"


def test_the_pages_of_the_model_list_follow_each_other(to_messages):
    pages = to_messages.models.list(limit=1).iter_pages()
    names = [[model.id for model in page.data] for page in pages]

    assert all(len(page) == 1 for page in names)
    assert len(names) >= 3


def test_a_tool_runner_goes_on_without_threads_where_the_upstream_has_none(to_messages, chat):
    chat.will(Said(calls=(Call("call_1", "get_weather", {"city": "Kyiv"}),)), Said("Rain."))

    @anthropic.beta_tool
    def get_weather(city: str) -> str:
        """The weather in a city."""
        return f"rain in {city}"

    runner = to_messages.beta.messages.tool_runner(
        model=chat.model, max_tokens=100, messages=HELLO, tools=[get_weather]
    )
    message = runner.until_done()

    assert message.content[0].text == "Rain."
    assert answered_calls(chat) == {"call_1": "rain in Kyiv"}

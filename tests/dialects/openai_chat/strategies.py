"""Hypothesis strategies for requests, answers and streams of Chat Completions."""

import json

from hypothesis import strategies as st

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=20)
said = st.text(st.characters(exclude_categories=("Cs",)), min_size=1, max_size=20)
words = st.text("abcdefgh_-0123456789", min_size=1, max_size=12)
scalars = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts
values = st.recursive(
    scalars | st.floats(allow_nan=False, allow_infinity=False),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
objects = st.dictionaries(words, values, max_size=3)
unknown = st.dictionaries(words.map(lambda word: f"x_{word}"), values, max_size=2)
counts = st.integers(0, 10**6)


def record(required, optional=None):
    """An object with these members, some of the optional ones, and some unknown ones."""
    known = st.fixed_dictionaries(required, optional=optional or {})
    return st.tuples(known, unknown).map(lambda parts: {**parts[1], **parts[0]})


def tagged(type, required=None, optional=None):
    """The same, with a type."""
    return record({"type": st.just(type), **(required or {})}, optional)


def some(strategy, most=3):
    """A short list."""
    return st.lists(strategy, max_size=most)


marks = st.fixed_dictionaries(
    {},
    optional={
        "cache_control": st.none()
        | tagged("ephemeral", optional={"ttl": st.sampled_from(["5m", "1h", None])}),
        "prompt_cache_breakpoint": record(
            {"mode": st.just("explicit")}, {"ttl": st.sampled_from(["30m", "12h"])}
        ),
    },
)


def marked(strategy):
    """A part with or without a cache mark."""
    return st.tuples(marks, strategy).map(lambda pair: {**pair[0], **pair[1]})


addresses = st.sampled_from(["https://example.com/a.png", "data:image/png;base64,iVBO", "data:,x", "", "odd"])
text_parts = marked(tagged("text", {"text": texts}))
media_parts = st.one_of(
    marked(tagged("image_url", {"image_url": addresses})),
    marked(tagged("image_url", {"image_url": record({"url": addresses}, {"detail": st.none() | words})})),
    marked(tagged("input_audio", {"input_audio": record({"data": words}, {"format": words})})),
    marked(
        tagged(
            "file",
            {"file": record({}, {"file_data": addresses, "file_id": words, "filename": st.none() | texts})},
        )
    ),
    tagged("tomorrow", {"x": values}),
)
parts = text_parts | media_parts
content = texts | some(parts)
arguments = texts | objects.map(json.dumps)
extra_content = {"extra_content": st.none() | record({}, {"google": record({"thought_signature": words})})}
calls = st.one_of(
    tagged(
        "function",
        {"id": words, "function": record({"name": words, "arguments": arguments | st.none() | objects})},
        extra_content,
    ),
    record({"id": words, "function": record({"name": words, "arguments": arguments})}),
    tagged("custom", {"id": words, "custom": record({"name": words, "input": texts})}),
)
details = st.one_of(
    tagged(
        "reasoning.text",
        {},
        {"text": st.none() | texts, "signature": st.none() | words, "format": words, "index": counts},
    ),
    tagged("reasoning.summary", {}, {"summary": texts, "id": st.none() | words, "format": words}),
    tagged("reasoning.encrypted", {"data": words}, {"format": words, "index": counts}),
)
thinking = {
    "reasoning_content": st.none() | texts,
    "reasoning": st.none() | texts,
    "reasoning_details": st.none() | some(details),
}
name = {"name": st.none() | words}
messages = st.one_of(
    record(
        {"role": st.sampled_from(["system", "developer", "user"])}, {"content": content | st.none(), **name}
    ),
    record(
        {"role": st.just("assistant")},
        {
            "content": st.none() | texts | some(text_parts | tagged("refusal", {"refusal": texts})),
            "refusal": st.none() | texts,
            "tool_calls": st.none() | some(calls),
            "function_call": st.none() | record({"name": words, "arguments": arguments}),
            "audio": st.none() | record({"id": words}),
            **name,
            **thinking,
        },
    ),
    record(
        {"role": st.just("tool"), "tool_call_id": words},
        {"content": content, **name, "cache_control": st.none()},
    ),
    record({"role": st.just("function"), "name": words}, {"content": st.none() | texts}),
)
functions = record(
    {"name": words},
    {"description": st.none() | texts, "parameters": objects, "strict": st.none() | st.booleans()},
)
tools = st.one_of(
    marked(tagged("function", {"function": functions})),
    record({"function": functions}),
    tagged("function", {"name": words}, {"parameters": objects}),
    tagged("custom", {"custom": record({"name": words}, {"description": texts, "format": objects})}),
    tagged("web_search", {}, {"web_search": objects}),
)
named = record({"name": words})
choices = st.one_of(
    st.sampled_from(["auto", "none", "required", "any"]),
    tagged("function", {"function": named}),
    tagged("custom", {"custom": named}),
    tagged("function", {"name": words}),
    tagged(
        "allowed_tools",
        {
            "allowed_tools": record(
                {
                    "mode": st.sampled_from(["auto", "required"]),
                    "tools": some(
                        tagged("function", {"function": named}) | tagged("custom", {"custom": named})
                    ),
                }
            )
        },
    ),
)
efforts = st.sampled_from(["none", "minimal", "low", "medium", "high", "xhigh", "max", "odd"])
formats = st.one_of(
    tagged("text"),
    tagged("json_object"),
    tagged(
        "json_schema",
        {
            "json_schema": record(
                {"name": words},
                {"description": texts, "schema": objects, "strict": st.none() | st.booleans()},
            )
        },
    ),
    tagged("grammar", {"grammar": texts}),
)
numbers = st.none() | st.floats(0, 2) | st.integers(0, 2)
whole = st.none() | counts
flags = st.none() | st.booleans()

requests = record(
    {"model": words, "messages": st.lists(messages, min_size=1, max_size=5)},
    {
        "tools": st.none() | some(tools),
        "functions": st.none() | some(functions),
        "tool_choice": st.none() | choices,
        "function_call": st.none() | st.sampled_from(["auto", "none"]) | named,
        "parallel_tool_calls": st.booleans(),
        "max_tokens": whole,
        "max_completion_tokens": whole,
        "stop": st.none() | texts | some(texts),
        "temperature": numbers,
        "top_p": numbers,
        "top_k": whole,
        "frequency_penalty": numbers,
        "presence_penalty": numbers,
        "seed": whole,
        "n": whole,
        "logprobs": flags,
        "reasoning_effort": st.none() | efforts,
        "reasoning": st.none() | record({}, {"effort": efforts, "max_tokens": whole, "enabled": flags}),
        "thinking": st.none()
        | record(
            {"type": st.sampled_from(["enabled", "disabled", "adaptive", "auto", "odd"])},
            {"budget_tokens": whole},
        ),
        "enable_thinking": flags,
        "thinking_budget": whole,
        "response_format": st.none() | formats,
        "verbosity": st.none() | words,
        "service_tier": st.none() | words,
        "user": st.none() | texts,
        "safety_identifier": st.none() | texts,
        "metadata": st.none() | objects,
        "cache_control": st.none() | tagged("ephemeral"),
        "stream": flags,
        "stream_options": st.none() | record({}, {"include_usage": flags}),
    },
)

logprobs = record(
    {
        "content": st.none() | some(record({"token": texts, "logprob": st.just(-0.5)})),
        "refusal": st.none(),
    }
)
annotations = tagged(
    "url_citation",
    {"url_citation": record({"url": words, "title": texts, "start_index": counts, "end_index": counts})},
)
usages = record(
    {"prompt_tokens": counts, "completion_tokens": counts, "total_tokens": counts},
    {
        "prompt_tokens_details": st.none()
        | record({}, {"cached_tokens": whole, "cache_write_tokens": counts}),
        "completion_tokens_details": st.none() | record({}, {"reasoning_tokens": whole}),
        "prompt_cache_hit_tokens": counts,
    },
)
answer_calls = st.one_of(
    tagged("function", {"id": words, "function": record({"name": words, "arguments": arguments})}),
    tagged("custom", {"id": words, "custom": record({"name": words, "input": texts})}),
)
audio = record({"id": words, "data": words, "transcript": texts, "expires_at": counts})
answer_messages = record(
    {"role": st.just("assistant"), "content": st.none() | texts},
    {
        "refusal": st.none() | texts,
        "tool_calls": st.none() | some(answer_calls),
        "annotations": st.none() | some(annotations),
        "audio": st.none() | audio,
        **thinking,
    },
)


def _finish(choice):
    """A reason that fits the message, as servers that follow the dialect give it."""
    called = bool(choice["message"].get("tool_calls"))
    return {**choice, "finish_reason": "tool_calls" if called else choice["finish_reason"]}


def _numbered(choices):
    return [{**choice, "index": number} for number, choice in enumerate(choices)]


answer_choices = record(
    {
        "message": answer_messages,
        "finish_reason": st.sampled_from(["stop", "length", "content_filter", "odd"]),
    },
    {"logprobs": st.none() | logprobs},
).map(_finish)
answers = record(
    {
        "id": words,
        "object": st.just("chat.completion"),
        "created": st.integers(1, 2**31),
        "model": words,
        "choices": st.lists(answer_choices, min_size=1, max_size=2).map(_numbered),
    },
    {"usage": usages, "service_tier": st.none() | words, "system_fingerprint": st.none() | words},
)


def sse(chunks):
    """A stream of these chunks, ended."""
    lines = [json.dumps(chunk, ensure_ascii=False) for chunk in chunks]
    return "".join(f"data: {line}\n\n" for line in [*lines, "[DONE]"]).encode()


@st.composite
def streams(draw):
    """A stream as OpenAI sends it."""
    odd = {"service_tier": words, "system_fingerprint": st.none() | words, "x_odd": values}
    head = draw(
        st.fixed_dictionaries({"id": words, "created": st.integers(1, 2**31), "model": words}, optional=odd)
    )
    head["object"] = "chat.completion.chunk"
    bare = draw(st.sampled_from([{}, {"logprobs": None}]))
    padded = draw(st.booleans())

    def chunk(delta, finish=None):
        choice = {"index": 0, "delta": delta, **bare, "finish_reason": finish}
        padding = {"obfuscation": draw(words)} if padded else {}
        return {**head, "choices": [choice], **padding}

    opening = draw(
        st.sampled_from([{"content": ""}, {"content": None}, {"content": "", "refusal": None}, {}])
    )
    chunks = [chunk({"role": "assistant", **opening})]
    chunks += [chunk({"reasoning_content": text}) for text in draw(some(said))]
    chunks += [chunk({"content": text}) for text in draw(some(said))]
    found = draw(some(st.tuples(words, words, some(said))))
    for index, (id, name, fragments) in enumerate(found):
        start = {"index": index, "id": f"{id}{index}", "type": "function"}
        chunks.append(chunk({"tool_calls": [{**start, "function": {"name": name, "arguments": ""}}]}))
        for text in fragments:
            chunks.append(chunk({"tool_calls": [{"index": index, "function": {"arguments": text}}]}))
    finish = "tool_calls" if found else draw(st.sampled_from(["stop", "length", "content_filter"]))
    chunks.append(chunk({}, finish))
    chunks.append({**head, "choices": [], "usage": draw(usages)})
    return sse(chunks)

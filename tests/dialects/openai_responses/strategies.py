"""Hypothesis strategies for requests, answers and streams of the Responses API."""

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


ids = words
statuses = st.sampled_from(["in_progress", "completed", "incomplete"])
marks = {"prompt_cache_breakpoint": st.none() | record({"mode": st.just("explicit")}, {"ttl": words})}
addresses = st.sampled_from(["https://example.com/a.png", "data:image/png;base64,iVBO", "data:,x", "", "odd"])
annotations = st.one_of(
    tagged("url_citation", {"url": words, "title": words}, {"start_index": counts, "end_index": counts}),
    tagged("file_citation", {"file_id": words, "filename": words, "index": counts}),
    objects,
)
input_parts = st.one_of(
    tagged("input_text", {"text": texts}, marks),
    tagged(
        "input_image",
        {},
        {"image_url": st.none() | addresses, "file_id": st.none() | words, "detail": words, **marks},
    ),
    tagged(
        "input_file",
        {},
        {"file_data": addresses, "file_url": addresses, "file_id": words, "filename": st.none() | texts},
    ),
    tagged("input_audio", {"input_audio": record({"data": words}, {"format": words})}),
    tagged("tomorrow", {"x": values}),
)
output_texts = tagged(
    "output_text", {"text": texts}, {"annotations": some(annotations), "logprobs": st.just([])}
)
output_parts = output_texts | tagged("refusal", {"refusal": said})
named = {"name": words, "call_id": words}
held = {"id": ids, "status": statuses}
calls = st.one_of(
    tagged(
        "function_call", {**named, "arguments": texts | objects.map(json.dumps)}, {**held, "namespace": words}
    ),
    tagged("custom_tool_call", {**named, "input": texts}, {**held, "namespace": words}),
)
reasoning = tagged(
    "reasoning",
    {"summary": some(tagged("summary_text", {"text": texts}))},
    {
        **held,
        "content": st.none() | some(tagged("reasoning_text", {"text": texts})),
        "encrypted_content": st.none() | words,
    },
)
built_in = st.one_of(
    tagged("local_shell_call", {"call_id": words, "action": objects}, held),
    tagged("apply_patch_call", {"call_id": words, "operation": objects}, held),
)
provided = st.one_of(
    tagged("web_search_call", {"action": objects}, held),
    tagged("mcp_call", {"server_label": words, "name": words, "arguments": texts}, {**held, "output": texts}),
    tagged("compaction", {"encrypted_content": words}, {"id": ids}),
    tagged("tomorrow", {"x": values}, {"id": ids}),
)
outputs = st.one_of(
    tagged("function_call_output", {"call_id": words, "output": texts | some(input_parts)}, held),
    tagged("custom_tool_call_output", {"call_id": words, "output": texts | some(input_parts)}, {"id": ids}),
    tagged("shell_call_output", {"call_id": words, "output": some(objects)}, held),
    tagged("computer_call_output", {"call_id": words, "output": record({"image_url": addresses})}),
)
messages = st.one_of(
    record(
        {"role": st.sampled_from(["system", "developer", "user"])},
        {"content": st.none() | texts | some(input_parts), "type": st.just("message"), **held},
    ),
    record(
        {"role": st.just("assistant")},
        {"content": texts | some(output_parts), "type": st.just("message"), "phase": words, **held},
    ),
)
items = st.one_of(messages, messages, calls, reasoning, built_in, provided, outputs, record({"id": ids}))
functions = tagged(
    "function",
    {"name": words},
    {
        "description": st.none() | texts,
        "parameters": st.none() | objects,
        "strict": st.none() | st.booleans(),
    },
)
customs = tagged("custom", {"name": words}, {"description": texts, "format": objects})
tools = st.one_of(
    functions,
    record({"name": words}, {"parameters": objects}),
    customs,
    tagged("namespace", {"name": words, "tools": some(functions | customs)}, {"description": texts}),
    tagged("web_search", {}, {"filters": st.none() | objects}),
    tagged("shell", {}, {"environment": objects}),
)
choices = st.one_of(
    st.sampled_from(["auto", "none", "required", "whatever"]),
    tagged("function", {"name": words}),
    tagged("custom", {"name": words}),
    tagged(
        "allowed_tools",
        {"mode": st.sampled_from(["auto", "required"]), "tools": some(tagged("function", {"name": words}))},
    ),
    tagged("file_search"),
)
formats = st.one_of(
    tagged("text"),
    tagged("json_object"),
    tagged("json_schema", {"name": words, "schema": objects}, {"strict": st.none() | st.booleans()}),
    tagged("grammar", {"grammar": texts}),
)
requests = record(
    {"model": words, "input": texts | some(items, 5)},
    {
        "instructions": st.none() | texts,
        "tools": st.none() | some(tools),
        "tool_choice": st.none() | choices,
        "parallel_tool_calls": st.none() | st.booleans(),
        "max_output_tokens": st.none() | counts,
        "temperature": st.none() | st.floats(0, 2),
        "top_p": st.none() | st.floats(0, 1),
        "reasoning": st.none() | record({}, {"effort": st.none() | words, "summary": st.none() | words}),
        "text": st.none() | record({}, {"format": st.none() | formats, "verbosity": st.none() | words}),
        "include": st.none() | some(st.sampled_from(["reasoning.encrypted_content", "x"])),
        "stream": st.none() | st.booleans(),
        "stream_options": st.none() | record({}, {"include_obfuscation": st.booleans()}),
        "service_tier": st.none() | words,
        "user": st.none() | words,
        "safety_identifier": st.none() | words,
        "metadata": st.none() | objects,
        "store": st.none() | st.booleans(),
        "previous_response_id": st.none() | words,
        "truncation": st.sampled_from(["auto", "disabled"]),
    },
)

given = {"id": ids, "status": st.just("completed")}
answered = st.one_of(
    tagged(
        "message",
        {**given, "role": st.just("assistant"), "content": st.lists(output_texts, min_size=1, max_size=3)},
    ),
    tagged("function_call", {**given, **named, "arguments": objects.map(json.dumps)}),
    tagged("custom_tool_call", {"id": ids, **named, "input": texts}),
    tagged(
        "reasoning",
        {"id": ids, "summary": some(tagged("summary_text", {"text": said}))},
        {"encrypted_content": st.none() | words},
    ),
    tagged("web_search_call", {**given, "action": objects}),
    tagged("tomorrow", {"id": ids, "x": values}),
)
refused = tagged(
    "message",
    {
        **given,
        "role": st.just("assistant"),
        "content": st.lists(tagged("refusal", {"refusal": said}), min_size=1, max_size=1),
    },
)
usages = record(
    {
        "input_tokens": counts,
        "input_tokens_details": st.just({"cached_tokens": 0}),
        "output_tokens": counts,
        "output_tokens_details": st.just({"reasoning_tokens": 0}),
        "total_tokens": counts,
    }
)
answers = st.tuples(
    record(
        {
            "id": words,
            "object": st.just("response"),
            "created_at": st.integers(1, 2**31),
            "model": words,
            "output": some(answered, 4) | refused.map(lambda message: [message]),
            "usage": usages,
            "tools": st.just([]),
        },
        {"metadata": objects, "instructions": st.none() | texts, "temperature": st.floats(0, 2)},
    ),
    st.sampled_from(
        [
            {"status": "completed", "incomplete_details": None},
            {"status": "incomplete", "incomplete_details": {"reason": "max_output_tokens"}},
            {"status": "incomplete", "incomplete_details": {"reason": "content_filter"}},
        ]
    ),
).map(lambda parts: {**parts[0], **parts[1]})

"""Hypothesis strategies for messages and streams of the Anthropic dialect."""

import json
from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).parents[2] / "corpus" / "anthropic"

texts = st.text(st.characters(exclude_categories=("Cs",)), max_size=24)
words = st.text("abcdefgh_-0123456789", min_size=1, max_size=12)
json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53), 2**53)
    | st.floats(allow_nan=False, allow_infinity=False)
    | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words, inner, max_size=3),
    max_leaves=6,
)
json_objects = st.dictionaries(words, json_values, max_size=3)
unknown_members = st.dictionaries(words.map(lambda word: f"x_{word}"), json_values, max_size=2)


def record(required, optional=None):
    """An object with these members, some of the optional ones, and some unknown ones."""
    known = st.fixed_dictionaries(required, optional=optional or {})
    return st.tuples(known, unknown_members).map(lambda parts: {**parts[1], **parts[0]})


def tagged(type, required=None, optional=None):
    """The same, with a type."""
    return record({"type": st.just(type), **(required or {})}, optional)


cache_control = st.none() | tagged("ephemeral", optional={"ttl": st.sampled_from(["5m", "1h", None])})
cached = {"cache_control": cache_control}

sources = st.one_of(
    tagged("base64", {"media_type": st.just("image/png"), "data": st.just("aGk=")}),
    tagged("url", {"url": texts}),
    tagged("file", {"file_id": words}),
    tagged("tomorrow", {"id": words}),
)
citation_settings = st.none() | record({"enabled": st.booleans()})
citations = record({"type": words, "cited_text": texts}, {"url": texts, "title": st.none() | texts})

text_blocks = tagged(
    "text", {"text": texts}, {**cached, "citations": st.none() | st.lists(citations, max_size=2)}
)
image_blocks = tagged("image", {"source": sources}, cached)
search_results = tagged(
    "search_result",
    {"source": texts, "content": st.lists(text_blocks, max_size=2)},
    {**cached, "title": texts, "citations": citation_settings},
)
documents = tagged(
    "document",
    {
        "source": st.one_of(
            sources,
            tagged("text", {"media_type": st.just("text/plain"), "data": texts}),
            tagged("content", {"content": texts | st.lists(text_blocks | image_blocks, max_size=2)}),
        )
    },
    {**cached, "title": st.none() | texts, "context": st.none() | texts, "citations": citation_settings},
)
unknown_blocks = words.flatmap(lambda word: tagged(f"unknown_{word}", {}, cached))
tool_results = tagged(
    "tool_result",
    {"tool_use_id": words},
    {
        **cached,
        "is_error": st.none() | st.booleans(),
        "content": st.none()
        | texts
        | st.lists(text_blocks | image_blocks | search_results | unknown_blocks, max_size=2),
    },
)
user_blocks = st.one_of(text_blocks, image_blocks, documents, search_results, tool_results, unknown_blocks)

thinking_blocks = tagged("thinking", {"thinking": texts}, {"signature": st.none() | words})
redacted_blocks = tagged("redacted_thinking", {"data": words})
tool_uses = tagged(
    "tool_use",
    {"id": words, "name": words},
    {**cached, "input": st.none() | json_objects, "caller": st.just({"type": "direct"})},
)
server_blocks = st.one_of(
    tagged("server_tool_use", {"id": words, "name": words, "input": json_objects}, cached),
    tagged("mcp_tool_use", {"id": words, "name": words, "input": json_objects, "server_name": words}),
    tagged(
        "web_search_tool_result",
        {"tool_use_id": words, "content": st.lists(json_objects, max_size=2)},
        cached,
    ),
)
answer_blocks = st.one_of(
    text_blocks, thinking_blocks, redacted_blocks, tool_uses, server_blocks, unknown_blocks
)

messages = st.one_of(
    record({"role": st.just("user"), "content": texts | st.lists(user_blocks, max_size=3)}),
    record({"role": st.just("assistant"), "content": texts | st.lists(answer_blocks, max_size=3)}),
    record(
        {"role": st.just("system")},
        {
            "content": st.none() | texts | st.lists(text_blocks | unknown_blocks, max_size=2),
            "output_config": json_objects,
        },
    ),
)

tools = st.one_of(
    record(
        {"name": words, "input_schema": json_objects},
        {
            **cached,
            "type": st.none() | st.just("custom"),
            "description": texts,
            "strict": st.none() | st.booleans(),
            "defer_loading": st.booleans(),
        },
    ),
    record(
        {"type": st.just("web_search_20250305")}, {**cached, "name": words, "max_uses": st.integers(1, 9)}
    ),
)
thinking_settings = st.one_of(
    st.none(),
    tagged("enabled", {"budget_tokens": st.integers(1024, 9999)}, {"display": st.none() | words}),
    tagged("adaptive", {}, {"display": st.none() | words}),
    tagged("disabled"),
    tagged("between_tools"),
)
output_formats = st.one_of(
    st.none(), tagged("json_schema", {"schema": json_objects}), tagged("grammar", {"rules": texts})
)
parallel = {"disable_parallel_tool_use": st.booleans()}
tool_choices = st.one_of(
    st.none(),
    tagged("auto", {}, parallel),
    tagged("any", {}, parallel),
    tagged("none"),
    tagged("tool", {"name": words}, parallel),
    tagged("tomorrow", {"names": st.lists(words, max_size=2)}),
)

requests = record(
    {"model": words, "messages": st.lists(messages, max_size=4)},
    {
        "max_tokens": st.integers(1, 99999),
        "system": st.none() | texts | st.lists(text_blocks, max_size=3),
        "tools": st.none() | st.lists(tools, max_size=3),
        "tool_choice": tool_choices,
        "thinking": thinking_settings,
        "output_config": st.none() | record({}, {"effort": st.none() | words, "format": output_formats}),
        "metadata": st.none() | record({}, {"user_id": st.none() | texts}),
        "stop_sequences": st.none() | st.lists(texts, max_size=3),
        "temperature": st.none() | st.floats(0, 1),
        "top_p": st.none() | st.floats(0, 1),
        "top_k": st.none() | st.integers(0, 500),
        "service_tier": st.none() | words,
        "stream": st.none() | st.booleans(),
        "cache_control": cache_control,
        "context_management": json_objects,
    },
)

said_blocks = answer_blocks.map(lambda block: {key: block[key] for key in block if key != "cache_control"})
"""Blocks as an answer has them: nobody marks a cache breakpoint there."""

counts = st.integers(0, 9999)
usages = record(
    {"input_tokens": counts, "output_tokens": counts},
    {
        "cache_creation_input_tokens": st.none() | counts,
        "cache_read_input_tokens": st.none() | counts,
        "cache_creation": st.none()
        | st.fixed_dictionaries({"ephemeral_5m_input_tokens": counts, "ephemeral_1h_input_tokens": counts}),
        "output_tokens_details": st.none() | st.fixed_dictionaries({"thinking_tokens": st.integers(0, 9)}),
        "service_tier": st.none() | st.just("standard"),
    },
)
stop_members = {
    "stop_reason": st.sampled_from(["end_turn", "tool_use", "refusal", "tomorrow", "max_tokens"]),
    "stop_sequence": st.none() | texts,
}

answers = tagged(
    "message",
    {
        "id": words,
        "role": st.just("assistant"),
        "model": words,
        "content": st.lists(said_blocks, max_size=4),
        "usage": usages,
        **stop_members,
    },
    {"stop_details": st.none() | json_objects, "container": st.none() | json_objects},
)


def pieces(text, cuts):
    """`text` in pieces, empty ones too."""
    places = sorted({min(cut, len(text)) for cut in cuts})
    return [text[start:end] for start, end in zip([0, *places], [*places, len(text)], strict=True)]


def stream_of(answer, cuts=()):
    """The events of a stream that tells this answer, its texts cut at these places."""
    head = {key: value for key, value in answer.items() if key not in ("stop_sequence", "stop_details")}
    yield {"type": "message_start", "message": {**head, "content": [], "stop_reason": None}}
    for index, block in enumerate(answer["content"]):
        start, deltas = opened(block, cuts)
        yield {"type": "content_block_start", "index": index, "content_block": start}
        for delta in deltas:
            yield {"type": "content_block_delta", "index": index, "delta": delta}
        yield {"type": "content_block_stop", "index": index}
    delta = {key: answer[key] for key in ("stop_reason", "stop_sequence", "stop_details") if key in answer}
    yield {
        "type": "message_delta",
        "delta": delta,
        "usage": {"output_tokens": answer["usage"]["output_tokens"]},
    }
    yield {"type": "message_stop"}


def opened(block, cuts):
    """(start, deltas) of a block."""
    if block["type"] == "text":
        start = {**block, "text": ""}
        found = start.pop("citations") if start.get("citations") else []
        deltas = [{"type": "text_delta", "text": piece} for piece in pieces(block["text"], cuts)]
        return start, deltas + [{"type": "citations_delta", "citation": citation} for citation in found]
    if block["type"] == "thinking":
        deltas = [{"type": "thinking_delta", "thinking": piece} for piece in pieces(block["thinking"], cuts)]
        return {**block, "thinking": ""}, deltas
    if block["type"] in ("tool_use", "server_tool_use", "mcp_tool_use") and block.get("input"):
        text = json.dumps(block["input"], ensure_ascii=False)
        deltas = [{"type": "input_json_delta", "partial_json": piece} for piece in pieces(text, cuts)]
        return {**block, "input": {}}, deltas
    return block, []


def wire(events):
    """Events as bytes."""
    return b"".join(
        f"event: {event['type']}\ndata: {json.dumps(event, ensure_ascii=False)}\n\n".encode()
        for event in events
    )


def corpus(folder, suffix):
    """(name, path) of the cases in a folder of the corpus."""
    return sorted((path.stem, path) for path in (CORPUS / folder).glob(f"*{suffix}"))

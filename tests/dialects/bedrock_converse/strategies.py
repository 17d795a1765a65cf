"""Hypothesis strategies for messages and streams of Bedrock's Converse."""

import json
from pathlib import Path

from hypothesis import strategies as st

CORPUS = Path(__file__).parents[2] / "corpus" / "bedrock_converse"

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


def only(kind, value):
    """A union of one member."""
    return st.fixed_dictionaries({kind: value})


def one_of(**members):
    """One of several unions."""
    return st.one_of(*(only(kind, value) for kind, value in members.items()))


base64 = st.sampled_from(["aGk=", "JVBERi0=", ""])
places = record({"uri": st.just("s3://bucket/key")}, {"bucketOwner": st.just("123456789012")})
pictures = record(
    {
        "format": st.sampled_from(["png", "jpeg", "tomorrow"]),
        "source": one_of(bytes=base64, s3Location=places),
    }
)
pieces_of_text = st.lists(record({"text": texts}), max_size=2)
documents = record(
    {
        "name": words,
        "source": one_of(bytes=base64, s3Location=places, text=texts, content=pieces_of_text, tomorrow=words),
    },
    {
        "format": st.none() | st.sampled_from(["pdf", "txt", "xlsx", "tomorrow"]),
        "context": st.none() | texts,
        "citations": st.none() | record({"enabled": st.booleans()}),
    },
)
citations = record(
    {},
    {
        "title": st.none() | texts,
        "source": texts,
        "sourceContent": st.lists(only("text", texts), max_size=2),
        "location": one_of(
            web=record({"url": texts}), documentChar=record({"documentIndex": st.integers(0, 9)})
        ),
    },
)
cited = st.fixed_dictionaries(
    {
        "content": st.lists(only("text", texts), min_size=1, max_size=1),
        "citations": st.lists(citations, min_size=1, max_size=2),
    }
)
oddly_cited = record(
    {"content": st.lists(only("text", texts), max_size=2)}, {"citations": st.lists(citations, max_size=2)}
)
cache_points = only(
    "cachePoint", record({"type": st.just("default")}, {"ttl": st.sampled_from(["5m", "1h"])})
)
odd_cache_points = only("cachePoint", record({"type": words}))
search_results = record(
    {"source": texts, "title": texts, "content": pieces_of_text},
    {"citations": record({"enabled": st.booleans()})},
)
guarded = st.one_of(
    only("text", record({"text": texts}, {"qualifiers": st.lists(words, max_size=2)})),
    only("image", pictures),
    only("tomorrow", words),
)
videos = record({"format": st.just("mp4"), "source": one_of(bytes=base64)})
sounds = record(
    {"format": st.sampled_from(["mp3", "wav"]), "source": one_of(bytes=base64, s3Location=places)}
)
calls = record({"toolUseId": words, "name": words, "input": json_values}, {"type": st.none()})
server_calls = record(
    {"toolUseId": words, "name": words, "input": json_values, "type": st.just("server_tool_use")}
)
thoughts = st.one_of(
    only("reasoningText", record({"text": texts}, {"signature": words})), only("redactedContent", base64)
)
results = record(
    {
        "toolUseId": words,
        "content": st.lists(
            one_of(
                json=json_values,
                text=texts,
                image=pictures,
                document=documents,
                video=videos,
                searchResult=search_results,
                tomorrow=words,
            ),
            max_size=2,
        ),
    },
    {"status": st.sampled_from(["success", "error", "tomorrow", None]), "type": st.none()},
)
unknown_blocks = words.flatmap(lambda word: only(f"unknown_{word}", json_values))
user_blocks = st.one_of(
    one_of(
        text=texts,
        image=pictures,
        document=documents,
        video=videos,
        audio=sounds,
        toolResult=results,
        guardContent=guarded,
        searchResult=search_results,
        toolAddition=json_objects,
    ),
    cache_points,
    odd_cache_points,
    unknown_blocks,
)
assistant_blocks = st.one_of(
    one_of(text=texts, toolUse=calls, reasoningContent=thoughts, citationsContent=oddly_cited),
    only("toolUse", server_calls),
    cache_points,
    unknown_blocks,
)
messages = st.one_of(
    record({"role": st.just("user"), "content": st.lists(user_blocks, max_size=4)}),
    record({"role": st.just("assistant"), "content": st.lists(assistant_blocks, max_size=4)}),
    record({"role": st.just("system"), "content": st.lists(only("text", texts), max_size=2)}),
)
tools = st.one_of(
    only(
        "toolSpec",
        record(
            {"name": words, "inputSchema": only("json", json_objects)},
            {"description": texts, "strict": st.none() | st.booleans()},
        ),
    ),
    only("systemTool", record({"name": words})),
    cache_points,
)
choices = one_of(auto=st.just({}), any=record({}), tool=record({"name": words}), tomorrow=json_objects)
thinking = st.one_of(
    record({"type": st.just("enabled"), "budget_tokens": st.integers(1024, 9999)}),
    record({"type": st.just("adaptive")}, {"display": st.none() | words}),
    record({"type": st.just("disabled")}),
    record({"type": st.just("tomorrow")}),
)
schemas = json_objects.map(lambda schema: json.dumps(schema, indent=1, ensure_ascii=False)) | st.just("{")
formats = st.one_of(
    record(
        {
            "type": st.just("json_schema"),
            "structure": record(
                {"jsonSchema": record({"schema": schemas}, {"name": st.none() | words, "description": texts})}
            ),
        }
    ),
    record({"type": st.just("tomorrow")}),
)
requests = record(
    {"messages": st.lists(messages, max_size=4)},
    {
        "system": st.none() | st.lists(one_of(text=texts, guardContent=guarded) | cache_points, max_size=3),
        "inferenceConfig": st.none()
        | record(
            {},
            {
                "maxTokens": st.integers(1, 9999),
                "temperature": st.none() | st.floats(0, 1),
                "topP": st.floats(0, 1),
                "stopSequences": st.none() | st.lists(texts, max_size=2),
            },
        ),
        "toolConfig": st.none() | record({}, {"tools": st.lists(tools, max_size=3), "toolChoice": choices}),
        "additionalModelRequestFields": st.none()
        | record({}, {"top_k": st.none() | st.integers(1, 99), "thinking": st.none() | thinking}),
        "outputConfig": st.none() | record({}, {"effort": st.none() | words, "textFormat": formats}),
        "serviceTier": st.none() | record({"type": words}),
        "performanceConfig": record({"latency": st.just("optimized")}),
        "requestMetadata": st.none() | st.dictionaries(words, texts, max_size=2),
        "guardrailConfig": json_objects,
    },
)

answer_blocks = st.one_of(
    one_of(
        text=texts,
        reasoningContent=st.one_of(
            only("reasoningText", st.fixed_dictionaries({"text": texts, "signature": words})),
            only("reasoningText", st.fixed_dictionaries({"text": texts.filter(bool)})),
            only("redactedContent", base64),
        ),
        toolUse=calls,
        citationsContent=cited,
    ),
    only("toolUse", server_calls),
)


def _signed(blocks):
    """Whether at most one thought is unsigned: dialects without blocks make several of them one."""
    return sum("signature" not in str(block) and "reasoningText" in str(block) for block in blocks) < 2


counts = st.integers(0, 9999)
usages = record(
    {"inputTokens": counts, "outputTokens": counts, "totalTokens": counts},
    {
        "cacheReadInputTokens": counts,
        "cacheWriteInputTokens": counts,
        "cacheDetails": st.lists(
            st.fixed_dictionaries({"ttl": st.sampled_from(["1h", "5m"]), "inputTokens": counts}), max_size=2
        ),
    },
)
reasons = ["end_turn", "tool_use", "max_tokens", "content_filtered", "malformed_tool_use", "tomorrow"]
answers = record(
    {
        "output": only(
            "message",
            record(
                {"role": st.just("assistant"), "content": st.lists(answer_blocks, max_size=4).filter(_signed)}
            ),
        ),
        "stopReason": st.sampled_from(reasons),
        "usage": usages,
        "metrics": record({"latencyMs": counts}),
    },
    {
        "additionalModelResponseFields": json_objects,
        "serviceTier": only("type", words),
        "performanceConfig": json_objects,
    },
)


def pieces(text, cuts):
    """`text` in pieces, empty ones too."""
    ends = sorted({min(cut, len(text)) for cut in cuts})
    return [text[start:end] for start, end in zip([0, *ends], [*ends, len(text)], strict=True)]


_STOP = ("stopReason", "additionalModelResponseFields")


def stream_of(answer, cuts=()):
    """(name, data) of the events that tell this answer, its texts cut at these places."""
    message = answer["output"]["message"]
    yield "messageStart", {key: message[key] for key in message if key != "content"}
    for index, block in enumerate(message["content"]):
        start, deltas = opened(block, cuts)
        if start:
            yield "contentBlockStart", {"contentBlockIndex": index, "start": start}
        for delta in deltas:
            yield "contentBlockDelta", {"contentBlockIndex": index, "delta": delta}
        yield "contentBlockStop", {"contentBlockIndex": index}
    yield "messageStop", {key: answer[key] for key in _STOP if key in answer}
    yield "metadata", {key: answer[key] for key in answer if key not in (*_STOP, "output")}


def opened(block, cuts):
    """(start, deltas) of a block."""
    ((kind, value),) = block.items()
    if kind == "text":
        return None, [{"text": piece} for piece in pieces(value, cuts)]
    if kind == "citationsContent":
        said = [{"text": piece} for piece in pieces(value["content"][0]["text"], cuts)]
        return None, said + [{"citation": citation} for citation in value["citations"]]
    if kind == "toolUse":
        text = json.dumps(value["input"], ensure_ascii=False)
        start = {key: value[key] for key in value if key != "input"}
        return {kind: start}, [{kind: {"input": piece}} for piece in pieces(text, cuts)]
    if "redactedContent" in value:
        return None, [{kind: value}]
    thought = value["reasoningText"]
    deltas = [{kind: {"text": piece}} for piece in pieces(thought["text"], cuts)]
    return None, deltas + [{kind: {"signature": thought["signature"]}} for _ in thought if _ == "signature"]


def wire(events):
    """Events as the frames that the decoder reads."""
    return b"".join(
        f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n".encode() for name, data in events
    )


def corpus(folder, suffix):
    """(name, path) of the cases in a folder of the corpus."""
    return sorted((path.stem, path) for path in (CORPUS / folder).glob(f"*{suffix}"))

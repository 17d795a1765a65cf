"""Hypothesis strategies for requests, answers and streams of Gemini."""

import json

from hypothesis import strategies as st

from pointsman.dialects.gemini.spelling import snake

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
signatures = st.binary(min_size=1, max_size=9).map(lambda data: data.hex())


def record(required, optional=None):
    """An object with these members, some of the optional ones, and some unknown ones."""
    known = st.fixed_dictionaries(required, optional=optional or {})
    return st.tuples(known, unknown).map(lambda parts: {**parts[1], **parts[0]})


@st.composite
def spelled(draw, strategy):
    """An object with some of its names in snake_case."""
    value = draw(strategy)
    return {snake(key) if draw(st.booleans()) else key: each for key, each in value.items()}


def some(strategy, most=3):
    """A short list."""
    return st.lists(strategy, max_size=most)


data = st.sampled_from(["aGk=", "_-8=", "/+8=", ""])
media_types = st.sampled_from(["image/png", "audio/mpeg", "audio/wav", "application/pdf", "video/mp4", ""])
addresses = st.sampled_from(
    ["https://example.com/a.png", "https://generativelanguage.googleapis.com/v1beta/files/a", "gs://b/c", ""]
)
blobs = spelled(record({"data": data}, {"mimeType": media_types, "displayName": words}))
files = spelled(record({"fileUri": addresses}, {"mimeType": media_types, "displayName": words}))
calls = spelled(record({"name": words}, {"id": words, "args": objects}))
media_parts = spelled(record({"inlineData": blobs})) | spelled(record({"fileData": files}))
responses = spelled(
    record(
        {"name": words, "response": objects | st.fixed_dictionaries({"output": texts})},
        {"id": words, "parts": some(media_parts, 2), "willContinue": st.booleans()},
    )
)
text_parts = spelled(record({"text": texts}, {"thought": st.booleans(), "thoughtSignature": signatures}))
code_parts = st.one_of(
    spelled(record({"executableCode": record({"code": texts}, {"language": st.just("PYTHON")})})),
    spelled(record({"codeExecutionResult": record({"outcome": words}, {"output": texts})})),
    spelled(record({"toolCall": record({"toolType": words}, {"id": words})})),
)
call_parts = spelled(record({"functionCall": calls}, {"thoughtSignature": signatures}))
parts = st.one_of(
    text_parts,
    media_parts,
    call_parts,
    spelled(record({"functionResponse": responses})),
    code_parts,
    unknown,
    spelled(record({"inlineData": blobs}, {"thoughtSignature": signatures, "videoMetadata": objects})),
)
contents = record(
    {}, {"role": st.sampled_from(["user", "model", "function"]), "parts": some(parts) | text_parts}
)
types = st.sampled_from(["STRING", "object", "INTEGER", "TYPE_UNSPECIFIED"])
schemas = record(
    {"type": types},
    {
        "properties": st.dictionaries(
            words, record({"type": types}, {"nullable": st.booleans()}), max_size=2
        ),
        "minItems": st.sampled_from(["1", 1]),
        "items": record({"type": types}),
    },
)
functions = spelled(
    record({"name": words}, {"description": texts, "parameters": schemas, "parametersJsonSchema": schemas})
)
tools = spelled(record({}, {"functionDeclarations": some(functions), "googleSearch": st.just({})}))
thinking = spelled(
    record(
        {},
        {
            "includeThoughts": st.booleans(),
            "thinkingBudget": st.integers(-1, 9999),
            "thinkingLevel": st.sampled_from(["LOW", "high", "THINKING_LEVEL_UNSPECIFIED"]),
        },
    )
)
configs = spelled(
    record(
        {},
        {
            "maxOutputTokens": counts,
            "temperature": st.none() | st.floats(0, 2),
            "topK": counts | st.sampled_from([40.0]),
            "topP": st.floats(0, 1),
            "seed": counts,
            "candidateCount": st.integers(1, 2),
            "stopSequences": some(texts),
            "presencePenalty": st.floats(-2, 2),
            "responseMimeType": st.sampled_from(["application/json", "text/plain", "text/x.enum"]),
            "responseSchema": schemas,
            "responseJsonSchema": schemas,
            "thinkingConfig": thinking,
            "responseModalities": some(words),
        },
    )
)
calling = spelled(
    record(
        {},
        {"mode": st.sampled_from(["AUTO", "ANY", "NONE", "VALIDATED"]), "allowedFunctionNames": some(words)},
    )
)
requests = spelled(
    record(
        {"contents": st.lists(contents, min_size=1, max_size=3) | contents},
        {
            "systemInstruction": contents.filter(lambda value: value.get("role") != "x") | texts,
            "tools": some(tools, 2),
            "toolConfig": spelled(record({}, {"functionCallingConfig": calling})),
            "generationConfig": configs,
            "safetySettings": some(objects),
            "cachedContent": words,
            "labels": st.dictionaries(words, words, max_size=2),
            "serviceTier": st.sampled_from(["flex", "standard", "SERVICE_TIER_PRIORITY", "unspecified"]),
            "store": st.booleans(),
            "model": words,
        },
    )
)

usages = record(
    {},
    {
        "promptTokenCount": counts,
        "candidatesTokenCount": counts,
        "thoughtsTokenCount": counts,
        "totalTokenCount": counts,
        "promptTokensDetails": some(objects),
    },
)
finishes = st.sampled_from(["STOP", "MAX_TOKENS", "SAFETY", "OTHER", "MALFORMED_FUNCTION_CALL", "NEW_ONE"])
answer_texts = record({"text": said}, {"thought": st.just(True), "thoughtSignature": signatures})
answer_calls = record(
    {"functionCall": record({"name": words}, {"id": words, "args": objects})},
    {"thoughtSignature": signatures},
)
answer_media = record(
    {"inlineData": record({"mimeType": st.just("image/png"), "data": data})}, {"thoughtSignature": signatures}
)
answer_parts = st.one_of(
    record({"text": said}),
    answer_texts,
    answer_calls,
    answer_media,
    record({"executableCode": record({"code": texts})}),
    st.fixed_dictionaries({"hologram": objects}),
)
endings = {
    "safetyRatings": some(objects),
    "avgLogprobs": st.floats(-9, 0),
    "finishMessage": said,
}
heads = {"modelVersion": words, "responseId": words}


@st.composite
def whole_answers(draw):
    """An answer that is not streamed."""
    found = []
    for index in range(draw(st.integers(1, 2))):
        told = draw(st.lists(answer_parts, min_size=1, max_size=3))
        candidate = draw(record({"finishReason": finishes}, endings))
        content = {"parts": told, **draw(st.sampled_from([{"role": "model"}, {}]))}
        found.append({**candidate, "content": content, "index": index})
    return {
        "candidates": found,
        **draw(record({}, {**heads, "usageMetadata": usages.filter(bool), "createTime": words})),
    }


answers = whole_answers()
plain_parts = st.one_of(
    st.fixed_dictionaries({"text": said}),
    st.fixed_dictionaries({"text": said}),
    st.fixed_dictionaries({"text": said, "thought": st.just(True)}),
    st.fixed_dictionaries({"text": said, "thoughtSignature": signatures}),
    answer_calls,
    answer_media,
    st.fixed_dictionaries({"hologram": objects}),
)


@st.composite
def streams(draw):
    """(a stream, the answer that it amounts to)."""
    pieces = draw(st.lists(st.lists(plain_parts, min_size=1, max_size=2), min_size=1, max_size=4))
    ending, head = draw(record({"finishReason": finishes}, endings)), draw(st.fixed_dictionaries(heads))
    usage = draw(st.none() | usages.filter(bool))
    told = []
    for number, piece in enumerate(pieces):
        last = number == len(pieces) - 1
        candidate = {"content": {"parts": piece, "role": "model"}, "index": 0, **(ending if last else {})}
        counted = {"usageMetadata": usage} if usage and draw(st.booleans()) | last else {}
        told.append({"candidates": [candidate], **counted, **head})
    line_end = draw(st.sampled_from(["\n\n", "\r\n\r\n"]))
    ascii = draw(st.booleans())
    stream = "".join(f"data: {json.dumps(chunk, ensure_ascii=ascii)}{line_end}" for chunk in told)
    whole = {"content": {"parts": joined(pieces), "role": "model"}, "index": 0, **ending}
    return stream.encode(), {"candidates": [whole], **({"usageMetadata": usage} if usage else {}), **head}


def joined(pieces):
    """The parts that these responses amount to: the first of each goes on with the last of the one before."""
    parts = []
    for piece in pieces:
        for at, part in enumerate(piece):
            last = parts[-1] if parts else {}
            plain = {"text", "thought"} >= last.keys() and "text" in last
            same = "text" in part and last.get("thought") is part.get("thought")
            if at == 0 and plain and same:
                parts[-1] = {**part, **last, "text": last["text"] + part["text"]}
            else:
                parts.append(part)
    return parts

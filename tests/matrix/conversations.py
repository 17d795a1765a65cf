"""Hypothesis strategies for whole conversations in any dialect.

They are made canonical, as if they had come in a dialect, and then said in it: so a new dialect gets them for
nothing. Each call is answered in the next turn, since anything else is refused.
"""

from hypothesis import strategies as st

from pointsman.canon.blocks import (
    Base64Source,
    CacheMark,
    Document,
    Image,
    Text,
    TextSource,
    ToolCall,
    ToolResult,
    UrlSource,
)
from pointsman.canon.errors import RequestError
from pointsman.canon.request import Message, OutputFormat, Reasoning, Request, Tool, ToolChoice
from pointsman.canon.traits import Target, Traits

said = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=12).filter(str.strip)
words = st.text("abcdefgh_-", min_size=1, max_size=8)
odd_names = words | st.sampled_from(["a.b", "x y", "ä", "n" * 140])
marks = st.none() | st.none() | st.sampled_from([CacheMark(), CacheMark("5m"), CacheMark("1h")])
objects = st.dictionaries(words, st.integers(0, 9) | said, max_size=2)

texts = st.builds(Text, said, cache=marks)
images = st.builds(
    Image,
    st.sampled_from([Base64Source("image/png", "aGk="), UrlSource("https://example.com/a.png")]),
    cache=marks,
)
documents = st.builds(
    Document,
    st.sampled_from([Base64Source("application/pdf", "JVBERi0="), TextSource("Rails are long.")]),
    title=st.none() | said,
    cache=marks,
)
results = st.lists(texts | images, max_size=3).map(tuple)
schemas = st.sampled_from(
    [
        {"type": "object"},
        {"type": "object", "properties": {"a": {"type": "string"}}, "required": ["a"]},
        {"type": "object", "properties": {}, "additionalProperties": False},
    ]
)
tools = st.builds(
    Tool,
    odd_names,
    st.none() | said,
    schemas,
    strict=st.none() | st.booleans(),
    cache=marks,
)
settings = {
    "max_tokens": st.none() | st.integers(1, 99999),
    "stop": st.none() | st.lists(said, min_size=1, max_size=2).map(tuple),
    "temperature": st.none() | st.floats(0, 2),
    "top_p": st.none() | st.floats(0, 1),
    "top_k": st.none() | st.integers(1, 99),
    "frequency_penalty": st.none() | st.floats(-2, 2),
    "seed": st.none() | st.integers(0, 9),
    "verbosity": st.none() | st.sampled_from(["low", "medium"]),
    "parallel_tool_calls": st.none() | st.booleans(),
    "service_tier": st.none() | st.sampled_from(["auto", "default", "standard_only", "flex", "priority"]),
    "user": st.none() | words,
    "metadata": st.none() | st.just({"team": "x"}),
    "prompt_cache_key": st.none() | words,
    "stream": st.none() | st.booleans(),
    "reasoning": st.none()
    | st.builds(Reasoning, st.just("on"), budget=st.integers(1024, 9999), display=st.none() | words)
    | st.builds(Reasoning, st.sampled_from(["adaptive", "off"]))
    | st.builds(Reasoning, effort=st.sampled_from(["none", "minimal", "low", "high", "max"])),
    "output_format": st.none()
    | st.builds(OutputFormat, st.just("json_schema"), schemas, words, st.none() | said)
    | st.just(OutputFormat("json_object")),
}


@st.composite
def conversations(draw, names):
    """Turns about these tools: users ask, assistants call and say, calls are answered."""
    turns, called = [], 0
    for _ in range(draw(st.integers(1, 3))):
        asked = draw(st.lists(texts | texts | images | documents, min_size=1, max_size=3))
        turns.append(Message("user", tuple(asked), form="blocks"))
        spoken = draw(st.lists(texts, max_size=2))
        calls = [
            ToolCall(f"call_{called + at}", draw(st.sampled_from(names)), arguments, cache=draw(marks))
            for at, arguments in enumerate(draw(st.lists(st.sampled_from(["", "{}", '{"a":1}']), max_size=2)))
        ]
        called += len(calls)
        if not spoken and not calls:
            continue
        turns.append(Message("assistant", (*spoken, *calls), form="blocks"))
        turns += draw(answered(calls))
    return tuple(turns) if turns[-1].role != "assistant" else (*turns, draw(asking))


asking = st.builds(lambda text: Message("user", (text,), form="blocks"), texts)


@st.composite
def answered(draw, calls):
    """The results of these calls, as messages of their own."""
    return [
        Message(
            "tool",
            (
                ToolResult(
                    call.id,
                    draw(results),
                    draw(st.none() | st.booleans()),
                    cache=draw(marks),
                    form="blocks",
                ),
            ),
        )
        for call in calls
    ]


@st.composite
def requests_in(draw, dialect):
    """A request as a client of the dialect sends it."""
    known = draw(st.lists(tools, max_size=3, unique_by=lambda tool: tool.name))
    names = [tool.name for tool in known] or ["f"]
    choice = draw(
        st.none()
        | st.builds(ToolChoice, st.sampled_from(["auto", "any", "none"]))
        | st.builds(ToolChoice, st.just("tool"), st.sampled_from(names))
    )
    request = Request(
        "elsewhere",
        "m",
        draw(conversations(names)),
        system=draw(system_turns),
        tools=tuple(known) or None,
        tool_choice=choice if known else None,
        **{name: draw(strategy) for name, strategy in settings.items()},
    )
    try:
        body = dialect.encode_request(request, Target("m", "", Traits(cache_marks="cache_control"))).body
    except RequestError:
        return draw(st.nothing())
    places = [body, *_objects(body.get("messages")), *_objects(body.get("tools"))]
    for place in draw(st.lists(st.sampled_from(range(len(places))), max_size=2)):
        places[place]["x_odd"] = draw(st.none() | st.integers(1, 9))
    return body


def _objects(value):
    """The objects in an array, and those in their own arrays of content."""
    for each in value if isinstance(value, list) else []:
        if isinstance(each, dict):
            yield each
            yield from _objects(each.get("content"))


system_turns = st.lists(
    st.builds(lambda text, role: Message(role, (text,), form="blocks"), texts, st.just("system")), max_size=2
).map(tuple)

"""Opaque state of others stands again where it stood among a message's text and calls."""

import pytest

from dialects.laws import ASKED
from pointsman.canon.blocks import Image, Native, Text, Thinking, ToolCall, UrlSource
from pointsman.canon.events import Answer, Choice
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.openai_chat import DIALECT
from pointsman.dialects.openai_chat.placing import placed_thinking
from pointsman.wire.envelope import seal

CALLS = [{"id": id, "type": "function", "function": {"name": "f", "arguments": "{}"}} for id in ("c1", "c2")]


def detail(name, *place, index=0):
    """A piece that holds an envelope, which says the place."""
    data = {"signature": name, **({"@": list(place)} if place else {})}
    signature = seal(Native("anthropic", "maker", data))
    return {"type": "reasoning.text", "format": "pointsman.1", "index": index, "signature": signature}


def order(content, *details, calls=()):
    """What stands where, in a request: texts, signatures, calls' ids."""
    message = {"role": "assistant", "content": content, "reasoning_details": list(details)}
    if calls:
        message["tool_calls"] = calls
    request = DIALECT.decode_request({"model": "m", "messages": [message]})
    found = []
    for block in request.messages[0].content:
        if isinstance(block, Text):
            found.append(block.text)
        elif isinstance(block, Thinking):
            assert set(block.native.data) == {"signature"}
            found.append((block.native.data["signature"],))
        else:
            found.append({block.id})
    return found


def test_state_stands_between_pieces_of_the_text_and_behind_calls():
    details = [
        detail("a"),
        detail("b", 0, 2, index=1),
        detail("c", 0, 4, index=2),
        detail("d", 1, 4, index=3),
    ]

    assert order("Grüß", *details, calls=CALLS) == [
        ("a",),
        "Gr",
        ("b",),
        "üß",
        ("c",),
        {"c1"},
        ("d",),
        {"c2"},
    ]


def test_texts_that_are_parts_are_not_cut():
    parts = [{"type": "text", "text": "ab"}, {"type": "text", "text": "cd"}]

    assert order(parts, detail("x", 0, 2)) == ["ab", ("x",), "cd"]
    assert order(parts, detail("x", 0, 3)) == ["ab", "cd", ("x",)]


@pytest.mark.parametrize("content", ["ab", "", None])
def test_what_is_shorter_than_it_was_has_its_state_behind_it(content):
    assert order(content, detail("x", 0, 9), detail("y", 7, 9, index=1), calls=CALLS) == [
        *([content] if content else []),
        ("x",),
        {"c1"},
        {"c2"},
        ("y",),
    ]


@pytest.mark.parametrize("place", [("0", 1), (1,), (1, 2, 3), (-1, 2), (True, 1)])
def test_a_place_that_is_none_is_the_beginning(place):
    assert order("ab", detail("x", *place)) == [("x",), "ab"]


def test_a_request_of_its_own_dialect_says_its_text_in_one_piece_again():
    message = {"role": "assistant", "content": "abcd", "reasoning_details": [detail("x", 0, 2)]}
    request = DIALECT.decode_request({"model": "m", "messages": [message]})

    (sent,) = DIALECT.encode_request(request, Target("m", "maker", Traits())).body["messages"]
    assert sent == {"role": "assistant", "content": "abcd"}


def test_behind_what_has_no_form_there_is_no_place():
    state = Thinking("", Native("gemini", "maker", {"thoughtSignature": "YQ=="}))
    picture = Image(UrlSource("https://example.com/a.png"))
    blocks = (Text("ab"), state, picture, state, ToolCall("c", "f"), state)

    assert [block.native.data.get("@") for block in placed_thinking(blocks)] == [[0, 2], None, [1, 2]]
    assert DIALECT.fold(Answer(choices=(Choice(blocks),)), ASKED)["choices"][0]["message"]["content"] == "ab"

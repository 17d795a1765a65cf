"""JSON of the data path."""

import json as standard

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import MalformedError
from pointsman.canon.intent import Span
from pointsman.wire import json

TEXT = st.text(alphabet=st.characters(codec="utf-8"), max_size=8) | st.sampled_from(
    ['"', "\\", "}{,:", "model"]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(TEXT, inner, max_size=4),
    max_leaves=12,
)
SPACE = st.text(alphabet=" \t\r\n", max_size=3)
BROKEN = {
    b"": "empty",
    b" \n": "empty",
    b'{"a":1': r"line 1, column 7",
    b'{"a":\n tru}': r"line 2, column 2",
    b'{"a":1} x': "Extra data",
    b"nothing": "not valid JSON",
    b'{"a":"\xff"}': r"not UTF-8 \(byte 6 is 0xff",
    b'{"a":"\xed\xa0\xbd"}': "not UTF-8",
    b'{"a":NaN}': "`NaN`",
    b'{"a":-Infinity}': "`-Infinity`",
    b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}": "nested too deeply",
    b"[]": "must be an object, not an array",
    b'"model"': "must be an object, not a string",
    b"null": "must be an object, not null",
}


def spelled(value, draw, escape):
    """`value` as JSON with any spaces between its tokens, and strings in escapes where asked."""
    if isinstance(value, dict):
        members = (
            draw(SPACE)
            + spelled(key, draw, escape)
            + draw(SPACE)
            + ":"
            + draw(SPACE)
            + spelled(item, draw, escape)
            for key, item in value.items()
        )
        return "{" + (draw(SPACE) + ",").join(members) + draw(SPACE) + "}"
    if isinstance(value, list):
        items = (draw(SPACE) + spelled(item, draw, escape) for item in value)
        return "[" + (draw(SPACE) + ",").join(items) + draw(SPACE) + "]"
    if isinstance(value, str) and escape:
        units = value.encode("utf-16-be").hex()
        return '"' + "".join(f"\\u{units[index : index + 4]}" for index in range(0, len(units), 4)) + '"'
    return standard.dumps(value, ensure_ascii=False)


@st.composite
def documents(draw):
    """A JSON object as pairs of name and spelled value, and its bytes."""
    value = draw(
        st.dictionaries(TEXT.filter(lambda name: name not in ("model", "stream")), VALUES, max_size=5)
    )
    names = [spelled(name, draw, draw(st.booleans())) for name in value]
    values = [spelled(item, draw, draw(st.booleans())) for item in value.values()]
    text = draw(SPACE) + "{"
    spans = {}
    for index, name in enumerate(value):
        text += draw(SPACE) + names[index] + draw(SPACE) + ":" + draw(SPACE)
        start = len(text.encode())
        text += values[index]
        spans[name] = Span(start, len(text.encode()))
        text += draw(SPACE) + ("," if index < len(value) - 1 else "")
    return value, (text + draw(SPACE) + "}" + draw(SPACE)).encode(), spans


@given(documents())
def test_the_spans_are_exactly_the_bytes_of_the_values(document):
    _, body, spans = document

    assert json.peek(body).members == spans


@given(documents())
def test_an_odd_member_elsewhere_does_not_move_the_spans(document):
    _, body, spans = document
    odd = rb'{"odd": [1, {"\ud83d": "}"}], "twice":12,"twice":1'
    separator = b"," if spans else b""
    brace = body.index(b"{")
    moved = brace + len(odd) + len(separator) - (brace + 1)

    members = json.peek(body[:brace] + odd + separator + body[brace + 1 :]).members

    expected = {name: Span(span.start + moved, span.end + moved) for name, span in spans.items()}
    assert {name: span for name, span in members.items() if name not in ("odd", "twice")} == {
        name: span for name, span in expected.items() if name not in ("odd", "twice")
    }


@given(documents(), TEXT, st.integers(0, 4))
def test_replacing_changes_the_span_and_nothing_else(document, text, which):
    value, body, spans = document
    if not spans:
        return
    name = list(spans)[which % len(spans)]
    span = spans[name]

    changed = json.replace(body, span, text)

    assert changed[: span.start] == body[: span.start]
    assert changed[len(changed) - (len(body) - span.end) :] == body[span.end :]
    assert standard.loads(changed) == {**value, name: text}


@given(documents())
def test_decoding_reads_what_the_standard_library_reads(document):
    value, body, _ = document

    assert json.decode_object(body) == value
    assert json.decode_part(body) == value
    assert standard.loads(json.encode(value)) == value


@given(st.dictionaries(TEXT, VALUES, max_size=5))
def test_encoding_keeps_the_order_of_the_members(value):
    assert list(json.decode_object(json.encode(value))) == list(value)


@pytest.mark.parametrize("body", BROKEN)
@pytest.mark.parametrize("read", [json.decode_object, json.decode_part, json.peek])
def test_a_broken_body_is_refused_with_what_is_wrong_and_where(read, body):
    with pytest.raises(MalformedError, match=BROKEN[body]):
        read(body)


@pytest.mark.parametrize("number", [b"1e999", b"-1e999", b"1" * 5000])
def test_a_number_that_cannot_be_carried_is_refused(number):
    with pytest.raises(MalformedError, match="number"):
        json.decode_object(b'{"a":' + number + b"}")


@pytest.mark.parametrize("number", ["0", "-1", "18446744073709551616", "1.5", "1e3", "1" * 300])
def test_a_number_keeps_its_value(number):
    assert json.decode_object(f'{{"a":{number}}}'.encode()) == {"a": standard.loads(number)}


def test_half_a_surrogate_pair_becomes_a_replacement_character():
    assert json.decode_object(rb'{"\ud83d":"x\ud83d\ude00\ude00","n":1.5}') == {
        "\ufffd": "x😀\ufffd",
        "n": 1.5,
    }


def test_half_a_surrogate_pair_of_a_streamed_part_stays_for_the_next_part():
    assert json.decode_part(rb'{"a":"x\ud83d"}') == {"a": "x\ud83d"}


def test_half_a_surrogate_pair_does_not_stop_an_encoder():
    assert json.encode({"b": "\ud83d\ude00\ud83d", "a": []}) == '{"b":"😀\ufffd","a":[]}'.encode()


def test_a_byte_order_mark_is_passed_over():
    body = b'\xef\xbb\xbf{"model":"x"}'

    assert json.decode_object(body) == {"model": "x"}
    assert json.peek(body).members == {"model": Span(12, 15)}


def test_a_value_that_is_nested_too_deeply_is_not_written():
    value = []
    for _ in range(100_000):
        value = [value]

    with pytest.raises(MalformedError, match="nested too deeply"):
        json.encode({"a": value})


@pytest.mark.parametrize("size", [65_520, 65_530, 65_536, 200_000])
@pytest.mark.parametrize("character", ["é", "—", "😀"])
def test_a_large_body_is_checked_for_utf8_to_its_end(size, character):
    body = ('{"model":"m","a":"' + character * (size // len(character.encode())) + '"}').encode()

    assert json.peek(body).members["a"] == Span(17, len(body) - 1)
    with pytest.raises(MalformedError, match="not UTF-8"):
        json.peek(body[:-3] + body[-2:])


def test_a_peek_reads_model_and_stream():
    assert json.peek(b'{"model":"m","stream":true}') == json.Peek(
        "m", True, {"model": Span(9, 12), "stream": Span(22, 26)}
    )


@pytest.mark.parametrize("body", [b"{}", b'{"model":null,"stream":null}', b'{"stream":false}'])
def test_a_model_may_be_absent_or_null_and_so_may_stream(body):
    seen = json.peek(body)

    assert (seen.model, seen.stream) == (None, False)


@pytest.mark.parametrize(
    ("body", "name"),
    [
        (b'{"model":1}', "model"),
        (b'{"model":["m"]}', "model"),
        (b'{"stream":"yes"}', "stream"),
        (b'{"stream":1}', "stream"),
    ],
)
def test_a_member_of_the_wrong_type_is_named(body, name):
    with pytest.raises(MalformedError, match=name) as caught:
        json.peek(body)

    assert caught.value.param == name


def test_an_escaped_name_is_the_name():
    body = rb'{"mod\u0065l":"m\u0031","strea\u006d" : true}'
    seen = json.peek(body)

    assert (seen.model, seen.stream) == ("m1", True)
    assert json.replace(body, seen.members["model"], "x") == rb'{"mod\u0065l":"x","strea\u006d" : true}'


def test_half_a_surrogate_pair_in_the_model_becomes_a_replacement_character():
    assert json.peek(rb'{"model":"\ud83d"}').model == "\ufffd"


@pytest.mark.parametrize(
    "body",
    [
        b'{"model":"a","model":"b"}',
        b'{"model":"a","model":"a"}',
        rb'{"model":"a","mod\u0065l":"b"}',
        b'{"model":1,"model":12}',
    ],
)
def test_a_model_that_stands_twice_is_refused(body):
    with pytest.raises(MalformedError, match="twice") as caught:
        json.peek(body)

    assert caught.value.param == "model"


@pytest.mark.parametrize(
    "values", [("12", "1"), ("1", "12"), ("[1]", "[1]"), ('"a"', '{"b":[]}'), ("true", "null")]
)
def test_of_another_member_that_stands_twice_the_last_counts(values):
    body = '{{"a":{},"a":{},"b":7}}'.format(*values).encode()
    members = json.peek(body).members

    assert body[members["a"].start : members["a"].end].decode() == values[1]
    assert body[: members["a"].start].count(b'"a":') == 2
    assert body[members["b"].start : members["b"].end] == b"7"

"""Laws of a relayed stream's passage: bytes in, bytes out, however they are cut."""

import itertools
import json
import sys

from hypothesis import given
from hypothesis import strategies as st
from voices import ANTHROPIC, CHAT, SAME

from pointsman.dialects.dialect import Origin
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.passage import HELD_BYTES, Passage
from pointsman.wire.broken import LONGEST
from pointsman.wire.sse import FrameReader

KEY = "sk-canary-0123456789"


def passage(voice, secrets=(KEY,)):
    return Passage(secrets, lambda: DIALECTS[voice.name].decoder(Origin()))


def cut(data, places):
    edges = sorted({0, len(data), *(place % (len(data) + 1) for place in places)})
    return [data[start:end] for start, end in itertools.pairwise(edges)]


def passed(through, chunks):
    return b"".join([through.pass_on(chunk) for chunk in chunks])


ODD = [b": an error\r\n\r\n", b"data: error\r\r", b"\n", b"\r\n", b"data: {", b"err", b"or"]
pieces = st.sampled_from([*ANTHROPIC.frames, *CHAT.frames, *ODD])
odd_bytes = st.lists(pieces | st.binary(max_size=9), max_size=12).map(b"".join)
places = st.lists(st.integers(0, 5000), max_size=20)


@SAME
@given(data=odd_bytes, places=places)
def test_without_a_credential_in_it_a_stream_passes_as_it_is(voice, data, places):
    through = passage(voice)

    assert passed(through, cut(data, places)) + through.rest() == data


@SAME
@given(data=odd_bytes, places=places)
def test_where_there_is_no_credential_of_ours_nothing_waits(voice, data, places):
    through = passage(voice, ())

    assert [through.pass_on(chunk) for chunk in cut(data, places)] == cut(data, places)


@SAME
@given(places=places)
def test_a_credential_in_an_error_never_passes_however_it_is_cut(voice, places):
    content = voice.frames[voice.content + 1].replace(b" there", f" error {KEY}".encode())
    error = voice.overloaded.replace(b"Overloaded", KEY.encode())
    through = passage(voice)
    out = passed(through, cut(content + error + voice.frames[-1], places)) + through.rest()

    assert out == content + error.replace(KEY.encode(), "…".encode()) + voice.frames[-1]


@SAME
def test_a_credential_does_not_pass_where_each_byte_comes_by_itself(voice):
    error = voice.overloaded.replace(b"Overloaded", KEY.encode())
    through = passage(voice)
    out = passed(through, [error[at : at + 1] for at in range(len(error))]) + through.rest()

    assert out == error.replace(KEY.encode(), "…".encode())


@SAME
@given(place=st.integers(0, 5000), places=places)
def test_wherever_a_stream_breaks_all_that_came_has_passed_and_the_error_follows(voice, place, places):
    whole = b"".join(voice.frames)
    begun = whole[: place % len(whole)]
    failure = ANTHROPIC.overloaded if voice is ANTHROPIC else CHAT.overloaded
    through = passage(voice)
    out = passed(through, cut(begun, places))
    out += through.ending(failure)
    read = FrameReader().feed(out + b"\n\n" + failure)
    good = FrameReader().feed(whole)

    assert out.startswith(begun)
    # The mark of the end, cut in two, is no JSON that could be finished; the whole answer stands before it.
    odd = [frame for at, frame in enumerate(read) if at >= len(good) or frame != good[at]]
    [first, *_] = [frame for frame in odd if not frame.data.startswith(b"[")]
    assert json.loads(first.data)["error"]["message"] == "Overloaded"


@SAME
def test_no_more_than_a_bound_of_a_frame_waits(voice):
    through = passage(voice)
    begun = b'data: {"error": "' + b"x" * HELD_BYTES
    first = through.pass_on(begun[:1000])

    assert first == b""
    assert through.pass_on(begun[1000:]) == begun


@SAME
def test_a_frame_that_is_very_long_passes_and_is_followed_by_others(voice):
    through = passage(voice)
    begun = [b"data: {", *[b"x" * 50_000] * (LONGEST // 50_000 + 2)]

    assert passed(through, begun) == b"".join(begun)
    assert through.ending(voice.overloaded) == b""
    assert through.pass_on(b"}\n\n") == b"}\n\n"
    assert through.pass_on(voice.frames[-1]) == voice.frames[-1]
    assert b"Overloaded" in through.pass_on(b"data: {") + through.ending(voice.overloaded)


@SAME
def test_a_credential_in_an_error_that_is_no_json_is_hidden_too(voice):
    said = passage(voice).pass_on(f"data: error: bad key {KEY}\n\n".encode())

    assert said.decode() == "data: error: bad key …\n\n"


def calls_for(voice, key):
    """The calls that are made to pass a chunk on, one frame of which holds the word."""
    content = voice.frames[voice.content + 1]
    chunk = content * 50 + content.replace(b" there", b" error") + content * 50
    calls = itertools.count()
    sys.setprofile(lambda _, event, __: next(calls) if event in ("call", "c_call") else None)
    try:
        assert passage(voice, (key,)).pass_on(chunk) == chunk
    finally:
        sys.setprofile(None)
    return next(calls)


@SAME
def test_the_length_of_a_key_costs_nothing_where_no_error_is_reported(voice):
    calls_for(voice, KEY)  # what is made once only is made

    assert calls_for(voice, KEY) == calls_for(voice, KEY * 10)

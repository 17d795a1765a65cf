"""Halves of surrogate pairs."""

import json

from hypothesis import given
from hypothesis import strategies as st

from pointsman.wire.surrogates import SurrogateJoiner, join_surrogates, mend_escapes

HALVES = st.text(alphabet='a\\"é😀\ud83d\ude00\udbff\udc00', max_size=12)


def joined(*deltas):
    joiner = SurrogateJoiner()
    return "".join([*map(joiner.feed, deltas), joiner.close()])


@given(HALVES, st.integers(0, 12), st.integers(0, 12))
def test_deltas_cut_anywhere_join_to_the_whole_text(text, first, second):
    start, end = sorted((first, second))

    assert joined(text[:start], text[start:end], text[end:]) == join_surrogates(text)


@given(HALVES)
def test_joined_text_can_be_written_as_utf8_and_keeps_every_whole_character(text):
    whole = "".join(character for character in text if not "\ud800" <= character <= "\udfff")

    assert join_surrogates(text).encode() is not None
    assert join_surrogates(whole) == whole


def test_a_pair_cut_between_two_deltas_is_one_character():
    joiner = SurrogateJoiner()

    assert [joiner.feed("x\ud83d"), joiner.feed("\ude00y"), joiner.close()] == ["x", "😀y", ""]


def test_half_a_pair_that_nothing_follows_is_a_replacement_character():
    assert joined("x\ud83d") == "x\ufffd"
    assert joined("\ud83d", "x") == "\ufffdx"
    assert joined("\ude00x") == "\ufffdx"
    assert joined("\ud83d", "\ud83d", "\ude00") == "\ufffd😀"


@given(HALVES)
def test_mended_json_says_the_text_that_joining_says(text):
    body = json.dumps(text).encode()
    mended = mend_escapes(body)

    assert len(mended) == len(body)
    assert json.loads(mended) == join_surrogates(json.loads(body))


def test_an_escaped_backslash_before_u_is_no_escape():
    assert mend_escapes(rb'"\\ud83d \\\ud83d"') == rb'"\\ud83d \\\ufffd"'

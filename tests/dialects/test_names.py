"""Tool names and ids within a provider's limits."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.dialects.names import changed, map_ids, map_names

CHARSET = "a-zA-Z0-9_-"


def test_valid_names_are_sent_unchanged():
    mapped = map_names(["get_weather", "mcp__files-read"], 64, CHARSET)

    assert mapped == {"get_weather": "get_weather", "mcp__files-read": "mcp__files-read"}
    assert changed(mapped) == {}


def test_names_stay_as_they_are_where_nothing_is_limited():
    assert map_names(["a.b c", ""]) == {"a.b c": "a.b c", "": ""}


def test_a_long_name_is_cut_and_can_be_turned_back():
    long = "mcp__server__" + "x" * 80

    mapped = map_names([long], 64, CHARSET)

    assert len(mapped[long]) == 64
    assert changed(mapped) == {mapped[long]: long}


def test_two_names_that_clean_to_the_same_text_stay_apart():
    mapped = map_names(["a.b", "a b", "a_b"], 64, CHARSET)

    assert len(set(mapped.values())) == 3
    assert mapped["a_b"] == "a_b"


def test_a_name_is_sent_the_same_way_whatever_stands_beside_it():
    alone = map_names(["a.b"], 64, CHARSET)
    among = map_names(["x", "a b", "a.b"], 64, CHARSET)

    assert alone["a.b"] == among["a.b"]


def test_a_missing_id_gets_one():
    mapped = map_ids([""], 40, CHARSET)

    assert re.fullmatch(f"[{CHARSET}]{{1,40}}", mapped[""])


@given(st.lists(st.text(max_size=90), max_size=12), st.sampled_from([16, 40, 64, None]))
def test_mapped_names_are_valid_distinct_and_deterministic(names, limit):
    mapped = map_names(names, limit, CHARSET)

    assert set(mapped) == set(names)
    assert len(set(mapped.values())) == len(set(names))
    assert all(re.fullmatch(f"[{CHARSET}]+", sent) for sent in mapped.values())
    assert all(len(sent) <= (limit or 10_000) for sent in mapped.values())
    assert mapped == map_names(names, limit, CHARSET)


def test_a_limit_that_leaves_no_free_name_is_an_error():
    with pytest.raises(ValueError, match="no free name"):
        map_names([f"name {number}" for number in range(20)], 1, CHARSET)

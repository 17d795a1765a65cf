"""An array of objects as a stream."""

import json
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import GarbledError
from pointsman.wire.json_array import ArrayReader

values = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text('ab"\\{}[],\n é', max_size=8),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text('k"\\{', max_size=3), inner, max_size=2)
    ),
    max_leaves=5,
)
objects = st.lists(st.dictionaries(st.text(max_size=3), values, max_size=2), max_size=4)


def read(pieces):
    reader = ArrayReader()
    items = [item for piece in pieces for item in reader.feed(piece)]
    return items, reader


@given(items=objects, cuts=st.lists(st.integers(0, 200), max_size=6), indent=st.none() | st.integers(0, 2))
def test_items_come_out_as_they_are_wherever_the_array_is_cut(items, cuts, indent):
    data = json.dumps(items, indent=indent, ensure_ascii=False).encode()
    bounds = sorted({0, len(data), *[min(cut, len(data)) for cut in cuts]})

    found, reader = read(data[start:end] for start, end in pairwise(bounds))

    assert [json.loads(item) for item in found] == items
    assert reader.closed
    assert not reader.begun()


@given(items=objects.filter(bool), length=st.integers(0, 300))
def test_an_array_that_is_cut_is_not_closed(items, length):
    data = json.dumps(items).encode()

    _, reader = read([data[: min(length, len(data) - 1)]])

    assert not reader.closed


def test_an_object_alone_is_an_item():
    found, reader = read([b' {"error"', b': {"code": 429}}\n'])

    assert found == [b'{"error": {"code": 429}}']
    assert reader.closed


@pytest.mark.parametrize("data", [b"[1]", b"x", b"[{}]]", b"[[{}]]", b'["{}"]', b"}"])
def test_anything_else_is_garbled(data):
    with pytest.raises(GarbledError):
        read([data])


def test_an_item_over_the_limit_is_garbled():
    reader = ArrayReader(max_item=100)

    def feed():
        for _ in range(30):
            reader.feed(b'{"a": "xxxx')

    with pytest.raises(GarbledError, match="100 bytes"):
        feed()


def test_a_long_string_fed_byte_by_byte_is_kept_in_pieces():
    reader = ArrayReader()
    data = b'[{"a": "' + b"\\\\" * 20_000 + b'"}]'

    items = [item for at in range(len(data)) for item in reader.feed(data[at : at + 1])]

    assert items == [data[1:-1]]

"""The bound on a head, as both lines count it."""

import pytest

from pointsman.wire.head import MAX_BYTES, Head, OversizeError


def test_fields_are_kept_in_order_in_lower_case_and_trailers_are_not():
    head = Head(10)
    head.field(b"X-A", b" 1 ")
    head.field(b"x-a", b"caf\xe9")
    head.trailer(b"x-t", b"2")

    assert head.fields == [("x-a", "1"), ("x-a", "caf\xe9")]


@pytest.mark.parametrize("kind", ["field", "trailer"])
def test_too_many_are_refused_and_the_next_message_counts_anew(kind):
    head = Head(2)
    more = getattr(head, kind)
    more(b"a", b"1")
    more(b"b", b"2")
    with pytest.raises(OversizeError, match="over 2 fields"):
        more(b"c", b"3")
    head.begin()
    more(b"a", b"1")

    assert len(head.fields) == (kind == "field")


def test_too_many_bytes_are_refused():
    head = Head(10)
    head.take(MAX_BYTES)

    with pytest.raises(OversizeError, match="128 KB"):
        head.take(1)


def test_bytes_of_which_nothing_is_told_are_bounded_and_a_body_has_no_such_bound():
    head = Head(10)
    for _ in range(10):
        head.tell()
        head.fed(MAX_BYTES)
    head.fed(MAX_BYTES)

    with pytest.raises(OversizeError, match="in a piece"):
        head.fed(1)

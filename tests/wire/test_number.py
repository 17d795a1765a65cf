"""Numbers pass through as they were written."""

from copy import deepcopy

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.blocks import Native
from pointsman.canon.errors import MalformedError
from pointsman.wire.envelope import seal, unseal
from pointsman.wire.json import decode_object, decode_value, encode

LITERALS = st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,2})?", fullmatch=True
).filter(lambda literal: literal != "-0")


@given(LITERALS)
def test_a_number_is_written_as_it_was_read(literal):
    value = decode_value(literal.encode())

    assert encode(value) == literal.encode()
    assert encode(deepcopy(value)) == literal.encode()
    assert float(value) == float(literal)


def test_half_a_surrogate_pair_elsewhere_does_not_round_it():
    body = b'{"price":0.10,"exact":3.14159265358979323846,"cut":"\\ud800"}'

    assert b'"price":0.10,"exact":3.14159265358979323846' in encode(decode_object(body))


def test_opaque_state_keeps_its_numbers():
    data = decode_object(b'{"at":1.50,"far":1E5}')

    opened = unseal(seal(Native("anthropic", "a", data)))

    assert opened is not None
    assert encode(opened.data) == b'{"at":1.50,"far":1E5}'


@pytest.mark.parametrize("body", [b'{"a":1e400}', b'{"a":-1e400}', b'{"a":[1E999]}'])
def test_what_no_number_can_hold_is_refused_by_its_text(body):
    with pytest.raises(MalformedError, match=r"1[eE]"):
        decode_object(body)

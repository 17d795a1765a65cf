"""Opaque state in another dialect's slot."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.blocks import Native
from pointsman.wire.envelope import PREFIX, seal, unseal

NATIVES = st.builds(
    Native,
    st.sampled_from(["one", "another"]),
    st.text(alphabet=st.characters(codec="utf-8"), max_size=8),
    st.dictionaries(
        st.text(alphabet="ab"), st.text(alphabet="xé😀.=") | st.integers() | st.none(), max_size=3
    ),
)


@given(NATIVES)
def test_what_was_sealed_is_unsealed_as_it_was(native):
    assert unseal(seal(native)) == native


@given(NATIVES)
def test_a_seal_begins_with_the_prefix_and_is_plain(native):
    assert seal(native).startswith(PREFIX)
    assert seal(native).isascii()
    assert not set(seal(native)) & set(' "\\=')


@pytest.mark.parametrize(
    "text",
    [
        "",
        "EqQBsignature",
        PREFIX,
        PREFIX + "a.b",
        PREFIX + "a.b.c.d",
        PREFIX + "a.b.c",
        PREFIX + "a..W10",
        PREFIX + "a.gA.e30",
    ],
)
def test_any_other_string_is_not_ours(text):
    assert unseal(text) is None

"""Bindings: what a conversation stays with, for how long, and how many are kept."""

from hypothesis import given
from hypothesis import strategies as st

from pointsman.accounts.bindings import Bindings, Bounds

KEYS = st.sampled_from([bytes([number]) for number in range(6)])
ALIASES = st.sampled_from("abc")


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


def test_a_conversation_stays_for_six_hours_after_its_last_use():
    clock = Clock()
    bindings = Bindings(clock)
    bindings.answer("backend", b"one", "a")
    clock.now += 6 * 3600
    bindings.bind("backend", b"one", "b")
    clock.now += 6 * 3600

    assert bindings.find("backend", b"one").alias == "a"

    clock.now += 1

    assert bindings.find("backend", b"one") is None
    assert len(bindings) == 0


def test_it_is_bound_anew_to_the_account_that_answered():
    bindings = Bindings(Clock())
    bindings.bind("backend", b"one", "a")
    bindings.bind("backend", b"one", "b")

    assert bindings.find("backend", b"one").alias == "a"

    bindings.answer("backend", b"one", "b")

    assert bindings.find("backend", b"one").alias == "b"


def test_each_backend_has_its_own():
    bindings = Bindings(Clock())
    bindings.answer("first", b"one", "a")

    assert bindings.find("second", b"one") is None


@given(st.lists(st.tuples(st.sampled_from(["bind", "answer", "find"]), KEYS, ALIASES), max_size=60))
def test_no_more_are_kept_than_are_allowed_and_the_ones_used_last_stay(course):
    clock = Clock()
    bindings = Bindings(clock, Bounds(conversations=3))
    used: list[bytes] = []
    for what, key, alias in course:
        clock.now += 1
        if what == "find":
            found = bindings.find("backend", key)
            assert (found is not None) == (key in used)
            continue
        getattr(bindings, what)("backend", key, alias)
        used = [*(each for each in used if each != key), key][-3:]

        assert len(bindings) <= 3
        assert [key for (_, key), _ in bindings] == used
        assert sum(bindings.counts().values()) == len(bindings)

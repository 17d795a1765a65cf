"""Responses that are kept: found by their owner alone, in whole conversations, within their bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pointsman.store.database import Database
from pointsman.store.responses import Bounds, Kept, MadeElsewhere, ResponsesStore
from pointsman.store.schema import MIGRATIONS
from scripted import run

OWNER, OTHER = b"o" * 32, b"x" * 32


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def store(tmp_path, clock):
    made = ResponsesStore(Database(tmp_path / "pointsman.db", MIGRATIONS), clock, Bounds(every=1))
    yield made
    made.database.close()


def bounded(tmp_path, clock, **bounds):
    return ResponsesStore(Database(tmp_path / "pointsman.db", MIGRATIONS), clock, Bounds(every=1, **bounds))


def response(name, previous=None, size=10):
    return Kept(name, previous, b"[" + b" " * (size - 2) + b"]", b'{"id":"%b"}' % name.encode())


def test_a_response_is_found_as_it_was_kept(store):
    store.keep(OWNER, response("resp_1"))

    assert run(store.find(OWNER, "resp_1")) == response("resp_1")
    assert run(store.find(OWNER, "resp_2")) is None


def test_nobody_else_finds_it_continues_it_or_deletes_it(store):
    store.keep(OWNER, response("resp_1"))
    store.note(OWNER, "resp_2", "openai", "work")

    assert run(store.find(OTHER, "resp_1")) == MadeElsewhere(None)
    assert run(store.find(OTHER, "resp_2")) == MadeElsewhere(None)
    assert run(store.conversation(OTHER, "resp_1")) == MadeElsewhere(None)
    assert run(store.remove(OTHER, "resp_1")) is False
    assert run(store.find(OWNER, "resp_1")) is not None


def test_a_conversation_comes_with_its_first_response_first(store):
    store.keep(OWNER, response("a"))
    store.keep(OWNER, response("b", "a"))
    store.keep(OWNER, response("c", "b"))
    store.keep(OWNER, response("fork", "a"))

    assert [kept.id for kept in run(store.conversation(OWNER, "c"))] == ["a", "b", "c"]
    assert [kept.id for kept in run(store.conversation(OWNER, "fork"))] == ["a", "fork"]


def test_a_conversation_with_a_hole_is_none(store):
    store.keep(OWNER, response("a"))
    store.keep(OWNER, response("b", "a"))
    store.keep(OWNER, response("c", "b"))

    assert run(store.remove(OWNER, "b")) is True

    assert run(store.conversation(OWNER, "c")) is None
    assert run(store.conversation(OWNER, "a")) is not None


def test_a_conversation_that_bites_its_own_tail_ends(store):
    store.keep(OWNER, response("a", "b"))
    store.keep(OWNER, response("b", "a"))

    assert run(store.conversation(OWNER, "a")) is None


def test_who_keeps_a_response_elsewhere_is_remembered(store):
    store.note(OWNER, "resp_1", "openai", "work")

    assert run(store.find(OWNER, "resp_1")) == MadeElsewhere("openai", "work")
    assert run(store.conversation(OWNER, "resp_1")) == MadeElsewhere("openai", "work")


def test_two_answers_of_one_id_are_neither_given_back(store):
    store.keep(OWNER, response("resp_1"))
    store.keep(OWNER, response("resp_1", size=20))
    store.keep(OTHER, response("resp_1"))

    assert run(store.find(OWNER, "resp_1")) == MadeElsewhere(None)
    assert run(store.find(OTHER, "resp_1")) is not None


def test_what_was_not_used_for_thirty_days_goes(store, clock):
    store.keep(OWNER, response("old"))
    store.keep(OWNER, response("used"))
    clock.now += 29 * 86400
    run(store.find(OWNER, "used"))
    clock.now += 2 * 86400

    assert run(store.find(OWNER, "old")) is None
    assert run(store.find(OWNER, "used")) is not None


def test_a_conversation_that_goes_on_stays_whole(store, clock):
    store.keep(OWNER, response("a"))
    for number in range(10):
        clock.now += 20 * 86400
        last = "a" if not number else f"b{number - 1}"
        assert run(store.conversation(OWNER, last)) is not None
        store.keep(OWNER, response(f"b{number}", last))

    assert len(run(store.conversation(OWNER, "b9"))) == 11


@settings(max_examples=25, deadline=None)
@given(sizes=st.lists(st.integers(2, 4000), min_size=1, max_size=30))
def test_the_oldest_go_first_where_it_gets_too_much(tmp_path_factory, sizes):
    store = bounded(tmp_path_factory.mktemp("store"), Clock(), size=10_000)
    for number, size in enumerate(sizes):
        store.keep(OWNER, response(f"r{number}", size=size))

    async def kept():
        return [await store.find(OWNER, f"r{number}") for number in range(len(sizes))]

    found = run(kept())
    store.database.close()

    there = [each is not None for each in found]
    assert there == sorted(there)
    assert sum(each.size for each in found if each) <= 10_000
    assert there[-1]


def test_the_notes_are_bounded_too(tmp_path, clock):
    store = bounded(tmp_path, clock, noted=5)
    for number in range(12):
        clock.now += 1
        store.note(OWNER, f"r{number}", "openai", "work")

    there = [run(store.find(OWNER, f"r{number}")) is not None for number in range(12)]
    store.database.close()

    assert there == [False] * 7 + [True] * 5


def test_deleted_responses_leave_nothing_in_the_file(store, tmp_path):
    store.keep(OWNER, Kept("resp_1", None, b'["a very secret thing"]' * 500, b"{}"))
    run(store.find(OWNER, "resp_1"))

    run(store.remove(OWNER, "resp_1"))
    store.database.close()

    assert all(b"very secret" not in each.read_bytes() for each in tmp_path.iterdir())


def test_two_processes_see_each_other_s_responses(store, tmp_path, clock):
    second = ResponsesStore(Database(tmp_path / "pointsman.db", MIGRATIONS), clock)
    store.keep(OWNER, response("a"))
    run(store.find(OWNER, "a"))
    second.keep(OWNER, response("b", "a"))

    found = run(second.conversation(OWNER, "b"))
    second.database.close()

    assert [kept.id for kept in found] == ["a", "b"]
    assert [kept.id for kept in run(store.conversation(OWNER, "b"))] == ["a", "b"]

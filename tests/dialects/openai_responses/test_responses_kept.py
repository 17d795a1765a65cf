"""Kept responses: what a request wishes, how it is continued, what is shown later."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import MalformedError, RequestError
from pointsman.dialects.openai_responses.kept import STATEFUL
from pointsman.dialects.stateful import Page, Wish
from pointsman.wire.json import peek
from pointsman.wire.sse import Frame


def wish(**members):
    body = json.dumps({"model": "m", "input": "x", **members}).encode()
    return STATEFUL.wish(body, peek(body).members)


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, Wish()),
        ({"store": None, "previous_response_id": None, "background": None}, Wish()),
        ({"store": False}, Wish(store=False)),
        ({"store": True, "previous_response_id": "resp_1"}, Wish(True, "resp_1")),
        ({"background": True}, Wish(background=True)),
    ],
)
def test_a_wish_is_read_from_its_members(members, expected):
    assert wish(**members) == expected


@pytest.mark.parametrize("members", [{"store": "yes"}, {"previous_response_id": 7}, {"background": 1}])
def test_a_wish_of_another_kind_is_named(members):
    with pytest.raises(MalformedError) as caught:
        wish(**members)

    assert caught.value.param == next(iter(members))


def test_a_text_is_a_user_s_message():
    assert STATEFUL.items({"input": "hi"}, ()) == [{"type": "message", "role": "user", "content": "hi"}]
    assert STATEFUL.items({}, ()) == []


def test_what_refers_to_an_earlier_item_is_that_item():
    before = [{"type": "function_call", "id": "fc_1", "call_id": "c", "name": "f", "arguments": "{}"}]

    assert STATEFUL.items({"input": [{"type": "item_reference", "id": "fc_1"}]}, before) == before


def test_a_continued_request_stands_alone_and_keeps_the_rest():
    before = [{"role": "user", "content": "a"}, {"type": "message", "role": "assistant", "content": []}]
    request = {"model": "m", "previous_response_id": "resp_1", "input": "b", "tools": [], "x": 1}

    alone = STATEFUL.continued(request, before)

    assert alone == {"model": "m", "input": [*before, *STATEFUL.items(request, ())], "tools": [], "x": 1}


def test_thinking_that_only_its_maker_could_look_up_stays_behind():
    sealed = {"type": "reasoning", "id": "rs_1", "encrypted_content": "x"}
    open_one = {"type": "reasoning", "id": "rs_2", "summary": []}
    call = {"type": "function_call", "call_id": "c"}

    assert STATEFUL.portable([sealed, open_one, call]) == [sealed, call]


def frame(kind, **members):
    return Frame(kind, json.dumps({"type": kind, "sequence_number": 1, **members}).encode())


def test_the_beginning_and_the_end_of_a_stream_are_found():
    response = {"id": "resp_1", "output": []}

    assert STATEFUL.begun(frame("response.created", response=response)) == "resp_1"
    assert STATEFUL.begun(frame("response.in_progress", response=response)) is None
    for end in ("completed", "incomplete", "failed"):
        assert STATEFUL.final(frame(f"response.{end}", response=response)) == response
    assert STATEFUL.final(frame("response.created", response=response)) is None


@given(st.binary(max_size=200))
def test_what_is_no_event_is_no_end(data):
    for marked in (data, data + b'"response.completed"', b'"response.created"' + data):
        assert STATEFUL.final(Frame("", marked)) is None
        assert STATEFUL.begun(Frame("", marked)) is None


def test_a_text_that_speaks_of_the_end_is_none():
    said = frame(
        "response.output_text.delta", delta='{"type": "response.completed", "response": {"id": "x"}}'
    )

    assert STATEFUL.final(said) is None


def test_a_kept_response_says_that_it_is_kept_and_what_it_continues():
    shown = STATEFUL.as_kept({"id": "resp_2", "store": False, "previous_response_id": None}, "resp_1")

    assert (shown["store"], shown["previous_response_id"]) == (True, "resp_1")


ITEMS = st.lists(
    st.one_of(
        st.builds(lambda text: {"role": "user", "content": text}, st.text(max_size=5)),
        st.builds(
            lambda text: {"type": "function_call_output", "call_id": "c", "output": text}, st.text(max_size=5)
        ),
        st.just({"type": "message", "role": "assistant", "id": "msg_own", "content": []}),
    ),
    max_size=12,
    unique_by=lambda item: item.get("id", id(item)),
)


@given(items=ITEMS, limit=st.integers(1, 5), descending=st.booleans())
def test_pages_put_together_are_the_whole_list(items, limit, descending):
    seen, after = [], None
    while True:
        page = STATEFUL.listed("resp_abc", items, Page(after, limit, descending))
        seen += page["data"]
        assert len(page["data"]) <= limit
        assert page["last_id"] == (page["data"][-1]["id"] if page["data"] else None)
        if not page["has_more"]:
            break
        after = page["last_id"]

    whole = STATEFUL.listed("resp_abc", items, Page(None, 100, descending))
    assert seen == whole["data"]
    assert len(seen) == len(items)
    assert len({item["id"] for item in seen}) == len(items)
    assert all(item["type"] and not isinstance(item.get("content"), str) for item in seen)


def test_a_page_after_an_item_that_is_not_there_is_refused():
    with pytest.raises(RequestError) as caught:
        STATEFUL.listed("resp_1", [{"role": "user", "content": "a"}], Page("msg_other"))

    assert caught.value.param == "after"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    request=st.dictionaries(st.sampled_from(["input", "store", "previous_response_id"]), JSON), output=JSON
)
def test_any_request_and_any_answer_can_be_read(request, output):
    answer = {"id": "resp_1", "output": output}
    before = STATEFUL.said(answer)

    own = STATEFUL.items(request, before)
    page = STATEFUL.listed("resp_1", [*before, *own], Page(limit=100))

    assert len(page["data"]) == len(before) + len(own)
    assert STATEFUL.continued(request, before)["input"][: len(before)] == before
    assert all(isinstance(item, dict) for item in STATEFUL.portable(before))

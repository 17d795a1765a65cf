"""Which conversation a request belongs to."""

import json

import pytest

from pointsman.dialects.registry import DIALECTS
from pointsman.routing.affinity import SESSION_FIELDS, beginning, conversation, session
from pointsman.wire.json import peek


def told(body, *headers):
    data = json.dumps(body).encode()
    return session(headers, data, peek(data).members)


@pytest.mark.parametrize("name", SESSION_FIELDS)
def test_a_clients_own_session_header_tells(name):
    assert told({}, (name, "s1")) == f"{name}=s1"
    assert told({}, (name, "")) is None


def test_the_most_telling_header_goes_first_and_headers_before_the_body():
    headers = (("x-session-id", "other"), ("x-claude-code-session-id", "own"))

    assert told({"prompt_cache_key": "k"}, *headers) == "x-claude-code-session-id=own"
    assert told({"prompt_cache_key": "k"}) == "prompt_cache_key=k"


@pytest.mark.parametrize(
    ("user_id", "found"),
    [
        ('{"device_id":"d","account_uuid":"","session_id":"abc"}', "session=abc"),
        ("user_1f_account__session_0a1b2c3d-0000", "session=0a1b2c3d-0000"),
        ("user_1f", None),
        ("{broken", None),
        ('{"session_id": 5}', None),
        (5, None),
    ],
)
def test_a_session_in_the_users_id_tells(user_id, found):
    assert told({"metadata": {"user_id": user_id}}) == found


def test_odd_members_tell_nothing():
    assert told({"prompt_cache_key": 5, "metadata": ["user_id"]}) is None
    assert told({"metadata": {"user_id": "x" * 100_000}}) is None


ANTHROPIC = {"system": "Be brief.", "messages": [{"role": "user", "content": "One."}]}
CHAT = {"messages": [{"role": "system", "content": "Be brief."}, {"role": "user", "content": "One."}]}
RESPONSES = {"instructions": "Be brief.", "input": "One."}
GEMINI = {
    "systemInstruction": {"parts": [{"text": "Be brief."}]},
    "contents": [{"role": "user", "parts": [{"text": "One."}]}],
}
TURNS = {"anthropic": "messages", "openai_chat": "messages", "gemini": "contents"}
BODIES = {"anthropic": ANTHROPIC, "openai_chat": CHAT, "openai_responses": RESPONSES, "gemini": GEMINI}


def begun(dialect, body):
    data = json.dumps(body).encode()
    return beginning(DIALECTS[dialect], data, peek(data).members)


@pytest.mark.parametrize("dialect", TURNS)
def test_the_beginning_stays_the_same_as_a_conversation_grows(dialect):
    body, turns = BODIES[dialect], TURNS[dialect]
    more = {"role": "assistant", "content": [{"type": "text", "text": "Two."}], "parts": [{"text": "Two."}]}
    grown = {**body, turns: [*body[turns], more, {"role": "user", "content": "Three.", "parts": []}]}

    assert begun(dialect, body) == begun(dialect, grown) != b""


@pytest.mark.parametrize("dialect", BODIES)
def test_another_first_word_is_another_conversation(dialect):
    other = json.loads(json.dumps(BODIES[dialect]).replace("One.", "Uno."))

    assert begun(dialect, other) != begun(dialect, BODIES[dialect])


def test_a_mark_that_wanders_through_the_conversation_changes_nothing():
    plain = {"messages": [{"role": "user", "content": [{"type": "text", "text": "One."}]}]}
    marked = {
        "messages": [{"role": "user", "content": [{"type": "text", "text": "One.", "cache_control": {}}]}]
    }

    assert begun("anthropic", plain) == begun("anthropic", marked)


@pytest.mark.parametrize(
    "turns", [[], "x", 5, [5], [[[]]], {"role": "user"}, [{"role": "user", "content": None}]]
)
def test_odd_turns_do_no_harm(turns):
    assert isinstance(begun("anthropic", {"messages": turns}), bytes)


def test_a_huge_first_message_is_looked_at_no_further_than_needed():
    body = {"messages": [{"role": "user", "content": "x" * 5_000_000}]}

    assert len(begun("anthropic", body)) <= 40_000


def test_two_clients_have_no_conversation_in_common():
    assert conversation("a", b"x") != conversation("b", b"x")

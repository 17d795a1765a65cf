"""Sessions of clients that name none."""

from pointsman.accounts.sessions import Rules, Sessions


class Clock:
    now = 1_800_000_000.0

    def __call__(self):
        return self.now


def test_what_a_client_asks_without_a_long_pause_is_one_session():
    clock = Clock()
    sessions = Sessions(clock)

    first = sessions.of("a")
    clock.now += 899
    again = sessions.of("a")
    clock.now += 899
    still = sessions.of("a")
    clock.now += 901
    later = sessions.of("a")

    assert first == again == still
    assert later != first
    assert sessions.of("b") not in {first, later}


def test_a_session_may_have_an_end_of_its_own():
    clock = Clock()
    sessions = Sessions(clock, Rules(longest=1000))

    first = sessions.of("a")
    clock.now += 800
    assert sessions.of("a") == first
    clock.now += 201
    assert sessions.of("a") != first


def test_the_client_that_was_not_heard_for_the_longest_is_forgotten_first():
    sessions = Sessions(Clock(), Rules(clients=2))
    first, second = sessions.of("a"), sessions.of("b")
    sessions.of("a")

    sessions.of("c")

    assert len(sessions) == 2
    assert sessions.of("a") == first
    assert sessions.of("b") != second


def test_an_id_says_nothing_of_the_client():
    assert "sk-secret" not in Sessions(Clock()).of("authorization:Bearer sk-secret")

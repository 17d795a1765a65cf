"""The verdict: what the end of an attempt means for an account, and for how long."""

from math import inf

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.accounts.verdict import (
    LONGEST,
    LONGEST_TOLD,
    SHORTEST,
    UNPAID,
    UNPAID_LONGEST,
    Failure,
    Verdict,
)
from pointsman.routing.attempts import Outcome
from pointsman.routing.breaker import THRESHOLD
from pointsman.routing.roster import Roster
from pointsman.routing.selectors import SELECTORS
from pointsman.routing.snapshot import Account
from pointsman.routing.standing import EVERY, Standing
from pointsman.routing.window import Window

CHANCES = st.floats(0, 1)


class Case:
    """One account's standing, and a clock that is set by hand."""

    def __init__(self, chance=0.5):
        self.now = 1000.0
        self.standing = Standing(Account("a"))
        self.roster = Roster("b", SELECTORS["headroom"], {"a": self.standing})
        self.verdict = Verdict(lambda: self.now, lambda: chance)

    def fail(self, status, after=None, kind=None, model="m"):
        outcome = Outcome("refused", status, after, "a")
        self.verdict.fail(self.roster, self.standing, model, outcome, Failure("why", kind))

    def succeed(self, seconds=0.1):
        self.verdict.succeed(self.roster, self.standing, "m", seconds)

    def hindered(self, model="m"):
        """Seconds for which a model is not asked for."""
        wait = self.standing.hindrance(model, self.now)
        return 0.0 if wait is None else wait.until - self.now


def test_problem_25_the_providers_time_is_the_cool_down_to_the_second():
    case = Case()

    case.fail(429, 17.0)

    assert case.hindered() == 17.0


@given(CHANCES, st.integers(1, 20))
def test_a_cool_down_without_a_time_doubles_within_the_bounds_of_its_jitter(chance, times):
    case = Case(chance)

    for repeat in range(times):
        case.fail(429)
        plain = min(LONGEST, SHORTEST * 2**repeat)

        assert plain <= case.hindered() <= plain * 1.25


@given(CHANCES)
def test_an_account_that_has_nothing_left_to_spend_cools_down_for_longer(chance):
    for status, kind in ((402, None), (429, "billing")):
        case = Case(chance)
        waits = []
        for _ in range(12):
            case.fail(status, kind=kind)
            waits.append(case.hindered("another model"))

        assert UNPAID <= waits[0] <= UNPAID * 1.25
        assert UNPAID_LONGEST <= waits[-1] <= UNPAID_LONGEST * 1.25


def test_a_limit_concerns_its_model_alone_unless_the_provider_rejects_the_account():
    case = Case()
    case.fail(429, 60.0)

    assert case.hindered("other") == 0.0

    case.standing.windows = (Window("five_hour", 1.0, None, status="rejected"),)
    case.fail(429, 60.0)

    assert case.hindered("other") == 60.0


def test_problem_25_an_answer_ends_the_cool_down_and_the_next_one_is_short_again():
    case = Case()
    for _ in range(8):
        case.fail(429)
    case.now += 300
    case.succeed()
    case.fail(429)

    assert case.hindered() <= SHORTEST * 1.25


def test_problem_25_an_answer_to_what_was_asked_before_the_limit_does_not_end_the_cool_down():
    case = Case()
    case.fail(429, 60.0)
    case.now += 3
    case.succeed(seconds=5.0)

    assert case.hindered() == 57.0


@pytest.mark.parametrize(("status", "scope"), [(401, EVERY), (403, "m")])
def test_a_refused_key_parks_its_account_or_the_model(status, scope):
    case = Case()

    case.fail(status)

    assert case.standing.blocks[scope].kind == "refused"
    assert case.hindered() == inf


def test_problem_25_an_error_of_the_request_itself_cools_nobody_down():
    case = Case()

    for status in (400, 404, 413, 422):
        case.fail(status)

    assert case.hindered() == 0.0


def test_server_errors_open_the_breaker_and_an_answer_closes_it():
    case = Case()
    for _ in range(THRESHOLD):
        case.fail(500)

    assert case.hindered() > 0

    case.succeed()

    assert case.hindered() == 0.0


def test_an_unreachable_backend_says_nothing_of_its_account():
    case = Case()

    for _ in range(THRESHOLD):
        outcome = Outcome("unreachable", account="a")
        case.verdict.fail(case.roster, case.standing, "m", outcome, Failure("no route"))

    assert case.hindered() == 0.0
    assert case.roster.breaker.is_open(case.now)


def test_an_account_that_alone_of_several_is_cut_off_rests():
    case = Case()
    case.roster.standings["b"] = Standing(Account("b"))

    for _ in range(THRESHOLD):
        outcome = Outcome("unreachable", account="a")
        case.verdict.fail(case.roster, case.standing, "m", outcome, Failure("reset"))
        case.verdict.succeed(case.roster, case.roster.standings["b"], "m", 0.1)

    assert case.hindered() > 0.0
    assert not case.roster.breaker.is_open(case.now)


@pytest.mark.parametrize("status", [429, 503])
def test_problem_25_a_time_in_thirty_years_is_not_believed(status):
    case = Case()

    case.fail(status, 999_999_999.0)

    assert case.hindered() == LONGEST_TOLD


@given(
    st.lists(
        st.tuples(st.sampled_from([400, 401, 402, 403, 429, 500, 529]), st.text(max_size=3)), max_size=300
    )
)
def test_what_is_kept_of_an_account_is_bounded(failures):
    case = Case()

    for status, model in failures:
        case.fail(status, model=model)

    assert len(case.standing.blocks) <= 100


def test_problem_25_a_guess_never_shortens_the_time_that_the_provider_named():
    case = Case()
    case.fail(429, 60.0)
    case.now += 0.2
    case.fail(429)

    assert case.hindered() == pytest.approx(59.8)


def test_problem_25_a_limit_neither_counts_as_a_failure_nor_forgets_the_failures_before_it():
    case = Case()
    for status in (500, 500, 429, 500, 500, 401, 500):
        case.fail(status, 0.0)

    assert case.standing.breaker.is_open(case.now)

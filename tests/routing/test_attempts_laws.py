"""Attempts: what holds for any plan and any sequence of outcomes."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pointsman.routing.attempts import EXTRA, Attempt, Outcome, Patience, Pause, Queue, attempts
from pointsman.routing.plan import Candidate, Plan
from pointsman.routing.snapshot import Account

from .rows import ACME, BOLT, HUB, backend

AFTER = st.none() | st.sampled_from([0.0, 0.5, 30.0, 90.0, 1e6])
OUTCOMES = st.one_of(
    st.builds(
        Outcome, st.just("refused"), st.sampled_from([400, 401, 402, 403, 404, 429, 500, 503, 529]), AFTER
    ),
    st.builds(Outcome, st.sampled_from(["unreachable", "stale", "silent"]), st.just(502)),
    st.builds(Outcome, st.sampled_from(["out", "unfit"]), st.just(429), AFTER),
)
PATIENCE = Patience(queue_timeout=60.0)


@st.composite
def plans(draw):
    """Up to three backends with up to four accounts each."""
    rows = (ACME, BOLT, HUB)[: draw(st.integers(1, 3))]
    made = [backend(row, accounts=tuple(map(Account, "abcd"[: draw(st.integers(1, 4))]))) for row in rows]
    return Plan(tuple(Candidate(each, "m", "pattern", "a test") for each in made))


def course(plan, outcomes, patience=PATIENCE, chance=0.5):
    """The steps, with what came of each; at the end of `outcomes` everything is refused for a limit."""
    steps, answer = attempts(plan, patience, lambda: chance), None
    left = iter(outcomes)
    while True:
        try:
            step = steps.send(answer)
        except StopIteration:
            return
        answer = None
        if isinstance(step, Attempt):
            given_out = next(left, Outcome("refused", 429, 1.0))
            pool = [each.alias for each in step.candidate.backend.pool if each.alias not in step.tried]
            answer = structs.replace(given_out, account=step.again or pool[0])
        yield step, answer


@given(plans(), st.lists(OUTCOMES, max_size=60))
def test_problem_25_attempts_are_bounded_whatever_comes_of_them(plan, outcomes):
    tried = [answer for _, answer in course(plan, outcomes) if answer is not None]
    counted = [each for each in tried if each.kind not in {"out", "unfit"}]

    assert len(counted) <= EXTRA + sum(len(each.backend.pool) for each in plan.candidates)
    # What costs no attempt ends its candidate's turn, so that there are two for each at the most.
    assert len(tried) - len(counted) <= 2 * len(plan.candidates)


@given(plans(), st.lists(OUTCOMES, max_size=60))
def test_problem_25_there_are_two_rounds_at_the_most_and_one_wait_between_them(plan, outcomes):
    steps = [step for step, _ in course(plan, outcomes)]
    waits = [step for step in steps if isinstance(step, Queue)]

    assert len(waits) <= 1
    assert all(0 <= each.seconds <= PATIENCE.queue_timeout for each in waits)


@given(plans(), st.lists(OUTCOMES, max_size=60))
def test_problem_25_within_a_round_an_account_has_one_turn_and_one_more_for_what_may_pass(plan, outcomes):
    turns = Counter()
    for step, answer in course(plan, outcomes):
        if isinstance(step, Queue):
            turns.clear()
        elif isinstance(step, Attempt) and answer.kind not in {"out", "unfit"}:
            turns[step.candidate.backend.name, answer.account] += 1
            limit = turns[step.candidate.backend.name, answer.account]
            assert limit <= (1 if answer.status in {401, 402, 403, 429} and step.again is None else 2)


@given(plans(), st.lists(OUTCOMES, max_size=20))
def test_nothing_follows_a_commit(plan, outcomes):
    *_, (step, answer) = course(plan, [*outcomes, Outcome("committed")])
    steps = list(course(plan, [*outcomes, Outcome("committed")]))
    committed = [number for number, (_, each) in enumerate(steps) if each and each.kind == "committed"]

    assert committed in ([], [len(steps) - 1])
    assert isinstance(step, Attempt | Pause | Queue)
    assert answer is None or answer.kind != "committed" or committed


@given(plans(), st.lists(OUTCOMES, max_size=30), st.floats(0, 1))
def test_problem_25_nobody_is_asked_again_before_the_time_that_was_named(plan, outcomes, chance):
    last = None
    for step, answer in course(plan, outcomes, chance=chance):
        if isinstance(step, Pause):
            assert last is not None
            plain = (last.retry_after or 0.0) + PATIENCE.pause
            assert plain <= step.seconds <= plain + PATIENCE.pause
        last = answer or last

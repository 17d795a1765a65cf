"""Attempts: who is tried how often, and when the policy gives up."""

from pointsman.routing.attempts import Attempt, Outcome, Patience, Wait, attempts
from pointsman.routing.plan import Candidate, Plan

from .rows import ACME, BOLT, backend

ONE = Plan((Candidate(backend(ACME), "m", "pattern", "a test"),))
PATIENCE = Patience()
TWO = Plan((*ONE.candidates, Candidate(backend(BOLT), "m", "pattern", "a test")))


def played(plan: Plan, *outcomes: Outcome, patience: Patience = PATIENCE) -> list[str]:
    """The steps that the policy takes when the attempts end like this."""
    steps = attempts(plan, patience, lambda: 0.5)
    left = list(outcomes)
    taken: list[str] = []
    try:
        step = next(steps)
        while True:
            if isinstance(step, Attempt):
                taken.append(step.candidate.backend.name)
                step = steps.send(left.pop(0))
            else:
                taken.append(f"wait {step.seconds:g}")
                step = next(steps)
    except StopIteration:
        assert not left
    return taken


def test_a_commit_ends_it():
    assert played(ONE, Outcome("committed")) == ["acme"]


def test_a_limit_is_met_once_and_passed_on_at_once_when_its_reset_is_far():
    assert played(ONE, Outcome("refused", 429, 90.0), patience=Patience(queue_timeout=60)) == ["acme"]
    assert played(ONE, Outcome("refused", 429), patience=Patience(queue_timeout=60)) == ["acme"]


def test_a_near_reset_is_waited_for_once():
    patience = Patience(queue_timeout=60)

    steps = played(ONE, Outcome("refused", 429, 3.0), Outcome("refused", 429, 3.0), patience=patience)

    assert steps == ["acme", "wait 3", "acme"]


def test_a_passing_failure_is_tried_once_more_after_a_jittered_pause():
    for outcome in (Outcome("unreachable"), Outcome("refused", 503), Outcome("refused", 529)):
        assert played(ONE, outcome, outcome) == ["acme", "wait 0.375", "acme"]


def test_problem_25_a_passing_failure_is_tried_again_no_sooner_than_the_backend_says():
    patience = Patience(queue_timeout=60)
    busy = Outcome("refused", 529, 3.0)

    assert played(ONE, busy, Outcome("committed"), patience=patience) == ["acme", "wait 3.375", "acme"]


def test_problem_25_a_backend_that_is_busy_for_long_is_not_asked_again():
    assert played(ONE, Outcome("refused", 503, 3600.0), patience=Patience(queue_timeout=60)) == ["acme"]


def test_a_stale_connection_is_replaced_without_a_pause():
    assert played(ONE, Outcome("stale"), Outcome("committed")) == ["acme", "acme"]
    assert played(ONE, Outcome("stale"), Outcome("stale")) == ["acme", "acme"]


def test_a_refusal_of_the_request_itself_is_not_repeated():
    assert played(ONE, Outcome("refused", 400)) == ["acme"]


def test_the_next_candidate_is_tried_when_the_first_is_out():
    assert played(TWO, Outcome("refused", 429, 9.0), Outcome("committed")) == ["acme", "bolt"]


def test_the_attempts_of_all_rounds_are_bounded():
    down = [Outcome("unreachable")] * 3

    assert played(TWO, *down, patience=Patience(max_attempts=3)) == ["acme", "wait 0.375", "acme", "bolt"]


def test_a_wait_says_why():
    steps = attempts(ONE, Patience(), lambda: 0.0)
    next(steps)

    assert steps.send(Outcome("unreachable")) == Wait(0.25, "the backend may recover")

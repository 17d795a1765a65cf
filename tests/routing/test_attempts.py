"""Attempts: who is tried how often, and when the policy gives up."""

from msgspec import structs

from pointsman.routing.attempts import Attempt, Outcome, Patience, Pause, attempts
from pointsman.routing.plan import Candidate, Plan
from pointsman.routing.snapshot import Account

from .rows import ACME, BOLT, backend

ONE = Plan((Candidate(backend(ACME), "m", "pattern", "a test"),))
PATIENCE = Patience()
TWO = Plan((*ONE.candidates, Candidate(backend(BOLT), "m", "pattern", "a test")))


THREE = tuple(map(Account, ("a", "b", "c")))
POOL = Plan((Candidate(backend(ACME, accounts=THREE), "m", "pattern", "a test"),))
CHAIN = Plan((*POOL.candidates, *TWO.candidates[1:]))


def played(plan: Plan, *outcomes: Outcome, patience: Patience = PATIENCE) -> list[str]:
    """The steps that the policy takes when the attempts end like this; accounts are taken in their order."""
    steps = attempts(plan, patience, lambda: 0.5)
    left = list(outcomes)
    taken: list[str] = []
    answer: Outcome | None = None
    try:
        while True:
            step = next(steps) if answer is None else steps.send(answer)
            answer = None
            if isinstance(step, Attempt):
                pool = [each.alias for each in step.candidate.backend.pool if each.alias not in step.tried]
                account = step.again or (pool[0] if pool else "")
                name = step.candidate.backend.name
                taken.append(name if len(step.candidate.backend.pool) == 1 else f"{name}/{account}")
                answer = structs.replace(left.pop(0), account=account) if account else Outcome("out")
            else:
                taken.append(f"{'wait' if isinstance(step, Pause) else 'queue'} {step.seconds:g}")
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

    assert steps == ["acme", "queue 3", "acme"]


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

    assert steps.send(Outcome("unreachable")) == Pause(0.25, "the backend may recover")


def test_each_account_is_tried_once_for_a_limit_or_a_refused_key():
    for status in (401, 402, 403, 429):
        refused = [Outcome("refused", status)] * 3
        assert played(CHAIN, *refused, Outcome("committed")) == ["acme/a", "acme/b", "acme/c", "bolt"]


def test_a_passing_failure_is_tried_once_more_on_its_account_and_then_on_the_next():
    busy = Outcome("refused", 529)

    assert played(POOL, busy, busy, Outcome("committed")) == ["acme/a", "wait 0.375", "acme/a", "acme/b"]


def test_a_server_error_moves_on_without_another_try():
    assert played(POOL, Outcome("refused", 500), Outcome("committed")) == ["acme/a", "acme/b"]


def test_what_is_the_requests_own_fault_is_tried_nowhere_else():
    for status in (400, 404, 413, 422):
        assert played(CHAIN, Outcome("refused", status)) == ["acme/a"]


def test_whoever_answers_with_nothing_readable_is_left_with_all_accounts():
    assert played(CHAIN, Outcome("silent", 502), Outcome("committed")) == ["acme/a", "bolt"]


def test_a_candidate_that_cannot_do_it_or_has_nobody_free_costs_no_attempt():
    patience = Patience(max_attempts=1)

    for kind in ("out", "unfit"):
        assert played(TWO, Outcome(kind), Outcome("committed"), patience=patience) == ["acme", "bolt"]


def test_the_fallback_comes_before_the_wait_and_the_earliest_reset_counts():
    patience = Patience(queue_timeout=60)
    refused = (Outcome("refused", 429, 30.0), Outcome("refused", 429, 5.0))

    steps = played(TWO, *refused, Outcome("committed"), patience=patience)

    assert steps == ["acme", "bolt", "queue 5", "acme"]


def test_all_rounds_take_no_more_attempts_than_accounts_and_two():
    limited = [Outcome("refused", 429, 1.0)] * 5

    steps = played(POOL, *limited, patience=Patience(queue_timeout=60))

    assert steps == ["acme/a", "acme/b", "acme/c", "queue 1", "acme/a", "acme/b"]


def test_every_candidate_has_its_first_turn_before_anybody_has_a_second():
    rows = [backend(ACME, name=f"b{number}") for number in range(6)]
    plan = Plan(tuple(Candidate(each, "m", "pattern", "a test") for each in rows))

    steps = played(plan, *[Outcome("refused", 503)] * 7, Outcome("committed"))

    assert [step for step in steps if not step.startswith("wait")] == [
        "b0", "b0", "b1", "b1", "b2", "b3", "b4", "b5",
    ]  # fmt: skip

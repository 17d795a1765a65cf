"""What an account's own words and another's key mean for who is asked."""

import pytest
from pooling import ONE, by_key, keys, limited, pooled, session
from rig import eventually
from voices import ANTHROPIC

from scripted import Upstream, run

PAID = (
    ("anthropic-ratelimit-unified-status", "allowed"),
    ("anthropic-ratelimit-unified-representative-claim", "overage"),
    ("anthropic-ratelimit-unified-5h-status", "rejected"),
    ("anthropic-ratelimit-unified-5h-utilization", "1.0"),
    ("anthropic-ratelimit-unified-5h-reset", "4102444800"),
    ("anthropic-ratelimit-unified-overage-status", "allowed"),
    ("anthropic-ratelimit-unified-overage-utilization", "0.2"),
)


def test_an_account_that_pays_beside_its_plan_serves_on_where_nobody_else_can():
    """The provider's word counts: it says that it serves, and what governs is what is paid."""

    async def scenario():
        async with Upstream(always=ANTHROPIC.whole(*PAID)) as server, pooled(server, accounts=ONE) as gateway:
            answers = [await gateway.ask(ANTHROPIC) for _ in range(3)]
            page = (await gateway.get(f"/accounts?model={ANTHROPIC.model}")).json()
            return answers, page["backends"][0]["accounts"][0]

    answers, account = run(scenario())

    assert [answer.status for answer in answers] == [200] * 3
    assert (account["status"], account["headroom"]) == ("free", 0.8)


def test_an_account_whose_plan_has_room_goes_before_one_that_pays_beside_it():
    half = tuple(
        (
            name,
            {"0.2": "0.1", "1.0": "0.7", "overage": "five_hour"}.get(value, value).replace(
                "rejected", "allowed"
            ),
        )
        for name, value in PAID
    )

    async def scenario():
        replies = by_key(a=ANTHROPIC.whole(*PAID), b=ANTHROPIC.whole(*half))
        async with Upstream(always=replies) as server, pooled(server) as gateway:
            for number in range(6):
                await gateway.ask(ANTHROPIC, session(f"s{number}"))
            return keys(server)

    assert run(scenario())[2:] == ["b"] * 4


WRONG = ANTHROPIC.refusal(400, "invalid_request_error", "prompt is too long: 9 tokens > 8 maximum")
REFUSED = ANTHROPIC.refusal(401, "authentication_error", "no")
BROKEN = ANTHROPIC.refusal(500, "api_error", "broken")


@pytest.mark.parametrize(
    ("a", "b", "status", "after"),
    [
        (limited(9), WRONG, 400, None),
        (BROKEN, WRONG, 400, None),
        (REFUSED, limited(9), 429, 9),
        (limited(9), REFUSED, 429, 9),
        (BROKEN, limited(9), 429, 9),
        (limited(9), BROKEN, 429, 9),
        (REFUSED, BROKEN, 500, None),
    ],
    ids=["429 400", "500 400", "401 429", "429 401", "500 429", "429 500", "401 500"],
)
def test_of_several_failures_the_client_gets_the_one_that_helps_it(a, b, status, after):
    async def scenario():
        settings = "queue_timeout = 0\nmax_attempts = 9"
        async with (
            Upstream(always=by_key(a=a, b=b)) as server,
            pooled(server, settings=settings) as gateway,
        ):
            gateway.hurry()
            return await gateway.ask(ANTHROPIC)

    answer = run(scenario())

    assert answer.status == status
    told = answer.header("retry-after")
    assert (None if told is None else int(told)) in ({None} if after is None else {after, after - 1})


def test_an_empty_account_is_left_whatever_its_status_says():
    empty = ANTHROPIC.refusal(
        400, "invalid_request_error", "Your credit balance is too low to access the Anthropic API."
    )

    async def scenario():
        async with Upstream(always=by_key(a=empty)) as server, pooled(server) as gateway:
            answers = [await gateway.ask(ANTHROPIC, session(f"s{number}")) for number in range(3)]
            return [answer.status for answer in answers], keys(server)

    statuses, asked = run(scenario())

    assert statuses == [200] * 3
    assert asked == ["a", "b", "b", "b"]


def test_another_key_has_limits_of_its_own_and_starts_afresh():
    async def scenario():
        async with Upstream(always=by_key(a=limited(7200))) as server:
            async with pooled(server, accounts=ONE) as gateway:
                first = await gateway.ask(ANTHROPIC)
            changed = ONE.replace("KEY_A", "KEY_B")
            async with pooled(server, accounts=changed) as gateway:
                known = gateway.parts.pool.roster(gateway.parts.router.snapshot.backends["anthropic"])
                await eventually(lambda: not known.standings["default"].blocks)
                second = await gateway.ask(ANTHROPIC)
            return first.status, second.status

    first, second = run(scenario())

    assert (first, second) == (429, 200)

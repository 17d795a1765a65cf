"""What an account's own words and another's key mean for who is asked."""

import pytest
from pooling import ACCOUNTS, KEYS, ONE, by_key, keys, limited, pooled, session
from rig import backend_table, eventually, rig
from voices import ANTHROPIC, CHAT

from scripted import Gate, Upstream, json_reply, run, sse

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


FLAGGED = json_reply(
    {
        "error": {
            "code": 403,
            "message": "Your chosen model requires moderation and your input was flagged",
            "metadata": {"reasons": ["violence"], "flagged_input": "…", "provider_name": "x"},
        }
    },
    403,
)


def test_a_prompt_that_a_moderator_refused_is_its_client_s_and_parks_nobody():
    table = """[backends.reseller]
provider = "openrouter"
base_url = "{url}/v1"
models = ["m"]
[backends.reseller.accounts.default]
key_env = "KEY_A"
[backends.reseller.accounts.b]
key_env = "KEY_B"
"""

    async def scenario():
        async with (
            Upstream(FLAGGED, CHAT.whole()) as server,
            rig(settings=table.format(url=server.url), environment=KEYS) as gateway,
        ):
            body = {"model": "reseller:m", "messages": [{"role": "user", "content": "Hello"}]}
            flagged = await gateway.post("/v1/chat/completions", body)
            return flagged, await gateway.post("/v1/chat/completions", body)

    flagged, served = run(scenario())

    assert (flagged.status, flagged.body) == (403, FLAGGED.body)
    assert served.status == 200


def test_a_limit_without_a_time_gets_the_one_of_the_cool_down():
    async def scenario():
        settings = "queue_timeout = 0"
        async with (
            Upstream(always=by_key(a=limited())) as server,
            pooled(server, accounts=ONE, settings=settings) as gateway,
        ):
            return await gateway.ask(ANTHROPIC)

    answer = run(scenario())

    assert answer.status == 429
    assert answer.header("retry-after") in {"1", "2"}


def test_the_account_of_a_backend_without_a_key_is_not_asked_beside_those_that_have_one():
    async def scenario():
        async with Upstream(always=by_key()) as server:
            table = backend_table("openai_chat", server, f'models = ["{CHAT.model}"]')
            more = '[backends.openai_chat.accounts.b]\nkey_env = "KEY_B"\n'
            async with rig(settings=table + more, environment=KEYS) as gateway:
                server.always = lambda _: CHAT.whole()
                await gateway.ask(CHAT)
                page = (await gateway.get("/accounts")).json()["backends"][0]["accounts"]
                return keys(server), {each["account"]: each["status"] for each in page}

    asked, statuses = run(scenario())

    assert asked == ["b"]
    assert statuses == {"default": "no key", "b": "free"}


def test_explain_names_one_that_serves_next_where_there_are_fallbacks():
    async def scenario():
        settings = f'fallbacks = ["openai_chat:{CHAT.model}"]'
        async with (
            Upstream(always=by_key(a=limited(300))) as server,
            Upstream(CHAT.whole()) as other,
            pooled(server, accounts=ONE, settings=settings, openai_chat=other) as gateway,
        ):
            before = (await gateway.get(f"/explain?model={ANTHROPIC.model}")).json()["next"]
            await gateway.ask(ANTHROPIC)
            return before, (await gateway.get(f"/explain?model={ANTHROPIC.model}")).json()["next"]

    before, after = run(scenario())

    def serving(told):
        return [each["backend"] for each in told for account in each["accounts"] if account["next"]]

    assert serving(before) == ["anthropic"]
    assert "only where anthropic cannot" in before[1]["accounts"][0]["why"]
    assert serving(after) == ["openai_chat"]


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


def test_a_conversation_does_not_wait_long_for_its_busy_account_while_another_is_idle():
    accounts = ACCOUNTS.replace('key_env = "KEY_A"', 'key_env = "KEY_A"\nmax_in_flight = 1')
    gate = Gate()

    async def scenario():
        held = sse(gate, *ANTHROPIC.frames)
        async with (
            Upstream(ANTHROPIC.whole(), held, always=by_key()) as server,
            pooled(server, accounts=accounts) as gateway,
        ):
            await gateway.ask(ANTHROPIC, session("one"))
            async with gateway.asking(ANTHROPIC, session("one"), stream=True):
                await eventually(lambda: len(server.requests) == 2)
                began = gateway.parts.wall()
                answer = await gateway.ask(ANTHROPIC, session("one"))
                waited = gateway.parts.wall() - began
                gate.open()
            return answer.status, waited, keys(server)

    status, waited, asked = run(scenario())

    assert status == 200
    assert waited < 5
    assert asked == ["a", "a", "b"]


def test_a_conversation_whose_account_has_spent_its_budget_goes_on_at_once():
    accounts = ACCOUNTS.replace('key_env = "KEY_A"', 'key_env = "KEY_A"\nrequests_per_minute = 1')

    async def scenario():
        async with Upstream(always=by_key()) as server, pooled(server, accounts=accounts) as gateway:
            waited = gateway.hurry()
            answers = [await gateway.ask(ANTHROPIC, session("one")) for _ in range(3)]
            return [answer.status for answer in answers], keys(server), waited

    statuses, asked, waited = run(scenario())

    assert statuses == [200] * 3
    assert asked == ["a", "b", "b"]
    assert not any(seconds > 1 for seconds in waited)


def signed(name):
    """What an account answers: a thought with its own signature."""
    thought = {"type": "thinking", "thinking": "Hm.", "signature": f"signature-of-{name}-" + name * 40}
    return json_reply({**ANTHROPIC.answer, "content": [thought, {"type": "text", "text": "Hello there"}]})


def going_on(first):
    """The next turn after an answer."""
    return [
        {"role": "user", "content": "Hello"},
        {"role": "assistant", "content": first.json()["content"]},
        {"role": "user", "content": "Go on."},
    ]


def test_who_made_the_signatures_goes_before_the_session():
    async def scenario():
        replies = by_key(a=signed("a"), b=signed("b"))
        async with Upstream(always=replies) as server, pooled(server) as gateway:
            first = await gateway.ask(ANTHROPIC, session("one"))
            await gateway.ask(ANTHROPIC, session("two"))
            resumed = await gateway.ask(ANTHROPIC, session("two"), messages=going_on(first))
            return first, resumed, server.requests[-1], keys(server)

    first, resumed, seen, asked = run(scenario())

    assert resumed.status == 200
    assert asked == ["a", "b", "a"]
    assert seen.json()["messages"][1]["content"] == first.json()["content"]


def test_what_its_maker_cannot_be_asked_with_goes_nowhere_else():
    def first_then_limited(seen):
        return limited(300) if len(seen.json()["messages"]) > 1 else signed("a")

    async def scenario():
        replies = by_key(a=first_then_limited, b=signed("b"))
        async with Upstream(always=replies) as server, pooled(server) as gateway:
            first = await gateway.ask(ANTHROPIC, session("one"))
            await gateway.ask(ANTHROPIC, session("two"))
            resumed = await gateway.ask(ANTHROPIC, session("two"), messages=going_on(first))
            return resumed, server.requests[-1], keys(server)

    resumed, seen, asked = run(scenario())

    assert (resumed.status, asked) == (200, ["a", "b", "a", "b"])
    assert "signature-of-a" not in seen.body.decode()
    assert "dropped" in resumed.header("x-pointsman-losses")

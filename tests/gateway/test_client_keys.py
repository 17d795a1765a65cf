"""Client keys, budgets and the guard, over whole exchanges in every API."""

import asyncio

import pytest
from recorded import recorded
from rig import eventually, rig
from voices import ANTHROPIC, CHAT, VOICES

from pointsman.store.client_keys import FILE, ClientKey, ClientKeys, Limits, digest_of
from scripted import Gate, Upstream, run, sse

EVERY = pytest.mark.parametrize("voice", VOICES.values(), ids=lambda voice: voice.name)
MAIN = "pm-canary-main"
PRICED = '[prices."*"]\ninput = 2.0\noutput = 10.0\n'


@pytest.fixture
def add(home):
    """Makes a key, and gives it back."""

    def call(name, models=(), revoked=None, **limits):
        key = f"pm-canary-{name}"
        made = ClientKey(name, digest_of(key), 1.0, tuple(models), Limits(**limits), revoked)
        ClientKeys(home / "data" / FILE).add(made)
        return key

    return call


def with_key(voice, key):
    """The header fields of a client that sends a key as it would a provider's."""
    own = {"anthropic": "x-api-key", "gemini": "x-goog-api-key"}.get(voice.name)
    kept = [pair for pair in voice.headers if pair[0] not in {"x-api-key", "authorization"}]
    return (*kept, (own, key) if own else ("authorization", f"Bearer {key}"))


def ask(gateway, voice, key, **fields):
    body = voice.request(**fields)
    return gateway.post(voice.target(**fields), body, *with_key(voice, key))


@EVERY
def test_a_client_s_key_opens_what_it_is_for_and_stands_in_the_record(voice, add):
    async def scenario():
        key = await asyncio.to_thread(add, "anna", [voice.model])
        environment = {"POINTSMAN_API_KEY": MAIN}
        async with (
            Upstream(always=voice.whole()) as server,
            rig(environment=environment, **{voice.name: server}) as gateway,
        ):
            good = await ask(gateway, voice, key)
            (row,) = await recorded(gateway)
            sent = server.requests[-1]

            assert good.status == 200
            assert row["client_key"] == "anna"
            assert key not in str(sent.headers) + str(sent.body) + str(row)

    run(scenario())


@EVERY
def test_a_model_that_a_key_is_not_for_is_refused_in_the_client_s_own_words(voice, add):
    async def scenario():
        key = await asyncio.to_thread(add, "anna", ["something-else*"])
        async with Upstream(always=voice.whole()) as server, rig(**{voice.name: server}) as gateway:
            refused = await ask(gateway, voice, key)
            (row,) = await recorded(gateway)

            assert refused.status == 403
            assert "key anna may not use" in voice.error(refused)["message"]
            assert row["error"] == "forbidden"
            assert server.requests == []

    run(scenario())


def test_pages_of_the_endpoint_take_its_own_key_alone(add):
    async def scenario():
        key = await asyncio.to_thread(add, "anna", ["gpt-*"])
        environment = {"POINTSMAN_API_KEY": MAIN}
        async with (
            Upstream() as one,
            Upstream() as two,
            rig(openai_chat=one, anthropic=two, environment=environment) as gateway,
        ):
            own, main = ("authorization", f"Bearer {key}"), ("authorization", f"Bearer {MAIN}")
            found = [
                ((await gateway.get(page, own)).status, (await gateway.get(page, main)).status)
                for page in ("/status", "/accounts", "/analytics", "/usage", "/metrics")
            ]
            listed = (await gateway.get("/v1/models", own)).json()["data"]
            everything = (await gateway.get("/v1/models", main)).json()["data"]
            resumed = await gateway.post("/resume", {}, own)

            assert found == [(403, 200)] * 5
            assert (await gateway.get("/health")).status == 200
            assert {each["id"] for each in listed} == {
                each["id"] for each in everything if each["id"].split(":")[-1].startswith("gpt-")
            }
            assert resumed.status == 403

    run(scenario())


def test_once_there_is_a_client_key_everybody_needs_one_whether_the_endpoint_has_its_own_or_not(add, home):
    async def scenario():
        async with Upstream(always=CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            before = await ask(gateway, CHAT, "pointsman")
            key = await asyncio.to_thread(add, "anna")
            await eventually(lambda: gateway.app.service.admission.clients)
            told = [await ask(gateway, CHAT, each) for each in ("pointsman", "pm-canary-nobody", key)]
            pages = [await gateway.get(page) for page in ("/status", "/accounts", "/analytics", "/metrics")]
            warnings = gateway.gateway.status()["warnings"]
            await asyncio.to_thread(ClientKeys(home / "data" / FILE).revoke, "anna", 2.0)
            await eventually(
                lambda: all(each.revoked for each in gateway.app.service.admission.clients.values())
            )
            after = await ask(gateway, CHAT, "pointsman")

            assert [before.status, *(each.status for each in told), after.status] == [200, 401, 401, 200, 200]
            assert "POINTSMAN_API_KEY" in CHAT.error(told[0])["message"]
            assert "canary" not in str(told[1].body)
            assert [page.status for page in pages] == [401] * 4
            assert any("POINTSMAN_API_KEY is not set" in warning for warning in warnings)

    run(scenario())


def test_a_revoked_key_opens_nothing_within_a_second(add, home):
    async def scenario():
        key = await asyncio.to_thread(add, "anna")
        async with Upstream(always=CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            before = await ask(gateway, CHAT, key)
            await asyncio.to_thread(ClientKeys(home / "data" / FILE).revoke, "anna", 2.0)
            service = gateway.app.service
            await eventually(lambda: all(each.revoked for each in service.admission.clients.values()))
            after = await ask(gateway, CHAT, key)

            assert (before.status, after.status) == (200, 401)
            assert "was revoked" in CHAT.error(after)["message"]

    run(scenario())


@EVERY
def test_a_used_up_budget_is_a_429_that_says_which_and_when(voice):
    async def scenario():
        settings = "[budgets.household]\ntokens = 13\nper = 'day'\n"
        async with (
            Upstream(always=voice.whole()) as server,
            rig(settings=settings, **{voice.name: server}) as gateway,
        ):
            good = await gateway.ask(voice)
            refused = await gateway.ask(voice)

            assert (good.status, refused.status) == (200, 429)
            assert "budget household is used up: 13 tokens a day" in voice.error(refused)["message"]
            assert 0 < int(refused.header("retry-after")) <= 86_400
            assert len(server.requests) == 1

    run(scenario())


def test_a_budget_in_money_counts_what_was_really_used():
    async def scenario():
        settings = PRICED + '[budgets.house]\ndollars = 0.0001\nmodels = ["claude-*"]\n'
        async with (
            Upstream(always=ANTHROPIC.whole()) as one,
            Upstream(always=CHAT.whole()) as two,
            rig(settings=settings, anthropic=one, openai_chat=two) as gateway,
        ):
            # 9 tokens at $2 and 4 at $10 a million: $0.000058 each, so that two are over it.
            found = [(await gateway.ask(ANTHROPIC)).status for _ in range(3)]
            other = await gateway.ask(CHAT)

            assert found == [200, 200, 429]
            assert other.status == 200

    run(scenario())


def test_each_key_has_its_own_budget_and_a_restart_forgets_nothing(add):
    async def scenario():
        anna = await asyncio.to_thread(add, "anna", tokens_per_day=20)
        ben = await asyncio.to_thread(add, "ben", tokens_per_day=1000)
        async with Upstream(always=CHAT.whole()) as server:
            async with rig(openai_chat=server) as gateway:
                first = [(await ask(gateway, CHAT, key)).status for key in (anna, ben, anna, ben)]
            async with rig(openai_chat=server) as gateway:
                second = [(await ask(gateway, CHAT, key)).status for key in (anna, ben)]
            return first, second

    first, second = run(scenario())

    assert first == [200] * 4
    assert second == [429, 200]


def test_fifty_at_once_overshoot_by_no_more_than_what_is_under_way():
    async def scenario():
        gate = Gate()
        held = sse(*CHAT.frames[:2], gate, *CHAT.frames[2:])
        settings = "[budgets.all]\ntokens = 5000\n"
        async with Upstream(always=held) as server, rig(settings=settings, openai_chat=server) as gateway:
            async with asyncio.TaskGroup() as group:
                asked = [group.create_task(gateway.ask(CHAT, stream=True)) for _ in range(50)]
                await eventually(lambda: sum(task.done() for task in asked) >= 45)
                gate.open()
            statuses = [task.result().status for task in asked]

            # Each is taken for some 1,050 tokens, so five use the budget up before any has answered.
            assert statuses.count(200) == 5
            assert statuses.count(429) == 45

    run(scenario())


def told(claim):
    unified = "anthropic-ratelimit-unified-"
    return ((f"{unified}status", "allowed"), (f"{unified}representative-claim", claim))


PLAN = '[backends.plan]\nprovider = "anthropic"\nbase_url = "{}"\nkey_env = "K"\nmodels = ["claude-x"]\n'
PAYS = 'guard = "{}"\npays_for = ["subscription", "local"]\n'


def guarded(mode, server):
    return rig(settings=PAYS.format(mode) + PLAN.format(server.url), environment={"K": "sk-ant-x"})


def of_plan(gateway, voice=ANTHROPIC):
    fields = {"model": "plan:claude-x"}
    return gateway.post(voice.target(**fields), voice.request(**fields), *voice.headers)


@pytest.mark.parametrize("voice", VOICES.values(), ids=lambda voice: voice.name)
def test_the_guard_halts_a_backend_whose_answer_was_billed_beside_the_plan_until_it_is_resumed(voice):
    async def scenario():
        replies = [ANTHROPIC.whole(*told("five_hour")), ANTHROPIC.whole(*told("overage"))]
        async with Upstream(*replies, always=ANTHROPIC.whole()) as server, guarded("halt", server) as gateway:
            fine = [(await of_plan(gateway)).status for _ in range(2)]
            halted = await of_plan(gateway, voice)
            status = (await gateway.get("/status")).json()
            resumed = (await gateway.post("/resume", {})).json()
            again = await of_plan(gateway, voice)

            assert fine == [200, 200]
            assert halted.status == 503
            assert "`extra_usage` (claim `overage`)" in voice.error(halted)["message"]
            assert 0 < int(halted.header("retry-after")) <= 1800
            assert any("pointsman resume" in warning for warning in status["warnings"])
            assert resumed == {"resumed": ["plan"]}
            assert again.status == 200

    run(scenario())


@pytest.mark.parametrize("claim", ["seven_day", "seven_day_overage_included", "something_new"])
def test_the_guard_halts_nothing_that_the_plan_pays_or_that_nobody_knows(claim):
    async def scenario():
        reply = ANTHROPIC.whole(*told(claim))
        async with Upstream(always=reply) as server, guarded("halt", server) as gateway:
            found = [(await of_plan(gateway)).status for _ in range(3)]
            warnings = (await gateway.get("/status")).json()["warnings"]

            assert found == [200] * 3
            assert any("something_new" in each for each in warnings) == (claim == "something_new")

    run(scenario())


def test_the_guard_warns_where_it_is_not_to_halt():
    async def scenario():
        reply = ANTHROPIC.whole(*told("overage"))
        async with Upstream(always=reply) as server, guarded("warn", server) as gateway:
            found = [(await of_plan(gateway)).status for _ in range(2)]
            warnings = (await gateway.get("/status")).json()["warnings"]

            assert found == [200, 200]
            assert any("`overage`" in each for each in warnings)

    run(scenario())


def test_whoever_wants_only_what_is_free_is_served_by_what_costs_nothing():
    async def scenario():
        free = "".join(
            f"{kind} = 0\n" for kind in ("input", "output", "cache_read", "cache_write", "cache_write_1h")
        )
        settings = f'guard = "halt"\nfree_only = true\n[prices."gpt-x"]\n{free}'
        async with (
            Upstream(always=CHAT.whole()) as one,
            Upstream(always=ANTHROPIC.whole()) as two,
            rig(settings=settings, openai_chat=one, anthropic=two) as gateway,
        ):
            free = [(await gateway.ask(CHAT)).status for _ in range(2)]
            paid = [(await gateway.ask(ANTHROPIC)).status for _ in range(2)]

            assert free == [200, 200]
            assert paid == [200, 503]

    run(scenario())

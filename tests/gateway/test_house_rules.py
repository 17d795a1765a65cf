"""House rules where they could be got round: by a fallback, an open socket, a path, a count, a reload."""

import asyncio
import json

import pytest
from kept import MODELS, PATH, ask, kept_rig, says
from recorded import recorded
from rig import backend_table, eventually, rig, write_config
from test_client_keys import MAIN, PAYS, PLAN, PRICED, add, told, with_key
from voices import ANTHROPIC, CHAT, RESPONSES
from websockets.asyncio.client import connect

from pointsman.control import house_rules
from pointsman.store.client_keys import FILE, ClientKeys
from scripted import Gate, Upstream, json_reply, run, sse

__all__ = ["add"]
COUNT = "/v1/messages/count_tokens"
COUNTED = json_reply({"input_tokens": 7})


def plan_rig(settings, server):
    return rig(settings=settings + PLAN.format(server.url), environment={"K": "sk-ant-x"})


def of_plan(gateway, path=ANTHROPIC.path):
    return gateway.post(path, ANTHROPIC.request(model="plan:claude-x"), *ANTHROPIC.headers)


def test_a_count_of_tokens_halts_nothing_and_is_billed_to_nobody():
    async def scenario():
        counted = json_reply({"input_tokens": 7}, 200, told("overage"))
        async with (
            Upstream(counted, ANTHROPIC.whole()) as server,
            plan_rig(PAYS.format("halt"), server) as gateway,
        ):
            found = [(await of_plan(gateway, path)).status for path in (COUNT, ANTHROPIC.path)]
            rows = await recorded(gateway)

            assert found == [200, 200]
            assert [(row["operation"], row["bucket"]) for row in rows] == [
                ("count_tokens", "unknown"),
                ("generate", "api"),
            ]

    run(scenario())


@pytest.mark.parametrize("free", ["input = 0\noutput = 0\n", "input = 0\n"])
def test_a_price_of_nothing_is_free_whatever_else_it_leaves_out(free):
    async def scenario():
        settings = f'guard = "halt"\nfree_only = true\n[prices."claude-x"]\n{free}'
        async with Upstream(always=ANTHROPIC.whole()) as server, plan_rig(settings, server) as gateway:
            assert [(await of_plan(gateway)).status for _ in range(2)] == [200, 200]

    run(scenario())


def test_a_guard_that_is_turned_off_lets_go_what_it_has_halted():
    async def scenario():
        over = ANTHROPIC.whole(*told("overage"))
        async with Upstream(always=over) as server, plan_rig(PAYS.format("halt"), server) as gateway:
            before = [(await of_plan(gateway)).status for _ in range(2)]
            write_config(PAYS.format("off") + PLAN.format(server.url))
            await gateway.post("/reload", {})
            after = (await of_plan(gateway)).status

            assert (before, after) == ([200, 503], 200)

    run(scenario())


def test_a_guard_that_could_halt_nothing_says_so():
    async def scenario():
        async with Upstream() as server, plan_rig('guard = "halt"\n', server) as gateway:
            warnings = (await gateway.get("/status")).json()["warnings"]

            assert any("`pays_for`" in each for each in warnings)

    run(scenario())


def test_a_fallback_counts_against_its_own_budget_and_an_alias_does_not_get_round_it():
    async def scenario():
        settings = (
            f'fallbacks = ["openai_chat:{CHAT.model}"]\n'
            f'[aliases]\nmine = "openai_chat:{CHAT.model}"\n'
            f'[budgets.chat]\ntokens = 20\nper = "day"\nmodels = ["{CHAT.model}"]\n'
        )
        down = ANTHROPIC.refusal(529, "overloaded_error", "later", (("retry-after", "3600"),))
        async with (
            Upstream(always=down) as first,
            Upstream(always=CHAT.whole()) as second,
            rig(settings=settings, anthropic=first, openai_chat=second) as gateway,
        ):
            gateway.hurry()
            served = [(await gateway.ask(ANTHROPIC)).status for _ in range(2)]
            refused = await gateway.ask(ANTHROPIC)
            by_alias = await gateway.ask(CHAT, model="mine")
            rows = await recorded(gateway)

            assert served == [200, 200]
            assert len(second.requests) == 2
            assert refused.status == 503
            assert by_alias.status == 429
            assert "budget chat" in CHAT.error(by_alias)["message"]
            assert all("anthropic/" in row["attempts"] for row in rows[:2])
            assert all(row["attempts"].endswith("openai_chat/default committed") for row in rows[:2])

    run(scenario())


def test_a_budget_that_is_new_to_a_running_endpoint_counts_what_was_spent_before():
    async def scenario():
        async with Upstream(always=CHAT.whole()) as server:
            lines = backend_table("openai_chat", server, f'models = ["{CHAT.model}"]')
            async with rig(settings=lines) as gateway:
                before = (await gateway.ask(CHAT)).status
                await recorded(gateway)
                write_config(f"[budgets.day]\ntokens = 13\n{lines}")
                await gateway.post("/reload", {})
                books = gateway.app.service.parts.spending.books
                await eventually(
                    lambda: any(books.spent(each, gateway.parts.wall()) for each in books.budgets)
                )
                after = await gateway.ask(CHAT)

                assert (before, after.status) == (200, 429)

    run(scenario())


def test_a_key_that_is_revoked_ends_the_turns_of_a_socket_that_is_open(add, home):
    async def scenario():
        key = await asyncio.to_thread(add, "anna")
        turn = {"type": "response.create", "model": MODELS["forgetful"], "input": "a", "store": False}
        async with Upstream(always=says()) as up, kept_rig(forgetful=up) as gateway:
            url = f"ws://127.0.0.1:{gateway.port}{PATH}"
            async with connect(url, additional_headers={"authorization": f"Bearer {key}"}) as socket:
                await socket.send(json.dumps(turn))
                while (message := json.loads(await socket.recv()))["type"] != "response.completed":
                    assert message["type"] != "error"
                await asyncio.to_thread(ClientKeys(home / "data" / FILE).revoke, "anna", 2.0)
                service = gateway.app.service
                await eventually(lambda: all(each.revoked for each in service.admission.clients.values()))
                await socket.send(json.dumps(turn))
                refused = json.loads(await socket.recv())

            assert refused["type"] == "error"
            assert "was revoked" in json.dumps(refused)
            assert len(up.requests) == 1

    run(scenario())


@pytest.mark.parametrize("rest", ["", "/input_items"])
def test_where_nothing_is_kept_a_client_s_key_finds_nobody_s_answers(add, rest):
    async def scenario():
        key = await asyncio.to_thread(add, "anna")
        own = with_key(RESPONSES, key)
        settings = "responses_store = false"
        shown = json_reply({"id": "resp_theirs", "object": "response"})
        async with Upstream(always=shown) as up, kept_rig(keeper=up, settings=settings) as gateway:
            found = await gateway.get(f"{PATH}/resp_theirs{rest}", *own)
            body = {"model": MODELS["keeper"], "input": "a", "previous_response_id": "resp_theirs"}
            continued = await gateway.post(PATH, body, *own)

            assert (found.status, continued.status) == (404, 400)
            assert continued.json()["error"]["code"] == "previous_response_not_found"
            assert up.requests == []

    run(scenario())


def test_one_model_is_shown_to_the_keys_that_are_for_it(add):
    async def scenario():
        key = await asyncio.to_thread(add, "anna", ["gpt-*"])
        environment = {"POINTSMAN_API_KEY": MAIN}
        async with (
            Upstream() as one,
            Upstream() as two,
            rig(openai_chat=one, anthropic=two, environment=environment) as gateway,
        ):
            own = ("authorization", f"Bearer {key}")
            names = (CHAT.model, ANTHROPIC.model, f"anthropic:{ANTHROPIC.model}")
            found = [(await gateway.get(f"/v1/models/{name}", own)).status for name in names]

            assert found == [200, 404, 404]

    run(scenario())


def test_a_page_of_a_kept_answer_is_recorded_with_its_status():
    async def scenario():
        async with Upstream(says()) as up, kept_rig(forgetful=up) as gateway:
            kept = (await ask(gateway, "forgetful", "a")).json()
            await gateway.get(f"{PATH}/{kept['id']}")
            await gateway.get(f"{PATH}/resp_nobody_has")
            _, page, missing = await recorded(gateway)

            assert (page["operation"], page["status"], page["bucket"]) == ("kept response", 200, "unknown")
            assert missing["status"] == 404

    run(scenario())


def test_an_answer_that_nobody_gave_is_billed_to_nobody():
    async def scenario():
        refusal = CHAT.refusal(400, "invalid_request_error", "no")
        async with Upstream(refusal) as server, rig(settings=PRICED, openai_chat=server) as gateway:
            await gateway.ask(CHAT)
            (row,) = await recorded(gateway)

            assert (row["bucket"], row["cost"]) == ("unknown", None)

    run(scenario())


def test_a_budget_that_is_full_of_what_is_under_way_has_room_again_in_a_moment():
    async def scenario():
        gate = Gate()
        held = sse(*CHAT.frames[:2], gate, *CHAT.frames[2:])
        settings = "[budgets.all]\ntokens = 900\n"
        async with (
            Upstream(held, always=CHAT.whole()) as server,
            rig(settings=settings, openai_chat=server) as gateway,
        ):
            async with asyncio.TaskGroup() as group:
                group.create_task(gateway.ask(CHAT, stream=True))
                await gate.reached.wait()
                full = await gateway.ask(CHAT)
                gate.open()
            await gateway.settled()
            after = await gateway.ask(CHAT)

            assert (full.status, after.status) == (429, 200)
            assert "beside what is under way" in CHAT.error(full)["message"]
            assert float(full.header("retry-after")) <= 1

    run(scenario())


def test_a_count_of_tokens_needs_no_room_in_a_budget_but_is_a_request(add):
    async def scenario():
        key = await asyncio.to_thread(add, "anna", requests_per_minute=3, tokens_per_day=5)
        environment = {"POINTSMAN_API_KEY": MAIN}
        async with (
            Upstream(ANTHROPIC.whole(), always=COUNTED) as server,
            rig(anthropic=server, environment=environment) as gateway,
        ):
            asked = [ANTHROPIC.path, ANTHROPIC.path, COUNT, COUNT, COUNT]
            body, own = ANTHROPIC.request(), with_key(ANTHROPIC, key)
            found = [(await gateway.post(path, body, *own)).status for path in asked]

            # The second answer finds no tokens left, and is none; the last count is the fourth request.
            assert found == [200, 429, 200, 200, 429]

    run(scenario())


def test_tokens_are_counted_while_a_backend_is_halted():
    async def scenario():
        async with (
            Upstream(ANTHROPIC.whole(*told("overage")), always=COUNTED) as server,
            plan_rig(PAYS.format("halt"), server) as gateway,
        ):
            found = [
                (await of_plan(gateway, path)).status for path in (ANTHROPIC.path, ANTHROPIC.path, COUNT)
            ]

            assert found == [200, 503, 200]

    run(scenario())


def test_a_halt_that_is_over_is_told_no_longer_and_resumes_nothing():
    async def scenario():
        settings = f"guard_cooldown = 0.05\n{PAYS.format('halt')}"
        over = ANTHROPIC.whole(*told("overage"))
        async with Upstream(always=over) as server, plan_rig(settings, server) as gateway:
            await of_plan(gateway)
            guard, wall = gateway.parts.spending.guard, gateway.parts.wall
            await eventually(lambda: guard.halted("plan", wall()) is None)
            warnings = (await gateway.get("/status")).json()["warnings"]
            resumed = (await gateway.post("/resume", {})).json()

            assert any("which you do not pay for" in each for each in warnings)
            assert not any("is halted" in each for each in warnings)
            assert resumed == {"resumed": []}

    run(scenario())


def test_what_is_spent_of_each_budget_is_shown():
    async def scenario():
        settings = f"{PRICED}[budgets.all]\ndollars = 5\ntokens = 1000\nper = 'month'\n"
        async with (
            Upstream(always=CHAT.whole()) as server,
            rig(settings=settings, openai_chat=server) as gateway,
        ):
            await gateway.ask(CHAT)
            await gateway.settled()
            (row,) = await recorded(gateway)
            shown = {each["unit"]: each for each in (await gateway.get("/status")).json()["budgets"]}

            assert shown["tokens"]["spent"] == row["input"] + (row["cache_read"] or 0) + row["output"]
            assert shown["dollars"]["spent"] == pytest.approx(row["cost"] / 1e9)
            assert (shown["tokens"]["most"], shown["dollars"]["most"]) == (1000, 5.0)
            assert shown["tokens"]["resets"] > row["at"]

    run(scenario())


def test_a_budget_for_a_key_that_is_not_there_is_told(add):
    async def scenario():
        await asyncio.to_thread(add, "anna")
        settings = '[budgets.hers]\ntokens = 5\nkey = "anna"\n[budgets.his]\ntokens = 5\nkey = "bob"\n'
        async with rig(settings=settings, environment={"POINTSMAN_API_KEY": MAIN}) as gateway:
            warnings = gateway.gateway.status()["warnings"]

            assert [each for each in warnings if "budget" in each] == [
                "budget his is for key bob, which there is not"
            ]

    run(scenario())


def test_a_halt_outlives_the_endpoint_until_it_is_resumed():
    async def scenario():
        over, within = ANTHROPIC.whole(*told("overage")), ANTHROPIC.whole(*told("five_hour"))
        async with Upstream(over, always=within) as server:
            found = []
            async with plan_rig(PAYS.format("halt"), server) as gateway:
                found += [(await of_plan(gateway)).status for _ in range(2)]
            async with plan_rig(PAYS.format("halt"), server) as gateway:
                found.append((await of_plan(gateway)).status)
                warnings = (await gateway.get("/status")).json()["warnings"]
                resumed = (await gateway.post("/resume", {})).json()
            async with plan_rig(PAYS.format("halt"), server) as gateway:
                found.append((await of_plan(gateway)).status)

            assert found == [200, 503, 503, 200]
            assert any("plan is halted" in each for each in warnings)
            assert resumed == {"resumed": ["plan"]}

    run(scenario())


def test_endpoints_of_one_home_halt_and_resume_together(monkeypatch):
    monkeypatch.setattr(house_rules, "LOOK_EVERY", 0.02)

    async def scenario():
        over = ANTHROPIC.whole(*told("overage"))
        async with (
            Upstream(over) as server,
            plan_rig(PAYS.format("halt"), server) as one,
            plan_rig(PAYS.format("halt"), server) as other,
        ):
            await of_plan(one)
            await eventually(other.parts.spending.guard.halts)
            halted = (await of_plan(other)).status
            await other.post("/resume", {})
            await eventually(lambda: not one.parts.spending.guard.halts())

            assert halted == 503

    run(scenario())


def test_endpoints_of_one_home_spend_one_budget(monkeypatch):
    monkeypatch.setattr(house_rules, "LOOK_EVERY", 0.02)

    async def scenario():
        async with Upstream(always=CHAT.whole()) as server:
            lines = "[budgets.day]\ntokens = 13\n" + backend_table(
                "openai_chat", server, f'models = ["{CHAT.model}"]'
            )
            async with rig(settings=lines) as one, rig(settings=lines) as other:
                first = (await one.ask(CHAT)).status
                await one.settled()
                books, wall = other.parts.spending.books, other.parts.wall
                await eventually(lambda: books.spent(books.budgets[0], wall()) >= 13)
                second = (await other.ask(CHAT)).status

                assert (first, second) == (200, 429)

    run(scenario())


def test_endpoints_that_halt_different_backends_at_once_keep_both(monkeypatch):
    monkeypatch.setattr(house_rules, "LOOK_EVERY", 0.02)

    async def scenario():
        over = ANTHROPIC.whole(*told("overage"))
        async with Upstream(always=over) as server:
            settings = PAYS.format("halt") + PLAN.format(server.url)
            settings += PLAN.format(server.url).replace("backends.plan", "backends.other")
            keys = {"K": "sk-ant-x"}
            async with (
                rig(settings=settings, environment=keys) as one,
                rig(settings=settings, environment=keys) as two,
            ):
                body = ANTHROPIC.request(model="other:claude-x")
                await of_plan(one)
                await two.post(ANTHROPIC.path, body, *ANTHROPIC.headers)
                guards = [each.parts.spending.guard for each in (one, two)]
                await eventually(lambda: all(len(guard.halts()) == 2 for guard in guards))
                found = [(await of_plan(each)).status for each in (one, two)]
                found += [
                    (await each.post(ANTHROPIC.path, body, *ANTHROPIC.headers)).status for each in (one, two)
                ]

                assert found == [503] * 4

    run(scenario())


def test_a_file_of_halts_that_breaks_lifts_none(monkeypatch, home):
    monkeypatch.setattr(house_rules, "LOOK_EVERY", 0.02)

    async def scenario():
        over = ANTHROPIC.whole(*told("overage"))
        async with Upstream(over) as server, plan_rig(PAYS.format("halt"), server) as gateway:
            await of_plan(gateway)
            await eventually((home / "data" / "halts.json").exists)
            (home / "data" / "halts.json").write_text("{broken")
            found = [(await of_plan(gateway)).status for _ in range(20)]

            assert found == [503] * 20

    run(scenario())


def test_an_endpoint_that_cannot_read_its_clients_keys_lets_nobody_in(home):
    (home / "data").mkdir(parents=True)
    (home / "data" / FILE).write_text("{broken")

    async def scenario():
        async with Upstream(always=CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            asked = await gateway.ask(CHAT)
            pages = [(await gateway.get(page)).status for page in ("/status", "/analytics", "/health")]

            assert (asked.status, pages) == (401, [401, 401, 200])
            assert "pointsman keys list" in CHAT.error(asked)["message"]

    run(scenario())


def test_halts_that_cannot_be_kept_are_told_and_kept_once_they_can(monkeypatch, home):
    monkeypatch.setattr(house_rules, "LOOK_EVERY", 0.02)
    file = home / "data" / "halts.json"

    async def scenario():
        over = ANTHROPIC.whole(*told("overage"))
        async with Upstream(over) as server, plan_rig(PAYS.format("halt"), server) as gateway:
            file.mkdir(parents=True)
            await of_plan(gateway)
            await eventually(
                lambda: any("a restart forgets" in each for each in gateway.gateway.status()["warnings"])
            )
            halted = (await of_plan(gateway)).status
            file.rmdir()
            await eventually(file.is_file)
            await eventually(
                lambda: not any("a restart forgets" in each for each in gateway.gateway.status()["warnings"])
            )

            assert halted == 503

    run(scenario())

"""A pool of accounts behind one backend: who is asked, who is spared, and what the client gets."""

import asyncio
import json
import time

import pytest
from pooling import ACCOUNTS, KEYS, by_key, key_of, keys, limited, pooled, session
from rig import backend_table, eventually, rig
from voices import ANTHROPIC, CHAT

from scripted import Gate, Upstream, json_reply, run, sse

OVERLOADED_STREAM = sse(
    b'event: error\ndata: {"type":"error","error":{"type":"overloaded_error","message":"Overloaded"}}\n\n'
)


@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
@pytest.mark.parametrize(
    "reply",
    [
        limited(900),
        limited(),
        ANTHROPIC.refusal(401, "authentication_error", "no"),
        ANTHROPIC.refusal(403, "permission_error", "no"),
        ANTHROPIC.refusal(500, "api_error", "no"),
    ],
    ids=["429 for long", "429", "401", "403", "500"],
)
def test_the_next_account_answers_before_the_client_sees_anything(reply, stream):
    async def scenario():
        async with Upstream(always=by_key(a=reply)) as server, pooled(server) as gateway:
            answer = await gateway.ask(ANTHROPIC, stream=stream)
            return ANTHROPIC.text(answer), keys(server), answer.header("x-pointsman-account")

    assert run(scenario()) == ("Hello there", ["a", "b"], "b")


def test_problem_25_a_200_whose_first_frame_is_an_overload_goes_to_the_next_account():
    async def scenario():
        async with Upstream(always=by_key(a=OVERLOADED_STREAM)) as server, pooled(server) as gateway:
            gateway.hurry()
            answer = await gateway.ask(ANTHROPIC, stream=True)
            return ANTHROPIC.text(answer), keys(server)

    assert run(scenario()) == ("Hello there", ["a", "a", "b"])


def test_an_account_that_is_limited_is_left_alone_until_its_time_has_come():
    async def scenario():
        async with Upstream(always=by_key(a=limited(30))) as server, pooled(server) as gateway:
            for number in range(4):
                await gateway.ask(ANTHROPIC, session(f"s{number}"))
            return keys(server)

    assert run(scenario()).count("a") == 1


def test_all_out_is_one_429_with_the_earliest_reset_and_asks_nobody_again():
    async def scenario():
        replies = by_key(a=limited(900), b=limited(300))
        async with Upstream(always=replies) as server, pooled(server) as gateway:
            answers = [await gateway.ask(ANTHROPIC) for _ in range(3)]
            return answers, keys(server)

    answers, asked = run(scenario())

    assert [answer.status for answer in answers] == [429] * 3
    assert all(295 <= int(answer.header("retry-after")) <= 300 for answer in answers)
    assert ANTHROPIC.error(answers[-1])["type"] == "rate_limit_error"
    assert asked == ["a", "b"]


def test_a_server_that_asks_for_a_rest_is_no_limit_after_a_restart_either():
    overloaded = ANTHROPIC.refusal(529, "overloaded_error", "Overloaded", (("retry-after", "600"),))

    async def scenario():
        async with Upstream(always=overloaded) as server:
            async with pooled(server) as gateway:
                first = [await gateway.ask(ANTHROPIC) for _ in range(2)]
            async with pooled(server) as gateway:
                return [*first, await gateway.ask(ANTHROPIC)], keys(server)

    answers, asked = run(scenario())

    assert [answer.status for answer in answers] == [529, 503, 503]
    assert {ANTHROPIC.error(answer)["type"] for answer in answers} == {"overloaded_error"}
    assert all(590 <= int(answer.header("retry-after")) <= 600 for answer in answers)
    assert asked == ["a", "b"]


def test_a_refused_key_rests_until_it_changes():
    refused = ANTHROPIC.refusal(401, "authentication_error", "revoked")

    async def scenario():
        environment = dict(KEYS)
        async with Upstream(always=by_key(a=refused)) as server, pooled(server) as gateway:
            for number in range(3):
                await gateway.ask(ANTHROPIC, session(f"s{number}"))
            before = keys(server)
            return before, environment

    before, _ = run(scenario())

    assert before == ["a", "b", "b", "b"]


def test_a_conversation_stays_with_its_account_and_others_spread():
    async def scenario():
        async with Upstream(always=by_key()) as server, pooled(server) as gateway:
            for turn in range(3):
                for name in ("one", "two"):
                    await gateway.ask(ANTHROPIC, session(name), system=f"turn {turn}")
            return keys(server)

    asked = run(scenario())

    assert asked[0::2] == [asked[0]] * 3
    assert asked[1::2] == [asked[1]] * 3
    assert asked[0] != asked[1]


def test_without_a_session_the_beginning_tells_a_conversation():
    def body(*said):
        turns = [
            {"role": "user" if at % 2 == 0 else "assistant", "content": text} for at, text in enumerate(said)
        ]
        return {"model": ANTHROPIC.model, "max_tokens": 9, "system": "Be brief.", "messages": turns}

    async def scenario():
        async with Upstream(always=by_key()) as server, pooled(server) as gateway:
            for said in (
                ["a"],
                ["b"],
                ["a", "x", "more"],
                ["b", "y", "more"],
                ["a", "x", "more", "z", "still"],
            ):
                await gateway.post("/v1/messages", body(*said), *ANTHROPIC.headers)
            return keys(server)

    first, second, *later = run(scenario())

    assert first != second
    assert later == [first, second, first]


def test_a_conversation_goes_on_elsewhere_once_and_stays_there():
    async def scenario():
        replies = iter([None, limited(900)])
        async with (
            Upstream(always=by_key(a=lambda _: next(replies, None))) as server,
            pooled(server) as gateway,
        ):
            for _ in range(4):
                await gateway.ask(ANTHROPIC, session("one"))
            return keys(server)

    assert run(scenario()) == ["a", "a", "b", "b", "b"]


SIGNED = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": ANTHROPIC.model,
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 1, "output_tokens": 1},
}


def signed(seen):
    """An answer with a signature that only the account which made it takes."""
    key = key_of(seen)
    found = [
        block["signature"]
        for message in seen.json()["messages"]
        if isinstance(message["content"], list)
        for block in message["content"]
        if block["type"] == "thinking"
    ]
    if any(not signature.startswith(key) for signature in found):
        return ANTHROPIC.refusal(400, "invalid_request_error", "Invalid `signature` in `thinking` block")
    made = f"{key}-{len(found)}-0123456789abcdef"
    content = [{"type": "thinking", "thinking": "Hm.", "signature": made}, {"type": "text", "text": "So."}]
    return json_reply({**SIGNED, "content": content})


@pytest.mark.parametrize("named", [True, False], ids=["a session", "no session"])
def test_signatures_go_to_nobody_but_the_account_that_made_them(named):
    out = iter([False, False, True, True])
    said = [{"role": "user", "content": "Think."}]
    heads = (session("one"),) if named else ()

    async def scenario():
        replies = by_key(a=lambda seen: limited(900) if next(out, True) else signed(seen), b=signed)
        async with Upstream(always=replies) as server, pooled(server) as gateway:
            answers = []
            for turn in range(5):
                body = {"model": ANTHROPIC.model, "max_tokens": 9, "messages": said}
                answers.append(await gateway.post("/v1/messages", body, *ANTHROPIC.headers, *heads))
                said.append({"role": "assistant", "content": answers[-1].json()["content"]})
                said.append({"role": "user", "content": f"Go on {turn}."})
            return answers, keys(server)

    answers, asked = run(scenario())

    assert [answer.status for answer in answers] == [200] * 5
    assert asked == ["a", "a", "a", "b", "b", "b"]
    assert [answer.header("x-pointsman-form") for answer in answers] == ["relay"] * 2 + ["translate"] * 3
    assert "dropped" in answers[2].header("x-pointsman-losses")


def test_fifty_requests_at_once_spread_over_the_accounts():
    async def scenario():
        async with Upstream(always=by_key()) as server, pooled(server) as gateway:
            await asyncio.gather(*(gateway.ask(ANTHROPIC, session(f"s{n}")) for n in range(50)))
            return keys(server)

    asked = run(scenario())

    assert abs(asked.count("a") - asked.count("b")) <= 2


def test_the_fallback_answers_where_the_backend_cannot_and_is_named():
    async def scenario():
        async with (
            Upstream(always=by_key(a=limited(900), b=limited(900))) as server,
            Upstream(always=CHAT.whole()) as other,
            pooled(
                server, settings=f'fallbacks = ["openai_chat:{CHAT.model}"]', openai_chat=other
            ) as gateway,
        ):
            answer = await gateway.ask(ANTHROPIC)
            return answer, len(other.requests)

    answer, asked = run(scenario())

    assert ANTHROPIC.text(answer) == "Hello there"
    assert asked == 1
    assert answer.header("x-pointsman-backend") == "openai_chat"
    assert answer.header("x-pointsman-model") == CHAT.model
    assert answer.header("x-pointsman-route") == "fallback"


def test_a_fallback_that_cannot_do_it_is_skipped_and_the_first_failure_told():
    tools = [{"name": "now", "input_schema": {"type": "object"}}]

    async def scenario():
        async with (
            Upstream(always=by_key(a=limited(900), b=limited(900))) as server,
            Upstream(always=CHAT.whole()) as other,
            pooled(
                server,
                settings=f'fallbacks = ["openai_chat:{CHAT.model}"]',
                openai_chat=other,
                backend="traits = { tools = false }",
            ) as gateway,
        ):
            answer = await gateway.ask(ANTHROPIC, tools=tools)
            return answer, len(other.requests)

    answer, asked = run(scenario())

    assert (answer.status, asked) == (429, 0)
    assert answer.header("x-pointsman-backend") == "anthropic"


def test_a_busy_account_makes_its_next_request_wait_for_it():
    accounts = ACCOUNTS + "max_in_flight = 1\n" + '[backends.anthropic.accounts.c]\nkey_env = "KEY_C"\n'
    accounts = accounts.replace('key_env = "KEY_A"', 'key_env = "KEY_A"\nmax_in_flight = 1')
    accounts = accounts.replace('key_env = "KEY_C"', 'key_env = "KEY_C"\nmax_in_flight = 1')

    async def scenario():
        gate = Gate()

        def held(seen):
            return sse(*ANTHROPIC.frames[:1], gate, *ANTHROPIC.frames[1:])

        replies = by_key(a=held, b=held, c=held)
        async with Upstream(always=replies) as server, pooled(server, accounts=accounts) as gateway:
            asking = [gateway.ask(ANTHROPIC, session(f"s{n}"), stream=True) for n in range(12)]
            answers = asyncio.gather(*asking)
            await eventually(lambda: (len(gateway.parts.pool.queue), len(keys(server))) == (9, 3))
            under_way = keys(server)
            gate.open()
            return under_way, [ANTHROPIC.text(answer) for answer in await answers]

    under_way, texts = run(scenario())

    assert sorted(under_way) == ["a", "b", "c"]
    assert texts == ["Hello there"] * 12


def test_a_restart_forgets_neither_cool_downs_nor_conversations():
    async def scenario():
        async with Upstream(always=by_key(a=limited(900))) as server:
            async with pooled(server) as gateway:
                await gateway.ask(ANTHROPIC, session("one"))
            async with pooled(server) as gateway:
                await gateway.ask(ANTHROPIC, session("two"))
                await gateway.ask(ANTHROPIC, session("one"))
            return keys(server)

    assert run(scenario()) == ["a", "b", "b", "b"]


def test_problem_11_opaque_state_of_one_backend_goes_to_no_other_of_the_same_api():
    def table(name, server):
        lines = ('provider = "anthropic"', f'base_url = "{server.url}"', f'models = ["m-{name}"]')
        return "\n".join((f"[backends.{name}]", *lines, f'key_env = "KEY_{name.upper()}"\n'))

    async def scenario():
        said = [{"role": "user", "content": "Think."}]
        async with (
            Upstream(always=signed) as one,
            Upstream(always=signed) as two,
            rig(settings=table("a", one) + table("b", two), environment=KEYS) as gateway,
        ):
            forms = []
            for name in ("a", "b", "a", "b"):
                body = {"model": f"m-{name}", "max_tokens": 9, "messages": said}
                answer = await gateway.post("/v1/messages", body, *ANTHROPIC.headers, session("one"))
                forms.append((answer.status, answer.header("x-pointsman-form")))
                said.append({"role": "assistant", "content": answer.json()["content"]})
                said.append({"role": "user", "content": "Go on."})
            return forms

    assert run(scenario()) == [(200, "relay"), (200, "translate"), (200, "translate"), (200, "translate")]


def test_the_accounts_page_says_where_each_stands_and_why():
    limits = (
        ("anthropic-ratelimit-unified-status", "allowed"),
        ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
        ("anthropic-ratelimit-unified-5h-utilization", "0.25"),
        ("anthropic-ratelimit-unified-5h-reset", "4102444800"),
        ("anthropic-ratelimit-unified-overage-status", "rejected"),
    )

    async def scenario():
        replies = by_key(a=limited(900), b=ANTHROPIC.whole(*limits))
        accounts = ACCOUNTS + '[backends.anthropic.accounts.c]\nkey_env = "NO_SUCH_KEY"\n'
        async with Upstream(always=replies) as server, pooled(server, accounts=accounts) as gateway:
            await gateway.ask(ANTHROPIC, session("one"))
            page = (await gateway.get("/accounts")).json()
            told = (await gateway.get(f"/explain?model={ANTHROPIC.model}")).json()
            return page, told, json.dumps([page, told])

    page, told, everything = run(scenario())

    (backend,) = page["backends"]
    first, second, third = backend["accounts"]
    assert (first["account"], first["status"]) == ("default", "cooling")
    assert 895 <= first["cooling"][ANTHROPIC.model]["until"] - time.time() <= 901
    assert (second["status"], second["headroom"], second["bound"], second["claim"]) == (
        "free",
        0.75,
        1,
        "five_hour",
    )
    assert second["windows"][0]["name"] == "five_hour"
    assert second["overage"] == "rejected"
    assert (third["status"], third["key"]) == ("no key", "missing")
    (candidate,) = told["next"]
    states = [(each["account"], each["status"], each["next"]) for each in candidate["accounts"]]
    assert states[0] == ("default", "cooling", False)
    assert sum(serves for _, _, serves in states) == 1
    assert not any(key in everything for key in KEYS.values())


def test_with_fallbacks_the_429_names_the_earliest_reset_of_all():
    async def scenario():
        fallback = f'fallbacks = ["openai_chat:{CHAT.model}"]\nqueue_timeout = 1'
        out = CHAT.refusal(429, "rate_limit_error", "Too many", (("retry-after", "200"),))
        async with (
            Upstream(always=by_key(a=limited(300), b=limited(400))) as server,
            Upstream(always=out) as other,
            pooled(server, settings=fallback, openai_chat=other) as gateway,
        ):
            return [await gateway.ask(ANTHROPIC) for _ in range(2)]

    for answer in run(scenario()):
        assert answer.status == 429
        assert 195 <= int(answer.header("retry-after")) <= 200
    assert f"openai_chat:{CHAT.model}" in ANTHROPIC.error(answer)["message"]


def test_a_budget_of_requests_spreads_them_over_the_minute():
    accounts = '[backends.anthropic.accounts.default]\nkey_env = "KEY_A"\nrequests_per_minute = 2\n'

    async def scenario():
        async with Upstream(always=by_key()) as server, pooled(server, accounts=accounts) as gateway:
            waited = gateway.hurry()
            answers = [await gateway.ask(ANTHROPIC) for _ in range(4)]
            return [answer.status for answer in answers], sum(waited)

    statuses, waited = run(scenario())

    assert statuses == [200] * 4
    assert 59 <= waited <= 65


def test_paced_requests_keep_their_distance():
    accounts = '[backends.anthropic.accounts.default]\nkey_env = "KEY_A"\n'

    async def scenario():
        settings = "pace_min = 5.0\npace_jitter = 2.0"
        async with (
            Upstream(always=by_key()) as server,
            pooled(server, accounts=accounts, settings=settings) as gateway,
        ):
            waited = gateway.hurry()
            for _ in range(3):
                await gateway.ask(ANTHROPIC)
            return sum(waited)

    assert 9.9 <= run(scenario()) <= 14.1


def test_a_backend_that_keeps_failing_is_left_alone_and_asked_again_by_one():
    async def scenario():
        async with rig(settings=backend_table("anthropic", "http://127.0.0.1:9", "")) as gateway:
            waited = gateway.hurry()
            failed = [await gateway.ask(ANTHROPIC) for _ in range(4)]
            breaker = gateway.parts.pool.roster(gateway.parts.router.snapshot.backends["anthropic"]).breaker
            attempts = breaker.failures
            rested = await gateway.ask(ANTHROPIC)
            waited.append(120)
            after = await gateway.ask(ANTHROPIC)
            return failed, attempts, rested, after, breaker.failures

    failed, attempts, rested, after, later = run(scenario())

    assert {answer.status for answer in failed} <= {502, 503}
    assert rested.status == 503
    assert "ask again in" in ANTHROPIC.error(rested)["message"]
    assert int(rested.header("retry-after")) >= 1
    assert (after.status, later) == (502, attempts + 1)


def test_a_refused_key_is_used_again_once_it_has_changed():
    async def scenario():
        def answer(seen):
            refused = ANTHROPIC.refusal(401, "authentication_error", "revoked")
            return refused if key_of(seen) == "sk-old" else ANTHROPIC.whole()

        environment = {"KEY_A": "sk-old", "KEY_B": "sk-b-canary"}
        async with Upstream(always=answer) as server, pooled(server) as gateway:
            gateway.environment.update(environment)
            await gateway.ask(ANTHROPIC, session("s1"))
            await gateway.ask(ANTHROPIC, session("s2"))
            gateway.app.reload()
            await asyncio.sleep(0)
            await gateway.ask(ANTHROPIC, session("s3"))
            gateway.environment["KEY_A"] = "sk-new"
            gateway.app.reload()
            await eventually(
                lambda: (
                    not gateway.parts.pool.roster(gateway.parts.router.snapshot.backends["anthropic"])
                    .standings["default"]
                    .blocks
                )
            )
            await gateway.ask(ANTHROPIC, session("s4"))
            return [key_of(seen) for seen in server.requests]

    assert run(scenario()) == ["sk-old", "sk-b-canary", "sk-b-canary", "sk-b-canary", "sk-new"]

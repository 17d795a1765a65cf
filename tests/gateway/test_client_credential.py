"""A client's own credential: it goes untouched to the provider that it belongs to, and nowhere else."""

import json
import logging

import pytest
from rig import backend_table, rig
from voices import ANTHROPIC, CHAT, chunk

from pointsman.accounts.brought import bearing, brought
from pointsman.config.shipped import providers
from pointsman.routing.snapshot import Backend
from scripted import Upstream, run, sse

TOKEN = "sk-ant-oat01-canary-77"
OURS = "sk-pointsman-own"
BEARER = ("authorization", f"Bearer {TOKEN}")
API_KEY = ("x-api-key", "sk-ant-api03-canary-78")
LIMITED = (
    ("anthropic-ratelimit-unified-status", "rejected"),
    ("anthropic-ratelimit-unified-5h-utilization", "1.0"),
    ("anthropic-ratelimit-unified-5h-reset", "4102444800"),
    ("retry-after", "900"),
)


MODEL = "claude-opus-5-5"
"""One whose profile refuses much of what older models take."""


def claude(server, lines='credential = "client"'):
    table = backend_table("anthropic", server, f'models = ["{ANTHROPIC.model}"]\n{lines}')
    return table.replace('"anthropic-compatible"', '"anthropic"')


def asked(*fields):
    return [pair for pair in ANTHROPIC.headers if pair[0] not in {"x-api-key", "authorization"}] + list(
        fields
    )


async def ask(gateway, *fields, **members):
    body = ANTHROPIC.request(**members)
    return await gateway.post("/v1/messages", body, *asked(*fields))


@pytest.mark.parametrize("credential", [BEARER, API_KEY], ids=["token", "key"])
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_it_passes_untouched_with_a_relayed_request(credential, stream):
    async def scenario():
        reply = ANTHROPIC.stream() if stream else ANTHROPIC.whole()
        async with Upstream(reply) as server, rig(settings=claude(server)) as gateway:
            answer = await ask(gateway, credential, ("anthropic-beta", "oauth-2025-04-20"), stream=stream)
            return ANTHROPIC.text(answer), answer.header("x-pointsman-account"), server.requests[0]

    text, account, seen = run(scenario())

    assert (text, account) == ("Hello there", "client")
    assert seen.header(credential[0]) == credential[1]
    assert seen.header("anthropic-beta") == "oauth-2025-04-20"
    assert not {"authorization", "x-api-key"} - {credential[0]} & {name for name, _ in seen.headers}


@pytest.mark.parametrize("fields", [(), (("x-api-key", "sk-other"),), (("x-api-key", OURS),)], ids=len)
def test_without_one_of_the_provider_s_nothing_is_sent_and_the_error_says_what_to_do(fields):
    async def scenario():
        async with Upstream() as server, rig(settings=claude(server)) as gateway:
            return await ask(gateway, *fields), server.requests

    answer, requests = run(scenario())

    assert answer.status == 401
    assert "sk-ant-" in ANTHROPIC.error(answer)["message"]
    assert requests == []


def test_our_own_key_stands_beside_it_and_goes_nowhere():
    async def scenario():
        environment = {"POINTSMAN_API_KEY": OURS}
        async with (
            Upstream(ANTHROPIC.whole()) as server,
            rig(settings=claude(server), environment=environment) as gateway,
        ):
            refused = await ask(gateway, BEARER)
            answer = await ask(gateway, BEARER, ("x-pointsman-key", OURS))
            return refused.status, answer.status, server.requests

    refused, status, requests = run(scenario())

    assert (refused, status) == (401, 200)
    (seen,) = requests
    assert OURS not in str(seen.headers)
    assert seen.header("authorization") == BEARER[1]


def test_it_never_goes_to_a_fallback_nor_into_a_log(caplog):
    caplog.set_level(logging.DEBUG)

    async def scenario():
        refusal = ANTHROPIC.refusal(429, "rate_limit_error", f"Too many with {TOKEN}", LIMITED)
        async with (
            Upstream(always=refusal) as server,
            Upstream(CHAT.whole()) as other,
            rig(
                settings=f'fallbacks = ["openai_chat:{CHAT.model}"]\n{claude(server)}', openai_chat=other
            ) as gateway,
        ):
            answer = await ask(gateway, BEARER)
            guest = gateway.parts.pool.guest("anthropic")
            return answer, other.requests, guest

    answer, requests, guest = run(scenario())

    assert ANTHROPIC.text(answer) == "Hello there"
    assert answer.header("x-pointsman-backend") == "openai_chat"
    assert TOKEN not in str([(seen.headers, seen.body) for seen in requests])
    assert [(window.name, window.utilisation) for window in guest.windows] == [("five_hour", 1.0)]
    assert TOKEN not in caplog.text


def test_a_refused_credential_is_told_without_itself():
    async def scenario():
        refusal = ANTHROPIC.refusal(401, "authentication_error", f"invalid {TOKEN}")
        async with Upstream(refusal) as server, rig(settings=claude(server)) as gateway:
            return await ask(gateway, BEARER)

    answer = run(scenario())

    assert answer.status == 401
    assert TOKEN not in answer.body.decode()


@pytest.mark.parametrize("status", [401, 403])
def test_what_the_provider_says_of_it_reaches_its_client_unchanged_and_parks_nobody(status):
    refusal = ANTHROPIC.refusal(status, "authentication_error", "OAuth token has expired.")

    async def scenario():
        async with (
            Upstream(refusal, ANTHROPIC.whole()) as server,
            rig(settings=claude(server)) as gateway,
        ):
            refused = await ask(gateway, BEARER)
            page = (await gateway.get("/accounts")).json()
            return refused, page, await ask(gateway, API_KEY)

    refused, page, served = run(scenario())

    assert (refused.status, refused.body) == (status, refusal.body)
    (account,) = page["backends"][0]["accounts"]
    assert (account["account"], account["status"]) == ("client", "free")
    assert served.status == 200


@pytest.mark.parametrize(
    "members",
    [
        {"temperature": 0.3, "top_k": 5},
        {"thinking": {"type": "adaptive"}, "output_config": {"effort": "max"}},
        {"service_tier": "tomorrow", "tools": [{"name": "a.b", "input_schema": {"type": "object"}}]},
        {"max_tokens": 10_000_000},
    ],
    ids=lambda members: next(iter(members)),
)
def test_no_trait_of_the_model_touches_it(members):
    name = f"anthropic:{MODEL}"

    async def scenario():
        async with Upstream(ANTHROPIC.whole()) as server:
            table = claude(server).replace(ANTHROPIC.model, MODEL)
            async with rig(settings=table) as gateway:
                answer = await ask(gateway, BEARER, **{**members, "model": name})
                return answer.status, answer.header("x-pointsman-form"), server.requests[0]

    status, form, seen = run(scenario())

    assert (status, form) == (200, "relay")
    assert seen.json() == {**ANTHROPIC.request(**members), "model": MODEL}


def test_a_conversation_that_a_fallback_answered_with_thoughts_goes_on_there():
    refusal = ANTHROPIC.refusal(429, "rate_limit_error", "Too many", LIMITED)
    thought = chunk({"reasoning_content": "Hm.", "content": "Hello there"}, finish="stop")
    said = sse(thought, b"data: [DONE]\n\n")

    async def scenario():
        fallback = f'fallbacks = ["openai_chat:{CHAT.model}"]\n'
        async with (
            Upstream(refusal) as server,
            Upstream(said, said) as other,
            rig(settings=fallback + claude(server), openai_chat=other) as gateway,
        ):
            first = await ask(gateway, BEARER)
            turns = [
                {"role": "user", "content": "Hello"},
                {"role": "assistant", "content": first.json()["content"]},
                {"role": "user", "content": "Go on."},
            ]
            second = await ask(gateway, BEARER, messages=turns)
            return first, second, len(server.requests)

    first, second, asked_there = run(scenario())

    assert {block["type"] for block in first.json()["content"]} == {"thinking", "text"}
    assert (second.status, second.header("x-pointsman-backend")) == (200, "openai_chat")
    assert asked_there == 1


def test_a_relayed_fallback_gets_the_request_without_the_credential():
    refusal = ANTHROPIC.refusal(429, "rate_limit_error", "Too many", LIMITED)

    async def scenario():
        async with Upstream(refusal) as server, Upstream(ANTHROPIC.whole()) as other:
            second = claude(other, 'key_env = "SECOND"').replace("[backends.anthropic]", "[backends.second]")
            settings = f'fallbacks = ["second:{ANTHROPIC.model}"]\n{claude(server)}\n{second}'
            async with rig(settings=settings, environment={"SECOND": "sk-second"}) as gateway:
                answer = await ask(gateway, BEARER)
                return answer, server.requests[0], other.requests[0]

    answer, first, second = run(scenario())

    assert (answer.status, answer.header("x-pointsman-form")) == (200, "relay")
    assert first.body == second.body
    assert TOKEN not in str(second.headers)
    assert second.header("x-api-key") == "sk-second"


def test_that_a_login_has_ended_is_told_though_there_is_a_fallback():
    refusal = ANTHROPIC.refusal(401, "authentication_error", "OAuth token has expired.")

    async def scenario():
        fallback = f'fallbacks = ["openai_chat:{CHAT.model}"]\n'
        async with (
            Upstream(refusal) as server,
            Upstream() as other,
            rig(settings=fallback + claude(server), openai_chat=other) as gateway,
        ):
            return await ask(gateway, BEARER), other.requests

    answer, elsewhere = run(scenario())

    assert (answer.status, answer.body) == (401, refusal.body)
    assert elsewhere == []


def test_explain_says_that_requests_bring_their_own():
    async def scenario():
        async with rig(settings=claude("http://127.0.0.1:9")) as gateway:
            return (await gateway.get(f"/explain?model={ANTHROPIC.model}")).json()

    told = run(scenario())

    assert (told["relayed"], told["translated"]) == (["anthropic"], [])
    (account,) = told["next"][0]["accounts"]
    assert (account["account"], account["status"], account["next"]) == ("client", "free", True)
    assert "bring their own credential" in account["why"]


def test_explain_knows_the_provider_that_is_there_for_clients_with_a_credential_alone():
    async def scenario():
        async with rig(discover=True) as gateway:
            told = (await gateway.get("/explain?model=claude-opus-5-5")).json()
            return told, (await gateway.get("/accounts?model=claude-opus-5-5")).json()

    told, page = run(scenario())

    assert (told["found"], told["backend"], told["translated"]) == (True, "anthropic", [])
    assert [each["account"] for each in page["backends"][0]["accounts"]] == ["client"]


def test_a_request_that_would_be_rewritten_is_refused_instead():
    async def scenario():
        table = claude("http://127.0.0.1:9", 'credential = "client"\ndialects = ["openai_chat"]')
        async with rig(settings=table.replace("http://127.0.0.1:9", "http://127.0.0.1:9/v1")) as gateway:
            return await ask(gateway, BEARER)

    answer = run(scenario())

    assert answer.status == 400
    assert "relayed" in ANTHROPIC.error(answer)["message"]


def test_a_key_of_the_backend_s_own_goes_before_it_unless_told_otherwise():
    async def scenario():
        environment = {"K": "sk-ant-own"}
        async with (
            Upstream(always=ANTHROPIC.whole()) as server,
            rig(settings=claude(server, 'key_env = "K"'), environment=environment) as gateway,
        ):
            await ask(gateway, BEARER)
            return server.requests[0].header("x-api-key"), server.requests[0].header("authorization")

    assert run(scenario()) == ("sk-ant-own", None)


def test_nobody_has_to_configure_it_and_those_without_one_see_no_such_backend():
    async def scenario():
        async with rig(discover=True) as gateway:
            router = gateway.parts.router
            bears = bearing((BEARER,), router.snapshot.guests.values())
            plan = router.plan("claude-sonnet-9", bears)
            without = await gateway.post("/v1/messages", {**ANTHROPIC.request(), "model": "claude-sonnet-9"})
            return plan.candidates[0].backend, without

    backend, without = run(scenario())

    assert (backend.name, backend.credential) == ("anthropic", "client")
    assert backend.bases["anthropic"] == "https://api.anthropic.com"
    assert without.status == 404
    assert "ANTHROPIC_API_KEY" in json.dumps(without.json())


@pytest.mark.parametrize(
    ("base", "credential", "passes"),
    [
        ("https://api.anthropic.com", None, True),
        ("https://api.anthropic.com", "client", True),
        ("https://api.anthropic.com", "own", False),
        ("https://proxy.example", None, False),
        ("https://proxy.example", "client", False),
        ("https://api.anthropic.com.evil.example", "client", False),
        ("http://127.0.0.1:9", "client", True),
        ("http://127.0.0.1:9", None, False),
    ],
)
def test_it_goes_to_no_host_but_its_own(base, credential, passes):
    row = providers()["anthropic"]
    backend = Backend("a", row, {"anthropic": base}, "a test", credential=credential)

    assert (brought((BEARER,), backend, "anthropic", None) is not None) is passes
    assert brought((BEARER,), backend, "anthropic", TOKEN) is None
    assert TOKEN not in repr(brought((BEARER,), backend, "anthropic", None))

"""Records: what every exchange leaves in the ledger, however it ends."""

import json
import sqlite3

import pytest
from recorded import hours, recorded
from rig import eventually, rig
from voices import ANTHROPIC, CHAT, EVERY_PAIR, GEMINI, RESPONSES, VOICES, chunk

from scripted import HANG, Upstream, run, sse

STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
EVERY = pytest.mark.parametrize("voice", VOICES.values(), ids=lambda voice: voice.name)
PRICED = '[prices."*"]\ninput = 2.0\noutput = 10.0\n'


@EVERY_PAIR
@STREAMED
def test_every_pair_leaves_one_record_with_its_tokens_and_its_end(client, upstream, stream):
    async def scenario():
        reply = upstream.stream() if stream else upstream.whole((upstream.id_field, "req_theirs"))
        async with (
            Upstream(reply) as server,
            rig(settings=PRICED, **{upstream.name: server}) as gateway,
        ):
            answer = await gateway.ask(client, backend=upstream.name, stream=stream)
            (row,) = await recorded(gateway)

            assert row["request_id"] == answer.header("x-pointsman-request-id")
            assert (row["method"], row["status"], row["error"]) == ("POST", 200, None)
            assert (row["dialect"], row["upstream_dialect"]) == (client.name, upstream.name)
            assert (row["model"], row["backend"], row["account"]) == (
                upstream.model,
                upstream.name,
                "default",
            )
            assert (row["input"], row["output"]) == (9, 4)
            assert row["cost"] == 9 * 2_000 + 4 * 10_000
            assert (row["stop"], row["stream"], row["estimated"]) == ("end", stream, False)
            assert (row["form"], row["bucket"]) == ("relay" if client is upstream else "translate", "api")
            assert 0 < row["first_byte"] <= row["duration"] < 60
            assert row["attempts"] == "committed"
            assert stream or row["upstream_id"] == "req_theirs"
            (hour,) = await hours(gateway)
            assert (hour["requests"], hour["errors"], hour["cost"], hour["unpriced"]) == (
                1,
                0,
                row["cost"],
                0,
            )

    run(scenario())


@EVERY
def test_a_refusal_is_recorded_with_the_provider_s_word(voice):
    async def scenario():
        refusal = voice.refusal(400, "invalid_request_error", "no")
        async with Upstream(refusal) as server, rig(**{voice.name: server}) as gateway:
            await gateway.ask(voice)
            (row,) = await recorded(gateway)

            assert row["status"] == 400
            assert row["error"]
            assert row["attempts"] == "refused 400"
            assert (row["input"], row["output"], row["cost"]) == (None, None, None)

    run(scenario())


def test_a_failover_is_one_record_that_names_every_attempt():
    async def scenario():
        accounts = 'key_env = "FIRST"\n[backends.openai_chat.accounts.second]\nkey_env = "SECOND"\n'
        keys = {"FIRST": "sk-1", "SECOND": "sk-2"}
        limited = CHAT.refusal(429, "rate_limit_error", "slow down", (("retry-after", "3600"),))
        async with (
            Upstream(limited, CHAT.whole()) as server,
            rig(openai_chat=server, backend=accounts, environment=keys) as gateway,
        ):
            await gateway.ask(CHAT)
            (row,) = await recorded(gateway)

            assert row["attempts"].count("refused 429") == 1
            assert row["attempts"].endswith("committed")
            assert (row["status"], row["error"]) == (200, None)

    run(scenario())


@EVERY
def test_whoever_leaves_leaves_a_record(voice):
    async def scenario():
        cut = sse(*voice.frames[: voice.content + 2], HANG)
        async with Upstream(cut) as server, rig(**{voice.name: server}) as gateway:
            async with gateway.asking(voice, stream=True) as call:
                await call.until(b"Hello")
            (row,) = await recorded(gateway)

            assert (row["status"], row["error"]) == (200, "client_gone")

    run(scenario())


def test_a_request_that_is_not_let_in_names_the_field_that_was_looked_at_and_not_its_value():
    async def scenario():
        environment = {"POINTSMAN_API_KEY": "pm-the-main-key"}
        async with Upstream() as server, rig(openai_chat=server, environment=environment) as gateway:
            body = CHAT.request()
            await gateway.post(CHAT.path, body, ("authorization", "Bearer sk-canary-wrong"))
            await gateway.post(CHAT.path, body)
            await gateway.post(CHAT.path, body, ("origin", "https://evil.example"))
            rows = await recorded(gateway)

            assert [row["reject"] for row in rows] == ["authorization", "no key header", "origin"]
            assert [row["status"] for row in rows] == [401, 401, 403]
            assert "canary" not in json.dumps(rows)

    run(scenario())


def test_pages_and_unknown_paths_leave_no_record():
    async def scenario():
        async with Upstream() as server, rig(openai_chat=server) as gateway:
            for path in ("/health", "/status", "/v1/models", "/nothing"):
                await gateway.get(path)

            assert await recorded(gateway) == []

    run(scenario())


@pytest.mark.parametrize(
    "body", [b"{", b'{"model":1}', json.dumps({"model": "nobody:x", "messages": []}).encode()]
)
def test_what_nobody_could_answer_leaves_a_record_without_a_backend(body):
    async def scenario():
        async with Upstream() as server, rig(openai_chat=server) as gateway:
            answer = await gateway.post(CHAT.path, body)
            (row,) = await recorded(gateway)

            assert row["status"] == answer.status
            assert row["error"] == answer.json()["error"]["code"]
            assert (row["backend"], row["bucket"], row["dialect"]) == (None, "unknown", CHAT.name)

    run(scenario())


def test_an_answer_without_counts_is_estimated_high_and_marked():
    async def scenario():
        words = "word " * 300
        frames = [
            chunk({"role": "assistant", "content": words}),
            chunk({}, finish="stop"),
            b"data: [DONE]\n\n",
        ]
        async with Upstream(sse(*frames)) as server, rig(settings=PRICED, openai_chat=server) as gateway:
            await gateway.ask(CHAT, stream=True)
            (row,) = await recorded(gateway)

            assert row["estimated"]
            assert 300 <= row["output"] <= 600
            assert row["input"] > 9
            assert row["cost"] > 0

    run(scenario())


def test_the_client_is_told_by_what_it_sends():
    async def scenario():
        async with Upstream(always=ANTHROPIC.whole()) as server, rig(anthropic=server) as gateway:
            await gateway.ask(ANTHROPIC, ("user-agent", "claude-cli/2.1.0 (external, cli)"))
            await gateway.ask(ANTHROPIC, ("user-agent", "nobody/1"))
            rows = await recorded(gateway)

            assert [row["client"] for row in rows] == ["claude-code", "unknown"]

    run(scenario())


INCLUDED = "seven_day_overage_included"
BUCKETS = {
    "five_hour": "subscription",
    "seven_day": "subscription",
    INCLUDED: "subscription",
    "five_hour_fallback": "subscription_fallback",
    "overage": "extra_usage",
    "something_new": "unknown",
}
PLAN = '[backends.plan]\nprovider = "anthropic"\nbase_url = "{}"\nkey_env = "K"\nmodels = ["claude-x"]\n'


def told(claim):
    """The head of an answer that counts against a limit."""
    unified = "anthropic-ratelimit-unified-"
    return (
        (f"{unified}status", "allowed"),
        (f"{unified}representative-claim", claim),
        (f"{unified}5h-utilization", "0.42"),
        (f"{unified}5h-reset", "4102444800"),
    )


def test_limits_are_recorded_with_the_claim_and_what_it_was_billed_to():
    async def scenario():
        replies = [ANTHROPIC.whole(*told(claim)) for claim in BUCKETS]
        environment = {"K": "sk-ant-x"}
        async with (
            Upstream(*replies) as server,
            rig(settings=PLAN.format(server.url), environment=environment) as gateway,
        ):
            body = {**ANTHROPIC.request(), "model": "plan:claude-x"}
            for _ in BUCKETS:
                await gateway.post(ANTHROPIC.path, body, *ANTHROPIC.headers)
            rows = await recorded(gateway)

            assert {row["claim"]: row["bucket"] for row in rows} == BUCKETS
            assert json.loads(rows[0]["windows"])["five_hour"]["used"] == 0.42
            assert json.loads(rows[0]["windows"])["five_hour"]["resets"] > rows[0]["at"]

    run(scenario())


def test_a_file_that_cannot_be_written_disturbs_no_answer_and_is_told(home):
    (home / "data" / "ledger.db").mkdir(parents=True)

    async def scenario():
        async with Upstream(always=RESPONSES.whole()) as server, rig(openai_responses=server) as gateway:
            answer = await gateway.ask(RESPONSES)
            await gateway.settled()
            await eventually(lambda: gateway.app.service.ledger.dropped)
            status = (await gateway.get("/status")).json()

            assert answer.status == 200
            assert any("ledger.db" in warning for warning in status["warnings"])

    run(scenario())


def test_a_broken_file_is_set_aside_and_the_ledger_goes_on(home):
    (home / "data").mkdir(parents=True)
    (home / "data" / "ledger.db").write_bytes(b"no database" * 1000)

    async def scenario():
        async with Upstream(always=GEMINI.whole()) as server, rig(gemini=server) as gateway:
            await gateway.ask(GEMINI)
            rows = await recorded(gateway)

            assert len(rows) == 1
            assert gateway.app.service.ledger.database.set_aside.read_bytes().startswith(b"no database")

    run(scenario())


def test_a_newer_file_is_left_alone_and_told(home):
    (home / "data").mkdir(parents=True)
    _newer(home / "data" / "ledger.db")
    before = (home / "data" / "ledger.db").read_bytes()

    async def scenario():
        async with Upstream(always=CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            ledger = gateway.app.service.ledger
            answer = await gateway.ask(CHAT)
            await eventually(lambda: ledger.dropped)

            assert answer.status == 200
            assert ledger.database.path.read_bytes() == before
            assert any("newer pointsman" in warning for warning in ledger.warnings())

    run(scenario())


def _newer(path):
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 999")
    connection.commit()
    connection.close()

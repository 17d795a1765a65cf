"""What the ledger makes of counts that are none, of answers without an end, and of files that are in use."""

import asyncio
import sqlite3
from contextlib import closing
from math import ceil

import pytest
from recorded import hours, recorded
from rig import eventually, rig
from voices import ANTHROPIC, CHAT, VOICES

from pointsman.ledger import ledger as module
from scripted import HANG, RESET, Upstream, json_reply, run, sse

EVERY = pytest.mark.parametrize("voice", VOICES.values(), ids=lambda voice: voice.name)
COUNTS = {
    "anthropic": ("usage", "output_tokens"),
    "openai_chat": ("usage", "completion_tokens"),
    "openai_responses": ("usage", "output_tokens"),
    "gemini": ("usageMetadata", "candidatesTokenCount"),
}


def counting(voice, count):
    """A whole answer with another count of its output."""
    usage, name = COUNTS[voice.name]
    return json_reply({**voice.answer, usage: {**voice.answer[usage], name: count}})


async def usage(gateway, **asked):
    query = "&".join(f"{name}={value}" for name, value in asked.items())
    return (await gateway.get(f"/usage?{query}")).json()


@EVERY
@pytest.mark.parametrize("count", [10**30, 9 * 10**18, 9 * 10**15, -5, 1e30])
def test_a_count_that_cannot_be_true_is_none_and_the_ledger_goes_on(voice, count):
    async def scenario():
        async with (
            Upstream(always=counting(voice, count)) as server,
            rig(**{voice.name: server}) as gateway,
        ):
            for _ in range(3):
                await gateway.ask(voice)
            rows = await recorded(gateway)
            told = await usage(gateway, by="session")

            assert len(rows) == 3
            assert all(row["estimated"] and 0 < row["output"] < 1000 for row in rows)
            assert 0 < told["total"]["output_tokens"] < 3000

    run(scenario())


@EVERY
def test_a_count_that_is_written_as_a_fraction_counts(voice):
    async def scenario():
        async with Upstream(counting(voice, 12.0)) as server, rig(**{voice.name: server}) as gateway:
            await gateway.ask(voice)
            (row,) = await recorded(gateway)

            assert (row["output"] + (row["reasoning"] or 0), row["estimated"]) == (12, 0)

    run(scenario())


def text(words):
    """An answer of Anthropic's up to a text, whose first frame says that it has one token."""
    frames = list(ANTHROPIC.frames[: ANTHROPIC.content])
    delta = ANTHROPIC.frames[ANTHROPIC.content + 1].replace(b"Hello", words.encode())
    return [*frames, ANTHROPIC.frames[ANTHROPIC.content], delta]


@pytest.mark.parametrize("end", [HANG, RESET], ids=["its client leaves", "it breaks"])
def test_an_answer_without_an_end_counts_what_was_said(end):
    async def scenario():
        words = "Hello " * 100
        async with Upstream(sse(*text(words), end)) as server, rig(anthropic=server) as gateway:
            async with gateway.asking(ANTHROPIC, stream=True) as call:
                await call.until(words.strip()[-20:].encode())
            (row,) = await recorded(gateway)

            assert row["estimated"] == 1
            assert row["output"] == ceil(len(words) / 3)
            assert row["input"] == 9

    run(scenario())


UNPRICED = (
    '[backends.plan]\nprovider = "anthropic"\nbase_url = "{}"\nkey_env = "K"\nmodels = ["nobodys-model"]\n'
)


def test_an_answer_of_an_unknown_claim_and_price_is_not_taken_for_free():
    async def scenario():
        told = (
            ("anthropic-ratelimit-unified-status", "allowed"),
            ("anthropic-ratelimit-unified-representative-claim", "never_heard_of"),
        )
        async with (
            Upstream(ANTHROPIC.whole(*told)) as server,
            rig(settings=UNPRICED.format(server.url), environment={"K": "sk-ant-x"}) as gateway,
        ):
            body = {**ANTHROPIC.request(), "model": "plan:nobodys-model"}
            await gateway.post(ANTHROPIC.path, body, *ANTHROPIC.headers)
            (row,) = await recorded(gateway)
            found = await usage(gateway)
            since = await usage(gateway, since="1h")

            assert (row["bucket"], row["cost"]) == ("unknown", None)
            assert found["total"]["cost"] is None
            assert [each["unpriced"] for each in (*found["rows"], *since["rows"])] == [1, 1]

    run(scenario())


def test_no_model_answered_where_nobody_could_be_asked():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            await gateway.ask(CHAT)
            (row,) = await recorded(gateway)

            assert (row["asked"], row["model"]) == (CHAT.named(), None)

    run(scenario())


def test_names_that_clients_make_up_do_not_grow_the_sums():
    async def scenario():
        missing = CHAT.refusal(404, "model_not_found", "there is no such model")
        async with (
            Upstream(*[missing] * 30, always=CHAT.whole()) as server,
            rig(openai_chat=server) as gateway,
        ):
            for number in range(30):
                await gateway.ask(CHAT, model=f"openai_chat:made-up-{number}")
            await gateway.ask(CHAT)
            rows, sums = await recorded(gateway), await hours(gateway)

            assert {row["model"] for row in rows[:-1]} == {f"made-up-{number}" for number in range(30)}
            assert {each["model"]: each["requests"] for each in sums} == {"other": 30, CHAT.model: 1}

    run(scenario())


def test_a_post_to_nowhere_leaves_a_record_and_so_does_the_wrong_method():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            await gateway.post("/v1/zzz", {})
            await gateway.get(CHAT.path)
            rows = await recorded(gateway)

            told = [(row["method"], row["path"], row["status"], row["bucket"]) for row in rows]
            assert told == [("POST", "/v1/zzz", 404, "unknown"), ("GET", CHAT.path, 404, "unknown")]

    run(scenario())


def test_pages_are_read_while_another_process_writes(monkeypatch):
    monkeypatch.setattr(module, "PATIENCE", 0.05)

    async def scenario():
        async with Upstream(always=CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            await gateway.ask(CHAT)
            await recorded(gateway)
            path = gateway.app.service.ledger.database.path
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await gateway.ask(CHAT)
                await eventually(lambda: not gateway.app.service.ledger.waiting)
                pages = [await gateway.get("/analytics"), await gateway.get("/usage")]
                other.execute("ROLLBACK")
            after = await recorded(gateway)

            assert [page.status for page in pages] == [200, 200]
            assert [page.json()["total"]["requests"] for page in pages] == [1, 1]
            assert len(after) == 2

    run(scenario())


def test_a_file_that_is_broken_within_is_found_and_set_aside():
    async def scenario():
        async with Upstream(always=CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            database = gateway.app.service.ledger.database
            for _ in range(40):
                await gateway.ask(CHAT)
            await recorded(gateway)
            await asyncio.to_thread(database.close)
            whole = database.path.read_bytes()
            database.path.write_bytes(whole[:4096] + b"\xff" * (len(whole) - 4096))
            await asyncio.to_thread(database.check)
            await gateway.ask(CHAT)
            rows = await recorded(gateway)

            assert len(rows) == 1
            assert database.set_aside.read_bytes()[:16] == whole[:16]
            assert any("was broken" in warning for warning in database.warnings())
            await asyncio.to_thread(database.check)
            assert await recorded(gateway) == rows

    run(scenario())

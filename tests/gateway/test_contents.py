"""Bodies in the ledger: only where the user wants them, each turn once, and without keys."""

import asyncio

import pytest
from recorded import recorded
from rig import rig
from voices import ANTHROPIC, CHAT, EVERY_PAIR, VOICES

from pointsman.ledger.contents import Bounds, Kept, read, tidy, write
from pointsman.ledger.schema import MIGRATIONS
from pointsman.store.database import Database
from scripted import Upstream, run

KEPT = "record_content = true"
STREAMED = pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])


async def contents(gateway):
    """The content of every exchange, in order."""
    rows = await recorded(gateway)
    ledger = gateway.app.service.ledger
    return [
        await ledger.database.ask(lambda connection, name=row["request_id"]: read(connection, name))
        for row in rows
    ]


async def sizes(gateway):
    return await gateway.app.service.ledger.database.ask(
        lambda connection: connection.execute("SELECT COUNT(*), SUM(size) FROM pieces").fetchone()
    )


@EVERY_PAIR
@STREAMED
def test_what_was_sent_and_what_came_back_is_kept(client, upstream, stream):
    async def scenario():
        reply = upstream.stream() if stream else upstream.whole()
        async with Upstream(reply) as server, rig(settings=KEPT, **{upstream.name: server}) as gateway:
            answer = await gateway.ask(client, backend=upstream.name, stream=stream)
            (content,) = await contents(gateway)

            assert content["request"] == client.request(upstream.name, stream=stream)
            assert content["answer"] == answer.body.decode()

    run(scenario())


def test_nothing_is_kept_unless_it_is_wanted():
    async def scenario():
        async with Upstream(CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            await gateway.ask(CHAT, messages=[{"role": "user", "content": "a word like xylophone"}])

            assert await contents(gateway) == [None]
            await asyncio.to_thread(gateway.app.service.ledger.database.close)
            data = gateway.app.paths.data
            assert all(b"xylophone" not in each.read_bytes() for each in data.iterdir() if each.is_file())

    run(scenario())


def test_the_history_that_an_agent_repeats_is_kept_once():
    async def scenario():
        async with (
            Upstream(always=ANTHROPIC.whole()) as server,
            rig(settings=KEPT, anthropic=server) as gateway,
        ):
            history = []
            for turn in range(20):
                history += [
                    {"role": "user", "content": f"{turn} " + "question " * 500},
                    {"role": "assistant", "content": f"{turn} " + "answer " * 500},
                ]
                asked = [*history[:-1]]
                await gateway.ask(ANTHROPIC, messages=asked)
            found = await contents(gateway)
            count, _ = await sizes(gateway)

            assert found[-1]["request"]["messages"] == history[:-1]
            assert found[0]["request"]["messages"] == history[:1]
            assert count <= 39 + 1

    run(scenario())


@pytest.mark.parametrize("voice", VOICES.values(), ids=lambda voice: voice.name)
def test_a_key_in_a_body_is_not_kept(voice):
    async def scenario():
        key = "sk-canary-0123456789"
        refusal = voice.refusal(400, "invalid_request_error", f"not with {key}")
        keys = 'key_env = "THEIRS"'
        environment = {"THEIRS": key, "POINTSMAN_API_KEY": "pm-canary-main-key"}
        async with (
            Upstream(refusal) as server,
            rig(settings=KEPT, backend=keys, environment=environment, **{voice.name: server}) as gateway,
        ):
            own = ("x-pointsman-key", "pm-canary-main-key")
            await gateway.ask(voice, own, metadata={"note": f"{key} pm-canary-main-key"})
            (content,) = await contents(gateway)

            assert "canary" not in str(content)
            assert "not with" in content["answer"]

    run(scenario())


def test_what_is_old_or_too_much_goes_the_least_used_first(tmp_path):
    async def scenario():
        database = Database(tmp_path / "ledger.db", MIGRATIONS)
        for at in range(10):
            pieces = {bytes([at]) * 16: b"x" * 100, b"shared".ljust(16): b"y" * 100}
            database.give(
                lambda connection, at=at, pieces=pieces: write(
                    connection, Kept(f"r{at}", at * 86_400.0, b"{}", bytes([at]) * 16, pieces)
                )
            )
        now = 9 * 86_400.0

        def left(connection, bounds):
            tidy(connection, bounds, now)
            return [row[0] for row in connection.execute("SELECT digest FROM pieces ORDER BY used, number")]

        shared = b"shared".ljust(16)
        by_age = await database.ask(lambda connection: left(connection, Bounds(days=5.5)))
        assert set(by_age) == {*(bytes([at]) * 16 for at in range(4, 10)), shared}
        by_size = await database.ask(lambda connection: left(connection, Bounds(days=99, size=250)))
        assert len(by_size) == 2
        assert shared in by_size
        await asyncio.to_thread(database.close)

    run(scenario())

"""Bodies in the ledger: only where the user wants them, each turn once, and without keys."""

import asyncio
import gzip
import random

import pytest
from recorded import recorded
from rig import rig
from voices import ANTHROPIC, CHAT, EVERY_PAIR, VOICES

from pointsman.ledger.content import Content
from pointsman.ledger.contents import Bounds, Kept, cut, read, tidy, write
from pointsman.ledger.ledger import WEIGH_AT
from pointsman.ledger.schema import MIGRATIONS
from pointsman.store.database import Database
from pointsman.wire.json import decode_object, encode
from scripted import Reply, Upstream, run

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
                    connection, Kept(f"r{at}", at * 86_400.0, {}, bytes([at]) * 16, pieces)
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


def talk(turns):
    """What a conversation sends, turn by turn."""
    said = [{"role": "user", "content": f"{turn} " + "word " * 40} for turn in range(turns)]
    return [encode({"messages": said[: turn + 1]}) for turn in range(turns)]


def keep(database, requests, *, ended=lambda _: None):
    for at, request in enumerate(requests):
        content = Content(request)
        content.note(b"an answer")
        kept = cut(f"r{at}", float(at), content, lambda data: data)
        database.give(lambda connection, kept=kept: write(connection, kept), ended=ended)


async def taken(database):
    """Bytes of all tables, as they are in the file."""
    sizes = (
        "SELECT SUM(LENGTH(digest) + LENGTH(data)) FROM pieces",
        "SELECT SUM(LENGTH(request)) FROM contents",
    )
    return [
        await database.ask(lambda connection, asked=asked: connection.execute(asked).fetchone()[0] or 0)
        for asked in sizes
    ]


def test_a_long_conversation_takes_little_more_than_its_last_request(tmp_path):
    async def scenario():
        database = Database(tmp_path / "ledger.db", MIGRATIONS)
        requests = talk(300)
        keep(database, requests)
        pieces, lists = await taken(database)
        last = await database.ask(lambda connection: read(connection, "r299"))

        assert last["request"] == decode_object(requests[-1])
        assert pieces < len(requests[-1])
        assert lists < 300 * 100
        await asyncio.to_thread(database.close)

    run(scenario())


def test_conversations_that_go_on_at_the_same_time_are_told_apart_and_found_again(tmp_path):
    async def scenario():
        database = Database(tmp_path / "ledger.db", MIGRATIONS)
        one, other = talk(20), [request.replace(b"word", b"tale") for request in talk(20)]
        requests = [each for pair in zip(one, other, strict=True) for each in pair]
        keep(database, requests)
        found = [
            await database.ask(lambda connection, at=at: read(connection, f"r{at}"))
            for at in range(len(requests))
        ]

        assert [each["request"] for each in found] == [decode_object(each) for each in requests]
        assert {each["answer"] for each in found} == {"an answer"}
        await asyncio.to_thread(database.close)

    run(scenario())


def test_all_that_is_kept_counts_for_the_bound_and_what_is_left_is_whole(tmp_path):
    async def scenario():
        database = Database(tmp_path / "ledger.db", MIGRATIONS)
        requests = [encode({"messages": [f"{at} " + "x" * 80, "the same" * 20]}) for at in range(3000)]
        keep(database, requests)
        bounds = Bounds(days=99, size=60_000)
        while await database.ask(lambda connection: tidy(connection, bounds, 5000.0)):
            pass
        left = await database.ask(
            lambda connection: [row[0] for row in connection.execute("SELECT request_id FROM contents")]
        )
        found = {
            name: await database.ask(lambda connection, name=name: read(connection, name)) for name in left
        }

        assert 30_000 < sum(await taken(database)) <= 60_000
        assert "r2999" in found
        assert all(found[name]["request"] == decode_object(requests[int(name[1:])]) for name in found)
        await asyncio.to_thread(database.close)

    run(scenario())


def test_an_endpoint_keeps_to_the_bound_while_it_runs():
    async def scenario():
        settings = f'{KEPT}\ncontent_size = "200 KB"'
        async with (
            Upstream(always=CHAT.whole()) as server,
            rig(settings=settings, openai_chat=server) as gateway,
        ):
            for number in range(60):
                text = random.Random(number).randbytes(8000).hex()
                await gateway.ask(CHAT, messages=[{"role": "user", "content": text}])
            await recorded(gateway)

            assert sum(await taken(gateway.app.service.ledger.database)) <= 200_000 * (1 + WEIGH_AT)

    run(scenario())


def test_a_key_in_a_compressed_answer_is_not_kept():
    async def scenario():
        key = "sk-canary-0123456789"
        body = encode({"choices": [{"message": {"content": f"not {key}"}, "index": 0}], "id": "x"})
        head = (("content-type", "application/json"), ("content-encoding", "gzip"))
        reply = Reply(200, head, gzip.compress(body))
        keys, environment = 'key_env = "THEIRS"', {"THEIRS": key}
        async with (
            Upstream(reply) as server,
            rig(settings=KEPT, backend=keys, environment=environment, openai_chat=server) as gateway,
        ):
            await gateway.ask(CHAT, ("accept-encoding", "gzip"))
            (content,) = await contents(gateway)

            assert decode_object(content["answer"].encode())["choices"][0]["message"]["content"] == "not …"

    run(scenario())


def test_what_a_client_sent_as_its_own_key_stands_nowhere(caplog):
    async def scenario():
        key = "customerkey-ZZZ-999-abc"
        own = ("authorization", f"Bearer {key}")
        async with Upstream(CHAT.whole()) as server, rig(settings=KEPT, openai_chat=server) as gateway:
            await gateway.ask(CHAT, own, messages=[{"role": "user", "content": f"mine is {key}"}])
            await gateway.ask(CHAT, own, model=key)
            rows, found = await recorded(gateway), await contents(gateway)

            assert key not in str(rows) + str(found)
            assert found[0]["request"]["messages"][0]["content"] == "mine is …"

    run(scenario())


def test_bodies_stay_for_their_time_though_no_more_are_kept():
    async def scenario():
        async with Upstream(always=CHAT.whole()) as server:
            async with rig(settings=KEPT, openai_chat=server) as gateway:
                await gateway.ask(CHAT)
                await recorded(gateway)
            async with rig(openai_chat=server) as gateway:
                await gateway.ask(CHAT)
                first, second = await contents(gateway)

                assert (first["request"]["model"], second) == (CHAT.named(), None)

    run(scenario())

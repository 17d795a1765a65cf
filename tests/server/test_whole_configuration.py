"""A running endpoint follows its configuration, and survives a broken one."""

import asyncio
import os
import socket
from functools import partial

import pytest
from msgspec import structs
from rig import backend_table, eventually, rig, write_config
from voices import ANTHROPIC, CHAT

from pointsman import Gateway
from pointsman import app as composition
from pointsman.upstream.catalogs import Catalogs, Rhythm
from scripted import Gate, Upstream, json_reply, run, sse


def chat_only(upstream, extra=""):
    return extra + backend_table("openai_chat", upstream, 'models = ["gpt-x"]')


def test_an_edited_file_takes_effect_without_a_restart(monkeypatch):
    async def scenario():
        monkeypatch.setattr(composition, "WATCH_EVERY", 0.02)
        async with Upstream(always=CHAT.whole()) as server, rig(anthropic="http://127.0.0.1:9") as gateway:
            before = await gateway.ask(CHAT)
            write_config(chat_only(server))
            await eventually(lambda: "openai_chat" in gateway.parts.router.snapshot.backends)
            after = await gateway.ask(CHAT)
            names = [entry["name"] for entry in (await gateway.get("/status")).json()["backends"]]

            assert (before.status, after.status) == (404, 200)
            assert names == ["openai_chat", "embedded"]

    run(scenario())


def test_an_edit_while_the_endpoint_starts_takes_effect_too(monkeypatch):
    async def scenario():
        monkeypatch.setattr(composition, "WATCH_EVERY", 0.02)
        gateway = Gateway(port=0, discover=False)
        write_config(backend_table("openai_chat", "http://127.0.0.1:9", 'models = ["gpt-x"]'))
        async with gateway:
            await eventually(lambda: "openai_chat" in gateway.app.service.parts.router.snapshot.backends)

            assert "openai_chat" in [each["name"] for each in gateway.status()["backends"]]

    run(scenario())


def test_the_file_is_looked_at_often_enough_for_two_seconds():
    assert composition.WATCH_EVERY < 2


def test_a_reload_that_is_asked_for_is_done_when_it_is_answered():
    async def scenario():
        async with Upstream(always=CHAT.whole()) as server, rig() as gateway:
            write_config(chat_only(server, 'max_body = "1 KB"\naliases = { fast = "gpt-x" }\n'))
            told = await gateway.post("/reload", b"{}")
            answer = await gateway.ask(CHAT, model="fast")
            large = await gateway.ask(CHAT, messages=[{"role": "user", "content": "x" * 2000}])

            assert told.json() == {"reloaded": True, "error": None}
            assert answer.status == 200
            assert large.status == 413

    run(scenario())


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("port = [", "TOML"),
        ("prot = 5", "port"),
        ('[backends.x]\nprovider = "nobody"', "nobody"),
        ('default = "nowhere"', "nowhere"),
        ('[backends.x]\nprovider = "openai-compatible"', "base_url"),
    ],
)
@pytest.mark.parametrize("way", ["watched", "asked"])
def test_a_broken_edit_keeps_the_old_configuration_and_says_so(text, word, way, monkeypatch, caplog):
    async def scenario():
        if way == "watched":
            monkeypatch.setattr(composition, "WATCH_EVERY", 0.02)
        async with Upstream(always=CHAT.whole()) as server, rig(openai_chat=server) as gateway:
            write_config(text)
            if way == "asked":
                told = (await gateway.post("/reload", b"{}")).json()
                assert not told["reloaded"]
                assert word in told["error"]
            await eventually(lambda: gateway.gateway.status()["warnings"])
            warnings = (await gateway.get("/status")).json()["warnings"]

            assert any(word in warning for warning in warnings)
            await gateway.post("/reload", b"{}")
            assert sum(word in message for message in caplog.messages) == 1
            assert (await gateway.ask(CHAT)).status == 200

            write_config(chat_only(server))
            await gateway.post("/reload", b"{}")
            assert (await gateway.get("/status")).json()["warnings"] == []

    run(scenario())


def test_what_holds_from_the_start_alone_is_told_and_stays():
    async def scenario():
        async with rig() as gateway:
            url = gateway.gateway.url
            write_config('port = 4000\nhost = "127.0.0.5"\nsecrets = "file"\n')
            told = (await gateway.post("/reload", b"{}")).json()
            warnings = (await gateway.get("/status")).json()["warnings"]

            assert told["reloaded"]
            assert [text.split()[0] for text in warnings] == [
                "`host`",
                "`secrets`",
            ]  # the port is a flag here
            assert "from the next start" in warnings[0]
            assert gateway.gateway.url == url

    run(scenario())


def test_a_server_model_that_leads_nowhere_is_told_until_a_backend_lists_it():
    async def scenario():
        async with Upstream(always=listing("gpt-z")) as server, rig(model="gpt-z") as gateway:
            (warning,) = gateway.gateway.status()["warnings"]
            refusal = await gateway.ask(CHAT)
            write_config(backend_table("openai_chat", server, ""))
            await gateway.post("/reload", b"{}")
            await eventually(lambda: gateway.gateway.status()["warnings"] == [])
            return warning, refusal.status

    warning, status = run(scenario())

    assert "--model gpt-z" in warning
    assert "pointsman backend add" in warning
    assert status == 404


def test_a_default_that_goes_away_is_told_with_what_holds_instead():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", settings='default = "openai_chat"') as gateway:
            write_config('default = "openai_chat"\n')
            told = (await gateway.post("/reload", b"{}")).json()

            assert not told["reloaded"]
            assert "no backend here" in told["error"]
            assert "stays in force" in told["error"]

    run(scenario())


def listing(name):
    return json_reply({"object": "list", "data": [{"id": name, "object": "model"}]})


def listed(gateway):
    return [model.id for model in gateway.parts.router.snapshot.catalogs.get("openai_chat", ())]


@pytest.mark.parametrize(("provider", "id"), [("vllm", "models/x"), ("google", "x")])
def test_a_folder_called_models_is_part_of_a_listed_id_unless_the_provider_means_none(provider, id):
    def answer(seen):
        return listing("models/x") if seen.method == "GET" else CHAT.whole()

    async def scenario():
        async with Upstream(always=answer) as server, rig() as gateway:
            write_config(
                f'[backends.openai_chat]\nprovider = "{provider}"\nbase_url = "{server.url}/v1"\n'
                'key_env = "HOME"\ndialects = ["openai_chat"]\n'
            )
            await gateway.post("/reload", b"{}")
            await eventually(lambda: listed(gateway) == [id])
            served = await gateway.ask(CHAT, model=id)

            assert served.status == 200
            assert server.requests[-1].json()["model"] == id

    run(scenario())


def test_a_backend_that_moves_is_asked_for_its_models_at_once():
    async def scenario():
        async with (
            Upstream(always=listing("here-1")) as here,
            Upstream(always=listing("there-1")) as there,
            rig() as gateway,
        ):
            write_config(backend_table("openai_chat", here, ""))
            await gateway.post("/reload", b"{}")
            await eventually(lambda: listed(gateway) == ["here-1"])
            write_config(backend_table("openai_chat", there, ""))
            await gateway.post("/reload", b"{}")

            assert listed(gateway) == []
            await eventually(lambda: listed(gateway) == ["there-1"])

    run(scenario())


def test_a_backend_that_is_the_endpoint_itself_lists_nothing_and_says_why():
    async def scenario():
        async with rig() as gateway:
            write_config(backend_table("openai_chat", f"http://127.0.0.1:{gateway.port}", ""))
            await gateway.post("/reload", b"{}")

            def told():
                return gateway.gateway.backends()[0]["list_error"]

            await eventually(told)
            return told(), listed(gateway), len((await gateway.get("/v1/models")).json()["data"])

    error, names, shown = run(scenario())

    assert "508" in error
    assert "leads back to" in error
    assert names == []
    assert shown == 2  # the embedded model's two names


def test_a_reload_asks_those_again_that_did_not_list_their_models():
    async def scenario():
        refusal = json_reply({"error": {"message": "no such key"}}, 401)
        async with Upstream(refusal, always=listing("gpt-z")) as server, rig() as gateway:
            write_config(backend_table("openai_chat", server, ""))
            await gateway.post("/reload", b"{}")
            await eventually(lambda: server.requests and server.requests[0].finished.is_set())
            await gateway.post("/reload", b"{}")

            async with asyncio.timeout(3):  # by itself it would wait longer
                await eventually(lambda: listed(gateway) == ["gpt-z"])
            return len(server.requests)

    assert run(scenario()) == 2


def test_a_model_that_nobody_has_listed_has_the_lists_asked_for_again(monkeypatch):
    hasty = partial(Catalogs, rhythm=Rhythm(at_most_every=0.0))
    monkeypatch.setattr(composition, "Catalogs", hasty)

    async def scenario():
        async with Upstream(listing("gpt-a"), always=listing("gpt-new")) as server, rig() as gateway:
            write_config(backend_table("openai_chat", server, ""))
            await gateway.post("/reload", b"{}")
            await eventually(lambda: listed(gateway) == ["gpt-a"])
            answer = await gateway.ask(CHAT, model="gpt-new")

            assert answer.status == 404
            await eventually(lambda: listed(gateway) == ["gpt-new"])

    run(scenario())


def test_a_request_under_way_ends_as_it_began_when_its_backend_goes_away():
    async def scenario():
        gate = Gate()
        frames = ANTHROPIC.frames
        async with Upstream(sse(*frames[:5], gate, *frames[5:])) as server, rig(anthropic=server) as gateway:
            async with gateway.asking(ANTHROPIC, stream=True) as call:
                await call.until(b"Hello")
                write_config("")
                await gateway.post("/reload", b"{}")
                gate.open()
                answer = await call.rest()

            assert answer.whole
            assert (await gateway.ask(ANTHROPIC)).status == 404

    run(scenario())


def test_the_library_tells_its_address_status_and_backends():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            library = gateway.gateway

            assert library.url == f"http://localhost:{gateway.port}"
            assert library.status()["address"] == library.url
            assert [backend["name"] for backend in library.backends()] == ["openai_chat", "embedded"]
            assert callable(library.asgi)

    run(scenario())


def test_a_job_that_fails_is_told_of_and_takes_no_other_along(monkeypatch, caplog):
    monkeypatch.setattr(composition, "WATCH_EVERY", 0.02)

    async def broken(_):
        raise ValueError("a fault of ours")

    async def scenario():
        monkeypatch.setattr(Catalogs, "run", broken)
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            warnings = (await gateway.get("/status")).json()["warnings"]
            write_config('aliases = { fast = "gpt-x" }')
            await eventually(lambda: gateway.parts.router.snapshot.aliases)

            assert warnings == ["models are listed no longer, for a fault of pointsman's own: restart it"]

    run(scenario())

    assert "a fault of ours" in caplog.text


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as free:
        return free.getsockname()[1]


def test_a_model_server_that_starts_later_is_found_and_stays_when_it_goes(monkeypatch):
    monkeypatch.setattr(composition, "LOOK_EVERY", 0.02)
    rows, port, clock = composition.providers(), free_port(), Upstream(always=json_reply({}, 404))
    known = {"ollama": port, "lmstudio": 0, "embedded": None}

    def usual(name):
        ports = () if known[name] is None else (known[name],)
        return structs.replace(rows[name], ports=ports)

    async def scenario():
        async with clock:  # another program's server: each look knocks at it
            known["lmstudio"] = clock.port
            monkeypatch.setattr(composition, "providers", lambda: {name: usual(name) for name in known})
            async with Gateway(environment={**os.environ}) as gateway:
                seen = [gateway.backends()]
                async with Upstream(always=listing("qwen3:8b"), port=port) as server:
                    await eventually(lambda: len(gateway.backends()) == 2)
                    seen.append(gateway.backends())
                    looks = len(clock.requests)
                    await eventually(lambda: len(clock.requests) > looks + 3)
                looks = len(clock.requests)
                await eventually(lambda: len(clock.requests) > looks + 3)
                return [*seen, gateway.backends()], len(server.requests)

    (before, found, after), asked = run(scenario())

    assert [each["name"] for each in before] == ["embedded"]
    assert [each["name"] for each in found] == [each["name"] for each in after] == ["ollama", "embedded"]
    assert (found[0]["why"], found[0]["models"]) == (f"listens on 127.0.0.1:{port}", 1)
    assert asked == 2  # a knock, and the list of a new backend


def test_a_backend_that_went_away_before_it_was_asked_lists_nothing():
    async def scenario():
        async with rig() as gateway:
            assert await gateway.app._surveyor.models("gone") == ()

    run(scenario())


def test_an_endpoint_that_has_ended_has_closed_its_port():
    async def scenario():
        async with rig() as gateway:
            port = gateway.port
        with pytest.raises(ConnectionError):
            await asyncio.open_connection("127.0.0.1", port)

    run(scenario())

"""Outbound connections go to configured backends only, and their certificates are checked."""

import socket

import pytest
from rig import rig
from voices import ANTHROPIC, CHAT, SAME

from scripted import Upstream, run


@pytest.fixture
def connections(monkeypatch):
    """Every address that this process connects to or looks up."""
    seen = []
    connect, look_up = socket.socket.connect, socket.getaddrinfo

    def watched(self, address):
        seen.append(address[:2] if isinstance(address, tuple) else address)
        return connect(self, address)

    def watched_look_up(host, *rest, **named):
        seen.append((host, "name"))
        return look_up(host, *rest, **named)

    class Watched(socket.socket):
        connect = watched

    monkeypatch.setattr(socket, "socket", Watched)
    monkeypatch.setattr(socket, "getaddrinfo", watched_look_up)
    return seen


def test_problem_30_nothing_phones_home(connections):
    async def scenario():
        async with (
            Upstream(always=ANTHROPIC.whole()) as theirs,
            Upstream(always=CHAT.stream()) as other,
            rig(anthropic=theirs, openai_chat=other) as gateway,
        ):
            for path in ("/", "/status", "/v1/models", "/health", "/explain/claude-x"):
                await gateway.get(path)
            await gateway.ask(ANTHROPIC)
            await gateway.ask(ANTHROPIC, backend="openai_chat", stream=True)
            await gateway.ask(CHAT, model="gpt-nobody")
            await gateway.post("/reload", b"{}")
            backends = {("127.0.0.1", theirs.port), ("127.0.0.1", other.port)}

            assert len(theirs.requests) == len(other.requests) == 1
            named = {address for address in connections if address[1] != "name"}
            names = {host for host, kind in connections if kind == "name"}
            assert named - {("127.0.0.1", gateway.port)} <= backends
            assert names <= {"127.0.0.1", "::1", "localhost"}

    run(scenario())


@SAME
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_certificate_that_does_not_verify_is_a_502_that_says_so(voice, stream, tmp_path):
    async def scenario():
        from certificates import Authority

        tls = Authority(tmp_path).server()
        async with Upstream(voice.whole(), tls=tls) as server, rig(**{voice.name: server}) as gateway:
            gateway.hurry()
            answer = await gateway.ask(voice, stream=stream)

            assert answer.status == 502
            assert "certificate" in voice.error(answer)["message"]
            assert "ca_file" in voice.error(answer)["message"]
            assert not server.requests
            assert (await gateway.get("/health")).status == 200

    run(scenario())


@SAME
def test_an_authority_that_the_user_names_is_trusted(voice, tmp_path):
    async def scenario():
        from certificates import Authority

        authority = Authority(tmp_path)
        lines = f'ca_file = "{authority.ca_file}"'
        async with (
            Upstream(voice.whole(), tls=authority.server()) as server,
            rig(**{voice.name: server}, backend=lines) as gateway,
        ):
            assert voice.text(await gateway.ask(voice)) == "Hello there"

    run(scenario())


@SAME
def test_the_host_of_an_upstream_never_comes_from_a_request(voice):
    async def scenario():
        fields = (("x-forwarded-host", "evil.example"), ("forwarded", "host=evil.example"))
        async with Upstream(voice.whole()) as server, rig(**{voice.name: server}) as gateway:
            answer = await gateway.ask(
                voice, *fields, base_url="http://evil.example", api_base="http://evil.example"
            )

            assert answer.status == 200
            assert server.requests[0].header("host") == server.url.removeprefix("http://")

    run(scenario())


def test_configured_fields_travel_with_each_request():
    async def scenario():
        lines = 'headers = { x-team = "blue", user-agent = "ours/1" }'
        async with Upstream(CHAT.whole()) as server, rig(openai_chat=server, backend=lines) as gateway:
            await gateway.ask(CHAT, ("user-agent", "theirs/2"))

            assert server.requests[0].header("x-team") == "blue"
            assert server.requests[0].header("user-agent") == "ours/1"

    run(scenario())

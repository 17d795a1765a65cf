"""Problem 31: who may come in, by Host, Origin and key, on every route."""

import os

import pytest
from bytes_client import calling
from rig import rig
from voices import CHAT, SAME

from pointsman import Gateway
from pointsman.canon.errors import SetupError
from scripted import Upstream, run

KEY = {"POINTSMAN_API_KEY": "s3cret-key"}
ROUTES = (
    ("GET", "/"),
    ("HEAD", "/"),
    ("GET", "/status"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/gpt-x"),
    ("GET", "/explain/gpt-x"),
    ("POST", "/reload"),
    ("POST", "/v1/chat/completions"),
    ("POST", "/v1/messages"),
    ("GET", "/v1/nowhere"),
)


@pytest.mark.parametrize(
    "field",
    [("authorization", "Bearer s3cret-key"), ("x-api-key", "s3cret-key"), ("x-goog-api-key", "s3cret-key")],
)
@SAME
def test_the_key_is_taken_in_any_of_three_fields(voice, field):
    async def scenario():
        async with (
            Upstream(voice.whole()) as upstream,
            rig(**{voice.name: upstream}, environment=KEY) as gateway,
        ):
            answer = await gateway.post(voice.path, voice.request(), field)

            assert answer.status == 200
            assert "s3cret-key" not in str(upstream.requests[0].headers)

    run(scenario())


@pytest.mark.parametrize(("method", "path"), ROUTES)
@pytest.mark.parametrize(
    "fields",
    [(), (("authorization", "Bearer wrong"),), (("x-api-key", ""),), (("x-api-key", "s3cret-key2"),)],
    ids=["none", "wrong", "empty", "longer"],
)
def test_without_the_key_every_path_is_a_401(method, path, fields):
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", environment=KEY) as gateway:
            answer = await gateway.send(method, path, fields)

            assert answer.status == 401
            if method != "HEAD":
                assert "POINTSMAN_API_KEY" in answer.json()["error"]["message"]
                assert "s3cret" not in answer.body.decode()

    run(scenario())


@SAME
def test_a_wrong_key_is_told_in_the_dialect(voice):
    async def scenario():
        async with rig(**{voice.name: "http://127.0.0.1:9"}, environment=KEY) as gateway:
            answer = await gateway.ask(voice)

            assert answer.status == 401
            assert voice.error(answer)["type"] == "authentication_error"

    run(scenario())


def test_health_is_open_to_everybody():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", environment=KEY) as gateway:
            answer = await gateway.get("/health")

            assert answer.status == 200
            assert answer.json()["status"] == "ok"

    run(scenario())


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_problem_31_a_bind_that_lets_others_in_is_refused_without_a_key(host):
    with pytest.raises(SetupError, match="POINTSMAN_API_KEY"):
        Gateway(host=host, discover=False)


def test_a_bind_that_lets_others_in_works_with_a_key():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9", environment=KEY, host="0.0.0.0") as gateway:
            assert (await gateway.get("/status")).status == 401
            assert (await gateway.get("/status", ("x-api-key", "s3cret-key"))).status == 200

    run(scenario())


GOOD_HOSTS = (
    "localhost",
    "localhost:3456",
    "127.0.0.1",
    "127.0.0.1:99",
    "[::1]:3456",
    "192.168.1.7",
    "my.localhost",
    "LOCALHOST",
    "localhost.:3456",
)
BAD_HOSTS = (
    "evil.example",
    "evil.example:3456",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "",
    ":3456",
    "localhost:80:evil.example",
    "[::1",
)


@pytest.mark.parametrize("host", GOOD_HOSTS)
def test_problem_31_names_of_this_machine_and_addresses_may_be_called(host):
    async def scenario():
        async with rig() as gateway:
            assert (await gateway.get("/health", ("host", host))).status == 200

    run(scenario())


@pytest.mark.parametrize("host", BAD_HOSTS)
def test_problem_31_another_name_is_dns_rebinding_and_refused_on_every_path(host):
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            for method, path in (*ROUTES, ("GET", "/health"), ("OPTIONS", "/v1/messages")):
                answer = await gateway.send(method, path, (("host", host),))

                assert answer.status == 403
                if method != "HEAD":
                    assert "allowed_hosts" in answer.json()["error"]["message"]

    run(scenario())


def test_a_bind_to_an_ipv6_address_lets_no_nameless_host_in():
    async def scenario():
        async with Gateway(discover=False, host="::1") as gateway:
            raw = b"GET /health HTTP/1.1\r\nHost: \r\n\r\n"
            async with calling(gateway.port, raw, host="::1") as call:
                assert (await call.rest()).status == 403

    run(scenario())


def test_a_key_that_no_header_can_carry_is_refused_without_being_shown():
    with pytest.raises(SetupError, match="POINTSMAN_API_KEY holds a character") as refused:
        Gateway(environment={**os.environ, "POINTSMAN_API_KEY": "ключ"})

    assert "ключ" not in str(refused.value)


def test_a_host_that_the_user_allows_may_be_called():
    async def scenario():
        async with rig(settings='allowed_hosts = ["gw.example"]') as gateway:
            assert (await gateway.get("/health", ("host", "GW.example:3456"))).status == 200

    run(scenario())


BAD_ORIGINS = (
    "https://evil.example",
    "null",
    "http://localhost.evil.example",
    "file://",
    "https://127.0.0.1.nip.io",
    "http://[bad",
    "",
)


@pytest.mark.parametrize("origin", BAD_ORIGINS)
def test_problem_31_a_page_of_another_site_is_refused_on_every_path(origin):
    async def scenario():
        async with Upstream(CHAT.whole()) as upstream, rig(openai_chat=upstream) as gateway:
            for method, path in (*ROUTES, ("GET", "/health"), ("OPTIONS", "/v1/messages")):
                answer = await gateway.send(method, path, (("origin", origin),))

                assert answer.status == 403
                assert answer.header("access-control-allow-origin") is None
                if method != "HEAD":
                    assert "allowed_origins" in answer.json()["error"]["message"]
            assert not upstream.requests

    run(scenario())


@pytest.mark.parametrize(("origin", "word"), [("null", "names no site"), ("https://a.example", "add it to")])
def test_only_what_can_be_allowed_is_advised(origin, word):
    async def scenario():
        async with rig() as gateway:
            answer = await gateway.get("/health", ("origin", origin))

            assert word in answer.json()["error"]["message"]

    run(scenario())


@pytest.mark.parametrize(
    "origin", ["http://localhost:5173", "http://127.0.0.1:8080", "http://[::1]:1", "https://app.example"]
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "streamed"])
def test_a_page_of_an_allowed_origin_may_read_the_answer_and_no_other(origin, stream):
    async def scenario():
        reply = CHAT.stream(headers=(("access-control-allow-origin", "*"),))
        if not stream:
            reply = CHAT.whole(("access-control-allow-origin", "*"))
        settings = 'allowed_origins = ["https://app.example"]'
        async with Upstream(reply) as upstream, rig(openai_chat=upstream, settings=settings) as gateway:
            answer = await gateway.ask(CHAT, ("origin", origin), stream=stream)

            assert answer.status == 200
            assert answer.all("access-control-allow-origin") == [origin]
            assert "origin" in answer.header("vary")
            assert upstream.requests[0].header("origin") is None

    run(scenario())


def test_problem_31_a_preflight_is_answered_without_a_key_and_never_with_a_star():
    async def scenario():
        fields = (
            ("origin", "http://localhost:5173"),
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "authorization, content-type, x-stainless-lang"),
            ("access-control-request-private-network", "true"),
        )
        async with rig(openai_chat="http://127.0.0.1:9", environment=KEY) as gateway:
            answer = await gateway.send("OPTIONS", "/v1/chat/completions", fields)

            assert answer.status == 204
            # Twice the same one is to a browser a wrong one.
            assert answer.all("access-control-allow-origin") == ["http://localhost:5173"]
            assert answer.header("access-control-allow-headers") == fields[2][1]
            assert "POST" in answer.header("access-control-allow-methods")
            assert answer.header("access-control-allow-private-network") == "true"
            assert "*" not in str(answer.headers)

    run(scenario())


def test_an_error_may_be_read_by_an_allowed_page_too():
    async def scenario():
        async with rig(openai_chat="http://127.0.0.1:9") as gateway:
            answer = await gateway.post(CHAT.path, b"broken", ("origin", "http://localhost:1"))

            assert (answer.status, answer.all("access-control-allow-origin")) == (400, ["http://localhost:1"])

    run(scenario())


def test_two_hosts_in_one_request_are_a_bad_request():
    async def scenario():
        async with rig() as gateway:
            answer = await gateway.send("GET", "/health", (("host", "localhost"), ("host", "evil.example")))

            assert answer.status == 400
            assert "two hosts" in answer.json()["error"]["message"]

    run(scenario())


UPGRADE = (
    ("connection", "Upgrade"),
    ("upgrade", "websocket"),
    ("sec-websocket-version", "13"),
    ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ("openai-beta", "responses_websockets=2026-02-06"),
)


@pytest.mark.parametrize(
    ("fields", "status"),
    [((), 101), ((("origin", "https://evil.example"),), 403), ((("host", "evil.example"),), 403)],
)
def test_a_websocket_upgrade_is_checked_like_any_request(fields, status):
    async def scenario():
        async with rig() as gateway, gateway.call("GET", "/v1/responses", (*UPGRADE, *fields)) as call:
            answer = await call.head()

            assert answer.status == status
            assert status == 101 or (await call.rest()).json()["error"]["message"]

    run(scenario())


def test_a_websocket_upgrade_without_the_key_is_a_401():
    async def scenario():
        async with rig(environment=KEY) as gateway:
            assert (await gateway.send("GET", "/v1/responses", UPGRADE)).status == 401

    run(scenario())


def test_both_loopback_addresses_answer_and_no_other():
    async def scenario():
        async with rig() as gateway:
            for host in ("127.0.0.1", "::1"):
                raw = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
                async with calling(gateway.port, raw, host=host) as call:
                    assert (await call.rest()).status == 200
            assert gateway.gateway.addresses == {"127.0.0.1", "::1"}

    run(scenario())

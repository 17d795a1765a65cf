"""Servers on this machine are found by what they answer."""

import asyncio
import socket

import pytest

from pointsman.upstream.discovery import Probe, find_neighbours
from pointsman.upstream.fake import FakeReply, FakeTransport
from pointsman.upstream.http import HttpTransport
from scripted import Gate, Reply, Upstream, json_reply, run

LIST = json_reply({"object": "list", "data": [{"id": "qwen3:8b"}]})


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


async def look(*probes, patience=5.0):
    transport = HttpTransport()
    try:
        return await find_neighbours(transport, probes, patience)
    finally:
        await transport.close()


def found(reply, **kwargs):
    async def scenario():
        async with Upstream(always=reply, **kwargs) as upstream:
            return await look(Probe("some-server", upstream.port)), upstream

    return run(scenario())


def test_a_server_that_lists_its_models_is_found():
    (neighbour,), upstream = found(LIST)

    assert neighbour.provider == "some-server"
    assert neighbour.root == upstream.url
    assert [model.id for model in neighbour.models] == ["qwen3:8b"]
    assert [seen.target for seen in upstream.requests] == ["/v1/models"]
    assert upstream.requests[0].header("authorization") is None


@pytest.mark.skipif(not has_ipv6(), reason="no IPv6 on this machine")
def test_a_server_on_ipv6_alone_is_found():
    (neighbour,), upstream = found(LIST, host="::1")

    assert neighbour.root == f"http://[::1]:{upstream.port}"


def test_a_server_without_models_is_found():
    (neighbour,), _ = found(json_reply({"object": "list", "data": None}))

    assert neighbour.models == ()


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, (("content-type", "text/html"),), b"<html>It works!</html>"),
        json_reply({"status": "ok"}),
        json_reply({"data": []}),
        json_reply([]),
        json_reply({"error": "not found"}, status=404),
        json_reply({"object": "list", "data": [{"id": "m"}]}, status=401),
        Reply(302, (("location", "/login"),)),
        Reply(before=[b"SSH-2.0-OpenSSH_9.2\r\n\r\n"]),
        json_reply({"object": "list", "data": [{"id": "m"}]}, headers=[("x-pointsman-request-id", "req_1")]),
    ],
    ids=["html", "json", "no mark", "bare", "404", "401", "redirect", "ssh", "another pointsman"],
)
def test_an_unrelated_server_does_not_count(reply):
    neighbours, _ = found(reply)

    assert neighbours == ()


def test_nobody_there_is_no_error():
    async def scenario():
        async with Upstream() as upstream:
            port = upstream.port
        return await look(Probe("some-server", port))

    assert run(scenario()) == ()


def test_all_ports_are_asked_at_once_and_found_in_order():
    async def scenario():
        gate = Gate()
        slow = Reply(before=[gate], headers=LIST.headers, body=LIST.body)
        async with Upstream(always=slow) as first, Upstream(always=LIST) as second:
            looking = asyncio.ensure_future(look(Probe("first", first.port), Probe("second", second.port)))
            await second.request()
            gate.open()
            return await looking

    assert [neighbour.provider for neighbour in run(scenario())] == ["first", "second"]


def test_a_server_that_never_answers_holds_nobody_up():
    async def scenario():
        async with Upstream(always=Reply(before=[Gate()])) as stuck, Upstream(always=LIST) as good:
            return await look(Probe("stuck", stuck.port), Probe("good", good.port), patience=0.5)

    assert [neighbour.provider for neighbour in run(scenario())] == ["good"]


def test_a_port_counts_once():
    async def scenario():
        async with Upstream(always=LIST) as upstream:
            return await look(Probe("first", upstream.port), Probe("second", upstream.port))

    assert [neighbour.provider for neighbour in run(scenario())] == ["first"]


def test_no_other_machine_is_ever_asked():
    transport = FakeTransport(always=FakeReply(b"{}"))

    run(find_neighbours(transport, [Probe("a", 11434), Probe("b", 8080, "/api/v0/models")]))

    assert {sent.url for sent in transport.sent} == {
        "http://127.0.0.1:11434/v1/models",
        "http://[::1]:11434/v1/models",
        "http://127.0.0.1:8080/api/v0/models",
        "http://[::1]:8080/api/v0/models",
    }
    assert all(sent.proxy is None for sent in transport.sent)

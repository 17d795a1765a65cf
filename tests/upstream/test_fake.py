"""The scripted transport plays its script."""

import asyncio

import pytest

from pointsman.canon.errors import TruncatedError, UnreachableError
from pointsman.upstream.fake import FakeReply, FakeTransport
from pointsman.upstream.transport import Outgoing, Transport
from scripted import run

REQUEST = Outgoing("POST", "http://x/v1", (("a", "b"),), b"{}")


def test_it_plays_replies_in_order_and_keeps_what_was_sent():
    async def scenario():
        transport: Transport = FakeTransport(
            FakeReply(b"one", b"", b"two", headers=[("x", "y")]),
            lambda sent: FakeReply(sent.body, status=201),
        )
        first = await transport.send(REQUEST)
        pieces = [await first.read(), await first.read(), await first.read()]
        await first.close()
        second = await transport.send(REQUEST)
        return transport, pieces, second

    transport, pieces, second = run(scenario())

    assert pieces == [b"one", b"two", b""]
    assert second.status == 201
    assert transport.sent == [REQUEST, REQUEST]
    assert transport.incoming[0].closed.is_set()
    assert transport.incoming[0].read_to_end


def test_a_pause_lasts_until_its_event_and_survives_a_cancelled_read():
    async def scenario():
        event = asyncio.Event()
        incoming = await FakeTransport(FakeReply(event, b"late")).send(REQUEST)
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await incoming.read()
        event.set()
        return await incoming.read()

    assert run(scenario()) == b"late"


def test_errors_come_where_the_script_has_them():
    async def scenario():
        transport = FakeTransport(UnreachableError("down"), FakeReply(b"x", TruncatedError("cut")))
        with pytest.raises(UnreachableError, match="down"):
            await transport.send(REQUEST)
        incoming = await transport.send(REQUEST)
        await incoming.read()
        with pytest.raises(TruncatedError, match="cut"):
            await incoming.read()
        with pytest.raises(UnreachableError, match="no answer to request 3"):
            await transport.send(REQUEST)

    run(scenario())


def test_a_request_given_up_before_its_head_is_counted():
    async def scenario():
        transport = FakeTransport(FakeReply(before=[asyncio.Event()]))
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0):
                await transport.send(REQUEST)
        return transport.cancelled

    assert run(scenario()) == 1

"""A client that shuts down its side once it has asked: it cannot be told from one that has left."""

import pytest
from rig import rig
from voices import SAME

from scripted import Gate, Upstream, run, sse

pytestmark = pytest.mark.usefixtures("either_loop")


@SAME
def test_it_stops_the_upstream_as_one_that_has_left_does(voice):
    async def scenario():
        async with Upstream(sse(Gate())) as server, rig(**{voice.name: server}) as gateway:
            async with gateway.asking(voice, stream=True) as call:
                seen = await server.request()
                call.writer.write_eof()
                await seen.gone.wait()
                await call.reader.read()
            await gateway.settled()
            return len(server.requests)

    assert run(scenario()) == 1


@SAME
def test_where_a_drain_is_wanted_it_gets_its_answer(voice):
    async def scenario():
        gate = Gate()
        settings = "drain_on_close = true"
        async with (
            Upstream(sse(gate, *voice.frames)) as server,
            rig(**{voice.name: server}, settings=settings) as gateway,
            gateway.asking(voice, stream=True) as call,
        ):
            await gate.reached.wait()
            call.writer.write_eof()
            gate.open()
            return await call.reader.read()

    said = run(scenario())

    assert b"Hello" in said
    assert said.endswith(b"\r\n0\r\n\r\n")


def test_an_error_that_is_at_hand_still_arrives():
    async def scenario():
        async with (
            Upstream() as server,
            rig(openai_chat=server) as gateway,
            gateway.call("POST", "/v1/chat/completions", (), b"{") as call,
        ):
            call.writer.write_eof()
            return await call.rest()

    assert run(scenario()).status == 400

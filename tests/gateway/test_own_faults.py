"""A fault of our own is an answer in the dialect, and nothing is left behind by many requests."""

import gc
import gzip

from rig import rig
from voices import EVERY_PAIR, PAIRS, SAME, VOICES

from pointsman.gateway.exchange import Exchange
from pointsman.gateway.line import Line
from pointsman.ledger.trace import Trace
from scripted import HANG, Gate, Reply, Upstream, run, sse


class FaultyTransport:
    """A part with a bug: it fails at the head, or when the body is read for the second time."""

    def __init__(self, inner, *, after):
        self.inner = inner
        self.left = after

    def fail(self):
        self.left -= 1
        if self.left < 0:
            raise RuntimeError("secret details of a bug")

    async def send(self, outgoing):
        self.fail()
        incoming = await self.inner.send(outgoing)
        read = incoming.read

        async def faulty_read():
            self.fail()
            return await read()

        incoming.read = faulty_read
        return incoming

    async def close(self):
        await self.inner.close()


@EVERY_PAIR
def test_a_fault_before_the_head_is_a_500_that_tells_no_detail(client, upstream, caplog):
    async def scenario():
        async with Upstream(upstream.whole()) as server, rig(**{upstream.name: server}) as gateway:
            gateway.parts.transport = FaultyTransport(gateway.parts.transport, after=0)
            answer = await gateway.ask(client, backend=upstream.name, stream=True)
            await gateway.settled()

            assert answer.status == 500
            assert "RuntimeError" in client.error(answer)["message"]
            assert "secret details" not in answer.body.decode()
            assert answer.header("x-pointsman-request-id") in caplog.text
            assert (await gateway.get("/health")).status == 200

    run(scenario())


@EVERY_PAIR
def test_a_fault_in_the_middle_of_a_stream_is_an_error_event(client, upstream):
    async def scenario():
        gate = Gate()
        frames = upstream.frames[: upstream.content + 1]
        async with (
            Upstream(sse(b"".join(frames), gate, *upstream.frames[upstream.content + 1 :])) as server,
            rig(**{upstream.name: server}) as gateway,
        ):
            gateway.parts.transport = FaultyTransport(gateway.parts.transport, after=2)
            answer = await gateway.ask(client, backend=upstream.name, stream=True)

            assert answer.status == 200
            assert not answer.whole
            assert "RuntimeError" in client.stream_error(answer)["message"]

    run(scenario())


@SAME
def test_a_coded_stream_behind_an_early_head_is_an_error_and_no_rubbish(voice):
    async def scenario():
        gate = Gate()
        fields = (("content-type", "text/event-stream"), ("content-encoding", "gzip"))
        packed = gzip.compress(b"".join(voice.frames))
        reply = Reply(200, fields, [packed], before=(gate,), chunked=True)
        async with Upstream(reply) as server, rig(**{voice.name: server}) as gateway:
            gateway.quicken(ping_every=0.03)
            async with gateway.asking(voice, stream=True) as call:
                await call.until(voice.ping)
                gate.open()
                answer = await call.rest()

            assert voice.stream_error(answer)

    run(scenario())


def test_problem_26_nothing_is_left_of_requests_that_ended_however_they_ended():
    async def scenario():
        async with Upstream() as server, rig(**dict.fromkeys(VOICES, server)) as gateway:
            for client, upstream in PAIRS * 5:
                cut = sse(*upstream.frames[: upstream.content + 2], HANG)
                failing = upstream.refusal(400, "invalid_request_error", "no")
                server.then(upstream.whole(), upstream.stream(), failing, cut)
                for stream in (False, True, False):
                    await gateway.ask(client, backend=upstream.name, stream=stream)
                async with gateway.asking(client, backend=upstream.name, stream=True) as call:
                    await call.until(b"Hello")
            await gateway.settled()
            gc.collect()
            left = [each for each in gc.get_objects() if isinstance(each, Line | Trace | Exchange)]

            assert gateway.tally.requests == 20 * len(PAIRS)
            assert len(left) <= 3, "one connection may still hold its last request"

    run(scenario())

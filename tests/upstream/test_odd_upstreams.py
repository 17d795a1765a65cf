"""Upstreams that nobody wishes for: endless trailers, ends without a word; and leaving at any moment."""

import asyncio
import gc
import warnings

import pytest
from certificates import Authority
from lines import get, network, refused_in_an_upload, serving, tunnelling, whole

from pointsman.canon.errors import StaleError, TruncatedError, UnreachableError
from pointsman.upstream.transport import Outgoing
from scripted import CLOSE, HANG, Gate, Reply, Upstream, json_reply, run, run_jumping, sse

pytestmark = pytest.mark.usefixtures("either_loop")

CHUNKED = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2\r\nok\r\n"


def played(*steps):
    """The body of an answer that is sent as it stands."""

    async def scenario():
        async with Upstream(Reply(before=steps)) as upstream, network() as transport:
            return await get(transport, upstream.url)

    return run(scenario())


@pytest.mark.parametrize("coding", [b"identity", b"gzip"])
def test_a_body_whose_end_no_framing_tells_ends_with_the_connection(coding):
    assert played(b"HTTP/1.1 200 OK\r\ntransfer-encoding: " + coding + b"\r\n\r\nall", CLOSE) == b"all"


@pytest.mark.parametrize("begin", [b"0\r\nx: ", b"2;x="], ids=["trailer", "chunk's extension"])
def test_what_follows_a_body_is_bounded(begin):
    with pytest.raises(TruncatedError, match="its header has over"):
        played(CHUNKED + begin, *[b"a" * 65536] * 16, HANG)


def test_an_answer_that_comes_byte_by_byte_is_whole():
    head = b"HTTP/1.1 200 OK\r\nx: " + b"a" * 500 + b"\r\ntransfer-encoding: chunked\r\n\r\n"
    raw = head + b"1\r\na\r\n" * 300 + b"0\r\n\r\n"

    assert played(*(raw[at : at + 1] for at in range(len(raw))), HANG) == b"a" * 300


def kept_and_then(*steps):
    """What comes of a second request on a connection that is kept."""

    async def scenario():
        async with Upstream(json_reply({}), Reply(before=steps)) as upstream, network() as transport:
            await get(transport, upstream.url)
            await get(transport, upstream.url)

    with pytest.raises(UnreachableError) as caught:
        run(scenario())
    return caught.value


def test_a_kept_connection_on_which_an_answer_had_begun_was_not_stale():
    assert isinstance(kept_and_then(CLOSE), StaleError)
    assert not isinstance(kept_and_then(b"HTTP/1.1 20", CLOSE), StaleError)


def test_a_kept_connection_that_ends_after_a_long_wait_has_carried_the_request():
    async def scenario(loop):
        gate = Gate()
        async with Upstream(json_reply({}), Reply(before=[gate, CLOSE])) as upstream, network() as transport:
            await get(transport, upstream.url)
            asking = asyncio.ensure_future(get(transport, upstream.url))
            await gate.reached.wait()
            loop.jump(30)
            gate.open()
            await asyncio.wait([asking])
            return asking.exception()

    error = run_jumping(scenario)

    assert isinstance(error, UnreachableError)
    assert not isinstance(error, StaleError)


def test_an_upstream_that_hangs_up_in_an_upload_is_noticed_at_once():
    def refuse(writer):
        writer.write(b"HTTP/1.0 413 Too Large\r\n\r\nno")
        writer.write_eof()

    assert run(refused_in_an_upload(refuse)) == (413, b"no")


def test_an_upstream_that_ends_before_it_was_asked_is_not_waited_for():
    async def scenario():
        async def ends(reader, writer):
            pass

        async with serving(ends) as port, network() as transport:
            return await get(transport, f"http://127.0.0.1:{port}/", first_byte=15)

    with pytest.raises(UnreachableError, match="closed the connection"):
        run(scenario())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def outgoing(upstream, authority, **fields):
    return Outgoing("POST", f"{upstream.url}/", (), b"{}", ca_file=authority.ca_file, **fields)


def test_a_server_that_ends_in_the_handshake_is_unreachable():
    async def scenario():
        async def ends(reader, writer):
            await reader.read(10)

        async with serving(ends) as port, network() as transport:
            await get(transport, f"https://127.0.0.1:{port}/")

    with pytest.raises(UnreachableError, match="no connection to 127"):
        run(scenario())


def test_an_answer_over_tls_that_breaks_off_is_truncated(authority):
    async def scenario():
        reply = sse(b'{"n":1}', end=[CLOSE])
        async with Upstream(reply, tls=authority.server()) as upstream, network() as transport:
            await whole(await transport.send(outgoing(upstream, authority)))

    with pytest.raises(TruncatedError):
        run(scenario())


def test_tls_goes_through_a_proxy_that_is_spoken_to_over_tls(authority):
    async def scenario():
        requests = []
        async with (
            Upstream(always=json_reply({"ok": 1}), tls=authority.server()) as upstream,
            tunnelling(requests, tls=authority.server()) as proxy,
            network() as transport,
        ):
            sent = outgoing(upstream, authority, proxy=f"https://user:pass@{proxy}")
            return await whole(await transport.send(sent)), len(requests)

    assert run(scenario()) == (b'{"ok": 1}', 1)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_a_proxy_that_wants_other_credentials_is_told_of_without_showing_them(scheme, authority):
    async def scenario():
        refusal = Reply(407, (("proxy-authenticate", "Basic"),), b"no")
        tls = authority.server() if scheme == "https" else None
        async with Upstream(refusal, tls=tls) as proxy, network() as transport:
            url = proxy.url.replace("://", "://user:hidden@")
            request = Outgoing("GET", "https://api.example.com/", (), proxy=url, ca_file=authority.ca_file)
            await transport.send(request)

    with pytest.raises(UnreachableError, match="407") as caught:
        run(scenario())

    assert "hidden" not in caught.value.message


async def cancelled_after(turns, sending):
    for _ in range(turns):
        await asyncio.sleep(0)
    sending.cancel()
    await asyncio.wait([sending])
    if not sending.cancelled() and sending.exception() is None:
        await sending.result().close()


@pytest.mark.parametrize("way", ["plain", "tls", "proxy", "name"])
def test_whenever_a_request_is_cancelled_nothing_of_it_is_left(way, authority):
    async def scenario():
        complaints, gate = [], Gate()
        asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
        tls = None if way in ("plain", "name") else authority.server()
        async with (
            Upstream(always=Reply(before=[gate]), tls=tls) as upstream,
            tunnelling([]) as proxy,
            network() as transport,
        ):
            url = upstream.url.replace("127.0.0.1", "localhost" if way == "name" else "127.0.0.1")
            request = Outgoing(
                "POST",
                url,
                (),
                b"{}",
                proxy=f"http://{proxy}" if way == "proxy" else None,
                ca_file=authority.ca_file,
            )
            for turns in range(80):
                each = (asyncio.ensure_future(transport.send(request)) for _ in range(5))
                leaving = (
                    cancelled_after(turns + 30 * number, sending) for number, sending in enumerate(each)
                )
                await asyncio.gather(*leaving)
            if upstream.open:
                await upstream.idle.wait()
            return transport._open, asyncio.all_tasks() - {asyncio.current_task()}

    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        still_open, tasks = run(scenario())
        gc.collect()

    assert not still_open
    assert way == "proxy" or not tasks

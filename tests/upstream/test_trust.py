"""Certificates: the system's store, a file beside it, and what a person is told when neither vouches."""

import asyncio

import pytest
from certificates import Authority

from pointsman.canon.errors import SetupError, UnreachableError
from pointsman.upstream.http import HttpTransport
from pointsman.upstream.transport import Outgoing
from pointsman.upstream.trust import Trust
from scripted import Upstream, json_reply, run, sse

pytestmark = pytest.mark.usefixtures("either_loop")


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"))


def ask(tls, ca_file=None, reply=None, proxy=None):
    async def scenario():
        transport = HttpTransport()
        async with Upstream(always=reply or json_reply({"ok": True}), tls=tls) as upstream:
            try:
                url = f"https://127.0.0.1:{upstream.port}/v1/models"
                incoming = await transport.send(Outgoing("GET", url, (), ca_file=ca_file, proxy=proxy))
                body = await incoming.read()
                await incoming.close()
                return body
            finally:
                await transport.close()

    return run(scenario())


def test_a_certificate_that_nobody_vouches_for_is_refused_with_what_to_do(authority):
    with pytest.raises(UnreachableError) as caught:
        ask(authority.server())

    assert "127.0.0.1:" in caught.value.message
    assert "self-signed" in caught.value.message or "unable to get" in caught.value.message
    assert "`ca_file`" in caught.value.message


def test_a_ca_file_vouches_for_it(authority):
    assert ask(authority.server(), authority.ca_file) == b'{"ok": true}'


def test_a_certificate_for_another_host_is_refused(authority):
    with pytest.raises(UnreachableError, match="IP address mismatch") as caught:
        ask(authority.server("127.0.0.2"), authority.ca_file)

    assert "correct the host in the backend's `base_url`" in caught.value.message
    assert "ca_file" not in caught.value.message


def test_ssl_cert_file_stands_in_for_the_systems_store(authority, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", authority.ca_file)

    assert ask(authority.server()) == b'{"ok": true}'


def test_a_server_without_tls_is_told_apart():
    async def scenario():
        async def plain(reader, writer):
            await reader.read(1)
            writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            writer.close()

        server = await asyncio.start_server(plain, "127.0.0.1", 0)
        url = f"https://127.0.0.1:{server.sockets[0].getsockname()[1]}/"
        transport = HttpTransport()
        async with server:
            try:
                await transport.send(Outgoing("GET", url, ()))
            finally:
                await transport.close()

    with pytest.raises(UnreachableError, match=r"no TLS connection .* begins with `http://`"):
        run(scenario())


def test_a_closed_tls_stream_leaves_at_once(authority):
    async def scenario():
        gate = asyncio.Event()
        transport = HttpTransport()
        async with Upstream(sse(b'{"n":1}', gate), tls=authority.server()) as upstream:
            request = Outgoing("GET", f"{upstream.url}/", (), ca_file=authority.ca_file)
            incoming = await transport.send(request)
            left_at = asyncio.get_running_loop().time()
            await incoming.close()
            await upstream.requests[0].gone.wait()
            await transport.close()
            return upstream.requests[0].gone_at - left_at

    assert run(scenario()) < 1


@pytest.mark.parametrize("content", [None, b"", b"not a certificate"])
def test_a_ca_file_that_cannot_be_used_is_named(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SetupError, match="`ca_file` cannot be used") as caught:
        run(Trust().context(str(path)))

    assert str(path) in caught.value.message


def test_a_context_is_made_once_for_each_file(authority):
    async def scenario():
        trust = Trust()
        return [await trust.context(name) for name in (None, authority.ca_file, None, authority.ca_file)]

    first, second, third, fourth = run(scenario())

    assert first is third
    assert second is fourth
    assert first is not second

"""Asking a server for its models."""

import asyncio
import gzip
import json

import pytest

from pointsman.canon.errors import GarbledError, RefusedError, SilenceError, UnreachableError
from pointsman.upstream.fake import FakeReply, FakeTransport
from pointsman.upstream.listing import MAX_BYTES, MAX_PAGES, Source, fetch_models
from scripted import run, run_jumping

SOURCE = Source(
    "https://api.example.com/v1/models", (("x-api-key", "k"),), proxy="http://p:1", ca_file="ca.pem"
)


def reply(data, **kwargs):
    return FakeReply(json.dumps(data).encode(), **kwargs)


def ask(*script, source=SOURCE, always=None):
    transport = FakeTransport(*script, always=always)
    return run(fetch_models(transport, source)), transport


def test_a_list_is_fetched_with_the_backends_credential_and_settings():
    models, transport = ask(reply({"data": [{"id": "a"}]}))

    (sent,) = transport.sent
    assert [model.id for model in models] == ["a"]
    assert (sent.method, sent.url, sent.proxy, sent.ca_file) == ("GET", SOURCE.url, "http://p:1", "ca.pem")
    assert ("x-api-key", "k") in sent.headers
    assert transport.incoming[0].closed.is_set()


def test_what_the_provider_puts_before_its_ids_is_taken_off_on_every_page():
    source = Source("https://api.example.com/v1/models", prefix="models/")

    models, _ = ask(
        reply({"data": [{"id": "models/a"}], "has_more": True, "last_id": "models/a"}),
        reply({"data": [{"id": "models/b"}]}),
        source=source,
    )

    assert [model.id for model in models] == ["a", "b"]


def test_pages_are_put_together():
    models, transport = ask(
        reply({"data": [{"id": "a"}, {"id": "b"}], "has_more": True, "last_id": "b/c"}),
        reply({"data": [{"id": "c"}], "has_more": False, "last_id": "c"}),
    )

    assert [model.id for model in models] == ["a", "b", "c"]
    assert transport.sent[1].url == "https://api.example.com/v1/models?after_id=b%2Fc"


def test_a_query_of_its_own_is_kept():
    source = Source("https://api.example.com/v1/models?limit=1000")

    _, transport = ask(
        reply({"data": [{"id": "a"}], "has_more": True, "last_id": "a"}), reply({"data": []}), source=source
    )

    assert transport.sent[1].url == "https://api.example.com/v1/models?limit=1000&after_id=a"


def test_pages_without_end_are_not_followed_for_ever():
    models, transport = ask(always=reply({"data": [{"id": "a"}], "has_more": True, "last_id": "a"}))

    assert [model.id for model in models] == ["a"]
    assert len(transport.sent) == MAX_PAGES + 1


def test_a_coded_list_is_decoded():
    body = gzip.compress(b'{"data": [{"id": "a"}]}')

    models, _ = ask(FakeReply(body, headers=[("content-encoding", "gzip")]))

    assert [model.id for model in models] == ["a"]


@pytest.mark.parametrize(
    "answer",
    [
        FakeReply(b"<html>"),
        FakeReply(*[bytes(1024 * 1024)] * (MAX_BYTES // 1024 // 1024 + 1)),
        FakeReply(b"not gzip", headers=[("content-encoding", "gzip")]),
        FakeReply(b"{}", headers=[("content-encoding", "unheard-of")]),
    ],
    ids=["html", "too long", "broken coding", "unknown coding"],
)
def test_what_is_not_a_list_is_garbled(answer):
    with pytest.raises(GarbledError, match=r"api\.example\.com"):
        ask(answer)


@pytest.mark.parametrize(
    ("status", "words"),
    [(401, "key"), (403, "may do"), (404, "`models`"), (500, "again later"), (302, "302")],
)
def test_a_refusal_names_the_host_the_status_and_what_to_do(status, words):
    with pytest.raises(RefusedError) as caught:
        ask(FakeReply(b"secret body", status=status))

    assert "api.example.com answers" in caught.value.message
    assert words in caught.value.message
    assert caught.value.status == status


def test_a_server_that_is_down_is_unreachable():
    with pytest.raises(UnreachableError, match="down"):
        ask(UnreachableError("down"))


def test_a_list_that_takes_too_long_is_silence():
    async def scenario(loop):
        asking = asyncio.ensure_future(fetch_models(FakeTransport(FakeReply(asyncio.Event())), SOURCE))
        for _ in range(10):
            await asyncio.sleep(0)
        loop.jump(31)
        await asyncio.wait([asking])
        return asking.exception()

    error = run_jumping(scenario)

    assert isinstance(error, SilenceError)
    assert "api.example.com has not listed its models within 30 s" in error.message

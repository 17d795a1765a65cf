"""A secret shows itself to nobody by accident."""

import json
import logging
import pickle
import traceback

import msgspec
import pytest

from pointsman.accounts.credentials import Credential
from pointsman.accounts.lease import Lease
from pointsman.accounts.secret import Secret
from pointsman.accounts.secret_file import Contents
from pointsman.canon.intent import Intent
from pointsman.catalog.provider import Provider
from pointsman.config.schema import BackendSettings
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.exchange import Exchange
from pointsman.routing.snapshot import Backend
from pointsman.upstream.address import proxy_of
from pointsman.upstream.listing import Source
from pointsman.upstream.transport import Outgoing

CANARY = "sk-canary-7f3a"
ROW = Provider("acme", "Acme", "https://acme.example", {})
ASKED = Intent("acme", "generate", None, False, {})


@pytest.mark.parametrize(
    "show",
    [
        repr,
        str,
        "{}".format,
        "{!r:>5}".format,
        lambda value: "%s %r" % (value, value),  # noqa: UP031  # the old form, as in logging
        lambda value: repr([value]),
        lambda value: repr({"key": value}),
    ],
)
@pytest.mark.parametrize(
    "holder",
    [
        Secret(CANARY),
        Credential(Secret(CANARY), "A_KEY"),
        Lease(headers=(("x-api-key", CANARY),), secret=Secret(CANARY)),
        Contents(secrets={"name": CANARY}),
        BackendSettings(headers={"x-api-key": CANARY}, proxy=f"http://me:{CANARY}@proxy.example"),
        Backend("acme", ROW, {}, "a test", headers={"x-api-key": CANARY}),
        Outgoing("POST", "https://acme.example/v1", (("x-api-key", CANARY),)),
        proxy_of(f"http://user:{CANARY}@proxy.example"),
        Source("https://acme.example/v1/models", (("x-api-key", CANARY),)),
        Exchange("id", "", (("x-api-key", CANARY),), b"{}", next(iter(DIALECTS.values())), ASKED),
    ],
)
def test_no_way_of_showing_it_shows_the_value(show, holder):
    assert CANARY not in show(holder)


def test_a_log_record_does_not_show_it(caplog):
    logging.getLogger("test").warning("leased %s", Lease(headers=(("a", CANARY),), secret=Secret(CANARY)))

    assert CANARY not in caplog.text


def test_a_traceback_does_not_show_it():
    try:
        raise ValueError(Secret(CANARY))
    except ValueError:
        shown = traceback.format_exc()

    assert CANARY not in shown


@pytest.mark.parametrize("write", [pickle.dumps, json.dumps, msgspec.json.encode])
def test_it_is_not_serialised(write):
    with pytest.raises(TypeError) as caught:
        write(Secret(CANARY))

    assert CANARY not in str(caught.value)


def test_equal_secrets_are_equal_and_nothing_else_is():
    assert Secret("ü") == Secret("ü")
    assert hash(Secret("a")) == hash(Secret("a"))
    assert Secret("a") != Secret("b")
    assert Secret("a") != "a"

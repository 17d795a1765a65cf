"""pointsman inside another program, and under another server."""

import asyncio
import json
import os
from urllib.request import urlopen

import pytest

from pointsman import Gateway
from pointsman.canon.errors import SetupError
from pointsman.cli.banner import banner


def test_a_gateway_answers_as_long_as_its_block_lasts():
    async def scenario():
        async with Gateway(discover=False) as gateway:
            with await asyncio.to_thread(urlopen, gateway.url + "/health") as answer:
                told = json.load(answer)
        with pytest.raises(OSError, match="refused"):
            await asyncio.to_thread(urlopen, gateway.url + "/health")
        return gateway, told

    gateway, told = asyncio.run(scenario())

    assert told["status"] == "ok"
    assert gateway.status()["address"] == gateway.url
    assert [each["name"] for each in gateway.backends()] == ["embedded"]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"prot": 1}, "there is no setting `prot`; the nearest one is `port`"),
        ({"port": "x"}, "--port: `port` is not as it must be"),
        ({"host": "0.0.0.0"}, "lets others in"),
    ],
)
def test_settings_that_cannot_be_are_refused(settings, words):
    with pytest.raises(SetupError, match=words):
        Gateway(**settings)


@pytest.mark.parametrize("host", ["my.localhost", "LOCALHOST"])
def test_names_of_this_machine_are_shown_as_the_one_that_every_program_knows(host):
    async def scenario():
        async with Gateway(discover=False, host=host) as gateway:
            return gateway.url, gateway.port

    url, port = asyncio.run(scenario())

    assert url == f"http://localhost:{port}"


@pytest.mark.parametrize(("host", "seen"), [("0.0.0.0", True), ("localhost", False), ("127.0.0.2", False)])
def test_an_endpoint_that_others_reach_says_so_and_where(host, seen):
    async def scenario():
        environment = {**os.environ, "POINTSMAN_API_KEY": "s3cret"}
        async with Gateway(discover=False, host=host, environment=environment) as gateway:
            status = gateway.status()
            outside = status["address_from_outside"]
            if outside is not None:
                with await asyncio.to_thread(urlopen, outside + "/health") as answer:
                    assert answer.status == 200
            return banner(status), outside

    shown, outside = asyncio.run(scenario())

    if seen and outside is None:
        pytest.skip("this machine has no network")
    assert (outside is not None) is seen
    assert ("Others on the network reach it at" in shown) is seen
    assert outside is None or outside in shown


@pytest.mark.parametrize("key", [None, "s3cret"], ids=["open", "with a key"])
def test_a_key_whose_address_is_any_pointsmans_is_no_providers(key):
    async def scenario():
        opened = {**os.environ, "POINTSMAN_API_KEY": key} if key else None
        async with Gateway(discover=False, environment=opened) as first:
            exported = {"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": f"{first.url}/v1"}
            async with Gateway(environment={**os.environ, **exported}) as second:
                return [each["name"] for each in second.backends()]

    assert "openai" not in asyncio.run(scenario())

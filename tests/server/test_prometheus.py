"""A real Prometheus server, and its checker, before `/metrics`."""

import asyncio
import json
import re
import shutil
import subprocess
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from http.client import HTTPConnection
from urllib.parse import quote

import pytest
from rig import rig
from voices import CHAT, VOICES

from scripted import Upstream, run

PROMETHEUS, PROMTOOL = shutil.which("prometheus"), shutil.which("promtool")
KEY = "canary-of-the-endpoint"
SENT = ("x-pointsman-key", KEY)


@asynccontextmanager
async def busy_gateway():
    """One that has served an exchange of each dialect, and one that failed."""
    async with AsyncExitStack() as stack:
        upstreams = {
            name: await stack.enter_async_context(Upstream(voice.whole())) for name, voice in VOICES.items()
        }
        gateway = await stack.enter_async_context(rig(environment={"POINTSMAN_API_KEY": KEY}, **upstreams))
        for voice in VOICES.values():
            await gateway.ask(voice, SENT, backend=voice.name)
        await gateway.ask(CHAT, SENT, model="nobody-has-it")
        await gateway.settled()
        yield gateway


@contextmanager
def prometheus(folder, port):
    """A Prometheus server that scrapes the endpoint four times a second; gives the file of its log."""
    job = {
        "job_name": "pointsman",
        "authorization": {"credentials": KEY},
        "static_configs": [{"targets": [f"127.0.0.1:{port}"]}],
    }
    often = {"scrape_interval": "250ms", "scrape_timeout": "250ms"}
    config, log = folder / "prometheus.yml", folder / "log"
    config.write_text(json.dumps({"global": often, "scrape_configs": [job]}))
    command = (PROMETHEUS, f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}")
    with log.open("wb") as file:
        streams = {"stdin": subprocess.DEVNULL, "stdout": file, "stderr": file}
        server = subprocess.Popen([*command, "--web.listen-address=127.0.0.1:0"], **streams)
        try:
            yield log
        finally:
            server.kill()
            server.wait()


async def found(look):
    """What `look` finds, once it finds something; a slow machine has half a minute."""
    for _ in range(300):
        if result := await asyncio.to_thread(look):
            return result
        await asyncio.sleep(0.1)
    raise AssertionError("it did not come about in time")


def ask(address, query):
    connection = HTTPConnection(address, timeout=10)
    try:
        connection.request("GET", f"/api/v1/query?query={quote(query)}")
        answer = json.loads(connection.getresponse().read())
    finally:
        connection.close()
    return [float(each["value"][1]) for each in answer.get("data", {}).get("result", ())]


@pytest.mark.skipif(PROMETHEUS is None, reason="prometheus is not installed")
def test_a_prometheus_server_scrapes_it(tmp_path):
    async def scenario():
        async with busy_gateway() as gateway:
            with prometheus(tmp_path, gateway.port) as log:
                listening = re.compile(r"address=(127\.0\.0\.1:[1-9]\d*)")
                address = (await found(lambda: listening.search(log.read_text())))[1]

                well = 'sum(pointsman_requests_total{status="2xx"})'
                served = await found(lambda: ask(address, well))
                up = await found(lambda: ask(address, 'up{job="pointsman"}'))
                spread = "histogram_quantile(1, sum by (le) (pointsman_request_duration_seconds_bucket))"
                slowest = await found(lambda: ask(address, spread))

        assert served == [len(VOICES)]
        assert up == [1]
        assert 0 < slowest[0] < 60

    run(scenario())


@pytest.mark.skipif(PROMTOOL is None, reason="promtool is not installed")
def test_promtool_finds_nothing_to_complain_about():
    async def scenario():
        async with busy_gateway() as gateway:
            return (await gateway.get("/metrics", SENT)).body

    text = run(scenario())
    checked = subprocess.run([PROMTOOL, "check", "metrics"], input=text, capture_output=True, check=False)

    assert (checked.returncode, checked.stdout, checked.stderr) == (0, b"", b"")
    assert text.count(b"# TYPE") > 15

"""The endpoint: whether it runs and where, what it warns of, who serves next, and what holds its port."""

import time
from collections.abc import Iterator

from pointsman.canon.errors import PointsmanError
from pointsman.canon.json import Json
from pointsman.cli.checks.finding import Finding
from pointsman.cli.output import age
from pointsman.cli.reach import LOOPBACK, health, look, own_key, records
from pointsman.config.load import Effective
from pointsman.control.endpoint import EndpointClient
from pointsman.server.listening import OccupiedError, open_sockets

ASKED = ("default", "opus", "sonnet", "haiku")
"""Names whose next request is looked at."""


def running(effective: Effective | None) -> Iterator[Finding]:
    """The endpoints of this home, and the port that one would take."""
    found = list(records())
    for each in found:
        yield Finding(
            "ok", "endpoint", f"runs at {each.url}, process {each.pid}, for {age(time.time() - each.started)}"
        )
        yield from _told(EndpointClient(each.url, own_key()))
    if not found:
        yield Finding("warn", "endpoint", "none runs", "`pointsman serve`")
        if effective is not None:
            yield _port(effective)


def _told(endpoint: EndpointClient) -> Iterator[Finding]:
    try:
        facts = endpoint.status()
    except PointsmanError as error:
        yield Finding("warn", "endpoint", error.message, "set POINTSMAN_API_KEY here as the endpoint has it")
        return
    yield from (Finding("warn", "endpoint", warning) for warning in facts["warnings"])
    traffic: Json = facts["traffic"]
    said = f"{traffic['requests']} requests, {traffic['errors']} errors, {traffic['in_flight']} in flight"
    yield Finding("ok", "traffic", said, facts=traffic)


def _port(effective: Effective) -> Finding:
    host, port = effective.settings.host, effective.settings.port
    try:
        for each in open_sockets(host, port):
            each.close()
    except OccupiedError as error:
        other = health(f"http://{LOOPBACK}:{error.port}")
        whose = "another program" if other is None else "a pointsman of another home or user"
        return Finding(
            "fail", "port", f"{port} is taken by {whose}", "`pointsman serve --port 0`, or set `port`"
        )
    except PointsmanError as error:
        return Finding("fail", "port", error.message)
    return Finding("ok", "port", f"{port} at {host} is free")


def next_served() -> Iterator[Finding]:
    """Who would serve the next request of the usual names."""
    source = look()
    for name in ASKED:
        facts = source.explain(name)
        if not facts["found"]:
            if name == ASKED[0]:
                yield Finding("warn", f"model {name}", str(facts["advice"]), "`pointsman backend add`")
            continue
        told = [(candidate, account) for candidate in facts["next"] for account in candidate["accounts"]]
        serves = [f"{one['backend']}/{account['account']}" for one, account in told if account["next"]]
        said = f"{facts['backend']} as {facts['model']}" + (f", by {serves[0]}" if serves else "")
        if told and not serves:
            yield Finding(
                "warn", f"model {name}", f"{said}: no account can serve it now", "`pointsman accounts list`"
            )
        else:
            yield Finding("ok", f"model {name}", said)

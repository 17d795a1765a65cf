"""`pointsman serve`: the endpoint in the foreground."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.canon.errors import PointsmanError
from pointsman.cli import exit_codes
from pointsman.cli.banner import banner
from pointsman.config.endpoint_file import Endpoint, remove_endpoint, write_endpoint
from pointsman.control.endpoint import EndpointClient
from pointsman.server.listening import OccupiedError
from pointsman.store.files import write_private

if TYPE_CHECKING:
    from pointsman.library import Gateway

PRODUCT = "pointsman"


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes a free one.  [default: 3456]")
@click.option("--host", help="The address to listen on; other than loopback needs POINTSMAN_API_KEY.")
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the port here once it answers.")
@click.option("--model", help="Send every request to this model, whatever its client names.")
@click.option("--default", help="The backend that takes every model name which nothing else matches.")
@click.option("--no-discover", is_flag=True, help="Look at no keys in the environment and no neighbour ports.")
@click.option("--queue-timeout", type=click.FloatRange(min=0), help="Seconds to wait for a limit to reset.")
@click.option("--drain-on-close", is_flag=True, help="Read an answer to its end although its client left.")
def command(port_file: Path | None, no_discover: bool, drain_on_close: bool, **flags: object) -> int:
    """Start the endpoint. It runs until Ctrl-C. Example:

    pointsman serve

    pointsman serve --port 0 --port-file /tmp/port --model local
    """
    given: dict[str, object] = {name: value for name, value in flags.items() if value is not None}
    if no_discover:
        given["discover"] = False
    if drain_on_close:
        given["drain_on_close"] = True
    try:
        return _run(given, port_file)
    except OccupiedError as error:
        return _occupied(error)


def _run(flags: Mapping[str, object], port_file: Path | None) -> int:
    with asyncio.Runner(loop_factory=_fast_loop()) as runner:
        return runner.run(_serve(flags, port_file))


def _fast_loop():  # noqa: ANN202
    """uvloop, where it is installed."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(flags: Mapping[str, object], port_file: Path | None) -> int:
    from pointsman.library import Gateway  # noqa: PLC0415 - `serve --help` needs none of it

    gateway = Gateway(announce=lambda started: _announce(started, port_file), **{"port": None, **flags})
    _stop_on_signals(gateway)
    async with gateway:
        await gateway.wait()
    remove_endpoint(gateway.app.paths.run, gateway.app.instance)
    return exit_codes.OK

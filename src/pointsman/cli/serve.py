"""`pointsman serve`: the endpoint in the foreground."""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import click

from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.banner import banner
from pointsman.cli.hang_up import on_hang_up
from pointsman.cli.reach import health, records
from pointsman.config.edit import bring_up_to_date
from pointsman.config.endpoint_file import Endpoint, remove_endpoint, write_endpoint
from pointsman.server.listening import OccupiedError, open_sockets
from pointsman.store.files import read_optional, remove, write_private

if TYPE_CHECKING:
    from pointsman.library import Gateway

COLLECT_AT = (5_000, 5, 5)
"""Objects that are new, and collections of the younger ones, before cycles are looked for among them: 700, as
Python has it, means a look at the traces that wait for the ledger every few requests."""


@click.command("serve")
@click.option("--port", type=click.IntRange(0, 65535), help="The port; 0 takes a free one.  [default: 3456]")
@click.option("--host", help="The address to listen on; other than loopback needs POINTSMAN_API_KEY.")
@click.option("--port-file", type=click.Path(path_type=Path), help="Write the port here once it answers.")
@click.option("--model", help="Send every request to this model, whatever its client names.")
@click.option("--default", help="The backend that takes every model name which nothing else matches.")
@click.option("--no-discover", is_flag=True, help="Look at no environment keys and no neighbour ports.")
@click.option("--queue-timeout", type=click.FloatRange(min=0), help="Seconds to wait for a limit to reset.")
@click.option("--passthrough-betas", help="Beta flags to add to what clients send, apart by commas.")
@click.option("--pace-min", type=click.FloatRange(min=0), help="Seconds between two requests of an account.")
@click.option("--pace-jitter", type=click.FloatRange(min=0), help="Seconds that come on top, at random.")
@click.option(
    "--fallback", "fallbacks", multiple=True, help="Who answers instead (BACKEND:MODEL); repeatable."
)
@click.option("-v", "--verbose", count=True, help="A line for each request; -vv with the bodies.")
@click.option("--log-file", type=click.Path(path_type=Path), help="Write a JSON line for each request here.")
@click.option("--drain-on-close", is_flag=True, help="Read an answer to its end although its client left.")
@click.option("--record-content", is_flag=True, help="Keep the bodies of requests and answers too.")
def command(
    port_file: Path | None, no_discover: bool, verbose: int, log_file: Path | None, **flags: object
) -> int:
    """Start the endpoint. It runs until Ctrl-C. Example:

    \b
    pointsman serve
    pointsman serve --port 0 --port-file /tmp/port --model local
    """
    # A flag that was not given is false; a port that was given may be 0.
    given = {name: value for name, value in flags.items() if value not in (None, ()) and value is not False}
    if "passthrough_betas" in given:
        # An empty value is one: it clears what the environment says.
        named = str(given["passthrough_betas"]).split(",")
        given["passthrough_betas"] = [flag.strip() for flag in named if flag.strip()]
    if no_discover:
        given["discover"] = False
    if verbose:
        given["verbose"] = min(verbose, 2)
    if log_file is not None:
        # A path on the command line is relative to where that is, one in the file to the file.
        given["log_file"] = str(log_file.absolute())
    try:
        return _run(given, port_file)
    except OccupiedError as error:
        return _occupied(error)


def _run(flags: Mapping[str, object], port_file: Path | None) -> int:
    from pointsman.cli.embedded import provide  # noqa: PLC0415 - `serve --help` needs none of it
    from pointsman.library import Gateway  # noqa: PLC0415 - the same

    if port_file is not None:
        remove(port_file)  # whoever waits for it must not take an old one for this endpoint's
    warnings: list[str] = []
    # Not the free port that the library takes by default: here the configuration decides.
    settings: Json = {"port": None, **flags}
    gateway = Gateway(announce=lambda started: _announce(started, port_file, warnings), **settings)
    _try_port(gateway)
    warnings += filter(None, (_bring_file_up_to_date(gateway), provide(gateway.app, None)))
    try:
        with asyncio.Runner(loop_factory=_fast_loop()) as runner:
            runner.run(_serve(gateway))
    finally:
        _take_back(gateway, port_file)
    return exit_codes.OK


def _try_port(gateway: "Gateway") -> None:
    """Raises SetupError before anything is fetched for an endpoint that could not listen."""
    settings = gateway.app.effective.settings
    for listening in open_sockets(settings.host, settings.port):
        listening.close()


def _bring_file_up_to_date(gateway: "Gateway") -> str | None:
    """What to know of a file in an older format; one that cannot be written is read as it is."""
    paths = gateway.app.paths
    try:
        return bring_up_to_date(paths.config_file, paths.run)
    except SetupError as error:
        return f"the configuration file is in an older format, and stays in it: {error.message}"


def _fast_loop() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop, where it is installed."""
    try:
        import uvloop  # noqa: PLC0415 - missing on Windows
    except ImportError:
        return None
    return uvloop.new_event_loop


async def _serve(gateway: "Gateway") -> None:
    _stop_on_signals(gateway)
    async with gateway:
        _leave_alone_what_stays()
        await gateway.wait()


def _leave_alone_what_stays() -> None:
    """Has the collector pass over what the start made: each full look at it stops the traffic for 20 ms."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)


def _announce(gateway: "Gateway", port_file: Path | None, warnings: list[str]) -> None:
    """Tells the other commands, the port file and the terminal that the endpoint answers."""
    app = gateway.app
    record = Endpoint(
        pid=os.getpid(),
        host=gateway.reached_at,
        port=gateway.port,
        started=time.time(),
        instance=app.instance,
        key_required=app.key_required,
        version=app.service.version,
    )
    write_endpoint(app.paths.run, record)
    if port_file is not None:
        write_private(port_file, _port_line(gateway))
    status = gateway.status()
    click.echo(banner({**status, "warnings": [*status["warnings"], *warnings]}))


def _take_back(gateway: "Gateway", port_file: Path | None) -> None:
    """Nobody is led to an endpoint that has ended; what another one wrote stays."""
    remove_endpoint(gateway.app.paths.run, gateway.app.instance)
    if port_file is not None and read_optional(port_file) == _port_line(gateway):
        remove(port_file)


def _port_line(gateway: "Gateway") -> bytes:
    """What the port file holds."""
    return f"{gateway.port}\n".encode()


def _stop_on_signals(gateway: "Gateway") -> None:
    """The first Ctrl-C lets running streams finish; the second does not wait for them."""
    asked: list[int] = []

    def stop(number: int) -> None:
        gateway.stop(now=bool(asked))
        asked.append(number)

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        if sys.platform == "win32":
            signal.signal(number, lambda number, _: loop.call_soon_threadsafe(stop, number))
        else:
            loop.add_signal_handler(number, stop, number)
    on_hang_up(gateway.reopen_logs, stop, has_log=gateway.has_log)


def _occupied(error: OccupiedError) -> int:
    """Says whose port it is."""
    other = health(f"http://{_called(error.host)}:{error.port}")
    if other is None:
        click.secho(f"error: {error.message}", fg="red", err=True)
        return exit_codes.FAILED
    click.echo(
        f"pointsman {other.get('version')} runs on port {error.port} already{_known(error.port)}. "
        "To run a second one, choose another port with `--port`.",
        err=True,
    )
    return exit_codes.OCCUPIED


def _known(port: int) -> str:
    """Which one it is that has a port."""
    for each in records():
        if each.port == port:
            return f", as process {each.pid}: `pointsman status` shows it"
    return ", with a POINTSMAN_HOME or a user of its own"


def _called(host: str) -> str:
    """An address as it stands in a URL."""
    return f"[{host}]" if ":" in host else host

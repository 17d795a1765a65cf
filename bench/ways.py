"""The ways that are compared: direct, nginx, the bare floor, and pointsman's relays and translations."""

import os
import shutil
import socket
import sys
import time
from collections.abc import Generator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from bench.processes import Process, port_in, running
from bench.voices import VOICES

_NGINX = """\
daemon off;
master_process off;
pid {folder}/nginx.pid;
error_log {folder}/nginx.log;
worker_rlimit_nofile 8192;
events {{ worker_connections 4096; }}
http {{
  access_log off;
  client_body_temp_path {folder}/b; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 64m;
  client_body_buffer_size 2m;
  upstream mock {{ server 127.0.0.1:{upstream}; keepalive 64; }}
  server {{
    listen 127.0.0.1:{port} backlog=2048;
    location / {{
      proxy_pass http://mock;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_buffering off;
    }}
  }}
}}
"""
_BACKEND = """\

[backends.{dialect}]
provider = "{provider}"
base_url = "http://127.0.0.1:{port}{base}"
dialects = ["{dialect}"]
key_env = "BENCH_KEY"
models = ["plain"]
"""
_PLAINEST = "anthropic"
"""The dialect of the ways that do not look at what they carry."""


@dataclass(frozen=True)
class Way:
    """One way from a client to the mock."""

    name: str
    port: int
    dialect: str = _PLAINEST
    """The client's."""
    prefix: str = ""
    """What stands before the model's name to choose a backend."""
    process: Process | None = None
    """None for the direct way, whose cost is the mock's own."""
    upstream: str = ""
    """The dialect of the chosen backend; empty for ways that are not pointsman's."""

    @property
    def relays(self) -> bool:
        """Whether pointsman passes the bytes on as they are."""
        return self.dialect == self.upstream


def environment(folder: Path) -> dict[str, str]:
    """What processes see of ours: a key of the usual length that opens nothing, no proxies."""
    kept = {name: value for name, value in os.environ.items() if name in ("PATH", "SYSTEMROOT", "TMPDIR")}
    key = {"BENCH_KEY": "sk-bench-" + "0123456789abcdef" * 6}
    return {**kept, **key, "HOME": str(folder), "POINTSMAN_HOME": str(folder / "home")}


def pointsman_command() -> str:
    """The installed command, beside the interpreter that runs this."""
    return str(Path(sys.executable).parent / "pointsman")


@contextmanager
def pointsman(folder: Path, upstream: int, more: str = "") -> Generator[tuple[Process, int, float]]:
    """A fresh pointsman before the mock: its process, its port, and the seconds until it answered.

    `more` are lines of its configuration.
    """
    home = folder / "home"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(_configuration(upstream) + more)
    port_file = folder / "pointsman.port"
    port_file.unlink(missing_ok=True)
    command = [pointsman_command(), "serve", "--port", "0", "--port-file", str(port_file), "--no-discover"]
    log = folder / "pointsman.log"
    began = time.perf_counter()
    with running(command, environment(folder), log) as process:
        port = port_in(port_file, log)
        yield process, port, time.perf_counter() - began


@contextmanager
def mock(folder: Path) -> Generator[int]:
    """The mock upstream; its port."""
    port_file, log = folder / "mock.port", folder / "mock.log"
    with running([sys.executable, "-m", "bench.mock", str(port_file)], environment(folder), log):
        yield port_in(port_file, log)


@contextmanager
def ways(folder: Path, upstream: int) -> Generator[list[Way]]:
    """Every way that this machine offers, all open at once."""
    with ExitStack() as stack:
        found = [Way("direct", upstream)]
        proxy = stack.enter_context(_nginx(folder, upstream))
        if proxy is not None:
            found.append(proxy)
        found.append(stack.enter_context(_floor(folder, upstream)))
        process, port, _ = stack.enter_context(pointsman(folder, upstream))
        found += pointsman_ways(process, port)
        yield found


def pointsman_ways(process: Process, port: int) -> list[Way]:
    """Each client's dialect before each upstream's; the relays first."""
    pairs = [(client, upstream) for client in VOICES for upstream in VOICES]
    pairs.sort(key=lambda pair: pair[0] != pair[1])
    return [
        Way(pair_name(client, upstream), port, client, f"{upstream}:", process, upstream)
        for client, upstream in pairs
    ]


def pair_name(client: str, upstream: str) -> str:
    """What a way of pointsman's is called."""
    return f"relay, {client}" if client == upstream else f"{client} → {upstream}"


def _configuration(port: int) -> str:
    voices = VOICES.values()
    backends = [
        _BACKEND.format(dialect=each.dialect, provider=each.provider, base=each.base, port=port)
        for each in voices
    ]
    return "version = 1\n" + "".join(backends)


@contextmanager
def _nginx(folder: Path, upstream: int) -> Generator[Way | None]:
    binary = shutil.which("nginx", path=os.environ.get("PATH", "") + ":/usr/sbin:/opt/homebrew/bin")
    if binary is None:
        print("bench: nginx is not installed, so it is left out", file=sys.stderr)
        yield None
        return
    port = _free_port()
    config = folder / "nginx.conf"
    config.write_text(_NGINX.format(folder=folder, upstream=upstream, port=port))
    command = [binary, "-c", str(config), "-p", str(folder), "-e", str(folder / "nginx.log")]
    with running(command, environment(folder), folder / "nginx.out") as process:
        _wait(port)
        yield Way("nginx", port, process=process)


@contextmanager
def _floor(folder: Path, upstream: int) -> Generator[Way]:
    port_file, log = folder / "floor.port", folder / "floor.log"
    command = [sys.executable, "-m", "bench.floor", f"http://127.0.0.1:{upstream}", str(port_file)]
    with running(command, environment(folder), log) as process:
        port = port_in(port_file, log)
        _wait(port)
        yield Way("bare uvicorn + aiohttp", port, process=process)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def _wait(port: int) -> None:
    """Until something listens. Raises TimeoutError."""
    for _ in range(500):
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.01)
    raise TimeoutError(f"nothing listens on port {port}")

"""The engine: llama.cpp's server, loaded into this process, listening where nobody else can ask it.

It listens on a Unix socket (0600) in a folder of its own (0700), or on a loopback port where there are none;
in both cases it answers only to a random key. Its own output is switched off. Loading holds the interpreter's
lock (0.4 s for the embedded model), so other exchanges pause for that long, once.
"""

import os
import secrets
import shutil
import socket
import tempfile
import weakref
from importlib import import_module
from pathlib import Path
from typing import Any

from msgspec import Struct

from pointsman.canon.errors import UnreachableError
from pointsman.upstream.engine_gguf import ModelFacts, model_id, read_facts
from pointsman.upstream.engine_grammar import HEAD
from pointsman.upstream.engine_machine import refusal
from pointsman.upstream.engine_sockets import Sockets
from pointsman.upstream.weights import is_place_of

BATCH = 128
"""Tokens of a prompt between two looks at who is still there: a cancelled one stops within three seconds."""

TOY = 400_000_000
"""Bytes; a model file below this falls into loops, so an answer without a limit of its own gets one."""

TOY_ANSWER = 1024
"""Tokens of such an answer."""

TOY_TEMPERATURE, TOY_TOP_P = 0.2, 0.9
"""What its model card samples with (huggingface.co/HuggingFaceTB/SmolLM2-135M-Instruct).

At the engine's own 0.8, one forced tool call in six runs away.
"""

_LONGEST_SOCKET_PATH = 100
"""Bytes; macOS takes 104 (sys/un.h)."""

_WAITING_ROOM = 64
"""Threads of its listener: each exchange that waits for a slot holds one."""

_SILENT = -1
"""The verbosity at which llama.cpp writes nothing to the terminal."""


class EngineSettings(Struct, frozen=True):
    """How much of the machine an engine may take."""

    threads: int | None = None
    """None: half the cores. All of them collapse as soon as anything else runs."""
    context: int = 8192
    """Tokens of each slot, at most what the model was trained for."""
    slots: int = 2
    """Exchanges at a time; more wait."""


class RunningEngine:
    """A loaded model and its listener. Stopped by `stop`, or when the process ends."""

    def __init__(
        self, server: Any, key: str, folder: Path | None, facts: ModelFacts, *, guided: bool
    ) -> None:
        self.key = key
        self.facts = facts
        self.guided = guided
        """Whether it knows llguidance's grammars: an engine that does not ends the process over one."""
        self.address: str = server.listening_address
        """A URL, or `unix://` and a path."""
        self.sockets = Sockets()
        """Where whoever asks it takes the sockets from."""
        self._end = weakref.finalize(self, _end, [server], folder, self.sockets)

    def stop(self) -> None:
        """Unloads the model, whatever is under way. Blocks for some milliseconds."""
        self._end()


def start(file: Path, settings: EngineSettings) -> RunningEngine:
    """Loads a model file; blocks. Raises UnreachableError, and SetupError for a file that is no model."""
    reason = refusal()
    if reason is not None:
        raise UnreachableError(reason, code="engine_unavailable")
    if is_place_of(file) and not file.exists():
        raise UnreachableError(
            f"the embedded model is not on this machine yet, it belongs at {file}; run `pointsman weights "
            "fetch`, then ask again",
            code="engine_unavailable",
        )
    facts = read_facts(file)
    engine = import_module("xllamacpp")
    parameters = _parameters(engine, file, settings, facts)
    folder, key = _own_folder(), secrets.token_urlsafe(32)
    parameters.api_keys = [key]
    if folder is not None:
        parameters.hostnames = [str(folder / "engine.sock")]
    try:
        server = engine.Server(parameters)
        if folder is not None:
            (folder / "engine.sock").chmod(0o600)
    except (RuntimeError, OSError) as error:
        _remove(folder)
        raise _cannot_load(file, facts) from error
    guided = engine.json_schema_to_grammar({}).startswith(HEAD)
    return RunningEngine(server, key, folder, facts, guided=guided)


def _parameters(engine: Any, file: Path, settings: EngineSettings, facts: ModelFacts) -> Any:
    threads = settings.threads or max(1, _cores() // 2)
    values = engine.CommonParams()
    values.model.path = str(file)
    values.model_alias = {model_id(file)}
    values.cpuparams.n_threads = values.cpuparams_batch.n_threads = threads
    values.n_parallel = settings.slots
    values.n_ctx = min(settings.context, facts.context or settings.context) * settings.slots
    # 23 KB a token are taken at once. A cache in 8 bits reads prompts at a third of the speed; one that the
    # slots share fails every exchange as soon as it is full.
    values.n_batch = values.n_ubatch = BATCH
    values.n_threads_http = _WAITING_ROOM
    values.cache_ram_mib = 0  # else it keeps up to 8 GB of old prompts
    values.fit_params = False  # costs a second, and would shrink what was asked for
    values.warmup = False  # the first request does it, without the interpreter's lock
    values.ui = False
    values.verbosity = _SILENT
    if file.stat().st_size < TOY:
        values.n_predict = TOY_ANSWER
        values.sampling.temp, values.sampling.top_p = TOY_TEMPERATURE, TOY_TOP_P
    return values


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


def _own_folder() -> Path | None:
    """A folder for a socket; None where there are no sockets in folders, or the path would be too long."""
    if os.name == "nt" or not hasattr(socket, "AF_UNIX"):
        return None
    folder = Path(tempfile.mkdtemp(prefix="pointsman-"))
    if len(os.fsencode(folder / "engine.sock")) > _LONGEST_SOCKET_PATH:
        folder.rmdir()
        return None
    return folder


def _cannot_load(file: Path, facts: ModelFacts) -> UnreachableError:
    return UnreachableError(
        f"the engine cannot load {file}: the file is damaged, does not fit into memory, or its architecture "
        f"is unknown to this version of llama.cpp ({facts.architecture}); try another GGUF file",
        code="engine_unavailable",
    )


def _end(server: list[Any], folder: Path | None, sockets: Sockets) -> None:
    sockets.cut()  # the engine waits for those who listen, with the interpreter's lock held
    server.clear()  # the last reference: the engine's destructor stops its threads
    _remove(folder)


def _remove(folder: Path | None) -> None:
    if folder is not None:
        shutil.rmtree(folder, ignore_errors=True)

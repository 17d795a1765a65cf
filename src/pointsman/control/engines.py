"""The models that run inside pointsman: the one that ships with it, and the user's own model files."""

from collections.abc import Mapping
from pathlib import Path

from pointsman.canon.errors import SetupError
from pointsman.catalog.provider import Provider
from pointsman.config.bases import ENGINE_ROOT
from pointsman.config.paths import Paths, platform_cache
from pointsman.routing.snapshot import Backend, Model
from pointsman.upstream.engine_gguf import model_id, read_facts
from pointsman.upstream.engine_server import EngineSettings
from pointsman.upstream.weights import FOLDER, SMOLLM2, find

WHY = "runs inside pointsman, loaded at the first request"


def embedded(row: Provider, paths: Paths) -> Backend:
    """The backend of the model that ships with pointsman, whether its file is there yet or not."""
    caches = (paths.cache, platform_cache())
    file = find(caches) or caches[0] / FOLDER / SMOLLM2.file
    bases = {dialect: ENGINE_ROOT + speaks.base for dialect, speaks in row.dialects.items()}
    return Backend(row.name, row, bases, WHY, gguf=str(file))


def models(backends: Mapping[str, Backend]) -> dict[str, tuple[Model, ...]]:
    """What the engines among the backends serve; read off the model files, nothing is loaded."""
    return {
        name: (_model(Path(backend.gguf)),) for name, backend in backends.items() if backend.gguf is not None
    }


def _model(file: Path) -> Model:
    context = EngineSettings().context
    if file.name == SMOLLM2.file:
        return Model(SMOLLM2.model, context_window=context)
    try:
        facts = read_facts(file)
    except SetupError:
        # A broken file is told when it is used: the other backends go on.
        return Model(model_id(file))
    return Model(model_id(file), title=facts.name, context_window=min(context, facts.context or context))

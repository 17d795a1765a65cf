"""What is known of the world beside the configuration: servers that were found, models that were listed."""

import asyncio
from collections.abc import Mapping

from pointsman.canon.errors import SetupError
from pointsman.routing.snapshot import Backend, Model
from pointsman.store.catalog_cache import CatalogCache, Kept


class Known:
    """Replaced piece by piece; what backends listed outlives a restart."""

    def __init__(self, cache: CatalogCache) -> None:
        self._cache = cache
        self._kept = cache.load()
        self.found: dict[str, Backend] = {}
        self.catalogs: dict[str, tuple[Model, ...]] = {}
        self.warning: str | None = None
        """Why lists cannot be kept, if they cannot."""

    def recall(self, backends: Mapping[str, Backend]) -> None:
        """Takes up the lists of the last run, for backends that are still where they were; no others hold."""
        for name, backend in backends.items():
            kept = self._kept.get(name)
            if kept is None:
                continue
            if kept.url != _address(backend):
                self.catalogs.pop(name, None)
            elif name not in self.catalogs:
                self.catalogs[name] = kept.models

    def meet(self, neighbours: Mapping[str, tuple[Backend, tuple[Model, ...]]]) -> None:
        """Servers on this machine, with their models. One that stops is kept: it may be on its way back."""
        self.found = {**self.found, **{name: backend for name, (backend, _) in neighbours.items()}}
        for backend, models in neighbours.values():
            self._note(backend, models)

    def learn(self, backend: Backend, models: tuple[Model, ...]) -> None:
        """A backend has listed its models."""
        self._note(backend, models)
        asyncio.get_running_loop().run_in_executor(None, self._save)

    def _note(self, backend: Backend, models: tuple[Model, ...]) -> None:
        self.catalogs = {**self.catalogs, backend.name: models}
        self._kept = {**self._kept, backend.name: Kept(_address(backend), models)}

    def _save(self) -> None:
        try:
            # Read here, in the thread: whichever of two saves comes last writes the newest.
            self._cache.save(self._kept)
        except SetupError as error:
            self.warning = error.message


def _address(backend: Backend) -> str:
    return next(iter(backend.bases.values()), "")

"""The last known model lists on disk, so that a restart knows them before it has asked again."""

from collections.abc import Mapping
from pathlib import Path

import msgspec
from msgspec import Struct

from pointsman.canon.errors import SetupError
from pointsman.routing.snapshot import Model
from pointsman.store.files import make_private, read_optional, write_private

FILE = "catalogs.json"
MAX_BYTES = 16 * 1024 * 1024


class Kept(Struct, frozen=True):
    """A list, and where it came from: another address under the same name makes it worthless."""

    url: str
    models: tuple[Model, ...]


class CatalogCache:
    """One file in the cache folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._file = folder / FILE

    def load(self) -> dict[str, Kept]:
        """By backend; empty where there is no file, or none that can be read."""
        try:
            data = read_optional(self._file)
        except SetupError:
            # Saving meets the same obstacle, and says so.
            return {}
        if data is None or len(data) > MAX_BYTES:
            return {}
        try:
            return msgspec.json.decode(data, type=dict[str, Kept])
        except msgspec.DecodeError:
            return {}

    def save(self, lists: Mapping[str, Kept]) -> None:
        """Replaces what was kept. Raises SetupError."""
        make_private(self._folder)
        write_private(self._file, msgspec.json.encode(dict(lists)))

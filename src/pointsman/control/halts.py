"""The guard's halts on the disk: they outlive the endpoint, and all endpoints of a home share them."""

from collections.abc import Mapping
from pathlib import Path

import msgspec

from pointsman.canon.errors import SetupError
from pointsman.config.watch import Watch
from pointsman.ledger.guard import Halt
from pointsman.store.files import read_optional, write_private

FILE = "halts.json"


_halts = msgspec.json.Decoder(dict[str, Halt])


class HaltsFile:
    """By backend; a file that cannot be read holds none."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watch = Watch(path)

    def load(self) -> dict[str, Halt]:
        """What stands in it."""
        try:
            return _halts.decode(read_optional(self._path) or b"{}")
        except (SetupError, msgspec.MsgspecError):
            return {}

    def news(self) -> dict[str, Halt] | None:
        """What another endpoint has written since the last time that this was asked; None for nothing."""
        return self.load() if self._watch.changed() else None

    def save(self, halts: Mapping[str, Halt]) -> None:
        """Writes them. Raises SetupError."""
        write_private(self._path, msgspec.json.encode(dict(halts)))
        self._watch.changed()

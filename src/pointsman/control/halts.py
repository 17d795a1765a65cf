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
    """By backend."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._watch = Watch(path)

    def load(self) -> dict[str, Halt] | None:
        """What stands in it; None where it cannot be read."""
        try:
            return _halts.decode(read_optional(self._path) or b"{}")
        except (SetupError, msgspec.MsgspecError):
            return None

    def news(self) -> dict[str, Halt] | None:
        """What another endpoint has written since the last time that this was asked; None for nothing."""
        return self.load() if self._watch.changed() else None

    def save(self, halts: Mapping[str, Halt], *, resumed: bool) -> dict[str, Halt]:
        """Writes them beside those of others, or, where all were resumed, alone; what stands there then.

        Raises SetupError.
        """
        others = {} if resumed else self.load() or {}
        together = {**others, **halts}
        write_private(self._path, msgspec.json.encode(together))
        self._watch.changed()
        return together

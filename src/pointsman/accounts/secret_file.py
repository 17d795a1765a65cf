"""The file of secrets: `secrets.json`, mode 0600 in a 0700 folder, written whole and under a lock.

It also lists which names the keyring holds, because a keyring cannot be asked for its names; so a keyring is
never woken up for a key that it does not have.
"""

from pathlib import Path

import msgspec
from msgspec import Struct

from pointsman.accounts.secret import Secret
from pointsman.store.files import make_private, read_optional, set_aside, sweep, write_private
from pointsman.store.locks import locked


class Contents(Struct, frozen=True, forbid_unknown_fields=True):
    """The file. Its repr shows names only."""

    version: int = 1
    secrets: dict[str, str] = {}
    in_keyring: tuple[str, ...] = ()

    def __repr__(self) -> str:
        return f"Contents({', '.join([*self.secrets, *self.in_keyring])})"


class SecretFile:
    """Reads take no lock: the file is always whole."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "secrets.json"

    def read(self) -> Contents:
        """What is kept; nothing where the file is absent or corrupt. Raises SetupError if unreadable."""
        return self._parse() or Contents()

    def is_corrupt(self) -> bool:
        """Whether there is a file that nothing can be read from."""
        return self._parse() is None

    def put(self, name: str, secret: Secret) -> str | None:
        """Keeps a secret here; a warning if the old file had to be set aside. Raises SetupError."""
        return self._change(name, secret.reveal(), in_keyring=False)

    def note_keyring(self, name: str) -> str | None:
        """Writes down that the keyring holds this name; forgets any value kept here. Raises SetupError."""
        return self._change(name, None, in_keyring=True)

    def remove(self, name: str) -> str | None:
        """Forgets a name. Raises SetupError."""
        return self._change(name, None, in_keyring=False)

    def _change(self, name: str, value: str | None, *, in_keyring: bool) -> str | None:
        make_private(self.path.parent)
        with locked(self.path.with_suffix(".lock")):
            old = self._parse()
            warning = None
            if old is None:
                warning = f"{self.path} was corrupt and is now {set_aside(self.path, 'corrupt')}"
                old = Contents()
            secrets = {key: kept for key, kept in old.secrets.items() if key != name}
            noted = tuple(key for key in old.in_keyring if key != name)
            if value is not None:
                secrets[name] = value
            if in_keyring:
                noted = (*noted, name)
            sweep(self.path)
            write_private(self.path, msgspec.json.format(msgspec.json.encode(Contents(1, secrets, noted))))
        return warning

    def _parse(self) -> Contents | None:
        data = read_optional(self.path)
        if data is None:
            return Contents()
        try:
            return msgspec.json.decode(data, type=Contents)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None

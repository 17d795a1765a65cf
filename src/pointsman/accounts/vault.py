"""The vault: where keys are kept that the user typed in, in the system's keyring or in a private file."""

from pathlib import Path
from typing import Literal, Protocol

from msgspec import Struct

from pointsman.accounts.keyring_store import KeyringError, KeyringStore
from pointsman.accounts.secret import Secret
from pointsman.accounts.secret_file import SecretFile
from pointsman.canon.errors import SetupError

Place = Literal["keyring", "file"]
Choice = Literal["auto", "keyring", "file"]


class Kept(Struct, frozen=True):
    """Where a secret went."""

    place: Place
    warning: str | None = None
    """What the person should know: the keyring that did not answer, the corrupt file that was set aside."""


class SecretStore(Protocol):
    """Keeps secrets by name. Methods may take seconds: they are called from a thread."""

    def get(self, name: str) -> Secret | None:
        """The secret of that name. Raises SetupError where it is kept but cannot be had."""
        ...

    def put(self, name: str, secret: Secret) -> Kept:
        """Keeps a secret. Raises SetupError."""
        ...

    def remove(self, name: str) -> None:
        """Forgets a secret; none of that name is fine. Raises SetupError."""
        ...

    def place(self, name: str) -> Place | None:
        """Where a secret is kept, without looking at it."""
        ...


class Vault:
    """`auto` prefers the keyring and falls back to the file; `keyring` and `file` mean only that."""

    def __init__(self, folder: Path, choice: Choice, keyring: KeyringStore) -> None:
        self._file = SecretFile(folder)
        self._choice = choice
        self._keyring = keyring

    def get(self, name: str) -> Secret | None:
        """The secret of that name. Raises SetupError where it is kept but cannot be had."""
        contents = self._file.read()
        if name in contents.secrets:
            return Secret(contents.secrets[name])
        if name not in contents.in_keyring:
            return None
        try:
            return self._keyring.get(name)
        except KeyringError as error:
            raise SetupError(
                f"the key of {name} is in the system's keyring, which cannot be used: {error}; unlock it, or "
                f'set `secrets = "file"` and add the key again'
            ) from error

    def put(self, name: str, secret: Secret) -> Kept:
        """Keeps a secret. Raises SetupError."""
        if self._choice == "file":
            return Kept("file", self._file.put(name, secret))
        try:
            self._keyring.put(name, secret)
        except KeyringError as error:
            return self._without_keyring(name, secret, error)
        return Kept("keyring", self._file.note_keyring(name))

    def _without_keyring(self, name: str, secret: Secret, error: KeyringError) -> Kept:
        if self._choice == "keyring":
            raise SetupError(
                f'`secrets = "keyring"` is set, but the system\'s keyring cannot be used: {error}; '
                f'unlock it, or set `secrets = "file"`'
            ) from error
        corrupt = self._file.put(name, secret)
        warning = f"the system's keyring cannot be used ({error}); the key is in {self._file.path} instead"
        return Kept("file", f"{warning}; {corrupt}" if corrupt else warning)

    def remove(self, name: str) -> None:
        """Forgets a secret; none of that name is fine. Raises SetupError."""
        place = self.place(name)
        if place == "keyring":
            try:
                self._keyring.remove(name)
            except KeyringError as error:
                raise SetupError(f"cannot remove the key of {name} from the keyring: {error}") from error
        if place is not None:
            self._file.remove(name)

    def place(self, name: str) -> Place | None:
        """Where a secret is kept, without looking at it."""
        contents = self._file.read()
        if name in contents.secrets:
            return "file"
        return "keyring" if name in contents.in_keyring else None

    def warning(self) -> str | None:
        """What is wrong with the file of secrets, if anything."""
        if not self._file.is_corrupt():
            return None
        return f"{self._file.path} is corrupt: the keys in it are lost; add them again"


def service_name(home: Path | None) -> str:
    """The keyring's service: one of its own for each `POINTSMAN_HOME`, so that they do not mix."""
    return "pointsman" if home is None else f"pointsman {home}"

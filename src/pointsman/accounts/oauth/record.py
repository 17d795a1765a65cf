"""What is kept of a sign-in: one file for each provider, mode 0600, written whole under a lock.

The lock is held across a renewal, from the look at the file to the write: a refresh token serves once, so
whoever waits finds the new one and does not ask.
"""

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import msgspec
from msgspec import Struct

from pointsman.accounts.oauth.web import PATIENCE
from pointsman.accounts.secret import Secret
from pointsman.store.files import (
    make_private,
    matching,
    read_optional,
    remove,
    set_aside,
    sweep,
    write_private,
)
from pointsman.store.locks import locked

FOLDER = "sign-ins"
LONGEST = 3 * PATIENCE
"""Seconds to wait for another process: a renewal asks for the discovery document, and for the tokens."""


class SignedIn(Struct, frozen=True, forbid_unknown_fields=True):
    """One person at one provider. Its repr names the person, and never a token."""

    issuer: str
    client: str
    """The client id that was issued for this installation and person."""
    subject: str
    who: str
    scopes: tuple[str, ...]
    access_token: str = ""
    refresh_token: str | None = None
    expires: float = 0.0
    """Seconds since the epoch."""
    life: float = 0.0
    """Seconds that the token held when it came; 0 where that is not known."""
    ended: str | None = None
    """Why nothing more can be had with it, and the person must sign in again."""
    version: int = 1

    def __repr__(self) -> str:
        return f"SignedIn({self.who})"

    @property
    def access(self) -> Secret:
        """The token that requests carry."""
        return Secret(self.access_token)


class CorruptRecordError(Exception):
    """The file could not be read; the message is its new name."""


class SignInFile:
    """One provider's file. Reads take no lock: the file is always whole. Every method raises SetupError."""

    def __init__(self, data: Path, provider: str) -> None:
        self.path = data / FOLDER / f"{provider}.json"

    def read(self) -> SignedIn | None:
        """What is kept, None where there is nothing.

        A file that nothing can be read from is set aside; raises CorruptRecordError then, once.
        """
        kept = self._parse()
        if not isinstance(kept, CorruptRecordError):
            return kept
        with self.held():
            return self.read_held()

    def look(self) -> SignedIn | None:
        """The same, and changes nothing. Raises CorruptRecordError."""
        kept = self._parse()
        if isinstance(kept, CorruptRecordError):
            raise kept
        return kept

    def read_held(self) -> SignedIn | None:
        """The same, where the caller holds the lock."""
        kept = self._parse()
        if isinstance(kept, CorruptRecordError):
            raise CorruptRecordError(str(set_aside(self.path, "corrupt")))
        return kept

    def write(self, kept: SignedIn) -> None:
        """Replaces what is kept; the lock is the caller's."""
        make_private(self.path.parent)
        sweep(self.path)
        write_private(self.path, msgspec.json.format(msgspec.json.encode(kept)))

    def forget(self) -> None:
        """Removes the file; the lock is the caller's."""
        remove(self.path)

    @contextmanager
    def held(self) -> Generator[None]:
        """The lock, against threads and other processes."""
        with locked(self.path.with_suffix(".lock"), LONGEST):
            yield

    def _parse(self) -> SignedIn | CorruptRecordError | None:
        data = read_optional(self.path)
        if data is None:
            return None
        try:
            return msgspec.json.decode(data, type=SignedIn)
        except (msgspec.DecodeError, UnicodeDecodeError):
            return CorruptRecordError()


def providers(data: Path) -> list[str]:
    """The providers for which a sign-in is kept. Raises SetupError."""
    return [path.stem for path in matching(data / FOLDER, "*.json")]


def machine_id(data: Path, new: str) -> str:
    """The id of this installation, made of `new` the first time. Raises SetupError."""
    path = data / FOLDER / "machine"
    with locked(path.with_suffix(".lock")):
        kept = (read_optional(path) or b"").decode(errors="replace").strip()
        if not kept:
            make_private(path.parent)
            write_private(path, f"{new}\n".encode())
        return kept or new

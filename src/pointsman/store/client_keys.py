"""Client keys: whom the endpoint lets in beside its own key, in one private file.

Of a key only its SHA-256 is kept: it holds 256 random bits, so nobody finds it by trying, and a slow hash
would cost every request and protect nothing more.
"""

from collections.abc import Callable
from fnmatch import fnmatchcase
from hashlib import sha256
from pathlib import Path

import msgspec
from msgspec import Struct, structs

from pointsman.canon.errors import SetupError
from pointsman.store.files import make_private, read_optional, write_private
from pointsman.store.locks import locked

FILE = "client-keys.json"
PREFIX = "pm-"


class Limits(Struct, frozen=True):
    """What a key may take; None: as much as it wants."""

    dollars_per_day: float | None = None
    dollars_per_month: float | None = None
    tokens_per_day: int | None = None
    tokens_per_month: int | None = None
    requests_per_minute: int | None = None


class ClientKey(Struct, frozen=True):
    """One key, without the key."""

    name: str
    digest: str
    created: float
    """Seconds since the epoch."""
    models: tuple[str, ...] = ()
    """Glob patterns of the models that it may use; empty: all."""
    limits: Limits = Limits()
    revoked: float | None = None

    def may_use(self, *names: str) -> bool:
        """Whether it may use a model, by any of its names."""
        lower = [name.lower() for name in names]
        return not self.models or any(
            fnmatchcase(name, pattern.lower()) for name in lower for pattern in self.models
        )


class _File(Struct, frozen=True):
    keys: tuple[ClientKey, ...] = ()
    version: int = 1


class ClientKeys:
    """The file."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def load(self) -> tuple[ClientKey, ...]:
        """All keys, revoked ones too. Raises SetupError."""
        data = read_optional(self.path)
        try:
            return () if data is None else msgspec.json.decode(data, type=_File).keys
        except msgspec.DecodeError as error:
            raise SetupError(f"{self.path} cannot be read: {error}; correct it, or move it away") from error

    def add(self, key: ClientKey) -> None:
        """Raises SetupError where one of that name is in use."""

        def more(keys: tuple[ClientKey, ...]) -> tuple[ClientKey, ...]:
            if any(each.name == key.name and each.revoked is None for each in keys):
                raise SetupError(
                    f"there is a key {key.name} already; choose another name, or revoke that one"
                )
            return (*(each for each in keys if each.name != key.name), key)

        self._change(more)

    def revoke(self, name: str, now: float) -> None:
        """Raises SetupError where there is none in use of that name."""

        def without(keys: tuple[ClientKey, ...]) -> tuple[ClientKey, ...]:
            if not any(each.name == name and each.revoked is None for each in keys):
                raise SetupError(f"there is no key {name}; `pointsman keys list` shows them")
            return tuple(
                structs.replace(each, revoked=now) if each.name == name and each.revoked is None else each
                for each in keys
            )

        self._change(without)

    def _change(self, change: Callable[[tuple[ClientKey, ...]], tuple[ClientKey, ...]]) -> None:
        make_private(self.path.parent)
        with locked(self.path.with_suffix(".lock")):
            keys = change(self.load())
            write_private(self.path, msgspec.json.format(msgspec.json.encode(_File(keys)), indent=1))


def digest_of(key: str) -> str:
    """What is kept of a key."""
    return sha256(key.encode("utf-8", "replace")).hexdigest()

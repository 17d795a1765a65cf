"""Changes to `config.toml` by commands: the user's comments stay, and what would not load is not written."""

from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from pointsman.canon.errors import SetupError
from pointsman.config.load import Effective, read_text
from pointsman.config.migrate import back_up, is_older, migrate_file, upgrade, version_of
from pointsman.config.schema import VERSION
from pointsman.store.files import read_optional, write_private
from pointsman.store.locks import locked

if TYPE_CHECKING:
    from tomlkit import TOMLDocument

Check = Callable[[Effective], object]
"""Raises SetupError for settings that are well-formed and still cannot hold, such as an unknown provider."""
_NEW_FILE = (
    f"# The configuration of pointsman; `pointsman config` shows what holds now.\nversion = {VERSION}\n"
)


def config_lock(run: Path) -> Path:
    """The lock of whoever changes the file."""
    return run / "config.lock"


def migrated(path: Path, backup: Path) -> str:
    """That a file was brought up to date, in words."""
    return f"{path} was in an older format and is now `version = {VERSION}`; as it was, it is in {backup}"


def bring_up_to_date(path: Path, run: Path) -> str | None:
    """Rewrites a file of an older format; what was done, in words. Raises SetupError."""
    if not is_older(path):
        return None
    with locked(config_lock(run)):
        backup = migrate_file(path)
    return None if backup is None else migrated(path, backup)


class Editor:
    """Edits one file; each method is one whole change, under a lock, and raises SetupError."""

    def __init__(
        self, path: Path, run: Path, check: Check, announce: Callable[[str], object] = lambda _: None
    ) -> None:
        """`run` is the folder for the lock; `announce` is told of a file whose format was an older one."""
        self._path = path
        self._lock = config_lock(run)
        self._check = check
        self._announce = announce

    def remove_backend(self, name: str) -> None:
        """Removes `[backends.NAME]`."""

        def change(document: MutableMapping[str, Any]) -> None:
            if name not in document.get("backends", {}):
                raise SetupError(f"there is no backend {name} in {self._path}")
            del document["backends"][name]

        self.edit(change)

    def edit(self, change: Callable[[MutableMapping[str, Any]], None]) -> None:
        """Any change. The file is written only if it differs, loads, and passes the check."""
        with locked(self._lock):
            data = read_optional(self._path)
            old = _NEW_FILE if data is None else self._decoded(data)
            document = self._parsed(old)
            version = version_of(cast("MutableMapping[str, Any]", document))
            upgraded = upgrade(cast("MutableMapping[str, Any]", document))
            before = document.as_string()
            change(cast("MutableMapping[str, Any]", document))
            new = sparing(before, document.as_string())
            settings, given = read_text(new, str(self._path))
            self._check(Effective(settings, self._path, dict.fromkeys(given, str(self._path))))
            backup = back_up(self._path, data, version) if data is not None and upgraded else None
            if data is None or new != old:
                write_private(self._path, new.encode())
        if backup is not None:
            self._announce(migrated(self._path, backup))

    def _decoded(self, data: bytes) -> str:
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            raise SetupError(f"{self._path} is not UTF-8 text; save it as UTF-8") from error

    def _parsed(self, text: str) -> "TOMLDocument":
        read_text(text, str(self._path))
        import tomlkit  # noqa: PLC0415  # only commands that change the file need it

        return tomlkit.parse(text)


def sparing(before: str, after: str) -> str:
    """A text out of which a table was taken, with the comments that stood between it and what follows.

    To tomlkit they are the table's own, and go with it; to whoever wrote them they are often the next one's.
    """
    old, new = before.splitlines(keepends=True), after.splitlines(keepends=True)
    pairs = enumerate(zip(old, new, strict=False))
    place = next((at for at, (left, right) in pairs if left != right), len(new))
    end = place + len(old) - len(new)
    if end <= place or old[end:] != new[place:]:
        return after  # something else than a removal
    kept = _closing_comments(old[place:end])
    if place and not new[place - 1].strip():
        kept = kept.lstrip("\r\n")
    return "".join((*new[:place], kept, *new[place:]))


def _closing_comments(lines: list[str]) -> str:
    """The comments after the last line that is none, with the blank lines around them; empty if none."""
    start = len(lines)
    while start and (not lines[start - 1].strip() or lines[start - 1].lstrip().startswith("#")):
        start -= 1
    text = "".join(lines[start:])
    return text if text.strip() else ""


def put(document: MutableMapping[str, Any], path: tuple[str, ...], value: object) -> None:
    """Sets the value at a path, making the tables that lead there; None removes it."""
    table: MutableMapping[str, Any] = document
    for name in path[:-1]:
        table = table.setdefault(name, {})
    if value is None:
        table.pop(path[-1], None)
    else:
        table[path[-1]] = plain(value)


def plain(value: object) -> object:
    """A value as TOML has it: without None, tuples as arrays."""
    if isinstance(value, Mapping):
        table = cast("Mapping[str, object]", value)
        return {name: plain(inner) for name, inner in table.items() if inner is not None}
    if isinstance(value, tuple):
        return [plain(inner) for inner in cast("tuple[object, ...]", value)]
    return value

"""Where pointsman keeps its files."""

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

HOME_VARIABLE = "POINTSMAN_HOME"


class Paths(Struct, frozen=True):
    """Folders, each for its owner alone; they are created by whoever writes into them."""

    config: Path
    data: Path
    """What must not be lost: secrets, the ledger."""
    cache: Path
    """What can be fetched again: the embedded model, live catalogs."""
    run: Path
    """What is true only while an endpoint runs."""
    home: Path | None = None
    """`POINTSMAN_HOME`, where it is set."""

    @property
    def config_file(self) -> Path:
        """`config.toml`."""
        return self.config / "config.toml"


def find_paths(environment: Mapping[str, str]) -> Paths:
    """All under `POINTSMAN_HOME` where it is set, else the platform's folders for this user."""
    home = environment.get(HOME_VARIABLE, "").strip()
    return _under(Path(home).expanduser().absolute()) if home else _platform_paths()


def _under(home: Path) -> Paths:
    return Paths(config=home, data=home / "data", cache=home / "cache", run=home / "run", home=home)


def platform_cache() -> Path:
    """The platform's cache folder, also where `POINTSMAN_HOME` is set: the embedded model may lie there."""
    return _platform_paths().cache


def _platform_paths() -> Paths:
    from platformdirs import PlatformDirs  # noqa: PLC0415  # not needed where POINTSMAN_HOME is set

    folders = PlatformDirs("pointsman", appauthor=False)
    # Not the platform's runtime folder: it differs between a login session and a service of the same user.
    return Paths(
        config=folders.user_config_path,
        data=folders.user_data_path,
        cache=folders.user_cache_path,
        run=folders.user_state_path / "run",
    )

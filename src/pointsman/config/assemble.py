"""All backends that follow from the configuration and the environment."""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from msgspec import Struct

from pointsman.config.backends import Catalog, configured
from pointsman.config.discovery import Found, discovered, homeless_keys
from pointsman.config.load import Effective
from pointsman.config.schema import Settings
from pointsman.config.shape import nearest
from pointsman.routing.snapshot import Backend


class Assembled(Struct, frozen=True):
    """The backends, in order: the user's own, then what was found."""

    backends: dict[str, Backend]
    warnings: tuple[str, ...] = ()


def assemble(
    effective: Effective,
    catalog: Catalog,
    environment: Mapping[str, str],
    own: Iterable[tuple[str, int]] = (),
) -> Assembled:
    """Configured backends, and those with a key in the environment unless `discover` is off.

    A configured backend stands for a found one of its name. Raises SetupError.
    """
    backends = configured(effective, catalog, environment)
    missing = tuple(_missing_files(backends.values()))
    found = discovered(catalog, environment, own) if effective.settings.discover else Found()
    backends |= {name: made for name, made in found.backends.items() if name not in backends}
    homeless = homeless_keys(catalog, environment, backends) if effective.settings.discover else ()
    return Assembled(backends, effective.warnings + missing + found.warnings + homeless)


def _missing_files(backends: Iterable[Backend]) -> Iterator[str]:
    """Files that backends need and that are not there: better told now than by their first request."""
    for backend in backends:
        for name, path in (("ca_file", backend.ca_file), ("gguf", backend.gguf)):
            if path is not None and not Path(path).is_file():
                yield f"`backends.{backend.name}.{name}` leads to {path}, and there is no such file"


def unknown_default(default: str | None, backends: Mapping[str, Backend]) -> str | None:
    """What is wrong with `default`, if it names no backend."""
    if default is None or default in backends:
        return None
    near = nearest(default, list(backends)) if backends else "none"
    return f"`default` names {default}, which is no backend here; the nearest one is {near}"


def fallbacks(settings: Settings) -> dict[str, tuple[str, ...]]:
    """Who answers instead, by the pattern of the asked name; a list is for all names."""
    given = settings.fallbacks
    if isinstance(given, dict):
        return given
    return {"*": given} if given else {}

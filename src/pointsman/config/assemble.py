"""All backends that follow from the configuration and the environment."""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from pointsman.config.backends import Catalog, configured
from pointsman.config.discovery import Found, discovered
from pointsman.config.load import Effective
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
    found = discovered(catalog, environment, own) if effective.settings.discover else Found()
    backends |= {name: made for name, made in found.backends.items() if name not in backends}
    return Assembled(backends, effective.warnings + found.warnings)

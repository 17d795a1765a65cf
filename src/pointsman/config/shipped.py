"""The catalog that ships with the package, read once."""

from functools import cache
from importlib.resources import files

from pointsman.catalog import read
from pointsman.catalog.beta import Beta
from pointsman.catalog.client import Client
from pointsman.catalog.detect import Detector
from pointsman.catalog.profile import Profile
from pointsman.catalog.provider import Provider


@cache
def providers() -> dict[str, Provider]:
    """The shipped rows of `providers.toml`, by name."""
    return read.providers(_text("providers.toml"))


@cache
def profiles() -> tuple[Profile, ...]:
    """The shipped rows of `profiles.toml`, in the order in which they apply."""
    return read.profiles(_text("profiles.toml"))


@cache
def clients() -> dict[str, Client]:
    """The shipped rows of `clients.toml`, by name."""
    return read.clients(_text("clients.toml"))


@cache
def detector() -> Detector:
    """Tells which of the shipped clients sends a request."""
    return Detector(clients().values())


@cache
def betas() -> tuple[Beta, ...]:
    """The shipped rows of `betas.toml`."""
    return read.betas(_text("betas.toml"))


def _text(name: str) -> str:
    return files("pointsman.catalog").joinpath(name).read_text(encoding="utf-8")

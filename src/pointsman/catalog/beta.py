"""A beta flag: what of a request's body goes with it."""

from msgspec import Struct


class Beta(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `betas.toml`."""

    name: str
    """A glob pattern of flags."""
    fields: tuple[str, ...] = ()
    """Dotted paths of members."""

"""A profile: what a model family can do, wherever it runs."""

from msgspec import Struct

from pointsman.canon.json import Json


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `profiles.toml`."""

    name: str
    patterns: tuple[str, ...]
    """Glob patterns of model ids, matched against the name without a vendor's prefix (`meta-llama/`)."""
    page: str
    """Where the family's facts are documented."""
    providers: tuple[str, ...] = ()
    """The provider rows at which it holds; empty: wherever the model runs."""
    traits: Json = {}
    """See `canon/traits.py`; these stand above the provider's."""
    dialect_traits: dict[str, Json] = {}

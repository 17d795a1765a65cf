"""What one model at one provider accepts: the provider's row, the matching profiles, the user's word on top.

Merging, layer by layer: a later layer's trait replaces an earlier one's, except that what the rows forbid
adds up (`refused_fields` united, `NARROWING` traits intersected, `extra_fields` joined). The user's layer
replaces outright.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from typing import Any, Final

import msgspec

from pointsman.canon.errors import SetupError
from pointsman.canon.json import Json
from pointsman.canon.traits import Traits
from pointsman.catalog.profile import Profile
from pointsman.catalog.provider import Provider

NARROWING: Final = ("tool_choice", "output_formats", "thinking_modes")
"""Traits that list what is taken: a model takes what both its provider and its family take."""

_CLOUD_PREFIX = re.compile(r"^(?:[a-z]+\.)+(?=[a-z])")


def traits_for(
    provider: Provider, dialect: str, profiles: tuple[Profile, ...], model: str, user_traits: Json
) -> Traits:
    """The traits of `model` at `provider` in `dialect`. Raises SetupError where the user's are wrong."""
    merged: dict[str, Any] = {}
    for layer in _layers(provider, dialect, profiles, model):
        _merge(merged, layer)
    merged.update(user_traits)
    try:
        return msgspec.convert(merged, Traits)
    except msgspec.ValidationError as error:
        raise SetupError(
            f"the traits of `{model}` at `{provider.name}` are wrong: {error}; "
            "correct `traits` in the backend's table"
        ) from error


def bare_name(model: str) -> str:
    """A model's name as profiles know it: in lower case, without `meta-llama/` or `us.anthropic.`."""
    return _CLOUD_PREFIX.sub("", model.rsplit("/", 1)[-1].lower())


def matching(provider: Provider, profiles: tuple[Profile, ...], model: str) -> Iterator[Profile]:
    """The profiles that hold for a model at a provider, in file order."""
    name = bare_name(model)
    for profile in profiles:
        here = not profile.providers or provider.name in profile.providers
        if here and any(fnmatchcase(name, pattern) for pattern in profile.patterns):
            yield profile


def _layers(provider: Provider, dialect: str, profiles: tuple[Profile, ...], model: str) -> Iterator[Json]:
    yield provider.traits
    yield provider.dialect_traits.get(dialect, {})
    found = tuple(matching(provider, profiles, model))
    for profile in found:
        yield profile.traits
    for profile in found:
        yield profile.dialect_traits.get(dialect, {})


def _merge(merged: dict[str, Any], layer: Mapping[str, Any]) -> None:
    for trait, value in layer.items():
        before = merged.get(trait)
        if before is None:
            merged[trait] = value
        elif trait == "refused_fields":
            merged[trait] = [*before, *(field for field in value if field not in before)]
        elif trait in NARROWING:
            merged[trait] = [item for item in value if item in before]
        elif trait == "extra_fields":
            merged[trait] = {**before, **value}
        else:
            merged[trait] = value


def families(rows: Iterable[Provider]) -> dict[str, str]:
    """Every row's shortcuts, with the pattern of the model ids that each means."""
    return {name: pattern for row in rows for name, pattern in row.families.items()}

"""What one model at one provider accepts: the provider's row, the matching profiles, the user's word on top.

Merging, layer by layer: a later layer's trait replaces an earlier one's, except that what the rows forbid
adds up (`refused_fields` united, `NARROWING` traits intersected, `extra_fields` joined). The user's layer
replaces outright.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
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
_CACHED = 1024


def traits_for(
    provider: Provider, dialect: str, profiles: tuple[Profile, ...], model: str, user_traits: Json
) -> Traits:
    """The traits of `model` at `provider` in `dialect`. Raises SetupError where the user's are wrong."""
    return _traits(_Question(provider, dialect, profiles, model, user_traits))


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


class _Question:
    """The arguments of `traits_for`, compared by identity: rows need no hash for answers to be kept."""

    __slots__ = ("dialect", "model", "profiles", "provider", "user")

    def __init__(
        self, provider: Provider, dialect: str, profiles: tuple[Profile, ...], model: str, user: Json
    ) -> None:
        self.provider = provider
        self.dialect = dialect
        self.profiles = profiles
        self.model = model
        self.user = user

    def __hash__(self) -> int:
        return hash((id(self.provider), self.dialect, id(self.profiles), self.model, id(self.user)))

    def __eq__(self, other: object) -> bool:
        return (
            isinstance(other, _Question)
            and self.provider is other.provider
            and self.dialect == other.dialect
            and self.profiles is other.profiles
            and self.model == other.model
            and self.user is other.user
        )


@lru_cache(maxsize=_CACHED)
def _traits(question: _Question) -> Traits:
    merged: dict[str, Any] = {}
    for layer in _layers(question):
        _merge(merged, layer)
    merged.update(question.user)
    try:
        return msgspec.convert(merged, Traits)
    except msgspec.ValidationError as error:
        raise SetupError(
            f"the traits of `{question.model}` at `{question.provider.name}` are wrong: {error}; "
            "correct `traits` in the backend's table"
        ) from error


def _layers(question: _Question) -> Iterator[Json]:
    yield question.provider.traits
    yield question.provider.dialect_traits.get(question.dialect, {})
    found = tuple(matching(question.provider, question.profiles, question.model))
    for profile in found:
        yield profile.traits
    for profile in found:
        yield profile.dialect_traits.get(question.dialect, {})


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

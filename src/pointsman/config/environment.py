"""Keys in the environment: which variables hold one, and which only hold the key of this endpoint."""

import re
from collections.abc import Iterator, Mapping

from pointsman.canon.errors import SetupError
from pointsman.catalog.provider import Provider

API_KEY_VARIABLE = "POINTSMAN_API_KEY"
"""The key of this endpoint; read when serving, never kept."""
PLACEHOLDER = "pointsman"
"""The key that the banner shows to clients: it opens this endpoint and nothing else."""
UNEXPANDED = f"${API_KEY_VARIABLE}"
"""What the banner shows where this endpoint has a key: for a shell to expand, and no key as it stands."""
_NO_KEYS = frozenset({"", PLACEHOLDER, UNEXPANDED, f"${{{API_KEY_VARIABLE}}}"})


def endpoint_key(environment: Mapping[str, str]) -> str | None:
    """The key of this endpoint, where one is set. Raises SetupError for one that no header can carry."""
    key = environment.get(API_KEY_VARIABLE, "").strip()
    if not (key.isascii() and key.isprintable()):
        # The value stays out of the message.
        raise SetupError(f"{API_KEY_VARIABLE} holds a character that no header can carry; set another key")
    return key or None


def is_foreign_key(value: str, environment: Mapping[str, str]) -> bool:
    """Whether a variable's value is a key, and not one that opens this endpoint."""
    return value.strip() not in {*_NO_KEYS, environment.get(API_KEY_VARIABLE, "").strip()}


def usable_key(row: Provider, environment: Mapping[str, str]) -> str | None:
    """The first of a provider's variables that holds a key which is not this endpoint's."""
    for name in row.key_env:
        if is_foreign_key(environment.get(name, ""), environment):
            return name
    return None


def key_variable(row: Provider, environment: Mapping[str, str]) -> str | None:
    """The variable to take a provider's key from: the first that holds one, else the usual one."""
    return usable_key(row, environment) or (row.key_env[0] if row.key_env else None)


def addresses(row: Provider, variable: str, environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """The (variable, URL) pairs that say where the key in `variable` belongs."""
    usual = re.sub(r"_(API_)?(KEY|TOKEN)$", "", variable) + "_BASE_URL"
    for name in dict.fromkeys((*row.base_url_env, usual)):
        url = environment.get(name, "").strip()
        if url:
            yield name, url

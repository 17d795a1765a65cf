"""Places: what a provider's address holds beside its name, such as a cloud's region and project.

A setting of the backend goes before the environment variables that the provider's own tools read.
"""

import re
from collections.abc import Mapping

from pointsman.canon.errors import SetupError
from pointsman.catalog.provider import Provider
from pointsman.config.schema import BackendSettings

_PLAIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]*")
"""What cannot lead an address elsewhere."""


def find_places(row: Provider, settings: BackendSettings, environment: Mapping[str, str]) -> dict[str, str]:
    """The places that are known, by name. Raises SetupError for one that no address can hold."""
    found = {name: _place(name, row, settings, environment) for name in row.places}
    for name, value in found.items():
        if value is not None and _PLAIN.fullmatch(value) is None:
            raise SetupError(f"{name} is no name that an address can hold: {value}")
    return {name: value for name, value in found.items() if value is not None}


def _place(name: str, row: Provider, settings: BackendSettings, environment: Mapping[str, str]) -> str | None:
    own: str | None = getattr(settings, name, None)
    said = (environment.get(variable, "").strip() for variable in row.places[name])
    return own or next(filter(None, said), None) or row.usual_places.get(name)


def root_of(name: str, row: Provider, places: Mapping[str, str]) -> str | None:
    """The provider's root URL; None where it has none. Raises SetupError where a place is not known."""
    root = row.roots.get(places.get("region", ""), row.root)
    if root is None:
        return None
    for place, variables in row.places.items():
        hole = f"{{{place}}}"
        if hole in root and place not in places:
            note = f" {row.note}" if row.note else ""
            raise SetupError(
                f"`backends.{name}`: {place} is missing: set {variables[0]}, or `{place}` or `base_url` "
                f"on the backend.{note}"
            )
        root = root.replace(hole, places.get(place, ""))
    return root


def filled(template: str, places: Mapping[str, str]) -> str:
    """A text with the places that it names."""
    for place, value in places.items():
        template = template.replace(f"{{{place}}}", value)
    return template

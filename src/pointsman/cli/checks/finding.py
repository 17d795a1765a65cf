"""A finding: what a check saw, how bad that is, and the command that mends it."""

from typing import Literal, TypeAlias

from msgspec import Struct

from pointsman.canon.json import Json

Level: TypeAlias = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True):
    """One line of the report."""

    level: Level
    about: str
    """A word or two: `configuration`, `backend work`."""
    said: str
    """One clause."""
    mend: str = ""
    """What to type, or to do."""
    facts: Json = {}
    """More of it, for machines."""

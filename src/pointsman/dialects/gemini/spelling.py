"""Members of an object as proto-JSON spells them: camelCase, or the field's own snake_case.

Google's APIs read both (protobuf.dev, "ProtoJSON Format"), even mixed in one body, and so do the readers
here; which one a client used is noted, so that its own dialect says the same again.
"""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.wire.fields import Fields, as_integer, as_number, as_object, wrong

_NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,18})?(?:[eE][+-]?\d{1,2})?")
_UPPER = re.compile(r"(?<!^)([A-Z])")
_UNDER = re.compile(r"_([a-z0-9])")


@lru_cache(maxsize=512)
def snake(name: str) -> str:
    """`systemInstruction` as `system_instruction`."""
    return _UPPER.sub(r"_\1", name).lower()


@lru_cache(maxsize=512)
def camel(name: str) -> str:
    """`system_instruction` as `systemInstruction`; other names stay."""
    return _UNDER.sub(lambda found: found[1].upper(), name)


class Members(Fields):
    """The members of one object, asked for in camelCase; what nobody took is left in `rest`."""

    def __init__(self, value: object, path: str = "") -> None:
        super().__init__(value, path)
        self.spelled: dict[str, str] = {}
        """camelCase → the name under which a member came, where that is another one."""

    def take(self, key: str) -> Any:
        """The member as it is, under either name; None if it is absent or null."""
        if self.rest.get(key) is not None:
            return self.rest.pop(key)
        other = snake(key)
        if other == key or self.rest.get(other) is None:
            return None
        self.spelled[key] = other
        return self.rest.pop(other)

    def integer(self, key: str) -> int | None:
        """A whole number, which may be written as a text. Raises MalformedError."""
        value = self.take(key)
        return None if value is None else as_integer(_plain(value), self.at(key))

    def number(self, key: str) -> float | None:
        """A number, which may be written as a text. Raises MalformedError."""
        value = self.take(key)
        return None if value is None else as_number(_plain(value), self.at(key))

    def left(self) -> dict[str, Any]:
        """What nobody took, in camelCase where that is free."""
        found: dict[str, Any] = {}
        for key, value in self.rest.items():
            name = camel(key)
            if name != key and (name in self.rest or name in found or name in self.spelled):
                name = key
            elif name != key:
                self.spelled[name] = key
            found[name] = value
        return found


def _plain(value: object) -> object:
    """A number where a text holds one, as proto-JSON allows."""
    if not isinstance(value, str) or not _NUMBER.fullmatch(value):
        return value
    return float(value) if set(value) & {".", "e", "E"} else int(value)


def member(value: Json, key: str) -> Any:
    """A member under either name; None if it is absent or null."""
    found = value.get(key)
    return value.get(snake(key)) if found is None else found


def repeated(value: object, path: str) -> Sequence[Json]:
    """An array of objects, or the one object that may stand for it. Raises MalformedError."""
    if isinstance(value, dict):
        return (cast("Json", value),)
    if not isinstance(value, list):
        raise wrong(path, "an array", value)
    return [as_object(item, f"{path}[{at}]") for at, item in enumerate(cast("list[object]", value))]

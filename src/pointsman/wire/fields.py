"""Reading decoded JSON with types: what is wrong is named by its path in the error."""

from collections.abc import Sequence
from typing import Any, cast

from pointsman.canon.errors import MalformedError
from pointsman.canon.json import Json

_NAMES: dict[type[object], str] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}


def wrong(path: str, expected: str, value: object) -> MalformedError:
    """The error for a value of another type."""
    found = _NAMES.get(type(value), type(value).__name__)
    return MalformedError(f"`{path}` must be {expected}, not {found}", param=path)


def as_object(value: object, path: str) -> Json:
    """`value` as a JSON object. Raises MalformedError."""
    if isinstance(value, dict):
        return cast("dict[str, Any]", value)
    raise wrong(path, "an object", value)


def as_array(value: object, path: str) -> Sequence[Any]:
    """`value` as a JSON array. Raises MalformedError."""
    if isinstance(value, list):
        return cast("list[Any]", value)
    raise wrong(path, "an array", value)


def as_text(value: object, path: str) -> str:
    """`value` as a string. Raises MalformedError."""
    if isinstance(value, str):
        return value
    raise wrong(path, "a string", value)


def as_integer(value: object, path: str) -> int:
    """`value` as a whole number; `1.0` counts. Raises MalformedError."""
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        raise wrong(path, "a whole number", value)
    return int(value)


def as_number(value: object, path: str) -> float:
    """`value` as a number, whole ones kept whole. Raises MalformedError."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise wrong(path, "a number", value)
    return value


def as_boolean(value: object, path: str) -> bool:
    """`value` as a boolean. Raises MalformedError."""
    if isinstance(value, bool):
        return value
    raise wrong(path, "true or false", value)


class Fields:
    """The members of one object, taken one by one; what nobody took is left in `rest`.

    A member that is null counts as absent and stays in `rest`, so that its own dialect says null again.
    """

    def __init__(self, value: object, path: str = "") -> None:
        self.path = path
        self.rest: dict[str, Any] = dict(as_object(value, path or "body"))

    def at(self, key: str) -> str:
        """The path of a member."""
        return f"{self.path}.{key}" if self.path else key

    def take(self, key: str) -> Any:
        """The member as it is; None if it is absent or null."""
        if self.rest.get(key) is None:
            return None
        return self.rest.pop(key)

    def text(self, key: str) -> str | None:
        """A string member, or None. Raises MalformedError."""
        value = self.take(key)
        return None if value is None else as_text(value, self.at(key))

    def integer(self, key: str) -> int | None:
        """A whole-number member, or None. Raises MalformedError."""
        value = self.take(key)
        return None if value is None else as_integer(value, self.at(key))

    def number(self, key: str) -> float | None:
        """A number member, or None. Raises MalformedError."""
        value = self.take(key)
        return None if value is None else as_number(value, self.at(key))

    def boolean(self, key: str) -> bool | None:
        """A boolean member, or None. Raises MalformedError."""
        value = self.take(key)
        return None if value is None else as_boolean(value, self.at(key))

    def object(self, key: str) -> Json | None:
        """An object member, or None. Raises MalformedError."""
        value = self.take(key)
        return None if value is None else as_object(value, self.at(key))

    def array(self, key: str) -> Sequence[Any] | None:
        """An array member, or None. Raises MalformedError."""
        value = self.take(key)
        return None if value is None else as_array(value, self.at(key))

    def required_text(self, key: str) -> str:
        """A string member that must be there. Raises MalformedError."""
        value = self.text(key)
        if value is None:
            raise MalformedError(f"`{self.at(key)}` is required", param=self.at(key))
        return value

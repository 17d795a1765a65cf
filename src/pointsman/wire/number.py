"""A number that keeps how it was written, so that what passes through is neither rounded nor respelled."""

from typing import Self

import msgspec


class Number(float):
    """A decimal number of a body: a float, and its text."""

    __slots__ = ("text",)
    text: str

    def __new__(cls, text: str) -> Self:
        """Raises ValueError for what a float cannot hold."""
        number = super().__new__(cls, text)
        number.text = text
        if number in {float("inf"), float("-inf")}:
            raise ValueError("the number is too large")
        return number

    def __reduce__(self) -> tuple[type[Self], tuple[str]]:
        """For copies."""
        return type(self), (self.text,)


def as_written(value: object) -> msgspec.Raw:
    """How an encoder writes a `Number`. Raises NotImplementedError for anything else."""
    if isinstance(value, Number):
        return msgspec.Raw(value.text.encode())
    raise NotImplementedError(f"{type(value).__name__} is no JSON value")

"""A size in bytes, as people write it: `64MB`."""

import re

_UNITS = {"": 1, "b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}
_FORM = re.compile(r"(\d+(?:\.\d+)?)\s*(?:([kmg])i?b?|b?)", re.IGNORECASE)


class Size(int):
    """Bytes. `KB`, `MB` and `GB` are powers of 1024, with or without the `i`."""

    @classmethod
    def parse(cls, value: object) -> "Size":
        """From a number of bytes or a text. Raises ValueError."""
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            return cls(value)
        match = _FORM.fullmatch(value.strip()) if isinstance(value, str) else None
        if match is None:
            raise ValueError("not a size")
        return cls(float(match[1]) * _UNITS[(match[2] or "").lower()])

    def __str__(self) -> str:
        for unit, factor in (("GB", 1024**3), ("MB", 1024**2), ("KB", 1024)):
            if self and self % factor == 0:
                return f"{self // factor}{unit}"
        return f"{int(self)}"

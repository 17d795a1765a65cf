"""Output: what commands print for machines and for people. Colour stays on terminals."""

import json
import sys

import click

_CONTROLS = {code: None for code in (*range(32), *range(127, 160)) if code not in (9, 10)}
"""Everything that could move a terminal's cursor or change its state; tabs and line ends stay."""
_BREAKS: dict[int, str] = dict.fromkeys((9, 10, 0x2028, 0x2029), " ")
"""What would begin another line, or leave its column."""
UNITS = ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s"))
"""Seconds, and their name."""


def print_json(value: object) -> None:
    """One JSON value, for machines."""
    click.echo(json.dumps(value, ensure_ascii=False, indent=2))


def warn(words: str) -> None:
    """A warning, beside the output."""
    click.secho(f"warning: {words}", fg="yellow", err=True)


def note(words: str) -> None:
    """Something to know that is no part of the output."""
    click.echo(words, err=True)


def harmless(text: str) -> str:
    """A text from elsewhere as a terminal may show it: without control characters."""
    return text.translate(_CONTROLS)


def one_line(text: str) -> str:
    """A text from elsewhere as it may stand within a line: harmless, and with blanks for line ends."""
    return harmless(text).translate(_BREAKS)


def on_terminal() -> bool:
    """Whether a person looks at the output."""
    return sys.stdout.isatty()


def count(number: int, noun: str) -> str:
    """`1 model`, `12 models`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def age(seconds: float) -> str:
    """A duration in its two largest units: `2 h 5 min`."""
    parts: list[str] = []
    for size, name in UNITS:
        amount, seconds = divmod(int(seconds), size)
        if amount:
            parts.append(f"{amount} {name}")
    return " ".join(parts[:2]) or "0 s"

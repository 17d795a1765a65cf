"""Tables: columns as wide as their contents; folded on a terminal, never cut where a program reads them."""

import sys
from collections.abc import Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from pointsman.cli.output import on_terminal, one_line

WIDE = 10_000
"""Columns of a line that is not for a terminal."""


def print_table(headings: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table to standard output."""
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*(Text(one_line(cell)) for cell in row))
    Console(file=sys.stdout, width=None if on_terminal() else WIDE, highlight=False).print(table)

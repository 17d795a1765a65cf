"""Progress of a download: a bar on a terminal, else a line at each quarter; on standard error."""

import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import TypeAlias

import click

Progress: TypeAlias = Callable[[int, int], None]
"""Called with the bytes that have arrived and the bytes in all."""
QUARTERS = 4


@contextmanager
def progress(title: str) -> Generator[Progress]:
    """Shows what is called while the block lasts; nothing where it is never called."""
    if sys.stderr.isatty():
        with _bar(title) as show:
            yield show
    else:
        yield _lines(title)


@contextmanager
def _bar(title: str) -> Generator[Progress]:
    from rich.console import Console  # noqa: PLC0415 - only for a download that somebody watches
    from rich.progress import (  # noqa: PLC0415 - the same
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars  # noqa: PLC0415 - the same

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        task = bars.add_task(title, total=None, visible=False)

        def show(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total, visible=True)

        yield show


def _lines(title: str) -> Progress:
    said = [-1]

    def show(done: int, total: int) -> None:
        quarter = QUARTERS * done // total if total else QUARTERS
        if quarter > said[0]:
            said[0] = quarter
            click.echo(f"{title}: {done / 1e6:.0f} of {total / 1e6:.0f} MB", err=True)

    return show

"""The table: figures as Markdown, beside nginx and the floor of the same run."""

import os
import platform
import subprocess
import sys
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path

Figures = dict[str, float]
"""By the way's name."""
Format = Callable[[float], str]
Column = tuple[str, Figures, Format]


def whole(value: float) -> str:
    """No decimals."""
    return f"{value:,.0f}"


def fine(value: float) -> str:
    """One decimal."""
    return f"{value:,.1f}"


def finer(value: float) -> str:
    """Two decimals."""
    return f"{value:,.2f}"


def ratio(figures: Figures, to: str) -> Figures:
    """Figures as multiples of one of them."""
    base = figures.get(to)
    return {name: value / base for name, value in figures.items()} if base else {}


def table(first: str, names: Iterable[str], columns: Sequence[Column]) -> str:
    """One row for each name; a dash where nothing was measured."""
    kept = [column for column in columns if column[1]]
    rows = [(first, *(title for title, _, _ in kept)), ("---", *("---:" for _ in kept))]
    rows += [(name, *(_cell(figures, name, form) for _, figures, form in kept)) for name in names]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def matrix(corner: str, names: Sequence[str], cell: Callable[[str, str], str]) -> str:
    """One row and one column for each name; `cell` is given the row's and the column's."""
    head = [(corner, *names), ("---", *("---:" for _ in names))]
    rows = [(row, *(cell(row, column) for column in names)) for row in names]
    return "\n".join(f"| {' | '.join(row)} |" for row in [*head, *rows])


def beside(value: float, base: float | None, form: Format, aim: float | None = None) -> str:
    """A figure with its multiple of a base; in bold where it misses its aim."""
    shown = form(value) if aim is None or value < aim else f"**{form(value)}**"
    return f"{shown} ({fine(value / base)})" if base else shown


def _cell(figures: Figures, name: str, form: Format) -> str:
    return form(figures[name]) if name in figures else "–"


def circumstances(seconds: float, *, quick: bool) -> str:
    """Where and when this was measured."""
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "commit": _commit(),
        "processor": f"{_processor()}, {os.cpu_count()} cores",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "run": f"{'quick' if quick else 'full'}, {seconds:.0f} s",
    }
    return "\n".join(f"- {name}: {value}" for name, value in facts.items())


def _commit() -> str:
    command = ["git", "describe", "--always", "--dirty"]
    try:
        return subprocess.check_output(command, text=True, stderr=subprocess.DEVNULL).strip()
    except (OSError, subprocess.CalledProcessError):
        return "unknown"


def _processor() -> str:
    if sys.platform == "darwin":
        return subprocess.check_output(["sysctl", "-n", "machdep.cpu.brand_string"], text=True).strip()
    information = Path("/proc/cpuinfo")
    lines = information.read_text().splitlines() if information.exists() else []
    models = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(models, platform.processor() or platform.machine())

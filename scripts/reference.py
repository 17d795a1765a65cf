"""Writes docs/reference from the code and its data, or checks that it is current.

python -m scripts.reference              writes every page
python -m scripts.reference providers    writes one
python -m scripts.reference --check      writes nothing; fails if a page is not what would be written
"""

import sys
from collections.abc import Callable, Iterable
from pathlib import Path

import pointsman
from pointsman.catalog.provider import Provider
from pointsman.config import shipped
from scripts import reference_code

ROOT = Path(__file__).parent.parent
FOLDER = ROOT / "docs" / "reference"
DIALECTS = Path(pointsman.__file__).parent / "dialects"

COMPANY = "provider | dialects | key variables | own model names | found by its key"
PROVIDERS = """\
# Providers

<!-- Written by scripts/reference.py from src/pointsman/catalog/providers.toml. Edit that file. -->

A provider is a company or a kind of server. `pointsman backend add NAME --provider PROVIDER` makes a backend
of it; a key in the environment, where the table says so, or a server listening on its usual port makes one by
itself. `PREFIX:model` names the backend of that kind.

A request goes to a provider in the dialect that its client speaks, if the provider speaks it too; else it is
translated into the first one listed. Patterns behind a dialect say which models have it there. Dialects in
italics are not built yet.

{companies}

## Servers on your machine

{servers}

## Kinds of server, by URL

{kinds}

## Notes

{notes}
"""


def providers() -> str:
    """The page of the providers' rows."""
    rows = shipped.providers().values()
    local = [row for row in rows if row.local]
    kinds = [row for row in rows if row.compatible]
    companies = [row for row in rows if not row.local and not row.compatible]
    return PROVIDERS.format(
        companies=_table(COMPANY, companies, _company),
        servers=_table("provider | dialects | port | key variables", local, _server),
        kinds=_table("provider | dialects", kinds, _kind),
        notes="\n".join(f"- `{row.name}`: {row.note}" for row in rows if row.note),
    )


PAGES: dict[str, Callable[[], str]] = {
    "providers": providers,
    "configuration": reference_code.configuration,
    "commands": reference_code.commands,
    "errors": reference_code.error_codes,
}


def _table(head: str, rows: Iterable[Provider], cells: Callable[[Provider], tuple[str, ...]]) -> str:
    lines = [f"| {head} |", "|" + " --- |" * (head.count("|") + 1)]
    lines += [f"| {' | '.join(cells(row))} |" for row in rows]
    return "\n".join(lines)


def _company(row: Provider) -> tuple[str, ...]:
    found = "yes" if row.discover and row.key_env else "no"
    return _name(row), _dialects(row), _codes(row.key_env), _codes(row.patterns), found


def _server(row: Provider) -> tuple[str, ...]:
    return _name(row), _dialects(row), _codes(map(str, row.ports)), _codes(row.key_env)


def _kind(row: Provider) -> tuple[str, ...]:
    return _name(row), _dialects(row)


def _name(row: Provider) -> str:
    aliases = "".join(f", `{alias}:`" for alias in row.aliases)
    return f"`{row.name}`{aliases}<br>[{row.title}]({row.page})"


def _dialects(row: Provider) -> str:
    built = {folder.name for folder in DIALECTS.iterdir() if folder.is_dir()}
    marked = {name: f"`{name}`" if name in built else f"*{name}*" for name in row.dialects}
    return ", ".join(marked[name] + _part(speaks.models) for name, speaks in row.dialects.items())


def _part(models: tuple[str, ...]) -> str:
    """Which models a dialect is for, where it is not for all of them."""
    only = [pattern for pattern in models if not pattern.startswith("!")]
    without = [pattern[1:] for pattern in models if pattern.startswith("!")]
    parts = [*([_codes(only)] if only else []), *([f"not {_codes(without)}"] if without else [])]
    return f" ({', '.join(parts)})" if parts else ""


def _codes(values: Iterable[str]) -> str:
    return ", ".join(f"`{value}`" for value in values)


def main(arguments: list[str]) -> int:
    """Writes or checks the pages named; the exit status."""
    check = "--check" in arguments
    names = [argument for argument in arguments if argument != "--check"] or list(PAGES)
    stale: list[str] = []
    for name in names:
        page, text = FOLDER / f"{name}.md", PAGES[name]()
        if not check:
            FOLDER.mkdir(parents=True, exist_ok=True)
            page.write_text(text, encoding="utf-8")
        elif not page.exists() or page.read_text(encoding="utf-8") != text:
            stale.append(f"{page.name} is not current: run python -m scripts.reference {name}")
    print(*stale, sep="\n", end="\n" if stale else "")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

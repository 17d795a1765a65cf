"""The reference pages that come out of the code: configuration, commands, errors."""

import ast
import inspect
import textwrap
from collections.abc import Iterator

import click

from pointsman.canon import errors
from pointsman.canon.traits import Traits
from pointsman.cli.main import COMMANDS, pointsman
from pointsman.config.describe import describe

NOTE = "<!-- Written by scripts/reference.py. Edit what it is written from: {source}. -->"
WIDTH = 100

CONFIGURATION = """\
# Configuration

{note}

One file, `config.toml`, in the platform's configuration folder or under `POINTSMAN_HOME`; `pointsman config`
shows where it is and which values hold. Variables (`POINTSMAN_PORT` for `port`) stand above the file, flags
above both. The file is read again when it changes; a broken edit leaves the old configuration in force, and
`pointsman status` says why.

| key | type | default | meaning |
| --- | --- | --- | --- |
{keys}

## Traits

What `traits` of a backend may correct: where a server departs from its dialect.

| trait | type | meaning |
| --- | --- | --- |
{traits}
"""

COMMANDS_PAGE = """\
# Commands

{note}

Exit statuses: 0 done; 1 it ran and did not succeed; 2 the command or the configuration is not as it must be,
and nothing was changed; 3 the port is taken by another pointsman; 130 ended by Ctrl-C,
which is how `serve` is meant to end: that is a 0.

{commands}
"""

ERRORS = """\
# Errors

{note}

Every error that pointsman itself makes reaches a client in the client's own dialect, with one of these codes
and the request id (`x-pointsman-request-id`). Errors of an upstream keep their own words and codes.

| code | status | what happened |
| --- | --- | --- |
{errors}
"""


def configuration() -> str:
    """The keys of `config.toml`."""
    keys = "\n".join(
        f"| `{row.key}` | {_cell(row.type)} | {_code(row.default)} | {_cell(row.meaning)} |"
        for row in describe()
    )
    traits = "\n".join(
        f"| `{name}` | {_code(kind)} | {_cell(text)} |" for name, kind, text in _fields(Traits)
    )
    return CONFIGURATION.format(
        note=NOTE.format(source="src/pointsman/config/schema.py"), keys=keys, traits=traits
    )


def commands() -> str:
    """The help of every command."""
    return COMMANDS_PAGE.format(
        note=NOTE.format(source="src/pointsman/cli"), commands="\n\n".join(_sections()).rstrip()
    )


def error_codes() -> str:
    """The codes of the errors."""
    # A subclass with its parent's code is a detail of ours; clients see the parent.
    first = {kind.code: kind for kind in reversed([*_kinds(errors.PointsmanError)])}
    rows = sorted((code, kind.status, _first_line(kind)) for code, kind in first.items())
    lines = "\n".join(f"| `{code}` | {status} | {_cell(text)} |" for code, status, text in rows)
    return ERRORS.format(note=NOTE.format(source="src/pointsman/canon/errors.py"), errors=lines)


def _sections() -> Iterator[str]:
    root = click.Context(pointsman, info_name="pointsman", max_content_width=WIDTH, terminal_width=WIDTH)
    yield _section(root, pointsman, 2)
    for name in COMMANDS:
        command = pointsman.get_command(root, name)
        if command is not None:
            yield from _tree(root, name, command, 2)


def _tree(parent: click.Context, name: str, command: click.Command, level: int) -> Iterator[str]:
    context = click.Context(
        command, info_name=name, parent=parent, max_content_width=WIDTH, terminal_width=WIDTH
    )
    yield _section(context, command, level)
    if isinstance(command, click.Group):
        for inner in command.list_commands(context):
            found = command.get_command(context, inner)
            if found is not None:
                yield from _tree(context, inner, found, level + 1)


def _section(context: click.Context, command: click.Command, level: int) -> str:
    return f"{'#' * level} {context.command_path}\n\n```text\n{command.get_help(context)}\n```"


def _kinds(kind: type[errors.PointsmanError]) -> Iterator[type[errors.PointsmanError]]:
    yield kind
    for inner in kind.__subclasses__():
        if inner.__module__ == errors.__name__:
            yield from _kinds(inner)


def _fields(kind: type) -> Iterator[tuple[str, str, str]]:
    """Name, type and text of each field of a class."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(kind))).body[0]
    assert isinstance(tree, ast.ClassDef)
    for field, text in zip(tree.body, [*tree.body[1:], None], strict=True):
        if isinstance(field, ast.AnnAssign):
            yield ast.unparse(field.target), ast.unparse(field.annotation), _text(text)


def _text(statement: ast.stmt | None) -> str:
    """The string that stands as a statement, as one paragraph."""
    if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant):
        return " ".join(str(statement.value.value).split())
    return ""


def _first_line(kind: type) -> str:
    return (inspect.getdoc(kind) or "").split("\n\n")[0].replace("\n", " ")


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _code(text: str) -> str:
    return f"`{_cell(text)}`" if text else ""

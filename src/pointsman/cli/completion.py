"""`pointsman completion`: the script that makes a shell complete our commands."""

import click
from click.shell_completion import get_completion_class

from pointsman.cli import exit_codes

PROGRAM = "pointsman"
VARIABLE = "_POINTSMAN_COMPLETE"
"""The variable by which the script asks for completions; click derives the same name."""
SHELLS = ("bash", "zsh", "fish")


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(context: click.Context, shell: str) -> int:
    """Print the completion script for SHELL. Example:

    \b
    eval "$(pointsman completion bash)"
    pointsman completion fish > ~/.config/fish/completions/pointsman.fish
    """
    kind = get_completion_class(shell)
    if kind is None:
        raise click.UsageError(f"there is no completion for {shell}")
    click.echo(kind(context.find_root().command, {}, PROGRAM, VARIABLE).source())
    return exit_codes.OK

"""`pointsman`: finds the command, runs it, and turns errors into words and an exit status."""

import io
import os
import sys
from importlib import import_module

import click
from click.shell_completion import CompletionItem

from pointsman.canon.errors import PointsmanError, SetupError
from pointsman.cli import exit_codes

COMMANDS: dict[str, tuple[str, str]] = {
    "serve": ("serve", "Start the endpoint."),
    "ask": ("ask", "Send one prompt through the endpoint and print the answer."),
    "status": ("status", "Show whether an endpoint runs and what it serves."),
    "models": ("models", "List the models that can be reached."),
    "explain": ("explain", "Say where a model's name leads, and why."),
    "usage": ("usage", "Show what was used and what it cost."),
    "requests": ("requests", "List the latest requests, and follow those that come."),
    "show": ("show", "Show all that is known of one request."),
    "ledger": ("ledger", "Export the ledger, or make it smaller."),
    "keys": ("keys", "Make, list and revoke keys for those who use this endpoint."),
    "resume": ("resume", "Let backends go on that the guard has halted."),
    "doctor": ("doctor", "Look at everything, and say how to mend what is wrong."),
    "login": ("login", "Sign in at a provider with your browser."),
    "logout": ("logout", "End a sign-in, and forget it here."),
    "refresh": ("refresh", "Renew the token of a sign-in now."),
    "accounts": ("accounts", "Add, list, test and remove accounts of a backend."),
    "backend": ("backend", "Add, list, test and remove backends."),
    "config": ("config", "Show the effective configuration and where each value comes from."),
    "weights": ("weights", "Fetch the embedded model."),
    "service": ("service", "Start the endpoint with your session."),
    "completion": ("completion", "Print the completion script for a shell."),
}
"""Each command: its module in this package, and its line in the help."""


class Commands(click.Group):
    """Imports a command's module only when that command runs; the help needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Every command, in the order of the table."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The command, imported now."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"pointsman.cli.{COMMANDS[cmd_name][0]}")
        command: click.Command = module.command
        return command

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """The commands that a word may become, out of the table, so that a shell need not wait."""
        found = [
            CompletionItem(name, help=line)
            for name, (_, line) in COMMANDS.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The list in the help, out of the table."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, line) for name, (_, line) in COMMANDS.items()])


@click.group(
    cls=Commands, invoke_without_command=True, context_settings={"help_option_names": ["-h", "--help"]}
)
@click.version_option(package_name="pointsman", prog_name="pointsman")
@click.pass_context
def pointsman(context: click.Context) -> int:
    """One local endpoint for every LLM tool you use and every model you may use.

    Without a command it shows the state of the endpoint. Example:

    \b
    pointsman serve
    pointsman ask "Say hello"
    """
    if os.environ.get("NO_COLOR"):
        context.color = False
    if context.invoked_subcommand is not None:
        return exit_codes.OK
    status: int = context.invoke(import_module("pointsman.cli.status").command)
    return status


def main() -> None:
    """The entry point."""
    # A program that was started with an output closed has nobody to tell.
    sys.stdout = sys.stdout or open(os.devnull, "w")  # noqa: SIM115 - as long as the process lasts
    sys.stderr = sys.stderr or open(os.devnull, "w")  # noqa: SIM115 - the same
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            # A terminal that cannot show a character shows a question mark; no answer ends for that.
            stream.reconfigure(errors="replace")
    sys.exit(run(sys.argv[1:]))


def run(arguments: list[str]) -> int:
    """Runs a command line and returns its exit status."""
    try:
        result = pointsman.main(arguments, prog_name="pointsman", standalone_mode=False)
    except click.exceptions.Exit as leaving:
        return leaving.exit_code
    except (click.Abort, KeyboardInterrupt):
        click.echo("interrupted", err=True)
        return exit_codes.INTERRUPTED
    except click.ClickException as error:
        error.show()
        return exit_codes.USAGE
    except PointsmanError as error:
        click.secho(f"error: {error.message}", fg="red", err=True)
        return exit_codes.USAGE if isinstance(error, SetupError) else exit_codes.FAILED
    except OSError as error:
        # What the rooms below can name, they name; this is the system's own word, for a full disk mostly.
        click.secho(f"error: {error}", fg="red", err=True)
        return exit_codes.FAILED
    return result if isinstance(result, int) else exit_codes.OK

"""`pointsman backend test`: the cheapest real request to a backend, and what came of it."""

import click

from pointsman.cli import exit_codes
from pointsman.cli.output import harmless, note, on_terminal, print_json


@click.command("test")
@click.argument("name")
@click.option("-m", "--model", help="Ask this model for one token, in place of the list of models.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
def test(name: str, model: str | None, as_json: bool) -> int:
    """Send backend NAME a real request; exit status 1 if it fails. Example:

    \b
    pointsman backend test work
    pointsman backend test work -m gpt-5.5
    """
    from pointsman.cli.trial import try_backend  # noqa: PLC0415 - `--help` needs none of it

    if on_terminal() and not as_json:
        note(f"asking {name} …")
    verdict = try_backend(name, model)
    if as_json:
        print_json(
            {"backend": name, "works": verdict.works, "said": verdict.words, "seconds": verdict.seconds}
        )
    elif verdict.works:
        click.echo(harmless(f"{name} works: {verdict.words}, in {verdict.seconds:.2f} s"))
    else:
        words = f"{name} does not work: {verdict.words} (after {verdict.seconds:.2f} s)"
        click.echo(harmless(words), err=True)
    return exit_codes.OK if verdict.works else exit_codes.FAILED

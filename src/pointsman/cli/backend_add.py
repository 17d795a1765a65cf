"""`pointsman backend add`: a backend into the configuration file, its key into the vault."""

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pointsman.canon.errors import NoCredentialError, PointsmanError, SetupError
from pointsman.cli import exit_codes
from pointsman.cli.output import warn

if TYPE_CHECKING:
    from pointsman.accounts.secret import Secret
    from pointsman.cli.backend_file import BackendFile
    from pointsman.routing.snapshot import Backend


class ListsProviders(click.Command):
    """A command whose help ends with the providers there are."""

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """The names of the rows, servers by URL last."""
        from pointsman.config.shipped import providers  # noqa: PLC0415 - only this help reads the catalog

        rows = [row for row in providers().values() if not row.engine]
        with formatter.section("Providers"):
            formatter.write_text(", ".join(row.name for row in rows if not row.compatible))
            formatter.write_text(f"by URL: {', '.join(row.name for row in rows if row.compatible)}")


def _given(_: click.Context, option: click.Parameter, value: str | None) -> str | None:
    """Refuses an empty value, which a script's unset variable leaves: it would mean something else."""
    if value is not None and not value.strip():
        raise click.BadParameter("it is empty; leave the option out where there is nothing to give")
    return value


@click.command("add", cls=ListsProviders)
@click.argument("name")
@click.option(
    "--provider", callback=_given, help="A provider from the list below.  [default: NAME, if it is one]"
)
@click.option("--base-url", callback=_given, help="Where it is, if not at the provider's own address.")
@click.option("--region", callback=_given, help="The cloud's region.  [default: AWS_REGION or the like]")
@click.option("--project", callback=_given, help="The cloud's project.  [default: GOOGLE_CLOUD_PROJECT]")
@click.option("--credentials", callback=_given, help="An AWS profile, or a Google service account's file.")
@click.option("--dialect", "dialects", multiple=True, help="A wire API that it speaks; may be repeated.")
@click.option(
    "--key-env", callback=_given, metavar="VARIABLE", help="The environment variable that holds its key."
)
@click.option("--key-stdin", is_flag=True, help="Read its key from standard input.")
@click.option("--key", help="Its key. Others can read it through `ps`: rather be asked for it.")
@click.option("--gguf", type=click.Path(path_type=Path), help="A model file to run inside pointsman.")
@click.option("--model", "models", multiple=True, help="A model that it has; may be repeated.")
@click.option("--allow-http", is_flag=True, help="Let its key travel over plain http:// to another machine.")
@click.option("--replace", is_flag=True, help="Replace the backend of that name.")
def add(name: str, *, key: str | None, key_stdin: bool, replace: bool, **options: Any) -> int:
    """Add backend NAME to the configuration file. It is contacted by `backend test` only.

    The key is asked for, unless it is in a variable or on standard input. Adding a NAME that is there, with
    no option but one for the key, stores a key for it. Example:

    \b
    pointsman backend add work --provider openai
    pointsman backend add desk --provider openai-compatible --base-url http://127.0.0.1:8000/v1
    pointsman backend add local --gguf ~/models/qwen3-4b-q4.gguf
    pointsman backend add bedrock --region eu-central-1 --credentials work
    """
    from pointsman.cli.backend_file import BackendFile  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli.backend_key import check_variable, may_bring_key, read_key  # noqa: PLC0415 - the same

    if sum((key is not None, key_stdin, options["key_env"] is not None)) > 1:
        raise click.UsageError("a key comes from one place: `--key-env`, `--key-stdin` or `--key`")
    check_variable(options["key_env"])
    file = BackendFile()
    only_key = name in file and not replace and not any(options.values())
    if name in file and not replace and not (only_key and may_bring_key(key, from_input=key_stdin)):
        raise SetupError(
            f"there is a backend {name} in {file.path} already: `--replace` puts this one in its place"
        )
    settings = None if only_key else _settings(name, options, file)
    made = file.present(name) if settings is None else file.checked(name, settings)
    if settings is not None and "base_url" not in settings:
        _write_down(settings, made)
    secret = None
    if options["key_env"] is None:
        kept = file.has_key(name) and file.is_same_server(made)
        secret = read_key(made, key, from_input=key_stdin, kept=kept)
    _check_way(made, secret)
    if settings is not None:
        _write(file, made, settings)
    if secret is not None:
        _store(file, made, secret)
    _report(file, made)
    return exit_codes.OK


def _write(file: "BackendFile", made: "Backend", settings: dict[str, object]) -> None:
    """A key that was stored for another server of this name is not sent to this one."""
    fits = file.is_same_server(made)
    file.put(made.name, settings)
    if not fits:
        file.forget_key(made.name)


def _settings(name: str, options: dict[str, Any], file: "BackendFile") -> dict[str, object]:
    """What stands in the file. Raises UsageError, SetupError."""
    gguf: Path | None = options["gguf"]
    if gguf is not None:
        gguf = gguf.expanduser().absolute()
        _check_model_file(gguf)
    provider = options["provider"] or _implied(name, file, gguf=gguf is not None)
    given: dict[str, object] = {
        "provider": provider,
        "base_url": options["base_url"] or _address(provider, file),
        "region": options["region"],
        "project": options["project"],
        "credentials": options["credentials"],
        "dialects": list(options["dialects"]),
        "key_env": options["key_env"],
        "models": list(options["models"]),
        "gguf": None if gguf is None else str(gguf),
        "allow_http": options["allow_http"],
    }
    return {key: value for key, value in given.items() if value}


def _address(provider: str | None, file: "BackendFile") -> str | None:
    """Where the provider's own tools are told that it is, for one that has no address of its own."""
    row = file.catalog.rows.get(provider or "")
    if row is None or row.root is not None:
        return None
    return next(filter(None, map(os.environ.get, row.base_url_env)), None)


def _write_down(settings: dict[str, object], made: "Backend") -> None:
    """What the address took from this shell's variables: another shell's may be others, or none."""
    for name in ("region", "project"):
        if name in made.places:
            settings.setdefault(name, made.places[name])


def _implied(name: str, file: "BackendFile", *, gguf: bool) -> str | None:
    """The provider that a backend's name stands for."""
    from pointsman.config.shape import nearest  # noqa: PLC0415 - `--help` needs none of it

    if gguf:
        return None
    rows = [row.name for row in file.catalog.rows.values() if not row.engine]
    if name in rows:
        return name
    raise click.UsageError(
        f"`--provider` is missing: {name} is not a provider's name; the nearest one is "
        f"{nearest(name, rows)}, and `pointsman backend add --help` lists them"
    )


def _check_model_file(file: Path) -> None:
    from pointsman.upstream.engine_gguf import read_facts  # noqa: PLC0415 - only where a file is given

    read_facts(file)


def _check_way(made: "Backend", secret: "Secret | None") -> None:
    """Refuses a key that could be read on its way. Raises SetupError."""
    from pointsman.config.rules import plain_http_complaint  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.config.urls import may_carry_key  # noqa: PLC0415 - the same

    for url in made.bases.values():
        if secret is not None and not may_carry_key(url, allow_http=made.allow_http):
            raise SetupError(f"{plain_http_complaint(url)} (`--allow-http`)")


def _store(file: "BackendFile", made: "Backend", secret: "Secret") -> None:

    try:
        kept = file.keep_key(made.name, secret)
    except SetupError as error:
        raise PointsmanError(
            f"{made.name} is in {file.path}, but its key was not stored: {error.message}"
        ) from error
    if kept.warning is not None:
        warn(kept.warning)


def _report(file: "BackendFile", made: "Backend") -> None:
    from pointsman.cli.backend_key import where_from  # noqa: PLC0415 - `--help` needs none of it
    from pointsman.cli.telling import tell_running  # noqa: PLC0415 - the same
    from pointsman.routing.router import EMBEDDED_NAME  # noqa: PLC0415 - the same

    model = made.models[0] if made.models else "default" if made.provider.engine else "MODEL"
    try:
        key = where_from(made, file.key_source(made), stored=file.has_key(made.name))
    except NoCredentialError as error:
        key = error.message
    click.echo(f"{made.name} ({made.provider.title}) is in {file.path}; {key}")
    engine = file.catalog.engine()
    if made.name == EMBEDDED_NAME and engine is not None:
        click.echo(
            f"The model name `{EMBEDDED_NAME}` means this backend now; the model inside pointsman stays "
            f"`{engine.name}:{EMBEDDED_NAME}`"
        )
    click.echo(tell_running())
    click.echo("Try:")
    named = "" if made.provider.lists_models or made.models or made.provider.engine else f" -m {model}"
    click.echo(f"  pointsman backend test {made.name}{named}")
    click.echo(f'  pointsman ask "Say hello" -m {made.name}:{model}')

"""`pointsman ask`: one prompt through the endpoint, the answer streamed to the terminal."""

import io
import select
import sys
from collections.abc import Iterator
from typing import TextIO
from urllib.parse import quote, urlencode

import click

from pointsman.canon.blocks import Refusal, Text, ToolCall
from pointsman.canon.errors import MalformedError, RefusedError
from pointsman.canon.events import BlockStart, Event, Failure, TextDelta
from pointsman.canon.json import Json
from pointsman.canon.request import Message, Request
from pointsman.canon.traits import Target
from pointsman.canon.usage import Usage
from pointsman.cli import exit_codes
from pointsman.cli.output import harmless, note, on_terminal, print_json
from pointsman.cli.reach import reach
from pointsman.control.endpoint import EndpointClient
from pointsman.dialects.dialect import MODEL, Dialect, Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS, SERVED
from pointsman.wire.json import encode

DEFAULT_MODEL = "default"
MAX_TOKENS = 4096
PATIENCE = 1.0
"""Seconds until somebody is told that standard input is being read."""


@click.command("ask")
@click.argument("prompt", required=False)
@click.option(
    "-m", "--model", default=DEFAULT_MODEL, show_default=True, help="A model's name, or BACKEND:MODEL."
)
@click.option(
    "--api",
    type=click.Choice(SERVED),
    default=SERVED[0],
    show_default=True,
    help="The wire API to speak to the endpoint.",
)
@click.option("--system", help="Instructions ahead of the prompt.")
@click.option("--max-tokens", type=click.IntRange(min=1), default=MAX_TOKENS, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object instead of the text.")
def command(
    prompt: str | None, model: str, api: str, system: str | None, max_tokens: int, as_json: bool
) -> int:
    """Send PROMPT through the endpoint and print the answer.

    Without a running endpoint one is started for this question. The prompt may come on standard input; both
    together are joined. Example:

    \b
    pointsman ask "Say hello" -m local
    git diff | pointsman ask "Write a commit message" -m sonnet
    """
    dialect = DIALECTS[api]
    request = _request(model, _prompt(prompt), system, max_tokens)
    with reach(model) as endpoint:
        events = _events(endpoint, dialect, request)
        return _print_json(events, model, api) if as_json else _print_text(events)


def _prompt(argument: str | None) -> str:
    piped = "" if sys.stdin is None or sys.stdin.isatty() else _read_input()
    prompt = "\n\n".join(part for part in (argument, piped.strip()) if part)
    if not prompt:
        raise click.UsageError("there is no prompt: give it as an argument or on standard input")
    return prompt


def _read_input() -> str:
    """Standard input to its end; says so where that does not come at once."""
    given: TextIO = sys.stdin
    # On Windows only sockets can be asked whether they have something.
    if sys.platform != "win32" and isinstance(given, io.TextIOWrapper):
        ready, _, _ = select.select([given.fileno()], [], [], PATIENCE)
        if not ready:
            note("reading the prompt from standard input, up to its end")
    return given.read()


def _request(model: str, prompt: str, system: str | None, max_tokens: int) -> Request:
    return Request(
        dialect="",
        model=model,
        messages=(Message("user", (Text(prompt),), form="text"),),
        system=(Message("system", (Text(system),), form="text"),) if system else (),
        max_tokens=max_tokens,
        stream=True,
        include_usage=True,
    )


def _events(endpoint: EndpointClient, dialect: Dialect, request: Request) -> Iterator[Event]:
    body = encode(dialect.encode_request(request, Target(request.model, "")).body)
    decoder = dialect.decoder(Origin())
    path = path_of(dialect, request.model)
    for piece in endpoint.send("POST", path, body, headers=dict(dialect.request_headers)):
        yield from decoder.feed(piece)
    yield from decoder.close()


def path_of(dialect: Dialect, model: str, operation: str = "generate") -> str:
    """Where the dialect's clients ask; for an answer, for a stream of events."""
    routes = [route.path for route in dialect.routes if route.operation == operation]
    placed = [route.path for route in dialect.routes if route.operation == operation and route.streams]
    path = dialect.version_prefix + (placed or routes)[0].replace(MODEL, quote(model, safe=""))
    return f"{path}?{urlencode([dialect.event_query])}" if placed and dialect.event_query else path


def _print_text(events: Iterator[Event]) -> int:
    """Writes the answer as it arrives. Raises RefusedError where it ends in an error."""
    shown = harmless if on_terminal() else str
    last = ""
    try:
        for event in events:
            if isinstance(event, Failure):
                raise RefusedError(event.fault)
            text = shown(_text(event))
            if text:
                last = text
                click.echo(text, nl=False)
    finally:
        if last and not last.endswith("\n"):
            click.echo()
    return exit_codes.OK


def _text(event: Event) -> str:
    """What an event adds to the text of the answer."""
    if isinstance(event, TextDelta):
        return event.text
    if isinstance(event, BlockStart) and isinstance(event.block, Text | Refusal):
        return event.block.text
    return ""


BUCKETS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")


def _counts(usage: Usage) -> dict[str, int]:
    """The tokens by bucket; they do not overlap, and what was not reported is left out."""
    return {name: count for name in BUCKETS if (count := getattr(usage, name)) is not None}


def _print_json(events: Iterator[Event], asked: str, api: str) -> int:
    answer = gather(events)
    if not answer.choices:
        raise MalformedError("the endpoint's answer holds no message")
    choice = answer.choices[0]
    usage = answer.usage
    found: Json = {
        "text": "".join(block.text for block in choice.blocks if isinstance(block, Text)),
        "tool_calls": [block.name for block in choice.blocks if isinstance(block, ToolCall)],
        "asked": asked,
        "api": api,
        "model": answer.model,
        "stop": choice.stop.reason if choice.stop else None,
        "usage": _counts(usage) if usage else None,
    }
    print_json(found)
    return exit_codes.OK

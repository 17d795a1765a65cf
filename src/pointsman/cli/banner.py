"""The banner: what `serve` shows once the endpoint answers. `status` shows the same lines."""

from collections.abc import Iterator

import click

from pointsman.canon.json import Json
from pointsman.cli.output import harmless
from pointsman.config.environment import PLACEHOLDER, UNEXPANDED

ADD_BACKEND = "pointsman backend add NAME --provider PROVIDER"
KEY_TROUBLE = {
    "missing": "no key",
    "unreadable": "its key cannot be read",
    "nobody": "nobody is signed in",
    "ended": "the sign-in has ended",
}


def banner(status: Json) -> str:
    """The banner for a status page, with colours; whoever prints it drops them off a terminal."""
    return "\n".join(_lines(status))


def _lines(status: Json) -> Iterator[str]:
    yield ""
    name, address = click.style("pointsman", bold=True), click.style(status["address"], bold=True)
    yield f"  {name} {status['version']}  listens on {address}"
    outside = status["address_from_outside"]
    if outside is not None:
        yield f"  Others on the network reach it at {outside}, with the key that POINTSMAN_API_KEY holds"
    yield ""
    yield from backend_lines(status)
    yield from default_lines(status)
    yield from responses_lines(status)
    yield ""
    yield "  Point your tools here:"
    yield from (f"    {line}" for line in export_lines(status))
    for warning in status["warnings"]:
        yield click.style(f"  warning: {warning}", fg="yellow")
    yield ""


def backend_lines(status: Json) -> Iterator[str]:
    """Each backend, why it is there, and what is wrong with its key or with its list of models."""
    backends = status["backends"]
    width = max((len(each["name"]) for each in backends), default=0)
    yield "  Backends" if backends else "  No backend."
    for each in backends:
        trouble = KEY_TROUBLE.get(each["key"])
        key = click.style(f"  ({trouble})", fg="yellow") if trouble else ""
        yield f"    {each['name']:<{width}}  {each['why']}{key}"
        if each["list_error"] and not trouble:
            yield click.style(f"    {'':<{width}}  {harmless(each['list_error'])}", fg="yellow")


def default_lines(status: Json) -> Iterator[str]:
    """The default model, and what to do where it is the embedded one."""
    chosen = status["default"]
    if chosen is None:
        yield "  Default model: none known yet"
        return
    yield f"  Default model: {harmless(chosen['model'])} ({chosen['backend']})"
    if chosen["embedded"]:
        yield "    That is a toy for trying the wiring. Add a real backend with:"
        yield f"    {click.style(ADD_BACKEND, bold=True)}"


def responses_lines(status: Json) -> Iterator[str]:
    """Where responses are kept, and how to turn that off."""
    kept = status["responses"]
    if kept["kept"]:
        yield f"  Responses that clients may continue are kept in {kept['file']}"
        yield "    `responses_store = false` turns it off"


def export_lines(status: Json) -> list[str]:
    """The two lines to copy: one for Anthropic's clients, one for OpenAI's."""
    key = UNEXPANDED if status["key_required"] else PLACEHOLDER
    address = status["address"]
    return [
        f"export ANTHROPIC_BASE_URL={address} ANTHROPIC_API_KEY={key}",
        f"export OPENAI_BASE_URL={address}/v1 OPENAI_API_KEY={key}",
    ]

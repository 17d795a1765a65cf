"""The sign-ins: who, until when, and whether each still holds."""

from collections.abc import Iterator

from pointsman.cli.checks.finding import Finding, fail, ok
from pointsman.cli.checks.scene import Scene
from pointsman.cli.sign_ins import kept_facts


def check(_: Scene) -> Iterator[Finding]:
    """One line for each that is kept. No token is among it."""
    for each in kept_facts():
        what = f"sign-in {each['provider']}"
        if each["ended"]:
            yield fail(what, each["ended"], f"`{each['sign_in_again']}`")
        else:
            yield ok(what, f"as {each['who']}; its token ends {each['until']} and is renewed before")

"""The ways by which a person gets to a provider and back: this machine's browser, or by hand."""

import webbrowser

import click

from pointsman.accounts.oauth.attempt import Attempt, belongs, whole
from pointsman.accounts.oauth.loopback import Loopback
from pointsman.cli.output import note

PASTE_ADDRESS = "Paste the address that it sends you back to"
PASTE_CODE = "Paste the code that it shows"
TIMES = 3
"""How often a person may paste something else."""


class ByBrowser:
    """The browser is opened here, and comes back to a listener on loopback."""

    def __init__(self, loopback: Loopback, limit: float) -> None:
        self._loopback = loopback
        self._limit = limit

    def redirect(self, path: str, *, shows_code: bool = False) -> str:
        """The listener's address."""
        return self._loopback.redirect(path)

    def answer(self, attempt: Attempt, address: str) -> str:
        """What the browser brings back. Raises NoCredentialError."""
        opened = webbrowser.open(address)
        note("Your browser is asked to open this page:" if opened else "Open this page in your browser:")
        note(f"  {address}")
        note(f"Waiting for you to sign in there, for {self._limit:g} s at most (Ctrl-C gives up) …")
        return self._loopback.wait(attempt, self._limit)


class ByHand:
    """The address is printed, for a browser on whatever machine; what it shows is pasted."""

    def redirect(self, path: str, *, shows_code: bool = False) -> str | None:
        """An address on which nobody listens: the browser shows it all the same, with the code in it."""
        if shows_code:
            return None
        with Loopback() as nobody:
            return nobody.redirect(path)

    def answer(self, attempt: Attempt, address: str) -> str:
        """What the person pastes."""
        note("Open this page in a browser, on any machine, and sign in:")
        note(f"  {address}")
        if attempt.redirect:
            note("At the end the browser cannot open a page at 127.0.0.1: that is right; copy its address.")
        pasted = ""
        for _ in range(TIMES):
            pasted = click.prompt(PASTE_ADDRESS if attempt.redirect else PASTE_CODE, err=True)
            if not attempt.redirect or belongs(attempt, whole(attempt, pasted)):
                break
            note("That is not it: copy the whole address that the browser was sent back to.")
        return pasted

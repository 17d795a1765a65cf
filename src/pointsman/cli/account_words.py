"""Words for accounts: what `accounts list` and `explain` say of each."""

from collections.abc import Iterator

from pointsman.canon.json import Json
from pointsman.cli.output import age

HEADINGS = ("BACKEND", "ACCOUNT", "KEY", "STATUS", "LEFT", "USED", "IN FLIGHT", "BOUND", "WHY")
NEXT_HEADINGS = ("BACKEND", "MODEL", "ACCOUNT", "STATUS", "LEFT", "WHY")


def rows(backend: Json, now: float) -> Iterator[tuple[str, ...]]:
    """A backend's accounts, with what their limits tell; one row each, under `HEADINGS`."""
    for each in backend["accounts"]:
        used = "; ".join(_used(each, now))
        counts = str(each["in_flight"]), str(each["bound"])
        left = f"{each['headroom']:.0%}"
        yield backend["backend"], each["account"], each["key"], each["status"], left, used, *counts, why(each)


def next_rows(candidate: Json) -> Iterator[tuple[str, ...]]:
    """A candidate's accounts as a model's next request finds them, under `NEXT_HEADINGS`."""
    for each in candidate["accounts"]:
        left = f"{each['headroom']:.0%}"
        yield candidate["backend"], candidate["model"], each["account"], status(each), left, why(each)


def status(account: Json) -> str:
    """`free, serves next`."""
    return account["status"] + (", serves next" if account["next"] else "")


def why(account: Json) -> str:
    """The reason, and for how long it holds."""
    left = account["seconds_left"]
    reason = account["why"].rstrip(".")
    return f"{reason}; for {age(left)}" if left else reason


def _used(account: Json, now: float) -> Iterator[str]:
    for window in account["windows"]:
        yield _window(window, now)
    if account["claim"]:
        yield f"billed to {account['claim']}"
    if account["overage"]:
        yield f"extra usage {account['overage']}"


def _window(window: Json, now: float) -> str:
    resets = f", resets in {age(window['resets'] - now)}" if window["resets"] else ""
    return f"{window['name']} {window['utilisation']:.0%}{resets}"

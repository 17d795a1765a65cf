"""Telling the running endpoint that the configuration has changed."""

from pointsman.canon.errors import PointsmanError
from pointsman.cli.reach import running

NOT_RUNNING = "no endpoint is running; `pointsman serve` starts one"


def tell_running() -> str:
    """What came of it, in words; a change that stands in the file is never undone by it."""
    endpoint = running()
    if endpoint is None:
        return NOT_RUNNING
    try:
        answer = endpoint.reload()
    except PointsmanError as error:
        return f"the running endpoint could not be told, and will see the file by itself: {error.message}"
    if answer["reloaded"]:
        return "the running endpoint has taken it in"
    return f"the running endpoint has not taken it in: {answer['error']}"

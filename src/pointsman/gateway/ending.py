"""The end of an answer that goes to a client of another API."""

from collections.abc import Sequence

from pointsman.canon.errors import Fault
from pointsman.canon.events import Event, Failure, Stop

STATUS = 502
CODE = "model_failed"


def as_failures(events: Sequence[Event]) -> list[Event]:
    """The events, where a turn that came to nothing is an error: no other API has a word for that, and an
    agent would take a plain end for the end of its work."""
    return [_failure(each) if isinstance(each, Stop) and each.failed else each for each in events]


def _failure(stop: Stop) -> Failure:
    message = f"the model's turn came to nothing ({stop.failed}); ask again"
    return Failure(Fault("api", message, STATUS, code=CODE))

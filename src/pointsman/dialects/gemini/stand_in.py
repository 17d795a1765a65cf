"""The stand-in for signatures of calls: which calls a target wants signed, and the word where nobody signed.

Models from Gemini 3 on refuse a request in which the first call of a step of the current turn has no
signature; it counts for nothing that another part has one. A step is what the model said between two turns of
the user's; the current turn begins behind the last turn of the user's that answers no call. Calls that came
of another model have no signature, for which Google documents a stand-in (ai.google.dev, "Thought
signatures").
"""

from collections.abc import Iterator, Sequence
from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.dialects.gemini.spelling import member
from pointsman.dialects.gemini.words import SIGNATURE

_CALL, _RESPONSE = "functionCall", "functionResponse"
_MODEL = "model"


def is_wanting(turns: Sequence[Json]) -> bool:
    """Whether a step of the current turn begins its calls with one that nobody signed."""
    begins = 0
    for at, turn in enumerate(turns):
        if turn.get("role") != _MODEL and all(member(part, _RESPONSE) is None for part in _parts(turn)):
            begins = at
    return any(True for _ in _unsigned(turns[begins:]))


def with_stand_ins(turns: Sequence[Json], stand_in: str) -> list[Json]:
    """The turns, the stand-in on the first call of each step that has no signature."""
    said = list(turns)
    for at, number in _unsigned(turns):
        parts = _parts(said[at])
        parts[number] = {**parts[number], SIGNATURE: stand_in}
        said[at] = {**said[at], "parts": parts}
    return said


def _unsigned(turns: Sequence[Json]) -> Iterator[tuple[int, int]]:
    """(turn, part) of the first call of each step, where it has no signature."""
    first = True
    for at, turn in enumerate(turns):
        if turn.get("role") != _MODEL:
            first = True
            continue
        for number, part in enumerate(_parts(turn)):
            if first and member(part, _CALL) is not None:
                first = False
                if not member(part, SIGNATURE):
                    yield at, number


def _parts(turn: Json) -> list[Json]:
    """The parts of a turn; one object stands for an array of one."""
    value = turn.get("parts")
    found = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [cast("Json", each) for each in found if isinstance(each, dict)]

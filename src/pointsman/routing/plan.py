"""Plans: which backend and model a name leads to, by which rule, and what else could serve it."""

from collections.abc import Sequence
from typing import Literal

from msgspec import Struct

from pointsman.routing.snapshot import Backend

Rule = Literal[
    "server model",
    "alias",
    "backend prefix",
    "embedded",
    "shortcut",
    "live catalog",
    "pattern",
    "default backend",
    "kept response",
    "fallback",
]


class Candidate(Struct, frozen=True):
    """A backend and the model's name there."""

    backend: Backend
    model: str
    rule: Rule
    why: str
    """One clause for a person: `pattern claude-* of anthropic`."""


class Plan(Struct, frozen=True):
    """Who is tried, in order, and who could have been."""

    candidates: tuple[Candidate, ...]
    others: tuple[Candidate, ...] = ()
    """What else was possible, best first."""

    def only(self, candidates: Sequence[Candidate]) -> "Plan":
        """The same with these candidates alone; the very same where none is missing."""
        if len(candidates) == len(self.candidates):
            return self
        return Plan(tuple(candidates), self.others)

"""The guard: sees to it that nothing is billed otherwise than the user has said, or stops it.

An answer tells what it was billed to. Where that is none of what the user pays for, the guard warns, or halts
the backend: until it is resumed, or a while has passed. A claim that nobody knows is told, and halts nothing.
"""

import logging
from collections.abc import Mapping
from typing import Literal, TypeAlias

from msgspec import Struct

from pointsman.ledger.billing import Bucket

LOG = logging.getLogger("pointsman")
Mode: TypeAlias = Literal["off", "warn", "halt"]


class Rules(Struct, frozen=True):
    """What the user wants."""

    mode: Mode = "off"
    pays_for: frozenset[str] = frozenset()
    """Buckets."""
    cooldown: float = 1800.0
    """Seconds that a halt lasts."""


class Halt(Struct, frozen=True):
    """Why a backend is not asked, and until when, in seconds since the epoch."""

    why: str
    until: float


class Guard:
    """One endpoint's."""

    def __init__(self, rules: Rules) -> None:
        self.rules = rules
        self._halted: dict[str, Halt] = {}
        self.changed = False
        """Whether the halts are others than when this was last set to False."""
        self.resumed = False
        """Whether all were resumed since then."""
        self._seen: dict[str, str] = {}

    def note(self, backend: str, account: str, bucket: Bucket, claim: str | None, now: float) -> None:
        """An answer that was billed to a bucket; free ones do not come here."""
        if self.rules.mode == "off" or bucket in self.rules.pays_for:
            return
        told = f"`{bucket}`" if claim is None else f"`{bucket}` (claim `{claim[:60]}`)"
        why = f"an answer of {backend}, account {account}, was billed to {told}, which you do not pay for"
        if self._seen.get(backend) != why:
            LOG.warning(why)
        self._seen[backend] = why
        if self.rules.mode == "halt" and bucket != "unknown":
            self._halted[backend] = Halt(why, now + self.rules.cooldown)
            self.changed = True

    def halted(self, backend: str, now: float) -> Halt | None:
        """Why a backend is not to be asked."""
        halt = self._halted.get(backend) if self.rules.mode == "halt" else None
        if halt is not None and halt.until <= now:
            del self._halted[backend]
            return None
        return halt

    def resume(self, now: float) -> list[str]:
        """Lets all go on; the backends that were halted."""
        backends = sorted(each for each in tuple(self._halted) if self.halted(each, now) is not None)
        self._halted.clear()
        self._seen.clear()
        self.changed = self.resumed = True
        return backends

    def halts(self) -> dict[str, Halt]:
        """Those that were not resumed, by backend; they may be over."""
        return dict(self._halted)

    def restore(self, halts: Mapping[str, Halt]) -> None:
        """Those of an earlier run, or of another endpoint: what is not among them was resumed."""
        told = {backend: why for backend, why in self._seen.items() if backend not in self._halted}
        self._halted = dict(halts)
        self._seen = {**told, **{backend: halt.why for backend, halt in halts.items()}}

    def warnings(self, now: float) -> list[str]:
        """What a person should know."""
        return [
            f"{why}; {backend} is halted: `pointsman resume` lets it go on"
            if self.halted(backend, now) is not None
            else why
            for backend, why in self._seen.items()
        ]

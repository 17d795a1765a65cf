"""Makers: which issuer made a piece of opaque state, for state that does not say so itself.

A client of the backend's own dialect sends signatures and encrypted reasoning back as they came. Only a
digest of each is kept.
"""

from collections import OrderedDict
from collections.abc import Iterable
from hashlib import blake2b

MOST = 20_000
"""Pieces that are remembered."""
SEEN = 512
"""Characters of a piece that tell it from others."""
SHORTEST = 16
"""Characters; less is no state."""


def digest(piece: bytes) -> bytes:
    """What stands for a piece of opaque state."""
    return blake2b(piece[:SEEN], digest_size=8).digest()


class Makers:
    """One pool's."""

    def __init__(self) -> None:
        self._made: OrderedDict[bytes, str] = OrderedDict()
        self._issuers: set[str] = set()
        self.changed: dict[bytes, str] = {}
        """What is not saved yet."""

    def __len__(self) -> int:
        return len(self._made)

    def others(self, issuer: str) -> bool:
        """Whether state of another issuer was seen; until then nothing can be in the wrong place."""
        return len(self._issuers) > 1 or (bool(self._issuers) and issuer not in self._issuers)

    def note(self, digests: Iterable[bytes], issuer: str) -> None:
        """An answer of this issuer brought these."""
        for each in digests:
            self.restore(each, issuer)
            self.changed[each] = issuer

    def restore(self, made: bytes, issuer: str) -> None:
        """One that was saved; the oldest come first."""
        self._issuers.add(issuer)
        self._made[made] = issuer
        self._made.move_to_end(made)
        while len(self._made) > MOST:
            self._made.popitem(last=False)

    def taken_changes(self) -> list[tuple[bytes, str]]:
        """What is new since the last call: (digest, issuer)."""
        taken = list(self.changed.items())
        self.changed.clear()
        return taken

    def of(self, made: bytes) -> str | None:
        """Who made it; None where that is not known."""
        return self._made.get(made)

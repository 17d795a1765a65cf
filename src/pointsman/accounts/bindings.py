"""Bindings: which account each conversation stays with, for as long as that is of use."""

from collections import OrderedDict
from collections.abc import Callable, Iterator

from msgspec import Struct


class Bounds(Struct, frozen=True):
    """How many are kept, and for how long."""

    conversations: int = 2000
    age: float = 6 * 3600.0
    """Seconds since the last use."""


class Binding(Struct):
    """One conversation's at one backend."""

    alias: str
    used: float
    """Seconds since the epoch."""


Key = tuple[str, bytes]
"""(backend, conversation)."""


class Bindings:
    """One pool's; what was not used for the longest goes first."""

    def __init__(self, clock: Callable[[], float], bounds: Bounds | None = None) -> None:
        """`clock` gives seconds since the epoch."""
        self._clock = clock
        self._bounds = bounds or Bounds()
        self._kept: OrderedDict[Key, Binding] = OrderedDict()
        self.changed: set[Key] = set()
        """What is not saved yet."""

    def __len__(self) -> int:
        return len(self._kept)

    def __iter__(self) -> Iterator[tuple[Key, Binding]]:
        return iter(self._kept.items())

    def find(self, backend: str, conversation: bytes) -> Binding | None:
        """Where it stays; None if nowhere."""
        key = (backend, conversation)
        binding = self._kept.get(key)
        if binding is None:
            return None
        if binding.used + self._bounds.age < self._clock():
            self._drop(key)
            return None
        return binding

    def bind(self, backend: str, conversation: bytes, alias: str) -> None:
        """A request of it goes out with this account."""
        key = (backend, conversation)
        binding = self._kept.get(key)
        if binding is None:
            self._kept[key] = Binding(alias, self._clock())
            while len(self._kept) > self._bounds.conversations:
                self._drop(next(iter(self._kept)))
            return
        binding.used = self._clock()
        self._kept.move_to_end(key)

    def answer(self, backend: str, conversation: bytes, alias: str) -> None:
        """This account answered in it: it stays there from now on."""
        self.bind(backend, conversation, alias)
        self._kept[backend, conversation].alias = alias
        self.changed.add((backend, conversation))

    def release(self, backend: str, alias: str) -> None:
        """Those of an account that is another's now."""
        for key in [key for key, each in self._kept.items() if key[0] == backend and each.alias == alias]:
            self._drop(key)

    def taken_changes(self) -> dict[Key, Binding | None]:
        """What changed since the last call; None for what is gone."""
        taken = {key: self._kept.get(key) for key in self.changed}
        self.changed.clear()
        return taken

    def restore(self, key: Key, binding: Binding) -> None:
        """One that was saved; the oldest come first."""
        self._kept[key] = binding

    def counts(self) -> dict[tuple[str, str], int]:
        """How many stay with each account: (backend, alias) → number."""
        found: dict[tuple[str, str], int] = {}
        for (backend, _), binding in self._kept.items():
            found[backend, binding.alias] = found.get((backend, binding.alias), 0) + 1
        return found

    def _drop(self, key: Key) -> None:
        del self._kept[key]
        self.changed.add(key)

"""Names that others make up, of which so many are told apart and no more."""

OTHER = "other"


class Names:
    """The first ones that were admitted; all others are `other`."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._known: set[str] = set()

    def told(self, name: str | None, *, admitted: bool) -> str:
        """The name, or `other`; empty for none. `admitted`: whether it may become one of them."""
        if name is None:
            return ""
        if name in self._known:
            return name
        if not admitted or len(self._known) >= self._most:
            return OTHER
        self._known.add(name)
        return name

"""Routes: which endpoint of which dialect a path is.

A path may stand with any version prefix that a dialect knows (`/v1`, `/v1beta`), or without one. A route with
`{model}` in it takes the model's name from the path: whatever stands between what is before and behind it,
colons and slashes included, so that the method is what follows the last colon.
"""

from collections.abc import Iterable, Mapping

from msgspec import Struct

from pointsman.dialects.dialect import MODEL, Dialect, Route


class Found(Struct, frozen=True):
    """The endpoint at a path."""

    dialect: Dialect
    route: Route
    model: str | None = None
    """The model that the path names."""


class Routes:
    """All endpoints of these dialects."""

    def __init__(self, dialects: Iterable[Dialect]) -> None:
        self._dialects = tuple(dialects)
        versions = (dialect.version_prefix for dialect in self._dialects)
        # The longest first: one may begin as another does.
        self._versions = tuple(sorted(set(versions), key=len, reverse=True))
        self._exact: Mapping[str, Found] = {
            route.path: Found(dialect, route)
            for dialect in self._dialects
            for route in dialect.routes
            if MODEL not in route.path
        }
        self._named = tuple(
            (*route.path.split(MODEL), Found(dialect, route))
            for dialect in self._dialects
            for route in dialect.routes
            if MODEL in route.path
        )

    def find(self, path: str) -> Found | None:
        """The endpoint at a plain path; None where there is none."""
        found = self._exact.get(path)
        return self._by_model(path) if found is None else found

    def _by_model(self, path: str) -> Found | None:
        for before, behind, found in self._named:
            model = path[len(before) : len(path) - len(behind)]
            if model and path.startswith(before) and path.endswith(behind):
                return Found(found.dialect, found.route, model)
        return None

    def plain(self, path: str) -> str:
        """A path without its version prefix, however often it stands there, and without a closing slash."""
        while (version := self._version(path)) is not None:
            path = path[len(version) :]
        return path.rstrip("/") or "/"

    def _version(self, path: str) -> str | None:
        for each in self._versions:
            if path.startswith(each) and path[len(each) : len(each) + 1] in {"", "/"}:
                return each
        return None

    def spoken_at(self, path: str, plain: str) -> Dialect | None:
        """Whose clients ask at a path, given whole and plain, as far as it tells by itself."""
        found = self.find(plain)
        if found is not None:
            return found.dialect
        own = (each for each in self._dialects if plain.startswith(self._beginnings(each)))
        return next(own, None) or self._by_version(path)

    def _beginnings(self, dialect: Dialect) -> tuple[str, ...]:
        return tuple([route.path for route in dialect.routes if MODEL not in route.path])

    def _by_version(self, path: str) -> Dialect | None:
        """The only dialect with a path's version prefix."""
        version = self._version(path)
        sharing = [each for each in self._dialects if each.version_prefix == version]
        return sharing[0] if len(sharing) == 1 else None

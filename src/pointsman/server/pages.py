"""The endpoint's own pages: health, status, reload, model lists, explanations."""

from collections.abc import Callable
from urllib.parse import parse_qs

from msgspec import Struct

from pointsman.canon.json import Json
from pointsman.ledger.exposition import MEDIA_TYPE
from pointsman.routing.explain import explain
from pointsman.server.metrics import metrics
from pointsman.server.models import Lister, Shape
from pointsman.server.service import Service
from pointsman.store.client_keys import ClientKey
from pointsman.wire.headers import Headers
from pointsman.wire.json import encode


class Page(Struct, frozen=True):
    """A response of the endpoint's own."""

    body: bytes
    status: int = 200
    headers: Headers = ()
    media: str = "application/json"


class Pages:
    """The pages of one service."""

    def __init__(self, service: Service, key: ClientKey | None = None) -> None:
        """`key`: the client's, whose models are listed; None: all."""
        self._service = service
        self._key = key

    def find(self, method: str, path: str, shape: Shape, query: str) -> Page | None:
        """The page at a path, or None. `shape` is that of lists of models.

        Raises UnknownModelError, RequestError.
        """
        method = "GET" if method == "HEAD" else method
        page = _PAGES.get((method, path))
        if page is not None:
            return _json(page(self))
        if (method, path) == ("GET", "/metrics"):
            return Page(metrics(self._service), media=MEDIA_TYPE)
        if (method, path) == ("GET", "/accounts"):
            return _json(self._service.accounts(parse_qs(query).get("model", [None])[0]))
        if method == "GET" and (path == "/models" or path.startswith("/models/")):
            return self._models(path, shape, query)
        if method == "GET" and (path == "/explain" or path.startswith("/explain/")):
            return self._explain(path, query)
        return None

    def _explain(self, path: str, query: str) -> Page:
        """A name in the query may be any text; one in the path is convenient."""
        named = path.removeprefix("/explain").removeprefix("/")
        asked = named or parse_qs(query).get("model", [""])[0]
        served = [name for name, each in self._service.parts.dialects.items() if each.routes]
        told = explain(self._service.parts.router, asked, served)
        return _json({**told, "lost": self._lost(told.get("backend")), "next": self._service.next_of(asked)})

    def _lost(self, backend: str | None) -> Json:
        """What was lost on the way to a backend and back, since the start: by dialect, the usual first."""
        counts = self._service.tally.backends.get(backend or "")
        return {
            dialect: [
                {"kind": loss.kind, "what": loss.what, "why": loss.why, "times": times}
                for loss, times in kinds.most_common()
            ]
            for dialect, kinds in (counts.lost if counts is not None else {}).items()
        }

    def _models(self, path: str, shape: Shape, query: str) -> Page:
        lister = Lister(self._service.parts.router, self._key)
        if path == "/models":
            return _json(lister.page(shape, query))
        return _json(lister.one(shape, path.removeprefix("/models/")))

    def root(self) -> Json:
        """What answers here."""
        return {
            "name": "pointsman",
            "version": self._service.version,
            "status": "/status",
            "models": "/v1/models",
        }

    def health(self) -> Json:
        """Whether the endpoint runs; open to everybody."""
        return {"name": "pointsman", "status": "ok", "version": self._service.version}

    def status(self) -> Json:
        """The endpoint's state, without secrets."""
        tally = self._service.tally
        counts = {
            "requests": tally.requests,
            "errors": tally.errors,
            "in_flight": tally.in_flight,
            "buffered_bytes": self._service.buffers.held,
            "by_backend": {
                name: {
                    "requests": each.requests,
                    "errors": each.errors,
                    "input_tokens": each.input_tokens,
                    "output_tokens": each.output_tokens,
                }
                for name, each in tally.backends.items()
            },
        }
        uptime = round(self._service.parts.wall() - self._service.started, 1)
        return {
            **self._service.describe(),
            "version": self._service.version,
            "uptime": uptime,
            "traffic": counts,
        }

    def resume(self) -> Json:
        """Lets backends go on that the guard has halted."""
        return {"resumed": self._service.parts.spending.guard.resume(self._service.parts.wall())}

    def reload(self) -> Json:
        """Reads the configuration again."""
        return self._service.reload()


def _json(value: Json) -> Page:
    return Page(encode(value))


_PAGES: dict[tuple[str, str], Callable[[Pages], Json]] = {
    ("GET", "/"): Pages.root,
    ("GET", "/api/hello"): Pages.root,
    ("GET", "/health"): Pages.health,
    ("GET", "/status"): Pages.status,
    ("POST", "/reload"): Pages.reload,
    ("POST", "/resume"): Pages.resume,
}

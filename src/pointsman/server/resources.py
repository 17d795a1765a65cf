"""Kept answers as resources: shown, deleted, their inputs listed; or asked of the backend that keeps them."""

from collections.abc import Awaitable, Callable, Iterable
from typing import Literal, TypeAlias
from urllib.parse import parse_qs

from msgspec import Struct

from pointsman.canon.errors import BusyError, RequestError, SetupError, UnknownPathError, UnknownResponseError
from pointsman.canon.json import Json
from pointsman.dialects.dialect import Dialect
from pointsman.dialects.stateful import Page as Part
from pointsman.dialects.stateful import Stateful
from pointsman.gateway.errand import Errand
from pointsman.gateway.state import UNBOUND, owner, sole_keeper
from pointsman.server.pages import Page
from pointsman.server.service import Service
from pointsman.store.client_keys import ClientKey
from pointsman.store.responses import Kept, ResponsesStore
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_value, encode

MOST_LISTED = 100
Method: TypeAlias = Literal["GET", "POST", "DELETE"]


class Asked(Struct, frozen=True):
    """What is asked of which answer."""

    method: Method
    dialect: Dialect
    stateful: Stateful
    id: str
    rest: str
    """Behind the id in the path: nothing, `/cancel`, `/input_items`."""


def find(dialects: Iterable[Dialect], method: str, path: str) -> Asked | None:
    """What is asked at a plain path; None where it is no answer's. Raises UnknownPathError."""
    for dialect in dialects:
        stateful = dialect.stateful
        if stateful is None or not path.startswith(stateful.root + "/"):
            continue
        response_id, slash, rest = path.removeprefix(stateful.root + "/").partition("/")
        for known, behind in _SHOWN:
            if (known, behind) == (method, slash + rest):
                return Asked(known, dialect, stateful, response_id, behind)
        raise UnknownPathError(f"{method} {path} is not an endpoint of pointsman")
    return None


async def answer(
    asked: Asked, service: Service, headers: Headers, query: str, key: ClientKey | None = None
) -> Page | Errand:
    """The page, or what to ask of the backend that keeps the answer. Raises RequestError, BusyError.

    `key` is the client's: without a store nobody knows whose an answer is, so it then finds none.
    """
    store = service.parts.responses
    if store is None and key is not None:
        raise _unknown(asked, UNBOUND)
    if store is None:
        return _elsewhere(asked, service)
    try:
        whose = owner(headers)
        found = await store.find(whose, asked.id)
        if isinstance(found, Kept):
            return await _SHOWN[asked.method, asked.rest](asked, found, Shelf(store, whose, query))
    except SetupError as error:
        raise BusyError(f"kept responses cannot be read: {error.message}") from error
    if found is None or found.backend is None:
        raise _unknown(asked)
    backend = service.parts.router.snapshot.backends.get(found.backend)
    if backend is None or asked.dialect.name not in backend.bases:
        raise _unknown(asked, f": backend {found.backend}, which keeps it, is not configured any longer")
    return Errand(asked.method, asked.id, asked.rest, backend, found.account)


def _elsewhere(asked: Asked, service: Service) -> Errand:
    """Where nothing is noted: the only backend that keeps answers. Raises UnknownResponseError."""
    backend = sole_keeper(service.parts.router.snapshot, asked.dialect.name)
    if backend is None:
        raise _unknown(asked, " (pointsman keeps none here, and notes no keeper: `responses_store = false`)")
    return Errand(asked.method, asked.id, asked.rest, backend)


class Shelf(Struct, frozen=True):
    """Where one caller's answers are, and how they are asked for."""

    store: ResponsesStore
    owner: bytes
    query: str


def _unknown(asked: Asked, why: str = "") -> UnknownResponseError:
    return UnknownResponseError(f"Response with id '{asked.id}' not found{why}.")


async def _show(asked: Asked, kept: Kept, shelf: Shelf) -> Page:
    if parse_qs(shelf.query).get("stream", ["false"])[-1] == "true":
        raise RequestError(
            f"response {asked.id} was not made in the background, so it cannot be streamed again; leave "
            "`stream` out",
            param="stream",
        )
    return Page(kept.answer)


async def _delete(asked: Asked, kept: Kept, shelf: Shelf) -> Page:
    await shelf.store.remove(shelf.owner, kept.id)
    return Page(encode(asked.stateful.deleted(kept.id)))


async def _cancel(asked: Asked, kept: Kept, shelf: Shelf) -> Page:
    raise RequestError(
        f"response {asked.id} is over; only a response that is made in the background can be cancelled"
    )


async def _list(asked: Asked, kept: Kept, shelf: Shelf) -> Page:
    query = {name: values[-1] for name, values in parse_qs(shelf.query).items()}
    order = query.get("order", "desc")
    if order not in {"asc", "desc"}:
        raise RequestError("`order` must be `asc` or `desc`", param="order")
    part = Part(query.get("after"), _limit(query.get("limit")), order == "desc")
    found = await shelf.store.conversation(shelf.owner, kept.id)
    turns = found if isinstance(found, tuple) else (kept,)
    return Page(encode(asked.stateful.listed(kept.id, _before(asked.stateful, turns), part)))


def _before(stateful: Stateful, turns: tuple[Kept, ...]) -> list[Json]:
    """Everything that was said before the last answer: of earlier turns the answers too."""
    items: list[Json] = []
    for number, kept in enumerate(turns, 1):
        items += decode_value(kept.input)
        if number < len(turns):
            items += stateful.said(decode_value(kept.answer))
    return items


def _limit(text: str | None) -> int:
    """How many items are listed. Raises RequestError."""
    if text is None:
        return Part().limit
    if not (text.isascii() and text.isdigit() and len(text) < 4 and 1 <= int(text) <= MOST_LISTED):
        raise RequestError(f"`limit` must be a whole number from 1 to {MOST_LISTED}", param="limit")
    return int(text)


_SHOWN: dict[tuple[Method, str], Callable[[Asked, Kept, Shelf], Awaitable[Page]]] = {
    ("GET", ""): _show,
    ("DELETE", ""): _delete,
    ("POST", "/cancel"): _cancel,
    ("GET", "/input_items"): _list,
}
"""What can be done with an answer that is kept here; the same is asked of a backend that keeps one."""

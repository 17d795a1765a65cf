"""Preparing an attempt: which dialect the backend is spoken to in, and the request that leaves."""

from collections.abc import Callable, Mapping
from typing import Literal, cast
from urllib.parse import quote

import msgspec
from msgspec import Struct

from pointsman.accounts.grant import Sign
from pointsman.accounts.lease import Lease
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.intent import EMBEDDING, Operation, Span
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target, Traits
from pointsman.catalog.provider import RateLimits, Reform, Speaks
from pointsman.dialects.dialect import MODEL, Dialect
from pointsman.gateway.crossing import put_across
from pointsman.gateway.embedding import (
    embedding_dialect,
    embedding_operation,
    embedding_request,
)
from pointsman.gateway.exchange import CONVERSING, Exchange
from pointsman.gateway.keepsakes import restore
from pointsman.gateway.opaque import OF_ANOTHER, attributed, has_foreign
from pointsman.gateway.parts import Parts
from pointsman.gateway.place import caller
from pointsman.gateway.reform import reformed, reformed_members
from pointsman.routing.plan import Candidate
from pointsman.routing.snapshot import CLIENT_ACCOUNT, Backend
from pointsman.upstream.transport import Outgoing
from pointsman.wire import headers as fields
from pointsman.wire.envelope import PREFIX
from pointsman.wire.headers import Headers
from pointsman.wire.json import encode, peek, replace

NAMELESS = "the request names no model"
SEALED = "the history holds opaque state of another provider"
ANOTHER_NAME = "the body names the model too, and by another name than the backend has for it"
AS_ARRAY = "the stream is asked for as one array, which has no frames to judge, mask or finish"
ASKS_USAGE = "`ask_usage` is set for the backend"
_OFFERS: dict[Operation, Callable[[Speaks], bool]] = {
    "completions": lambda speaks: speaks.completions,
    "compact": lambda speaks: speaks.compact,
}
"""Operations that are relayed or not served at all."""
_NEVER_COUNTED = frozenset({"max_tokens", "temperature", "top_p", "stop", "stream"})
"""Settings without a part in a count of tokens."""
_AS_THE_DIALECT = Speaks(base="")


class Prepared(Struct, frozen=True):
    """One attempt, ready to send."""

    outgoing: Outgoing
    form: Literal["relay", "translate"]
    dialect: Dialect
    """In which the upstream is spoken to."""
    losses: tuple[Loss, ...] = ()
    names: Mapping[str, str] = {}
    """Tool names to restore in the answer."""
    rewrite: str | None = None
    """Why no relay, though both sides speak the same dialect."""
    limits: RateLimits = RateLimits()
    """Where the backend tells what is left."""
    issuer: str = ""
    """Under which name the opaque state in its answer is kept."""
    sign: Sign | None = None
    """Signs the request as it leaves."""

    def leaving(self) -> Outgoing:
        """The request as it leaves, signed where its credential does that."""
        return self.outgoing if self.sign is None else self.sign(self.outgoing)


class Body(Struct, frozen=True):
    """What goes out, and what it cost."""

    data: bytes
    form: Literal["relay", "translate"]
    losses: tuple[Loss, ...] = ()
    names: Mapping[str, str] = {}
    rewrite: str | None = None


def prepare(
    exchange: Exchange, candidate: Candidate, dialect: Dialect, lease: Lease, parts: Parts
) -> Prepared:
    """The request for one candidate. Raises UnsupportedError, MalformedError."""
    backend = candidate.backend
    traits = parts.router.traits(backend, dialect.name, candidate.model)
    body = _body(exchange, candidate, dialect, traits, lease, parts)
    outgoing = Outgoing(
        method="POST",
        url=_url(exchange, candidate, dialect, form=body.form),
        headers=request_headers(exchange, candidate, dialect, lease, parts, form=body.form),
        body=body.data,
        connect=backend.timeouts.connect,
        first_byte=backend.timeouts.first_byte,
        idle=backend.timeouts.idle,
        proxy=parts.proxy_for(backend.bases[dialect.name], backend),
        ca_file=backend.ca_file,
        engine=backend.gguf,
    )
    limits = backend.provider.rate_limits
    return Prepared(
        outgoing,
        body.form,
        dialect,
        body.losses,
        body.names,
        body.rewrite,
        limits,
        lease.issuer,
        lease.sign,
    )


def plain_request(
    exchange: Exchange, method: str, path: str, candidate: Candidate, lease: Lease, parts: Parts
) -> Outgoing:
    """The client's own request, in its own dialect, to a path below a backend's base URL."""
    backend, dialect = candidate.backend, exchange.dialect
    query = fields.query_without_key(exchange.query)
    base = backend.bases[dialect.name]
    return Outgoing(
        method=method,
        url=f"{base}{path}?{query}" if query else base + path,
        headers=request_headers(exchange, candidate, dialect, lease, parts, form="relay"),
        body=exchange.body,
        connect=backend.timeouts.connect,
        first_byte=backend.timeouts.first_byte,
        idle=backend.timeouts.idle,
        proxy=parts.proxy_for(base, backend),
        ca_file=backend.ca_file,
    )


def upstream_dialect(exchange: Exchange, candidate: Candidate, dialects: Mapping[str, Dialect]) -> Dialect:
    """The client's own dialect if the model has it there, else the first that it has and we know.

    Raises UnsupportedError.
    """
    if exchange.intent.operation in EMBEDDING:
        return embedding_dialect(exchange, candidate, dialects)
    backend = candidate.backend
    _check_offer(exchange, backend)
    spoken = backend.spoken(candidate.model)
    if exchange.dialect.name in spoken:
        return exchange.dialect
    known = next((dialects[name] for name in spoken if name in dialects), None)
    if known is None:
        raise UnsupportedError(
            f"backend {backend.name} speaks {', '.join(spoken) or 'no dialect'} for {candidate.model}, "
            "which this version cannot translate to"
        )
    return known


def _check_offer(exchange: Exchange, backend: Backend) -> None:
    """What cannot be translated needs a backend that has it. Raises UnsupportedError."""
    offered = _OFFERS.get(exchange.intent.operation)
    if offered is None:
        return
    speaks = backend.provider.dialects.get(exchange.dialect.name)
    if exchange.dialect.name not in backend.bases or speaks is None or not offered(speaks):
        raise UnsupportedError(
            f"backend {backend.name} has no {exchange.intent.operation} endpoint; "
            "name a model of a backend that has one (`pointsman models` lists them)",
            param="model",
        )


def _body(
    exchange: Exchange,
    candidate: Candidate,
    dialect: Dialect,
    traits: Traits,
    lease: Lease,
    parts: Parts,
) -> Body:
    if dialect is exchange.dialect:
        asked = _untouchable if lease.account == CLIENT_ACCOUNT else _rewrite_reason
        reason = asked(exchange, candidate, traits) or _of_another(exchange, lease, parts)
        if reason is None:
            return Body(_relayed(exchange, candidate), "relay")
    else:
        reason = None
    if exchange.intent.operation in EMBEDDING:
        return _embedding_body(exchange, candidate, dialect, reason)
    if exchange.intent.operation in _OFFERS:
        return Body(encode({**exchange.members(), "model": candidate.model}), "relay", rewrite=reason)
    request, lost = _request(exchange, candidate, dialect, lease, parts)
    encoded = dialect.encode_request(request, Target(candidate.model, lease.issuer, traits))
    said = encoded.body
    if request.messages and said.get(dialect.turns_field) == []:
        raise UnsupportedError(
            "nothing of the conversation has a form that this target takes; send a text, or choose a backend "
            f"that speaks {exchange.dialect.name}"
        )
    if exchange.intent.operation == "count_tokens" and dialect.count_request is not None:
        said = dialect.count_request(said, candidate.model)
    wanted = _reform(exchange, candidate, dialect)
    if wanted is not None:
        said = reformed_members(said, wanted, exchange.headers)
    losses = (*lost, *encoded.losses)
    if exchange.intent.operation == "count_tokens":
        losses = tuple(loss for loss in losses if loss.what not in _NEVER_COUNTED)
    return Body(encode(said), "translate", losses, encoded.names, reason)


def _request(
    exchange: Exchange, candidate: Candidate, dialect: Dialect, lease: Lease, parts: Parts
) -> tuple[Request, tuple[Loss, ...]]:
    """(the canonical request, its state put back or named where the client could not; what it lost)."""
    request = msgspec.structs.replace(exchange.request(), model=candidate.model)
    if candidate.backend.ask_usage and exchange.intent.stream:
        request = msgspec.structs.replace(request, include_usage=True)
    if dialect is not exchange.dialect:
        request, lost = put_across(request, exchange.dialect)
        return restore(request, parts.keepsakes, caller(exchange.headers), lease.issuer), lost
    request = attributed(request, parts.pool.makers) if lease.strange else request
    who = caller(exchange.headers)
    return restore(request, parts.keepsakes, who, lease.issuer, calls_alone=True), ()


def _embedding_body(exchange: Exchange, candidate: Candidate, dialect: Dialect, reason: str | None) -> Body:
    if dialect is not exchange.dialect:
        sent, losses = embedding_request(exchange, dialect, candidate.model)
        return Body(encode(sent), "translate", losses)
    form = dialect.embedding
    assert form is not None
    return Body(encode(form.named(exchange.members(), candidate.model)), "relay", rewrite=reason)


def _rewrite_reason(exchange: Exchange, candidate: Candidate, traits: Traits) -> str | None:
    intent = exchange.intent
    if not (intent.placed or "model" in intent.members):
        return NAMELESS
    if intent.operation in EMBEDDING and intent.placed and intent.model != candidate.model:
        return ANOTHER_NAME
    if intent.operation in _OFFERS or intent.operation in EMBEDDING:
        return None
    if intent.array:
        return AS_ARRAY
    if candidate.backend.ask_usage and intent.stream:
        return ASKS_USAGE
    return exchange.dialect.rewrite_reason(intent.members, exchange.body, traits)


def _untouchable(exchange: Exchange, candidate: Candidate, traits: Traits) -> str | None:
    """With its client's own credential a request goes as it is: the provider says what the model takes.

    Only what is not meant for it at all cannot go.
    """
    intent = exchange.intent
    if not (intent.placed or "model" in intent.members):
        return NAMELESS
    return SEALED if PREFIX.encode() in exchange.body else None


def _of_another(exchange: Exchange, lease: Lease, parts: Parts) -> str | None:
    if not lease.strange or exchange.intent.operation not in CONVERSING:
        return None
    foreign = has_foreign(exchange.body, exchange.dialect, parts.pool.makers, lease.issuer)
    return OF_ANOTHER if foreign else None


def _row(backend: Backend, dialect: Dialect) -> Speaks:
    return backend.provider.dialects.get(dialect.name) or _AS_THE_DIALECT


def _reform(exchange: Exchange, candidate: Candidate, dialect: Dialect) -> Reform | None:
    return _row(candidate.backend, dialect).bodies.get(exchange.intent.operation)


def _relayed(exchange: Exchange, candidate: Candidate) -> bytes:
    model = candidate.model
    wanted = _reform(exchange, candidate, exchange.dialect)
    if wanted is not None:
        return reformed(exchange, wanted, model)
    if exchange.intent.placed:
        return _renamed_within(exchange, model)
    if exchange.intent.model == model:
        return exchange.body
    return replace(exchange.body, exchange.intent.members["model"], model)


def _renamed_within(exchange: Exchange, model: str) -> bytes:
    """The body with the model's name as the backend has it, where the request stands in a member of it."""
    outer = exchange.intent.members.get(exchange.dialect.wrapping)
    if outer is None or exchange.intent.model == model or not exchange.body.startswith(b"{", outer.start):
        return exchange.body
    inner = peek(exchange.body[outer.start : outer.end])
    if inner.model is None:
        return exchange.body
    prefix, slash, _ = inner.model.partition("/")
    span = inner.members["model"]
    place = Span(outer.start + span.start, outer.start + span.end)
    return replace(exchange.body, place, prefix + slash + model if slash else model)


def _url(
    exchange: Exchange, candidate: Candidate, dialect: Dialect, *, form: Literal["relay", "translate"]
) -> str:
    """A relayed request keeps its query; a translated one has the query that its path demands."""
    backend = candidate.backend
    row = _row(backend, dialect)
    path, _, query = _path(exchange, backend, dialect).partition("?")
    if dialect is exchange.dialect:
        asked = fields.query_without_key(exchange.query) if row.client_query else ""
        query = asked if form == "relay" else "&".join(filter(None, (_without(asked, query), query)))
    if row.query:
        query = "&".join(filter(None, (_without(query, row.query), row.query)))
    if MODEL in path:
        path = path.replace(MODEL, quote(candidate.model, safe=""))
    url = backend.bases[dialect.name] + path
    return f"{url}?{query}" if query else url


def _path(exchange: Exchange, backend: Backend, dialect: Dialect) -> str:
    """Where the operation lives: by the provider's row, else by the dialect."""
    intent = exchange.intent
    row = _row(backend, dialect)
    places: list[Mapping[str, str]] = [row.paths, cast("Mapping[str, str]", dialect.paths)]
    if intent.stream:
        places = [row.stream_paths, row.paths, cast("Mapping[str, str]", dialect.stream_paths), places[-1]]
    operation = embedding_operation(exchange, dialect) if intent.operation in EMBEDDING else intent.operation
    return next(place[operation] for place in places if operation in place)


def _without(query: str, other: str) -> str:
    """A query without the members that another one names."""
    named = {part.partition("=")[0] for part in other.split("&")}
    return "&".join(part for part in query.split("&") if part.partition("=")[0] not in named)


def request_headers(
    exchange: Exchange,
    candidate: Candidate,
    dialect: Dialect,
    lease: Lease,
    parts: Parts,
    *,
    form: Literal["relay", "translate"],
) -> Headers:
    """The fields that a request to a backend has."""
    backend = candidate.backend
    row = _row(backend, dialect)
    if dialect is exchange.dialect:
        kept = fields.to_upstream_relay(exchange.headers)
    else:
        kept = fields.to_upstream_translate(exchange.headers, row.forward_headers)
        kept = (*kept, *dialect.request_headers)
    configured = {**backend.provider.headers, **row.headers, **backend.headers}
    own = {name.lower(): value for name, value in configured.items()}
    if form == "translate":
        own["content-type"] = "application/json"
    if exchange.intent.stream or form == "translate":
        own["accept-encoding"] = "identity"
    own.update(lease.headers)
    wanted = _reform(exchange, candidate, dialect)
    moved = () if wanted is None else wanted.from_headers
    gone = {"content-encoding", *own, *moved}
    passed = [field for field in kept if field[0] not in gone]
    return fields.via((*passed, *own.items()), parts.instance)

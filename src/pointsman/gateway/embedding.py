"""Embeddings: relayed where the backend has them in the client's dialect, else said in the other's form."""

from collections.abc import Mapping

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.intent import Operation
from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.dialects.dialect import Dialect
from pointsman.gateway.exchange import Exchange
from pointsman.routing.plan import Candidate

_MANY: Operation = "batch_embeddings"


def embedding_dialect(exchange: Exchange, candidate: Candidate, dialects: Mapping[str, Dialect]) -> Dialect:
    """In which the backend is asked: the client's own if it has them there. Raises UnsupportedError."""
    backend = candidate.backend
    rows = backend.provider.dialects
    having = [name for name in backend.bases if name in rows and rows[name].embeddings]
    if exchange.dialect.name in having:
        return exchange.dialect
    known = (dialects[name] for name in having if name in dialects)
    found = next((dialect for dialect in known if dialect.embedding is not None), None)
    if found is None or exchange.dialect.embedding is None:
        raise UnsupportedError(
            f"backend {backend.name} has no embeddings endpoint; "
            "name a model of a backend that has one (`pointsman models` lists them)",
            param="model",
        )
    return found


def embedding_operation(exchange: Exchange, dialect: Dialect) -> Operation:
    """Which of the dialect's endpoints is asked: across dialects the one that takes any number of texts."""
    if dialect is exchange.dialect:
        return exchange.intent.operation
    return _MANY if _MANY in dialect.paths else "embeddings"


def embedding_request(exchange: Exchange, dialect: Dialect, model: str) -> tuple[Json, tuple[Loss, ...]]:
    """The body in the other dialect's form. Raises MalformedError, UnsupportedError."""
    own, other = exchange.dialect.embedding, dialect.embedding
    assert own is not None
    assert other is not None
    asked, losses = own.asked(exchange.members(), model)
    sent, more = other.asking(asked, model)
    return sent, (*losses, *more)

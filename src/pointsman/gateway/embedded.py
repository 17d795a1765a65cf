"""Embeddings on their way back from a backend of another dialect."""

from pointsman.dialects.dialect import Dialect
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.line import Line
from pointsman.gateway.stream import facts
from pointsman.gateway.tap import note_read
from pointsman.gateway.whole_json import read_json, say_json
from pointsman.ledger.trace import Trace
from pointsman.upstream.transport import Incoming


async def embed_there(
    exchange: Exchange, dialect: Dialect, incoming: Incoming, line: Line, trace: Trace
) -> None:
    """The backend's embeddings, in the client's form. Raises GarbledError, TruncatedError."""
    own, other = exchange.dialect.embedding, dialect.embedding
    assert own is not None
    assert other is not None
    answer = await read_json(exchange, incoming, "answer")
    note_read(trace, other.counted(answer))
    common = other.answered(answer, exchange.intent.model or trace.model or "")
    await say_json(own.answering(common, exchange.members()), line, facts(trace))

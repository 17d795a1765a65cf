"""Answers that are one JSON object and no generation: read whole from upstream, said whole to the client."""

from pointsman.canon.errors import GarbledError, RequestError
from pointsman.canon.json import Json
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.judge import ANSWER_BYTES, read_whole
from pointsman.gateway.line import Line
from pointsman.upstream.transport import Incoming
from pointsman.wire.coding import decode_body
from pointsman.wire.headers import Headers, first
from pointsman.wire.json import decode_object, encode


async def read_json(exchange: Exchange, incoming: Incoming, what: str) -> Json:
    """The object that an upstream answers with. Raises GarbledError, TruncatedError, BusyError."""
    coding = first(incoming.headers, "content-encoding")
    body = await read_whole(incoming, exchange.room)
    try:
        return decode_object(decode_body(body, coding, ANSWER_BYTES) if coding else body)
    except RequestError as error:
        raise GarbledError(f"the backend's {what} cannot be read: {error.message}") from error


async def say_json(answer: Json, line: Line, headers: Headers) -> None:
    """The client's answer, rendered by us."""
    body = encode(answer)
    entity = (("content-type", "application/json"), ("content-length", str(len(body))))
    await line.commit(200, (*entity, *headers), ours=True)
    await line.finish(body)

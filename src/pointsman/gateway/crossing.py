"""A request on its way into another dialect: what holds for all of them, before any of them encodes it."""

from msgspec import structs

from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.dialects.dialect import Dialect
from pointsman.dialects.pairing import answered_once


def put_across(request: Request, source: Dialect) -> tuple[Request, tuple[Loss, ...]]:
    """(the request, what it lost): each turn of the client's is one, and each call is answered once."""
    if source.joined is not None:
        request = source.joined(request)
    messages, losses = answered_once(request.messages)
    return structs.replace(request, messages=messages), losses

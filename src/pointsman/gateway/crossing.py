"""A request on its way into another dialect: what holds for all of them, before any of them encodes it."""

from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.dialects.dialect import Dialect


def crossed(request: Request, source: Dialect) -> tuple[Request, tuple[Loss, ...]]:
    """(the request, what it lost): each turn of the client's is one."""
    return request if source.joined is None else source.joined(request), ()

"""Reforming: a body as a provider wants it whose API differs from the dialect in a few members.

The model stands in the path there, a version in the body, beta flags in an array of it. What differs is
data in the provider's row (`Reform`). A relayed body stays a relay: the values of its other members go on
byte for byte.
"""

from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.catalog.provider import Reform
from pointsman.gateway.exchange import Exchange
from pointsman.wire.headers import Headers
from pointsman.wire.json import encode, reform


def reformed(exchange: Exchange, wanted: Reform, model: str) -> bytes:
    """The client's own body, for this model."""
    if wanted.unwrap in exchange.intent.members or wanted.keep:
        return encode({**reformed_members(exchange.members(), wanted, exchange.headers)})
    members = exchange.intent.members
    added = _added(wanted, members, exchange.headers)
    drop = wanted.drop
    if "model" in members and "model" not in drop and exchange.intent.model != model:
        drop, added = (*drop, "model"), {**added, "model": model}
    return reform(exchange.body, members, drop, added)


def reformed_members(body: Json, wanted: Reform, headers: Headers) -> dict[str, Any]:
    """A body that was encoded here."""
    inner: Any = body.get(wanted.unwrap, body)
    whole: Json = cast("Json", inner) if isinstance(inner, dict) else body
    kept = {name: value for name, value in whole.items() if name not in wanted.drop}
    if wanted.keep:
        kept = {name: value for name, value in kept.items() if name in wanted.keep}
    return {**kept, **_added(wanted, kept, headers)}


def _added(wanted: Reform, members: Any, headers: Headers) -> dict[str, Any]:
    """The members that are missing."""
    flags = {member: _parts(headers, field) for field, member in wanted.from_headers.items()}
    said = {member: parts for member, parts in flags.items() if parts}
    return {name: value for name, value in {**wanted.add, **said}.items() if name not in members}


def _parts(headers: Headers, field: str) -> list[str]:
    named = [value for name, value in headers if name == field]
    return [part.strip() for value in named for part in value.split(",") if part.strip()]

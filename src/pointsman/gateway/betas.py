"""Beta flags: the user's own are added to a request, and those that an account was refused are left out.

A flag that the upstream refuses goes, with the members of the body that it stands for, for one more try;
what was learned holds for the account for a day. Where the refusal names no flag that is known, it is the
client's.
"""

import re
from collections.abc import Collection, Iterable, Sequence
from fnmatch import fnmatchcase
from typing import Any, cast

from msgspec import Struct, structs

from pointsman.canon.json import Json
from pointsman.canon.loss import Loss
from pointsman.catalog.beta import Beta
from pointsman.dialects.dialect import Dialect
from pointsman.gateway.exchange import Exchange
from pointsman.gateway.judge import RefusalError
from pointsman.wire.json import peek, reform

_NAMED = re.compile(r"unexpected value\(s\)\s*(.{1,2000}?)\s*for the .{0,3}anthropic-beta", re.IGNORECASE)
_QUOTED = re.compile(r"[`'\"]([^`'\"]{1,200})[`'\"]")
_UNNAMED = re.compile(r"invalid beta flag", re.IGNORECASE)
_EXTRA = re.compile(r"([a-z_]+(?:\.[a-z_]+)*)\s*: extra inputs are not permitted", re.IGNORECASE)
REFUSED = "the backend refuses the flag"


class Betas(Struct, frozen=True):
    """The flags of one request to one account."""

    exchange: Exchange
    sent: tuple[str, ...] = ()
    losses: tuple[Loss, ...] = ()


def with_betas(
    exchange: Exchange,
    dialect: Dialect,
    added: Sequence[str],
    refused: Collection[str],
    table: Sequence[Beta],
) -> Betas:
    """The request with the flags that are added, and without those that are refused and what they mean."""
    field = dialect.beta_field
    if not field:
        return Betas(exchange)
    asked = flags_of(exchange, field)
    if not added and not refused:
        return Betas(exchange, asked)
    wanted = tuple(dict.fromkeys((*asked, *added)))
    sent = tuple(flag for flag in wanted if flag not in refused)
    if sent == asked:
        return Betas(exchange, sent)
    gone = [flag for flag in wanted if flag not in sent]
    kept = tuple(pair for pair in exchange.headers if pair[0] != field)
    headers = (*kept, (field, ",".join(sent))) if sent else kept
    changed = structs.replace(exchange, headers=headers)
    losses = [Loss("dropped", f"{field}: {flag}", REFUSED) for flag in gone]
    if exchange.dialect is dialect:
        paths = [path for path in _paths(gone, table) if path not in _paths(sent, table)]
        changed, lost = _without(changed, paths)
        losses += [Loss("dropped", path, f"{REFUSED} for it") for path in lost]
    return Betas(changed, sent, tuple(losses))


def flags_of(exchange: Exchange, field: str) -> tuple[str, ...]:
    """The flags that the client sent, each once."""
    named = [value for name, value in exchange.headers if name == field]
    if not named:
        return ()
    parts = (part.strip() for value in named for part in value.split(","))
    return tuple(dict.fromkeys(filter(None, parts)))


def refused_flags(
    refusal: RefusalError, sent: Sequence[str], known: Sequence[str], table: Sequence[Beta]
) -> frozenset[str]:
    """The flags that a refusal is about; `known`: patterns of those that the backend takes, where known."""
    if refusal.upstream_status != 400 or not sent:
        return frozenset()
    text = refusal.fault().message[:4096]
    named = _NAMED.search(text)
    if named is not None:
        return frozenset(_QUOTED.findall(named[1])) & frozenset(sent)
    if _UNNAMED.search(text) and known:
        return frozenset(flag for flag in sent if not any(fnmatchcase(flag, each) for each in known))
    extra = {match.lower() for match in _EXTRA.findall(text)}
    return frozenset(flag for flag in sent if extra & set(_paths((flag,), table)))


def _paths(flags: Iterable[str], table: Sequence[Beta]) -> list[str]:
    return [path for flag in flags for beta in table if fnmatchcase(flag, beta.name) for path in beta.fields]


def _without(exchange: Exchange, paths: Sequence[str]) -> tuple[Exchange, list[str]]:
    """The request without some members of its body, and which of them it had; the rest stays as it is."""
    members, drop, add, lost = exchange.intent.members, set[str](), dict[str, Any](), list[str]()
    for path in paths:
        outer, dot, inner = path.partition(".")
        if outer not in members:
            continue
        value: object = exchange.members().get(outer) if dot else None
        if dot and not (isinstance(value, dict) and inner in cast("Json", value)):
            continue
        drop.add(outer)
        lost.append(path)
        rest = {key: each for key, each in cast("Json", value).items() if key != inner} if dot else {}
        if rest:
            add[outer] = rest
    if not drop:
        return exchange, lost
    body = reform(exchange.body, members, drop, add)
    intent = structs.replace(exchange.intent, members=peek(body).members)
    asked = exchange.asked or exchange.members()
    head = (exchange.request_id, exchange.query, exchange.headers)
    changed = Exchange(
        *head,
        body,
        exchange.dialect,
        intent,
        exchange.room,
        exchange.memory,
        exchange.seats,
        asked,
    )
    return changed, lost

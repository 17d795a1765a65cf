"""Tool names and tool-call ids that fit a provider's limits, and can be turned back.

A valid name stays as it is. Any other has its foreign characters replaced, is cut, and ends in a hash of the
whole original: a name is sent the same way in every turn, so prompt caches hold, and no two names meet.
"""

import re
from collections.abc import Iterable, Mapping
from functools import lru_cache
from hashlib import sha256

_SHORT = 8
"""Characters of the hash that names usually end in."""


def map_names(names: Iterable[str], limit: int | None = None, charset: str | None = None) -> dict[str, str]:
    """Each name → the name to send. `limit` is in characters, `charset` the inside of a character class."""
    distinct = list(dict.fromkeys(names))
    if limit is None and charset is None:
        return {name: name for name in distinct}
    valid = _valid(limit, charset)
    mapped = {name: name for name in distinct if valid.fullmatch(name)}
    taken = set(mapped)
    for name in distinct:
        if name not in mapped:
            mapped[name] = _fitting(name, limit, charset, taken)
            taken.add(mapped[name])
    return mapped


def map_ids(ids: Iterable[str], limit: int | None = None, charset: str | None = None) -> dict[str, str]:
    """Each tool-call id → the id to send; by the same rule as names."""
    return map_names(ids, limit, charset)


def changed(mapped: Mapping[str, str]) -> dict[str, str]:
    """Sent name → original, for the names that had to change."""
    return {sent: name for name, sent in mapped.items() if sent != name}


@lru_cache(maxsize=64)
def _valid(limit: int | None, charset: str | None) -> re.Pattern[str]:
    inside = f"[{charset}]" if charset is not None else "."
    return re.compile(f"{inside}{{1,{'' if limit is None else limit}}}", re.DOTALL)


@lru_cache(maxsize=64)
def _foreign(charset: str | None) -> tuple[re.Pattern[str] | None, str]:
    """What to replace, and with what."""
    if charset is None:
        return None, "_"
    return re.compile(f"[^{charset}]"), "_" if re.match(f"[{charset}]", "_") else ""


def _fitting(name: str, limit: int | None, charset: str | None, taken: set[str]) -> str:
    """A name within the limits that nobody has: more of the hash is used until it is free."""
    foreign, filler = _foreign(charset)
    cleaned = name if foreign is None else foreign.sub(filler, name)
    digest = sha256(name.encode("utf-8", "surrogatepass")).hexdigest()
    for offset in range(len(digest) - _SHORT):
        suffix = filler + digest[offset : offset + _SHORT]
        room = None if limit is None else max(limit - len(suffix), 0)
        candidate = (cleaned[:room] + suffix)[-limit if limit else 0 :]
        if candidate not in taken:
            return candidate
    raise ValueError(f"no free name within {limit} characters for: {name!r}")


_NAMESPACE = "\x1f"
"""Stands between a namespace and a tool's name; no API takes it in a name, so no name holds it by chance."""


def joined(namespace: str, name: str) -> str:
    """The name of a tool in a namespace; where the target has none, it becomes a plain one by `map_names`."""
    return f"{namespace}{_NAMESPACE}{name}"


def parted(name: str) -> tuple[str | None, str]:
    """(namespace, name) of a tool; None for one that stands in no namespace."""
    namespace, found, inner = name.partition(_NAMESPACE)
    return (namespace, inner) if found else (None, name)

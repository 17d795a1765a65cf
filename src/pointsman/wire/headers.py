"""Header fields: their type, and which of them cross a gateway."""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import TypeAlias
from urllib.parse import unquote_plus

Headers: TypeAlias = tuple[tuple[str, str], ...]
"""Header fields in order; names in lower case."""

HOP_BY_HOP = frozenset(
    {
        "connection",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    }
)
"""Fields that concern one connection only (RFC 9110, section 7.6.1); so do those that Connection names."""

CREDENTIALS = frozenset({"authorization", "proxy-authorization", "x-api-key", "api-key", "x-goog-api-key"})
"""Fields that carry a client's key; what goes upstream in them is the leased account's."""

FRAMING = frozenset({"host", "content-length", "transfer-encoding", "connection"})
"""What only the connection itself can say."""
LINE_BREAK = re.compile(r"[\r\n\0]")
"""What would break a head in two."""
_NOT_UPSTREAM = (
    HOP_BY_HOP | CREDENTIALS | {"host", "content-length", "expect", "cookie", "origin", "forwarded"}
)
_NOT_UPSTREAM_PREFIXES = ("x-forwarded-", "x-pointsman-")
_NOT_TO_CLIENT = HOP_BY_HOP | {"set-cookie", "alt-svc", "strict-transport-security"}
_ENTITY = frozenset({"content-type", "content-length", "content-encoding"})
_TRANSLATED = frozenset({"user-agent", "traceparent", "via"})
"""What a translated request keeps; Via, because a loop through two translators must show."""

_SECONDS = re.compile(r"\d{1,15}(\.\d+)?", re.ASCII)
_TIME = r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)"
_DATES = (
    re.compile(rf"\w+, (?P<day>\d\d)[ -](?P<month>\w{{3}})[ -](?P<year>\d\d(\d\d)?) {_TIME} GMT", re.ASCII),
    re.compile(rf"\w{{3}} (?P<month>\w{{3}}) (?P<day>[ \d]\d) {_TIME} (?P<year>\d{{4}})", re.ASCII),
)
"""The forms of a date in HTTP (RFC 9110, section 5.6.7): the two that begin alike, and asctime's."""
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")


def first(headers: Iterable[tuple[str, str]], name: str) -> str | None:
    """The value of the first field called `name` (lower case)."""
    for key, value in headers:
        if key == name:
            return value
    return None


def to_upstream_relay(headers: Headers) -> Headers:
    """The client's fields that go upstream with a relayed request."""
    dropped = _with_named(_NOT_UPSTREAM, headers)
    return tuple(
        [
            field
            for field in headers
            if field[0] not in dropped and not field[0].startswith(_NOT_UPSTREAM_PREFIXES)
        ]
    )


def to_upstream_translate(headers: Headers, keep: Iterable[str] = ()) -> Headers:
    """The client's fields that go upstream with a translated request; `keep` names the row's own."""
    kept = _TRANSLATED.union(keep)
    return tuple(field for field in to_upstream_relay(headers) if field[0] in kept)


def to_client(headers: Headers) -> Headers:
    """The upstream's fields that go to the client with a relayed answer."""
    dropped = _with_named(_NOT_TO_CLIENT, headers)
    return tuple([field for field in headers if field[0] not in dropped])


def without_entity(headers: Headers) -> Headers:
    """`headers` without what they say of the body, for whoever sends another one."""
    return tuple([field for field in headers if field[0] not in _ENTITY])


def query_without_key(query: str) -> str:
    """A query without its `key=` parameters, which carry a credential; the rest as it was."""
    if not query:
        return query
    return "&".join(part for part in query.split("&") if unquote_plus(part.partition("=")[0]) != "key")


def via(headers: Headers, instance: str) -> Headers:
    """`headers` with this endpoint's entry behind those of the proxies before it."""
    return (*headers, ("via", f"1.1 {_pseudonym(instance)}"))


def has_via(headers: Headers, instance: str) -> bool:
    """Whether a request has been through the endpoint `instance` before."""
    entries = [entry for name, value in headers if name == "via" for entry in value.split(",")]
    return any(_pseudonym(instance) in entry.split() for entry in entries)


def retry_after(headers: Headers, now: float) -> float | None:
    """Seconds until the upstream wants to be asked again; None if it does not say, or not in HTTP's terms.

    `now` is in seconds since the epoch. `retry-after-ms` is more exact than `retry-after` and goes before it.
    """
    milliseconds = (first(headers, "retry-after-ms") or "").strip()
    if _SECONDS.fullmatch(milliseconds):
        return float(milliseconds) / 1000
    value = (first(headers, "retry-after") or "").strip()
    if _SECONDS.fullmatch(value):
        return float(value)
    date = http_date(value)
    return None if date is None else max(0.0, date - now)


def http_date(text: str) -> float | None:
    """A date in one of HTTP's three forms, in seconds since the epoch; None for anything else."""
    match = next((match for form in _DATES if (match := form.fullmatch(text))), None)
    if match is None or match["month"].lower() not in _MONTHS:
        return None
    year = int(match["year"]) + (2000 if len(match["year"]) == 2 else 0)
    month = _MONTHS.index(match["month"].lower()) + 1
    clock = (int(match["hour"]), int(match["minute"]), min(int(match["second"]), 59))
    try:
        return datetime(year, month, int(match["day"]), *clock, tzinfo=UTC).timestamp()
    except ValueError:
        return None


def _with_named(fields: frozenset[str], headers: Headers) -> frozenset[str]:
    """These, and those that end at this connection because Connection names them."""
    named = [value for name, value in headers if name == "connection"]
    if not named:
        return fields
    return fields.union([part.strip().lower() for value in named for part in value.split(",")])


def _pseudonym(instance: str) -> str:
    return f"pointsman-{instance}"

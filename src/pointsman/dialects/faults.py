"""Errors of upstreams, whatever their body: its kind by status, its message, when to come back."""

import re
from email.utils import parsedate_to_datetime
from typing import cast

from pointsman.canon.errors import FaultKind, MalformedError
from pointsman.canon.json import Json
from pointsman.wire.headers import Headers, first
from pointsman.wire.json import decode_object

_KINDS: dict[int, FaultKind] = {
    401: "authentication",
    402: "billing",
    403: "permission",
    404: "not_found",
    408: "timeout",
    413: "too_large",
    429: "rate_limit",
    503: "overloaded",
    504: "timeout",
    529: "overloaded",
}
_TITLE = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)
_TAGS = re.compile(r"<(?:script|style)\b.*?</(?:script|style)>|<[^>]*>", re.IGNORECASE | re.DOTALL)
_LONGEST = 500
"""Characters of a body that is no JSON which a message repeats."""


def kind_of(status: int) -> FaultKind:
    """The kind of an error that says nothing but its status."""
    return _KINDS.get(status, "api" if status >= 500 or status < 400 else "invalid_request")


def body_object(body: bytes) -> Json | None:
    """The body as an object, or None."""
    try:
        return decode_object(body)
    except MalformedError:
        return None


def error_object(body: Json) -> Json:
    """The object that describes the error: the `error` member, or the body itself."""
    error = body.get("error")
    if isinstance(error, str):
        return {"message": error}
    return cast("Json", error) if isinstance(error, dict) else body


def message_of(error: Json | None, body: bytes, status: int) -> str:
    """What the error says, in one line at most; never empty."""
    for name in ("message", "detail", "error_description", "title"):
        text = None if error is None else error.get(name)
        if isinstance(text, str) and text.strip():
            return text
    return plain_message(body.decode(errors="replace").strip(), status)


def plain_message(text: str, status: int) -> str:
    """What a body says that is no envelope: its title where it is a web page, else its words; one line."""
    title = _TITLE.search(text)
    if title is not None or text.startswith("<"):
        shown = " ".join(_TAGS.sub(" ", title[1] if title is not None else text).split())
        return f"the backend answered {status} with HTML instead of JSON: {shown[:_LONGEST] or 'no text'}"
    if not text:
        return f"the backend answered {status} without a body"
    return f"the backend answered {status}: {' '.join(text.split())[:_LONGEST]}"


def text_of(error: Json | None, name: str) -> str | None:
    """A member of the error, numbers as text; None for anything else."""
    value = None if error is None else error.get(name)
    if isinstance(value, str):
        return value or None
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else None


def retry_after(headers: Headers) -> float | None:
    """Seconds until another try is welcome; a date is measured against the answer's own `Date`."""
    milliseconds = _number(first(headers, "retry-after-ms"))
    if milliseconds is not None:
        return milliseconds / 1000
    value = first(headers, "retry-after")
    seconds = _number(value)
    return _until(value, first(headers, "date")) if seconds is None else seconds


def _number(value: str | None) -> float | None:
    if value is None or re.fullmatch(r"\s*\d{1,15}(\.\d+)?\s*", value, re.ASCII) is None:
        return None
    return float(value)


def _until(then: str | None, now: str | None) -> float | None:
    if then is None or now is None:
        return None
    try:
        seconds = (parsedate_to_datetime(then) - parsedate_to_datetime(now)).total_seconds()
    except (ValueError, TypeError):
        return None
    return max(seconds, 0.0)

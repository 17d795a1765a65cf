"""Errors: `google.rpc.Status` as its API says it, parsed and rendered.

`{"error": {"code", "message", "status", "details"?}}`, sometimes within an array (a stream's form);
`RetryInfo` among the details says when to come back (cloud.google.com, "Errors", AIP-193).
"""

import re
from typing import Any, cast

from pointsman.canon.errors import Fault, FaultKind, MalformedError
from pointsman.canon.json import Json
from pointsman.dialects.faults import error_object, kind_of, message_of, retry_after, text_of
from pointsman.dialects.gemini.words import KINDS, NAME, STATUSES
from pointsman.wire.headers import Headers
from pointsman.wire.json import decode_value, encode
from pointsman.wire.sse import frame

_TYPE = "type.googleapis.com/google.rpc."
_RETRY, _INFO, _REQUEST = "RetryInfo", "ErrorInfo", "RequestInfo"
_SECONDS = re.compile(r"(\d{1,9}(?:\.\d{1,9})?)s", re.ASCII)
"""google.protobuf.Duration in JSON."""
_REASONS: dict[str, FaultKind] = {"API_KEY_INVALID": "authentication", "API_KEY_EXPIRED": "authentication"}
"""What stands in `ErrorInfo` where the status, `INVALID_ARGUMENT`, says too little."""
_TOO_LONG = re.compile(r"input token count.{0,60}exceeds the maximum number of tokens", re.DOTALL)
_LENGTH = "context_length_exceeded"
"""The code under which other dialects know a prompt that is too long."""


def parse_error(status: int, headers: Headers, body: bytes) -> Fault:
    """The error in an answer of any form."""
    whole = _body(body)
    error = None if whole is None else error_object(whole)
    return _fault(whole, error, status, message_of(error, body, status), retry_after(headers))


def fault_in(response: Json) -> Fault:
    """The error in a response whose head said that all is well."""
    error = error_object(response)
    code = error.get("code")
    known = isinstance(code, int) and not isinstance(code, bool) and 400 <= code < 600
    kind = STATUSES.get(text_of(error, "status") or "", "api")
    status = cast("int", code) if known else KINDS[kind][0]
    return _fault(response, error, status, message_of(error, encode(response), status), None)


def _body(body: bytes) -> Json | None:
    """The envelope, alone or as the one item of an array."""
    try:
        value = decode_value(body)
    except MalformedError:
        return None
    if isinstance(value, list) and value:
        value = cast("list[Any]", value)[0]
    return cast("Json", value) if isinstance(value, dict) else None


def _fault(whole: Json | None, error: Json | None, status: int, message: str, wait: float | None) -> Fault:
    details = _details(error)
    word = text_of(error, "status")
    reason = text_of(_detail(details, _INFO), "reason")
    own = word is not None and word in STATUSES
    kind = _REASONS.get(reason or "") or STATUSES.get(word or "") or kind_of(status)
    code = _LENGTH if _TOO_LONG.search(message) else reason or word or text_of(error, "code")
    return Fault(
        kind="too_large" if status == 413 else kind,
        message=message,
        status=status,
        code=code,
        retry_after=_delay(details) if wait is None else wait,
        raw=whole,
        dialect=NAME if own and whole is not None and "error" in whole else None,
    )


def _details(error: Json | None) -> list[Json]:
    found = None if error is None else error.get("details")
    return (
        [cast("Json", each) for each in cast("list[Any]", found) if isinstance(each, dict)]
        if isinstance(found, list)
        else []
    )


def _detail(details: list[Json], type: str) -> Json | None:
    return next((each for each in details if str(each.get("@type")).endswith(f"google.rpc.{type}")), None)


def _delay(details: list[Json]) -> float | None:
    """Seconds."""
    said = text_of(_detail(details, _RETRY), "retryDelay")
    found = None if said is None else _SECONDS.fullmatch(said)
    return None if found is None else float(found[1])


def render_error(fault: Fault, request_id: str) -> Json:
    """The body for a client of this dialect; the dialect's own error as it came."""
    if fault.dialect == NAME and fault.raw is not None:
        return fault.raw
    code, word = KINDS[fault.kind]
    status = fault.status if 400 <= fault.status < 600 else code
    details: list[Json] = []
    if fault.code is not None:
        details.append({"@type": _TYPE + _INFO, "reason": fault.code, "domain": "pointsman"})
    if fault.retry_after is not None:
        details.append({"@type": _TYPE + _RETRY, "retryDelay": f"{fault.retry_after:g}s"})
    if request_id:
        details.append({"@type": _TYPE + _REQUEST, "requestId": request_id})
    error: dict[str, Any] = {"code": status, "message": fault.message, "status": word}
    return {"error": {**error, "details": details} if details else error}


def error_frame(fault: Fault, request_id: str) -> bytes:
    """The frame that ends a stream which failed.

    The Python SDK raises where a response begins with `{"error":`, the one for JavaScript where the error's
    `code` is a number from 400 to 599; so a frame holds the error alone, with such a code.
    """
    error = error_object(render_error(fault, request_id))
    code = error.get("code")
    if not isinstance(code, int) or isinstance(code, bool) or not 400 <= code < 600:
        error = {**error, "code": KINDS[fault.kind][0]}
    return frame(encode({"error": error}))

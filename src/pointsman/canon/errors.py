"""The errors of pointsman.

PointsmanError
├── RequestError            the client's request cannot be served as it is (400)
│   ├── MalformedError      the body is not what the dialect says (400)
│   ├── UnsupportedError    the target cannot do what the request needs (400)
│   ├── UnsupportedCodingError  the body comes in an unknown content coding (415)
│   ├── TooLargeError       the body is over the limit (413)
│   ├── UnauthorizedError   the key for this endpoint is missing or wrong (401)
│   ├── ForbiddenError      Host or Origin is not allowed here (403)
│   ├── UnknownModelError   no backend serves the model (404)
│   ├── UnknownResponseError  no such response is kept (404)
│   └── UnknownPathError    no such endpoint (404)
├── UpstreamError           the backend did not do its part (502)
│   ├── UnreachableError    no connection (502)
│   │   └── StaleError      a connection kept open had been closed; worth another try at once
│   ├── SilenceError        silence beyond a limit (504)
│   ├── TruncatedError      the answer ended before its end (502)
│   ├── GarbledError        the answer is not in the dialect (502)
│   ├── NoCredentialError   pointsman has no usable key for the backend (401)
│   ├── NoAccountError      no account of the backend can be used now (429, 503 or 401)
│   └── RefusedError        the backend answered with an error of its own
├── LoopError               the request has come back to the endpoint that sent it (508)
├── BusyError               a bound of this endpoint is reached (503)
└── SetupError              configuration, files or machine; for the person, not the client
"""

from typing import Literal

from msgspec import Struct

from pointsman.canon.json import Json

FaultKind = Literal[
    "invalid_request",
    "authentication",
    "billing",
    "permission",
    "not_found",
    "too_large",
    "rate_limit",
    "overloaded",
    "timeout",
    "api",
]
"""The kinds that every dialect has a word for."""


class Fault(Struct, frozen=True):
    """An error as data: parsed from one dialect's envelope, rendered in another's."""

    kind: FaultKind
    message: str
    status: int
    code: str | None = None
    param: str | None = None
    retry_after: float | None = None
    """Seconds."""
    details: Json | None = None
    """Fields beside the message that clients act on."""
    raw: Json | None = None
    """The whole envelope as received, in `dialect`'s form."""
    dialect: str | None = None


class PointsmanError(Exception):
    """A fault of pointsman's own, and the base of all errors. Messages say what happened, why, what to do."""

    status: int = 500
    kind: FaultKind = "api"
    code: str = "internal_error"

    def __init__(
        self, message: str, *, code: str | None = None, param: str | None = None, details: Json | None = None
    ) -> None:
        super().__init__(message)
        self.message = message
        self.param = param
        self.details = details
        if code is not None:
            self.code = code

    def fault(self) -> Fault:
        """The error as a dialect renders it."""
        return Fault(
            kind=self.kind,
            message=self.message,
            status=self.status,
            code=self.code,
            param=self.param,
            details=self.details,
        )


class RequestError(PointsmanError):
    """The client's request cannot be served as it is."""

    status = 400
    kind: FaultKind = "invalid_request"
    code = "invalid_request"


class MalformedError(RequestError):
    """The body is not what the dialect says it must be."""

    code = "malformed_request"


class UnsupportedError(RequestError):
    """The chosen target cannot do what the request needs, and dropping it would change its meaning."""

    code = "unsupported_by_target"


class OwnCredentialError(UnsupportedError):
    """A client's own credential goes along with a relayed request alone, and this one would not be."""


class UnsupportedCodingError(RequestError):
    """The body comes in a content coding that is not known here."""

    status = 415
    code = "unsupported_content_coding"


class TooLargeError(RequestError):
    """The body is over the limit."""

    status = 413
    kind: FaultKind = "too_large"
    code = "request_too_large"


class RejectedError(RequestError):
    """The request is not let in."""

    def __init__(self, message: str, looked_at: str = "") -> None:
        """`looked_at`: the names of the header fields that decided it, never their values."""
        super().__init__(message)
        self.looked_at = looked_at


class UnauthorizedError(RejectedError):
    """The key for this endpoint is missing or wrong."""

    status = 401
    kind: FaultKind = "authentication"
    code = "invalid_api_key"


class ForbiddenError(RejectedError):
    """The Host or Origin of the request is not allowed here."""

    status = 403
    kind: FaultKind = "permission"
    code = "forbidden"


class UnknownModelError(RequestError):
    """No backend serves the model."""

    status = 404
    kind: FaultKind = "not_found"
    code = "model_not_found"


class UnknownResponseError(RequestError):
    """No such response is kept for whoever asks."""

    status = 404
    kind: FaultKind = "not_found"
    code = "response_not_found"


class UnknownPathError(RequestError):
    """No such endpoint."""

    status = 404
    kind: FaultKind = "not_found"
    code = "unknown_path"


class UpstreamError(PointsmanError):
    """The backend did not do its part."""

    status = 502
    code = "upstream_error"


class UnreachableError(UpstreamError):
    """No connection to the backend."""

    code = "upstream_unreachable"


class StaleError(UnreachableError):
    """The connection had been kept open for reuse and the backend had closed it before it answered.

    Says nothing about the backend's health: the same account may be tried again at once.
    """


class SilenceError(UpstreamError):
    """The backend was silent beyond a limit."""

    status = 504
    kind: FaultKind = "timeout"
    code = "upstream_timeout"


class TruncatedError(UpstreamError):
    """The answer ended before its end."""

    code = "upstream_truncated"


class GarbledError(UpstreamError):
    """The answer is not in the dialect that the backend is said to speak."""

    code = "upstream_garbled"


class NoCredentialError(UpstreamError):
    """pointsman has no usable key for the backend."""

    status = 401
    kind: FaultKind = "authentication"
    code = "no_backend_key"


class NoAccountError(UpstreamError):
    """No account of the backend can be used now."""

    code = "no_account"

    def __init__(self, message: str, kind: FaultKind, status: int, retry_after: float | None) -> None:
        """`retry_after`: seconds until the first one can, where that is known."""
        super().__init__(message)
        self.kind = kind
        self.status = status
        self.retry_after = retry_after

    def fault(self) -> Fault:
        """With when to come back."""
        return Fault(self.kind, self.message, self.status, self.code, retry_after=self.retry_after)


class HaltedError(NoAccountError):
    """The guard has halted the backend: its answers are billed otherwise than the user wants."""

    status = 503
    kind: FaultKind = "overloaded"
    code = "halted_by_guard"

    def __init__(self, message: str, retry_after: float) -> None:
        """`retry_after`: seconds until it goes on by itself."""
        super().__init__(message, "overloaded", 503, retry_after)


class RefusedError(UpstreamError):
    """The backend answered with an error of its own."""

    def __init__(self, fault: Fault) -> None:
        super().__init__(fault.message, code=fault.code)
        self._fault = fault
        self.status = fault.status
        self.kind = fault.kind

    def fault(self) -> Fault:
        """The backend's error."""
        return self._fault


class BudgetError(RequestError):
    """A budget is used up."""

    status = 429
    kind: FaultKind = "rate_limit"
    code = "budget_exceeded"

    def __init__(self, message: str, retry_after: float) -> None:
        """`retry_after`: seconds until it begins anew."""
        super().__init__(message)
        self.retry_after = retry_after

    def fault(self) -> Fault:
        """With when to come back."""
        return Fault(self.kind, self.message, self.status, self.code, retry_after=self.retry_after)


class LoopError(PointsmanError):
    """The request has come back to the endpoint that sent it."""

    status = 508
    code = "loop_detected"


class BusyError(PointsmanError):
    """A bound of this endpoint is reached."""

    status = 503
    kind: FaultKind = "overloaded"
    code = "endpoint_busy"


class SetupError(PointsmanError):
    """Configuration, files or machine are not as they must be; shown to the person."""

    code = "setup_error"

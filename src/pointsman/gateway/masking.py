"""Masking: our credentials taken out of what an upstream says, before it reaches a client."""

from collections.abc import Iterable
from urllib.parse import parse_qsl

from msgspec import structs

from pointsman.accounts.lease import SHORTEST, Lease, configured_secrets, secrets_among
from pointsman.canon.errors import Fault
from pointsman.canon.json import Json
from pointsman.config.environment import PLACEHOLDER
from pointsman.routing.snapshot import Backend
from pointsman.wire.headers import CREDENTIALS, Headers
from pointsman.wire.json import decode_object, encode
from pointsman.wire.secrets import mask, mask_forms

_SENT_IN = CREDENTIALS | {"x-pointsman-key"}
_ASKED = "key"
MOST = 500
"""Credentials that are known at the same time."""


class KnownSecrets:
    """Every credential that requests were sent with, the latest ones where there are many."""

    def __init__(self) -> None:
        self._held: dict[str, None] = {}

    def note(self, secrets: Iterable[str]) -> None:
        """These are used."""
        for secret in secrets:
            if secret not in self._held:
                if len(self._held) >= MOST:
                    del self._held[next(iter(self._held))]
                self._held[secret] = None

    def within(self, text: str) -> tuple[str, ...]:
        """Those that stand in a text of ours, where a client has put one in the place of a name."""
        return tuple([secret for secret in self._held if secret in text])

    def all(self) -> tuple[str, ...]:
        """What is to be masked; may be called in any thread."""
        return tuple(self._held)


def secrets_of(lease: Lease, backend: Backend) -> tuple[str, ...]:
    """Every credential that a request to the backend carries: the lease's, and those among its `headers`."""
    own = [*configured_secrets(backend.headers)] if backend.headers else []
    if lease.secret is not None:
        own.append(lease.secret.reveal())
    own += [secret.reveal() for secret in lease.others]
    return tuple(secret for secret in own if secret)


def sent_with(headers: Headers, query: str) -> tuple[str, ...]:
    """The credentials that a client itself sent beside a body; what is short stands in every text."""
    sent = [value.rpartition(" ")[2] for name, value in headers if name in _SENT_IN]
    sent += [each for name, value in headers if name == "cookie" for each in secrets_among(value)]
    if query:
        sent += [value for name, value in parse_qsl(query) if name == _ASKED]
    return tuple([value for value in sent if len(value) >= SHORTEST and value != PLACEHOLDER])


def mask_fault(fault: Fault, secrets: tuple[str, ...]) -> Fault:
    """The error without them, and without what looks like anybody's key."""
    message = mask_forms(mask(fault.message, secrets))
    if not secrets:
        return fault if message == fault.message else structs.replace(fault, message=message)
    return structs.replace(
        fault,
        message=message,
        code=None if fault.code is None else mask(fault.code, secrets),
        param=None if fault.param is None else mask(fault.param, secrets),
        raw=_mask_json(fault.raw, secrets),
        details=_mask_json(fault.details, secrets),
    )


def mask_headers(headers: Headers, secrets: tuple[str, ...]) -> Headers:
    """The fields without them."""
    told = "\n".join([value for _, value in headers])
    spelled = "%" in told or "\\" in told
    if not spelled and not any(secret in told for secret in secrets):
        return headers
    return tuple([(name, mask(value, secrets)) for name, value in headers])


def _mask_json(value: Json | None, secrets: tuple[str, ...]) -> Json | None:
    if value is None:
        return None
    plain = encode(value)
    masked = mask(plain, secrets)
    return value if masked == plain else decode_object(masked)

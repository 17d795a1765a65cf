"""What Authlib does here, typed, and imported when it is first called: few requests need it."""

from collections.abc import Mapping
from importlib import import_module
from typing import Any


def challenge(verifier: str) -> str:
    """What is shown of a verifier (RFC 7636, section 4.2, S256)."""
    made: str = import_module("authlib.oauth2.rfc7636").create_s256_code_challenge(verifier)
    return made


def address(endpoint: str, client: str, fields: Mapping[str, str]) -> str:
    """Where a person is sent for a code (RFC 6749, section 4.1.1)."""
    made: str = _parameters().prepare_grant_uri(endpoint, client, "code", **fields)
    return made


def token_request(kind: str, fields: Mapping[str, str | None]) -> bytes:
    """The body of a request for tokens (RFC 6749, sections 4.1.3 and 6). What has no value is left out."""
    made: str = _parameters().prepare_token_request(kind, **fields)
    return made.encode()


def form(fields: Mapping[str, str]) -> bytes:
    """A form's body."""
    made: str = import_module("authlib.common.urls").url_encode([*fields.items()])
    return made.encode()


def with_query(url: str, fields: Mapping[str, str]) -> str:
    """A URL with more in its query."""
    made: str = import_module("authlib.common.urls").add_params_to_uri(url, [*fields.items()])
    return made


def _parameters() -> Any:
    return import_module("authlib.oauth2.rfc6749.parameters")

"""Google's application default credentials: a short-lived access token, made and renewed by google-auth.

Read are: the file of a service account that the backend's `credentials` names; else the file that
`GOOGLE_APPLICATION_CREDENTIALS` names, of any kind that google-auth knows; else the file that `gcloud auth
application-default login` writes. Where neither is there, the metadata server of a Google machine is asked
only if `GCE_METADATA_HOST` is set. (cloud.google.com/docs/authentication/application-default-credentials)
"""

import asyncio
import logging
import ssl
import time
from collections.abc import Mapping
from datetime import UTC
from importlib import import_module
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, Request, build_opener

from msgspec import Struct

from pointsman.accounts.grant import Grant, missing_library
from pointsman.accounts.secret import Secret
from pointsman.canon.errors import NoCredentialError, UnreachableError, UpstreamError
from pointsman.routing.snapshot import Backend
from pointsman.wire.headers import Headers

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
EARLY = 300.0
"""Seconds before its end at which a token is renewed; google-auth takes it as stale 225 s before."""
_NAMED = ("GOOGLE_APPLICATION_CREDENTIALS", "GCE_METADATA_HOST")
"""The variables that say where credentials are."""
PATIENCE = 20.0
"""Seconds for an answer of the token endpoint."""


class _Kept(Struct):
    """One file's credentials, and the token as far as it is known. Shown, it says nothing."""

    credentials: Any
    headers: Headers = ()
    token: Secret | None = None
    until: float = 0.0
    """When it ends, in seconds since the epoch."""

    def __repr__(self) -> str:
        return "_Kept()"


class GoogleSignIn:
    """The credentials by file, each read once; a token is used until shortly before its end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._kept: dict[str | None, _Kept] = {}
        self._lock = Lock()

    async def __call__(self, backend: Backend) -> Grant:
        """The header fields with a token that holds. Raises NoCredentialError."""
        kept = self._kept.get(backend.credentials)
        if kept is None or kept.until - EARLY < time.time():
            kept = await asyncio.to_thread(self._renewed, backend)
        return Grant(kept.headers, () if kept.token is None else (kept.token,))

    def _renewed(self, backend: Backend) -> _Kept:
        """May read files and ask Google; not for the event loop. Raises NoCredentialError."""
        with self._lock:
            try:
                kept = self._kept.get(backend.credentials)
                if kept is None:
                    kept = self._kept[backend.credentials] = _Kept(self._read(backend))
                if kept.until - EARLY < time.time():
                    _renew(kept)
            except ImportError as error:
                raise missing_library(backend, "google-auth", "pointsman[google]") from error
            except _failures() as error:
                self._kept.pop(backend.credentials, None)
                raise _refused(backend, error, self._file(backend)) from error
            return kept

    def _file(self, backend: Backend) -> str | None:
        """The file that was named, if one was."""
        return backend.credentials or self._environment.get(_NAMED[0])

    def _read(self, backend: Backend) -> Any:
        # It can be told to log its requests and answers, which hold tokens.
        logging.getLogger("google.auth").setLevel(logging.WARNING)
        if backend.credentials is not None:
            account = import_module("google.oauth2.service_account").Credentials
            return account.from_service_account_file(backend.credentials, scopes=[SCOPE])
        usual = import_module("google.auth._cloud_sdk").get_application_default_credentials_path()
        if any(map(self._environment.get, _NAMED)) or Path(usual).is_file():
            return import_module("google.auth").default(scopes=[SCOPE])[0]
        raise NoCredentialError(
            f"backend {backend.name} has no Google credentials: run `gcloud auth application-default login`, "
            "set GOOGLE_APPLICATION_CREDENTIALS to a service account's file, or `credentials` on the backend"
        )


def _renew(kept: _Kept) -> None:
    kept.credentials.refresh(_exchange)
    made: dict[str, str] = {}
    kept.credentials.apply(made)
    kept.headers = tuple((name.lower(), value) for name, value in made.items())
    kept.token = Secret(kept.credentials.token)
    expiry = kept.credentials.expiry
    # google-auth says it in UTC, without saying so; a token without an end is asked for anew after an hour.
    kept.until = time.time() + 3600 if expiry is None else expiry.replace(tzinfo=UTC).timestamp()


def _failures() -> tuple[type[Exception], ...]:
    """What google-auth raises for credentials that it cannot read or renew."""
    return import_module("google.auth.exceptions").GoogleAuthError, OSError, ValueError, KeyError


def _refused(backend: Backend, error: Exception, file: str | None) -> UpstreamError:
    # Only the kind: a message of google-auth's may repeat what it read.
    kind = type(error).__name__
    if isinstance(error, URLError | TimeoutError) or getattr(error, "retryable", False):
        return UnreachableError(
            f"backend {backend.name}: Google's token endpoint does not answer ({kind}); ask again"
        )
    where = f" in {file}" if file else ""
    return NoCredentialError(
        f"backend {backend.name}: its Google credentials{where} cannot be used ({kind}); check the file, or "
        "sign in anew with `gcloud auth application-default login`"
    )


class _Answer(Struct, frozen=True):
    """An answer as google-auth reads it (`google.auth.transport.Response`)."""

    status: int
    headers: Mapping[str, str]
    data: bytes


def _exchange(
    url: str,
    method: str = "GET",
    body: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    timeout: float | None = None,
    **_: object,
) -> _Answer:
    """A request to the token endpoint, for google-auth (`google.auth.transport.Request`)."""
    opener = build_opener(ProxyHandler(), HTTPSHandler(context=ssl.create_default_context()))
    request = Request(url, data=body, headers=dict(headers or {}), method=method)
    try:
        with opener.open(request, timeout=timeout or PATIENCE) as answer:
            return _Answer(answer.status, dict(answer.headers), answer.read())
    except HTTPError as error:
        return _Answer(error.code, dict(error.headers), error.read())

"""Microsoft Entra ID: a short-lived access token out of Azure's own chain of credentials, by azure-identity.

Asked are, in the order of `DefaultAzureCredential`: the variables `AZURE_TENANT_ID`, `AZURE_CLIENT_ID` and
`AZURE_CLIENT_SECRET` (or a certificate's); a workload's identity, where Kubernetes names its token; then who
has signed in with `az login`, in PowerShell (`Connect-AzAccount`) or with `azd auth login`. The metadata
service of an Azure machine is asked only where a variable names it, or a managed identity
(`AZURE_CLIENT_ID` without a secret); nobody is ever asked in a browser, and no editor's login is read.
(learn.microsoft.com/python/api/azure-identity/azure.identity.defaultazurecredential)
"""

import asyncio
import logging
import time
from collections.abc import Mapping
from importlib import import_module
from threading import Lock
from typing import Any

from msgspec import Struct

from pointsman.accounts.grant import Grant, missing_library
from pointsman.accounts.secret import Secret
from pointsman.canon.errors import NoCredentialError
from pointsman.routing.snapshot import Backend

EARLY = 300.0
"""Seconds before its end at which a token is renewed."""
MACHINE = ("IDENTITY_ENDPOINT", "MSI_ENDPOINT", "AZURE_POD_IDENTITY_AUTHORITY_HOST")
"""The variables by which Azure's own services say that they have a managed identity."""
_TALKATIVE = ("azure.identity", "azure.core", "msal")
"""Loggers that say at level DEBUG what is asked and answered, which holds tokens."""


class _Kept(Struct, frozen=True):
    """A token. Shown, it says nothing."""

    token: Secret
    until: float
    """When it ends, in seconds since the epoch."""

    def __repr__(self) -> str:
        return "_Kept()"


class AzureSignIn:
    """The tokens by scope; one is used until shortly before its end."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self._chain: Any = None
        self._kept: dict[str, _Kept] = {}
        self._lock = Lock()

    async def __call__(self, backend: Backend) -> Grant:
        """The header field with a token that holds. Raises NoCredentialError."""
        kept = self._holding(backend)
        if kept is None:
            kept = await asyncio.to_thread(self._renewed, backend)
        return Grant((("authorization", f"Bearer {kept.token.reveal()}"),), (kept.token,))

    def _holding(self, backend: Backend) -> _Kept | None:
        kept = self._kept.get(backend.provider.token_scope)
        return kept if kept is not None and time.time() < kept.until - EARLY else None

    def _renewed(self, backend: Backend) -> _Kept:
        """May start `az`, or ask Entra; not for the event loop. Raises NoCredentialError."""
        scope = backend.provider.token_scope
        with self._lock:
            kept = self._holding(backend)
            if kept is not None:
                return kept
            try:
                made = self._credentials().get_token(scope)
            except ImportError as error:
                raise missing_library(backend, "azure-identity", "pointsman[azure]") from error
            except _failures() as error:
                self._chain = None
                raise _refused(backend, error) from error
            kept = self._kept[scope] = _Kept(Secret(made.token), float(made.expires_on))
            return kept

    def _credentials(self) -> Any:
        if self._chain is None:
            for name in _TALKATIVE:
                logging.getLogger(name).setLevel(logging.CRITICAL)
            self._chain = import_module("azure.identity").DefaultAzureCredential(
                exclude_managed_identity_credential=not self._on_azure(),
                exclude_interactive_browser_credential=True,
                exclude_visual_studio_code_credential=True,
                exclude_shared_token_cache_credential=True,
                exclude_broker_credential=True,
            )
        return self._chain

    def _on_azure(self) -> bool:
        """Whether a managed identity may be asked for: else its address is nobody's, and takes seconds."""
        secret = ("AZURE_CLIENT_SECRET", "AZURE_CLIENT_CERTIFICATE_PATH", "AZURE_FEDERATED_TOKEN_FILE")
        named = self._environment.get("AZURE_CLIENT_ID") and not any(map(self._environment.get, secret))
        return bool(named or any(map(self._environment.get, MACHINE)))


def _failures() -> tuple[type[Exception], ...]:
    """What azure-identity raises for credentials that it does not find or that are refused."""
    return import_module("azure.core.exceptions").AzureError, OSError, ValueError


def _refused(backend: Backend, error: Exception) -> NoCredentialError:
    # Only the kind: a message of Entra's may repeat what it was sent.
    key = f", or set {backend.key_env} to a key" if backend.key_env else ""
    return NoCredentialError(
        f"backend {backend.name} has no Azure credentials that can be used ({type(error).__name__}): sign in "
        f"with `az login`, or set AZURE_TENANT_ID, AZURE_CLIENT_ID and AZURE_CLIENT_SECRET{key}"
    )

"""Signing out: the provider is told, where it wants to be, and the tokens are forgotten in any case."""

from pointsman.accounts.oauth.issuer import discover
from pointsman.accounts.oauth.record import SignedIn, SignInFile
from pointsman.accounts.oauth.tokens import revoke
from pointsman.accounts.oauth.web import Web
from pointsman.accounts.secret import Secret


def revoked(kept: SignedIn, web: Web) -> bool:
    """Whether the provider has ended a sign-in; False where it offers no way to. Raises UpstreamError."""
    if kept.refresh_token is None:
        return False
    return revoke(discover(kept.issuer, web), web, kept.client, Secret(kept.refresh_token))


def forget(file: SignInFile) -> SignedIn | None:
    """Removes what is kept; what it was. Raises SetupError, CorruptRecordError.

    The lock keeps a renewal that is under way from writing it back.
    """
    with file.held():
        kept = file.read_held()
        file.forget()
    return kept

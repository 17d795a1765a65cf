"""A provider's row whose sign-in is a provider of a test's, and somebody who has signed in there."""

import secrets
import time

from oauth_provider import FIRST, SCOPES, Person, Token
from pointsman.accounts.oauth.record import SignedIn, SignInFile
from pointsman.catalog.login import PlanLogin
from pointsman.catalog.provider import Provider, Speaks
from pointsman.routing.snapshot import Backend

NAME = "acme"


def plan(url, **fields):
    """How one signs in there."""
    made = {
        "issuer": url,
        "client": FIRST,
        "scopes": tuple(SCOPES.split()),
        "needed": "plan.use",
        "manage": "https://provider.example/apps",
        "terms": "these are the terms",
        "resource": "https://api.provider.example/v1",
        "first": {"agent_name_hint": "pointsman"},
        "machine": "ext_agent_host_id",
        "ended_by": ("refresh_token_reused",),
    }
    return PlanLogin(**{**made, **fields})


def row(url, **fields):
    """The provider's row."""
    return Provider(NAME, "Acme", "page", {"talk": Speaks("")}, sign_in="oauth", login=plan(url, **fields))


def backend(url):
    """A backend there."""
    return Backend(NAME, row(url), {"talk": "https://acme.example"}, "")


def signed_in(issuer, data, *, lasts=100.0, now=None):
    """Somebody who signed in at `issuer` a while ago: the token holds for `lasts` seconds more."""
    refresh = f"refresh-{secrets.token_hex(8)}"
    issuer.clients.add("issued-1")
    issuer.refresh_tokens[refresh] = Token("issued-1", SCOPES, Person())
    kept = SignedIn(
        issuer=issuer.url,
        client="issued-1",
        subject="anna",
        who="anna@example.org",
        scopes=tuple(SCOPES.split()),
        access_token=f"access-{secrets.token_hex(8)}",
        refresh_token=refresh,
        expires=(time.time() if now is None else now) + lasts,
    )
    file = SignInFile(data, NAME)
    with file.held():
        file.write(kept)
    return kept

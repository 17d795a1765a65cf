"""How a person signs in at a provider, as data: the `login` of a row."""

from typing import TypeAlias

from msgspec import Struct


class KeyLogin(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="key"):
    """PKCE without a client: the provider issues a key of its own, which is kept like an entered one."""

    address: str
    """Where the person is sent."""
    exchange: str
    """Where the code becomes a key."""
    manage: str
    """Where the person sees and revokes such keys."""
    name: str = ""
    """The word on the command line, if not the row's name."""
    extra: dict[str, str] = {}
    """What the address holds beside."""
    shows_code: bool = False
    """Whether it shows the code where no address to come back to is given."""


class PlanLogin(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="plan"):
    """OpenID Connect with PKCE: tokens for one person's plan, which are renewed."""

    issuer: str
    """Its `/.well-known/openid-configuration` says where the rest is."""
    client: str
    """The client id with which a first sign-in registers; the redirect names the one to use from then on."""
    scopes: tuple[str, ...]
    """What is asked for."""
    needed: str
    """The scope without which a token is of no use here: the person may decline it."""
    manage: str
    """Where the person sees and ends such sign-ins."""
    terms: str
    """What the person must know before signing in."""
    name: str = ""
    resource: str | None = None
    """What the token is for (RFC 8707)."""
    first: dict[str, str] = {}
    """Parameters of a first sign-in alone."""
    machine: str | None = None
    """The parameter that names this installation, always with the same id."""
    path: str = "/callback"
    """The path of the redirect on the loopback address."""
    ended_by: tuple[str, ...] = ()
    """Error codes, beside `invalid_grant` (RFC 6749), by which a refresh token is of no more use."""


class NoLogin(Struct, frozen=True, forbid_unknown_fields=True, tag_field="kind", tag="none"):
    """People look for it, and there is none."""

    why: str
    """What happened, and what to do instead."""
    name: str = ""


Login: TypeAlias = KeyLogin | PlanLogin | NoLogin

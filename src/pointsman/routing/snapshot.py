"""What routing decides upon: a frozen picture of the backends, their models and the user's wishes."""

from functools import cached_property
from typing import Literal

from msgspec import Struct

from pointsman.canon.json import Json
from pointsman.catalog.profile import Profile
from pointsman.catalog.provider import Provider


class Timeouts(Struct, frozen=True):
    """Seconds."""

    connect: float = 10.0
    first_byte: float = 300.0
    idle: float = 300.0


Strategy = Literal["headroom", "fill-first", "round-robin", "weighted", "least-latency"]
"""How one of a backend's accounts is chosen; `routing/selectors` has one file for each."""
CLIENT_ACCOUNT = "client"
"""The account of clients that bring a credential of their own."""
DEFAULT_ACCOUNT = "default"
"""The account with the backend's own key."""


class Account(Struct, frozen=True):
    """One credential of a backend, as the user configured it."""

    alias: str = DEFAULT_ACCOUNT
    key_env: str | None = None
    """The environment variable that holds its key."""
    key_named: bool = True
    """Whether the user named that variable; a key entered for the account goes before the usual one."""
    weight: float = 1.0
    """Its share, for the strategy `weighted`."""
    max_in_flight: int | None = None
    """Requests at the same time."""
    requests_per_minute: float | None = None
    tokens_per_minute: float | None = None
    organisation: str | None = None
    """Accounts of one organisation may replay each other's opaque state, where the provider binds it so."""


class Backend(Struct, frozen=True, dict=True):
    """One configured provider endpoint. Shown, it is its name: its header fields may hold a credential."""

    name: str
    provider: Provider
    bases: dict[str, str]
    """By dialect, the URL before the dialect's own paths; the preferred dialect first."""
    why: str
    """Why it is here: `OPENAI_API_KEY is set`, `listens on 127.0.0.1:11434`, `config.toml`."""
    models: tuple[str, ...] = ()
    """The models that the user listed; empty where the server is asked."""
    key_env: str | None = None
    """The environment variable that holds its key."""
    key_named: bool = True
    """Whether the user named that variable; a key entered for the backend goes before the usual one."""
    accounts: tuple[Account, ...] = ()
    """Its accounts, in the user's order; empty where there is only its own key."""
    strategy: Strategy = "headroom"
    """How one of them is chosen."""
    max_in_flight: int | None = None
    """Requests to it at the same time, over all accounts."""
    credential: Literal["own", "client"] | None = None
    """Whose credential requests carry: a key of its own, or the client's. None: the client's where there is
    no key."""
    places: dict[str, str] = {}
    """What its addresses hold by name: `region`, `project`."""
    credentials: str | None = None
    """Which of a cloud's own credentials it is used with; None for the usual ones."""
    gguf: str | None = None
    """A model file, for the engine inside pointsman."""
    headers: dict[str, str] = {}
    proxy: str | None = None
    ca_file: str | None = None
    timeouts: Timeouts = Timeouts()
    allow_http: bool = False
    ask_usage: bool = False
    traits: Json = {}
    """The user's own corrections; above row and profile."""

    def __repr__(self) -> str:
        return f"Backend({self.name})"

    @cached_property
    def pool(self) -> tuple[Account, ...]:
        """Its accounts; one key is a pool of one."""
        return self.accounts or (Account(DEFAULT_ACCOUNT, self.key_env, self.key_named),)

    def issuer(self, account: Account) -> str:
        """Whose opaque state may be sent with an account: the narrowest that its provider binds it to.

        Where nobody says which organisation an account belongs to, it stands for itself.
        """
        scope, provider = self.provider.opaque_scope, self.provider.name
        if scope == "provider":
            return provider
        if scope == "organisation" and account.organisation is not None:
            return f"{provider}@{account.organisation}"
        own = "" if account.alias == DEFAULT_ACCOUNT else f"/{account.alias}"
        return f"{provider}:{self.name}{own}"

    def spoken(self, model: str) -> tuple[str, ...]:
        """The dialects in which it serves a model, the preferred one first."""
        rows = self.provider.dialects
        found = tuple([name for name in self.bases if name not in rows or rows[name].serves(model)])
        # A name that tells nothing (a deployment's) is left to the order, or to the user's `dialects`.
        return found or tuple(self.bases)


class Model(Struct, frozen=True):
    """One model in a backend's live catalog."""

    id: str
    created: int | None = None
    """Seconds since the epoch."""
    title: str | None = None
    context_window: int | None = None
    max_output: int | None = None


class Snapshot(Struct, frozen=True):
    """Replaced as a whole whenever configuration or a live catalog changes."""

    backends: dict[str, Backend]
    """By name, in the order in which they were configured or found."""
    guests: dict[str, Backend] = {}
    """Backends for clients alone that bring a credential of their own, by name."""
    catalogs: dict[str, tuple[Model, ...]] = {}
    """The models that each backend was last seen to have; absent where it was never asked."""
    profiles: tuple[Profile, ...] = ()
    aliases: dict[str, str] = {}
    families: dict[str, str] = {}
    """Shortcuts (`opus`) → the glob pattern of the family's model ids, at whichever backend."""
    default: str | None = None
    """The backend that the user chose for unmatched names."""
    model: str | None = None
    """`--model`: every request goes there."""
    embedded: str | None = None
    """The name of the backend inside pointsman, where there is one."""
    fallbacks: dict[str, tuple[str, ...]] = {}
    """Glob patterns of asked names → who serves where their own backend cannot, in order."""
    missing_keys: tuple[tuple[str, str], ...] = ()
    """(model pattern, environment variable) of the providers that are not configured; for advice."""

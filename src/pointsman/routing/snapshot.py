"""What routing decides upon: a frozen picture of the backends, their models and the user's wishes."""

from msgspec import Struct

from pointsman.canon.json import Json
from pointsman.catalog.profile import Profile
from pointsman.catalog.provider import Provider


class Timeouts(Struct, frozen=True):
    """Seconds."""

    connect: float = 10.0
    first_byte: float = 300.0
    idle: float = 300.0


class Backend(Struct, frozen=True):
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

    @property
    def issuer(self) -> str:
        """Whose opaque state it may be sent: its provider's, or where that binds it closer, its own.

        A backend has one account, so its name stands for the account and for the organisation alike.
        """
        if self.provider.opaque_scope == "provider":
            return self.provider.name
        return f"{self.provider.name}:{self.name}"

    def spoken(self, model: str) -> tuple[str, ...]:
        """The dialects in which it serves a model, the preferred one first."""
        rows = self.provider.dialects
        found = tuple(name for name in self.bases if name not in rows or rows[name].serves(model))
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
    missing_keys: tuple[tuple[str, str], ...] = ()
    """(model pattern, environment variable) of the providers that are not configured; for advice."""

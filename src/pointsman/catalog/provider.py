"""A provider: a company or a kind of server, and how to speak to it."""

from fnmatch import fnmatchcase
from typing import Literal

from msgspec import Struct

from pointsman.canon.json import Json
from pointsman.catalog.login import Login

AuthScheme = Literal["bearer", "x-api-key", "api-key", "x-goog-api-key", "none"]
"""How a key travels: `Authorization: Bearer`, or the header of that name."""

SignIn = Literal["aws-sigv4", "azure-entra", "google-oauth", "oauth"]
"""What is used where there is no key: a cloud's own credentials, to sign each request or for a short-lived
token; or the tokens of a person who has signed in (`oauth`, with `login`)."""


class Reform(Struct, frozen=True, forbid_unknown_fields=True):
    """How the body of an operation differs from the dialect's own, member by member.

    The values of all other members go on byte for byte, in their order.
    """

    drop: tuple[str, ...] = ()
    """Members that stand in the path here, or that are refused."""
    add: Json = {}
    """Members that it must have; a client's own stays."""
    unwrap: str = ""
    """A member whose own members stand in the body instead of it."""
    keep: tuple[str, ...] = ()
    """The only members that it takes; empty: all."""
    from_headers: dict[str, str] = {}
    """Header fields whose parts, separated by commas, stand in an array of the body instead."""


class Speaks(Struct, frozen=True, forbid_unknown_fields=True):
    """One dialect at a provider."""

    base: str
    """What stands between the root URL and the dialect's own paths: `/v1`, `/anthropic`, or nothing."""
    auth: AuthScheme | None = None
    """Where it differs from the provider's."""
    headers: dict[str, str] = {}
    """Fields that every request to it carries."""
    forward_headers: tuple[str, ...] = ()
    """Client header fields that a translated request keeps, beside the user agent."""
    paths: dict[str, str] = {}
    """Where an operation lives below the base URL, if not where the dialect has it; may hold `{model}`."""
    stream_paths: dict[str, str] = {}
    """The same for a stream."""
    query: str = ""
    """What the query of every request holds; may name places, as the root does."""
    client_query: bool = True
    """Whether the client's query goes along with a relayed request."""
    bodies: dict[str, Reform] = {}
    """By operation, how its bodies differ."""
    betas: tuple[str, ...] = ()
    """Glob patterns of the beta flags that it is known to take; empty where nothing is known."""
    count_tokens: bool = False
    """Whether it counts tokens (Anthropic's `/v1/messages/count_tokens`)."""
    listed_prefix: str = ""
    """What its list of models puts before each id."""
    counts: tuple[str, ...] = ()
    """Glob patterns of further model ids, which it does not serve but counts the tokens of."""
    embeddings: bool = False
    completions: bool = False
    compact: bool = False
    """Whether it shortens conversations on demand (OpenAI's `/v1/responses/compact`)."""
    keeps_state: bool = False
    """Whether it keeps answers itself, and continues them by their ids. OpenRouter refuses the wish
    (https://openrouter.ai/docs/api_reference/responses/error-handling), Groq has no state yet
    (https://console.groq.com/docs/responses-api); where nothing is known, pointsman keeps them."""
    websocket: bool = False
    """Whether its streams can be had over a WebSocket too, which remembers the latest answer."""
    models: tuple[str, ...] = ()
    """Glob patterns of the model ids that it serves, in lower case; `!` before those that it does not."""

    def counts_for(self, model: str) -> bool:
        """Whether it counts a model's tokens."""
        more = any(fnmatchcase(model.lower(), pattern) for pattern in self.counts)
        return self.count_tokens and (more or self.serves(model))

    def serves(self, model: str) -> bool:
        """Whether a model speaks this dialect here."""
        if not self.models:
            return True
        name = model.lower()
        without = [pattern[1:] for pattern in self.models if pattern.startswith("!")]
        only = [pattern for pattern in self.models if not pattern.startswith("!")]
        refused = any(fnmatchcase(name, pattern) for pattern in without)
        return not refused and (not only or any(fnmatchcase(name, pattern) for pattern in only))


class RateLimits(Struct, frozen=True, forbid_unknown_fields=True):
    """The header fields in which a provider reports what is left."""

    remaining: tuple[str, ...] = ()
    limit: tuple[str, ...] = ()
    reset: tuple[str, ...] = ()
    unified: str = ""
    """What the fields begin with that tell the use of each window by its name."""
    per_model: bool = True
    """Whether what is left is left for the model that answered, not for the whole account."""


class Provider(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `providers.toml`. Every fact stands behind a comment with the provider's page."""

    name: str
    title: str
    page: str
    """The provider's own documentation."""
    dialects: dict[str, Speaks]
    """By dialect, the preferred one first."""
    root: str | None = None
    """The root URL; None where the user must give one. May hold places: `{region}`, `{project}`."""
    places: dict[str, tuple[str, ...]] = {}
    """What the root URL and queries hold, by name → the environment variables that say it, the usual one
    first. A setting of the backend's own goes before them."""
    usual_places: dict[str, str] = {}
    """What holds where nobody says it."""
    roots: dict[str, str] = {}
    """The root URL where the `region` is this."""
    auth: AuthScheme = "bearer"
    sign_in: SignIn | None = None
    """The cloud's own credentials, or a person's tokens, which are used where there is no key."""
    token_scope: str = ""
    """What a token of the cloud's is asked for."""
    login: Login | None = None
    """How a person signs in (`pointsman login`)."""
    signing_name: str = ""
    """What AWS calls the service in signatures."""
    lists_models: bool = True
    """Whether it can be asked for its models."""
    key_env: tuple[str, ...] = ()
    """The environment variables in which people keep its key, the usual one first."""
    base_url_env: tuple[str, ...] = ()
    """The environment variables in which its tools look for another base URL."""
    patterns: tuple[str, ...] = ()
    """Glob patterns of the model names that are its own."""
    ports: tuple[int, ...] = ()
    """Loopback ports on which its server usually listens; for discovery."""
    families: dict[str, str] = {}
    """Shortcuts (`opus`) → the glob pattern of the family's model ids."""
    aliases: tuple[str, ...] = ()
    """Prefixes that name the backend of this kind (`claude:`, `compat:`)."""
    traits: Json = {}
    """Where it departs from its dialect; see `canon/traits.py`."""
    dialect_traits: dict[str, Json] = {}
    """The same, for one of its dialects."""
    rate_limits: RateLimits = RateLimits()
    client_credential: str = ""
    """What a credential begins with that a client of its own may bring along instead of a key here."""
    opaque_scope: Literal["provider", "organisation", "account"] = "account"
    """Within which bounds its opaque state may be replayed."""
    compatible: bool = False
    """A kind of server rather than a company: any base URL, no discovery by key."""
    local: bool = False
    """Runs on the user's machine: needs no key, is found by its port."""
    discover: bool = True
    """Whether a key in the environment is enough to add it."""
    headers: dict[str, str] = {}
    """Fields that every request to it carries, in whatever dialect."""
    engine: bool = False
    """The model inside pointsman itself: no URL, no key, no discovery."""
    price_list: str = ""
    """What genai-prices calls it; a plan's row names whose API would charge for the same tokens."""
    telemetry: str = ""
    """What OpenTelemetry calls it, where that is not the row's own name (`gen_ai.provider.name` in
    github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/client-inference.md)."""
    free: tuple[str, ...] = ()
    """Glob patterns of the model ids, in lower case, that it charges nothing for."""
    note: str = ""
    """What a user must know before adding it: shown in the reference, and where it is refused."""

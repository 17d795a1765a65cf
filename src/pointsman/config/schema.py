"""The schema of `config.toml`. The texts under the fields are the reference documentation."""

from typing import Annotated, Literal

from msgspec import Meta, Struct

from pointsman.canon.json import Json
from pointsman.catalog.price import Price
from pointsman.config.size import Size
from pointsman.routing.snapshot import Strategy

VERSION = 1
"""Of the file's format."""

Seconds = Annotated[float, Meta(gt=0)]
Port = Annotated[int, Meta(ge=0, le=65535)]
BackendName = Annotated[
    str, Meta(pattern=r"^[A-Za-z0-9._-]+\Z", description="name of letters, digits, `.`, `_` and `-`")
]
Variable = Annotated[str, Meta(pattern=r"^[A-Za-z_][A-Za-z0-9_]*\Z", description="name of a variable")]


class TimeoutSettings(Struct, frozen=True):
    """`timeouts`."""

    connect: Seconds = 10.0
    """Seconds until connected."""
    first_byte: Seconds = 300.0
    """Seconds until the answer's head."""
    idle: Seconds = 300.0
    """Seconds of silence within an answer; pings do not count as a sign of life."""


class AccountSettings(Struct, frozen=True):
    """`[backends.NAME.accounts.ALIAS]`: one more credential. `default` is the backend's own key."""

    key_env: Variable | None = None
    """The environment variable that holds its key; a key that was entered if left out."""
    enabled: bool = True
    """Whether it is used."""
    weight: Annotated[float, Meta(gt=0)] = 1.0
    """Its share, for the strategy `weighted`."""
    max_in_flight: Annotated[int, Meta(ge=1)] | None = None
    """Requests at the same time."""
    requests_per_minute: Annotated[float, Meta(gt=0)] | None = None
    """Requests within any minute."""
    tokens_per_minute: Annotated[float, Meta(gt=0)] | None = None
    """Tokens within any minute: once they are spent, its next request waits."""
    organisation: str | None = None
    """The provider's organisation that it belongs to: accounts of one may continue each other's reasoning,
    where the provider binds it so."""


class BackendSettings(Struct, frozen=True):
    """`[backends.NAME]`. A name is of letters, digits, `.`, `_` and `-`."""

    provider: str | None = None
    """A row of the provider table (`pointsman backend add --help` lists them), or `openai-compatible`,
    `anthropic-compatible`, `gemini-compatible`. May be left out with `gguf`."""
    base_url: str | None = None
    """Where the backend is, if not at the provider's own address: ends in `/v1` for OpenAI's kind; for
    Anthropic's and Gemini's the part before `/v1` or `/v1beta`."""
    dialects: tuple[str, ...] = ()
    """The wire APIs that it speaks, the preferred one first; as the provider's row says if left out."""
    region: str | None = None
    """The cloud's region, where its address needs one; else as in `AWS_REGION` or `GOOGLE_CLOUD_LOCATION`."""
    project: str | None = None
    """The cloud's project, where its address needs one; else as in `GOOGLE_CLOUD_PROJECT`."""
    credentials: str | None = None
    """Which of the cloud's own credentials sign its requests: the name of an AWS profile, or the file of a
    Google service account; the usual ones if left out. A key goes before them."""
    key_env: Variable | None = None
    """The environment variable that holds its key; the provider's usual one if left out."""
    accounts: dict[BackendName, AccountSettings] = {}
    """More credentials beside its own key, by alias: `pointsman accounts add`."""
    strategy: Strategy = "headroom"
    """How one of its accounts is chosen: by what is left of its limits, `fill-first` in the file's order,
    `round-robin`, `weighted`, or `least-latency`."""
    max_in_flight: Annotated[int, Meta(ge=1)] | None = None
    """Requests at the same time, over all its accounts."""
    credential: Literal["own", "client"] | None = None
    """Whose credential requests carry: `own` for its key alone, `client` for the one that its client brings,
    untouched, where provider and client know such (Claude Code); left out, the client's where there is no
    key."""
    models: tuple[str, ...] = ()
    """Its models, the default one first; the backend is asked if left out."""
    gguf: str | None = None
    """A model file for the engine inside pointsman; relative to the folder of this file."""
    proxy: str | None = None
    """An HTTP proxy's URL, in place of `HTTPS_PROXY`."""
    ca_file: str | None = None
    """A PEM file of certificates to trust beside the system's; relative to the folder of this file."""
    headers: dict[str, str] = {}
    """Header fields that each request to it carries. What they hold counts as a credential, which is masked
    where an upstream repeats it; but not in those that hold none: `user-agent`, `http-referer`, `x-title`."""
    timeouts: TimeoutSettings = TimeoutSettings()
    """How long to wait for it."""
    allow_http: bool = False
    """Allows its key to travel over plain `http://` to another machine."""
    ask_usage: bool = False
    """Asks for token counts in streams whose client did not ask; such requests are then rewritten, not
    relayed byte for byte."""
    traits: Json = {}
    """Corrections to what pointsman believes about it: names and values as in the provider table."""

    def __repr__(self) -> str:
        # Header fields and a proxy's URL may hold credentials.
        return f"BackendSettings({self.provider})"


class BudgetSettings(Struct, frozen=True):
    """`[budgets.NAME]`: what may be spent; days and months are those of UTC."""

    per: Literal["day", "month"] = "day"
    """How long it lasts."""
    dollars: Annotated[float, Meta(ge=0)] | None = None
    """US dollars, by what is known of prices; what a plan covers counts too."""
    tokens: Annotated[int, Meta(ge=0)] | None = None
    """Tokens of all kinds."""
    models: tuple[str, ...] = ()
    """Glob patterns of the models that it is for; all if left out."""
    key: str | None = None
    """The client's key that it is for; everybody's together if left out."""


class Settings(Struct, frozen=True):
    """The whole file."""

    version: int = VERSION
    """The version of this file's format."""
    host: str = "localhost"
    """The address to listen on; `localhost` is 127.0.0.1 and ::1. Any other than loopback needs
    `POINTSMAN_API_KEY`."""
    port: Port = 3456
    """The port to listen on; 0 takes a free one."""
    model: str | None = None
    """Sends every request to this model, whatever its client named."""
    default: str | None = None
    """The backend that takes every model name which nothing else matches."""
    aliases: dict[str, str] = {}
    """Names of your own for models: `fast = "groq:llama-3.3-70b"`. An alias does not lead to another one."""
    allowed_hosts: tuple[str, ...] = ()
    """Host names, beside loopback names and IP addresses, under which the endpoint may be called."""
    allowed_origins: tuple[str, ...] = ()
    """Web origins (`https://app.example`), beside loopback ones, whose pages may call the endpoint."""
    max_body: Size = Size(64 * 1024**2)
    """The largest request body, after decompression."""
    max_buffered: Size = Size(512 * 1024**2)
    """All bodies held at the same time: requests', and answers' that are not streamed; beyond it requests get
    a 503."""
    max_attempts: Annotated[int, Meta(ge=1)] | None = None
    """Tries for one request over all its backends; the number of accounts plus two if left out."""
    queue_timeout: Annotated[float, Meta(ge=0)] = 60.0
    """Seconds that a request may wait for a limit to reset before it gets the 429."""
    fallbacks: tuple[str, ...] | dict[str, tuple[str, ...]] = ()
    """Who answers where the model's own backend cannot, in order: `["openrouter:z-ai/glm-5", "local"]`; or by
    model: `{ "claude-*" = ["bedrock:claude-sonnet-5-5"], "*" = ["local"] }`. One that cannot do what a
    request needs is skipped; a header names the model that answered."""
    passthrough_betas: tuple[str, ...] = ()
    """Beta flags that are added to what clients send, where the backend's API has such flags."""
    pace_min: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds between two requests with the same account, at least."""
    pace_jitter: Annotated[float, Meta(ge=0)] = 0.0
    """Seconds that come on top, up to as many, at random."""
    drain_on_close: bool = False
    """Reads an answer to its end although its client has left, within bounds."""
    shutdown_timeout: Annotated[float, Meta(ge=0)] = 30.0
    """Seconds that running streams get to finish when the endpoint is stopped."""
    secrets: Literal["auto", "keyring", "file"] = "auto"
    """Where entered keys are kept: the system's keyring if there is one, only there, or a private file."""
    discover: bool = True
    """Looks for keys in the environment, and every half minute for model servers on their usual loopback
    ports."""
    responses_store: bool = True
    """Keeps responses (`store`, `previous_response_id`) for backends that keep none: 30 days after their last
    use, 500 MB at most, in `pointsman.db` in the data folder, readable by the same key only.
    Beside them the thinking and signatures of tool calls, for clients that drop them: 24 hours, 32 MB."""
    ledger_days: Annotated[float, Meta(ge=0)] = 90.0
    """Days for which the ledger keeps a record of every exchange, in `ledger.db` in the data folder; without
    any content. The sums of each hour stay."""
    ledger_records: Annotated[int, Meta(ge=1000)] = 1_000_000
    """How many records it keeps at most; a million take about 400 MB."""
    record_content: bool = False
    """Keeps the bodies of requests and answers in the ledger too, without keys; each turn of a conversation
    once."""
    content_days: Annotated[float, Meta(ge=0)] = 7.0
    """Days for which bodies are kept."""
    content_size: Size = Size(500 * 1000**2)
    """How much they may take, compressed, with the lists of what each is made of."""
    log_file: str | None = None
    """A file that gets a JSON line for each exchange; relative to the folder of this file. It may be moved or
    removed at any time, and is opened anew on SIGHUP."""
    verbose: Annotated[int, Meta(ge=0, le=2)] = 0
    """What is shown on standard error: 1 for a line for each exchange, 2 for the bodies besides, without
    credentials and 8 KB of each at most."""
    otlp_endpoint: str | None = None
    """Where an OpenTelemetry collector takes traces and metrics by OTLP over HTTP (`http://localhost:4318`);
    as in `OTEL_EXPORTER_OTLP_ENDPOINT` if left out. Needs `pointsman[otel]`."""
    budgets: dict[str, BudgetSettings] = {}
    """Budgets, by a name of yours. Once one is used up, requests that count against it get a 429 until it
    begins anew."""
    guard: Literal["off", "warn", "halt"] = "warn"
    """What happens when an answer is billed to what is not in `pays_for`: a warning, or a halt of that
    backend until `pointsman resume` or `guard_cooldown`."""
    pays_for: tuple[Literal["subscription", "subscription_fallback", "extra_usage", "api", "local"], ...] = ()
    """What answers may be billed to; anything if left out."""
    free_only: bool = False
    """Nothing may cost anything: instead of `pays_for`, models on this machine, and those that are free."""
    guard_cooldown: Annotated[float, Meta(ge=0)] = 1800.0
    """Seconds that a halt lasts."""
    prices: dict[str, Price] = {}
    """What you pay, where the list of prices does not know it or you pay something else, by glob pattern of a
    model's name or of `BACKEND:MODEL`: `[prices."local:*"]`. The first that matches holds, and what it leaves
    out is unknown."""
    backends: dict[BackendName, BackendSettings] = {}
    """The backends, by name."""

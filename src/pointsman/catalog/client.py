"""A client: a program that people point at this endpoint."""

from msgspec import Struct


class Setting(Struct, frozen=True, forbid_unknown_fields=True):
    """Where a client keeps the address that it sends to: a variable, or keys of a file."""

    variable: str | None = None
    file: str | None = None
    """`~` is the user's home; JSON, TOML or YAML, as its ending says."""
    keys: tuple[str, ...] = ()
    """Dotted paths in the file, `*` for any name; in YAML, the key alone."""


class Step(Struct, frozen=True, forbid_unknown_fields=True):
    """One request of what a client does when it begins."""

    what: str
    method: str
    path: str
    """`{model}` is the model's name, in the body too."""
    headers: dict[str, str] = {}
    body: str | None = None
    """JSON, as it is sent."""
    expects: tuple[str, ...] = ()
    """What a good answer holds; empty for none in particular."""
    missing: bool = False
    """Whether the client is content with a 404."""


class Client(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `clients.toml`."""

    name: str
    title: str
    page: str
    """The client's own documentation."""
    dialects: tuple[str, ...]
    """Those it can speak to a custom endpoint, its usual one first; empty where none is known."""
    user_agents: tuple[str, ...] = ()
    """Glob patterns of its User-Agent; a hint for reports, never a proof."""
    shared: bool = False
    """Whether other programs send its User-Agent too: it then tells the client where nothing else does."""
    headers: tuple[str, ...] = ()
    """Header fields that only it sends, in lower case."""
    values: dict[str, tuple[str, ...]] = {}
    """Header fields that others send too → what its values begin with, all in lower case."""
    prompts: tuple[str, ...] = ()
    """What its instructions to a model say, as they stand in JSON; looked for in a body's first bytes."""
    session_header: str | None = None
    """The field that names a conversation, for affinity."""
    guide: str = ""
    """Its page in docs/clients, without `.md`."""
    commands: tuple[str, ...] = ()
    """Its programs' names, by which it is found on a machine."""
    points_here: tuple[Setting, ...] = ()
    """Where it keeps its base URL; the first that is set counts."""
    credential_header: str = "authorization"
    """The header field in which it sends its key."""
    handshake: tuple[Step, ...] = ()
    """What it may send for a first answer, cut down to the least, in order."""

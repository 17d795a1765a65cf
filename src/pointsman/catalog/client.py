"""A client: a program that people point at this endpoint."""

from msgspec import Struct


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

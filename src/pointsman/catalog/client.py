"""A client: a program that people point at this endpoint."""

from msgspec import Struct


class Client(Struct, frozen=True, forbid_unknown_fields=True):
    """One row of `clients.toml`."""

    name: str
    title: str
    page: str
    """The client's own documentation."""
    dialects: tuple[str, ...]
    """Those it can speak to a custom endpoint, its usual one first."""
    user_agents: tuple[str, ...] = ()
    """Glob patterns of its User-Agent; a hint for reports, never a proof (Qwen Code says `claude-cli`)."""
    headers: tuple[str, ...] = ()
    """Header fields that only it sends, in lower case."""
    session_header: str | None = None
    """The field that names a conversation, for affinity."""
    guide: str = ""
    """Its page in docs/clients, without `.md`."""

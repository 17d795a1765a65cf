"""Backends for the routing tests: small rows of our own, so that the shipped catalog can change freely."""

from pointsman.catalog.provider import Provider, Speaks
from pointsman.routing.snapshot import Backend, Model, Snapshot

ACME = Provider(
    name="acme",
    title="Acme",
    page="https://acme.example",
    dialects={"anthropic": Speaks(base="")},
    patterns=("claude-*",),
    families={"opus": "claude-opus-*", "sonnet": "claude-sonnet-*"},
    aliases=("claude",),
)
BOLT = Provider(
    name="bolt",
    title="Bolt",
    page="https://bolt.example",
    dialects={"openai_chat": Speaks(base="/v1")},
    patterns=("gpt-*", "o[0-9]*"),
)
HUB = Provider(
    name="hub", title="Hub", page="https://hub.example", dialects={"openai_chat": Speaks(base="/v1")}
)
ENGINE = Provider(
    name="embedded",
    title="Embedded",
    page="https://engine.example",
    dialects={"openai_chat": Speaks(base="/v1")},
    engine=True,
    local=True,
)


def backend(row: Provider, name: str | None = None, **fields: object) -> Backend:
    """A backend of a row."""
    bases = {
        dialect: f"https://{name or row.name}.example{each.base}" for dialect, each in row.dialects.items()
    }
    return Backend(name=name or row.name, provider=row, bases=bases, why="a test", **fields)  # type: ignore[arg-type]


def snapshot(*backends: Backend, **fields: object) -> Snapshot:
    """A snapshot of backends."""
    families = {name: glob for each in backends for name, glob in each.provider.families.items()}
    settings = {"families": families, **fields}
    return Snapshot(backends={each.name: each for each in backends}, **settings)  # type: ignore[arg-type]


OPUS_OLD = Model("claude-opus-4-1-20250805", created=1754352000, context_window=200_000)
OPUS_NEW = Model("claude-opus-5", created=1790000000, context_window=400_000)
OPUS_LONG = Model("claude-opus-4-6", created=1770000000, context_window=1_000_000)
SONNET = Model("claude-sonnet-5", created=1780000000)
CLAUDES = (OPUS_OLD, OPUS_NEW, OPUS_LONG, SONNET)

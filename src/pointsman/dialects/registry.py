"""The dialects that are built: one line for each. The first is spoken to callers who do not say theirs."""

from pointsman.dialects import anthropic, bedrock_converse, gemini, openai_chat, openai_responses
from pointsman.dialects.dialect import Dialect

_BUILT = (
    openai_chat.DIALECT,
    anthropic.DIALECT,
    openai_responses.DIALECT,
    gemini.DIALECT,
    bedrock_converse.DIALECT,
)

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in _BUILT}
"""By name."""

SERVED: tuple[str, ...] = tuple(name for name, dialect in DIALECTS.items() if dialect.routes)
"""Those that clients speak; the others are spoken to upstreams only."""

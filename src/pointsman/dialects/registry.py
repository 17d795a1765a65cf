"""The dialects that are built: one line for each. The first is spoken to callers who do not say theirs."""

from pointsman.dialects import anthropic, bedrock_converse, openai_chat
from pointsman.dialects.dialect import Dialect

DIALECTS: dict[str, Dialect] = {
    dialect.name: dialect for dialect in (openai_chat.DIALECT, anthropic.DIALECT, bedrock_converse.DIALECT)
}
"""By name."""

SERVED: tuple[str, ...] = tuple(name for name, dialect in DIALECTS.items() if dialect.routes)
"""Those that clients speak; the others are spoken to upstreams only."""

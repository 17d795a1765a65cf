"""The dialects that are built: one line for each. The first is spoken to callers who do not say theirs."""

from pointsman.dialects import anthropic, gemini, openai_chat, openai_responses
from pointsman.dialects.dialect import Dialect

_BUILT = (openai_chat.DIALECT, anthropic.DIALECT, openai_responses.DIALECT, gemini.DIALECT)

DIALECTS: dict[str, Dialect] = {dialect.name: dialect for dialect in _BUILT}
"""By name."""

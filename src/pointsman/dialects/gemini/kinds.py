"""What the members of a request are (ai.google.dev, "GenerateContentRequest"), under both names of each.

Arrays of objects may be one object, which Google's servers read as an array of one.
"""

from collections.abc import Mapping

from pointsman.canon.intent import Operation
from pointsman.dialects.gemini.spelling import snake

ROLES = ("user", "model", "function")
"""`function` is the role of the API's first versions for what functions answer."""


def _both(kinds: Mapping[str, str]) -> Mapping[str, str]:
    return {**{snake(name): kind for name, kind in kinds.items()}, **kinds}


_GENERATE = _both(
    {
        "cachedContent": "string",
        "generationConfig": "object",
        "labels": "object",
        "safetySettings": "objects|object",
        "systemInstruction": "object|string",
        "toolConfig": "object",
        "tools": "objects|object",
    }
)
KINDS: Mapping[Operation, Mapping[str, str]] = {
    "generate": _GENERATE,
    "count_tokens": _both({"contents": "objects|object", "generateContentRequest": "object"}),
}

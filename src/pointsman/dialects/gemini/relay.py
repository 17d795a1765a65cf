"""Why a request cannot be relayed as it is to an upstream of this dialect."""

import re
from collections.abc import Mapping
from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.canon.traits import Traits
from pointsman.dialects.gemini.config import FIELDS, THINKING
from pointsman.dialects.gemini.signature import SEALED
from pointsman.dialects.gemini.spelling import camel, member, snake
from pointsman.dialects.gemini.stand_in import is_wanting
from pointsman.dialects.gemini.tools import DECLARATIONS
from pointsman.wire.envelope import PREFIX
from pointsman.wire.json import decode_object

_SEALED = (SEALED.encode(), PREFIX.encode())
"""How envelopes begin: those of this dialect, and those that stray from another."""
_CALL = re.compile(rb'"function(?:C|_c)all"')
_MEMBERS: dict[str, tuple[str, ...]] = {
    **{name: (key,) for name, key in FIELDS.items()},
    "reasoning": (THINKING,),
    "output_format": ("responseMimeType", "responseSchema", "responseJsonSchema"),
    "tool_choice": ("toolConfig",),
    "parallel_tool_calls": (),
    "service_tier": ("serviceTier",),
    "metadata": ("labels",),
}
"""Canonical names → members of the request or of its `generationConfig`."""


def rewrite_reason(members: Json | Mapping[str, object], body: bytes, traits: Traits) -> str | None:
    """The reason in a few words; None if the bytes can go as they are. Looks at no more than it must."""
    if any(mark in body for mark in _SEALED):
        return "the history holds another provider's opaque state"
    if traits.unsigned_call and "contents" in members and _CALL.search(body) and _has_unsigned(body):
        return "the history holds a call that the target did not sign, and it asks for a stand-in"
    for name in traits.refused_fields:
        if any(_is_in(body, key) for key in _MEMBERS.get(name, (camel(name),))):
            return f"the target refuses `{name}`"
    if traits.extra_fields.keys() - members.keys():
        return "the target needs fields that the request lacks"
    limited = traits.tool_name_limit is not None or traits.tool_name_charset is not None
    if limited and "tools" in members and _breaks_names(body, traits):
        return "a tool's name is not one that the target takes"
    return None


def _has_unsigned(body: bytes) -> bool:
    return is_wanting(_objects(decode_object(body).get("contents")))


def _is_in(body: bytes, key: str) -> bool:
    return f'"{key}"'.encode() in body or f'"{snake(key)}"'.encode() in body


def _breaks_names(body: bytes, traits: Traits) -> bool:
    charset, limit = traits.tool_name_charset, traits.tool_name_limit
    inside = "." if charset is None else f"[{charset}]"
    valid = re.compile(f"{inside}{{1,{'' if limit is None else limit}}}", re.DOTALL)
    return any(valid.fullmatch(name) is None for name in _names(decode_object(body)))


def _names(body: Json) -> list[str]:
    """The names of all functions that are declared."""
    names: list[str] = []
    for tool in _objects(body.get("tools")):
        for declared in _objects(member(tool, DECLARATIONS)):
            name = declared.get("name")
            names += [name] if isinstance(name, str) else []
    return names


def _objects(value: object) -> list[Json]:
    found = cast("list[Any]", value) if isinstance(value, list) else [value]
    return [cast("Json", each) for each in found if isinstance(each, dict)]

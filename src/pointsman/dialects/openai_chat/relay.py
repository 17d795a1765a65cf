"""Why a request cannot be relayed as it is to an upstream of this dialect."""

import re
from collections.abc import Mapping
from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.canon.traits import Traits
from pointsman.wire.envelope import PREFIX
from pointsman.wire.json import decode_object

_SEALED = PREFIX.encode()
_DEVELOPER = re.compile(rb'"role"\s*:\s*"developer"')
_EFFORT = "reasoning_effort"
_NO_EFFORT = re.compile(rb'"reasoning_effort"\s*:\s*"none"')
_LIMITS = ("max_tokens", "max_completion_tokens")
_SWITCHES = ("stream_options", "parallel_tool_calls", "metadata")
"""Members that a target has no place for where the trait of that name is false."""
_FIELDS: dict[str, tuple[str, ...]] = {
    "max_tokens": _LIMITS,
    "choices": ("n",),
    "reasoning": ("reasoning_effort", "reasoning", "thinking", "enable_thinking"),
    "output_format": ("response_format",),
    "user": ("user", "safety_identifier"),
    "include_usage": ("stream_options",),
}
"""Canonical names → members, where they differ."""


def rewrite_reason(members: Json | Mapping[str, object], body: bytes, traits: Traits) -> str | None:
    """The reason in a few words; None if the bytes can go as they are. Looks at no more than it must."""
    if _SEALED in body:
        return "the history holds another provider's opaque state"
    return _field_reason(members, traits) or _body_reason(members, body, traits)


def _field_reason(members: Json | Mapping[str, object], traits: Traits) -> str | None:
    wanted = traits.token_limit_field
    if wanted is not None:
        other = next(field for field in _LIMITS if field != wanted)
        if other in members:
            return f"the target takes `{wanted}`, not `{other}`"
    for name in _SWITCHES:
        if name in members and not getattr(traits, name):
            return f"the target has no `{name}`"
    if traits.user_field == "none" and any(field in members for field in _FIELDS["user"]):
        return "the target has no field for the user"
    for name in traits.refused_fields:
        if any(field in members for field in _FIELDS.get(name, (name,))):
            return f"the target refuses `{name}`"
    if traits.extra_fields.keys() - members.keys():
        return "the target needs fields that the request lacks"
    if traits.schema_subset != "full" and ("tools" in members or "response_format" in members):
        return "the target takes a part of JSON Schema only"
    return None


def _breaks_effort(members: Json | Mapping[str, object], body: bytes, traits: Traits) -> bool:
    """Whether tools come with an effort that the target does not take beside them."""
    if traits.effort_with_tools == "any" or not ("tools" in members or "functions" in members):
        return False
    if traits.effort_with_tools == "absent":
        return _EFFORT in members
    return _EFFORT not in members or _NO_EFFORT.search(body) is None


def _body_reason(members: Json | Mapping[str, object], body: bytes, traits: Traits) -> str | None:
    if not traits.developer_role and _DEVELOPER.search(body):
        return "the target has no developer role"
    if any(f'"{field}"'.encode() in body for field in traits.refused_reasoning):
        return "the target takes no past thinking back"
    if traits.echo_reasoning != "none" and b'"assistant"' in body and _lacks_thinking(body, traits):
        return f"the target demands `{traits.reasoning_field}` on past turns"
    if _breaks_effort(members, body, traits):
        return "the target takes no reasoning effort beside tools"
    limited = traits.tool_name_limit is not None or traits.tool_name_charset is not None
    if limited and ("tools" in members or b'"tool_calls"' in body) and _breaks_names(body, traits):
        return "a tool's name is not one that the target takes"
    return None


def _lacks_thinking(body: bytes, traits: Traits) -> bool:
    """Whether a turn that must carry its thinking may lack it: as many fields as such turns are enough."""
    turns = rb'"tool_calls"' if traits.echo_reasoning == "tool_calls" else rb'"assistant"'
    return body.count(f'"{traits.reasoning_field}"'.encode()) < body.count(turns)


def _breaks_names(body: bytes, traits: Traits) -> bool:
    charset = traits.tool_name_charset
    limit = "" if traits.tool_name_limit is None else traits.tool_name_limit
    valid = re.compile(f"{'.' if charset is None else f'[{charset}]'}{{1,{limit}}}", re.DOTALL)
    return any(valid.fullmatch(name) is None for name in _names(decode_object(body)))


def _names(body: Json) -> list[str]:
    places = [*_objects(body.get("tools")), *_objects(body.get("functions"))]
    for message in _objects(body.get("messages")):
        places += _objects(message.get("tool_calls"))
    names: list[str] = []
    for place in places:
        inner = place.get("function") or place.get("custom") or place
        name = cast("Json", inner).get("name") if isinstance(inner, dict) else None
        names += [name] if isinstance(name, str) else []
    return names


def _objects(value: object) -> list[Json]:
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in found if isinstance(each, dict)]

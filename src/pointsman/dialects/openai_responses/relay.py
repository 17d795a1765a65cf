"""Why a request of this dialect cannot go to its target byte by byte.

Each check looks for names among the top-level members and for bytes in the body; only names of tools are
decoded, and only where the target limits them.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any, cast

from pointsman.canon.json import Json
from pointsman.canon.traits import Traits
from pointsman.dialects.openai_responses.shape import shape_reason
from pointsman.wire.envelope import PREFIX
from pointsman.wire.json import decode_object

Members = Json | Mapping[str, object]

_SEALED = PREFIX.encode()
_DEVELOPER = re.compile(rb'"role"\s*:\s*"developer"')
_FIELDS: dict[str, tuple[str, ...]] = {
    "max_tokens": ("max_output_tokens",),
    "output_format": ("text",),
    "verbosity": ("text",),
    "user": ("user", "safety_identifier"),
}
"""Canonical names → members, where they differ."""
_SWITCHES = ("stream_options", "parallel_tool_calls", "metadata")
_MEDIA = {"images": b'"input_image"', "documents": b'"input_file"', "audio": b'"input_audio"'}


def rewrite_reason(members: Members, body: bytes, traits: Traits) -> str | None:
    """The first reason; None if the bytes can go as they are."""
    for check in (_field_reasons, _body_reasons, _name_reasons, _shape_reasons):
        for reason in check(members, body, traits):
            return reason
    return None


def _field_reasons(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    for name in traits.refused_fields:
        if any(field in members for field in _FIELDS.get(name, (name,))):
            yield f"the target refuses `{name}`"
    for name in _SWITCHES:
        if name in members and not getattr(traits, name):
            yield f"the target has no `{name}`"
    if traits.user_field == "none" and any(field in members for field in _FIELDS["user"]):
        yield "the target has no field for the user"
    if traits.extra_fields.keys() - members.keys():
        yield "the target needs fields that the request lacks"
    if traits.schema_subset != "full" and ("tools" in members or "text" in members):
        yield "the target takes a part of JSON Schema only"
    if "reasoning" in members and (traits.reasoning == "none" or traits.efforts == ()):
        yield "the target does not think on request"


def _body_reasons(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    if _SEALED in body:
        yield "the history holds another provider's opaque state"
    if not traits.developer_role and _DEVELOPER.search(body):
        yield "the target has no developer role"
    if traits.custom_tools is False and b'"custom' in body:
        yield "the target has no tools with free text"
    if not traits.tool_namespaces and b'"namespace"' in body:
        yield "the target knows no groups of tools"
    for name, word in _MEDIA.items():
        if not getattr(traits, name) and word in body:
            yield f"the target takes no {name}"


def _name_reasons(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    limit, charset = traits.tool_name_limit, traits.tool_name_charset
    if (limit is None and charset is None) or b'"name"' not in body:
        return
    inside = "." if charset is None else f"[{charset}]"
    valid = re.compile(f"{inside}{{1,{'' if limit is None else limit}}}", re.DOTALL)
    if any(valid.fullmatch(name) is None for name in _names(decode_object(body))):
        yield "a tool's name is not one that the target takes"


def _shape_reasons(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    narrow = traits.streams_only or not (traits.text_input and traits.system_items and traits.lone_tools)
    reason = shape_reason(decode_object(body), traits) if narrow else None
    if reason is not None:
        yield reason


def _names(body: Json) -> Iterator[str]:
    """The names of functions and custom tools, and of calls to them."""
    for tool in _objects(body.get("tools")):
        for each in (tool, *_objects(tool.get("tools"))):
            if each.get("type", "function") in ("function", "custom") and isinstance(each.get("name"), str):
                yield each["name"]
    for item in _objects(body.get("input")):
        if item.get("type") in ("function_call", "custom_tool_call") and isinstance(item.get("name"), str):
            yield item["name"]


def _objects(value: object) -> list[Json]:
    found = cast("list[Any]", value) if isinstance(value, list) else []
    return [cast("Json", each) for each in found if isinstance(each, dict)]

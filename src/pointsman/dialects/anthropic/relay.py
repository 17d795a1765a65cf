"""Why a request of this dialect cannot go to its target byte by byte.

Each check looks for names among the top-level members and for bytes in the body; nothing is decoded. A string
that looks like a setting costs no more than a request that is decoded and encoded without need.
"""

import re
from collections.abc import Callable, Iterator, Mapping

from pointsman.canon.json import Json
from pointsman.canon.traits import Traits
from pointsman.dialects.anthropic.words import EFFORTS
from pointsman.wire.envelope import PREFIX

Members = Json | Mapping[str, object]
_Check = Callable[[Members, bytes, Traits], Iterator[str]]

_ENVELOPE = PREFIX.encode()
_MODES = {"on": b'"enabled"', "adaptive": b'"adaptive"', "off": b'"disabled"'}
_SCALAR = re.compile(rb'\s*:\s*(?:"([^"\\]*)"|([0-9.eE+-]+))')

_FIELDS: dict[str, tuple[str, ...]] = {
    "stop": ("stop_sequences",),
    "user": ("metadata",),
    "reasoning": ("thinking", "output_config"),
    "output_format": ("output_config",),
    "parallel_tool_calls": ("tool_choice",),
}
"""Canonical fields whose members are called otherwise."""


def rewrite_reason(members: Members, body: bytes, traits: Traits) -> str | None:
    """The first reason; None if the body can go as it is."""
    for check in _CHECKS:
        for reason in check(members, body, traits):
            return reason
    return None


def _sealed(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    if _ENVELOPE in body:
        yield "the history holds opaque state of another provider"


def _fields(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    for field in traits.refused_fields:
        if any(name in members for name in _FIELDS.get(field, (field,))):
            yield f"the target refuses `{field}`"
        elif field == "cache" and b'"cache_control"' in body:
            yield "the target refuses `cache_control`"
    for name in traits.extra_fields:
        if name not in members:
            yield f"the target needs `{name}`"


def _thinking(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    if traits.reasoning == "none" and ("thinking" in members or b'"effort"' in body):
        yield "the target does not think on request"
    if "thinking" in members:
        for mode, word in _MODES.items():
            if mode not in traits.thinking_modes and word in body:
                yield f"the target takes no thinking of mode `{mode}`"
        if traits.thinking_off != "disabled" and _MODES["off"] in body:
            yield f"the target's thinking is turned off by `{traits.thinking_off}`"
    if "output_config" in members and traits.efforts is not None and b'"effort"' in body:
        for effort in EFFORTS:
            if effort not in traits.efforts and b'"%b"' % effort.encode() in body:
                yield f"the target takes no effort `{effort}`"


def _turns(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    if traits.mid_system == "user" and b"system" in _scalars(body, b'"role"'):
        yield "the target takes no system message in mid-conversation"
    if not traits.images and b'"image"' in body:
        yield "the target takes no images"
    if not traits.documents and b'"document"' in body:
        yield "the target takes no documents"
    if not traits.image_urls and b'"url"' in body:
        yield "the target fetches no addresses"


def _tools(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    if not traits.tools and "tools" in members:
        yield "the target takes no tools"
    if not traits.strict_tools and b'"strict"' in body:
        yield "the target takes no strict tools"
    if not traits.parallel_tool_calls and b'"disable_parallel_tool_use"' in body:
        yield "the target takes no switch for parallel tool calls"


def _names(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    limit, charset = traits.tool_name_limit, traits.tool_name_charset
    if "tools" not in members or (limit is None and charset is None):
        return
    inside = "." if charset is None else f"[{charset}]"
    valid = re.compile(f"{inside}{{1,{'' if limit is None else limit}}}".encode())
    if any(valid.fullmatch(name) is None for name in _scalars(body, b'"name"')):
        yield "a tool's name does not fit the target"


def _limits(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    for name, limit in (("temperature", traits.temperature_max), ("max_tokens", traits.max_output)):
        values = _scalars(body, b'"%b"' % name.encode()) if limit is not None and name in members else ()
        if any(_number(value) > (limit or 0) for value in values):
            yield f"`{name}` is over the target's limit"
    if traits.stop_limit is not None and "stop_sequences" in members:
        yield "the target takes few stop sequences"


def _labels(members: Members, body: bytes, traits: Traits) -> Iterator[str]:
    if "metadata" in members and (not traits.metadata or traits.user_field == "none"):
        yield "the target takes no metadata"
    if "service_tier" in members and traits.service_tiers is not None:
        tiers = {tier.encode() for tier in traits.service_tiers}
        if not tiers.issuperset(_scalars(body, b'"service_tier"')):
            yield "the target has other tiers"
    if "json_schema" not in traits.output_formats and b'"json_schema"' in body:
        yield "the target has no structured outputs"


def _places(body: bytes, name: bytes) -> Iterator[int]:
    """Where a quoted name ends; looked for as bytes, which is many times faster than by a pattern."""
    place = body.find(name)
    while place >= 0:
        place += len(name)
        yield place
        place = body.find(name, place)


def _scalars(body: bytes, name: bytes) -> Iterator[bytes]:
    """The strings and numbers that follow a quoted name."""
    for place in _places(body, name):
        value = _SCALAR.match(body, place)
        if value is not None:
            yield value[1] or value[2] or b""


def _number(text: bytes) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


_CHECKS: tuple[_Check, ...] = (_sealed, _fields, _thinking, _turns, _tools, _names, _limits, _labels)

"""Requests that came in this dialect, on their way to an upstream of it: said again as they were.

What changes is what the target forces: settings that it refuses, names of tools, and state of other providers
in signatures, which is taken out; calls that are left without one get the stand-in that the target asks for.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from pointsman.canon.blocks import SPELLING, Block, Native, Thinking, ToolCall, ToolResult
from pointsman.canon.json import Json
from pointsman.canon.request import Message
from pointsman.dialects.gemini.config import FIELDS, THINKING
from pointsman.dialects.gemini.contents import ABSENT, EMPTIED, WORDS, response_name
from pointsman.dialects.gemini.draft import Draft
from pointsman.dialects.gemini.parts import Part, own_part
from pointsman.dialects.gemini.request import (
    AS_SENT,
    CONFIG,
    CONTENTS,
    INSTRUCTION,
    ODD,
    SPELLED,
    TIER,
    TOOL_CONFIG,
    TOOLS,
    WRAPPED,
)
from pointsman.dialects.gemini.signature import ALONE, ON_PART, place_of, signature_member
from pointsman.dialects.gemini.spelling import camel, member, snake
from pointsman.dialects.gemini.stand_in import with_stand_ins
from pointsman.dialects.gemini.tools import DECLARATIONS
from pointsman.dialects.gemini.words import NAME


def encode_own(draft: Draft) -> Json:
    """The body."""
    request = draft.request
    sent: Json = request.form[AS_SENT]
    said: dict[str, Any] = {key: value for key, value in request.extra.items() if key != CONFIG}
    said |= {key: sent[key] for key in ("model", TIER) if key in sent}
    if request.service_tier is None:
        said.pop(TIER, None)
    if request.metadata is not None:
        said["labels"] = request.metadata
    for message in request.system:
        said[INSTRUCTION] = _content(draft, message)
    found = [(message, _content(draft, message)) for message in request.messages if message.form != EMPTIED]
    turns = [wire for message, wire in found if wire.get("parts") or not message.content]
    if draft.traits.unsigned_call:
        turns = with_stand_ins(turns, draft.traits.unsigned_call)
    said[CONTENTS] = turns[0] if sent.get(CONTENTS) == "object" else turns
    if TOOLS in sent and request.tools is not None:
        said[TOOLS] = _renamed_tools(sent[TOOLS], _sent(draft))
    if TOOL_CONFIG in sent:
        said[TOOL_CONFIG] = _renamed_config(sent[TOOL_CONFIG], _sent(draft))
    if CONFIG in sent:
        said[CONFIG] = _config(draft)
    spelled: Json = request.form[SPELLED]
    body = {spelled.get(key, key): value for key, value in said.items()}
    if WRAPPED in sent:
        return {**sent[WRAPPED], spelled.get(WRAPPED, WRAPPED): body}
    return {**draft.traits.extra_fields, **body}


def _config(draft: Draft) -> dict[str, Any]:
    """`generationConfig`, without what the target refuses."""
    request = draft.request
    said: dict[str, Any] = dict(request.extra.get(CONFIG, {}))
    for name, key in FIELDS.items():
        value = getattr(request, name)
        if value is not None:
            said[key] = list(request.stop or ()) if name == "stop" else value
    said |= {key: value for key, value in request.form[ODD].items() if key in said}
    if request.reasoning is not None:
        said[THINKING] = request.reasoning.native
    spelled: Json = request.form[CONFIG]
    body = {spelled.get(key, key): value for key, value in said.items()}
    return body if request.output_format is None else {**body, **(request.output_format.native or {})}


def _content(draft: Draft, message: Message) -> Any:
    """A turn, or the instructions."""
    if message.form == "text":
        return "".join(getattr(block, "text", "") for block in message.content)
    spelled: Json = message.extra.get(SPELLING, {})
    wire = {key: value for key, value in message.extra.items() if key != SPELLING}
    role = spelled.get("role", WORDS.get(message.role, ABSENT))
    if role != ABSENT:
        wire["role"] = role
    if message.form == ABSENT:
        return wire
    parts = _parts(draft, message.content)
    wire["parts"] = parts[0] if message.form == "object" and len(parts) == 1 else parts
    return wire


def _parts(draft: Draft, blocks: Iterable[Block]) -> list[Part]:
    """The parts, each with its signature where this issuer may read it."""
    parts: list[Part] = []
    for block in blocks:
        native = getattr(block, "native", None)
        member = _signature(draft, native) if isinstance(block, Thinking | ToolCall) else {}
        place = place_of(native)
        if place == ON_PART and parts:
            parts[-1] = {**parts[-1], **member}
        elif place == ALONE and isinstance(block, Thinking):
            parts.append({**block.extra.get(SPELLING, {"text": "", **block.extra}), **member})
        elif not isinstance(block, Thinking) or not _foreign(native):
            parts.append({**_renamed(draft, block), **member})
    return parts


def _sent(draft: Draft) -> dict[str, str]:
    """The functions whose names change → the names to send."""
    return {name: sent for (_, name), sent in draft.names.items() if sent != name}


def _foreign(native: Native | None) -> bool:
    return native is not None and native.dialect != NAME


def _signature(draft: Draft, native: Native | None) -> dict[str, Any]:
    if native is None:
        return {}
    if native.dialect == NAME and native.issuer in ("", draft.target.issuer):
        return signature_member(native)
    draft.dropped("thoughtSignature", "only the provider that issued it can read it")
    return {}


def _renamed(draft: Draft, block: Block) -> Part:
    """The part, its tool under the name that is sent."""
    part = own_part(block)
    if isinstance(block, ToolCall):
        return _with_name(part, "functionCall", block.name, _sent(draft))
    if isinstance(block, ToolResult):
        return _with_name(part, "functionResponse", response_name(block), _sent(draft))
    return part


def _with_name(part: Part, key: str, name: str, names: Mapping[str, str]) -> Part:
    sent = names.get(name, name)
    if sent == name:
        return part
    at = key if key in part else snake(key)
    return {**part, at: {**cast("Json", part[at]), "name": sent}}


def _renamed_tools(tools: Any, names: Mapping[str, str]) -> Any:
    if not names:
        return tools
    if isinstance(tools, list):
        return [_renamed_tools(each, names) for each in cast("list[Any]", tools)]
    wire = cast("Json", tools)
    return {
        key: _renamed_each(each, names) if camel(key) == DECLARATIONS else each for key, each in wire.items()
    }


def _renamed_each(declared: Any, names: Mapping[str, str]) -> Any:
    if isinstance(declared, list):
        return [_renamed_each(each, names) for each in cast("list[Any]", declared)]
    return {**declared, "name": names.get(declared["name"], declared["name"])}


def _renamed_config(config: Json, names: Mapping[str, str]) -> Json:
    """`toolConfig`, the functions that it allows under the names that are sent."""
    calling = cast("Json", member(config, "functionCallingConfig") or {})
    allowed = member(calling, "allowedFunctionNames")
    if not allowed or not names:
        return config
    sent = [names.get(name, name) for name in cast("list[str]", allowed)]
    outer = next(key for key in config if camel(key) == "functionCallingConfig")
    inner = next(key for key in calling if camel(key) == "allowedFunctionNames")
    return {**config, outer: {**calling, inner: sent}}

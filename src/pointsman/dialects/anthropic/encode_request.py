"""Requests: from canonical ones, for one target."""

from typing import Any

from msgspec import structs

from pointsman.canon.errors import MalformedError
from pointsman.canon.loss import Loss
from pointsman.canon.request import Message, OutputFormat, Request
from pointsman.canon.traits import Target
from pointsman.dialects.anthropic.conversation import encode_conversation, encode_system
from pointsman.dialects.anthropic.crossing import Crossing
from pointsman.dialects.anthropic.encode_blocks import encode_blocks, encode_mark
from pointsman.dialects.anthropic.encode_tools import encode_tooling
from pointsman.dialects.anthropic.reasoning import go_on
from pointsman.dialects.anthropic.settings import JSON_INSTRUCTION, agree, encode_settings
from pointsman.dialects.dialect import Encoded
from pointsman.dialects.foreign import foreign_losses

Wire = dict[str, Any]


def encode_request(request: Request, target: Target) -> Encoded:
    """The body for the target. Raises UnsupportedError where a meaning would be lost."""
    request, refused = _without_refused(request, target)
    crossing = Crossing(request, target)
    body: Wire = {"model": target.model}
    if crossing.own:
        body.update(
            (name, value) for name, value in request.extra.items() if name != "output_config" or value is None
        )
        body.update(_own_conversation(request, crossing))
        losses = refused
    else:
        losses = (*refused, *foreign_losses(request.extra))
        body.update(_foreign_conversation(request, crossing))
    body.update(encode_tooling(request, crossing))
    body.update(encode_settings(request, crossing))
    body.update(encode_mark(request.cache, "", crossing))
    if not crossing.own:
        agree(body, request, crossing)
    go_on(body, crossing)
    body = {**crossing.traits.extra_fields, **body}
    return Encoded(body, (*losses, *crossing.losses()), crossing.changed_names())


def _without_refused(request: Request, target: Target) -> tuple[Request, tuple[Loss, ...]]:
    """The request without the fields that the target answers with an error."""
    named = [
        name
        for name in target.traits.refused_fields
        if name in request.__struct_fields__ and name != "cache" and getattr(request, name) is not None
    ]
    losses = tuple(Loss("dropped", name, "the target answers it with an error") for name in named)
    return structs.replace(request, **dict.fromkeys(named)) if named else request, losses


def _own_conversation(request: Request, crossing: Crossing) -> Wire:
    wire: Wire = {}
    for message in request.system:
        wire["system"] = _own_content(message, "system", crossing)
    messages = [
        _own_message(message, f"messages[{number}]", crossing)
        for number, message in enumerate(request.messages)
    ]
    wire["messages"] = [message for message in messages if message is not None]
    return wire


def _own_message(message: Message, path: str, crossing: Crossing) -> Wire | None:
    """A turn as it came; left out if the target takes nothing of it."""
    wire: Wire = {**message.extra, "role": message.role}
    if message.form != "absent":
        wire["content"] = _own_content(message, f"{path}.content", crossing)
        if message.content and not wire["content"] and message.form == "blocks":
            return None
    if message.role == "system" and crossing.traits.mid_system == "user":
        return _as_user(message, wire, path, crossing)
    return wire


def _own_content(message: Message, path: str, crossing: Crossing) -> Any:
    if message.form == "text" and len(message.content) == 1:
        return getattr(message.content[0], "text", "")
    return encode_blocks(message.content, path, crossing)


def _as_user(message: Message, wire: Wire, path: str, crossing: Crossing) -> Wire | None:
    for name in message.extra:
        crossing.dropped(
            f"{path}.{name}", "belongs to a system message in mid-conversation, which is sent as a user's"
        )
    if not wire.get("content"):
        return None
    crossing.approximated(
        path, "the target takes no system message in mid-conversation; sent as a user's text"
    )
    return {"role": "user", "content": wire["content"]}


def _foreign_conversation(request: Request, crossing: Crossing) -> Wire:
    system = encode_system(request.system, crossing)
    if isinstance(request.output_format, OutputFormat) and request.output_format.kind == "json_object":
        crossing.approximated("response_format", "the target has no JSON mode; an instruction stands in")
        system = _with_instruction(system)
    messages = encode_conversation(request.messages, crossing, len(request.system))
    if not messages:
        raise MalformedError(
            "`messages` holds no content to answer; send at least one text", param="messages"
        )
    return {"messages": messages} if system is None else {"system": system, "messages": messages}


def _with_instruction(system: str | list[Wire] | None) -> str | list[Wire]:
    if system is None:
        return JSON_INSTRUCTION
    if isinstance(system, str):
        return f"{system}\n\n{JSON_INSTRUCTION}"
    return [*system, {"type": "text", "text": JSON_INSTRUCTION}]

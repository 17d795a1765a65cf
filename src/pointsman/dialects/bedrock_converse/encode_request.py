"""Requests: from canonical ones, for one target. The model goes into the path."""

from typing import Any

from msgspec import structs

from pointsman.canon.errors import MalformedError
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target
from pointsman.dialects.bedrock_converse.conversation import encode_conversation, encode_system
from pointsman.dialects.bedrock_converse.crossing import Crossing
from pointsman.dialects.bedrock_converse.encode_blocks import encode_blocks
from pointsman.dialects.bedrock_converse.encode_tools import encode_tooling
from pointsman.dialects.bedrock_converse.request import MORE
from pointsman.dialects.bedrock_converse.settings import JSON_INSTRUCTION, encode_settings
from pointsman.dialects.dialect import Encoded
from pointsman.dialects.foreign import foreign_losses

Wire = dict[str, Any]

_PARTS = ("toolConfig", "inferenceConfig", "outputConfig", MORE)
"""Members that are said together with what was kept of them."""


def encode_request(request: Request, target: Target) -> Encoded:
    """The body for the target. Raises UnsupportedError where a meaning would be lost."""
    request, refused = _without_refused(request, target)
    crossing = Crossing(request, target)
    if crossing.own:
        losses = refused
        body = {name: value for name, value in request.extra.items() if name not in _PARTS or value is None}
        body.update(_own_conversation(request, crossing))
    else:
        losses = (*refused, *foreign_losses(request.extra))
        body = _foreign_conversation(request, crossing)
        crossing.drop_mark(request.cache)
    body.update(encode_tooling(request, crossing))
    body.update(encode_settings(request, crossing))
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
        wire["system"] = encode_blocks(message.content, "system", crossing)
    wire["messages"] = [
        {
            **message.extra,
            "role": message.role,
            "content": encode_blocks(message.content, f"messages[{number}].content", crossing),
        }
        for number, message in enumerate(request.messages)
    ]
    return wire


def _foreign_conversation(request: Request, crossing: Crossing) -> Wire:
    system = encode_system(request.system, crossing)
    if request.output_format is not None and request.output_format.kind == "json_object":
        crossing.approximated("response_format", "the target has no JSON mode; an instruction stands in")
        system.append({"text": JSON_INSTRUCTION})
    messages = encode_conversation(request.messages, crossing, len(request.system))
    if not messages:
        raise MalformedError(
            "`messages` holds no content to answer; send at least one text", param="messages"
        )
    return {"system": system, "messages": messages} if system else {"messages": messages}

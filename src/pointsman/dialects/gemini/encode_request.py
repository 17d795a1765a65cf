"""Requests: from canonical ones, for one target. The model and whether to stream stand in the path."""

from msgspec import structs

from pointsman.canon.errors import MalformedError, UnsupportedError
from pointsman.canon.loss import Loss
from pointsman.canon.request import Request
from pointsman.canon.traits import Target
from pointsman.dialects.dialect import Encoded
from pointsman.dialects.foreign import foreign_losses
from pointsman.dialects.gemini.config import FIELDS, JSON, JSON_SCHEMA, MEDIA_TYPE, SCHEMA
from pointsman.dialects.gemini.draft import Draft
from pointsman.dialects.gemini.encode_contents import encode_contents, instruction_parts
from pointsman.dialects.gemini.encode_own import encode_own
from pointsman.dialects.gemini.encode_reasoning import put_thinking
from pointsman.dialects.gemini.encode_tools import put_tools
from pointsman.dialects.gemini.request import CONFIG, CONTENTS, INSTRUCTION, TIER
from pointsman.dialects.gemini.schemas import to_openapi
from pointsman.dialects.schema import fit

TIERS = {"default": "standard", "standard_only": "standard", "flex": "flex", "priority": "priority"}
"""OpenAI's and Anthropic's tiers in the API's words (ai.google.dev, "Optimization")."""


def encode_request(request: Request, target: Target) -> Encoded:
    """The body for the target. Raises UnsupportedError where a meaning would be lost."""
    request, refused = _without_refused(request, target)
    draft = Draft(request, target)
    if draft.own:
        return Encoded(encode_own(draft), (*refused, *draft.losses()), draft.sent_names())
    losses = (*refused, *foreign_losses(request.extra))
    _put_turns(draft)
    put_tools(draft)
    _put_settings(draft)
    put_thinking(draft)
    _put_format(draft)
    _put_tier(draft)
    if draft.config:
        draft.body[CONFIG] = draft.config
    body = {**target.traits.extra_fields, **draft.body}
    return Encoded(body, (*losses, *draft.losses()), draft.sent_names())


def _without_refused(request: Request, target: Target) -> tuple[Request, tuple[Loss, ...]]:
    """The request without the fields that the target answers with an error."""
    named = [
        name
        for name in target.traits.refused_fields
        if name in request.__struct_fields__ and name != "cache" and getattr(request, name) is not None
    ]
    losses = tuple([Loss("dropped", name, "the target answers it with an error") for name in named])
    return structs.replace(request, **dict.fromkeys(named)) if named else request, losses


def _put_turns(draft: Draft) -> None:
    """The conversation; instructions alone are asked as a user would, since the API wants a turn."""
    instructions, turns = instruction_parts(draft), encode_contents(draft)
    if not turns and not instructions:
        raise MalformedError("the request says nothing; send a message with text", param="messages")
    if not turns:
        draft.approximated("messages.role", "instructions alone go as a user's turn")
        turns, instructions = [{"role": "user", "parts": instructions}], []
    draft.body[CONTENTS] = turns
    if instructions:
        draft.body[INSTRUCTION] = {"parts": instructions}


def _put_settings(draft: Draft) -> None:
    request = draft.request
    for name, key in FIELDS.items():
        value = getattr(request, name)
        if value is not None and name != "stop":
            draft.config[key] = value
    _put_stop(draft)
    if request.verbosity not in (None, "medium"):
        draft.dropped("verbosity", "the target has no such setting")
    if request.user is not None:
        draft.dropped("user", "the target has no field for the user")
    if request.prompt_cache_key is not None:
        draft.dropped("prompt_cache_key", "the target has no such field")
    if request.metadata:
        draft.dropped("metadata", "labels are another thing here")
    draft.count_mark(request)


def _put_stop(draft: Draft) -> None:
    stops, limit = list(draft.request.stop or ()), draft.traits.stop_limit
    if limit is not None and len(stops) > limit:
        draft.dropped("stop", f"the target takes {limit}; the first {limit} are sent")
        stops = stops[:limit]
    if stops:
        draft.config[FIELDS["stop"]] = stops


def _put_format(draft: Draft) -> None:
    """`responseMimeType` and the schema. Raises UnsupportedError."""
    wanted = draft.request.output_format
    if wanted is None or wanted.kind == "text":
        return
    draft.dropped_extra(wanted.extra, "response_format")
    if wanted.kind == "other" or wanted.kind not in draft.traits.output_formats:
        raise UnsupportedError(
            "the target cannot give its answer this form; choose a model that has structured outputs, or ask "
            "for JSON in the prompt",
            param="response_format",
        )
    draft.config[MEDIA_TYPE] = JSON
    if wanted.description is not None:
        draft.dropped("response_format.description", "the target takes the schema alone")
    schema = wanted.schema
    if wanted.kind == "json_object" or schema is None:
        return
    subset = draft.traits.schema_subset
    fitted = to_openapi(schema) if subset == "openapi" else fit(schema, subset)
    if fitted is not schema:
        draft.approximated("response_format.schema", "cut down to the schema that the target takes")
    draft.config[SCHEMA if subset == "openapi" else JSON_SCHEMA] = fitted


def _put_tier(draft: Draft) -> None:
    wanted = draft.request.service_tier
    if wanted in (None, "auto"):
        if wanted is not None:
            draft.dropped(_TIER_NAME, "the target's own default applies")
        return
    sent, allowed = TIERS.get(wanted), draft.traits.service_tiers
    if sent is None or (allowed is not None and sent not in allowed):
        draft.dropped(_TIER_NAME, f"the target has no tier `{wanted}`")
        return
    draft.body[TIER] = sent


_TIER_NAME = "service_tier"

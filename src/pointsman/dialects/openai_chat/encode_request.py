"""Canonical requests → requests for an upstream.

A request that came in this dialect keeps its spellings and its unknown fields; one of another dialect is
written in the plainest form that compatible servers take. Every difference is a loss in the result.
"""

from hashlib import sha256
from typing import Any

from msgspec import structs

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.loss import Loss
from pointsman.canon.request import OutputFormat, Request
from pointsman.canon.traits import Target
from pointsman.dialects.dialect import Encoded
from pointsman.dialects.foreign import check_foreign
from pointsman.dialects.openai_chat.draft import Draft
from pointsman.dialects.openai_chat.encode_extra import put_extra
from pointsman.dialects.openai_chat.encode_messages import put_messages
from pointsman.dialects.openai_chat.encode_reasoning import put_reasoning
from pointsman.dialects.openai_chat.encode_tools import put_tools
from pointsman.dialects.openai_chat.request import OPTIONS, USAGE
from pointsman.dialects.schema import fit, is_strict
from pointsman.dialects.spelling import unlike

USER_LIMIT = 64
"""Characters of `user` and `safety_identifier` (platform.openai.com, "Create chat completion")."""

_PLAIN = (
    ("top_p", "top_p"),
    ("frequency_penalty", "frequency_penalty"),
    ("presence_penalty", "presence_penalty"),
    ("seed", "seed"),
    ("choices", "n"),
    ("verbosity", "verbosity"),
    ("stream", "stream"),
)
_TIERS = {"auto": "auto", "standard_only": "default"}
"""Another dialect's word for a tier → this one's."""


def encode_request(request: Request, target: Target) -> Encoded:
    """The request for `target`. Raises UnsupportedError where its meaning would be lost."""
    request, refused = _accepted(request, target)
    draft = Draft(request, target)
    draft.losses += refused
    if not draft.own:
        check_foreign(request.extra)
    put_messages(draft)
    put_tools(draft)
    for name, key in _PLAIN:
        draft.put(key, getattr(request, name))
    _put_limit(draft)
    _put_temperature(draft)
    _put_top_k(draft)
    _put_stop(draft)
    put_reasoning(draft)
    _put_format(draft)
    _put_tier(draft)
    _put_user(draft)
    _put_metadata(draft)
    _put_cache_key(draft)
    draft.body |= draft.mark(request.cache)
    _put_stream_options(draft)
    put_extra(draft)
    return Encoded(draft.body, draft.all_losses(), draft.changed_names())


def _accepted(request: Request, target: Target) -> tuple[Request, list[Loss]]:
    """The request without the fields that the target answers with an error."""
    losses: list[Loss] = []
    why = f"{target.model} refuses it"
    cleared: dict[str, Any] = {}
    extra = dict(request.extra)
    for name in target.traits.refused_fields:
        if getattr(request, name, None) is not None:
            cleared[name] = None
            losses.append(Loss("dropped", name, why))
        elif extra.pop(name, None) is not None:
            losses.append(Loss("dropped", name, why))
    return (structs.replace(request, **cleared, extra=extra) if losses else request), losses


def _put_limit(draft: Draft) -> None:
    form = draft.request.form.get("max_tokens", "max_tokens") if draft.own else "max_tokens"
    field = draft.traits.token_limit_field or form
    limit, most = draft.request.max_tokens, draft.traits.max_output
    if limit is not None and most is not None and limit > most and not draft.own:
        draft.approximated("max_tokens", f"the target writes no more than {most}")
        limit = most
    draft.put(field, limit)


def _put_temperature(draft: Draft) -> None:
    temperature, highest = draft.request.temperature, draft.traits.temperature_max
    if temperature is not None and highest is not None and temperature > highest:
        draft.approximated("temperature", f"the target takes no more than {highest}")
        temperature = highest
    draft.put("temperature", temperature)


def _put_top_k(draft: Draft) -> None:
    if draft.request.top_k is None or draft.own or draft.traits.top_k:
        draft.put("top_k", draft.request.top_k)
    else:
        draft.dropped("top_k", "this dialect has no such field")


def _put_stop(draft: Draft) -> None:
    stop, limit = draft.request.stop, draft.traits.stop_limit
    if stop is None:
        return
    if stop and limit == 0:
        draft.dropped("stop", "the target takes no stop sequences")
        return
    if limit is not None and len(stop) > limit:
        draft.approximated("stop", f"the target takes {limit} stop sequences; the first are kept")
        stop = stop[:limit]
    single = draft.own and draft.request.form.get("stop") == "text" and len(stop) == 1
    if stop or draft.own:
        draft.body["stop"] = stop[0] if single else list(stop)


def _put_format(draft: Draft) -> None:
    wanted = draft.request.output_format
    if wanted is None:
        return
    if wanted.kind == "other" and draft.own:
        draft.put("response_format", wanted.native)
        return
    if wanted.kind != "text" and wanted.kind not in draft.traits.output_formats:
        raise UnsupportedError(
            f"{draft.target.model} has no output format `{wanted.kind}`; ask for it in the prompt instead",
            param="response_format",
        )
    draft.body["response_format"] = _format(draft, wanted)


def _format(draft: Draft, wanted: OutputFormat) -> dict[str, Any]:
    extra = dict(wanted.extra) if draft.own else {}
    if not draft.own:
        draft.dropped_extra(wanted.extra, "response_format")
    if wanted.kind != "json_schema":
        return {"type": wanted.kind, **extra}
    inner: dict[str, Any] = {}
    name = wanted.name if draft.own else wanted.name or "answer"
    strict = wanted.strict
    if wanted.schema is not None:
        inner["schema"] = fit(wanted.schema, draft.traits.schema_subset)
        if not draft.own and strict is None:
            strict = is_strict(wanted.schema) or None
            if not strict:
                why = "the target holds answers only to closed schemas without options; it is a hint to it"
                draft.approximated("response_format.strict", why)
        if inner["schema"] is not wanted.schema:
            draft.approximated("response_format.schema", "cut down to the JSON Schema that the target takes")
    said = {"name": name, "description": wanted.description, "strict": strict}
    inner |= {key: value for key, value in said.items() if value is not None}
    return {"type": "json_schema", "json_schema": {**inner, **extra.pop("json_schema", {})}, **extra}


def _put_tier(draft: Draft) -> None:
    tier = draft.request.service_tier
    if tier is None:
        return
    word = tier if draft.own else _TIERS.get(tier, tier)
    takes = draft.traits.service_tiers
    if takes is not None and word not in takes:
        draft.dropped("service_tier", f"the target has no tier `{word}`")
    else:
        draft.body["service_tier"] = word


def _put_user(draft: Draft) -> None:
    user, field = draft.request.user, draft.traits.user_field
    if user is None:
        return
    if field == "none":
        draft.dropped("user", "the target has no such field")
        return
    if not draft.own and len(user) > USER_LIMIT:
        draft.approximated("user", f"hashed, since the target takes {USER_LIMIT} characters")
        user = sha256(user.encode("utf-8", "surrogatepass")).hexdigest()
    asked = draft.request.form.get("user", field) if draft.own else field
    draft.body[asked] = user


def _put_metadata(draft: Draft) -> None:
    metadata = draft.request.metadata
    if metadata is None:
        return
    if draft.own and draft.traits.metadata:
        draft.body["metadata"] = metadata
    elif metadata:
        draft.dropped("metadata", "the target takes none" if draft.own else "labels are another thing here")


def _put_cache_key(draft: Draft) -> None:
    if draft.own or draft.traits.prompt_cache_key:
        draft.put("prompt_cache_key", draft.request.prompt_cache_key)
    elif draft.request.prompt_cache_key is not None:
        draft.dropped("prompt_cache_key", "sent only to backends that are known to take it")


def _put_stream_options(draft: Draft) -> None:
    """Usage is always asked for in a translated stream; the client's own wish stands in its own dialect."""
    request = draft.request
    options = dict(request.form.get(OPTIONS) or {}) if draft.own else {}
    if request.stream and (request.include_usage or not draft.own):
        options[USAGE] = True
    said = bool(options) or (draft.own and OPTIONS in request.form)
    if not said:
        return
    if draft.traits.stream_options:
        draft.body[OPTIONS] = options
    elif unlike(options, {USAGE: True}):
        draft.dropped(OPTIONS, "the target has no such field")

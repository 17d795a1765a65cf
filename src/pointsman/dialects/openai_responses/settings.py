"""Everything in a request beside the conversation and the tools, for an upstream."""

from hashlib import sha256
from typing import Any

from pointsman.canon.blocks import SPELLING
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.request import OutputFormat, Reasoning
from pointsman.dialects.efforts import effort_for, nearest_effort
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.openai_responses.draft import Draft
from pointsman.dialects.openai_responses.request import OPTIONS, SUMMARIZED
from pointsman.dialects.openai_responses.words import ENCRYPTED
from pointsman.dialects.schema import fit, is_strict

Wire = dict[str, Any]

USER_LIMIT = 64
"""Characters of `safety_identifier` and `user` (developers.openai.com, "Create a model response")."""
LEAST = 16
"""The smallest `max_output_tokens`; less gets a 400, "Expected a value >= 16" (earendil-works/pi#6265)."""

_TIERS = {"auto": "auto", "standard_only": "default"}
"""Another dialect's word for a tier → this one's."""
_LACKING = ("top_k", "seed", "frequency_penalty", "presence_penalty")
_IDLE = {"frequency_penalty": 0, "presence_penalty": 0}
"""Values that ask for nothing."""
_SHOWN = frozenset({SUMMARIZED, "updates"})
"""How other dialects ask to see the thinking."""


def put_settings(draft: Draft) -> None:
    """All of them. Raises UnsupportedError where a meaning would be lost."""
    request = draft.request
    _put_limit(draft)
    _put_temperature(draft)
    draft.put("top_p", request.top_p)
    draft.put("stream", request.stream)
    _put_reasoning(draft)
    _put_text(draft)
    _put_tier(draft)
    _put_user(draft)
    _put_metadata(draft)
    _put_cache_key(draft)
    if draft.own:
        _put_own(draft)
    else:
        _put_state(draft)
        _drop_foreign(draft)


def _put_limit(draft: Draft) -> None:
    limit, most = draft.request.max_tokens, draft.traits.max_output
    if limit is not None and not draft.own:
        if most is not None and limit > most:
            draft.approximated("max_tokens", f"the target writes no more than {most}")
            limit = most
        elif limit < LEAST:
            draft.approximated("max_tokens", f"the target takes no less than {LEAST}")
            limit = LEAST
    draft.put("max_output_tokens", limit)


def _put_temperature(draft: Draft) -> None:
    temperature, highest = draft.request.temperature, draft.traits.temperature_max
    if temperature is not None and highest is not None and temperature > highest:
        draft.approximated("temperature", f"the target takes no more than {highest}")
        temperature = highest
    draft.put("temperature", temperature)


def _put_reasoning(draft: Draft) -> None:
    wanted = draft.request.reasoning
    if wanted is None:
        return
    if not _thinks(draft):
        draft.dropped(
            "thinking" if wanted.mode == "off" else "reasoning",
            f"{draft.target.model} has no such setting; its own default applies",
        )
    elif draft.own:
        original: Wire = wanted.extra.get(SPELLING, {})
        effort = None if wanted.effort is None else _fitting(draft, wanted.effort)
        draft.body["reasoning"] = original if effort is None else {**original, "effort": effort}
    else:
        _put_foreign_reasoning(draft, wanted)


def _thinks(draft: Draft) -> bool:
    return draft.traits.reasoning != "none" and draft.traits.efforts != ()


def _put_foreign_reasoning(draft: Draft, wanted: Reasoning) -> None:
    if wanted.mode == "other":
        draft.dropped("thinking", "a setting of its own dialect only")
    effort = _effort(draft, wanted)
    reasoning: Wire = {} if effort is None else {"effort": effort}
    if wanted.display in _SHOWN:
        reasoning["summary"] = "auto"
    if wanted.display not in (None, SUMMARIZED):
        draft.dropped("thinking.display", "the target shows a summary of its thinking, or none")
    draft.put("reasoning", reasoning or None)
    for key in unsaid(wanted.extra):
        draft.dropped(key, "the target has no such field")


def _effort(draft: Draft, wanted: Reasoning) -> str | None:
    if wanted.mode == "off":
        if wanted.effort not in {None, "none"}:
            draft.dropped("effort", "it says nothing where thinking is off")
        return _least(draft)
    if wanted.effort is not None:
        return _fitting(draft, wanted.effort)
    if wanted.budget is None:
        if wanted.mode in {"on", "adaptive"}:
            draft.approximated("thinking", "the target thinks as much as it sees fit")
        return None
    effort = effort_for(wanted.budget, draft.traits)
    draft.approximated("thinking.budget_tokens", f"{wanted.budget} tokens as effort `{effort}`")
    return _fitting(draft, effort)


def _least(draft: Draft) -> str | None:
    """No thinking, or the least there is; nothing where the target's efforts are not known."""
    efforts = draft.traits.efforts
    if not efforts:
        draft.dropped("thinking", "not known how the target is told not to think; its own default applies")
        return None
    if "none" in efforts:
        return "none"
    least = nearest_effort("none", efforts)
    draft.approximated("thinking", f"the target always thinks; effort `{least}`, its least")
    return least


def _fitting(draft: Draft, effort: str) -> str:
    """The nearest effort that the target takes."""
    efforts = draft.traits.efforts
    nearest = effort if not efforts or effort in efforts else nearest_effort(effort, efforts)
    if nearest != effort:
        draft.approximated("effort", f"`{effort}` as `{nearest}`, the nearest that the target takes")
    return nearest


def _put_text(draft: Draft) -> None:
    wanted, verbosity = draft.request.output_format, draft.request.verbosity
    text: Wire = dict(draft.request.extra.get("text") or {}) if draft.own else {}
    if wanted is not None and (draft.own or wanted.kind != "text"):
        text["format"] = _format(draft, wanted)
    if verbosity is not None:
        text["verbosity"] = verbosity
    if text or (draft.own and draft.request.extra.get("text") is not None):
        draft.body["text"] = text


def _format(draft: Draft, wanted: OutputFormat) -> Any:
    if wanted.kind == "other" and draft.own:
        return wanted.native
    if wanted.kind != "text" and wanted.kind not in draft.traits.output_formats:
        raise UnsupportedError(
            f"{draft.target.model} has no output format `{wanted.kind}`; ask for it in the prompt instead",
            param="text.format",
        )
    extra = dict(wanted.extra) if draft.own else {}
    if not draft.own:
        draft.dropped_extra(wanted.extra, "response_format")
    if wanted.kind != "json_schema":
        return {"type": wanted.kind, **extra}
    return {"type": "json_schema", **_schema(draft, wanted), **extra}


def _schema(draft: Draft, wanted: OutputFormat) -> Wire:
    name, strict = wanted.name, wanted.strict
    schema = None if wanted.schema is None else fit(wanted.schema, draft.traits.schema_subset)
    if schema is not wanted.schema:
        draft.approximated("response_format.schema", "cut down to the JSON Schema that the target takes")
    if not draft.own:
        name, schema = name or "answer", schema or {}
        if strict is None and wanted.schema is not None:
            strict = is_strict(wanted.schema)
            if not strict:
                why = "the target holds answers only to closed schemas without options; it is a hint to it"
                draft.approximated("response_format.strict", why)
    said = {"name": name, "schema": schema, "description": wanted.description, "strict": strict}
    return {key: value for key, value in said.items() if value is not None}


def _put_tier(draft: Draft) -> None:
    tier, takes = draft.request.service_tier, draft.traits.service_tiers
    if tier is None:
        return
    word = tier if draft.own else _TIERS.get(tier, tier)
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
    draft.body[draft.request.form.get("user", field) if draft.own else field] = user


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


def _put_own(draft: Draft) -> None:
    """The client's unknown fields, and the wishes that are kept by their spelling."""
    request = draft.request
    spelled = {name: request.form[name] for name in ("include", OPTIONS) if name in request.form}
    draft.body |= {name: value for name, value in request.extra.items() if name != "text" or value is None}
    draft.body |= spelled


def _put_state(draft: Draft) -> None:
    """Nothing is kept upstream for a client that could not ask for it; the answer holds opaque reasoning."""
    refused = draft.traits.refused_fields
    if "store" not in refused:
        draft.body["store"] = False
    if _thinks(draft) and "include" not in refused:
        draft.body["include"] = [ENCRYPTED]


def _drop_foreign(draft: Draft) -> None:
    """Note what the dialect lacks. Raises UnsupportedError for several answers at once."""
    request = draft.request
    if request.choices is not None and request.choices > 1:
        raise UnsupportedError(
            f"the target gives one answer to a request, not {request.choices}; send it as often as needed",
            param="n",
        )
    for name in _LACKING:
        if getattr(request, name) not in (None, _IDLE.get(name)):
            draft.dropped(name, "this dialect has no such field")
    if request.stop:
        draft.dropped("stop", "this dialect has no stop sequences")
    draft.mark(request.cache, takes=False)

"""Everything in a request beside the conversation and the tools, for one target."""

import re
from collections.abc import Callable
from typing import Any

from pointsman.canon.blocks import SPELLING
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.request import OutputFormat, Request
from pointsman.dialects.bedrock_converse.crossing import Crossing, is_blank
from pointsman.dialects.bedrock_converse.reasoning import encode_reasoning
from pointsman.dialects.bedrock_converse.request import MORE
from pointsman.dialects.bedrock_converse.words import TIERS
from pointsman.dialects.schema import fit
from pointsman.wire.json import encode

Wire = dict[str, Any]

JSON_INSTRUCTION = "Answer with a single valid JSON object and nothing else."
"""Stands in for a JSON mode, which the dialect lacks."""

_TIERS = {"standard_only": "default"}
"""Other dialects' words for a tier."""
_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "seed": (None,),
    "verbosity": (None, "medium"),
    "user": (None,),
    "prompt_cache_key": (None,),
}
"""Settings without a counterpart, and the values that ask for nothing."""
_LABEL = re.compile(r"[a-zA-Z0-9\s:_@$#=/+,\-.]{1,256}", re.ASCII)
_MOST_LABELS = 16


def encode_settings(request: Request, crossing: Crossing) -> Wire:
    """The members of the body. Raises UnsupportedError."""
    wire: Wire = {}
    for encode_one in _SETTINGS:
        wire.update(encode_one(request, crossing))
    if not crossing.own:
        _drop_foreign(request, crossing)
    return wire


def _part(name: str, members: Wire, request: Request, crossing: Crossing) -> Wire:
    """A part of the body, with what was kept of it."""
    rest: Json | None = request.extra.get(name) if crossing.own else None
    said = {key: value for key, value in members.items() if value is not None}
    return {name: {**(rest or {}), **said}} if said or rest is not None else {}


def _inference(request: Request, crossing: Crossing) -> Wire:
    members: Wire = {
        "maxTokens": _max_tokens(request, crossing),
        "temperature": _temperature(request, crossing),
        "topP": request.top_p,
        "stopSequences": _stop(request, crossing),
    }
    return _part("inferenceConfig", members, request, crossing)


def _max_tokens(request: Request, crossing: Crossing) -> int | None:
    wanted, most = request.max_tokens, crossing.traits.max_output
    if wanted is None or most is None or wanted <= most:
        return wanted
    crossing.approximated("max_tokens", f"the target's limit is {most}")
    return most


def _temperature(request: Request, crossing: Crossing) -> float | None:
    most = crossing.traits.temperature_max
    if most is None and not crossing.own:
        most = 1.0
    wanted = request.temperature
    if wanted is None or most is None or wanted <= most:
        return wanted
    crossing.approximated("temperature", f"the target's highest is {most}")
    return most


def _stop(request: Request, crossing: Crossing) -> list[str] | None:
    if request.stop is None:
        return None
    stops = list(request.stop)
    if not crossing.own:
        stops = [stop for stop in stops if not is_blank(stop)]
        if len(stops) < len(request.stop):
            crossing.dropped("stop", "the target takes no stop sequence of white space alone")
    limit = crossing.traits.stop_limit
    if limit is not None and len(stops) > limit:
        crossing.dropped("stop", f"the target takes {limit}; the first {limit} are sent")
        stops = stops[:limit]
    return stops if stops or crossing.own else None


def _more(request: Request, crossing: Crossing) -> Wire:
    """What only the model's own fields can say, and the effort."""
    thinking, effort = encode_reasoning(request, crossing)
    top_k = request.top_k
    if top_k is not None and not (crossing.own or crossing.traits.top_k):
        crossing.dropped("top_k", "the target has no such setting for all models")
        top_k = None
    wanted = _format(request.output_format, crossing)
    return {
        **_part(MORE, {"top_k": top_k, "thinking": thinking}, request, crossing),
        **_part("outputConfig", {"effort": effort, "textFormat": wanted}, request, crossing),
    }


def _format(wanted: OutputFormat | None, crossing: Crossing) -> Wire | None:
    """`outputConfig.textFormat`. Raises UnsupportedError."""
    if wanted is None or wanted.kind == "text":
        return None
    if crossing.own:
        return _own_format(wanted)
    crossing.dropped_extra(wanted.extra, "response_format")
    if wanted.kind == "json_object":
        return None
    if wanted.kind == "other":
        raise UnsupportedError(
            "this form of the answer has no counterpart at the target", param="response_format"
        )
    if "json_schema" not in crossing.traits.output_formats:
        why = "choose a model that has structured outputs, or ask for JSON in the prompt"
        raise UnsupportedError(
            f"the target cannot hold its answer to a JSON Schema; {why}", param="response_format"
        )
    schema = wanted.schema or {}
    fitted = fit(schema, crossing.traits.schema_subset)
    if fitted is not schema:
        crossing.approximated("response_format.schema", "cut down to the JSON Schema that the target takes")
    named = {"name": wanted.name, "description": wanted.description}
    held = {key: value for key, value in named.items() if value}
    return {"type": "json_schema", "structure": {"jsonSchema": {"schema": encode(fitted).decode(), **held}}}


def _own_format(wanted: OutputFormat) -> Wire:
    if wanted.native is not None:
        return dict(wanted.native)
    named = {"name": wanted.name, "description": wanted.description}
    held = {key: value for key, value in named.items() if value is not None}
    extra = wanted.extra
    inner = {**extra.get("jsonSchema", {}), **held, "schema": extra[SPELLING]["schema"]}
    structure = {**extra.get("structure", {}), "jsonSchema": inner}
    return {**extra.get("textFormat", {}), "type": "json_schema", "structure": structure}


def _tier(request: Request, crossing: Crossing) -> Wire:
    wanted = request.service_tier
    if wanted is None:
        return {}
    sent = wanted if crossing.own else _TIERS.get(wanted, wanted)
    allowed = crossing.traits.service_tiers or TIERS
    if not crossing.own and sent not in allowed:
        crossing.dropped("service_tier", f"the target has no tier `{wanted}`")
        return {}
    return {"serviceTier": {"type": sent}}


def _labels(request: Request, crossing: Crossing) -> Wire:
    labels = request.metadata
    if crossing.own:
        return {} if labels is None else {"requestMetadata": labels}
    if not labels:
        return {}
    fits = len(labels) <= _MOST_LABELS and all(
        isinstance(part, str) and _LABEL.fullmatch(part) for pair in labels.items() for part in pair
    )
    if not fits or not crossing.traits.metadata:
        crossing.dropped("metadata", "the target takes a few labels of plain letters, if any")
        return {}
    return {"requestMetadata": dict(labels)}


_SETTINGS: tuple[Callable[[Request, Crossing], Wire], ...] = (_inference, _more, _tier, _labels)


def _drop_foreign(request: Request, crossing: Crossing) -> None:
    """Note what the dialect lacks. Raises UnsupportedError for several answers at once."""
    if request.choices is not None and request.choices > 1:
        raise UnsupportedError(
            f"the target gives one answer to a request, not {request.choices}; send it as often as needed",
            param="n",
        )
    for name, neutral in _NEUTRAL.items():
        if getattr(request, name) not in neutral:
            crossing.dropped(name, "the target has no such setting")

"""Everything in a request beside the conversation and the tools, for one target."""

from collections.abc import Callable
from typing import Any

from pointsman.canon.errors import UnsupportedError
from pointsman.canon.json import Json
from pointsman.canon.request import OutputFormat, Request
from pointsman.dialects.anthropic.crossing import Crossing, is_blank
from pointsman.dialects.anthropic.encode_tools import forced
from pointsman.dialects.anthropic.reasoning import MIN_BUDGET, encode_reasoning
from pointsman.dialects.schema import fit

Wire = dict[str, Any]

DEFAULT_MAX_TOKENS = 4096
"""Asked for where neither the client nor the model's row names a limit; the dialect demands one."""

JSON_INSTRUCTION = "Answer with a single valid JSON object and nothing else."
"""Stands in for a JSON mode, which the dialect lacks."""

TIERS: dict[str, str] = {"auto": "auto", "default": "standard_only", "priority": "auto"}
"""OpenAI's tiers in the dialect's words (platform.claude.com, "Service tiers")."""

_SAME_TIERS = {"default": "standard_only"}
"""Those that mean the same."""

_ACTIVE = ("enabled", "adaptive")
_THINKING = ("thinking", "thinking.budget_tokens", "reasoning_effort")
"""What losses of a setting for thinking are called."""

_NEUTRAL: dict[str, tuple[Any, ...]] = {
    "frequency_penalty": (None, 0),
    "presence_penalty": (None, 0),
    "seed": (None,),
    "verbosity": (None, "medium"),
    "metadata": (None, {}),
    "prompt_cache_key": (None,),
}
"""Settings without a counterpart, and the values that ask for nothing."""


def encode_settings(request: Request, crossing: Crossing) -> Wire:
    """The members of the body. Raises UnsupportedError."""
    wire: Wire = {}
    for encode in _SETTINGS:
        wire.update(encode(request, crossing))
    if not crossing.own:
        _drop_foreign(request, crossing)
    return wire


def _max_tokens(request: Request, crossing: Crossing) -> Wire:
    wanted, most = request.max_tokens, crossing.traits.max_output
    if wanted is None:
        if crossing.own:
            return {}
        wanted = most or DEFAULT_MAX_TOKENS
        crossing.approximated("max_tokens", "the target demands a limit and none was named")
    elif most is not None and wanted > most:
        crossing.approximated("max_tokens", f"the target's limit is {most}")
        wanted = most
    return {"max_tokens": wanted}


def _sampling(request: Request, crossing: Crossing) -> Wire:
    most = crossing.traits.temperature_max
    if most is None and not crossing.own:
        most = 1.0
    temperature = request.temperature
    if temperature is not None and most is not None and temperature > most:
        crossing.approximated("temperature", f"the target's highest is {most}")
        temperature = most
    values = {"temperature": temperature, "top_p": request.top_p, "top_k": request.top_k}
    return {name: value for name, value in values.items() if value is not None}


def _stop(request: Request, crossing: Crossing) -> Wire:
    if request.stop is None:
        return {}
    stops = list(request.stop)
    if not crossing.own:
        stops = [stop for stop in stops if not is_blank(stop)]
        if len(stops) < len(request.stop):
            crossing.dropped("stop", "the target takes no stop sequence of white space alone")
    limit = crossing.traits.stop_limit
    if limit is not None and len(stops) > limit:
        crossing.dropped("stop", f"the target takes {limit}; the first {limit} are sent")
        stops = stops[:limit]
    return {"stop_sequences": stops} if stops or crossing.own else {}


def _user(request: Request, crossing: Crossing) -> Wire:
    labels: Wire = dict(request.metadata or {}) if crossing.own else {}
    if request.user is not None:
        labels["user_id"] = request.user
    if not labels:
        return {"metadata": {}} if crossing.own and request.metadata is not None else {}
    if not crossing.traits.metadata or crossing.traits.user_field == "none":
        crossing.dropped("metadata", "the target takes none")
        return {}
    return {"metadata": labels}


def _tier(request: Request, crossing: Crossing) -> Wire:
    wanted = request.service_tier
    if wanted is None:
        return {}
    sent = wanted if crossing.own else TIERS.get(wanted)
    allowed = crossing.traits.service_tiers
    if sent is None or (allowed is not None and sent not in allowed):
        crossing.dropped("service_tier", f"the target has no tier `{wanted}`")
        return {}
    if sent not in (wanted, _SAME_TIERS.get(wanted)):
        crossing.approximated("service_tier", f"`{wanted}` is sent as `{sent}`")
    return {"service_tier": sent}


def _stream(request: Request, crossing: Crossing) -> Wire:
    return {} if request.stream is None else {"stream": request.stream}


def _output(request: Request, crossing: Crossing) -> Wire:
    thinking, effort = encode_reasoning(request, crossing)
    wire: Wire = {} if thinking is None else {"thinking": thinking}
    rest = request.extra.get("output_config") if crossing.own else None
    config: Wire = dict(rest or {})
    if effort is not None:
        config["effort"] = effort
    output_format = encode_format(request.output_format, crossing)
    if output_format is not None:
        config["format"] = output_format
    if config or rest is not None:
        wire["output_config"] = config
    return wire


def encode_format(wanted: OutputFormat | None, crossing: Crossing) -> Wire | None:
    """`output_config.format`. Raises UnsupportedError."""
    if wanted is None or wanted.kind == "text":
        return None
    if not crossing.own:
        crossing.dropped_extra(wanted.extra, "response_format")
    if wanted.kind == "other":
        if crossing.own and wanted.native is not None:
            return dict(wanted.native)
        raise UnsupportedError(
            "this form of the answer has no counterpart at the target", param="response_format"
        )
    if wanted.kind == "json_object":
        return None
    if "json_schema" not in crossing.traits.output_formats:
        why = "choose a model that has structured outputs, or ask for JSON in the prompt"
        raise UnsupportedError(
            f"the target cannot hold its answer to a JSON Schema; {why}", param="response_format"
        )
    if wanted.description is not None:
        crossing.dropped("response_format.description", "the target takes the schema alone")
    schema = {} if wanted.schema is None else {"schema": _fitted(wanted.schema, crossing)}
    return {**(wanted.extra if crossing.own else {}), "type": "json_schema", **schema}


def _fitted(schema: Json, crossing: Crossing) -> Json:
    """The schema as the target takes it; it tells clients of its own dialect itself."""
    fitted = schema if crossing.own else fit(schema, crossing.traits.schema_subset)
    if fitted is not schema:
        crossing.approximated("response_format.schema", "cut down to the JSON Schema that the target takes")
    return fitted


_SETTINGS: tuple[Callable[[Request, Crossing], Wire], ...] = (
    _max_tokens,
    _sampling,
    _stop,
    _stream,
    _user,
    _tier,
    _output,
)


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


def agree(wire: Wire, request: Request, crossing: Crossing) -> None:
    """Settle what the API refuses together in a foreign request's body.

    It does not think where a tool is forced, and wants plain sampling and a larger limit beside thinking.
    """
    thinking: Wire = wire.get("thinking", {})
    if forced(wire) and thinking.get("type") in _ACTIVE:
        _drop_thinking(wire, "the target does not think where a tool is forced", crossing)
    elif "budget_tokens" in thinking:
        _fit_budget(wire, thinking["budget_tokens"], request, crossing)
    if "thinking" in wire and wire["thinking"]["type"] in _ACTIVE:
        for name, neutral in (("temperature", 1), ("top_k", None), ("top_p", 1)):
            if wire.pop(name, neutral) != neutral:
                crossing.dropped(name, "the target takes none beside thinking")
    if "temperature" in wire and wire.pop("top_p", 1) != 1:
        crossing.dropped("top_p", "the target takes it or a temperature, not both")


def _drop_thinking(wire: Wire, why: str, crossing: Crossing) -> None:
    """Of a setting that is not sent, nothing is approximated."""
    del wire["thinking"]
    crossing.retract(*_THINKING)
    crossing.dropped("thinking", why)


def _fit_budget(wire: Wire, budget: int, request: Request, crossing: Crossing) -> None:
    """The limit counts thinking and answer together: a budget that the client did not name leaves it half."""
    limit = wire["max_tokens"]
    if budget < MIN_BUDGET:
        wire["thinking"] = {**wire["thinking"], "budget_tokens": MIN_BUDGET}
        crossing.approximated("thinking.budget_tokens", f"the target's least is {MIN_BUDGET} tokens")
        budget = MIN_BUDGET
    if request.max_tokens is None and crossing.traits.max_output is None:
        wire["max_tokens"] = DEFAULT_MAX_TOKENS + budget
        return
    named = request.reasoning is not None and request.reasoning.budget == budget
    most = limit // 2
    if budget <= most or (named and budget < limit):
        return
    if most < MIN_BUDGET:
        _drop_thinking(wire, f"a limit of {limit} tokens leaves no room for it beside an answer", crossing)
        return
    wire["thinking"] = {**wire["thinking"], "budget_tokens": most}
    what = "reasoning_effort" if crossing.retract("reasoning_effort") else "thinking.budget_tokens"
    crossing.approximated(what, f"{most} tokens of thinking, half of the limit, stand in")

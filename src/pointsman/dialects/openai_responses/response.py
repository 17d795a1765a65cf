"""The `Response` object: what an answer says of itself beside its output.

The API repeats in it what was asked. It has each field that the schemas of OpenAI (openai-python,
`types/responses/response.py`) and of Open Responses (openresponses.org) demand.
"""

from typing import Any, cast

from pointsman.canon.blocks import SPELLING
from pointsman.canon.events import MessageStart, StopReason
from pointsman.canon.json import Json
from pointsman.canon.usage import Usage
from pointsman.dialects.dialect import Asked
from pointsman.dialects.openai_responses.usage import encode_usage
from pointsman.dialects.openai_responses.words import NAME, REASONS

Wire = dict[str, Any]

_REPEATED: Json = {
    "background": False,
    "instructions": None,
    "max_output_tokens": None,
    "max_tool_calls": None,
    "metadata": {},
    "parallel_tool_calls": True,
    "previous_response_id": None,
    "prompt_cache_key": None,
    "safety_identifier": None,
    "store": True,
    "temperature": 1.0,
    "tool_choice": "auto",
    "top_logprobs": 0,
    "top_p": 1.0,
    "truncation": "disabled",
    "user": None,
}
"""What is repeated as it was asked, and what holds where nothing was."""
_TIERS = {"standard": "default", "priority": "priority", "default": "default", "flex": "flex"}
"""A tier as an upstream of another dialect reports it → this dialect's word."""


class Head:
    """One answer's fixed part, and the answer at each of its states."""

    def __init__(self, start: MessageStart, asked: Asked) -> None:
        own = start.dialect == NAME
        self.id = start.id if own and start.id else f"resp_{asked.message_id}"
        self._fixed: Wire = {
            "id": self.id,
            "object": "response",
            "created_at": start.created or asked.created,
            "model": start.model or asked.model,
            **_repeated(asked.body),
            **({key: value for key, value in start.extra.items() if key != SPELLING} if own else {}),
        }

    def at(
        self,
        status: str,
        output: list[Wire],
        usage: Usage | None = None,
        *,
        reason: StopReason = "end",
        error: Json | None = None,
    ) -> Wire:
        """The whole object; `reason` counts where it is incomplete."""
        tier = _TIERS.get((usage.service_tier if usage else None) or "", "default")
        why = {"reason": REASONS[reason]} if status == "incomplete" else None
        return {
            **self._fixed,
            "status": status,
            "completed_at": None,
            "error": error,
            "incomplete_details": why,
            "output": output,
            "service_tier": tier,
            "usage": encode_usage(usage),
        }


def status_of(reason: StopReason) -> str:
    """The state of an answer that ended for this reason."""
    return "incomplete" if reason in REASONS else "completed"


def _repeated(body: Json) -> Wire:
    asked = {name: body.get(name) for name in _REPEATED}
    wire = {name: default if asked[name] is None else asked[name] for name, default in _REPEATED.items()}
    text, reasoning = _object(body.get("text")), _object(body.get("reasoning"))
    tools: object = body.get("tools")
    return {
        **wire,
        "frequency_penalty": 0.0,
        "presence_penalty": 0.0,
        "reasoning": {"effort": reasoning.get("effort"), "summary": reasoning.get("summary")},
        "text": {"format": {"type": "text"}, "verbosity": "medium", **_said(text)},
        "tools": [_tool(tool) for tool in cast("list[Any]", tools)] if isinstance(tools, list) else [],
    }


def _tool(tool: Any) -> Any:
    """A tool as it was declared; a function says each of its members."""
    declared: Json = cast("Json", tool) if isinstance(tool, dict) else {"type": ""}
    if declared.get("type", "function") != "function":
        return cast("object", tool)
    return {"type": "function", "description": None, "parameters": None, "strict": True, **_said(declared)}


def _said(members: Json) -> Wire:
    return {name: value for name, value in members.items() if value is not None}


def _object(value: object) -> Json:
    return cast("Json", value) if isinstance(value, dict) else {}

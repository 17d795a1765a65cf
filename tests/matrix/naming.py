"""Which facts a loss names: its `what` is in the client's words, the facts have labels."""

import re

from matrix.facts import LABELS
from pointsman.canon.blocks import ToolResult

_TURN = re.compile(r"messages\[(\d+)\](?:\.content\[(\d+)\])?(?:\.content\[(\d+)\])?(?:\.(.+))?$")
_TOOL = re.compile(r"tools\[(\d+)\](?:\.(.+))?$")
_SYSTEM = re.compile(r"system\[(\d+)\]")
_PARTS = {
    "cache_control": ["cache", "cache.extra"],
    "detail": ["image.detail"],
    "citations": ["text.citations", "document.citations"],
    "strict": ["tool.strict"],
    "schema": ["tool.schema"],
    "name": ["message.name"],
    "title": ["document"],
    "context": ["document.context"],
    "native": ["call.native"],
}
_THOUGHT = ["thinking", "thinking.native", "thinking.extra"]
_FILED = ["document", "document.citations", "document.context", "document.extra", "text"]
_SETTING = ["reasoning.mode", "reasoning.effort", "reasoning.budget", "reasoning.display", "reasoning.extra"]
_UNSEEN = {"thinking": "where a tool is forced"}
"""Losses of what only follows from another fact: who asks for an effort, wants thinking."""
_NAMES = {
    "n": ["choices"],
    "max_completion_tokens": ["max_tokens"],
    "thinking": _THOUGHT + _SETTING,
    "thinking.budget_tokens": ["reasoning.budget", "reasoning.effort", "reasoning.mode"],
    "thinking.display": ["reasoning.display"],
    "thinking.signature": ["thinking.native", "thinking"],
    "effort": ["reasoning.effort", "reasoning.mode"],
    "reasoning": [*_SETTING, "request.extra"],
    "reasoning_effort": _SETTING,
    "response_format": ["output_format.kind", "system"],
    "response_format.description": ["output_format.description"],
    "response_format.strict": [],
    "response_format.schema": ["output_format.schema", "output_format.extra"],
    "cache_control": ["cache", "cache.extra"],
    "cache_control.ttl": ["cache"],
    "tool_choice": ["tool_choice", "tool", "tool.schema", "tool.strict", "tool.extra", "cache"],
    "system.content": ["system"],
    "messages.content": ["text"],
    "prefill": ["prefill"],
    "messages.role": ["text", "order"],
    "messages.document": _FILED,
    "messages.document.citations": ["document.citations"],
    "messages.document.context": ["document.context"],
    "assistant.content": ["order", "text"],
    "assistant.citations": ["text.citations"],
    "assistant.block": ["unknown", "text"],
    "tool_result.content": ["result.content", "text", "image", "document", "order"],
    "tool_result.is_error": ["result.is_error", "result.content"],
    "tool_calls.signature": ["call.native"],
    "tools.strict": ["tool.strict"],
    "tools.schema": ["tool.schema"],
    "tools.custom": ["tool", "tool.schema", "call", "tool_choice"],
}


def labels_of(loss, request):
    """The labels that a loss of this request may stand for."""
    for pattern, find in ((_TURN, _in_turn), (_TOOL, _in_tool)):
        found = pattern.match(loss.what)
        if found is not None:
            return set(find(found, request))
    if _SYSTEM.match(loss.what):
        return {"image", "document", "unknown", "text.extra", "cache", "message.extra", "message.name"}
    if loss.what == "thinking.display" and request.reasoning and request.reasoning.display == "summarized":
        return set()  # what is shown in any case
    if loss.what in _UNSEEN and loss.why.endswith(_UNSEEN[loss.what]):
        return set()
    known = _NAMES.get(loss.what)
    return set(known) if known is not None else _elsewhere(loss.what)


def _elsewhere(what):
    """A field by its own name; of an unknown one only where it stood."""
    if "." not in what:
        return {what, "request.extra", "reasoning.extra"}
    return {f"{label}.extra" for label in LABELS.values()} | {
        "request.extra",
        "message.extra",
        "tool.extra",
        "reasoning.extra",
        "output_format.extra",
        "unknown",
        "server_tool",
        "result.content",
    }


def _in_turn(found, request):
    turns = (*request.system, *request.messages)
    if found[2] is None:
        name = found[4]
        if name is None:
            return ["order", "text", "prefill"]
        return _PARTS.get(name, ["message.extra"])
    block = turns[int(found[1])].content[int(found[2])]
    label = LABELS[type(block)]
    inner = isinstance(block, ToolResult) and found[3] is not None
    if inner:
        label = LABELS[type(block.content[int(found[3])])]
    beside = found[4]
    if beside is None or beside == "arguments":
        whole = ["result.content"] if inner else []
        return [label, f"{label}.extra", f"{label}.native", "text", "cache", *whole]
    return _PARTS.get(beside, [f"{label}.extra"])


def _in_tool(found, request):
    if found[2] is None:
        return ["tool", "tool.schema", "call", "tool_choice"]
    return _PARTS.get(found[2], ["tool.extra"])


_ASPECTS = ("", ".native", ".extra", ".citations")
_ANSWER = {
    "refusal": {"refusal", "text", "stop_reason", "refusal.extra"},
    "choices": {f"{label}{part}" for label in (*LABELS.values(), "stop") for part in _ASPECTS}
    | {"stop_reason", "stop_sequence", "stop_details"},
    "citation": {"text.citations"},
    "citations": {"text.citations"},
    "logprobs": {"text.extra", "refusal.extra", "stop.extra"},
    "tool_call.native": {"call.native", "server_tool"},
    "stop_reason": {"stop_reason", "stop.extra"},
    "tool_call": {"call"},
    "thinking": {"thinking", "thinking.native"},
    "stop_sequence": {"stop_sequence"},
    "usage": {"usage"},
    **{kind: {kind, f"{kind}.extra", "unknown"} for kind in ("image", "audio", "document")},
    "stop_details": {"stop_details", "refusal"},
}
_BLOCKS = {"server_tool", "unknown"}
_EXTRAS = {"answer.extra", "stop.extra", "delta.extra", *(f"{label}.extra" for label in LABELS.values())}


def labels_of_answer(loss):
    """The labels that a loss of an answer may stand for."""
    return _ANSWER.get(loss.what, _BLOCKS) | _EXTRAS

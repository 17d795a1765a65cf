"""What a canonical request or answer says, as facts: (label, value) pairs that hold in every dialect.

Spellings are no facts: text as a string or as a block, a turn cut in two, a field absent or neutral.
Two requests say the same where their facts are the same; what differs has a label, and a loss must name it.
"""

import json
from base64 import b64decode
from collections import Counter

from pointsman.canon.blocks import (
    Audio,
    Base64Source,
    Document,
    Image,
    Refusal,
    ServerTool,
    Text,
    TextSource,
    Thinking,
    ToolCall,
    ToolResult,
    Unknown,
)
from pointsman.canon.usage import Usage
from pointsman.dialects.foreign import unsaid
from pointsman.wire.envelope import PREFIX

LABELS = {
    Text: "text",
    Refusal: "refusal",
    Thinking: "thinking",
    Image: "image",
    Audio: "audio",
    Document: "document",
    ToolCall: "call",
    ToolResult: "result",
    ServerTool: "server_tool",
    Unknown: "unknown",
}
_SCALARS = ("max_tokens", "temperature", "top_p", "top_k", "seed", "user", "stream", "choices", "verbosity")
_SCALARS += (
    "prompt_cache_key",
    "frequency_penalty",
    "presence_penalty",
    "service_tier",
    "parallel_tool_calls",
)
_NEUTRAL = {
    "choices": (1,),
    "temperature": (1,),
    "top_p": (1,),
    "verbosity": ("medium",),
    "frequency_penalty": (0,),
    "presence_penalty": (0,),
    "parallel_tool_calls": (True,),
    "stream": (False,),
}
_TIERS = {"standard_only": "default"}


def as_text(value):
    """A value that can be counted."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, default=repr)


def differences(before, after):
    """The facts of one that the other lacks, both ways; the order of a conversation is a fact, too."""
    lost, made = Counter(before) - Counter(after), Counter(after) - Counter(before)
    counted = Counter(before), Counter(after)
    both = {fact for fact in counted[0] if counted[0][fact] == counted[1][fact] == 1}
    if _order(before, both) != _order(after, both):
        lost[("order", "")] += 1
    return {fact[0] for fact in lost}, {fact[0] for fact in made}


def _order(facts, kept):
    """The facts of the conversation that both hold once."""
    return [fact for fact in facts if fact[0] in _IN_ORDER and fact in kept]


_IN_ORDER = ("text", "call", "refusal", "result", "image")


class Facts(list):
    """The facts as they are found."""

    def say(self, label, *value):
        """Adds one."""
        self.append((label, as_text(value)))

    def extra(self, label, extra):
        """What has no canonical place."""
        for name in unsaid(extra):
            self.say(f"{label}.extra", name)

    def cache(self, label, mark):
        """A cache breakpoint."""
        if mark is not None:
            self.say("cache", label, mark.ttl)
            self.extra("cache", mark.extra)


def of_request(request, names=None):
    """The facts of a request; `names`: sent tool name → the client's."""
    names = names or {}
    facts = Facts()
    for field in _SCALARS:
        value = getattr(request, field)
        value = _TIERS.get(value, value) if field == "service_tier" else value
        idle = field == "parallel_tool_calls" and not _may_call(request)
        if value is not None and value not in _NEUTRAL.get(field, ()) and not idle:
            facts.say(field, value)
    for stop in request.stop or ():
        facts.say("stop", stop)
    if request.metadata:
        facts.say("metadata", request.metadata)
    facts.cache("request", request.cache)
    facts.extra("request", request.extra)
    _reasoning(facts, request.reasoning)
    _format(facts, request.output_format)
    _tools(facts, request, names)
    for message in request.system:
        _system(facts, message)
    _conversation(facts, request.messages, names, request.dialect)
    return facts


def _may_call(request):
    return bool(request.tools) and (request.tool_choice is None or request.tool_choice.mode != "none")


def _reasoning(facts, wanted):
    if wanted is None:
        return
    off = wanted.mode == "off" or wanted.effort == "none"
    facts.extra("reasoning", wanted.extra)
    if off:
        facts.say("reasoning.mode", "off")
    elif wanted.mode != "unset" and wanted.effort is None and wanted.budget is None:
        facts.say("reasoning.mode", wanted.mode)
    if wanted.effort not in (None, "none"):
        facts.say("reasoning.effort", wanted.effort)
    if wanted.budget is not None:
        facts.say("reasoning.budget", wanted.budget)
    if wanted.display not in (None, "summarized"):
        facts.say("reasoning.display", wanted.display)


def _format(facts, wanted):
    """A schema's name is no fact: one dialect demands it, another has none."""
    if wanted is None or wanted.kind == "text":
        return
    facts.say("output_format.kind", wanted.kind)
    facts.extra("output_format", wanted.extra)
    if wanted.schema is not None:
        facts.say("output_format.schema", wanted.schema)
    if wanted.description is not None:
        facts.say("output_format.description", wanted.description)


def _tools(facts, request, names):
    for tool in request.tools or ():
        name = names.get(tool.name, tool.name)
        facts.say("tool", name, tool.kind, tool.description)
        facts.say("tool.schema", name, {"type": "object", "properties": {}, **(tool.schema or {})})
        if tool.strict:
            facts.say("tool.strict", name)
        facts.cache("tool", tool.cache)
        facts.extra("tool", tool.extra)
    choice = request.tool_choice
    if choice is not None and choice.mode != "auto" and request.tools:
        named = names.get(choice.name, choice.name), sorted(names.get(name, name) for name in choice.names)
        only = choice.mode == "allowed" and choice.required and len(choice.names) == 1
        mode = ("tool", named[1], False) if only else (choice.mode, _chosen(named), choice.required)
        facts.say("tool_choice", *mode)


def _chosen(named):
    """The tools of a choice, one by its name or several."""
    return named[1] if named[0] is None else [named[0]]


def _system(facts, message):
    facts.extra("message", message.extra)
    if message.name is not None:
        facts.say("message.name", message.name)
    for block in message.content:
        if isinstance(block, Text) and block.text.strip():
            facts.say("system", block.text)
            facts.cache("system", block.cache)
            facts.extra("text", block.extra)
        elif not isinstance(block, Text):
            facts.say(LABELS[type(block)], "system")


def _conversation(facts, messages, names, dialect):
    texts = []
    for message in messages:
        side = {"tool": "user", "developer": "system"}.get(message.role, message.role)
        facts.extra("message", message.extra)
        if message.name is not None and message.role != "tool":
            facts.say("message.name", message.name)
        for block in message.content:
            if side == "assistant" and isinstance(block, Text):
                texts.append(block)
                continue
            _spoken(facts, texts)
            _block(facts, block, side, names)
        _spoken(facts, texts)
    turns = [message for message in messages if any(_says(block) for block in message.content)]
    if turns and turns[-1].role == "assistant":
        facts.say("prefill", dialect)


def _says(block):
    return not isinstance(block, Text) or bool(block.text.strip())


def _spoken(facts, texts):
    """What an assistant says in one go is one text, however many blocks it stands in."""
    if any(block.text.strip() for block in texts):
        facts.say("text", "assistant", "".join(block.text for block in texts))
    for block in texts:
        if block.text.strip():
            _beside(facts, block, "text")
    texts.clear()


def _block(facts, block, side, names):
    label = LABELS[type(block)]
    if not _says(block):
        return
    said = _VALUES[type(block)](block, names)
    facts.say(label, side, *said)
    _beside(facts, block, label)


def _beside(facts, block, label):
    facts.cache(label, getattr(block, "cache", None))
    facts.extra(label, getattr(block, "extra", {}))
    for name in _BESIDE.get(type(block), ()):
        value = getattr(block, name)
        if value not in (None, (), False, "auto") and value != {"enabled": False}:
            facts.say(f"{label}.{name}", value)
    for inner in block.content if isinstance(block, ToolResult) else ():
        if _says(inner):
            facts.say("result.content", block.call_id, LABELS[type(inner)], *_VALUES[type(inner)](inner, {}))
            _beside(facts, inner, LABELS[type(inner)])


_BESIDE = {
    Text: ("citations",),
    Image: ("detail",),
    Document: ("context", "citations"),
    ToolResult: ("is_error",),
    Thinking: ("native",),
    ToolCall: ("native",),
}


def arguments_of(text):
    """Arguments as a value where they are JSON."""
    try:
        return json.loads(text.strip() or "{}")
    except ValueError:
        return text


def _opened(source):
    """Bytes that are text, as text."""
    if isinstance(source, Base64Source) and source.media_type.startswith("text/"):
        return TextSource(b64decode(source.data).decode())
    return source


_VALUES = {
    Text: lambda block, names: (block.text,),
    Refusal: lambda block, names: (block.text,),
    Thinking: lambda block, names: (block.text, block.redacted),
    Image: lambda block, names: (block.source,),
    Audio: lambda block, names: (block.data, block.format),
    Document: lambda block, names: (_opened(block.source), block.title),
    ToolCall: lambda block, names: (
        block.id,
        names.get(block.name, block.name),
        block.kind,
        arguments_of(block.arguments),
    ),
    ToolResult: lambda block, names: (block.call_id,),
    ServerTool: lambda block, names: (block.native.data,),
    Unknown: lambda block, names: (block.data,),
}


def of_answer(answer):
    """The facts of a whole answer; its name, its age and the order of its kinds of blocks are none."""
    facts = Facts()
    facts.extra("answer", {key: answer.extra[key] for key in answer.extra if key not in _FORMAL})
    for number, choice in enumerate(answer.choices):
        texts = [block for block in choice.blocks if isinstance(block, Text)]
        facts.say("text", number, "".join(block.text for block in texts))
        for block in choice.blocks:
            _said(facts, block, number)
        _stop(facts, choice, number)
    _usage(facts, answer.usage or Usage())
    return facts


_FORMAL = {"type", "role", "object", "service_tier", "stop_reason", "stop_sequence", "stop_details"}


def _said(facts, block, number):
    label = LABELS[type(block)]
    facts.extra(label, getattr(block, "extra", {}))
    if isinstance(block, Text):
        for citation in block.citations:
            facts.say("text.citations", citation.native if citation.url is None else citation.url)
    elif not isinstance(block, Thinking):
        facts.say(label, number, *_VALUES[type(block)](block, {}))
    elif block.text or block.native is not None:
        facts.say(label, number, block.text, block.redacted)
    native = getattr(block, "native", None)
    opaque = native is not None and bool(native.data) and not isinstance(block, ServerTool)
    if opaque and not any(str(value).startswith(PREFIX) for value in native.data.values()):
        facts.say(f"{label}.native", native)


def _stop(facts, choice, number):
    """A call implies its reason, whatever the upstream said; so each dialect tells it."""
    stop = choice.stop
    if stop is None:
        return
    called = any(isinstance(block, ToolCall) for block in choice.blocks)
    done = stop.reason in ("end", "stop_sequence", "tool_use") or (stop.reason == "other" and not stop.raw)
    word = stop.raw if stop.reason == "other" else None
    facts.say("stop_reason", number, *([("tool_use" if called else "end")] if done else [stop.reason, word]))
    if stop.sequence:
        facts.say("stop_sequence", stop.sequence)
    if stop.details:
        facts.say("stop_details", stop.details)
    facts.extra("stop", {key: value for key, value in stop.extra.items() if value != stop.sequence})


def _usage(facts, usage):
    read, written = usage.cache_read or 0, (usage.cache_write_5m or 0) + (usage.cache_write_1h or 0)
    facts.say("usage", usage.input or 0, read, written, usage.output or 0, usage.reasoning or 0)

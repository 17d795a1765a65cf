"""Amending: where a backend refuses a parameter by name, a translated request goes out again without it.

Relayed requests are never amended: their clients know their own dialect's errors, and act on them. Only knobs
are let go; what carries meaning (messages, tools, formats) is not.
"""

import re

from msgspec import structs

from pointsman.canon.loss import Loss
from pointsman.gateway.judge import RefusalError
from pointsman.gateway.prepare import Prepared
from pointsman.wire.json import decode_object, encode

_STATUSES = frozenset({400, 422})
_RENAMED = {"max_tokens": "max_completion_tokens", "max_completion_tokens": "max_tokens"}
_KNOBS = frozenset(
    {
        "effort",
        "enable_thinking",
        "frequency_penalty",
        "logit_bias",
        "metadata",
        "parallel_tool_calls",
        "presence_penalty",
        "prompt_cache_key",
        "prompt_cache_retention",
        "reasoning",
        "reasoning_effort",
        "safety_identifier",
        "seed",
        "service_tier",
        "store",
        "stream_options",
        "temperature",
        "thinking",
        "top_k",
        "top_p",
        "user",
        "verbosity",
    }
)
_REFUSED = re.compile(
    r"unsupported|not supported|not support|unrecognized|unknown|unexpected|extra (?:inputs|fields)"
    r"|not permitted|not allowed|deprecated|cannot be used",
    re.IGNORECASE,
)
_NAMES = re.compile(r"[a-z]+(?:_[a-z]+)*")


def amend(prepared: Prepared, refusal: RefusalError) -> Prepared | None:
    """The request without the parameter that was refused; None where the refusal names none."""
    if prepared.form != "translate" or refusal.upstream_status not in _STATUSES:
        return None
    fault = refusal.fault()
    if not _REFUSED.search(f"{fault.code or ''} {fault.message}"):
        return None
    body = dict(decode_object(prepared.outgoing.body))
    named = [fault.param] if fault.param else _NAMES.findall(fault.message)
    name = next((name for name in named if name in body and (name in _KNOBS or name in _RENAMED)), None)
    if name is None:
        return None
    value = body.pop(name)
    renamed = _RENAMED.get(name)
    if renamed is not None:
        body.setdefault(renamed, value)
        loss = Loss("approximated", name, f"the backend refused it; sent as {renamed}")
    else:
        loss = Loss("dropped", name, "the backend refused it")
    return structs.replace(
        prepared,
        outgoing=structs.replace(prepared.outgoing, body=encode(body)),
        losses=(*prepared.losses, loss),
    )

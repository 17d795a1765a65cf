"""An estimate of what an exchange took where its answer brought no counts: rather high, and marked."""

from math import ceil

from msgspec import structs

from pointsman.canon.intent import EMBEDDING
from pointsman.canon.usage import Usage
from pointsman.ledger.trace import Trace

_ANSWERING = frozenset({"generate", "completions"})
_PER_TOKEN = 3.0
"""Characters of a text, or bytes of a request's JSON. English has four; code and most languages fewer."""
_AT_MOST = 8.0
"""Characters of a token, on an average of any text: counts that are lower yet were given before the end."""
MOST = 1_000_000_000
"""Tokens of one exchange; what is said to be more, or less than none, is no count."""
_COUNTS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")


def with_estimate(trace: Trace) -> None:
    """Puts an estimate in the place of counts that are missing of an answer that began."""
    if trace.estimated:
        return
    usage = trace.usage = None if trace.usage is None else _credible(trace.usage)
    if trace.operation in EMBEDDING and trace.status == 200 and trace.error is None and usage is None:
        trace.usage, trace.estimated = Usage(input=ceil(trace.sent / _PER_TOKEN), output=0), True
        return
    if trace.operation not in _ANSWERING or trace.status != 200 or not trace.said:
        return
    if usage is not None and _is_whole(usage, trace):
        return
    told = usage or Usage()
    read = told.input if told.input is not None else ceil(trace.sent / _PER_TOKEN)
    trace.usage = Usage(
        input=read,
        cache_read=told.cache_read,
        cache_write_5m=told.cache_write_5m,
        cache_write_1h=told.cache_write_1h,
        output=ceil(trace.said / _PER_TOKEN),
    )
    trace.estimated = True


def _credible(usage: Usage) -> Usage:
    """Without counts that cannot be true."""
    read = (usage.input, usage.cache_read, usage.cache_write_5m, usage.cache_write_1h)
    if all(count is None or 0 <= count <= MOST for count in (*read, usage.output, usage.reasoning)):
        return usage
    counts = {name: getattr(usage, name) for name in _COUNTS}
    odd = {name: None for name, count in counts.items() if count is not None and not 0 <= count <= MOST}
    if odd.keys() & {"output", "reasoning"}:
        # They are parts of one number.
        odd |= {"output": None, "reasoning": None}
    return structs.replace(usage, **odd)


def _is_whole(usage: Usage, trace: Trace) -> bool:
    """Whether the counts are of the whole answer. Anthropic's streams begin with a count of one token, which
    stands until their end tells how many they were."""
    if usage.output is None and usage.reasoning is None:
        return False
    written = (usage.output or 0) + (usage.reasoning or 0)
    return trace.stop is not None or not trace.stream or trace.said <= written * _AT_MOST

"""An estimate of what an exchange took where its answer brought no counts: rather high, and marked."""

from math import ceil

from pointsman.canon.intent import EMBEDDING
from pointsman.canon.usage import Usage
from pointsman.ledger.trace import Trace

_ANSWERING = frozenset({"generate", "completions"})
_PER_TOKEN = 3.0
"""Characters of a text, or bytes of a request's JSON. English has four; code and most languages fewer."""


def with_estimate(trace: Trace) -> None:
    """Puts an estimate in the place of counts that are missing of an answer that began."""
    usage = trace.usage
    if trace.operation in EMBEDDING and trace.status == 200 and trace.error is None and usage is None:
        trace.usage, trace.estimated = Usage(input=ceil(trace.sent / _PER_TOKEN), output=0), True
        return
    if trace.operation not in _ANSWERING or trace.status != 200 or not trace.said:
        return
    if usage is not None and (usage.output is not None or usage.reasoning is not None):
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

"""Records for tests: one exchange that went well, and what is different about another."""

from decimal import Decimal

from pointsman.canon.usage import Usage
from pointsman.ledger.record import record_of
from pointsman.ledger.trace import Trace


def trace(**facts):
    trace = Trace("r1", "POST", "/v1/messages", 1_790_000_000.25)
    usual = {
        "dialect": "anthropic",
        "upstream_dialect": "openai_chat",
        "operation": "generate",
        "asked": "sonnet",
        "model": "m-1",
        "backend": "work",
        "issuer": "openai",
        "account": "default",
        "form": "translate",
        "client": "claude-code",
        "attempts": ["committed"],
        "status": 200,
        "first_byte": 0.25,
        "duration": 1.5,
        "usage": Usage(input=10, cache_read=20, cache_write_5m=3, cache_write_1h=4, output=50, reasoning=6),
    }
    for name, value in {**usual, **facts}.items():
        setattr(trace, name, value)
    return trace


def record(*, cost=Decimal("0.25"), bucket="api", **facts):
    return record_of(trace(**facts), cost, bucket)

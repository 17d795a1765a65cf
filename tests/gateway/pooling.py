"""A pool of accounts behind one backend, and an upstream that answers each key in its own way."""

from contextlib import asynccontextmanager

from rig import backend_table, rig
from voices import ANTHROPIC

from scripted import Reply

KEYS = {"KEY_A": "sk-a-canary", "KEY_B": "sk-b-canary", "KEY_C": "sk-c-canary"}
ONE = """
[backends.anthropic.accounts.default]
key_env = "KEY_A"
"""
ACCOUNTS = """
[backends.anthropic.accounts.default]
key_env = "KEY_A"
[backends.anthropic.accounts.b]
key_env = "KEY_B"
"""


def key_of(seen):
    return seen.header("x-api-key") or (seen.header("authorization") or "").removeprefix("Bearer ")


def by_key(**replies):
    """An upstream that answers each key in its own way; what was not foreseen is a plain answer."""

    def answer(seen) -> Reply:
        name = next(name for name, key in KEYS.items() if key == key_of(seen)).removeprefix("KEY_").lower()
        reply = replies.get(name)
        reply = reply(seen) if callable(reply) else reply
        return reply or (ANTHROPIC.stream() if seen.json().get("stream") else ANTHROPIC.whole())

    return answer


@asynccontextmanager
async def pooled(upstream, *, accounts=ACCOUNTS, settings="", environment=None, **others):
    table = backend_table("anthropic", upstream, f'models = ["{ANTHROPIC.model}"]')
    table = table.replace('"anthropic-compatible"', '"anthropic"')
    lines = f"{settings}\n{table}\n{accounts}"
    async with rig(settings=lines, environment={**KEYS, **(environment or {})}, **others) as gateway:
        yield gateway


def keys(server):
    return [key_of(seen).split("-")[1] for seen in server.requests]


def limited(seconds=None):
    headers = () if seconds is None else (("retry-after", str(seconds)),)
    return ANTHROPIC.refusal(429, "rate_limit_error", "Too many", headers)


def session(name):
    return ("x-claude-code-session-id", name)

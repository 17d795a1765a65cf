"""A day of traffic by a script: every figure of the pages, against what the script itself says was used."""

from collections import Counter, defaultdict
from contextlib import AsyncExitStack
from math import ceil
from typing import Any

import pytest
from msgspec import Struct
from recorded import recorded
from rig import rig
from voices import ANTHROPIC, CHAT, GEMINI, RESPONSES, VOICES

from scripted import HANG, Upstream, json_reply, run, sse

USAGE = {
    "anthropic": "usage",
    "openai_chat": "usage",
    "openai_responses": "usage",
    "gemini": "usageMetadata",
}
QUIRKS = [
    # Anthropic: input without what was cached, writes by their lifetimes, thinking within the output.
    (
        ANTHROPIC,
        {
            "input_tokens": 11,
            "cache_read_input_tokens": 70,
            "cache_creation_input_tokens": 30,
            "cache_creation": {"ephemeral_5m_input_tokens": 10, "ephemeral_1h_input_tokens": 20},
            "output_tokens": 40,
            "output_tokens_details": {"thinking_tokens": 15},
        },
        (11, 70, 30, 25, 15),
    ),
    (ANTHROPIC, {"input_tokens": 3, "output_tokens": 2, "cache_creation_input_tokens": 6}, (3, 0, 6, 2, 0)),
    # OpenAI: cached within the input, reasoning within the output.
    (
        CHAT,
        {
            "prompt_tokens": 50,
            "completion_tokens": 40,
            "total_tokens": 90,
            "prompt_tokens_details": {"cached_tokens": 20},
            "completion_tokens_details": {"reasoning_tokens": 30},
        },
        (30, 20, 0, 10, 30),
    ),
    # xAI: reasoning beside the output, as the total shows.
    (
        CHAT,
        {
            "prompt_tokens": 50,
            "completion_tokens": 5,
            "total_tokens": 85,
            "completion_tokens_details": {"reasoning_tokens": 30},
        },
        (50, 0, 0, 5, 30),
    ),
    # DeepSeek's and Moonshot's names for what was read from a cache.
    (
        CHAT,
        {
            "prompt_tokens": 20,
            "completion_tokens": 7,
            "total_tokens": 27,
            "prompt_cache_hit_tokens": 12,
            "prompt_cache_miss_tokens": 8,
        },
        (8, 12, 0, 7, 0),
    ),
    (
        CHAT,
        {"prompt_tokens": 20, "completion_tokens": 7, "total_tokens": 27, "cached_tokens": 4},
        (16, 4, 0, 7, 0),
    ),
    (
        RESPONSES,
        {
            "input_tokens": 60,
            "input_tokens_details": {"cached_tokens": 40},
            "output_tokens": 33,
            "output_tokens_details": {"reasoning_tokens": 13},
            "total_tokens": 93,
        },
        (20, 40, 0, 20, 13),
    ),
    # Google: thoughts beside the candidates, cached within the prompt.
    (
        GEMINI,
        {
            "promptTokenCount": 44,
            "cachedContentTokenCount": 14,
            "candidatesTokenCount": 6,
            "thoughtsTokenCount": 21,
            "totalTokenCount": 71,
        },
        (30, 14, 0, 6, 21),
    ),
]
"""What a provider says, and what it means: input, read from a cache, written to one, output, reasoning."""
TOKENS = ("input_tokens", "cache_read_tokens", "cache_write_tokens", "output_tokens", "reasoning_tokens")
SAID = "Hello there"
"""All that is said before a client leaves."""
CLAIMS = {
    "five_hour": "subscription",
    "seven_day": "subscription",
    "five_hour_fallback": "subscription_fallback",
    "overage": "extra_usage",
    "never_heard_of": "unknown",
}
RATES = {"input": 2.0, "output": 10.0, "cache_read": 0.2, "cache_write": 2.5, "cache_write_1h": 4.0}
BACKENDS = """
[backends.plan]
provider = "anthropic"
base_url = "{plan}"
key_env = "PLAN"
models = ["claude-p"]

[backends.home]
provider = "ollama"
base_url = "{home}/v1"
models = ["llama"]

[backends.two]
provider = "openai-compatible"
base_url = "{two}/v1"
key_env = "ONE"
models = ["pair"]

[backends.two.accounts.spare]
key_env = "OTHER"

[prices."*"]
"""
SETTINGS = BACKENDS + "".join(f"{name} = {rate}\n" for name, rate in RATES.items())


class Meant(Struct):
    """What one exchange of the day used, by the script."""

    backend: str
    model: str
    bucket: str
    tokens: tuple[int, int, int, int, int] = (0, 0, 0, 0, 0)
    account: str = "default"
    session: str | None = None
    failed: bool = False
    dollars: float | None = None

    @property
    def cost(self):
        """US dollars, by the rates above; writes for an hour are told apart by whoever made the exchange."""
        if self.dollars is not None:
            return self.dollars
        read, cached, written, output, reasoning = self.tokens
        rates = RATES["input"] * read + RATES["cache_read"] * cached + RATES["cache_write"] * written
        return (rates + RATES["output"] * (output + reasoning)) / 1e6


class Day:
    """The script: each step asks one thing, and notes what it means."""

    def __init__(self, gateway, servers):
        self.gateway = gateway
        self.servers = servers
        self.meant: list[Meant] = []

    async def quirks(self):
        for voice, usage, tokens in QUIRKS:
            reply = json_reply({**voice.answer, USAGE[voice.name]: usage})
            self.servers[voice.name].then(reply)
            await self.gateway.ask(voice, ("x-session-id", f"of-{voice.name}"))
            hour = usage.get("cache_creation", {}).get("ephemeral_1h_input_tokens", 0)
            made = Meant(voice.name, voice.model, "api", tokens, session=f"x-session-id=of-{voice.name}")
            made.dollars = made.cost + hour * (RATES["cache_write_1h"] - RATES["cache_write"]) / 1e6
            self.meant.append(made)

    async def claims(self):
        for claim, bucket in CLAIMS.items():
            told = "anthropic-ratelimit-unified-"
            head = ((f"{told}status", "allowed"), (f"{told}representative-claim", claim))
            usage = {"input_tokens": 100, "output_tokens": 10}
            self.servers["plan"].then(_answer(ANTHROPIC, "claude-p", usage, head))
            await self._post(ANTHROPIC, "plan:claude-p")
            self.meant.append(Meant("plan", "claude-p", bucket, (100, 0, 0, 10, 0)))

    async def at_home(self):
        usage = {"prompt_tokens": 15, "completion_tokens": 5, "total_tokens": 20}
        self.servers["home"].then(_answer(CHAT, "llama", usage))
        await self._post(CHAT, "home:llama")
        self.meant.append(Meant("home", "llama", "local", (15, 0, 0, 5, 0)))

    async def failover(self):
        limited = CHAT.refusal(429, "rate_limit_error", "slow down", (("retry-after", "3600"),))
        usage = {"prompt_tokens": 25, "completion_tokens": 5, "total_tokens": 30}
        self.servers["two"].then(limited, _answer(CHAT, "pair", usage))
        await self._post(CHAT, "two:pair")
        keys = [request.header("authorization") for request in self.servers["two"].requests]
        assert sorted(keys) == ["Bearer sk-one", "Bearer sk-other"]
        account = "spare" if keys[-1] == "Bearer sk-other" else "default"
        self.meant.append(Meant("two", "pair", "api", (25, 0, 0, 5, 0), account))

    async def errors(self):
        for voice in VOICES.values():
            self.servers[voice.name].then(voice.refusal(400, "invalid_request_error", "no"))
            await self.gateway.ask(voice)
            self.meant.append(Meant(voice.name, voice.model, "unknown", failed=True))

    async def aborted(self):
        """Streams that their clients leave: rather high, by what was said and sent."""
        for voice in (ANTHROPIC, CHAT):
            self.servers[voice.name].then(sse(*voice.frames[: voice.content + 2], HANG))
            async with self.gateway.asking(voice, stream=True) as call:
                await call.until(b"Hello")
            # The client's body also says where the model is.
            sent = len(self.servers[voice.name].requests[-1].body) + len(f"{voice.name}:")
            read = 9 if voice is ANTHROPIC else ceil(sent / 3)
            tokens = (read, 0, 0, ceil(len(SAID) / 3), 0)
            self.meant.append(Meant(voice.name, voice.model, "api", tokens, failed=True))

    async def _post(self, voice, model):
        body = {**voice.request(), "model": model}
        answer = await self.gateway.post(voice.path, body, *voice.headers)
        assert answer.status == 200


def _answer(voice, model, usage, headers=()):
    return json_reply({**voice.answer, "model": model, "usage": usage}, headers=headers)


async def day():
    """What the script meant, the records, and what the pages say."""
    async with AsyncExitStack() as stack:
        names = (*VOICES, "plan", "home", "two")
        servers = {name: await stack.enter_async_context(Upstream()) for name in names}
        settings = SETTINGS.format(**{name: servers[name].url for name in ("plan", "home", "two")})
        keys = {"PLAN": "sk-ant-plan", "ONE": "sk-one", "OTHER": "sk-other"}
        own = {name: servers[name] for name in VOICES}
        gateway = await stack.enter_async_context(rig(settings=settings, environment=keys, **own))
        script = Day(gateway, servers)
        for part in (script.quirks, script.claims, script.at_home, script.failover, script.errors):
            await part()
        await script.aborted()
        rows = await recorded(gateway)
        page = (await gateway.get("/analytics?window=1d")).json()
        usage = {
            by: (await gateway.get(f"/usage?by={by}")).json()
            for by in ("model", "backend", "account", "bucket", "session", "client", "day")
        }
        return script.meant, rows, page, usage


@pytest.fixture
def told(home):
    """The day, which is the same for every question."""
    return run(day())


def sums(meant: list[Meant]) -> dict[str, Any]:
    counted = dict(zip(TOKENS, map(sum, zip(*[each.tokens for each in meant], strict=True)), strict=True))
    return {"requests": len(meant), **counted, "cost": pytest.approx(sum(each.cost for each in meant))}


def test_every_exchange_is_recorded_as_it_was_meant(told):
    meant, rows, _, _ = told
    found = [(row["backend"], row["account"], row["model"], row["bucket"]) for row in rows]

    assert found == [(each.backend, each.account, each.model, each.bucket) for each in meant]


def test_the_totals_are_what_the_script_used(told):
    meant, _, page, usage = told
    expected = sums(meant)

    assert {name: page["total"][name] for name in expected} == expected
    assert all({name: each["total"][name] for name in expected} == expected for each in usage.values())
    assert page["total"]["errors"] == sum(each.failed for each in meant)
    assert page["total"]["error_rate"] == round(sum(each.failed for each in meant) / len(meant), 4)
    assert page["missing"] == {"dropped": 0, "lost": 0}


NAMES = {
    "model": lambda each: each.model,
    "backend": lambda each: each.backend,
    "account": lambda each: f"{each.backend}/{each.account}",
    "bucket": lambda each: each.bucket,
}


@pytest.mark.parametrize("by", NAMES)
def test_each_row_is_what_the_script_used_for_it(told, by):
    meant, _, page, usage = told
    groups = defaultdict(list)
    for each in meant:
        groups[NAMES[by](each)].append(each)

    for rows in (page[f"by_{by}"], usage[by]["rows"]):
        found = {row[by]: row for row in rows}
        assert found.keys() == groups.keys()
        for name, group in groups.items():
            expected = sums(group)
            assert {key: found[name][key] for key in expected} == expected
            assert found[name]["errors"] == sum(each.failed for each in group)


def test_sessions_that_clients_name_are_rows_of_their_own(told):
    meant, _, page, usage = told
    named = Counter(each.session for each in meant if each.session)

    for rows in (page["by_session"], usage["session"]["rows"]):
        found = {row["session"]: row["requests"] for row in rows}
        assert {name: found[name] for name in named} == named
        assert sum(found.values()) == len(meant)


def test_what_a_plan_has_paid_is_told_apart(told):
    meant, _, page, _ = told
    plan = [each for each in meant if each.bucket in {"subscription", "subscription_fallback"}]
    billed = [each for each in meant if each.bucket not in {"local", "unknown"}]

    assert page["subscriptionPercent"] == round(100 * len(plan) / len(billed), 2)
    assert page["total"]["covered_by_plan"] == pytest.approx(sum(each.cost for each in plan))
    rest = sum(each.cost for each in meant) - sum(each.cost for each in plan)
    assert page["total"]["spent"] == pytest.approx(rest)


def test_percentiles_are_those_of_the_answers_that_came(told):
    _, rows, page, _ = told
    answered = [row for row in rows if row["status"] == 200 and row["error"] is None]

    for name in ("duration", "first_byte"):
        values = sorted(row[name] for row in answered)
        for rank in (50, 95, 99):
            assert page["total"][name][f"p{rank}"] == values[ceil(rank / 100 * len(values)) - 1]

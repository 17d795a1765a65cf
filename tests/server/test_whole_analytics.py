"""The analytics page and `usage`, over the day of a whole gateway: every figure, added up independently."""

import json
from contextlib import AsyncExitStack

import pytest
from recorded import recorded
from rig import rig
from voices import ANTHROPIC, CHAT, GEMINI, RESPONSES, VOICES, chunk

from scripted import HANG, Upstream, json_reply, run, sse

PRICED = '[prices."claude-*"]\ninput = 2.0\noutput = 10.0\ncache_read = 0.2\ncache_write = 2.5\n'
CACHED = {
    "input_tokens": 5,
    "cache_read_input_tokens": 70,
    "cache_creation_input_tokens": 30,
    "output_tokens": 8,
}
REASONED = {
    "prompt_tokens": 50,
    "completion_tokens": 40,
    "total_tokens": 90,
    "prompt_tokens_details": {"cached_tokens": 20},
    "completion_tokens_details": {"reasoning_tokens": 30},
}


async def traffic(gateway, servers):
    """A day: every API, cached and thought tokens, errors, aborted and uncounted streams."""
    for voice in VOICES.values():
        servers[voice.name].then(
            voice.whole(), voice.stream(), voice.refusal(400, "invalid_request_error", "no")
        )
        for stream in (False, True, False):
            await gateway.ask(voice, stream=stream)
        servers[voice.name].then(sse(*voice.frames[: voice.content + 2], HANG))
        async with gateway.asking(voice, stream=True) as call:
            await call.until(b"Hello")
    servers["anthropic"].then(json_reply({**ANTHROPIC.answer, "usage": CACHED}))
    await gateway.ask(ANTHROPIC, ("user-agent", "claude-cli/2.1.0 (external, cli)"))
    servers["openai_chat"].then(json_reply({**CHAT.answer, "usage": REASONED}))
    await gateway.ask(RESPONSES, backend="openai_chat")
    servers["openai_chat"].then(
        sse(chunk({"role": "assistant", "content": "x" * 90}), chunk({}, finish="stop"), b"data: [DONE]\n\n")
    )
    await gateway.ask(CHAT, stream=True)
    await gateway.ask(GEMINI, backend="nobody", model="nobody:x")


def added(rows):
    """The total of records, by plain sums."""
    total = {
        "requests": len(rows),
        "input_tokens": 0,
        "cache_read_tokens": 0,
        "cache_write_tokens": 0,
        "output_tokens": 0,
        "reasoning_tokens": 0,
    }
    for row in rows:
        total["input_tokens"] += row["input"] or 0
        total["cache_read_tokens"] += row["cache_read"] or 0
        total["cache_write_tokens"] += (row["cache_write_5m"] or 0) + (row["cache_write_1h"] or 0)
        total["output_tokens"] += row["output"] or 0
        total["reasoning_tokens"] += row["reasoning"] or 0
    return total


async def day():
    """A scripted day: the records, and what the pages say of it."""
    async with AsyncExitStack() as stack:
        servers = {name: await stack.enter_async_context(Upstream()) for name in VOICES}
        gateway = await stack.enter_async_context(rig(settings=PRICED, **servers))
        await traffic(gateway, servers)
        rows = await recorded(gateway)
        page = (await gateway.get("/analytics?window=1d")).json()
        return rows, page, (await gateway.get("/usage?by=bucket")).json()


def test_the_figures_equal_an_independent_sum_over_a_scripted_day():
    rows, page, usage = run(day())

    assert len(rows) == 4 * 4 + 4
    sums = added(rows)
    # The same, from what the upstreams said: four dialects, each whole and streamed, and what came besides.
    assert sums["cache_read_tokens"] == 70 + 20
    assert sums["cache_write_tokens"] == 30
    assert sums["reasoning_tokens"] == 30
    assert {name: page["total"][name] for name in sums} == sums
    assert {name: usage["total"][name] for name in sums} == sums
    errors = [row for row in rows if row["error"] is not None]
    assert page["total"]["errors"] == len(errors) == 4 + 4 + 1
    assert page["total"]["error_rate"] == pytest.approx(9 / 20, abs=1e-4)
    dollars = sum(row["cost"] or 0 for row in rows) / 1e9
    assert page["total"]["cost"] == usage["total"]["cost"] == pytest.approx(dollars)
    cached = next(row for row in rows if row["cache_read"] == 70)
    assert cached["cost"] == 5 * 2000 + 70 * 200 + 30 * 2500 + 8 * 10_000
    assert page["total"]["unpriced"] == sum(row["cost"] is None and bool(row["input"]) for row in rows)
    clients = {row["client"]: row["requests"] for row in page["by_client"]}
    assert clients["claude-code"] == 1
    assert sum(row["estimated"] for row in rows) >= 1
    assert page["missing"] == {"dropped": 0, "lost": 0}


def test_the_page_takes_the_main_key_only_and_says_what_it_can_be_asked():
    async def scenario():
        async with (
            Upstream() as server,
            rig(openai_chat=server, environment={"POINTSMAN_API_KEY": "pm-main"}) as gateway,
        ):
            key = ("authorization", "Bearer pm-main")
            without = await gateway.get("/analytics")
            good = await gateway.get("/analytics?by=model&by=session", key)
            bad = [await gateway.get(f"/analytics?{asked}", key) for asked in ("window=soon", "by=colour")]
            return without, good, bad

    without, good, bad = run(scenario())

    assert without.status == 401
    assert {name for name in good.json() if name.startswith("by_")} == {"by_model", "by_session"}
    assert [answer.status for answer in bad] == [400, 400]
    assert "30m, 24h or 7d" in json.dumps(bad[0].json())
    assert "model, backend" in json.dumps(bad[1].json())

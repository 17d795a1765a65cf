"""`/metrics`: what it counts, how many series there are, and to whom it is shown."""

import json
import re
import struct
import time

from rig import eventually, rig
from voices import ANTHROPIC, CHAT

from scripted import Reply, Upstream, json_reply, run

SAMPLE = re.compile(r"(?P<name>[a-z_]+)(?:\{(?P<labels>.*)\})? (?P<value>\S+)")
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\]|\\.)*)"')
RESET = int(time.time()) + 3600
LIMITS = (
    ("anthropic-ratelimit-unified-status", "allowed"),
    ("anthropic-ratelimit-unified-representative-claim", "five_hour"),
    ("anthropic-ratelimit-unified-5h-utilization", "0.25"),
    ("anthropic-ratelimit-unified-5h-reset", str(RESET)),
)


def samples(text):
    """Each sample's value, by name and labels."""
    found = {}
    for line in text.splitlines():
        if line.startswith("#"):
            continue
        sample = SAMPLE.fullmatch(line)
        assert sample, line
        labels = frozenset(LABEL.findall(sample["labels"] or ""))
        assert (sample["name"], labels) not in found
        found[sample["name"], labels] = float(sample["value"])
    return found


async def scraped(gateway):
    await gateway.settled()
    answer = await gateway.get("/metrics")
    assert answer.status == 200
    assert answer.header("content-type") == "text/plain; version=0.0.4; charset=utf-8"
    return answer.body.decode()


def value(found, name, **labels):
    """The sum of a family's samples with these labels."""
    wanted = set(labels.items())
    return sum(number for (each, has), number in found.items() if each == name and wanted <= has)


def test_an_exchange_is_counted_under_all_its_labels():
    async def scenario():
        async with Upstream(CHAT.whole()) as upstream, rig(openai_chat=upstream) as gateway:
            await gateway.ask(ANTHROPIC, ("user-agent", "claude-cli/2.1"), backend="openai_chat")
            found = samples(await scraped(gateway))

            labels = {
                "backend": "openai_chat",
                "model": CHAT.model,
                "dialect": "anthropic",
                "upstream_dialect": "openai_chat",
                "status": "2xx",
                "bucket": "api",
            }
            assert found["pointsman_requests_total", frozenset(labels.items())] == 1
            assert value(found, "pointsman_request_duration_seconds_count", backend="openai_chat") == 1
            assert value(found, "pointsman_time_to_first_byte_seconds_bucket", le="+Inf") == 1
            assert value(found, "pointsman_attempts_total", backend="openai_chat", outcome="committed") == 1
            assert value(found, "pointsman_client_requests_total", client="claude-code") == 1
            assert value(found, "pointsman_requests_in_flight") == 0
            assert value(found, "pointsman_accounts", backend="openai_chat", status="free") == 1

    run(scenario())


def test_tokens_are_counted_in_disjoint_kinds_and_cost_by_the_users_price():
    usage = {"input_tokens": 7, "cache_read_input_tokens": 100, "cache_creation_input_tokens": 20}
    whole = {**json.loads(ANTHROPIC.whole().body), "usage": {**usage, "output_tokens": 5}}
    price = (
        f'[prices."{ANTHROPIC.model}"]\ninput = 100000\noutput = 200000\ncache_read = 0\ncache_write = 0\n'
    )

    async def scenario():
        async with (
            Upstream(json_reply(whole)) as upstream,
            rig(settings=price, anthropic=upstream) as gateway,
        ):
            await gateway.ask(ANTHROPIC)
            found = samples(await scraped(gateway))

            kinds = ("input", "cache_read", "cache_write", "output", "reasoning")
            spent = [value(found, "pointsman_tokens_total", kind=kind) for kind in kinds]
            assert spent == [7, 100, 20, 5, 0]
            assert value(found, "pointsman_cost_dollars_total", model=ANTHROPIC.model, bucket="api") == 1.7
            assert value(found, "pointsman_unpriced_requests_total") == 0

    run(scenario())


def test_a_failover_and_what_was_lost_are_counted():
    broken = Reply(529, (("content-type", "application/json"),), b"{}")
    settings = 'fallbacks = ["openai_chat:' + CHAT.model + '"]'

    async def scenario():
        async with (
            Upstream(broken, broken, broken) as first,
            Upstream(CHAT.whole()) as second,
            rig(settings=settings, anthropic=first, openai_chat=second) as gateway,
        ):
            gateway.hurry()
            answer = await gateway.ask(ANTHROPIC, backend="anthropic", top_k=5)
            found = samples(await scraped(gateway))

            assert answer.status == 200
            assert value(found, "pointsman_failovers_total", backend="openai_chat") == 1
            refused = value(found, "pointsman_attempts_total", outcome="refused")
            assert refused == len(first.requests)
            assert value(found, "pointsman_losses_total", dialect="anthropic", kind="dropped") >= 1

    run(scenario())


def test_limits_are_told_by_account_and_window():
    whole = ANTHROPIC.whole()
    limited = Reply(whole.status, (*whole.headers, *LIMITS), whole.body)

    async def scenario():
        async with Upstream(limited) as upstream, rig(anthropic=upstream) as gateway:
            await gateway.ask(ANTHROPIC)
            found = samples(await scraped(gateway))

            assert value(found, "pointsman_account_headroom_ratio", account="default") == 0.75
            assert value(found, "pointsman_window_headroom_ratio", window="five_hour") == 0.75
            resets = value(found, "pointsman_window_reset_timestamp_seconds", window="five_hour")
            assert resets == RESET

    run(scenario())


def test_names_that_clients_make_up_make_no_series():
    async def scenario():
        refusing = Upstream()
        refusing.always = json_reply({"error": {"message": "no such model"}}, 404)
        async with refusing as upstream, rig(openai_chat=upstream) as gateway:
            for number in range(30):
                await gateway.ask(CHAT, backend="openai_chat", model=f"openai_chat:made-up-{number}")
                await gateway.post("/v1/chat/completions", {"model": f"unheard-of-{number}", "messages": []})
            text = await scraped(gateway)

            assert "made-up" not in text
            assert "unheard-of" not in text
            assert value(samples(text), "pointsman_requests_total", model="other", status="4xx") == 30
            assert value(samples(text), "pointsman_requests_total") == 60

    run(scenario())


def test_only_the_endpoints_key_opens_it():
    async def scenario():
        environment = {"POINTSMAN_API_KEY": "canary-of-the-endpoint"}
        async with rig(environment=environment) as gateway:
            await gateway.ask(CHAT)
            without = await gateway.get("/metrics")
            with_key = await gateway.get("/metrics", ("authorization", "Bearer canary-of-the-endpoint"))

            assert without.status == 401
            assert with_key.status == 200
            assert b"canary" not in with_key.body
            await eventually(lambda: not gateway.app.service.ledger.waiting)
            again = await gateway.get("/metrics", ("authorization", "Bearer canary-of-the-endpoint"))
            assert value(samples(again.body.decode()), "pointsman_rejected_requests_total") == 1

    run(scenario())


def test_what_was_lost_with_a_run_that_was_killed_is_known(home):
    (home / "run").mkdir(parents=True)
    dead = 4_194_305  # more than the system's highest process id
    (home / "run" / f"ledger-{dead}-before.count").write_bytes(struct.pack("<QQ", 5, 2))

    async def scenario():
        async with rig() as gateway:
            await eventually(lambda: gateway.app.service.ledger.lost)
            found = samples(await scraped(gateway))

            assert value(found, "pointsman_ledger_lost_total") == 5
            assert value(found, "pointsman_ledger_dropped_total") == 0

    run(scenario())

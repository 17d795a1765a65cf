"""What an exchange cost: by the user's own prices, by the list, and when it is not known."""

import datetime
import subprocess
import sys
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec import structs

from pointsman.canon.usage import Usage
from pointsman.catalog.price import Price
from pointsman.config import shipped
from pointsman.ledger.cost import Costs, cost
from pointsman.ledger.price_list import listed
from pointsman.ledger.trace import Trace

NOON = datetime.datetime(2026, 11, 27, 12, tzinfo=datetime.UTC)
COUNTS = ("input", "cache_read", "cache_write_5m", "cache_write_1h", "output", "reasoning")
FULL = Price(3.0, 15.0, 0.3, 3.75, 6.0, 20.0)

tokens = st.integers(0, 10**9)
rates = st.integers(0, 10**9).map(lambda millionths: millionths / 10**6)
usages = st.builds(Usage, **dict.fromkeys(COUNTS, tokens))
prices = st.builds(Price, rates, rates, rates, rates, rates, rates)


def exchange(usage, *, model="m", backend="b", issuer="anthropic", when=NOON):
    started = when.timestamp()
    return Trace("1", "POST", "/", started, model=model, backend=backend, issuer=issuer, usage=usage)


def costs(own=None, by=listed):
    return Costs(own or {}, shipped.providers(), by)


def plus(one, other):
    return Usage(**{name: getattr(one, name) + getattr(other, name) for name in COUNTS})


@given(usages, usages, prices)
def test_two_exchanges_cost_what_their_sum_costs(one, other, price):
    assert cost(plus(one, other), price) == cost(one, price) + cost(other, price)


@given(usages, prices, st.sampled_from(COUNTS), tokens)
def test_more_tokens_never_cost_less(usage, price, name, more):
    longer = structs.replace(usage, **{name: getattr(usage, name) + more})

    assert cost(longer, price) >= cost(usage, price)


@given(usages, prices)
def test_what_is_all_counted_and_priced_is_never_unknown(usage, price):
    assert cost(usage, price) is not None


@given(usages, prices, st.sampled_from(["input", "output", "cache_read", "cache_write", "cache_write_1h"]))
def test_a_missing_rate_makes_the_whole_unknown_where_tokens_need_it(usage, price, field):
    needed = {
        "input": usage.input,
        "cache_read": usage.cache_read,
        "cache_write": usage.cache_write_5m,
        "cache_write_1h": usage.cache_write_1h,
        "output": usage.output,
    }

    found = cost(usage, structs.replace(price, **{field: None}))

    assert (found is None) == (needed[field] > 0)


def test_every_bucket_has_its_own_rate():
    each = {name: cost(Usage(**{**dict.fromkeys(COUNTS, 0), name: 1_000_000}), FULL) for name in COUNTS}

    assert each == {
        "input": 3,
        "cache_read": Decimal("0.3"),
        "cache_write_5m": Decimal("3.75"),
        "cache_write_1h": 6,
        "output": 15,
        "reasoning": 20,
    }


def test_thinking_costs_what_other_output_costs_unless_it_has_a_price():
    assert cost(Usage(input=0, reasoning=1_000_000), structs.replace(FULL, reasoning=None)) == 15


def test_the_sum_is_exact():
    assert cost(Usage(input=1, output=3), Price(0.1, 0.2)) == Decimal("0.0000007")


def test_a_side_that_was_not_counted_is_unknown_not_free():
    assert cost(Usage(), FULL) is None
    assert cost(Usage(input=5), FULL) is None
    assert cost(Usage(output=5), FULL) is None
    assert cost(Usage(cache_read=10, reasoning=1), FULL) is not None


def test_a_model_without_output_costs_its_input():
    assert cost(Usage(input=1_000_000), Price(0.02)) == Decimal("0.02")


def test_a_fee_for_a_request_is_added_once():
    assert cost(Usage(input=0, output=0), Price(1.0, 1.0, request=14_000.0)) == Decimal("0.014")


REAL = [
    # https://platform.claude.com/docs/en/models/opus-5-5/overview: 4, 0.20, 5, 8 and 20 dollars
    (
        "anthropic",
        "claude-opus-5-5",
        Usage(1000, 2000, 3000, 4000, 500, 250, "standard"),
        "0.0664",
    ),
    # the list for https://developers.openai.com/api/docs/pricing: 5, 0.50 and 30 dollars to 272,000 tokens
    ("openai", "gpt-5.5", Usage(input=2000, cache_read=200_000, output=100, reasoning=900), "0.14"),
    # beyond them 10, 1 and 45 dollars for all of it
    ("openai", "gpt-5.5", Usage(input=100_000, cache_read=200_000, output=1000), "1.245"),
    # in the priority tier 12.50, 1.25 and 75 dollars
    ("openai", "gpt-5.5", Usage(input=2000, cache_read=1000, output=100, service_tier="priority"), "0.03375"),
    # the list for https://ai.google.dev/gemini-api/docs/pricing: 0.30, 0.03 and 2.50 dollars
    (
        "google",
        "gemini-3.5-flash-lite",
        Usage(input=1000, cache_read=9000, output=10, reasoning=90),
        "0.00082",
    ),
    # https://api-docs.deepseek.com/quick_start/pricing: 0.15, 0.003 and 0.60 dollars at noon
    ("deepseek", "deepseek-flash", Usage(input=1000, cache_read=10_000, output=500), "0.00048"),
]


@pytest.mark.parametrize(("issuer", "model", "usage", "dollars"), REAL)
def test_real_exchanges_cost_what_the_published_prices_come_to(issuer, model, usage, dollars):
    assert costs().of(exchange(usage, model=model, issuer=issuer)) == Decimal(dollars)


def test_the_hour_and_the_day_decide_where_the_provider_says_so():
    usage = Usage(input=1000, cache_read=10_000, output=500)
    peak = costs().of(exchange(usage, model="deepseek-flash", issuer="deepseek", when=NOON.replace(hour=7)))
    gemini = Usage(input=1_000_000, output=0)
    now = costs().of(exchange(gemini, model="gemini-3.8-flash", issuer="google"))
    later = NOON.replace(year=2027)
    then = costs().of(exchange(gemini, model="gemini-3.8-flash", issuer="google", when=later))

    assert peak == Decimal("0.00096")
    assert (now, then) == (Decimal("0.75"), Decimal("1.5"))


def test_fast_mode_costs_what_fast_mode_costs():
    usage = Usage(input=1_000_000, output=0, service_tier="standard", extra={"speed": "fast"})

    assert costs().of(exchange(usage, model="claude-opus-5-5")) == 8
    assert costs().of(exchange(usage, model="claude-haiku-5-5")) is None


@pytest.mark.parametrize("tier", ["default", "standard", "auto", None])
def test_words_for_the_usual_service_do_not_change_the_price(tier):
    usage = Usage(input=1_000_000, output=0, service_tier=tier)

    assert costs().of(exchange(usage, model="claude-sonnet-4-5")) == 6


def test_a_tier_that_the_list_does_not_price_is_unknown():
    usage = Usage(input=1_000_000, output=0, service_tier="priority")

    assert costs().of(exchange(usage, model="claude-opus-5-5")) is None


def test_a_model_or_a_provider_that_nobody_lists_is_unknown_not_free():
    usage = Usage(input=10, output=10)

    assert costs().of(exchange(usage, model="claude-made-up")) is None
    assert costs().of(exchange(usage, model="qwen3", issuer="ollama")) is None
    assert costs().of(exchange(usage, model="x", issuer="no-such-row")) is None
    assert costs().of(exchange(usage, model="x", issuer=None)) is None
    assert costs().of(exchange(None, model="claude-opus-5-5")) is None


def test_tokens_that_the_list_has_no_rate_for_make_the_whole_unknown():
    read = Usage(input=10, cache_read=10, output=10)

    assert costs().of(exchange(read, model="mistral-large-latest", issuer="mistral")) is None


def test_what_is_free_costs_nothing_though_nobody_counted():
    assert costs().of(exchange(None, model="local", issuer="embedded")) == 0
    assert costs().of(exchange(None, model="meta-llama/Llama-4:free", issuer="openrouter")) == 0


def test_the_users_own_price_goes_before_the_list_and_before_what_is_free():
    own = {"claude-*": Price(1.0, 1.0), "*": Price(2.0, 2.0)}
    usage = Usage(input=1_000_000, output=0)

    assert costs(own).of(exchange(usage, model="Claude-Opus-5-5")) == 1
    assert costs(own).of(exchange(usage, model="local", issuer="embedded")) == 2


def test_a_price_of_ones_own_may_be_for_one_backend():
    own = {"Desk:*": Price(0.0, 0.0)}
    usage = Usage(input=1_000_000, output=0)

    assert costs(own).of(exchange(usage, model="qwen3:8b", backend="desk", issuer="vllm")) == 0
    assert costs(own).of(exchange(usage, model="qwen3:8b", backend="other", issuer="vllm")) is None


def test_what_a_price_of_ones_own_leaves_out_is_unknown():
    own = {"claude-opus-5-5": Price(1.0, 1.0)}

    assert costs(own).of(exchange(Usage(input=1, cache_read=1, output=1), model="claude-opus-5-5")) is None


@pytest.mark.parametrize("row", [row for row in shipped.providers().values() if row.price_list])
def test_every_row_that_names_a_list_names_one_that_exists(row):
    from genai_prices.data import providers

    assert row.price_list in {provider.id for provider in providers}


def test_the_list_is_not_loaded_before_a_price_is_looked_up():
    code = "import sys; import pointsman.app, pointsman.ledger.cost, pointsman.ledger.price_list; "
    code += "print([name for name in sys.modules if name.split('.')[0] in ('genai_prices', 'pydantic')])"

    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert shown.stdout.strip() == "[]"


def test_a_clouds_tier_is_not_priced_by_the_company_whose_model_it_lends():
    usage = Usage(input=1_000_000, output=0)

    assert costs().of(exchange(usage, model="gpt-5.5", issuer="azure")) == 10
    fast = structs.replace(usage, service_tier="priority")
    assert costs().of(exchange(fast, model="gpt-5.5", issuer="azure")) is None

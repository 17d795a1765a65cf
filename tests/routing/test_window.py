"""What providers say of their limits, as they say it."""

from datetime import UTC, datetime
from email.utils import formatdate
from math import isfinite

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.catalog.provider import RateLimits
from pointsman.config.shipped import providers
from pointsman.routing.window import FARTHEST, MOST, Window, reported

NOW = 1_790_000_000.0
ROWS = providers()
ANTHROPIC = {
    "anthropic-ratelimit-requests-limit": "50",
    "anthropic-ratelimit-requests-remaining": "40",
    "anthropic-ratelimit-requests-reset": "2026-09-21T14:53:30Z",
    "anthropic-ratelimit-input-tokens-limit": "30000",
    "anthropic-ratelimit-input-tokens-remaining": "0",
    "anthropic-ratelimit-input-tokens-reset": "2026-09-21T14:54:00Z",
}
PLAN = {
    "anthropic-ratelimit-unified-status": "allowed",
    "anthropic-ratelimit-unified-representative-claim": "five_hour",
    "anthropic-ratelimit-unified-reset": "1790003600",
    "anthropic-ratelimit-unified-fallback-percentage": "0.5",
    "anthropic-ratelimit-unified-overage-status": "rejected",
    "anthropic-ratelimit-unified-overage-disabled-reason": "org_level_disabled",
    "anthropic-ratelimit-unified-5h-status": "allowed",
    "anthropic-ratelimit-unified-5h-utilization": "0.42",
    "anthropic-ratelimit-unified-5h-reset": "1790003600",
    "anthropic-ratelimit-unified-7d-utilization": "0.9",
    "anthropic-ratelimit-unified-7d-reset": "1790100000",
    "anthropic-ratelimit-unified-7d_opus-utilization": "1.02",
    "anthropic-ratelimit-unified-7d_opus-reset": "1790100000",
    "anthropic-ratelimit-unified-7d_opus-status": "rejected",
    "anthropic-ratelimit-unified-7d_oi-utilization": "0.1",
}
M = ("m",)


def told(provider, headers, model="m"):
    return reported(tuple(headers.items()), ROWS[provider].rate_limits, model, NOW)


@pytest.mark.parametrize(
    ("provider", "headers", "windows"),
    [
        (
            "anthropic",
            ANTHROPIC,
            [
                Window("requests", pytest.approx(0.2), NOW + 2410, 50, 40, M),
                Window("input_tokens", 1.0, NOW + 2440, 30000, 0, M),
            ],
        ),
        (
            "anthropic",
            PLAN,
            [
                Window("five_hour", 0.42, 1790003600, status="allowed"),
                Window("seven_day", 0.9, 1790100000),
                Window("seven_day_opus", 1.02, 1790100000, models=("*opus*",), status="rejected"),
                Window("seven_day_oi", 0.1, None, apart=True),
            ],
        ),
        (
            "openai",
            {
                "x-ratelimit-limit-requests": "60",
                "x-ratelimit-remaining-requests": "59",
                "x-ratelimit-reset-requests": "1s",
                "x-ratelimit-limit-tokens": "150000",
                "x-ratelimit-remaining-tokens": "75000",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            [
                Window("requests", pytest.approx(1 / 60), NOW + 1, 60, 59, M),
                Window("tokens", 0.5, NOW + 360, 150000, 75000, M),
            ],
        ),
        (
            "azure",
            {"x-ratelimit-limit-requests": "10", "x-ratelimit-remaining-requests": "0"},
            [Window("requests", 1.0, None, 10, 0, M)],
        ),
        (
            "groq",
            {"x-ratelimit-remaining-tokens": "17985", "x-ratelimit-reset-tokens": "7.66s"},
            [Window("tokens", 0.0, pytest.approx(NOW + 7.66), None, 17985, M)],
        ),
        (
            "mistral",
            {"x-ratelimit-limit-req-minute": "60", "x-ratelimit-remaining-req-minute": "45"},
            [Window("requests_minute", 0.25, None, 60, 45, M)],
        ),
        (
            "openrouter",
            {
                "x-ratelimit-limit": "20",
                "x-ratelimit-remaining": "0",
                "x-ratelimit-reset": str(int((NOW + 30) * 1000)),
            },
            [Window("requests", 1.0, NOW + 30, 20, 0)],
        ),
        (
            "vllm",
            {"ratelimit": "limit=100, remaining=25, reset=50"},
            [Window("requests", 0.75, NOW + 50, 100, 25, M)],
        ),
        (
            "vllm",
            {"ratelimit-limit": "100, 100;w=60", "ratelimit-remaining": "25", "ratelimit-reset": "50"},
            [Window("requests", 0.75, NOW + 50, 100, 25, M)],
        ),
        (
            "vllm",
            {
                "ratelimit-policy": '"burst";q=100;w=60,"day";q=1000',
                "ratelimit": '"burst";r=50;t=30,"day";r=0;t=9',
            },
            [Window("burst", 0.5, NOW + 30, 100, 50, M), Window("day", 1.0, NOW + 9, 1000, 0, M)],
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_provider_is_read_as_it_writes(provider, headers, windows):
    assert list(told(provider, headers).windows) == windows


def test_the_older_fields_of_mistral_s_are_read_too():
    headers = {
        "x-ratelimitbysize-limit-minute": "500000",
        "x-ratelimitbysize-remaining-minute": "100000",
        "x-ratelimitbysize-limit-month": "1000",
        "x-ratelimitbysize-remaining-month": "900",
        "ratelimitbysize-reset": "40",
    }

    assert list(told("mistral", headers).windows) == [
        Window("minute", 0.8, NOW + 40, 500_000, 100_000, M),
        Window("month", pytest.approx(0.1), None, 1000, 900, M),
    ]


@pytest.mark.parametrize("row", ["openai-compatible", "responses-compatible"])
def test_a_server_that_speaks_openai_s_api_is_read_like_openai(row):
    headers = {
        "x-ratelimit-limit-requests": "10",
        "x-ratelimit-remaining-requests": "0",
        "x-ratelimit-reset-requests": "3s",
    }

    assert list(told(row, headers).windows) == [Window("requests", 1.0, NOW + 3, 10, 0, M)]


def test_a_server_that_speaks_anthropic_s_api_is_read_like_anthropic():
    assert told("anthropic-compatible", PLAN) == told("anthropic", PLAN)


@pytest.mark.parametrize("hours", [-1, 1])
def test_a_reset_is_told_by_the_provider_s_clock(hours):
    there = NOW + hours * 3600
    headers = {
        "date": formatdate(there, usegmt=True),
        "anthropic-ratelimit-requests-limit": "10",
        "anthropic-ratelimit-requests-remaining": "0",
        "anthropic-ratelimit-requests-reset": datetime.fromtimestamp(there + 20, UTC).isoformat(),
    }

    (window,) = told("anthropic", headers).windows

    assert window.resets == NOW + 20


def test_a_reset_in_thirty_years_is_not_believed():
    headers = {"ratelimit-limit": "10", "ratelimit-remaining": "0", "ratelimit-reset": "999999999"}

    (window,) = told("vllm", headers).windows

    assert window.resets == NOW + FARTHEST


def test_a_plan_says_which_window_speaks_and_whether_it_serves_on():
    plan = told("anthropic", PLAN)

    assert (plan.claim, plan.status, plan.overage, plan.reset) == (
        "five_hour",
        "allowed",
        "rejected",
        1790003600,
    )


def test_a_claim_without_a_status_of_its_own_has_the_answers():
    said = {name: value for name, value in PLAN.items() if "-5h-status" not in name}
    said["anthropic-ratelimit-unified-status"] = "rejected"

    five_hours = told("anthropic", said).windows[0]

    assert (five_hours.status, five_hours.is_full) == ("rejected", True)


@pytest.mark.parametrize("headers", [{}, {"content-type": "text/plain"}, {"x-ratelimit-oddity": "1"}])
def test_an_answer_that_tells_nothing_tells_nothing(headers):
    assert told("openai", headers) is None


@pytest.mark.parametrize("odd", ["", "-5", "NaN", "inf", "many", "1e99", "9" * 400, "٣", "0x10", " ", "1,2"])
def test_odd_numbers_are_no_numbers(odd):
    found = told("openai", {"x-ratelimit-remaining-requests": odd, "x-ratelimit-limit-requests": odd})

    assert found is None


@pytest.mark.parametrize("name", [name for name, row in ROWS.items() if row.rate_limits.remaining])
def test_every_field_of_a_row_is_read(name):
    limits = ROWS[name].rate_limits
    fields = [*limits.remaining, *limits.limit, *limits.reset]

    found = reported(tuple((field, "7") for field in fields), limits, "m", NOW)

    assert len(found.windows) >= len(limits.remaining)
    assert all(window.remaining == 7 for window in found.windows[: len(limits.remaining)])
    assert len({window.name for window in found.windows}) >= len(limits.remaining)


NAMES = st.sampled_from(
    [
        *ANTHROPIC,
        *PLAN,
        "ratelimit",
        "ratelimit-policy",
        "ratelimit-remaining",
        "ratelimit-limit",
        "ratelimit-reset",
    ]
)
VALUES = st.one_of(
    st.text(max_size=40),
    st.floats().map(str),
    st.integers(-5, 2**70).map(str),
    st.sampled_from(
        ["rejected", "1s", "2026-09-21T14:54:00Z", '"a";r=1;t=2', "limit=1, remaining=0, reset=3"]
    ),
)


@given(st.lists(st.tuples(NAMES, VALUES), max_size=60))
def test_nothing_that_a_server_writes_makes_nonsense(headers):
    found = reported(tuple(headers), ROWS["anthropic"].rate_limits, "m", NOW)

    for window in found.windows if found else ():
        assert window.utilisation >= 0
        assert isfinite(window.utilisation)
        assert window.resets is None or (window.resets >= NOW and isfinite(window.resets))
    assert found is None or len(found.windows) <= MOST


@given(st.integers(1, 10**9), st.data())
def test_the_more_is_left_the_less_is_used(limit, data):
    less, more = sorted(data.draw(st.tuples(st.integers(0, limit), st.integers(0, limit))))

    def used(left):
        fields = {"x-ratelimit-remaining-tokens": str(left), "x-ratelimit-limit-tokens": str(limit)}
        return told("openai", fields).windows[0].utilisation

    assert used(more) <= used(less) <= 1.0


def test_ten_thousand_fields_are_bounded():
    headers = tuple((f"anthropic-ratelimit-unified-w{at}-utilization", "0.5") for at in range(10_000))

    assert len(reported(headers, ROWS["anthropic"].rate_limits, "m", NOW).windows) == MOST


def test_a_row_without_fields_reads_the_drafts_only():
    assert reported((("x-ratelimit-remaining-requests", "0"),), RateLimits(), "m", NOW) is None

"""Queries over a day of exchanges: every figure equals an independent sum over the records."""

import asyncio
import sqlite3
import time
from contextlib import closing
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from records import record

from pointsman.canon.errors import SetupError
from pointsman.canon.usage import Usage
from pointsman.ledger import queries
from pointsman.ledger.analytics import SECTIONS, Span, analytics, percentiles, runs_out
from pointsman.ledger.moments import since_of, span_of
from pointsman.ledger.queries import SESSIONS, Limit, Told
from pointsman.ledger.reading import reading
from pointsman.ledger.schema import MIGRATIONS
from pointsman.ledger.sums import BY, plan_share
from pointsman.ledger.usage import usage
from pointsman.ledger.writing import Keeping, Run, settle, tidy, write
from pointsman.routing.window import Window
from pointsman.store.database import Database
from scripted import run

NOON = 1_790_000_000.0 // 86_400 * 86_400 + 43_200
RUN = Run("here", NOON)


def opened():
    """A ledger in memory."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    for migration in MIGRATIONS:
        for statement in migration:
            connection.execute(statement)
    return closing(connection)


tokens = st.none() | st.integers(0, 100_000)
usages = st.none() | st.builds(
    Usage,
    input=tokens,
    cache_read=tokens,
    cache_write_5m=tokens,
    cache_write_1h=tokens,
    output=tokens,
    reasoning=tokens,
)
exchanges = st.lists(
    st.fixed_dictionaries(
        {
            "started": st.floats(NOON - 86_400, NOON, allow_nan=False),
            "usage": usages,
            "cost": st.none() | st.decimals(0, 50, places=9),
            "bucket": st.sampled_from(["api", "subscription", "extra_usage", "local", "unknown"]),
            "model": st.sampled_from(["m-1", "m-2", None]),
            "backend": st.sampled_from(["a", "b", None]),
            "account": st.sampled_from(["default", "two"]),
            "client": st.sampled_from(["codex", "aider", None]),
            "key": st.sampled_from(["anna", None]),
            "session": st.sampled_from(["s1", "s2", None]),
            "error": st.sampled_from([None, "overloaded"]),
        }
    ),
    max_size=30,
)


def made(facts):
    return [record(**each) for each in facts]


def cache_write(record):
    return (record.cache_write_5m or 0) + (record.cache_write_1h or 0)


BILLED = {"api", "subscription", "extra_usage"}


def expected(records):
    """By plain sums."""
    count = {
        "requests": len(records),
        "input_tokens": sum(each.input or 0 for each in records),
        "cache_read_tokens": sum(each.cache_read or 0 for each in records),
        "cache_write_tokens": sum(map(cache_write, records)),
        "output_tokens": sum(each.output or 0 for each in records),
        "reasoning_tokens": sum(each.reasoning or 0 for each in records),
    }
    known = sum(Decimal(each.cost or 0) for each in records) / 10**9
    unknown = any(each.cost is None and each.bucket in BILLED for each in records)
    return {**count, "cost": None if unknown and not known else float(known)}


NAMES = {
    "model": lambda each: each.model or "-",
    "backend": lambda each: each.backend or "-",
    "account": lambda each: f"{each.backend}/{each.account}" if each.backend else "-",
    "client": lambda each: each.client,
    "key": lambda each: each.client_key or "-",
    "bucket": lambda each: each.bucket,
    "session": lambda each: each.session or "-",
    "day": lambda each: time.strftime("%Y-%m-%d", time.localtime(each.at)),
}


@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
@given(exchanges, st.floats(0, 90_000), st.sampled_from(sorted(NAMES)))
def test_usage_since_any_moment_equals_an_independent_sum(facts, ago, by):
    records, since = made(facts), NOON - ago
    counted = [each for each in records if each.at >= since]
    with opened() as connection:
        write(connection, records, RUN, 0)
        told = usage(connection, since, by)

    groups = {NAMES[by](each) for each in counted}
    rows = {row.pop(by): row for row in told["rows"]}
    assert told["total"] == pytest.approx(expected(counted))
    assert rows.keys() == groups
    for name in groups:
        own = [each for each in counted if NAMES[by](each) == name]
        assert {key: rows[name][key] for key in told["total"]} == pytest.approx(expected(own))
        assert rows[name]["errors"] == sum(each.error is not None for each in own)


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(exchanges, st.integers(1, 30))
def test_all_time_is_all_time_whatever_was_written_together_and_deleted_since(facts, size):
    records = made(facts)
    with opened() as connection:
        for start in range(0, len(records), size):
            write(connection, records[start : start + size], RUN, 0)
        tidy(connection, Keeping(days=0), NOON + 1)

        assert connection.execute("SELECT COUNT(*) FROM exchanges").fetchone() == (0,)
        assert usage(connection, None, "model")["total"] == pytest.approx(expected(records))
        assert connection.execute("SELECT written FROM runs").fetchall() == (
            [(len(records),)] if records else []
        )


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(exchanges)
def test_analytics_tell_what_was_spent_apart_from_what_a_plan_covers(facts):
    records = made(facts)
    with opened() as connection:
        write(connection, records, RUN, 0)
        told = analytics(connection, Span(NOON - 86_400, NOON), SECTIONS)

    plan = sum(each.cost or 0 for each in records if each.bucket == "subscription")
    spent = sum(each.cost or 0 for each in records if each.bucket != "subscription")
    billed = [each for each in records if each.bucket in BILLED]
    share = None if not billed else 100 * sum(each.bucket == "subscription" for each in billed) / len(billed)
    assert told["total"]["spent"] == pytest.approx(spent / 1e9)
    assert told["total"]["covered_by_plan"] == pytest.approx(plan / 1e9)
    assert told["subscriptionPercent"] == (None if share is None else pytest.approx(share, abs=0.01))
    assert told["total"]["cost_per_hour"] in (None, pytest.approx((spent + plan) / 1e9 / 24))
    answered = [each for each in records if each.error is None]
    assert told["total"]["duration"] == percentiles([each.duration for each in answered])
    for name in SECTIONS:
        assert sum(row["requests"] for row in told[f"by_{name}"]) == len(records)


def test_sessions_beyond_the_rows_are_told():
    records = [record(session=f"s{number}") for number in range(SESSIONS + 7)]
    with opened() as connection:
        write(connection, records, RUN, 0)
        many = usage(connection, None, "session")
        few = usage(connection, None, "client")

    assert (len(many["rows"]), many["left_out"]) == (SESSIONS, 7)
    assert "left_out" not in few


def test_percentiles_are_those_of_the_nearest_rank():
    assert percentiles([float(number) for number in range(1, 101)]) == {"p50": 50.0, "p95": 95.0, "p99": 99.0}
    assert percentiles([3.0, None]) == {"p50": 3.0, "p95": 3.0, "p99": 3.0}
    assert percentiles([]) is None


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (Limit(0.2), Limit(0.4), 5200.0),
        (Limit(0.4), Limit(0.4), None),
        (Limit(0.9), Limit(0.1), None),
        (Limit(0.5), Limit(1.0), 1700.0),
        # It begins anew before.
        (Limit(0.2, 5000.0), Limit(0.4, 5000.0), None),
        (Limit(0.2, 6000.0), Limit(0.4, 6030.0), 5200.0),
        # It has begun anew since, at 1000: 0.3 in 600 seconds.
        (Limit(0.9, 1000.0), Limit(0.3, 19_000.0), 3000.0),
        (Limit(0.1, 1000.0), Limit(0.3, 19_000.0), 3000.0),
    ],
)
def test_a_limit_runs_out_at_the_rate_of_the_span(before, after, expected):
    first, last = Told(400.0, {"five_hour": before}), Told(1600.0, {"five_hour": after})

    assert runs_out("five_hour", first, last, 1700.0) == (expected and pytest.approx(expected))


def test_a_window_of_unknown_length_that_began_anew_has_no_rate():
    first, last = Told(400.0, {"tokens": Limit(0.9, 1000.0)}), Told(1600.0, {"tokens": Limit(0.3, 2000.0)})

    assert runs_out("tokens", first, last, 1700.0) is None


def test_the_limits_of_each_account_are_those_told_last():
    used = [0.1, 0.3]
    with opened() as connection:
        for at, each in enumerate(used):
            windows = (Window("five_hour", each, None),)
            write(connection, [record(started=NOON - 3600 + 1800 * at, windows=windows)], RUN, 0)
        (told,) = analytics(connection, Span(NOON - 3600, NOON), ())["limits"]

    assert (told["backend"], told["account"]) == ("work", "default")
    assert told["windows"]["five_hour"]["utilisation"] == 0.3
    assert told["windows"]["five_hour"]["runs_out"] == pytest.approx(NOON - 1800 + 0.7 * 1800 / 0.2)


def test_what_is_missing_is_told():
    with opened() as connection:
        write(connection, [record()], RUN, 3)
        settle(connection, {"here": 6, "gone": 2})
        settle(connection, {"here": 6, "gone": 2})

        assert queries.missing(connection) == (3, 6 - 1 - 3 + 2)


def test_what_an_ordered_end_could_not_write_is_dropped_and_not_lost():
    with opened() as connection:
        write(connection, [record()], RUN, 3)
        RUN.end(connection, 5, 4)

        assert queries.missing(connection) == (4, 0)


def test_no_plan_and_nothing_billed_is_no_share():
    assert plan_share([]) is None


def test_the_most_records_are_kept_and_the_latest():
    with opened() as connection:
        write(connection, [record(request_id=str(number)) for number in range(50)], RUN, 0)
        tidy(connection, Keeping(days=1e6, records=20), NOON)

        assert [each["request_id"] for each in queries.records(connection)] == list(map(str, range(30, 50)))


@pytest.mark.parametrize(
    ("text", "seconds"), [("90s", 90), ("30m", 1800), ("24h", 86_400), ("7d", 604_800), ("1.5 h", 5400)]
)
def test_spans_are_read(text, seconds):
    assert span_of(text) == seconds
    assert since_of(text, 1_000_000.0) == 1_000_000.0 - seconds


@pytest.mark.parametrize("text", ["", "7", "d", "-1d", "1y", "yesterday", "9" * 99 + "d", "2026-13-01"])
def test_what_is_no_span_and_no_day_is_told(text):
    with pytest.raises(ValueError, match="must be"):
        since_of(text, NOON)


def test_a_day_is_this_machine_s(monkeypatch):
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    try:
        assert since_of("2026-11-01", NOON) == 1_793_505_600.0
        assert since_of("2026-11-01T00:00Z", NOON) == 1_793_491_200.0
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_file_is_read_beside_the_endpoint_that_writes_it(tmp_path):
    async def scenario():
        database = Database(tmp_path / "ledger.db", MIGRATIONS)
        for number in range(3):
            database.give(lambda connection: write(connection, [record()], RUN, 0))
            await database.ask(lambda connection: None)
            count = await asyncio.to_thread(_count, database.path)
            assert count == number + 1
        await asyncio.to_thread(database.close)

    run(scenario())


def _count(path):
    with reading(path) as connection:
        return usage(connection, None, "model")["total"]["requests"]


def test_no_file_is_empty_and_a_broken_or_newer_one_is_told(tmp_path):
    with reading(tmp_path / "none.db") as connection:
        assert connection is None
    broken, newer = tmp_path / "broken.db", tmp_path / "newer.db"
    broken.write_bytes(b"no database" * 500)
    with closing(sqlite3.connect(newer)) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(SetupError, match="cannot be read"), reading(broken):
        pass
    with pytest.raises(SetupError, match="newer"), reading(newer):
        pass


def test_everything_is_told_apart_by_a_name():
    assert {*BY, "session"} == {*SECTIONS} == {*NAMES} - {"day"}

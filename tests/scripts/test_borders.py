"""The check of exceptions to the rules."""

import pytest

from scripts import borders


@pytest.mark.parametrize(
    "clause",
    ["except Exception:", "except Exception as error:", "except (ValueError, BaseException):", "except:"],
)
def test_a_clause_that_catches_everything_is_found(clause):
    source = f"try:\n    work()\n{clause}\n    pass\n"

    assert list(borders.broad_excepts(source)) == [3]


def test_a_clause_that_cleans_up_and_raises_again_is_none():
    source = "try:\n    work()\nexcept BaseException:\n    tidy()\n    raise\n"

    assert list(borders.broad_excepts(source)) == []


def test_a_clause_for_one_kind_of_error_is_none():
    source = "try:\n    work()\nexcept ValueError:\n    pass\n"

    assert list(borders.broad_excepts(source)) == []


@pytest.mark.parametrize("waiver", ["noqa", "noqa: BLE001", "type: ignore", "type: ignore[arg-type]"])
def test_a_waiver_without_rule_and_reason_is_found(waiver):
    assert list(borders.bare_waivers(f"x = 1  # {waiver}\n")) == [1]


@pytest.mark.parametrize(
    "waiver", ["noqa: BLE001 - the border of a request", "type: ignore[arg-type]  # the stubs lag behind"]
)
def test_a_waiver_with_rule_and_reason_passes(waiver):
    assert list(borders.bare_waivers(f"x = 1  # {waiver}\n")) == []


@pytest.mark.parametrize("call", ["datetime.now(UTC)", "datetime.datetime.utcnow()", "date.today()"])
def test_a_look_at_the_clock_is_found(call):
    assert list(borders.clock_reads(f"x = {call}\n")) == [1]


def test_a_time_that_comes_in_is_none():
    assert list(borders.clock_reads("def due(now, today):\n    return now > today\n")) == []

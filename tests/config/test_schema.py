"""The schema, its texts, and sizes."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.catalog.price import Price
from pointsman.config.describe import describe
from pointsman.config.lines import line_of
from pointsman.config.schema import (
    AccountSettings,
    BackendSettings,
    BudgetSettings,
    Settings,
    TimeoutSettings,
)
from pointsman.config.size import Size
from pointsman.config.words import describe_type


def test_every_key_has_a_type_and_a_meaning_that_is_a_sentence():
    rows = describe()

    assert all(row.type and row.meaning.endswith(".") for row in rows)
    assert len({row.key for row in rows}) == len(rows)


def test_the_reference_has_every_key_of_the_schema_in_its_place():
    keys = [row.key for row in describe()]

    expected = [field.name for field in msgspec.structs.fields(Settings)]
    expected += [f"backends.NAME.{field.name}" for field in msgspec.structs.fields(BackendSettings)]
    expected += [
        f"backends.NAME.accounts.NAME.{field.name}" for field in msgspec.structs.fields(AccountSettings)
    ]
    expected += [f"backends.NAME.timeouts.{field.name}" for field in msgspec.structs.fields(TimeoutSettings)]
    expected += [f"prices.NAME.{field.name}" for field in msgspec.structs.fields(Price)]
    expected += [f"budgets.NAME.{field.name}" for field in msgspec.structs.fields(BudgetSettings)]
    assert sorted(keys) == sorted(expected)


def test_defaults_are_written_as_in_the_file():
    defaults = {row.key: row.default for row in describe()}

    assert defaults["port"] == "3456"
    assert defaults["host"] == '"localhost"'
    assert defaults["max_body"] == '"64MB"'
    assert defaults["discover"] == "true"
    assert defaults["backends.NAME.timeouts.idle"] == "300"
    assert defaults["model"] == defaults["aliases"] == defaults["backends"] == ""


@pytest.mark.parametrize(
    ("text", "size"),
    [
        (0, 0),
        (1024, 1024),
        ("1024", 1024),
        ("1kb", 1024),
        ("1 KiB", 1024),
        ("64MB", 64 * 1024**2),
        ("1.5m", 1024 * 1536),
        ("2G", 2 * 1024**3),
        ("10B", 10),
    ],
)
def test_sizes_are_read_as_people_write_them(text, size):
    assert Size.parse(text) == size


@pytest.mark.parametrize("text", [-1, True, None, 1.5, "", "MB", "1 XB", "-1", "1e3", [], "1KBB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(ValueError, match="not a size"):
        Size.parse(text)


@given(st.integers(min_value=0, max_value=2**50))
def test_a_size_that_is_written_reads_back(size):
    assert Size.parse(str(Size(size))) == size


def test_a_type_that_nobody_thought_of_is_a_table():
    assert describe_type(dict[str, object]) == "table of tables"
    assert describe_type(int | None) == "integer"
    assert describe_type(dict[str, tuple[str, ...]]) == "table of arrays of strings"


def test_a_key_that_is_nowhere_has_no_line():
    assert line_of("port = 1", ("host",)) is None
    assert line_of("", ()) is None


def test_a_table_that_is_only_implied_stands_where_the_deeper_one_stands():
    assert line_of("\n[backends.a.timeouts]\nidle = 1", ("backends", "a")) == 2
    assert line_of("[[x]]\ny = 1\n[backends]\n[backends.a]", ("backends",)) == 3

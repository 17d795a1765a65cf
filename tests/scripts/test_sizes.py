"""The check of sizes."""

from pathlib import Path

from scripts import sizes


def test_a_module_within_its_limits_passes():
    source = "def small():\n    return 1\n"

    assert list(sizes.complaints(Path("src/a.py"), source)) == []


def test_a_module_over_its_limit_is_named():
    found = list(sizes.complaints(Path("src/a.py"), "x = 1\n" * 401))

    assert len(found) == 1
    assert found[0].startswith("src/a.py:1: the module has 401 lines")


def test_a_module_of_tests_may_be_longer():
    assert list(sizes.complaints(Path("tests/test_a.py"), "x = 1\n" * 600)) == []


def test_a_function_over_its_limit_is_named_with_its_line():
    source = "\n" + "async def long():\n" + "    x = 1\n" * 40

    found = list(sizes.complaints(Path("src/a.py"), source))

    assert len(found) == 1
    assert found[0].startswith("src/a.py:2: `long` has 41 lines")

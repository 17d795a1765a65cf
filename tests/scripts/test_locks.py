"""Problem 30, supply chain: what is installed was chosen before, and is checked when it arrives."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
LOCKS = {name: (ROOT / "locks" / f"{name}.txt").read_text() for name in ("run", "dev")}
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def _names(requirements):
    return {re.split(r"[\s<>=;\[]", requirement, maxsplit=1)[0].lower() for requirement in requirements}


def _pins(lock):
    return re.findall(r"^([a-z0-9-]+)==([^\s;]+)", lock, flags=re.MULTILINE)


@pytest.mark.parametrize("lock", LOCKS)
def test_problem_30_every_package_is_pinned_to_one_version_with_hashes(lock):
    entries = re.split(r"^(?=\S)", LOCKS[lock], flags=re.MULTILINE)[1:]

    bare = [
        entry for entry in entries if not re.match(r"[a-z0-9-]+==\S+", entry) or "--hash=sha256:" not in entry
    ]

    assert entries
    assert bare == []


@pytest.mark.parametrize("lock", LOCKS)
def test_problem_30_a_lock_names_no_address(lock):
    assert "://" not in LOCKS[lock]
    assert "--index" not in LOCKS[lock]


def test_every_dependency_is_in_the_lock_that_installs_it():
    pinned_to_run = {name for name, _ in _pins(LOCKS["run"])}
    pinned_for_tools = {name for name, _ in _pins(LOCKS["dev"])}

    assert _names(PROJECT["project"]["dependencies"]) <= pinned_to_run
    assert _names(PROJECT["dependency-groups"]["dev"]) <= pinned_for_tools


def test_the_tools_are_tested_with_the_versions_that_run():
    assert set(_pins(LOCKS["run"])) <= set(_pins(LOCKS["dev"]))


def test_problem_30_every_runtime_dependency_has_a_page_that_says_why():
    pages = {page.stem for page in (ROOT / "docs" / "decisions").glob("*.md")}

    assert _names(PROJECT["project"]["dependencies"]) <= pages
    for extra in PROJECT["project"]["optional-dependencies"].values():
        assert _names(extra) <= pages & _names(PROJECT["dependency-groups"]["dev"])


def test_every_runtime_dependency_is_used():
    source = "\n".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))

    unused = {
        name
        for name in _names(PROJECT["project"]["dependencies"])
        if not re.search(
            rf"^\s*(import|from) {name.replace('-', '_')}\b|\"{name}[\".]", source, flags=re.MULTILINE
        )
    }

    assert unused == set()

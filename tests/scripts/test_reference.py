"""The reference that is written from the code."""

import subprocess
import sys

import pytest

from pointsman.config import shipped
from scripts import reference


def test_the_committed_pages_are_current():
    checked = subprocess.run(
        [sys.executable, "-m", "scripts.reference", "--check"],
        cwd=reference.ROOT,
        capture_output=True,
        text=True,
        check=False,
    )

    assert (checked.returncode, checked.stdout) == (0, "")


def test_a_page_that_is_not_current_fails_the_check_and_is_named(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(reference, "FOLDER", tmp_path)
    (tmp_path / "providers.md").write_text("old")

    assert reference.main(["providers", "--check"]) == 1
    assert "scripts.reference providers" in capsys.readouterr().out


def test_writing_makes_a_page_current(tmp_path, monkeypatch):
    monkeypatch.setattr(reference, "FOLDER", tmp_path / "new")

    reference.main(["providers"])

    assert reference.main(["providers", "--check"]) == 0


@pytest.mark.parametrize("name", shipped.providers())
def test_every_provider_stands_on_the_page(name):
    assert f"| `{name}`" in reference.providers()

"""`pytest tests/matrix --update-golden` writes the golden files anew instead of comparing with them."""

from pathlib import Path

import pytest

OPTION = "--update-golden"


def pytest_addoption(parser):
    parser.addoption(OPTION, action="store_true", help="write the golden files of tests/matrix anew")


@pytest.fixture
def golden(request):
    """Compares a text with the golden file of that path, or writes it."""
    update = request.config.getoption(OPTION, default=False)

    def compare(path: Path, text: str):
        if update:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text, encoding="utf-8")
        told = path.read_text(encoding="utf-8") if path.exists() else ""
        assert text.splitlines() == told.splitlines(), f"not as in {path.name}; {OPTION} accepts it"

    return compare

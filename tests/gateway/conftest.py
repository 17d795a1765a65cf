"""What every test of whole exchanges stands on."""

import sys
from pathlib import Path

import pytest
from blocking import guarded

sys.path.append(str(Path(__file__).parent.parent / "upstream"))


@pytest.fixture(autouse=True)
def blockbuster():
    """A call of ours that blocks the loop is an error."""
    with guarded():
        yield

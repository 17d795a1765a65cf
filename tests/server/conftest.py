"""Tests of the endpoint use the rig of the gateway's tests."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parent.parent / "gateway"))


@pytest.fixture(autouse=True)
def blockbuster():
    """As in the gateway's tests."""
    from blocking import guarded

    with guarded():
        yield

"""What every test of whole exchanges stands on."""

import pytest
from blocking import guarded


@pytest.fixture(autouse=True)
def blockbuster():
    """A call of ours that blocks the loop is an error."""
    with guarded():
        yield

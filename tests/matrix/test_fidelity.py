"""The fidelity page: written from what the codecs do, and true."""

from pathlib import Path

import pytest

from matrix.crossing import CROSSED
from matrix.features import ANSWERED, ASKED_FOR
from matrix.fidelity import arrives, is_read, of_answered, of_feature, page
from pointsman.dialects.registry import DIALECTS

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "fidelity.md"
each_pair = pytest.mark.parametrize(("source", "to"), CROSSED)


def test_the_page_says_what_the_codecs_do(golden):
    golden(PAGE, page())


@each_pair
@pytest.mark.parametrize("feature", ASKED_FOR, ids=lambda feature: feature.name)
def test_what_is_said_to_be_carried_arrives(feature, source, to):
    cell = of_feature(feature, source, to)
    carried = cell is not None and cell.fate == "carried"

    assert (arrives(feature, source, to) if carried else set()) == set()


@each_pair
@pytest.mark.parametrize("told", ANSWERED, ids=lambda told: told.name)
def test_what_is_said_to_be_carried_of_an_answer_is_read(told, source, to):
    cell = of_answered(told, source, to)
    carried = cell is not None and cell.fate == "carried"

    assert (is_read(told, source, to) if carried else set()) == set()


@pytest.mark.parametrize("feature", ASKED_FOR, ids=lambda feature: feature.name)
def test_every_feature_of_a_request_is_known_to_a_dialect(feature):
    assert any(of_feature(feature, source, source) for source in DIALECTS)


@pytest.mark.parametrize("told", ANSWERED, ids=lambda told: told.name)
def test_every_feature_of_an_answer_is_known_to_a_dialect(told):
    assert any(of_answered(told, source, source) for source in DIALECTS)

"""The golden matrix: every case of the corpus in every dialect, kept as files that people read.

A new dialect or a new case of the corpus adds its files by itself: `pytest tests/matrix --update-golden`.
"""

import json
from pathlib import Path

import pytest

from matrix.crossing import (
    CORPUS,
    as_stream,
    cases,
    readable,
    streamed,
    target,
    told,
    translated,
    whole,
)
from pointsman.dialects.registry import DIALECTS

GOLDEN = Path(__file__).parents[1] / "golden"


def matrix(folder, suffix):
    """Each case in each dialect."""
    return [
        pytest.param(path, source, to, GOLDEN / folder / f"{case}.{source}.{to}", id=f"{case}.{source}.{to}")
        for case, source, path in cases(folder, suffix)
        for to in DIALECTS
    ]


def suffixed(path, suffix):
    return path.with_name(path.name + suffix)


@pytest.mark.parametrize(("path", "source", "to", "kept"), matrix("requests", ".json"))
def test_a_request_reaches_each_upstream_as_it_did(path, source, to, kept, golden):
    result = translated(source, to, json.loads(path.read_text()), target())

    golden(suffixed(kept, ".json"), readable(result))


@pytest.mark.parametrize(("path", "source", "to", "kept"), matrix("answers", ".json"))
def test_an_answer_reaches_each_client_as_it_did(path, source, to, kept, golden):
    events = whole(source, json.loads(path.read_text()))

    golden(suffixed(kept, ".json"), readable(told(to, events)))


@pytest.mark.parametrize(("path", "source", "to", "kept"), matrix("streams", ".sse"))
def test_a_stream_reaches_each_client_as_it_did(path, source, to, kept, golden):
    events = streamed(source, path.read_bytes())

    golden(suffixed(kept, ".sse"), as_stream(to, events).decode())
    golden(suffixed(kept, ".json"), readable(told(to, events)))


@pytest.mark.parametrize(("path", "source", "to", "kept"), matrix("errors", ".sse"))
def test_a_stream_that_fails_ends_with_the_error_for_each_client(path, source, to, kept, golden):
    events = streamed(source, path.read_bytes())

    golden(suffixed(kept, ".sse"), as_stream(to, events).decode())


@pytest.mark.parametrize(("path", "source", "to", "kept"), matrix("errors", ".json"))
def test_an_error_reaches_each_client_as_it_did(path, source, to, kept, golden):
    fault = DIALECTS[source].parse_error(429, (("retry-after", "7"),), path.read_bytes())

    golden(suffixed(kept, ".json"), readable(DIALECTS[to].render_error(fault, "req_0")))


def test_no_golden_file_is_left_over():
    wanted = {
        str(GOLDEN / folder / f"{case}.{source}.{to}{ending}")
        for folder, suffix, endings in (
            ("requests", ".json", [".json"]),
            ("answers", ".json", [".json"]),
            ("streams", ".sse", [".sse", ".json"]),
            ("errors", ".sse", [".sse"]),
            ("errors", ".json", [".json"]),
        )
        for case, source, _ in cases(folder, suffix)
        for to in DIALECTS
        for ending in endings
    }

    assert CORPUS.is_dir()
    assert {str(path) for path in GOLDEN.rglob("*.*")} == wanted

"""What a decoder tells of spelling concerns its own dialect alone: nobody else misses it."""

import pytest
from msgspec import structs

from dialects.laws import events_of
from matrix.crossing import CROSSED, ORIGIN, as_stream, cases
from pointsman.dialects.registry import DIALECTS

REAL = [
    pytest.param(path, source, to, id=f"{case}.{source}.{to}")
    for case, name, path in cases("streams", ".sse")
    for source, to in CROSSED
    if name == source
]


@pytest.mark.parametrize(("path", "source", "to"), REAL)
def test_a_client_of_another_dialect_reads_the_same_where_spelling_is_not_told(path, source, to):
    told = {}
    for spelled in (True, False):
        origin = structs.replace(ORIGIN, spelled=spelled)
        events = events_of(DIALECTS[source], path.read_bytes(), origin=origin)
        losses = [loss for event in events for loss in DIALECTS[to].answer_losses(event)]
        told[spelled] = as_stream(to, events), losses

    assert told[True] == told[False]

"""Answers whose upstream counts nothing, for clients that demand a count."""

import json

from pointsman.canon.blocks import Text
from pointsman.canon.events import (
    BlockEnd,
    BlockStart,
    MessageEnd,
    MessageStart,
    Stop,
    TextDelta,
    UsageReport,
)
from pointsman.canon.usage import Usage
from pointsman.dialects.anthropic import DIALECT
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import gather

ASKED = Asked(model="m", message_id="0a", created=1, input_estimate=7)


def counts(text, *reports):
    """(whole, streamed) usage of an answer with this text."""
    said = [BlockStart(0, Text("")), TextDelta(0, text), BlockEnd(0)]
    events = [MessageStart(dialect="elsewhere"), *said, *reports, Stop("end"), MessageEnd()]
    encoder = DIALECT.encoder(ASKED)
    lines = b"".join(encoder.encode(event) for event in events).splitlines()
    deltas = [json.loads(line[6:]) for line in lines if b'"type":"message_delta"' in line]
    return DIALECT.fold(gather(events), ASKED)["usage"], deltas[0]["usage"]


def test_output_that_nobody_counted_is_estimated_from_its_text():
    for usage in counts("x" * 42):
        assert (usage["input_tokens"], usage["output_tokens"]) == (7, 10)
    assert [usage["output_tokens"] for usage in counts("x")] == [1, 1]


def test_output_that_was_counted_stays():
    assert [usage["output_tokens"] for usage in counts("x" * 42, UsageReport(Usage(output=0)))] == [0, 0]

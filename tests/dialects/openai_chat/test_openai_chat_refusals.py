"""Refusals of other dialects, as clients read them."""

import json

from pointsman.canon.blocks import Text
from pointsman.canon.events import BlockEnd, BlockStart, MessageEnd, MessageStart, Stop
from pointsman.dialects.dialect import Asked
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_chat import DIALECT

ASKED = Asked(model="m", message_id="0a", created=1)
STOP = Stop(
    "refusal", "refusal", details={"type": "refusal", "explanation": "Not this."}, dialect="elsewhere"
)
EVENTS = [MessageStart(dialect="elsewhere"), BlockStart(0, Text("Hm")), BlockEnd(0), STOP, MessageEnd()]


def test_the_explanation_of_a_refusal_is_read_whole_and_streamed():
    encoder = DIALECT.encoder(ASKED)
    stream = b"".join(encoder.encode(event) for event in EVENTS)
    deltas = [json.loads(line[6:])["choices"][0]["delta"] for line in stream.splitlines() if line]

    assert DIALECT.fold(gather(EVENTS), ASKED)["choices"][0]["message"]["refusal"] == "Not this."
    assert {"refusal": "Not this."} in deltas
    assert [(loss.kind, loss.what) for loss in DIALECT.answer_losses(STOP)] == [
        ("approximated", "stop_details")
    ]

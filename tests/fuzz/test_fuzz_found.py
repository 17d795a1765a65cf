"""What the fuzzer found, each in the fewest bytes that show it."""

import json

import pytest

from pointsman.dialects.openai_chat import DIALECT as CHAT
from pointsman.wire.headers import retry_after


def frames(*values):
    """A stream of these events, named where they have a type."""
    return b"".join(
        (f"event: {value['type']}\n" if "type" in value else "").encode()
        + b"data: %b\n\n" % json.dumps(value).encode()
        for value in values
    )


@pytest.mark.parametrize("text", ["6\x1d", "\x1f7", "9" * 400, "1" + "0" * 20])
@pytest.mark.parametrize("name", ["retry-after", "retry-after-ms"])
def test_a_wait_among_control_characters_or_without_end_is_a_time_or_none(name, text):
    waits = retry_after(((name, text),), 0.0), CHAT.parse_error(429, ((name, text),), b"").retry_after

    assert all(wait is None or wait < 1e16 for wait in waits)

"""The laws that every dialect keeps, as assertions; each dialect calls them with its own cases."""

import json
from itertools import pairwise

import pytest

from pointsman.canon.errors import TruncatedError
from pointsman.canon.events import MessageEnd
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.dialect import Asked, Origin
from pointsman.dialects.gather import gather

ASKED = Asked(model="asked", message_id="0a", created=1_700_000_000, include_usage=True)


def as_text(value):
    """JSON as text with sorted keys, in which 1, 1.0 and true differ."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False)


def events_of(dialect, stream, cuts=(), origin=None):
    """The events of a stream whose bytes arrive cut at these offsets."""
    decoder = dialect.decoder(origin or Origin())
    bounds = [0, *sorted({min(cut, len(stream)) for cut in cuts}), len(stream)]
    events = [event for start, end in pairwise(bounds) for event in decoder.feed(stream[start:end])]
    return events + list(decoder.close())


def rendered(dialect, events, asked=ASKED):
    """The bytes of a stream for these events."""
    encoder = dialect.encoder(asked)
    return b"".join(encoder.encode(event) for event in events) + encoder.close()


def frames_of(stream):
    """(event name, decoded data) of each frame; data that is not JSON stays text."""
    frames = []
    for block in stream.decode().replace("\r\n", "\n").split("\n\n"):
        name, data = "", []
        for line in block.split("\n"):
            if line.startswith("event:"):
                name = line[6:].strip()
            elif line.startswith("data:"):
                data.append(line[5:].strip())
        if data:
            text = "\n".join(data)
            frames.append((name, json.loads(text) if text.startswith("{") else text))
    return frames


def assert_request_identity(dialect, body, traits=None):
    """Law 1: a request decoded and encoded in its own dialect is the same JSON, without a loss."""
    request = dialect.decode_request(body)
    target = Target(model=request.model, issuer="", traits=traits or Traits())

    encoded = dialect.encode_request(request, target)

    assert as_text(encoded.body) == as_text(body)
    assert encoded.losses == ()
    assert dict(encoded.names) == {}


def assert_answer_identity(dialect, body, asked=ASKED):
    """Law 1: a whole answer decoded and folded in its own dialect is the same JSON."""
    events = list(dialect.whole(body, Origin()))

    assert as_text(dialect.fold(gather(events), asked)) == as_text(body)
    assert [loss for event in events for loss in dialect.answer_losses(event)] == []


def assert_stream_identity(dialect, stream, asked=ASKED):
    """Law 1: a stream decoded and encoded in its own dialect has the same frames in the same order."""
    events = events_of(dialect, stream)

    assert as_text(frames_of(rendered(dialect, events, asked))) == as_text(frames_of(stream))
    assert [loss for event in events for loss in dialect.answer_losses(event)] == []


def assert_chunking(dialect, stream, cuts):
    """Law 2: cutting the bytes anywhere never changes the events."""
    assert events_of(dialect, stream, cuts) == events_of(dialect, stream)


def assert_fold(dialect, stream, body, asked=ASKED):
    """Law 3: the events of the stream, folded, equal the answer that was not streamed."""
    streamed = gather(events_of(dialect, stream))
    whole = gather(dialect.whole(body, Origin()))

    assert as_text(dialect.fold(streamed, asked)) == as_text(dialect.fold(whole, asked))


def assert_rendered_fold(dialect, body, asked=ASKED):
    """Law 3: a whole answer, rendered as a stream and read back, folds to itself."""
    stream = rendered(dialect, dialect.whole(body, Origin()), asked)
    expected = dialect.fold(gather(dialect.whole(body, Origin())), asked)

    assert as_text(dialect.fold(gather(events_of(dialect, stream)), asked)) == as_text(expected)


def assert_truncation(dialect, stream, length):
    """Law 4: a stream cut before its end is never taken for a whole one; only line ends may be missing."""
    if not stream[length:].strip():
        return
    decoder = dialect.decoder(Origin())
    events = list(decoder.feed(stream[:length]))
    if any(isinstance(event, MessageEnd) for event in events):
        return

    with pytest.raises(TruncatedError):
        list(decoder.close())

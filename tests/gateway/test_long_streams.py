"""A stream of a hundred thousand tiny pieces: the late ones take no more work than the early.

Work is counted, since seconds tell more of the machine: calls made, and bytes allocated, which is what a text
costs that is copied whenever it grows.
"""

import itertools
import statistics
import sys
import tracemalloc
from contextlib import contextmanager
from functools import lru_cache

import pytest

from pointsman.canon.blocks import Text, Thinking, ToolCall
from pointsman.canon.events import (
    ArgumentsDelta,
    BlockEnd,
    BlockStart,
    MessageEnd,
    MessageStart,
    Stop,
    TextDelta,
    ThinkingDelta,
)
from pointsman.dialects.dialect import Asked, Origin
from pointsman.dialects.registry import DIALECTS
from pointsman.gateway.keepsakes import Keeper, Keepsakes
from pointsman.gateway.tap import Tap
from pointsman.ledger.trace import Trace

PAIRS = list(itertools.product(DIALECTS, DIALECTS))
CHUNK = 200
"""Bytes of a stream that arrive at once: more than one piece of it, or less."""
WINDOW = 500
"""Chunks that are watched, at the most."""
ASKED = Asked("m", "0a", 0)
KINDS = {
    "text": (Text(""), TextDelta(0, "x"), 20_000),
    "thinking": (Thinking(""), ThinkingDelta(0, "x"), 20_000),
    "arguments": (ToolCall("call_1", "f"), ArgumentsDelta(0, "1"), 100_000),
}
"""A block, a piece of it, and how many come."""


@lru_cache(maxsize=1)
def chunks_of(dialect, kind):
    """A stream in this dialect, of one block in many pieces of one byte."""
    block, piece, count = KINDS[kind]
    events = [MessageStart("id", "m", 1), BlockStart(0, block), *[piece] * count]
    encoder = DIALECTS[dialect].encoder(ASKED)
    ending = [BlockEnd(0), Stop("end"), MessageEnd()]
    stream = b"".join(map(encoder.encode, [*events, *ending])) + encoder.close()
    return [stream[at : at + CHUNK] for at in range(0, len(stream), CHUNK)]


class Translation:
    """A stream on its way through the gateway's parts."""

    def __init__(self, upstream, client):
        self._tap = Tap(DIALECTS[upstream].decoder(Origin()), Trace("r", "POST", "/", 0.0))
        self._keeper = Keeper(Keepsakes(lambda: 0.0), lambda: "", "r")
        self._dialect = DIALECTS[client]
        self._encoder = self._dialect.encoder(ASKED)

    def carry(self, chunk):
        for event in self._tap.feed(chunk):
            self._encoder.encode(event)
            self._dialect.answer_losses(event)
            self._keeper.note(event)
        assert self._tap.running, self._tap.why


@contextmanager
def calls_counted():
    calls = itertools.count()
    sys.setprofile(lambda _, event, __: next(calls) if event in ("call", "c_call") else None)
    try:
        yield calls
    finally:
        sys.setprofile(None)


@contextmanager
def memory_traced():
    tracemalloc.start()
    try:
        yield
    finally:
        tracemalloc.stop()


def allocated(translation, chunk):
    """The bytes that stand beside those that were there before, at the most."""
    tracemalloc.reset_peak()
    before, _ = tracemalloc.get_traced_memory()
    translation.carry(chunk)
    return tracemalloc.get_traced_memory()[1] - before


def work_for(translation, chunks):
    """(calls made, bytes allocated for a chunk in the median: a list may grow once in a while)"""
    half = len(chunks) // 2
    with calls_counted() as calls:
        for chunk in chunks[:half]:
            translation.carry(chunk)
    with memory_traced():
        sizes = [allocated(translation, chunk) for chunk in chunks[half:]]
    return next(calls), statistics.median(sizes)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("upstream", "client"), PAIRS)
def test_problem_28_a_late_piece_is_no_more_work_than_an_early_one(upstream, client, kind):
    chunks = chunks_of(upstream, kind)
    translation = Translation(upstream, client)
    early, late, window = len(chunks) // 20, len(chunks) * 17 // 20, min(WINDOW, len(chunks) // 20)
    for chunk in chunks[:early]:
        translation.carry(chunk)
    first = work_for(translation, chunks[early : early + window])
    for chunk in chunks[early + window : late]:
        translation.carry(chunk)
    last = work_for(translation, chunks[late : late + window])

    assert last == pytest.approx(first, rel=0.1)

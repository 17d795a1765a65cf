"""Laws 3, 4 and 5 for answers on their way to a client of another dialect."""

import json

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from msgspec import structs

from matrix.crossing import ASKED as ESTIMATED
from matrix.crossing import (
    CROSSED,
    ORIGIN,
    as_stream,
    cases,
    strategies_of,
    streamed,
    whole,
)
from matrix.facts import differences, of_answer
from matrix.naming import labels_of_answer
from pointsman.canon.blocks import ToolCall
from pointsman.canon.errors import TruncatedError
from pointsman.canon.events import ArgumentsDelta, CitationDelta, Failure, NativeDelta, ThinkingDelta
from pointsman.dialects.foreign import unsaid
from pointsman.dialects.gather import gather
from pointsman.dialects.registry import DIALECTS

some = settings(max_examples=80, deadline=None, suppress_health_check=list(HealthCheck))
few = settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
ASKED = structs.replace(ESTIMATED, input_estimate=0)
each_pair = pytest.mark.parametrize(("source", "to"), CROSSED)
PASSING = ThinkingDelta | ArgumentsDelta | NativeDelta | CitationDelta
"""What a stream says beside these is no part of the whole answer."""
TERMINAL = (b"message_stop", b"[DONE]", b'"finish_reason":"', b'"stop_reason":"')
"""What in a stream says that the answer is whole, in any dialect."""


def real(folder, suffix):
    """Each real case and each other dialect."""
    return [
        pytest.param(path, source, to, id=f"{case}.{source}.{to}")
        for case, name, path in cases(folder, suffix)
        for source, to in CROSSED
        if name == source
    ]


def answers_in(source):
    return strategies_of(source).answers


def assert_losses_tell_all(events, to):
    """Law 5: what a client of the other dialect misses of an answer is named, and nothing else is."""
    dialect = DIALECTS[to]
    sent = gather(events)
    losses = [loss for event in events for loss in dialect.answer_losses(event)]
    losses += [loss for loss in dialect.fold_losses(sent, ASKED) if loss.kind == "dropped"]
    read = gather(dialect.whole(dialect.fold(sent, ASKED), ORIGIN))
    lost, made = differences(of_answer(sent), of_answer(read))
    if sent.usage is None or sent.usage.output is sent.usage.reasoning is None:
        lost, made = lost - {"usage"}, made - {"usage"}  # output that nobody counted is estimated
    if any(set(unsaid(event.extra)) for event in events if isinstance(event, PASSING)):
        lost.add("delta.extra")
    named = [(loss.what, labels_of_answer(loss)) for loss in losses]

    told = set().union(*(labels for _, labels in named))
    assert (lost | made) - told == set(), "changed in silence"
    assert [what for what, labels in named if not labels & (lost | made)] == [], "named, but not lost"


@pytest.mark.parametrize(("path", "source", "to"), real("answers", ".json"))
def test_a_real_answer_loses_exactly_what_is_named(path, source, to):
    assert_losses_tell_all(whole(source, json.loads(path.read_text())), to)


@pytest.mark.parametrize(("path", "source", "to"), real("streams", ".sse"))
def test_a_real_stream_loses_exactly_what_is_named(path, source, to):
    assert_losses_tell_all(streamed(source, path.read_bytes()), to)


@each_pair
@some
@given(data=st.data())
def test_any_answer_loses_exactly_what_is_named(source, to, data):
    events = whole(source, data.draw(answers_in(source)))
    calls = [event.block.id for event in events if isinstance(getattr(event, "block", None), ToolCall)]
    assume(len(calls) == len(set(calls)))  # those of one id are told apart, which is no loss

    assert_losses_tell_all(events, to)


def assert_fold(source, to, stream):
    """Law 3: a translated stream, folded, is the translated whole answer."""
    events = streamed(source, stream)
    again = gather(streamed(to, as_stream(to, events, ASKED)))

    expected = gather(DIALECTS[to].whole(DIALECTS[to].fold(gather(events), ASKED), ORIGIN))
    assert sorted(of_answer(again)) == sorted(of_answer(expected))


@pytest.mark.parametrize(("path", "source", "to"), real("streams", ".sse"))
def test_a_translated_stream_folds_to_the_translated_answer(path, source, to):
    assert_fold(source, to, path.read_bytes())


@each_pair
@some
@given(data=st.data())
def test_any_translated_stream_folds_to_the_translated_answer(source, to, data):
    body = data.draw(answers_in(source))

    assert_fold(source, to, as_stream(source, whole(source, body)))


def assert_truncation(source, to, stream, cuts):
    """Law 4: a stream that is cut ends in an error, and its client has read no end before."""
    full = streamed(source, stream)
    for cut in cuts:
        decoder, encoder = DIALECTS[source].decoder(ORIGIN), DIALECTS[to].encoder(ASKED)
        written = b"".join(encoder.encode(event) for event in decoder.feed(stream[:cut]))
        try:
            ended = list(decoder.close())
        except TruncatedError:
            assert not any(word in written for word in TERMINAL), f"an end at byte {cut}"
            assert encoder.close() == b"" or b"[DONE]" not in encoder.close()
            continue
        written += b"".join(encoder.encode(event) for event in ended)
        rest = gather(streamed(source, stream[:cut]))
        assert rest.choices == gather(full).choices, f"half an answer taken for a whole one at byte {cut}"


@pytest.mark.parametrize(("path", "source", "to"), real("streams", ".sse"))
def test_a_cut_stream_is_never_a_whole_one_for_the_client(path, source, to):
    stream = path.read_bytes()

    assert_truncation(source, to, stream, range(0, len(stream), 11))


@each_pair
@few
@given(data=st.data())
def test_no_cut_stream_is_a_whole_one_for_the_client(source, to, data):
    events = whole(source, data.draw(answers_in(source)))
    assume(len(gather(events).choices) == 1)
    stream = as_stream(source, events)

    assert_truncation(source, to, stream, range(0, len(stream), 29))


@pytest.mark.parametrize(("path", "source", "to"), real("errors", ".sse"))
def test_a_stream_that_fails_has_no_end_for_the_client(path, source, to):
    events = streamed(source, path.read_bytes())
    written = as_stream(to, events)

    assert isinstance(events[-1], Failure)
    assert not any(word in written for word in TERMINAL)
    assert b'"error"' in written


def test_thinking_that_says_and_holds_nothing_is_no_loss_however_often_it_comes():
    details = [{"type": "reasoning.text"}, {"type": "reasoning.text"}]
    message = {"role": "assistant", "content": None, "refusal": None, "reasoning_details": details}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    answer = {"id": "0", "object": "chat.completion", "created": 1, "model": "0", "choices": [choice]}

    assert_losses_tell_all(whole("openai_chat", answer), "anthropic")

"""Nonsense from an upstream or a client is an error with a name, never a crash."""

import json

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dialects.laws import ASKED, rendered
from pointsman.canon.errors import MalformedError, UpstreamError
from pointsman.canon.events import Failure
from pointsman.dialects.dialect import Origin
from pointsman.dialects.gather import gather
from pointsman.dialects.openai_chat import DIALECT

KEYS = """
role content refusal reasoning reasoning_content reasoning_details tool_calls function_call
annotations audio index id type function custom name arguments input text summary signature data
url_citation extra_content delta message logprobs finish_reason stop_reason choices usage error
created model prompt_tokens completion_tokens total_tokens prompt_tokens_details cached_tokens
image_url url file input_audio messages tools tool_choice response_format json_schema stop thinking
cache_control stream_options
"""
keys = st.sampled_from(KEYS.split())
leaves = (
    st.none()
    | st.booleans()
    | st.integers(-2, 3)
    | st.floats(-1, 1)
    | st.sampled_from(["", "x", "function", "text", "[", "stop", "image_url", "assistant", "custom"])
)
nonsense = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=4),
    max_leaves=12,
)
objects = st.dictionaries(keys, nonsense, max_size=4)
deltas = st.lists(objects, min_size=1, max_size=4)
hard = settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))


def chunk(delta, finish=None):
    return {"id": "c", "choices": [{"index": 0, "delta": delta, "finish_reason": finish}]}


@hard
@given(deltas=deltas, chunks=st.lists(objects, max_size=2))
def test_a_stream_of_nonsense_is_read_or_refused(deltas, chunks):
    said = [*(chunk(delta) for delta in deltas), *chunks, chunk({}, "stop")]
    stream = "".join(f"data: {json.dumps(each)}\n\n" for each in said).encode()
    decoder = DIALECT.decoder(Origin())

    try:
        events = [*decoder.feed(stream), *decoder.close()]
    except UpstreamError:
        return

    assert rendered(DIALECT, events)
    if not any(isinstance(event, Failure) for event in events):
        assert DIALECT.fold(gather(events), ASKED)


@hard
@given(message=objects, choice=objects, answer=objects)
def test_a_whole_answer_of_nonsense_is_read_or_refused(message, choice, answer):
    whole = {**answer, "choices": [{**choice, "message": message}]}

    try:
        events = list(DIALECT.whole(whole, Origin()))
    except UpstreamError:
        return

    if not any(isinstance(event, Failure) for event in events):
        assert DIALECT.fold(gather(events), ASKED)


@hard
@given(body=objects, message=objects, part=objects, tool=objects)
def test_a_request_of_nonsense_is_read_or_refused(body, message, part, tool):
    user = {"role": "user", "content": [{"type": "text", "text": "x"}, part]}
    assistant = {**message, "role": "assistant"}

    for said in ([user], [assistant], [{**message, "tool_call_id": "1", "role": "tool"}]):
        try:
            DIALECT.decode_request({**body, "model": "m", "messages": said, "tools": [tool]})
        except MalformedError:
            continue


@hard
@given(envelope=nonsense, status=st.sampled_from([400, 401, 404, 429, 500, 503, 599]))
def test_an_error_of_nonsense_is_an_error(envelope, status):
    fault = DIALECT.parse_error(status, (), json.dumps(envelope).encode())

    assert fault.status == status
    assert DIALECT.render_error(fault, "r")["error"]["message"]

"""Fields without a canonical place on their way to another dialect, and reasons that it has no word for."""

import pytest

from pointsman.canon.blocks import Text
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.events import Stop
from pointsman.canon.request import Message, Request
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.foreign import foreign_losses
from pointsman.dialects.registry import DIALECTS


@pytest.mark.parametrize(
    "fields",
    [
        {"moderation": {"model": "omni-moderation-latest", "policy": {"input": {"mode": "block"}}}},
        {"inference_geo": "us"},
        {"logprobs": True},
        {"web_search_options": {}},
        {"modalities": ["text", "audio"]},
    ],
)
def test_what_an_answer_depends_on_is_refused_by_name(fields):
    with pytest.raises(UnsupportedError) as refused:
        foreign_losses(fields)

    assert refused.value.param in fields


@pytest.mark.parametrize(
    "fields",
    [{"modalities": ["text"]}, {"speed": "standard"}, {"inference_geo": "global"}, {"store": False}],
)
def test_what_asks_for_nothing_is_no_loss(fields):
    assert foreign_losses(fields) == ()


def test_what_is_left_out_is_named():
    assert [loss.what for loss in foreign_losses({"speed": "fast", "store": True})] == ["speed", "store"]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_reason_that_nobody_knows_is_named(dialect):
    stop = Stop("other", "compaction", dialect="elsewhere")

    assert [(loss.kind, loss.what) for loss in dialect.answer_losses(stop)] == [
        ("approximated", "stop_reason")
    ]
    assert dialect.answer_losses(Stop("other", dialect="elsewhere")) == ()


@pytest.mark.parametrize("dialect", ["openai_chat", "openai_responses"])
def test_the_key_of_a_prompt_cache_goes_to_whoever_is_known_to_take_it(dialect):
    request = Request("elsewhere", "m", (Message("user", (Text("x"),)),), prompt_cache_key="k")

    taken = DIALECTS[dialect].encode_request(request, Target("m", "maker", Traits(prompt_cache_key=True)))
    left = DIALECTS[dialect].encode_request(request, Target("m", "maker"))

    assert (taken.body["prompt_cache_key"], taken.losses) == ("k", ())
    assert "prompt_cache_key" not in left.body
    assert [(loss.kind, loss.what) for loss in left.losses] == [("dropped", "prompt_cache_key")]

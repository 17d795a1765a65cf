"""Fields without a canonical place on their way to another dialect, and reasons that it has no word for."""

import pytest

from pointsman.canon.blocks import Text
from pointsman.canon.errors import UnsupportedError
from pointsman.canon.events import Stop
from pointsman.canon.request import Message, Request, Tool
from pointsman.canon.traits import Target, Traits
from pointsman.dialects.foreign import foreign_losses
from pointsman.dialects.free_text import unwrapped
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


GRAMMAR = {"syntax": "lark", "definition": 'start: "*** Begin Patch"'}


@pytest.mark.parametrize("to", ["openai_chat", "openai_responses"])
@pytest.mark.parametrize("source", ["openai_chat", "openai_responses"])
def test_a_grammar_travels_between_the_dialects_that_have_grammars(source, to):
    tool = Tool("apply_patch", "Edits files.", kind="custom", grammar=GRAMMAR)
    request = Request("elsewhere", "m", (Message("user", (Text("x"),)),), tools=(tool,))
    target = Target("m", "maker", Traits(custom_tools=True))

    sent = DIALECTS[source].encode_request(request, target)
    read = DIALECTS[source].decode_request(sent.body)
    again = DIALECTS[to].decode_request(DIALECTS[to].encode_request(read, target).body)

    assert sent.losses == ()
    assert [(each.name, each.grammar) for each in again.tools] == [("apply_patch", GRAMMAR)]


@pytest.mark.parametrize("dialect", DIALECTS.values(), ids=DIALECTS)
def test_a_target_without_free_text_reads_the_grammar_in_the_description(dialect):
    tool = Tool("apply_patch", "Edits files.", kind="custom", grammar=GRAMMAR)
    request = Request("elsewhere", "m", (Message("user", (Text("x"),)),), tools=(tool,))

    sent = dialect.encode_request(request, Target("m", "maker", Traits(custom_tools=False)))

    assert GRAMMAR["definition"] in str(sent.body)
    assert any("grammar" in loss.what and loss.kind == "approximated" for loss in sent.losses)


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        ('{"patch":"abc"}', '{"patch":"abc"}'),
        ("{}", ""),
        ('{"input":"abc"}', "abc"),
        ('{"input":5}', '{"input":5}'),
    ],
)
def test_free_text_in_a_form_of_the_models_own_is_not_lost(arguments, text):
    assert unwrapped(arguments) == text

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pointsman.canon.errors import SetupError
from pointsman.canon.traits import Traits
from pointsman.catalog.lookup import bare_name, matching, traits_for
from pointsman.catalog.profile import Profile
from pointsman.catalog.provider import Provider, Speaks
from pointsman.config import shipped


def provider(**fields):
    return Provider(name="acme", title="Acme", page="p", dialects={"openai_chat": Speaks("/v1")}, **fields)


def profile(name, pattern, **fields):
    return Profile(name=name, patterns=(pattern,), page="p", **fields)


def chat_traits(name, model, user=None):
    return traits_for(shipped.providers()[name], "openai_chat", shipped.profiles(), model, user or {})


def messages_traits(name, model):
    return traits_for(shipped.providers()[name], "anthropic", shipped.profiles(), model, {})


def test_without_rows_the_traits_are_the_defaults():
    assert traits_for(provider(), "openai_chat", (), "m", {}) == Traits()


def test_layers_stand_above_each_other_in_the_documented_order():
    row = provider(traits={"stop_limit": 1}, dialect_traits={"openai_chat": {"stop_limit": 2}})
    first = profile("first", "m*", traits={"stop_limit": 3})
    second = profile(
        "second", "m*", traits={"stop_limit": 4}, dialect_traits={"openai_chat": {"stop_limit": 5}}
    )

    def limit(profiles, user):
        return traits_for(row, "openai_chat", profiles, "m", user).stop_limit

    assert limit((), {}) == 2
    assert limit((first,), {}) == 3
    assert limit((second, first), {}) == 5
    assert limit((first, second), {"stop_limit": 6}) == 6
    assert traits_for(row, "anthropic", (), "m", {}).stop_limit == 1


def test_what_rows_refuse_adds_up():
    row = provider(traits={"refused_fields": ["seed"], "extra_fields": {"a": 1}})
    family = profile("f", "m", traits={"refused_fields": ["top_p", "seed"], "extra_fields": {"b": 2}})

    traits = traits_for(row, "openai_chat", (family,), "m", {})

    assert traits.refused_fields == ("seed", "top_p")
    assert traits.extra_fields == {"a": 1, "b": 2}


def test_a_model_takes_only_what_provider_and_family_both_take():
    row = provider(traits={"tool_choice": ["auto", "any", "none"]})
    family = profile("f", "m", traits={"tool_choice": ["auto", "none", "tool"]})

    assert traits_for(row, "openai_chat", (family,), "m", {}).tool_choice == ("auto", "none")


def test_the_users_word_replaces_what_the_rows_say():
    row = provider(traits={"refused_fields": ["seed"], "tool_choice": ["auto"]})

    traits = traits_for(row, "openai_chat", (), "m", {"refused_fields": [], "tool_choice": ["auto", "any"]})

    assert traits.refused_fields == ()
    assert traits.tool_choice == ("auto", "any")


def test_a_wrong_trait_of_the_users_is_an_error_that_names_it():
    with pytest.raises(SetupError, match="`stop_limits`"):
        traits_for(provider(), "openai_chat", (), "m", {"stop_limits": 1})


def test_a_profile_for_one_provider_holds_only_there():
    there = profile("there", "m", providers=("other",))
    here = profile("here", "m", providers=("acme",))

    assert list(matching(provider(), (there, here), "m")) == [here]


@pytest.mark.parametrize(
    ("model", "bare"),
    [
        ("claude-opus-5-5", "claude-opus-5-5"),
        ("anthropic/claude-opus-4.6", "claude-opus-4.6"),
        ("us.anthropic.claude-opus-4-6-v1", "claude-opus-4-6-v1"),
        ("accounts/fireworks/models/kimi-k2p5", "kimi-k2p5"),
        ("Qwen/Qwen3-32B", "qwen3-32b"),
        ("gpt-5.6-luna", "gpt-5.6-luna"),
        ("glm-5.3", "glm-5.3"),
        ("qwen3.8-27b", "qwen3.8-27b"),
    ],
)
def test_profiles_see_a_name_without_vendor_and_cloud(model, bare):
    assert bare_name(model) == bare


@given(st.text())
def test_any_name_gets_traits(model):
    assert isinstance(chat_traits("openai", model), Traits)


@pytest.mark.parametrize(
    ("model", "modes", "choices"),
    [
        ("claude-fable-5-2", ("adaptive",), ("auto", "none")),
        ("claude-fable-5.1", ("adaptive",), ("auto", "none")),
        ("us.anthropic.claude-mythos-5-2-v1:0", ("adaptive",), ("auto", "none")),
        ("claude-fable-5", ("adaptive",), ("auto", "any", "none", "tool")),
        ("claude-opus-5-5", ("adaptive",), ("auto", "none")),
        ("claude-opus-5", ("off", "adaptive"), ("auto", "any", "none", "tool")),
        ("claude-sonnet-5-5", ("off", "adaptive"), ("auto", "none")),
        ("claude-haiku-5-5", ("off", "adaptive"), ("auto", "any", "none", "tool")),
        ("claude-opus-4-6", ("on", "off", "adaptive"), ("auto", "any", "none", "tool")),
        ("claude-haiku-4-5-20251001", ("on", "off"), ("auto", "any", "none", "tool")),
        ("claude-sonnet-4-20250514", ("on", "off"), ("auto", "any", "none", "tool")),
    ],
)
def test_each_claude_generation_thinks_in_its_own_modes(model, modes, choices):
    traits = messages_traits("anthropic", model)

    assert traits.thinking_modes == modes
    assert traits.tool_choice == choices


def test_new_claudes_refuse_sampling_and_old_ones_take_it():
    assert "temperature" in messages_traits("anthropic", "claude-opus-4-7").refused_fields
    assert "temperature" in messages_traits("anthropic", "claude-haiku-5-5").refused_fields
    assert messages_traits("anthropic", "claude-opus-4-6").refused_fields == ()


@pytest.mark.parametrize(
    ("model", "placing"),
    [
        ("claude-opus-4-8", "keep"),
        ("claude-opus-4-8-20260528", "keep"),
        ("claude-opus-5", "keep"),
        ("claude-opus-5-5", "keep"),
        ("claude-fable-5-1", "keep"),
        ("claude-sonnet-5", "own"),
        ("claude-opus-4-7", "own"),
        ("claude-opus-4-20250514", "own"),
        ("claude-haiku-4-5", "own"),
        ("claude-3-5-sonnet-latest", "own"),
    ],
)
def test_only_the_newer_claudes_take_system_messages_in_mid_conversation(model, placing):
    assert messages_traits("anthropic", model).mid_system == placing


def test_sonnet_5_5_stops_thinking_by_another_word():
    assert messages_traits("anthropic", "claude-sonnet-5-5").thinking_off == "between_tools"
    assert messages_traits("anthropic", "claude-sonnet-5").thinking_off == "disabled"


@pytest.mark.parametrize("model", ["gpt-5", "gpt-6-luna", "o3", "gpt-5.6-sol"])
def test_reasoning_models_at_openai_take_one_token_limit_and_no_temperature(model):
    traits = chat_traits("openai", model)

    assert traits.token_limit_field == "max_completion_tokens"
    assert "temperature" in traits.refused_fields


def test_older_models_at_openai_take_either_token_limit():
    traits = chat_traits("openai", "gpt-4o")

    assert traits.token_limit_field is None
    assert traits.refused_fields == ()


@pytest.mark.parametrize(
    ("model", "effort", "tools"),
    [
        ("gpt-5.2", "any", True),
        ("gpt-5.4", "absent", True),
        ("gpt-5.6-luna", "none", True),
        ("gpt-6-astra", "any", False),
    ],
)
def test_function_tools_limit_the_effort_at_openai(model, effort, tools):
    traits = chat_traits("openai", model)

    assert traits.effort_with_tools == effort
    assert traits.tools is tools


@pytest.mark.parametrize(
    ("provider", "model", "style", "efforts"),
    [
        ("mistral", "mistral-large-latest", "none", None),
        ("mistral", "mistral-medium-3-5", "effort", ("none", "high")),
        ("mistral", "zai-glm-5-3", "effort", ("low", "high", "max")),
        ("groq", "llama-3.3-70b-versatile", "none", None),
        ("groq", "qwen/qwen3.6-27b", "effort", ("none", "default")),
        ("groq", "openai/gpt-oss-120b", "effort", ("low", "medium", "high")),
        ("google", "gemini-3.8-flash", "effort", ("low", "medium", "high")),
        ("google", "gemini-3.5-flash-lite", "effort", ("minimal", "low", "medium", "high")),
        ("google", "gemini-2.5-flash", "effort", ("none", "low", "medium", "high")),
        ("openai", "gpt-5-pro", "effort", ("high",)),
        ("openai", "gpt-5.2-chat-latest", "effort", ("medium",)),
        ("openai", "gpt-6.2-sol", "effort", ("low", "medium", "high", "xhigh")),
    ],
)
def test_each_model_is_asked_to_think_in_words_that_it_takes(provider, model, style, efforts):
    traits = chat_traits(provider, model)

    assert traits.reasoning == style
    assert traits.efforts == efforts


@pytest.mark.parametrize(
    ("model", "limit"), [("gpt-5", 0), ("gpt-5.2", 0), ("o3", 0), ("gpt-5-chat-latest", 4), ("gpt-6-sol", 4)]
)
def test_stop_sequences_reach_only_the_openai_models_that_take_them(model, limit):
    assert chat_traits("openai", model).stop_limit == limit


def test_strict_servers_get_no_past_thinking_in_a_field_that_they_refuse():
    assert "reasoning" in chat_traits("groq", "llama-3.3-70b-versatile").refused_reasoning
    assert "reasoning" not in chat_traits("groq", "openai/gpt-oss-120b").refused_reasoning
    assert "reasoning_content" in chat_traits("cerebras", "gpt-oss-120b").refused_reasoning


def test_an_aggregator_does_not_share_openais_own_limits():
    traits = chat_traits("openrouter", "openai/gpt-6-astra")

    assert traits.tools
    assert traits.token_limit_field is None
    assert traits.reasoning == "reasoning_object"


def test_a_compatible_server_is_taken_at_its_word():
    traits = chat_traits("openai-compatible", "some-model")

    assert traits == Traits(effort_budgets=traits.effort_budgets)

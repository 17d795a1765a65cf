"""What is found without being configured, and what is not."""

import pytest
from catalogs import CATALOG, effective

from pointsman.config.assemble import assemble
from pointsman.config.discovery import discovered, leads_here, missing_keys, neighbours
from pointsman.config.urls import UrlError

CANARY = "sk-canary-7f3a"
HERE = [("127.0.0.1", 3456)]


def found(environment, own=HERE):
    return discovered(CATALOG, environment, own).backends


def test_a_key_in_the_environment_adds_its_provider_and_says_why():
    backends = found({"OPENAI_API_KEY": CANARY, "KIMI_API_KEY": CANARY})

    assert {name: (each.why, each.key_env) for name, each in backends.items()} == {
        "openai": ("OPENAI_API_KEY is set", "OPENAI_API_KEY"),
        "moonshot": ("KIMI_API_KEY is set", "KIMI_API_KEY"),
    }
    assert CANARY not in repr(backends)


@pytest.mark.parametrize(
    "environment",
    [
        {},
        {"OPENAI_API_KEY": ""},
        {"OPENAI_API_KEY": "  "},
        {"OPENAI_API_KEY": "pointsman"},
        {"OPENAI_API_KEY": " pointsman "},
        {"OPENAI_API_KEY": "$POINTSMAN_API_KEY"},
        {"OPENAI_API_KEY": "${POINTSMAN_API_KEY}", "POINTSMAN_API_KEY": "mine"},
        {"OPENAI_API_KEY": "mine", "POINTSMAN_API_KEY": "mine"},
        {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://127.0.0.1:3456/v1"},
        {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://localhost:3456"},
        {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://[::1]:3456/v1"},
        {
            "OPENAI_API_KEY": CANARY,
            "OPENAI_BASE_URL": "https://api.openai.com/v1",
            "OPENAI_API_BASE": "http://127.0.0.1:3456",
        },
        {"ANTHROPIC_API_KEY": CANARY, "ANTHROPIC_BASE_URL": "http://127.0.0.1:3456"},
        {"GROQ_API_KEY": CANARY, "GROQ_BASE_URL": "http://127.0.0.1:3456/v1"},
        {"PLAN_API_KEY": CANARY},
        {"REGIONAL_API_KEY": CANARY},
        {"FUTURE_API_KEY": CANARY},
        {"UNRELATED_API_KEY": CANARY},
    ],
    ids=str,
)
def test_nothing_is_found_where_there_is_no_key_or_it_is_pointsmans_own(environment):
    assert found(environment) == {}


def test_one_of_pointsmans_own_keys_does_not_hide_another_providers_key():
    backends = found({"ANTHROPIC_API_KEY": "pointsman", "OPENAI_API_KEY": CANARY})

    assert list(backends) == ["openai"]


def test_the_second_variable_of_a_provider_counts_where_the_first_is_pointsmans():
    backends = found({"MOONSHOT_API_KEY": "pointsman", "KIMI_API_KEY": CANARY})

    assert backends["moonshot"].key_env == "KIMI_API_KEY"


def test_another_port_on_loopback_is_no_pointsman_unless_it_is_recorded():
    environment = {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": "http://127.0.0.1:9000/v1"}

    elsewhere = found(environment)
    recorded = found(environment, [*HERE, ("127.0.0.1", 9000)])

    assert elsewhere["openai"].bases == {"openai_chat": "http://127.0.0.1:9000/v1"}
    assert elsewhere["openai"].why == "OPENAI_API_KEY and OPENAI_BASE_URL are set"
    assert recorded == {}


def test_a_pointsman_on_another_address_is_known_by_host_and_port():
    own = [("10.0.0.5", 3456)]

    assert leads_here("http://10.0.0.5:3456/v1", frozenset(own))
    assert not leads_here("http://10.0.0.6:3456/v1", frozenset(own))
    assert not leads_here("http://10.0.0.5/v1", frozenset(own))
    assert leads_here("https://desk.lan", frozenset({("desk.lan", 443)}))


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://gpu.lan:8000/v1", "OPENAI_BASE_URL is plain http://"),
        ("gpu.lan", "must begin with http://"),
        (f"https://me:{CANARY}@gpu.lan/v1", "user or password"),
    ],
)
def test_a_key_whose_address_cannot_be_used_is_not_sent_elsewhere_and_the_person_is_told(url, why):
    result = discovered(CATALOG, {"OPENAI_API_KEY": CANARY, "OPENAI_BASE_URL": url}, HERE)

    assert result.backends == {}
    (warning,) = result.warnings
    assert why in warning
    assert "OPENAI_BASE_URL is" in warning
    assert CANARY not in warning


def test_an_address_makes_a_provider_without_one_discoverable():
    environment = {"REGIONAL_API_KEY": CANARY, "REGIONAL_BASE_URL": "https://eu.regional.example/v1"}

    assert found(environment)["regional"].bases == {"openai_chat": "https://eu.regional.example/v1"}


def test_a_url_that_is_none_leads_nowhere():
    with pytest.raises(UrlError):
        leads_here("here", frozenset(HERE))


def test_neighbours_are_knocked_at_on_their_usual_ports_unless_something_is_there_already():
    text = "discover = false\n[backends.mine]\nprovider = 'openai-compatible'\nbase_url = 'http://localhost:8000/v1'"
    backends = assemble(effective(text), CATALOG, {}).backends

    every = [(row.name, port) for row, port in neighbours(CATALOG, {}, HERE)]
    rest = [(row.name, port) for row, port in neighbours(CATALOG, backends, [("127.0.0.1", 8001)])]

    assert every == [("ollama", 11434), ("vllm", 8000), ("vllm", 8001)]
    assert rest == [("ollama", 11434)]


def test_a_neighbour_that_is_configured_by_its_name_is_left_alone():
    text = "[backends.ollama]\nprovider = 'ollama'\nbase_url = 'http://gpu.lan:11434'"
    backends = assemble(effective(text), CATALOG, {}).backends

    assert [row.name for row, _ in neighbours(CATALOG, backends, HERE)] == ["vllm", "vllm"]


def test_advice_names_the_variables_of_providers_that_are_not_there():
    backends = found({"OPENAI_API_KEY": CANARY})

    assert missing_keys(CATALOG, {}) == (("gpt-*", "OPENAI_API_KEY"), ("claude-*", "ANTHROPIC_API_KEY"))
    assert missing_keys(CATALOG, backends) == (("claude-*", "ANTHROPIC_API_KEY"),)


def test_a_key_that_needs_a_url_is_told_with_the_command_until_a_backend_has_it():
    environment = {"REGIONAL_API_KEY": CANARY}
    without = assemble(effective(""), CATALOG, environment)
    configured = '[backends.mine]\nprovider = "regional"\nbase_url = "https://a.regional.example"'
    with_one = assemble(effective(configured), CATALOG, environment)

    (warning,) = without.warnings
    assert "REGIONAL_API_KEY is set" in warning
    assert "`pointsman backend add regional --base-url URL`" in warning
    assert CANARY not in warning
    assert with_one.warnings == ()
    assert assemble(effective("discover = false"), CATALOG, environment).warnings == ()

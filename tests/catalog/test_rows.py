"""Laws that every shipped row keeps."""

from fnmatch import fnmatchcase
from urllib.parse import urlsplit

import pytest

from pointsman.canon.traits import Traits
from pointsman.catalog.login import KeyLogin, PlanLogin
from pointsman.catalog.lookup import traits_for
from pointsman.catalog.provider import Speaks
from pointsman.config import shipped

PROVIDERS = shipped.providers()
DIALECTS = {"anthropic", "bedrock_converse", "openai_chat", "openai_responses", "gemini"}
ANY_MODEL = (
    "claude-opus-5-5",
    "us.anthropic.claude-opus-5",
    "gpt-6-luna",
    "openai.gpt-5.5",
    "qwen3-max",
    "x",
)
# fmt: off
EXPECTED = [
    "anthropic", "anthropic-compatible", "azure", "azure-deployments", "bedrock", "bedrock-invoke",
    "bedrock-mantle", "cerebras", "chatgpt", "cohere",
    "deepseek", "embedded",
    "fireworks", "gemini-compatible", "github-models", "google", "groq", "huggingface", "kimi-coding",
    "litellm", "llama.cpp", "lmstudio", "minimax", "minimax-token-plan", "mistral", "moonshot", "nvidia",
    "ollama", "openai", "openai-compatible", "openrouter", "perplexity", "qwen", "qwen-coding",
    "responses-compatible", "sglang",
    "together", "vertex", "vllm", "xai", "zai", "zai-coding",
]
# fmt: on

rows = pytest.mark.parametrize("row", PROVIDERS.values(), ids=PROVIDERS)


def test_every_provider_that_the_project_promises_has_a_row():
    assert sorted(PROVIDERS) == sorted(EXPECTED)


@rows
def test_a_row_names_its_page_and_speaks_known_dialects(row):
    assert row.page.startswith("https://")
    assert row.dialects
    assert set(row.dialects) <= DIALECTS
    assert set(row.dialect_traits) <= set(row.dialects)


@rows
def test_a_root_is_an_origin_or_a_path_without_a_trailing_slash(row):
    if row.root is None:
        return
    url = urlsplit(row.root)

    assert not row.root.endswith("/")
    assert url.scheme == "https" or (row.local and url.hostname == "127.0.0.1")
    assert url.query == url.fragment == ""
    assert url.username is None


@rows
def test_a_base_is_empty_or_a_path(row):
    for speaks in row.dialects.values():
        assert speaks.base == "" or (speaks.base.startswith("/") and not speaks.base.endswith("/"))


@rows
def test_every_model_of_a_row_has_a_dialect_there(row):
    served = [{model for model in ANY_MODEL if speaks.serves(model)} for speaks in row.dialects.values()]

    assert set().union(*served) == set(ANY_MODEL)


def test_patterns_of_a_dialect_say_which_models_have_it():
    some = Speaks("/v1", models=("gpt-*", "claude-*", "!*-audio"))

    assert some.serves("GPT-6")
    assert not some.serves("gpt-6-audio")
    assert not some.serves("llama")
    assert Speaks("/v1", models=("!claude-*",)).serves("llama")
    assert Speaks("/v1").serves("llama")


@rows
def test_what_is_added_by_its_key_has_a_key_and_a_root(row):
    if row.key_env and row.discover:
        assert row.root
        assert not row.compatible


@rows
def test_only_servers_of_this_machine_have_ports(row):
    if row.ports:
        assert row.local
        assert urlsplit(row.root).port == row.ports[0]


@rows
def test_every_row_gives_traits_in_each_of_its_dialects(row):
    for dialect in row.dialects:
        assert isinstance(traits_for(row, dialect, shipped.profiles(), "some-model", {}), Traits)


def test_no_key_variable_adds_two_providers():
    seen = [name for row in PROVIDERS.values() if row.discover for name in row.key_env]

    assert len(seen) == len(set(seen))


def test_no_prefix_names_two_providers():
    own = [row for row in PROVIDERS.values() if not row.compatible]
    kinds = [row for row in PROVIDERS.values() if row.compatible]
    prefixes = [*PROVIDERS, *(alias for row in own for alias in row.aliases)]
    of_kinds = [alias for row in kinds for alias in row.aliases]

    assert len(prefixes) == len(set(prefixes))
    assert len(of_kinds) == len(set(of_kinds))


@pytest.mark.parametrize(
    ("model", "owner"),
    [
        ("gpt-6-luna", "openai"),
        ("o3", "openai"),
        ("o4-mini", "openai"),
        ("chatgpt-4o-latest", "openai"),
        ("codex-mini-latest", "openai"),
        ("claude-opus-5-5", "anthropic"),
        ("gemini-3.8-flash", "google"),
        ("grok-4.7", "xai"),
        ("deepseek-flash", "deepseek"),
        ("mistral-large-4", "mistral"),
        ("codestral-2508", "mistral"),
        ("command-a-03-2025", "cohere"),
        ("sonar-pro", "perplexity"),
        ("kimi-k3", "moonshot"),
        ("kimi-for-coding", "kimi-coding"),
        ("glm-5.3", "zai"),
        ("qwen3-max", "qwen"),
        ("MiniMax-M3", "minimax"),
    ],
)
def test_a_companys_own_model_goes_to_its_row_first(model, owner):
    found = [n for n, row in PROVIDERS.items() if any(fnmatchcase(model, p) for p in row.patterns)]

    assert found[0] == owner


@pytest.mark.parametrize("model", ["openrouter-auto", "ollama-thing", "meta-llama/x", "llama3:8b", "local"])
def test_names_that_are_nobodys_own_match_no_pattern(model):
    assert not [n for n, row in PROVIDERS.items() if any(fnmatchcase(model, p) for p in row.patterns)]


def test_the_families_cover_every_current_claude():
    families = PROVIDERS["anthropic"].families

    assert fnmatchcase("claude-opus-5-5", families["opus"])
    assert fnmatchcase("claude-sonnet-5-5", families["sonnet"])
    assert fnmatchcase("claude-haiku-5-5", families["haiku"])
    assert fnmatchcase("claude-fable-5-2", families["fable"])


def test_exactly_one_row_is_the_model_inside():
    assert [row.name for row in PROVIDERS.values() if row.engine] == ["embedded"]


def test_profiles_have_a_page_and_name_providers_that_exist():
    for profile in shipped.profiles():
        assert profile.page.startswith("https://")
        assert set(profile.providers) <= set(PROVIDERS)
        assert set(profile.dialect_traits) <= DIALECTS
        assert all(pattern == pattern.lower() for pattern in profile.patterns)


def test_clients_speak_known_dialects():
    for client in shipped.clients().values():
        assert set(client.dialects) <= DIALECTS
        assert client.page.startswith("https://")


@pytest.mark.parametrize("row", [row for row in PROVIDERS.values() if isinstance(row.login, PlanLogin)])
def test_a_plans_row_asks_for_what_it_needs_and_names_its_pages(row):
    login = row.login

    assert row.sign_in == "oauth"
    assert row.key_env == ()
    assert {"openid", "offline_access", login.needed} <= set(login.scopes)
    assert all(url.startswith("https://") for url in (login.issuer, login.manage))
    assert login.path.startswith("/")


@pytest.mark.parametrize("row", [row for row in PROVIDERS.values() if isinstance(row.login, KeyLogin)])
def test_a_row_that_issues_keys_says_where_over_tls(row):
    login = row.login

    assert row.sign_in is None
    assert all(url.startswith("https://") for url in (login.address, login.exchange, login.manage))


def test_the_words_for_signing_in_are_different():
    words = [row.login.name or row.name for row in PROVIDERS.values() if row.login is not None]

    assert sorted(words) == ["chatgpt", "github", "openrouter"]

"""Backends out of settings and provider rows."""

import pytest
from catalogs import ALL_BUILT, CATALOG, effective

from pointsman.canon.errors import SetupError
from pointsman.catalog.provider import Provider, Speaks
from pointsman.config.assemble import assemble, unknown_default
from pointsman.config.backends import Catalog, configured
from pointsman.routing.snapshot import Timeouts


def one(text, environment=None, catalog=CATALOG):
    return configured(effective(f"[backends.b]\n{text}"), catalog, environment or {})["b"]


def refused(text, catalog=CATALOG):
    with pytest.raises(SetupError) as caught:
        one(text, catalog=catalog)
    return caught.value


def test_a_file_that_is_not_there_is_named_before_anybody_needs_it():
    text = """
    [backends.lan]
    provider = "openai-compatible"
    base_url = "https://gpu.lan/v1"
    ca_file = "/no/such.pem"
    """

    (warning,) = assemble(effective(text), CATALOG, {}).warnings

    assert warning == "`backends.lan.ca_file` leads to /no/such.pem, and there is no such file"


def test_everything_that_the_user_wrote_reaches_the_backend():
    backend = one(
        """
        provider = "openai-compatible"
        base_url = "http://gpu.lan:8000/v1"
        key_env = "GPU_KEY"
        models = ["one", "two"]
        proxy = "http://proxy.lan:3128"
        ca_file = "lan.pem"
        headers = { X-Team = "blue" }
        timeouts = { idle = 30 }
        allow_http = true
        ask_usage = true
        traits = { images = false }
        """
    )

    assert (backend.name, backend.why, backend.provider.name) == ("b", "config.toml", "openai-compatible")
    assert (backend.key_env, backend.models) == ("GPU_KEY", ("one", "two"))
    assert (backend.proxy, backend.ca_file) == ("http://proxy.lan:3128", "/etc/pointsman/lan.pem")
    assert backend.headers == {"x-team": "blue"}
    assert backend.timeouts == Timeouts(10.0, 300.0, 30.0)
    assert (backend.allow_http, backend.ask_usage, backend.traits) == (True, True, {"images": False})


def test_several_backends_of_one_provider_keep_the_order_of_the_file():
    text = "[backends.work]\nprovider='openai'\n[backends.home]\nprovider='openai'\nkey_env='HOME_KEY'"

    backends = configured(effective(text), CATALOG, {})

    assert [(name, each.key_env) for name, each in backends.items()] == [
        ("work", "OPENAI_API_KEY"),
        ("home", "HOME_KEY"),
    ]


def test_the_variable_of_a_provider_is_the_first_that_holds_a_key():
    both = {"MOONSHOT_API_KEY": "pointsman", "KIMI_API_KEY": "x"}

    assert one("provider = 'moonshot'").key_env == "MOONSHOT_API_KEY"
    assert one("provider = 'moonshot'", both).key_env == "KIMI_API_KEY"
    assert one("provider = 'qwen'").key_env is None


def test_a_model_file_makes_a_backend_inside_pointsman():
    backend = one("gguf = '~/models/a.gguf'")
    beside = one("gguf = 'a.gguf'\nprovider = 'inside'")

    assert backend.provider.engine
    assert list(backend.bases) == ["openai_chat", "anthropic"]
    assert backend.gguf.endswith("/models/a.gguf")
    assert "~" not in backend.gguf
    assert beside.gguf == "/etc/pointsman/a.gguf"


def test_a_model_file_at_a_remote_provider_is_refused():
    assert "leave `provider` out" in refused("provider = 'openai'\ngguf = 'a.gguf'").message


def test_a_model_file_without_an_engine_in_the_table_is_refused():
    catalog = Catalog({"openai": CATALOG.rows["openai"]}, CATALOG.built)

    assert "there is no provider" in refused("gguf = 'a.gguf'", catalog).message


def test_an_unknown_provider_names_the_nearest_one():
    message = refused("provider = 'opnai'").message

    assert message == "`backends.b.provider`: there is no provider opnai; the nearest one is openai"


def test_a_provider_without_an_address_needs_one_and_says_which():
    message = refused("provider = 'regional'").message

    assert "`base_url` is missing, and provider regional has none. Give the region's URL." in message
    assert "`base_url` is missing" in refused("provider = 'openai-compatible'").message


@pytest.mark.parametrize(
    "text",
    [
        "provider = 'openai'\ndialects = ['later']",
        "provider = 'openai'\ndialects = ['openai_chat', 'gemini']",
        "provider = 'gemini-compatible'\nbase_url = 'https://g.example'",
        "provider = 'future'",
    ],
)
def test_a_dialect_that_is_not_built_is_refused_with_what_is(text):
    error = refused(text)

    assert error.code == "dialect_not_built"
    assert "not built in this version; built are anthropic, openai_chat" in error.message


def test_a_dialect_that_there_is_not_is_told_from_one_that_is_not_built():
    error = refused("provider = 'openai'\ndialects = ['openai_chta']")

    assert "there is no dialect openai_chta; the nearest one is openai_chat" in error.message
    assert "built" not in error.message


def test_no_backend_hides_the_model_inside():
    with pytest.raises(SetupError, match="inside is the model inside pointsman"):
        configured(effective("[backends.inside]\nprovider = 'groq'"), CATALOG, {})

    assert "inside" in configured(effective("[backends.inside]\ngguf = 'm.gguf'"), CATALOG, {})


def test_a_dialect_that_a_row_does_not_speak_is_spoken_as_its_kind_does():
    rows = {
        "a": Provider("a", "A", "", {"one": Speaks("/v1")}, root="https://a.example"),
        "b": Provider("b", "B", "", {"two": Speaks("", auth="x-api-key")}, compatible=True),
    }

    backend = one("provider = 'a'\ndialects = ['two']", catalog=Catalog(rows, frozenset({"two"})))

    assert backend.provider.dialects == {"two": Speaks("", auth="x-api-key")}
    assert backend.bases == {"two": "https://a.example"}


def test_a_dialect_of_which_no_row_tells_is_refused():
    rows = {"a": Provider("a", "A", "", {"one": Speaks("/v1")}, root="https://a.example")}

    error = refused("provider = 'a'\ndialects = ['two']", Catalog(rows, frozenset({"one", "two"})))

    assert "provider a does not speak two" in error.message


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("provider = 'openai'\nbase_url = 'http://10.0.0.5/v1'", False),
        ("provider = 'openai'\nbase_url = 'http://10.0.0.5/v1'\nallow_http = true", True),
        ("provider = 'openai'\nbase_url = 'http://127.0.0.1:1/v1'", True),
        ("provider = 'openai-compatible'\nbase_url = 'http://10.0.0.5/v1'", True),
        ("provider = 'vllm'\nbase_url = 'http://10.0.0.5:8000/v1'", True),
    ],
)
def test_a_providers_usual_key_does_not_travel_over_plain_http_either(text, allowed):
    if allowed:
        assert one(text).name == "b"
    else:
        assert "`allow_http = true`" in refused(text).message


def test_a_configured_backend_stands_for_a_found_one_of_its_name():
    environment = {"OPENAI_API_KEY": "x", "GROQ_API_KEY": "x"}
    text = "[backends.openai]\nprovider = 'openai'\nmodels = ['m']"

    backends = assemble(effective(text), CATALOG, environment).backends

    assert {name: each.why for name, each in backends.items()} == {
        "openai": "config.toml",
        "groq": "GROQ_API_KEY is set",
    }


def test_nothing_is_looked_for_where_discovery_is_off():
    assert assemble(effective("discover = false"), CATALOG, {"OPENAI_API_KEY": "x"}).backends == {}


def test_warnings_of_all_stages_are_gathered():
    environment = {"GROQ_API_KEY": "x", "GROQ_BASE_URL": "nonsense"}

    (warning,) = assemble(effective(""), CATALOG, environment).warnings

    assert warning == (
        "GROQ_API_KEY is set, but groq was not added: GROQ_BASE_URL is not a URL that can be used: "
        "it must begin with http:// or https://"
    )


def test_a_default_that_is_no_backend_names_the_nearest_one():
    backends = assemble(effective("[backends.gpu]\nprovider = 'ollama'"), CATALOG, {}).backends

    assert unknown_default(None, backends) is None
    assert unknown_default("gpu", backends) is None
    assert "the nearest one is gpu" in unknown_default("gpus", backends)
    assert "the nearest one is none" in unknown_default("gpus", {})


def test_all_rows_of_the_shipped_table_that_can_be_had_make_a_backend():
    from pointsman.config.shipped import providers

    built = frozenset({"openai_chat", "anthropic"})
    catalog = Catalog(providers(), built)
    wanted = [row for row in providers().values() if built & set(row.dialects) and not row.engine]
    text = "".join(
        f"[backends.'{row.name}']\nprovider = '{row.name}'\nbase_url = 'https://host.example'\n"
        for row in wanted
    )

    backends = configured(effective(text), catalog, {})

    assert list(backends) == [row.name for row in wanted]
    assert all(
        url.startswith("https://host.example") for each in backends.values() for url in each.bases.values()
    )


def test_geminis_kind_is_taken_once_it_is_built():
    backend = one("provider = 'gemini-compatible'\nbase_url = 'https://g.example/v1beta'", catalog=ALL_BUILT)

    assert backend.bases == {"gemini": "https://g.example"}

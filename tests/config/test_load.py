"""The effective configuration, and errors that say where and what."""

import pytest

from pointsman.canon.errors import SetupError
from pointsman.config.load import load, read_text
from pointsman.config.show import explain

CANARY = "sk-canary-7f3a"


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "config.toml"

    def write(text):
        path.write_text(text, encoding="utf-8")
        return path

    write.path = path
    return write


def fails(text, *parts):
    """The error for a file's text, which holds each of `parts`."""
    with pytest.raises(SetupError) as caught:
        read_text(text, "config.toml")
    for part in parts:
        assert part in caught.value.message
    return caught.value.message


def test_without_a_file_the_defaults_hold(file):
    effective = load(file.path, {})

    assert (effective.settings.host, effective.settings.port) == ("localhost", 3456)
    assert effective.settings.max_body == 64 * 1024 * 1024
    assert effective.source("port") == "default"


def test_a_flag_goes_before_a_variable_before_the_file_before_the_default(file):
    path = file('port = 1\nhost = "::1"\nmodel = "a:b"')
    environment = {"POINTSMAN_PORT": "2", "POINTSMAN_HOST": "127.0.0.1"}

    effective = load(path, environment, {"port": 3, "model": None})

    assert (effective.settings.port, effective.settings.host, effective.settings.model) == (
        3,
        "127.0.0.1",
        "a:b",
    )
    assert [effective.source(key) for key in ("port", "host", "model", "discover")] == [
        "--port",
        "POINTSMAN_HOST",
        str(path),
        "default",
    ]


def test_a_flag_that_is_no_setting_is_refused_with_the_nearest_one(file):
    with pytest.raises(SetupError, match="no setting `prot`; the nearest one is `port`"):
        load(file.path, {}, {"prot": 1})


def test_variables_are_read_as_the_type_of_their_key(file):
    environment = {
        "POINTSMAN_MAX_BODY": "1KB",
        "POINTSMAN_DISCOVER": "No",
        "POINTSMAN_DRAIN_ON_CLOSE": "1",
        "POINTSMAN_QUEUE_TIMEOUT": "1.5",
        "POINTSMAN_ALLOWED_HOSTS": "a.example, b.example,",
        "POINTSMAN_SECRETS": "file",
        "POINTSMAN_MODEL": "  ",
    }

    settings = load(file.path, environment).settings

    assert settings.max_body == 1024
    assert (settings.discover, settings.drain_on_close) == (False, True)
    assert settings.queue_timeout == 1.5
    assert settings.allowed_hosts == ("a.example", "b.example")
    assert (settings.secrets, settings.model) == ("file", None)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("POINTSMAN_PORT", "70000", "integer from 0 to 65535, found 70000"),
        ("POINTSMAN_PORT", "tcp://10.0.0.1:3456", "integer from 0 to 65535"),
        ("POINTSMAN_DISCOVER", "maybe", "boolean"),
        ("POINTSMAN_SECRETS", "vault", '"auto" or "keyring" or "file"'),
        ("POINTSMAN_MAX_BODY", "much", "size"),
        ("POINTSMAN_ALLOWED_ORIGINS", "*", "never `*`"),
    ],
)
def test_a_variable_that_does_not_fit_is_named(file, name, value, expected):
    with pytest.raises(SetupError) as caught:
        load(file.path, {name: value})

    assert caught.value.message.startswith(f"{name}: ")
    assert expected in caught.value.message


def test_a_flag_that_does_not_fit_is_named(file):
    with pytest.raises(SetupError, match=r"^--max-attempts: `max_attempts`.*integer of at least 1"):
        load(file.path, {}, {"max_attempts": 0})


def test_an_unknown_variable_is_a_warning_because_others_may_set_it(file):
    environment = {"POINTSMAN_PROT": "1", "POINTSMAN_API_KEY": CANARY, "POINTSMAN_HOME": "/x"}

    effective = load(file.path, environment)

    assert effective.warnings == ("unknown variable POINTSMAN_PROT; the nearest one is POINTSMAN_PORT",)


def test_the_endpoints_own_key_is_not_kept(file):
    effective = load(file.path, {"POINTSMAN_API_KEY": CANARY})

    assert CANARY not in repr(effective)
    assert CANARY not in repr(explain(effective))


@pytest.mark.parametrize(
    ("text", "path", "near", "line"),
    [
        ("prot = 1", "prot", "port", 1),
        ('port = 1\n\n[backends.a]\nprovidr = "x"', "backends.a.providr", "provider", 4),
        (
            '[backends.a]\nprovider = "x"\ntimeouts = { conect = 1 }',
            "backends.a.timeouts.conect",
            "connect",
            3,
        ),
        (
            '[backends.a]\nprovider = "x"\n[backends.a.timeouts]\nidel = 1',
            "backends.a.timeouts.idel",
            "idle",
            4,
        ),
        ('[backends."a.b"]\nprovider = "x"\nmodel = "x"', 'backends."a.b".model', "models", 3),
        ('backends.a.provider = "x"\nbackends.a.proxi = "x"', "backends.a.proxi", "proxy", 2),
        (
            '[backends.a]\nprovider = "x"\n[backends.a.traits]\nstrict_tool = true',
            "backends.a.traits.strict_tool",
            "strict_tools",
            4,
        ),
        ('[backend.a]\nprovider = "x"', "backend", "backends", 1),
    ],
)
def test_an_unknown_key_names_its_place_and_the_nearest_one(text, path, near, line):
    fails(text, f"config.toml, line {line}: unknown key `{path}`; the nearest one is `{near}`")


def test_a_backends_name_with_a_dot_that_is_not_quoted_is_understood_in_the_error():
    fails("[backends.llama.cpp]\nprovider = 'x'", "line 1", 'written in quotes: `[backends."llama.cpp"]`')
    fails("[backends.'llama.cpp']", '`backends."llama.cpp".provider`: missing')


def test_a_line_that_looks_like_a_key_within_a_text_does_not_confuse():
    fails('model = """\nx\n= y\n[z\n"""\nprot = 1', "line 6: unknown key `prot`")


@pytest.mark.parametrize("key", ["api_key", "key", "token", "API_KEY"])
def test_a_key_in_the_file_is_refused_with_advice_and_not_shown(key):
    message = fails(f'[backends.a]\nprovider = "x"\n{key} = "{CANARY}"', "key_env", "pointsman backend add")

    assert CANARY not in message


@pytest.mark.parametrize("setting", ["key_env", "models", "timeouts", "allow_http", "headers", "traits"])
def test_a_key_in_the_wrong_place_is_not_shown(setting):
    message = fails(f'[backends.a]\nprovider = "x"\n{setting} = "{CANARY}"', f"`backends.a.{setting}`")

    assert CANARY not in message


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ('port = "1"', ("line 1", "`port`", "expected integer from 0 to 65535, found string")),
        ("port = 65536", ("`port`", "expected integer from 0 to 65535, found 65536")),
        ("queue_timeout = -1", ("expected number of at least 0, found -1",)),
        ("queue_timeout = -1.5", ("expected number of at least 0, found -1.5",)),
        ("port = true", ("found boolean",)),
        ("port = 1.5", ("found number",)),
        ("port = 2026-11-22", ("found date",)),
        ("port = 10:00:00", ("found time",)),
        ("model = []", ("expected string, found array",)),
        ("discover = 1", ("expected boolean, found integer",)),
        ("aliases = 1", ("expected table of strings, found integer",)),
        ("aliases = { a = 1 }", ("`aliases.a`", "expected string, found integer")),
        ("[aliases]\nfine = 'o:x'\nx = 5", ("line 3: `aliases.x`", "expected string, found integer")),
        (
            "[aliases]\nfine = 'o:x'\ngpt-5.5 = 'o:x'",
            ("line 3: `aliases.gpt-5`", 'in quotes: `"gpt-5.5" = …` in `[aliases]`'),
        ),
        ("[aliases]\na.b.c = 5", ('`"a.b.c" = …`',)),
        ("allowed_hosts = 'a'", ("expected array of strings, found string",)),
        ("max_body = '64 bananas'", ('expected size such as "64MB", found string',)),
        ("max_body = -1", ("expected size",)),
        ("max_body = true", ("expected size",)),
        ("backends = 1", ("`backends`", "expected table, found integer")),
        ("[backends]\na = 1", ("`backends.a`", "expected table, found integer")),
        ("secrets = 'x'", ('expected "auto" or "keyring" or "file"',)),
        (
            "[backends.a]\nprovider='x'\ntimeouts.idle = 0",
            ("line 3", "`backends.a.timeouts.idle`", "above 0"),
        ),
        ("[backends.a]\nprovider='x'\ntraits.images = 1", ("`backends.a.traits.images`", "expected boolean")),
        (
            "[backends.'a:b']\nprovider='x'",
            ('`backends."a:b"`', "not a name that can be used", "name of letters"),
        ),
        ('[backends."a\\n"]\nprovider="x"', ("not a name that can be used",)),
        ("[backends.'a/b']\nprovider='x'", ("not a name that can be used",)),
        (
            "[backends.a]\nprovider='x'\nkey_env='9-x'",
            ("`backends.a.key_env`", "expected name of a variable, found string"),
        ),
    ],
)
def test_a_wrong_value_names_its_place_what_was_expected_and_what_was_found(text, parts):
    fails(text, *parts)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("[backends.a]", "`backends.a.provider`: missing"),
        ("[backends.a]\nprovider='x'\nbase_url='example.com'", "must begin with http://"),
        ("[backends.a]\nprovider='x'\nbase_url='http://'", "names no host"),
        ("[backends.a]\nprovider='x'\nbase_url='http://a b/'", "names no host"),
        ("[backends.a]\nprovider='x'\nbase_url='http://a:99999'", "it is not a URL"),
        ("[backends.a]\nprovider='x'\nbase_url='http://a/?k=v'", "without `?`"),
        ("[backends.a]\nprovider='x'\nproxy='socks5://a'", "`backends.a.proxy`: not a proxy"),
        ("[backends.a]\nprovider='x'\nheaders={'a b'='c'}", "`a b` is not a header field"),
        ("[backends.a]\nprovider='x'\nheaders={Host='c'}", "`Host` is not a header field"),
        ("[backends.a]\nprovider='x'\nheaders={x='a\\nb'}".replace("'a\\nb'", '"a\\nb"'), "the value of `x`"),
        ("[backends.a]\nprovider='x'\nmodels=['']", "a model's name must not be empty"),
        ("aliases = { '' = 'x' }", "must not be empty"),
        ("aliases = { x = ' ' }", "must not be empty"),
        ("allowed_hosts = ['*']", "without wildcards"),
        ("allowed_hosts = ['gw.example:3456']", "ports"),
        ("host = '[::1]'", "without brackets: ::1"),
        ("[budgets.mine]\nper = 'day'", "say how much, in `dollars` or `tokens`"),
        ("host = ' '", "`host` must not be empty"),
        ("model = ''", "`model` must not be empty"),
        ("default = ''", "`default` must not be empty"),
        ("allowed_origins = ['*']", "never `*`"),
        ("allowed_origins = ['https://a/b']", "takes origins"),
    ],
)
def test_a_value_that_breaks_a_rule_is_refused(text, part):
    fails(text, part)


def test_a_password_in_a_url_is_refused_and_not_shown():
    message = fails(f"[backends.a]\nprovider='x'\nbase_url='https://me:{CANARY}@host/v1'", "user or password")

    assert CANARY not in message


@pytest.mark.parametrize(
    ("url", "extra", "allowed"),
    [
        ("http://gpu.lan:8000/v1", "", True),
        ("http://gpu.lan:8000/v1", "key_env = 'K'", False),
        ("http://gpu.lan:8000/v1", "headers = { Authorization = 'x' }", False),
        ("http://gpu.lan:8000/v1", "headers = { x-note = 'x' }", True),
        ("http://gpu.lan:8000/v1", "key_env = 'K'\nallow_http = true", True),
        ("https://gpu.lan:8000/v1", "key_env = 'K'", True),
        ("http://127.0.0.1:8000/v1", "key_env = 'K'", True),
        ("http://[::1]:8000/v1", "key_env = 'K'", True),
        ("http://LOCALHOST:8000/v1", "key_env = 'K'", True),
        ("http://127.0.0.1.evil.example/v1", "key_env = 'K'", False),
    ],
)
def test_a_key_goes_over_plain_http_to_this_machine_only_or_where_allowed(url, extra, allowed):
    text = f"[backends.a]\nprovider = 'x'\nbase_url = '{url}'\n{extra}"

    if allowed:
        assert read_text(text, "config.toml")[0].backends["a"].base_url == url
    else:
        fails(text, "line 3", "plain http://", "`allow_http = true`")


def test_a_file_that_is_no_toml_names_the_line():
    fails("port = 1\nmodel = \nhost = 1", "config.toml is not valid TOML", "line 2")


def test_a_file_with_a_byte_order_mark_is_read_and_one_that_is_no_utf8_refused(file):
    file.path.write_bytes(b"\xef\xbb\xbfport = 1")
    marked = load(file.path, {})
    file.path.write_bytes(b"model = '\xff'")

    assert marked.settings.port == 1
    with pytest.raises(SetupError, match="not UTF-8"):
        load(file.path, {})


def test_a_file_of_a_newer_version_is_refused():
    fails("port = 1\nversion = 2", "line 2", "`version = 2`", "newer pointsman")


@pytest.mark.parametrize("version", ["'1'", "true", "-1", "1.0"])
def test_a_version_that_is_none_is_refused(version):
    fails(f"version = {version}", "`version` is not as it must be")


def test_every_shown_value_has_its_source_and_nothing_shown_is_a_key(file):
    path = file(
        f"""
        aliases = {{ fast = "a:b" }}
        [backends.a]
        provider = "x"
        proxy = "http://me:{CANARY}@proxy.lan:3128/"
        headers = {{ x-team = "{CANARY}" }}
        """
    )

    shown = explain(load(path, {"POINTSMAN_PORT": "1"}))

    assert CANARY not in repr(shown)
    assert (shown["port"].value, shown["port"].source) == (1, "POINTSMAN_PORT")
    assert (shown["aliases.fast"].value, shown["aliases.fast"].source) == ("a:b", str(path))
    assert shown["backends.a.headers.x-team"].value == "…"
    assert shown["backends.a.proxy"].value == "http://…@proxy.lan:3128/"
    assert shown["backends.a.timeouts.idle"].value == 300.0
    assert (shown["allowed_hosts"].value, shown["allowed_hosts"].source) == ((), "default")


def test_prices_are_read_by_the_pattern_of_a_models_name_in_the_files_order():
    text = '[prices."claude-*"]\ninput = 3\noutput = 15.0\n[prices."local:*"]\ninput = 0\noutput = 0\n'

    settings, _ = read_text(text, "config.toml")

    assert list(settings.prices) == ["claude-*", "local:*"]
    assert (settings.prices["claude-*"].input, settings.prices["claude-*"].output) == (3.0, 15.0)
    assert settings.prices["claude-*"].cache_read is None


@pytest.mark.parametrize("value", ["inf", "1e305", "1000000001.0"])
@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("guard_cooldown = {}", "guard_cooldown"),
        ("queue_timeout = {}", "queue_timeout"),
        ("[budgets.all]\ndollars = {}", "budgets.all.dollars"),
        ("[backends.a]\nprovider = 'x'\ntimeouts.idle = {}", "backends.a.timeouts.idle"),
    ],
)
def test_a_number_that_has_no_end_or_with_which_no_clock_can_reckon_is_refused(text, name, value):
    fails(text.format(value), f"`{name}` must be a number of at most 1,000,000,000")


@pytest.mark.parametrize("value", ["-1", "inf", "nan", "1e9", '"3"'])
def test_a_price_that_is_none_is_refused(value):
    fails(f'[prices."claude-*"]\ninput = {value}\n', "line 2", "prices", "number from 0 to 1000000")


def test_a_key_of_a_price_that_is_none_is_refused_with_the_nearest_one():
    fails('[prices."claude-*"]\ncache_writes = 3\n', "line 2", "cache_write")

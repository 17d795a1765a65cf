"""Commands edit the file: comments stay, and what would not load is not written."""

import stat
import threading

import pytest
from catalogs import CATALOG

from pointsman.canon.errors import SetupError
from pointsman.config.backends import configured
from pointsman.config.edit import Editor, bring_up_to_date, put
from pointsman.config.load import load

TEXT = """\
# my pointsman
version = 1
port = 4000 # not 3456

[backends.mine] # at home
provider = "ollama"
models = [
  "one", # the good one
]
"""


@pytest.fixture
def path(tmp_path):
    return tmp_path / "config" / "config.toml"


@pytest.fixture
def editor(path, tmp_path):
    return Editor(path, tmp_path / "run", lambda effective: configured(effective, CATALOG, {}))


@pytest.fixture
def written(path):
    path.parent.mkdir()
    path.write_text(TEXT)
    return path


def set_key(editor, path, value):
    editor.edit(lambda document: put(document, path, value))


def add_backend(editor, name, settings):
    set_key(editor, ("backends", name), settings)


def test_the_first_backend_makes_the_file(editor, path):
    add_backend(editor, "fast", {"provider": "groq", "key_env": None, "models": ("a", "b")})

    assert path.read_text().endswith(
        'version = 1\n\n[backends.fast]\nprovider = "groq"\nmodels = ["a", "b"]\n'
    )
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert load(path, {}).settings.backends["fast"].models == ("a", "b")


def test_adding_keeps_every_line_that_was_there(editor, written):
    add_backend(editor, "fast", {"provider": "groq", "timeouts": {"idle": 30}})

    assert written.read_text().startswith(TEXT)
    assert load(written, {}).settings.backends["fast"].timeouts.idle == 30


def test_adding_and_removing_gives_the_text_back(editor, written):
    add_backend(editor, "fast", {"provider": "groq"})
    editor.remove_backend("fast")

    assert written.read_text().rstrip() == TEXT.rstrip()


def test_removing_takes_its_tables_along_and_leaves_the_rest(editor, written):
    add_backend(editor, "fast", {"provider": "groq", "timeouts": {"idle": 30}})
    editor.remove_backend("mine")

    settings = load(written, {}).settings
    assert list(settings.backends) == ["fast"]
    assert "# my pointsman" in written.read_text()


BETWEEN = """\
version = 1

# about a
[backends.a] # here
# inside
provider = "groq" # as is

# about b
[backends.b]
provider = "ollama"

# the end
"""


@pytest.mark.parametrize(
    ("name", "left"),
    [
        ("a", 'version = 1\n\n# about a\n\n# about b\n[backends.b]\nprovider = "ollama"\n\n# the end\n'),
        ("b", BETWEEN.replace('[backends.b]\nprovider = "ollama"\n', "")),
    ],
)
def test_removing_keeps_the_comments_between_a_table_and_what_follows(editor, written, name, left):
    written.write_text(BETWEEN)

    editor.remove_backend(name)

    assert written.read_text() == left


@pytest.mark.parametrize(
    "text",
    [
        'version = 1\nbackends.a.provider = "groq" # one\n# two\nbackends.b.provider = "ollama"\n',
        'version = 1\n[backends]\n# all\na = { provider = "groq" }\n# two\nb = { provider = "ollama" }\n',
        'version = 1\n[backends.a]\nprovider = "groq"\n[backends.b]\nprovider = "ollama"\n'
        "# two\n[backends.a.timeouts]\nidle = 3\n",
    ],
    ids=["dotted", "inline", "apart"],
)
def test_removing_works_in_every_form_of_a_table(editor, written, text):
    written.write_text(text)

    editor.remove_backend("a")

    assert list(load(written, {}).settings.backends) == ["b"]
    assert "# two" in written.read_text()


def test_setting_a_key_keeps_its_comment_and_unsetting_removes_it(editor, written):
    set_key(editor, ("port",), 5000)
    set_key(editor, ("model",), "mine:one")
    set_key(editor, ("aliases", "fast"), "mine:one")
    first = load(written, {}).settings
    set_key(editor, ("model",), None)
    set_key(editor, ("aliases", "fast"), None)

    assert "port = 5000 # not 3456" in written.read_text()
    assert (first.model, first.aliases) == ("mine:one", {"fast": "mine:one"})
    assert (load(written, {}).settings.model, load(written, {}).settings.aliases) == (None, {})


@pytest.mark.parametrize(
    ("name", "settings", "why"),
    [
        ("a:b", {"provider": "groq"}, "not a name that can be used"),
        ("new", {"provider": "nobody"}, "there is no provider nobody"),
        ("new", {"provider": "openai", "dialects": ("gemini",)}, "not built in this version"),
        ("new", {"provider": "groq", "prot": 1}, "unknown key"),
        ("new", {"provider": "groq", "base_url": "http://10.0.0.5/v1"}, "allow_http"),
    ],
)
def test_what_would_not_load_is_refused_and_the_file_is_unchanged(editor, written, name, settings, why):
    before = (written.read_bytes(), written.stat().st_mtime_ns)

    with pytest.raises(SetupError, match=why):
        add_backend(editor, name, settings)

    assert (written.read_bytes(), written.stat().st_mtime_ns) == before


def test_a_refused_first_backend_makes_no_file(editor, path):
    with pytest.raises(SetupError):
        add_backend(editor, "new", {"provider": "nobody"})

    assert not path.exists()


def test_removing_what_is_not_there_is_an_error(editor, written):
    with pytest.raises(SetupError, match="there is no backend other"):
        editor.remove_backend("other")


def test_a_change_that_changes_nothing_writes_nothing(editor, written):
    before = written.stat().st_mtime_ns

    set_key(editor, ("port",), None)
    set_key(editor, ("port",), 4000)
    after_removal = written.read_text()
    again = written.stat().st_mtime_ns
    set_key(editor, ("port",), 4000)

    assert "port = 4000" in after_removal
    assert again != before
    assert written.stat().st_mtime_ns == again


def test_a_broken_file_is_not_edited(editor, written):
    written.write_text("port = ")

    with pytest.raises(SetupError, match="not valid TOML"):
        set_key(editor, ("port",), 1)

    assert written.read_text() == "port = "


def test_a_file_that_is_no_utf8_is_not_edited(editor, written):
    written.write_bytes(b"model = '\xff'")

    with pytest.raises(SetupError, match="not UTF-8"):
        set_key(editor, ("port",), 1)


def test_a_file_without_a_version_gets_one_when_it_is_edited(editor, written):
    written.write_text("# mine\nport = 1\n")

    set_key(editor, ("port",), 2)

    assert written.read_text() == "# mine\nport = 2\nversion = 1\n"


def test_edits_at_the_same_time_are_all_kept(editor, path):
    names = [f"b{number}" for number in range(6)]
    threads = [
        threading.Thread(target=add_backend, args=(editor, name, {"provider": "groq"})) for name in names
    ]

    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)

    assert sorted(load(path, {}).settings.backends) == names


def test_an_older_file_is_kept_as_it_was_when_it_is_first_edited(path, tmp_path):
    told = []
    editor = Editor(path, tmp_path / "run", lambda _: None, told.append)
    path.parent.mkdir()
    path.write_text("port = 4000 # mine\n")

    set_key(editor, ("port",), 4001)
    set_key(editor, ("port",), 4002)

    assert path.read_text() == "port = 4002 # mine\nversion = 1\n"
    assert [each.read_text() for each in path.parent.glob("config.toml.v0*")] == ["port = 4000 # mine\n"]
    assert len(told) == 1
    assert str(path.with_name("config.toml.v0")) in told[0]


def test_an_edit_that_is_refused_leaves_no_copy(path, tmp_path):
    editor = Editor(path, tmp_path / "run", lambda _: None)
    path.parent.mkdir()
    path.write_text("port = 4000\n")

    with pytest.raises(SetupError):
        set_key(editor, ("port",), "x")

    assert list(path.parent.iterdir()) == [path]


def test_a_file_of_today_is_not_touched(written, tmp_path):
    said = bring_up_to_date(written, tmp_path / "run")

    assert said is None
    assert written.read_text() == TEXT
    assert not (tmp_path / "run").exists()

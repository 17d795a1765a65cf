"""Folders, migration, the watch over the file, and the record of the running endpoint."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from pointsman.canon.errors import SetupError
from pointsman.config import endpoint_file
from pointsman.config.endpoint_file import (
    Endpoint,
    is_alive,
    read_endpoints,
    remove_endpoint,
    write_endpoint,
)
from pointsman.config.load import load
from pointsman.config.migrate import migrate_file
from pointsman.config.paths import find_paths, platform_cache
from pointsman.config.watch import Reloader, Watch

# Folders


def test_a_home_of_its_own_holds_everything(tmp_path):
    paths = find_paths({"POINTSMAN_HOME": str(tmp_path)})

    assert paths.config_file == tmp_path / "config.toml"
    assert {paths.data.parent, paths.cache.parent, paths.run.parent, paths.home} == {tmp_path}


def test_a_relative_home_and_one_with_a_tilde_are_made_absolute():
    assert find_paths({"POINTSMAN_HOME": "here"}).config == Path.cwd() / "here"
    assert find_paths({"POINTSMAN_HOME": "~/there"}).config == Path.home() / "there"


def test_without_a_home_the_platforms_folders_are_used(monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))

    paths = find_paths({"POINTSMAN_HOME": " "})

    assert paths.home is None
    assert "pointsman" in str(paths.config_file)
    assert paths.cache == platform_cache()
    assert len({paths.config, paths.data, paths.cache, paths.run}) == 4


# Migration


def test_a_file_without_version_is_marked_and_its_old_form_kept(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("# mine\nport = 1 # one\n\n[backends.a]\nprovider = 'x'\n")
    before = path.read_bytes()

    backup = migrate_file(path)
    again = migrate_file(path)

    assert backup.name == "config.toml.v0"
    assert backup.read_bytes() == before
    assert path.read_text() == "# mine\nport = 1 # one\nversion = 1\n\n[backends.a]\nprovider = 'x'\n"
    assert again is None


def test_a_second_backup_does_not_replace_the_first(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text("port = 1\n")
    migrate_file(path)
    path.write_text("port = 2\n")

    assert migrate_file(path).name == "config.toml.v0-2"


def test_nothing_is_migrated_where_there_is_no_file(tmp_path):
    assert migrate_file(tmp_path / "config.toml") is None


@pytest.mark.parametrize("data", [b"port = ", b"port = '\xff'", b"version = 7", b"version = 'x'"])
def test_what_cannot_be_migrated_stays_as_it_is(tmp_path, data):
    path = tmp_path / "config.toml"
    path.write_bytes(data)

    with pytest.raises(SetupError):
        migrate_file(path)

    assert path.read_bytes() == data
    assert list(tmp_path.glob("config.toml*")) == [path]


# The watch


def write(path, text):
    """Writes a file whose time stamp differs for certain."""
    path.write_text(text)
    write.tick += 1_000_000_000
    os.utime(path, ns=(write.tick, write.tick))


write.tick = 1_700_000_000_000_000_000


def test_a_change_is_seen_once(tmp_path):
    path = tmp_path / "config.toml"
    watch = Watch(path)
    seen = [watch.changed()]

    write(path, "port = 1")
    seen += [watch.changed(), watch.changed()]
    write(path, "port = 2")
    seen += [watch.changed(), watch.changed()]
    path.unlink()
    seen += [watch.changed(), watch.changed()]

    assert seen == [False, True, False, True, False, True, False]


def test_touching_a_file_or_writing_the_same_again_is_no_change(tmp_path):
    path = tmp_path / "config.toml"
    write(path, "port = 1")
    watch = Watch(path)

    write(path, "port = 1")

    assert not watch.changed()


def test_an_editor_that_puts_a_new_file_in_place_is_seen_though_size_and_time_are_the_same(tmp_path):
    path, new = tmp_path / "config.toml", tmp_path / "new"
    for file, text in ((path, "port = 1"), (new, "port = 2")):
        file.write_text(text)
        os.utime(file, ns=(write.tick, write.tick))
    watch = Watch(path)

    new.replace(path)

    assert watch.changed()


def test_a_broken_edit_keeps_the_old_configuration_and_says_why(tmp_path):
    path = tmp_path / "config.toml"
    write(path, "port = 1")
    reloader = Reloader(path, lambda: load(path, {}))

    quiet = reloader.poll()
    write(path, "prot = 2")
    broken = reloader.poll()
    still = reloader.poll()
    write(path, "port = 2")
    mended = reloader.poll()

    assert quiet is None
    assert broken.loaded is None
    assert "unknown key `prot`" in broken.error
    assert "stays in force" in broken.error
    assert still is None
    assert (mended.loaded.settings.port, mended.error) == (2, None)


# The record of the running endpoint


def endpoint(**facts):
    return Endpoint(
        **{
            "pid": os.getpid(),
            "host": "127.0.0.1",
            "port": 3456,
            "started": 1.5,
            "instance": "a",
            "key_required": True,
            **facts,
        }
    )


def test_a_running_endpoint_is_found_and_its_record_is_private(tmp_path):
    run = tmp_path / "run"

    write_endpoint(run, endpoint())

    assert read_endpoints(run) == [endpoint()]
    assert stat.S_IMODE((run / "endpoint.json").stat().st_mode) == 0o600
    assert stat.S_IMODE(run.stat().st_mode) == 0o700


def test_its_url_is_ready_for_use():
    assert endpoint().url == "http://127.0.0.1:3456"
    assert endpoint(host="::1").url == "http://[::1]:3456"


def test_no_record_no_endpoint(tmp_path):
    assert read_endpoints(tmp_path) == []


def test_a_record_whose_process_is_gone_is_stale(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    write_endpoint(tmp_path, endpoint(pid=process.pid))

    assert read_endpoints(tmp_path) == []


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b'{"pid": 1}', b"\xff"])
def test_a_record_that_is_none_is_ignored(tmp_path, data):
    (tmp_path / "endpoint.json").write_bytes(data)

    assert read_endpoints(tmp_path) == []


def test_only_its_own_endpoint_takes_the_record_back(tmp_path):
    write_endpoint(tmp_path, endpoint(instance="a"))

    remove_endpoint(tmp_path, "b")
    kept = read_endpoints(tmp_path)
    remove_endpoint(tmp_path, "a")
    remove_endpoint(tmp_path, "a")

    assert [each.instance for each in kept] == ["a"]
    assert not (tmp_path / "endpoint.json").exists()


@pytest.fixture
def first():
    """Another endpoint: a process that lives, and a port that takes connections."""
    code = "import socket; s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1]); input()"
    streams = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen([sys.executable, "-uc", code], **streams) as process:
        yield endpoint(pid=process.pid, port=int(process.stdout.readline()), instance="first")
        process.kill()


def test_a_second_endpoint_stands_beside_the_first(tmp_path, first):
    write_endpoint(tmp_path, first)

    place = write_endpoint(tmp_path, endpoint(instance="second"))

    assert place == tmp_path / "endpoint-second.json"
    assert stat.S_IMODE(place.stat().st_mode) == 0o600
    assert [each.instance for each in read_endpoints(tmp_path)] == ["first", "second"]


def test_each_endpoint_takes_back_its_own_record_alone(tmp_path, first):
    write_endpoint(tmp_path, first)
    write_endpoint(tmp_path, endpoint(instance="second"))

    remove_endpoint(tmp_path, "first")
    left = read_endpoints(tmp_path)
    remove_endpoint(tmp_path, "second")

    assert [each.instance for each in left] == ["second"]
    assert not list(tmp_path.glob("endpoint*.json"))


def test_the_oldest_that_is_left_takes_the_main_name(tmp_path, first):
    write_endpoint(tmp_path, first)
    for instance, started in (("third", 9.0), ("second", 7.0)):
        record = msgspec.json.encode(endpoint(instance=instance, started=started))
        (tmp_path / f"endpoint-{instance}.json").write_bytes(record)

    remove_endpoint(tmp_path, "first")
    left = sorted(path.name for path in tmp_path.glob("endpoint*.json"))

    assert read_endpoints(tmp_path)[0].instance == "second"
    assert stat.S_IMODE((tmp_path / "endpoint.json").stat().st_mode) == 0o600
    assert left == ["endpoint-third.json", "endpoint.json"]


@pytest.mark.skipif(os.geteuid() == 0 if hasattr(os, "geteuid") else True, reason="nothing is closed to root")
def test_a_folder_that_cannot_be_read_is_told_in_words(tmp_path):
    tmp_path.chmod(0)

    with pytest.raises(SetupError, match="cannot read"):
        read_endpoints(tmp_path)


def test_among_those_beside_the_oldest_is_taken(tmp_path):
    for instance, started in (("b", 9.0), ("a", 7.0), ("c", 8.0)):
        record = msgspec.json.encode(endpoint(instance=instance, started=started))
        (tmp_path / f"endpoint-{instance}.json").write_bytes(record)

    assert [each.instance for each in read_endpoints(tmp_path)] == ["a", "c", "b"]


def test_what_dead_ones_left_behind_is_cleared_away(tmp_path, first):
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    write_endpoint(tmp_path, endpoint(pid=process.pid, instance="dead"))
    (tmp_path / "endpoint-torn.json").write_bytes(b"{")
    reused = msgspec.json.encode(endpoint(pid=first.pid, port=1, instance="reused"))
    (tmp_path / "endpoint-reused.json").write_bytes(reused)

    write_endpoint(tmp_path, endpoint())

    assert [path.name for path in tmp_path.glob("endpoint*.json")] == ["endpoint.json"]
    assert read_endpoints(tmp_path) == [endpoint()]


def test_a_process_of_another_user_is_alive(monkeypatch):
    def refuse(*_):
        raise PermissionError

    monkeypatch.setattr(endpoint_file.os, "kill", refuse)

    assert is_alive(1)


@pytest.mark.parametrize("pid", [0, -1, 2**70])
def test_a_number_that_is_no_process_is_not_alive(pid):
    assert not is_alive(pid)


def test_on_windows_no_signal_is_sent(monkeypatch):
    monkeypatch.setattr(endpoint_file.os, "name", "nt")
    monkeypatch.delattr(endpoint_file.os, "kill")

    assert is_alive(1)


def test_nothing_here_needs_what_windows_lacks():
    code = (
        "import sys\n"
        "for name in ('fcntl', 'uvloop', 'grp', 'pwd', 'resource', 'termios'): sys.modules[name] = None\n"
        "import pointsman.accounts.vault, pointsman.accounts.lease, pointsman.config.assemble\n"
        "import pointsman.config.edit, pointsman.config.watch, pointsman.config.endpoint_file\n"
        "heavy = {'tomlkit', 'keyring', 'httptools', 'sqlite3'} & set(sys.modules)\n"
        "print(sorted(heavy))\n"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() in {"[]", "['sqlite3']"}

"""Private files: whole, and their owner's alone."""

import os
import stat

import pytest

from pointsman.canon.errors import SetupError
from pointsman.store import files
from pointsman.store.files import (
    free_name,
    make_folder,
    make_private,
    read_optional,
    remove,
    set_aside,
    write_private,
)


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


class Interrupted(BaseException):
    """Stands for whatever may stop a process."""


def test_a_written_file_is_readable_by_its_owner_only(tmp_path):
    target = tmp_path / "deep" / "folder" / "file"

    write_private(target, b"data")

    assert target.read_bytes() == b"data"
    assert mode(target) == 0o600
    assert mode(target.parent) == mode(target.parent.parent) == 0o700


def test_rewriting_narrows_a_file_that_others_could_read(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    target.chmod(0o644)

    write_private(target, b"new")

    assert mode(target) == 0o600


@pytest.mark.parametrize("step", ["fdopen", "fsync", "replace"])
@pytest.mark.parametrize("old", [None, b"old"])
def test_a_write_that_is_interrupted_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, old):
    target = tmp_path / "file"
    if old is not None:
        target.write_bytes(old)
    real_fdopen = os.fdopen

    def interrupt(*given, **options):
        if step == "fdopen":
            real_fdopen(*given, **options).close()
        raise Interrupted

    monkeypatch.setattr(files.os, step, interrupt)
    with pytest.raises(Interrupted):
        write_private(target, b"new")
    monkeypatch.undo()

    assert read_optional(target) == old
    assert [path.name for path in tmp_path.iterdir()] == ([] if old is None else ["file"])


def test_an_interruption_after_the_rename_leaves_the_new_file(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_bytes(b"old")
    real_open = os.open

    def interrupt(path, flags, *rest, **options):
        if path == tmp_path:
            raise Interrupted
        return real_open(path, flags, *rest, **options)

    monkeypatch.setattr(files.os, "open", interrupt)
    with pytest.raises(Interrupted):
        write_private(target, b"new")

    assert target.read_bytes() == b"new"


def test_a_full_disk_is_named_and_changes_nothing(tmp_path, monkeypatch):
    target = tmp_path / "file"
    target.write_bytes(b"old")

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(files.os, "fsync", full)
    with pytest.raises(SetupError, match=r"No space left on device.*unchanged"):
        write_private(target, b"new")

    assert target.read_bytes() == b"old"


def test_a_symbolic_link_is_followed(tmp_path):
    real = tmp_path / "dotfiles"
    real.write_bytes(b"old")
    link = tmp_path / "config.toml"
    link.symlink_to(real)

    write_private(link, b"new")

    assert link.is_symlink()
    assert real.read_bytes() == b"new"


def test_a_folder_of_the_user_keeps_its_mode_and_a_private_one_is_narrowed(tmp_path):
    shared, own = tmp_path / "shared", tmp_path / "own"
    shared.mkdir(mode=0o755)
    own.mkdir(mode=0o755)

    make_folder(shared)
    make_private(own)

    assert mode(shared) == 0o755
    assert mode(own) == 0o700


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path):
    (tmp_path / "file").write_bytes(b"")

    with pytest.raises(SetupError, match="cannot make the folder"):
        make_folder(tmp_path / "file" / "folder")


def test_a_folder_that_cannot_be_narrowed_is_a_clear_error(tmp_path, monkeypatch):
    folder = tmp_path / "folder"
    folder.mkdir(mode=0o755)

    def refuse(*_):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(type(folder), "chmod", refuse)

    with pytest.raises(SetupError, match=r"cannot make .* private: Operation not permitted"):
        make_private(folder)


def test_an_absent_file_reads_as_none_and_a_folder_as_an_error(tmp_path):
    assert read_optional(tmp_path / "absent") is None
    with pytest.raises(SetupError, match="cannot read"):
        read_optional(tmp_path)


def test_removing_twice_is_fine_and_removing_a_folder_is_an_error(tmp_path):
    target = tmp_path / "file"
    target.write_bytes(b"")

    remove(target)
    remove(target)

    assert not target.exists()
    with pytest.raises(SetupError, match="cannot remove"):
        remove(tmp_path)


def test_a_file_is_set_aside_under_a_free_name(tmp_path):
    target = tmp_path / "file"
    (tmp_path / "file.bad").write_bytes(b"first")
    target.write_bytes(b"second")

    kept = set_aside(target, "bad")

    assert kept.name == "file.bad-2"
    assert kept.read_bytes() == b"second"
    assert not target.exists()
    assert free_name(target, "bad").name == "file.bad-3"


def test_setting_an_absent_file_aside_is_an_error(tmp_path):
    with pytest.raises(SetupError, match="cannot set"):
        set_aside(tmp_path / "absent", "bad")


def test_folders_are_not_synced_where_the_system_cannot(tmp_path, monkeypatch):
    opened = []
    monkeypatch.setattr(files.os, "name", "nt")
    monkeypatch.setattr(files.os, "open", lambda *given: opened.append(given))

    files._sync_folder(tmp_path)

    assert opened == []

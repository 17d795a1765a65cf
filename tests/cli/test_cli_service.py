"""`pointsman service`: the files it writes and the commands it runs, over a manager that only takes notes."""

import json
import os
import plistlib
import sys

import pytest

from pointsman.cli.session import launchd, systemd

SERVE = ("/opt/point man/pointsman", "serve")


@pytest.fixture
def systemctl(tmp_path, monkeypatch):
    """A systemctl that writes down what it was asked, and fails where a file says so."""
    folder = tmp_path / "bin"
    folder.mkdir()
    notes = tmp_path / "notes"
    tool = folder / "systemctl"
    broken = f"[ ! -e {tmp_path}/fail ] || {{ echo no bus >&2; exit 1; }}"
    tool.write_text(f'#!/bin/sh\necho "$*" >> {notes}\n{broken}\n')
    tool.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setattr(sys, "platform", "linux")
    notes.touch()
    return notes


@pytest.fixture
def unit(tmp_path):
    return tmp_path / "config" / "systemd" / "user" / "pointsman.service"


def test_the_unit_is_printed_without_installing_anything(cli, systemctl, unit, home):
    text = cli("service", "install", "--print").out

    assert f'Environment="POINTSMAN_HOME={home}"' in text
    assert 'pointsman" "serve"' in text
    assert not unit.exists()
    assert systemctl.read_text() == ""


def test_installing_writes_the_unit_and_starts_it(cli, systemctl, unit):
    result = cli("service", "install")

    assert result.status == 0
    assert unit.stat().st_mode & 0o777 == 0o644
    assert "--user daemon-reload\n--user enable --now pointsman.service" in systemctl.read_text()
    assert "no variables of your shell" in result.out


def test_status_tells_whether_it_is_installed(cli, systemctl):
    before = cli("service", "status")
    cli("service", "install")

    assert before.status == 1
    assert cli("service", "status").status == 0


def test_a_machine_reads_whether_it_runs(cli, systemctl, unit):
    before = cli("service", "status", "--json")
    cli("service", "install")
    after = cli("service", "status", "--json")

    assert (before.status, json.loads(before.out)["installed"]) == (1, False)
    assert (after.status, json.loads(after.out)) == (
        0,
        {"installed": True, "running": True, "file": str(unit)},
    )


def test_removing_stops_it_and_takes_the_unit_away(cli, systemctl, unit):
    cli("service", "install")

    result = cli("service", "remove")

    assert result.status == 0
    assert not unit.exists()
    assert "disable --now pointsman.service" in systemctl.read_text()
    assert cli("service", "remove").status == 0


def test_a_manager_that_refuses_is_quoted_and_nothing_stays(cli, systemctl, unit, tmp_path):
    (tmp_path / "fail").touch()

    result = cli("service", "install")

    assert result.status == 1
    assert "no bus" in result.err
    assert "was removed again" in result.err
    assert not unit.exists()


def test_a_unit_that_stood_there_stays_where_a_new_one_is_refused(cli, systemctl, unit, tmp_path):
    unit.parent.mkdir(parents=True)
    unit.write_text("# mine\n")
    (tmp_path / "fail").touch()

    result = cli("service", "install")

    assert "again as it was before" in result.err
    assert unit.read_text() == "# mine\n"


def test_where_there_is_no_manager_it_says_so(cli, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))

    for name in ("install", "remove", "status"):
        result = cli("service", name)
        assert result.status == 2
        assert "systemd" in result.err


def test_systemd_takes_paths_literally(monkeypatch):
    text = systemd(SERVE, {"POINTSMAN_HOME": '/home/100% "mine"'}).text

    assert 'ExecStart="/opt/point man/pointsman" "serve"' in text
    assert r'Environment="POINTSMAN_HOME=/home/100%% \"mine\""' in text


def test_launchd_gets_a_property_list():
    session = launchd(SERVE, {"POINTSMAN_HOME": "/home/a&b"})

    job = plistlib.loads(session.text.encode())

    assert job["ProgramArguments"] == list(SERVE)
    assert job["EnvironmentVariables"] == {"POINTSMAN_HOME": "/home/a&b"}
    assert session.file.name == "pointsman.plist"

"""The installation: versions, the configuration and where its values come from, who may read its folders."""

import os
import platform
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

from pointsman.app import VERSION
from pointsman.canon.errors import SetupError
from pointsman.cli.checks.finding import Finding
from pointsman.cli.sign_ins import kept_facts
from pointsman.config.load import Effective, load
from pointsman.config.paths import Paths, find_paths
from pointsman.config.show import explain

PRIVATE = 0o077
"""What nobody but the owner may have."""


def versions() -> Finding:
    """Of pointsman, Python and the system."""
    said = (
        f"pointsman {VERSION}, Python {platform.python_version()}, {platform.system()} {platform.machine()}"
    )
    return Finding("ok", "versions", said, facts={"pointsman": VERSION, "python": sys.version.split()[0]})


def configuration(environment: Mapping[str, str]) -> tuple[Finding, Effective | None]:
    """Whether the file loads, and which values are not as usual."""
    file = find_paths(environment).config_file
    try:
        effective = load(file, environment)
    except SetupError as error:
        return Finding(
            "fail", "configuration", error.message, f"correct {file}, then `pointsman config check`"
        ), None
    sources = {
        _table(key): each.source for key, each in explain(effective).items() if each.source != "default"
    }
    there = str(file) if file.exists() else f"{file} (not there yet)"
    told = ", ".join(f"{key} from {source}" for key, source in sorted(sources.items())[:12])
    said = there if not told else f"{there}; {told}"
    if effective.warnings:
        return Finding(
            "warn", "configuration", "; ".join(effective.warnings), "`pointsman config`"
        ), effective
    return Finding("ok", "configuration", said, facts={"file": str(file), "sources": sources}), effective


def _table(key: str) -> str:
    """A value's key; of what stands in a table, the table's."""
    return ".".join(key.split(".")[:2])


def folders(paths: Paths) -> Iterator[Finding]:
    """Who may read what is private."""
    kept = (paths.data, paths.run, *_files(paths.data), *_files(paths.run))
    wrong = [path for path in kept if path.exists() and os.name != "nt" and path.stat().st_mode & PRIVATE]
    if not wrong:
        yield Finding("ok", "folders", f"{paths.data}, {paths.run}: for you alone")
    for path in wrong:
        mode = f"{path.stat().st_mode & 0o777:o}"
        yield Finding(
            "warn",
            "folders",
            f"others may read {path} (mode {mode})",
            f"chmod {'700' if path.is_dir() else '600'} {path}",
        )


def _files(folder: Path) -> list[Path]:
    try:
        return [each for each in sorted(folder.iterdir()) if each.is_file()]
    except OSError:
        return []


def sign_ins() -> Iterator[Finding]:
    """Who is signed in, and whether that still holds."""
    for each in kept_facts():
        about = f"sign-in {each['provider']}"
        if each["ended"]:
            yield Finding("fail", about, str(each["ended"]), f"`{each['sign_in_again']}`")
        else:
            yield Finding("ok", about, f"{each['who']}, its token until {each['until']}")

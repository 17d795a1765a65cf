"""The configuration: where it is, whether it loads, and where each value that is set comes from."""

from collections.abc import Iterator

from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.cli.checks.scene import Scene
from pointsman.cli.config import worth_showing
from pointsman.config.load import DEFAULT

MEND = "correct the file, then `pointsman config check`"


def check(scene: Scene) -> Iterator[Finding]:
    """One line for the file, one for each value that somebody set."""
    file = scene.paths.config_file
    if scene.broken is not None:
        yield fail("config", scene.broken, MEND)
    if scene.effective is None:
        return
    if scene.broken is None:
        yield ok("config", f"{file} loads" if file.exists() else f"{file} is not there; defaults hold")
    for warning in scene.effective.warnings:
        yield warn("config", warning, "`pointsman config` shows every setting")
    for key, each in worth_showing(scene.effective):
        usual = each.value is None or each.value in ("", (), {}, [])
        if each.source != DEFAULT and key != "version" and not usual:
            yield ok(f"config {key}", f"{each.value} (from {each.source})")
    if scene.status is not None:
        yield from (warn("endpoint", each, MEND) for each in scene.status.get("warnings", ()))

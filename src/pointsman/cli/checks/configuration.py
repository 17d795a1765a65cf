"""The configuration: where it is, whether it loads, and where each value that is set comes from."""

from collections.abc import Iterator

from pointsman.cli.checks.finding import Finding, fail, ok, warn
from pointsman.cli.checks.scene import Scene
from pointsman.cli.config import worth_showing
from pointsman.config.load import DEFAULT

MEND = "correct the file, then `pointsman config check`"

FILE = "`pointsman ledger path` names the file; look at its disk, and at who else has it open"
MENDS = (
    ("is halted", "`pointsman resume`, once you know why"),
    ("you do not pay for", "put it among `pays_for`, or ask for other models; then `pointsman resume`"),
    ("price of", 'set it under `[prices."MODEL"]`, then `pointsman config check`'),
    ("POINTSMAN_API_KEY is not set", "set it where the endpoint starts, and start it again"),
    ("client-keys.json", "`pointsman keys list` says what is wrong with the file"),
    ("next start", "start the endpoint again"),
    ("restart it", "start the endpoint again, and report what its log says"),
    ("left no record", FILE),
    ("ledger.db", FILE),
    ("is for key", "`pointsman keys list` shows the names; correct the budget's `key`"),
    ("stays in force", MEND),
    ("`guard", MEND),
    ("`default`", MEND),
)
"""Words of the endpoint's warnings, and what mends what they tell; the first that fits."""


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
        yield from (warn("endpoint", each, _mend(each)) for each in scene.status.get("warnings", ()))


def _mend(warning: str) -> str:
    return next((mend for words, mend in MENDS if words in warning), "`pointsman status`, and the log")

"""The machine: pointsman's version, Python, the platform."""

import platform
import sys
from collections.abc import Iterator

from pointsman.app import VERSION
from pointsman.cli.checks.finding import Finding, ok, warn
from pointsman.cli.checks.scene import Scene


def check(scene: Scene) -> Iterator[Finding]:
    """What a report begins with."""
    others = sorted({each.version for each in scene.endpoints} - {VERSION})
    if others:
        why = f"{VERSION} here, and {', '.join(others)} is running"
        yield warn("version", why, "stop the endpoint, then `pointsman serve`")
    else:
        yield ok("version", f"pointsman {VERSION}")
    yield ok("python", f"{platform.python_implementation()} {platform.python_version()} at {sys.executable}")
    yield ok("platform", f"{platform.system()} {platform.release()} on {platform.machine()}")

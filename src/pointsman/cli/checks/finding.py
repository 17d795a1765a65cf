"""A finding: one line of the doctor's report."""

from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct, structs

Level: TypeAlias = Literal["ok", "warn", "fail"]


class Finding(Struct, frozen=True):
    """What was found, and what to do about it."""

    level: Level
    what: str
    """What was looked at: `port`, `backend desk`."""
    why: str
    """One clause."""
    mend: str | None = None
    """The command that mends it, or what else does."""


def ok(what: str, why: str) -> Finding:
    """All is well."""
    return Finding("ok", what, why)


def warn(what: str, why: str, mend: str | None = None) -> Finding:
    """It works, and should be looked at."""
    return Finding("warn", what, why, mend)


def fail(what: str, why: str, mend: str | None = None) -> Finding:
    """It does not work."""
    return Finding("fail", what, why, mend)


def without_secrets(finding: Finding, redact: Callable[[str], str]) -> Finding:
    """The same as it may be pasted anywhere."""
    mend = None if finding.mend is None else redact(finding.mend)
    return structs.replace(finding, what=redact(finding.what), why=redact(finding.why), mend=mend)

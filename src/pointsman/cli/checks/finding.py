"""A finding: one line of the doctor's report."""

from collections.abc import Iterable
from typing import Literal, TypeAlias

from msgspec import Struct, structs

from pointsman.wire.secrets import mask, mask_alike

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


def without_secrets(finding: Finding, secrets: Iterable[str]) -> Finding:
    """The same as it may be pasted anywhere: without known secrets, and what looks like one."""
    known = tuple(secrets)
    mend = None if finding.mend is None else mask(finding.mend, known)
    why = mask_alike(mask(finding.why, known))
    return structs.replace(finding, what=mask(finding.what, known), why=why, mend=mend)

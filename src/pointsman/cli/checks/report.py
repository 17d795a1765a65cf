"""The report: findings as lines to paste, or as JSON."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence

import click

from pointsman.canon.json import Json
from pointsman.cli import exit_codes
from pointsman.cli.checks.finding import Finding, without_secrets
from pointsman.cli.checks.scene import Scene
from pointsman.cli.checks.table import Check
from pointsman.cli.output import note, one_line, print_json

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


def gather(scene: Scene, checks: Sequence[tuple[str, Check]], *, quiet: bool) -> Iterator[Finding]:
    """Every finding, without secrets, as each is made; on standard error stands what is looked at."""
    for title, check in checks:
        if not quiet:
            note(f"looking at {title} …")
        yield from (without_secrets(each, scene.redact) for each in check(scene))


def show(findings: Iterable[Finding], *, as_json: bool) -> int:
    """Prints them, and gives the exit status."""
    found: list[Finding] = []
    for each in findings:
        found.append(each)
        if not as_json:
            click.echo(line(each))
    counts = Counter(each.level for each in found)
    if as_json:
        print_json({"counts": _counts(counts), "findings": [_facts(each) for each in found]})
    else:
        click.echo(f"\n{counts['ok']} ok, {counts['warn']} to look at, {counts['fail']} failed")
    return exit_codes.FAILED if counts["fail"] else exit_codes.OK


def line(finding: Finding) -> str:
    """One line, two where there is something to do."""
    level = click.style(f"{finding.level:<4}", fg=COLOURS[finding.level])
    words = f"{level}  {one_line(finding.what)}: {one_line(finding.why)}"
    return words if finding.mend is None else f"{words}\n      → {one_line(finding.mend)}"


def _counts(counts: "Counter[str]") -> Json:
    return {level: counts[level] for level in COLOURS}


def _facts(finding: Finding) -> Json:
    return {"level": finding.level, "what": finding.what, "why": finding.why, "mend": finding.mend}

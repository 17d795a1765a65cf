"""The public conformance suites: how each is run against an address, and what its report says."""

import json
import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

ROOT = Path(__file__).parent.parent
BINARIES = ROOT / ".venv" / "bin"
CLIENTS = ROOT / ".cache" / "clients" / "node_modules"
FORMATS = ("openai-chat", "anthropic", "open-responses", "google-genai")
"""llm-comply has `google-interactions` too, an API that pointsman does not speak."""
PROFILES = ("chat", "modern")
TAKES_AT_MOST = 600.0
"""Seconds; the embedded model is slow where it shares its processors."""

Report = Mapping[str, Any]


@dataclass(frozen=True)
class Case:
    """One case of a suite, and how it ended."""

    name: str
    passed: bool
    why: str = ""
    """What the suite complains about, or why it left the case out."""


@dataclass(frozen=True)
class Suite:
    """One suite in one of its formats."""

    name: str
    command: Callable[[str, str], Sequence[str | Path]]
    """(address without a path, model) → what to run."""
    read: Callable[[Report], list[Case]]
    folder: Path = ROOT
    """Where it is run."""
    choose: str = ""
    """The option that names one case, for a suite that starts all of them at once."""

    def run(self, address: str, model: str) -> list[Case]:
        """Every case; where all start at once, one that failed has a second try by itself.

        Raises RuntimeError where the suite itself does not run.
        """
        cases = self._report(self.command(address, model))
        if not self.choose:
            return cases
        return [case if case.passed else self._alone(case, address, model) for case in cases]

    def _alone(self, case: Case, address: str, model: str) -> Case:
        return self._report((*self.command(address, model), self.choose, case.name))[0]

    def _report(self, command: Sequence[str | Path]) -> list[Case]:
        finished = subprocess.run(
            command,
            cwd=self.folder,
            env=_environment(),
            capture_output=True,
            timeout=TAKES_AT_MOST,
            check=False,
        )
        try:
            return self.read(json.loads(finished.stdout))
        except (ValueError, KeyError) as error:
            told = (finished.stderr or finished.stdout).decode(errors="replace").strip()
            raise RuntimeError(f"{self.name} has no report to read: {told[-400:]}") from error


def suites(open_responses: Path | None) -> list[Suite]:
    """All of them; Open Responses from a copy of its repository, if there is one."""
    found = [_llm_comply(each) for each in FORMATS] + [_compatcanary(each) for each in PROFILES]
    return found if open_responses is None else [*found, _open_responses(open_responses)]


def _environment() -> dict[str, str]:
    """This process's, without proxies, and with WebSockets in every Node."""
    kept = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    return {**kept, "NODE_OPTIONS": "--experimental-websocket"}


def _llm_comply(format: str) -> Suite:
    def command(address: str, model: str) -> Sequence[str | Path]:
        place = ("--base-url", f"{address}/v1", "--api-key", "pointsman", "--model", model)
        return [BINARIES / "llm-comply", "--format", format, *place, "--json"]

    return Suite(f"llm-comply, `{format}`", command, _listed)


def _compatcanary(profile: str) -> Suite:
    def command(address: str, model: str) -> Sequence[str | Path]:
        program = (BINARIES / "node", CLIENTS / ".bin" / "compatcanary", "scan")
        place = ("--base-url", f"{address}/v1", "--api-key", "pointsman", "--model", model)
        return [*program, *place, "--profile", profile, "--format", "json", "--fail-on", "never"]

    return Suite(f"compatcanary, `{profile}`", command, _scored)


def _open_responses(copy: Path) -> Suite:
    """Its copy holds `bin/compliance-test.ts`; tsx and zod are installed in it or in the folder around it."""
    folders = (copy / "node_modules", copy.parent / "node_modules")
    runner = next((folder / ".bin" / "tsx" for folder in folders if (folder / ".bin" / "tsx").exists()), None)
    if runner is None or not (copy / "bin" / "compliance-test.ts").exists():
        raise RuntimeError(
            f"{copy} holds no Open Responses suite that can run: it needs bin/compliance-test.ts, and tsx "
            "and zod@3 from npm in it or in the folder around it"
        )

    def command(address: str, model: str) -> Sequence[str | Path]:
        place = ("--base-url", f"{address}/v1", "--api-key", "pointsman", "--model", model)
        return [BINARIES / "node", runner, "bin/compliance-test.ts", *place, "--json"]

    return Suite("Open Responses", command, _listed, copy, "--filter")


def _listed(report: Report) -> list[Case]:
    """Of a report whose results list their errors."""
    return [
        Case(each["id"], each["status"] == "passed", _line(each.get("errors")))
        for each in cast("list[Report]", report["results"])
    ]


def _scored(report: Report) -> list[Case]:
    """Of compatcanary's report."""
    return [
        Case(each["id"], each["status"] == "pass", str(each.get("summary", "")))
        for each in cast("list[Report]", report["results"])
    ]


def _line(errors: object) -> str:
    """The first complaint, in one line."""
    found = cast("list[object]", errors) if isinstance(errors, list) else []
    return " ".join(str(found[0]).split())[:160] if found else ""

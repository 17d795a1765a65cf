"""Holds the exceptions to the rules to the places where they belong, each with its reason.

Two modules may catch every exception: the endpoint and the tap. A `noqa` or an ignored type error names its
rule and says why. The pure packages ask no clock; import-linter holds what they import.
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

BORDERS = 2
PURE = frozenset({"canon", "wire", "dialects", "routing", "catalog"})

_WAIVER = re.compile(r"#\s*(noqa|type:\s*ignore|pyright:\s*ignore)(?P<rest>.*)")
_RULE = re.compile(r"^(:\s*[A-Z]+\d+(,\s*[A-Z]+\d+)*|\[[\w-]+(,\s*[\w-]+)*\])")


def broad_excepts(source: str) -> Iterator[int]:
    """The lines whose clause catches every exception and does not raise it again."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ExceptHandler) and _is_broad(node.type) and not _raises_again(node):
            yield node.lineno


def _is_broad(caught: ast.expr | None) -> bool:
    kinds = caught.elts if isinstance(caught, ast.Tuple) else [caught]
    return any(
        kind is None or (isinstance(kind, ast.Name) and kind.id in {"Exception", "BaseException"})
        for kind in kinds
    )


def _raises_again(node: ast.ExceptHandler) -> bool:
    last = node.body[-1]
    return isinstance(last, ast.Raise) and last.exc is None


def bare_waivers(source: str) -> Iterator[int]:
    """The lines whose waiver names no rule, or gives no reason."""
    for number, line in enumerate(source.splitlines(), 1):
        waiver = _WAIVER.search(line)
        if waiver and not _is_reasoned(waiver["rest"]):
            yield number


def _is_reasoned(rest: str) -> bool:
    rule = _RULE.match(rest)
    return rule is not None and rest[rule.end() :].strip(" #-:") != ""


def clock_reads(source: str) -> Iterator[int]:
    """The lines that ask the clock by way of `datetime`."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Attribute)
            and node.attr in {"now", "utcnow", "today"}
            and ast.unparse(node.value).rpartition(".")[2] in {"datetime", "date"}
        ):
            yield node.lineno


def main(folder: str) -> int:
    """Prints every complaint about the modules below `folder`; the exit status."""
    broad: dict[Path, list[int]] = {}
    found: list[str] = []
    for path in sorted(Path(folder).rglob("*.py")):
        source = path.read_text()
        broad[path] = list(broad_excepts(source))
        found += [f"{path}:{line}: a waiver without its rule or its reason" for line in bare_waivers(source)]
        if PURE & set(path.parts):
            found += [f"{path}:{line}: asks the clock in a pure package" for line in clock_reads(source)]
    borders = {path: lines for path, lines in broad.items() if lines}
    if len(borders) > BORDERS:
        found += [
            f"{path}:{line}: catches every exception" for path, lines in borders.items() for line in lines
        ]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else "src"))

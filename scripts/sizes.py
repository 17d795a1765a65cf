"""Holds modules and functions to their largest size; there is no list of exceptions."""

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

MODULE_LINES = 400
TEST_MODULE_LINES = 600
FUNCTION_LINES = 40


def complaints(path: Path, source: str) -> Iterator[str]:
    """What is too large in one module, as `path:line: what`."""
    limit = TEST_MODULE_LINES if "tests" in path.parts else MODULE_LINES
    lines = source.count("\n")
    if lines > limit:
        yield f"{path}:1: the module has {lines} lines, {limit} are allowed: find the second noun in it"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            if length > FUNCTION_LINES:
                yield (
                    f"{path}:{node.lineno}: `{node.name}` has {length} lines, {FUNCTION_LINES} are allowed: "
                    "find the missing concept, or make it a table"
                )


def main(folders: list[str]) -> int:
    """Prints every complaint about the modules below `folders`; the exit status."""
    found = [
        line
        for folder in folders
        for path in sorted(Path(folder).rglob("*.py"))
        for line in complaints(path, path.read_text())
    ]
    print(*found, sep="\n", end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["src", "tests", "scripts", "bench"]))

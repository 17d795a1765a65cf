"""No literal equal to a provider's or dialect's name outside the data, its own folder and its auth file."""

import ast
from pathlib import Path

import pointsman
from pointsman.config import shipped

SOURCE = Path(pointsman.__file__).parent
DIALECTS = {name for row in shipped.providers().values() for name in row.dialects}
VENDORS = {name for name, row in shipped.providers().items() if not row.engine}
"""The model inside pointsman is no vendor: its row is found by `engine`; `embedded` is a plain word."""
NAMES = VENDORS | DIALECTS


def own_names(path):
    """The names that a file may say: its dialect folder's, or its auth scheme's."""
    room, *rest = path.relative_to(SOURCE).parts
    if room == "dialects" and len(rest) > 1:
        return {rest[0]}
    return {path.stem, path.stem.replace("_", "-")} if (room, *rest[:1]) == ("accounts", "auth") else set()


def literals(path):
    tree = ast.parse(path.read_text(encoding="utf-8"))
    return [node for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)]


def test_no_file_says_a_vendors_or_dialects_name_that_is_not_its_own():
    files = [path for path in SOURCE.rglob("*.py") if path.parent.name != "catalog"]

    found = [
        f"{path.relative_to(SOURCE)}:{node.lineno}: {node.value!r}"
        for path in files
        for node in literals(path)
        if node.value in NAMES - own_names(path)
    ]

    assert found == []

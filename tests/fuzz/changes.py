"""Changes to a message that keep it readable: of JSON one value, of a stream one frame.

A fuzzer that changes bytes breaks the JSON nearly every time, and then sees nothing of what reads it.
"""

import ast
import json
import random
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pointsman

Raw = Callable[[bytes], bytes]
"""The fuzzer's own change to bytes."""

_ROOT = Path(pointsman.__file__).parent
_ODD = (None, True, False, 0, -1, 1.5, 1e308, 10**30, "", "\ud83d", "\x00", [], {}, [None], {"": ""})


@cache
def words() -> tuple[str, ...]:
    """Every string in the dialects' sources: names of fields, types and their values."""
    found = set[str]()
    for path in sorted((_ROOT / "dialects").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and " " not in node.value:
                found.add(node.value)
    return tuple(sorted(found))


def change_json(data: bytes, chance: random.Random, raw: Raw) -> bytes:
    """JSON with a value, a name or a place changed; other bytes as the fuzzer likes."""
    try:
        value = json.loads(data)
    except (ValueError, RecursionError):
        return raw(data)
    for _ in range(chance.choice((1, 1, 2, 4))):
        value = _changed(value, chance, raw)
    return _written(value)


def change_stream(data: bytes, chance: random.Random, raw: Raw) -> bytes:
    """A stream with one frame changed, repeated, moved or left out; one that is an array, as JSON."""
    if data[:1] == b"[":
        return change_json(data, chance, raw)
    text = data.replace(b"\r\n", b"\n")
    frames = text.split(b"\n\n")
    at = chance.randrange(len(frames))
    match chance.randrange(8):
        case 0:
            frames.insert(chance.randrange(len(frames)), frames[at])
        case 1:
            frames.pop(at)
        case 2:
            frames.insert(chance.randrange(len(frames)), frames.pop(at))
        case 3:
            frames[at] = raw(frames[at])
        case _:
            head, mark, body = frames[at].partition(b"data: ")
            frames[at] = head + mark + change_json(body, chance, raw) if mark else raw(frames[at])
    return b"\n\n".join(frames)


def _written(value: Any) -> bytes:
    """The value as JSON; half a surrogate pair as an escape."""
    try:
        return json.dumps(value).encode()
    except RecursionError:
        return b"null"


def _changed(value: Any, chance: random.Random, raw: Raw) -> Any:
    found = list(places(value))
    if not found:
        return _leaf(chance)
    holder, key = chance.choice(found)
    match chance.randrange(9):
        case 0:
            del holder[key]
        case 1:
            holder[key] = {} if chance.random() < 0.5 else [holder[key], holder[key]]
        case 2:
            other, name = chance.choice(found)
            holder[key] = json.loads(_written(other[name]))
        case 3 if isinstance(holder, dict):
            holder[chance.choice(words())] = holder.pop(key)
        case 3 | 4 if isinstance(holder, list):
            holder.insert(key, json.loads(_written(chance.choice(found)[0])))
        case 4:
            holder[chance.choice(words())] = _leaf(chance)
        case 5 if isinstance(holder[key], str):
            holder[key] = raw(holder[key].encode("utf-8", "surrogatepass")).decode("utf-8", "replace")
        case 6:
            holder[key] = chance.choice(words())
        case _:
            holder[key] = _leaf(chance)
    return value


def _leaf(chance: random.Random) -> Any:
    return chance.choice(words()) if chance.random() < 0.3 else json.loads(json.dumps(chance.choice(_ODD)))


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """(container, key) of every value in it."""
    waiting = [value]
    while waiting:
        holder = waiting.pop()
        if isinstance(holder, dict | list):
            for key in holder if isinstance(holder, dict) else range(len(holder)):
                yield holder, key
                waiting.append(holder[key])


CHANGES: dict[str, Callable[[bytes, random.Random, Raw], bytes]] = {
    "json": change_json,
    "stream": change_stream,
    "bytes": lambda data, _, raw: raw(data),
}
"""By the shape of what a target reads."""
